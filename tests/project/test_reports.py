"""Processes that share the tests report once of each that passes, and all of each that does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

CONFIGURATION = """
from support import workers

def pytest_configure(config):
    workers.report_once(config)

def pytest_runtest_logreport(report):
    if hasattr(report, "node"):  # in the process that shows them
        with open("reported.txt", "a") as file:
            print(report.location[2], report.when, report.outcome, file=file)

def pytest_addoption(parser):
    parser.addoption("--processor-time", action="store_true")
"""
TESTS = """
import pytest

@pytest.fixture
def told():
    print("before it")
    yield
    print("after it")

def test_fails(told):
    print("within it")
    assert False

@pytest.fixture
def broken():
    yield
    raise ValueError("at its end")

def test_passes(told):
    pass

def test_breaks(broken):
    pass

@pytest.mark.skip
def test_waits():
    pass
"""
SHORT = [
    "test_breaks call passed",
    "test_breaks teardown failed",
    "test_fails call failed",
    "test_fails teardown passed",
    "test_passes call passed",
    "test_waits setup skipped",
    "test_waits teardown passed",
]
LONG = [
    *SHORT,
    "test_breaks setup passed",
    "test_fails setup passed",
    "test_passes setup passed",
    "test_passes teardown passed",
]


@pytest.mark.slow
@pytest.mark.parametrize(("option", "reported"), [("-q", SHORT), ("--durations=0", LONG)])
def test_a_test_that_passes_is_reported_once_and_all_is_told_of_one_that_fails(
    tmp_path: Path, option: str, reported: list[str]
) -> None:
    (tmp_path / "conftest.py").write_text(CONFIGURATION)
    (tmp_path / "test_some.py").write_text(TESTS)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist", "-n1", option],
        cwd=tmp_path,
        env=plain | {"PYTHONPATH": str(ROOT / "tests"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert sorted((tmp_path / "reported.txt").read_text().splitlines()) == sorted(reported)
    assert "1 failed, 2 passed, 1 skipped, 1 error" in lines[-1]
    for said in ("before it", "within it", "after it"):
        assert said in lines, f"where {said!r} is captured"
    assert "E       ValueError: at its end" in lines
