"""Large models of every kind take what the budget counts for them, while they are loaded and afterwards."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.container.control_group import limited
from support.container.large import ALGORITHMS as LARGE
from support.container.large import save_large
from support.container.server import serving
from support.container.tables import MODELS, TASKS

MIB = 1 << 20
SIZE = 24 * MIB

# Loads a model with no more memory than is counted for it, and a little for the interpreter.
LOAD = """
import resource, sys
import numpy, orjson
from tabular.serving.models import Models, needed_bytes
held, url, slack = Models(), sys.argv[1], 6 << 20
used = next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData"))
limit = used + needed_bytes(url) + slack
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
held.load("one", url)
"""


@pytest.fixture(scope="module", params=LARGE)
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    save_large(folder, request.param, SIZE)
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of data")
def test_loading_takes_no_more_than_is_counted(large: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LOAD, large], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_server_refuses_in_a_small_container_what_would_have_it_killed(
    large: Path, tmp_path: Path
) -> None:
    limit = 200 * MIB
    budget = limit * 3 // 4 - 60 * MIB  # as memory.budget counts
    with serving(tmp_path, SERVE_MEMORY_BYTES=str(budget)) as server, limited(server.process.pid, limit):
        statuses = [server.load(str(number), large).status for number in range(6)]
        fits = budget // SIZE
        assert statuses == [200] * fits + [507] * (6 - fits)
        for number in range(fits):
            assert server.ask("GET", f"/models/{number}").status == 200
        for _ in range(4):  # what was loaded and unloaded before is not there any more
            assert server.unload("0").status == 200
            assert server.load("0", large).status == 200
        assert server.process.poll() is None


def test_every_kind_of_model_answers_in_a_small_container(
    make_folder: Callable[..., Path], tmp_path: Path
) -> None:
    kinds = {f"{algorithm}-{task}": make_folder(algorithm, task) for algorithm in MODELS for task in TASKS}
    with serving(tmp_path) as server, limited(server.process.pid, 200 * MIB):
        assert {name: server.load(name, folder).status for name, folder in kinds.items()} == dict.fromkeys(
            kinds, 200
        )
        for body in ("red,1.5,yes,100,c1\n", "red,1.5,yes,100,c1\n" * 20_000):
            assert {name: server.invoke(name, body).status for name in kinds} == dict.fromkeys(kinds, 200)
        assert server.process.poll() is None
