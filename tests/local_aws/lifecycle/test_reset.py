"""`make clean` asks, and deletes nothing when the answer is no or there is nobody to ask."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

RESET = [sys.executable, "-m", "local_aws", "reset", "--also", "runs", "build"]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state of 1 MB, which is all that there is to delete."""
    home = tmp_path / "state"
    home.mkdir()
    (home / "records.db").write_bytes(bytes(2**20))
    monkeypatch.setenv("LOCAL_AWS_HOME", str(home))
    return home


@pytest.mark.parametrize("answers", ["", "y\n", "n\n" * 100, "y\n" * 100])
def test_without_a_terminal_there_is_nobody_to_ask(tmp_path: Path, state: Path, answers: str) -> None:
    (tmp_path / "runs").mkdir()
    done = subprocess.run(
        RESET,
        cwd=tmp_path,
        input=answers,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"1.0 MB  {state}" in done.stdout
    assert "0.0 MB  runs" in done.stdout
    assert "There is no terminal to ask on; add --yes (make clean ARGS=--yes)." in done.stdout
    assert done.stdout.endswith("Nothing was deleted\n")
    assert (state / "records.db").exists()
    assert (tmp_path / "runs").exists()


def test_nothing_answers_for_nobody(tmp_path: Path, state: Path) -> None:
    done = subprocess.run(
        RESET,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert state.exists()


@pytest.mark.parametrize(
    ("answer", "code"), [("n", 1), ("", 1), ("yess", 1), ("\x04", 1), ("y", 0), ("YES", 0)]
)
def test_on_a_terminal_only_a_yes_deletes(tmp_path: Path, state: Path, answer: str, code: int) -> None:
    (tmp_path / "runs").mkdir()
    ours, theirs = pty.openpty()
    with subprocess.Popen(RESET, cwd=tmp_path, stdin=theirs, stdout=subprocess.DEVNULL) as process:
        os.write(ours, f"{answer}\n".encode())
        assert process.wait(60) == code
    for end in (ours, theirs):
        os.close(end)
    assert state.exists() == (tmp_path / "runs").exists() == bool(code)


def test_what_is_not_there_needs_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_AWS_HOME", str(tmp_path / "none"))
    done = subprocess.run(RESET, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert done.stdout == b"There is nothing to delete\n"
    assert not (tmp_path / "none").exists()


def test_make_clean_asks_about_the_state_and_all_results(state: Path) -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "clean", "ARGS=--yes"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().endswith("reset --yes --also runs build .pytest_cache .ruff_cache\n")
