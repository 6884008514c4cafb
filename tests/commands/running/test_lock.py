"""One run at a time: a second one says what it waits for, and waits."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import HANGS, ROOT

from commands.running.lock import exclusive

HOLD = "import sys; print('held', flush=True); sys.stdin.read()"


def hold(lock: Path) -> subprocess.Popen:
    """A command under the lock, which ends with its input."""
    process = subprocess.Popen(
        [sys.executable, "-m", "commands.running.lock", str(lock), sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    lock = tmp_path / "deep/lock"
    first = hold(lock)
    second = subprocess.Popen(
        [sys.executable, "-m", "commands.running.lock", str(lock), sys.executable, "-c", "print('mine')"],
        stdout=subprocess.PIPE,
        text=True,
    )
    told = second.stdout.readline()
    assert told == f"Another run (process {first.pid}) is still running here; waiting for it to end.\n"
    time.sleep(0.1)
    assert second.poll() is None
    first.communicate("")
    assert second.communicate(timeout=HANGS)[0] == "mine\n"


def test_the_lock_of_a_process_that_was_killed_is_free(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = hold(tmp_path / "lock")
    first.kill()
    first.wait()
    with exclusive(tmp_path / "lock"):
        pass
    assert capsys.readouterr().out == "", "it waited for nobody"
    first.communicate()


def test_one_process_after_the_other_waits_for_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        with exclusive(tmp_path / "lock"):
            assert (tmp_path / "lock").read_text() == f"process {os.getpid()}"
    assert capsys.readouterr().out == ""


def test_the_command_under_the_lock_gives_the_exit_code(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "commands.running.lock",
        str(tmp_path / "lock"),
        sys.executable,
        "-c",
        "raise SystemExit(7)",
    ]
    assert subprocess.run(command).returncode == 7


def test_the_lock_needs_nothing_that_is_installed(tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-m", "commands.running.lock", str(tmp_path / "lock"), "true"]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, check=True)
