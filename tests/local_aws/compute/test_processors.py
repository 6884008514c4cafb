"""The processor that functions and their callers share, where there are two."""

import json
import os
import subprocess
import sys

import pytest

from local_aws.compute.processors import chosen

PROGRAM = """
import json, os, subprocess, sys, threading
os.sched_setaffinity(0, {allowed})
from local_aws.compute.processors import keep_process, keep_thread
seen = {{}}
def kept():
    keep_thread()
    seen["thread"] = sorted(os.sched_getaffinity(0))
thread = threading.Thread(target=kept)
thread.start()
thread.join()
seen["server"] = sorted(os.sched_getaffinity(0))
with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as function:
    keep_process(function.pid)
    seen["function"] = sorted(os.sched_getaffinity(function.pid))
    function.stdin.close()
print(json.dumps(seen))
"""


@pytest.mark.parametrize(
    ("processors", "number", "shared"),
    [({0, 1}, 6, {0}), ({0, 1}, 7, {1}), ({5, 2}, 0, {2}), ({0}, 0, None), ({0, 1, 2, 3}, 0, None)],
)
def test_one_of_two_processors_is_shared(processors: set[int], number: int, shared: set[int] | None) -> None:
    assert chosen(processors, number) == shared


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system places processes itself")
@pytest.mark.parametrize("count", [1, 2])
def test_a_function_and_its_callers_share_a_processor_and_the_server_keeps_all(count: int) -> None:
    allowed = sorted(os.sched_getaffinity(0))[:count]
    if len(allowed) < count:
        pytest.skip("there is one processor")
    program = [sys.executable, "-c", PROGRAM.format(allowed=allowed)]
    seen = json.loads(subprocess.run(program, capture_output=True, check=True, text=True).stdout)
    assert seen["server"] == allowed
    assert seen["function"] == seen["thread"]
    assert len(seen["thread"]) == 1
