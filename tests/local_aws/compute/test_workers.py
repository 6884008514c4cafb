"""Commands as processes: where they run, what they see, and how they end."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws.compute.workers import Command, GuardedWorker, Workers

# multiprocessing has one fork server for each process, so this needs its own process.
FORK_SERVER = """
import os
from multiprocessing import forkserver
from local_aws.compute.workers import Workers
workers = Workers(preload=False)
workers.warm_up()
pid = forkserver._forkserver._forkserver_pid
os.kill(pid, 0)
workers.close()
try:
    os.kill(pid, 0)
except ProcessLookupError:
    print("gone")
"""


def test_the_fork_server_is_ended() -> None:
    done = subprocess.run([sys.executable, "-c", FORK_SERVER], capture_output=True, text=True, check=False)
    assert done.stdout == "gone\n", (
        "Workers.close reaches into multiprocessing.forkserver as it was in CPython "
        f"3.11 to 3.13; this is {platform.python_version()}: {done.stderr}"
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.txt"


def test_a_command_runs_in_its_folder_with_its_environment_and_its_log(tmp_path: Path, log: Path) -> None:
    code = "import os; print(os.getcwd(), sorted(os.environ.items() - {'LC_CTYPE': 'C.UTF-8'}.items()))"
    environment = {"PATH": os.environ["PATH"], "COLOR": "red"}
    command = Command(
        [sys.executable, "-c", f"{code}; raise SystemExit(3)"], environment, tmp_path, log, None
    )
    worker = GuardedWorker(command)
    assert worker.wait(None) == 3
    assert log.read_text() == f"{tmp_path} {sorted(environment.items())}\n"


def test_ending_a_command_ends_it(tmp_path: Path, log: Path) -> None:
    worker = GuardedWorker(Command(["sleep", "600"], {"PATH": os.environ["PATH"]}, tmp_path, log, None))
    assert worker.wait(0) is None
    Workers.end(worker)
    assert worker.wait(0) not in (None, 0)


def test_a_job_starts_where_the_folder_for_temporary_files_has_a_long_path(tmp_path: Path) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    environment = {**os.environ, "TMPDIR": str(long)}
    subprocess.run([sys.executable, "-c", FORK_SERVER], env=environment, check=True)
