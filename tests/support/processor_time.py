"""What the tests cost in processor time, by file: `make test ARGS=--processor-time`, on Linux.

pytest's `--durations` counts the time on the clock, which other programs and the other workers lengthen. Here
every process counts that a test started, also those that a server of a whole session started for it.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["ProcessorTime"]

_TICKS = os.sysconf("SC_CLK_TCK")  # a second, in the unit of /proc/PID/stat
_PROPERTY = "processor seconds"
_SHOWN = 1.0  # seconds


class ProcessorTime:
    """Measures in the processes that run tests, and adds up in the one that reports."""

    def __init__(self) -> None:
        self._before, self._began = 0.0, time.time()
        self._files: Counter[str] = Counter()
        self._workers: Counter[str] = Counter()
        self._ends: dict[str, float] = {}

    def pytest_collection_finish(self) -> None:
        """The first test begins where the collection ends."""
        self._before = _seconds(os.getpid())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[Any]:
        """Send the seconds along with a test's last report."""
        report = yield
        if report.when == "teardown":
            now = _seconds(os.getpid())
            report.user_properties.append((_PROPERTY, now - self._before))
            self._before = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up what the reports say."""
        if report.when == "teardown":
            worker = getattr(report, "worker_id", "this process")
            self._files[report.nodeid.split("::")[0]] += dict(report.user_properties)[_PROPERTY]
            self._ends[worker] = report.stop - self._began

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the seconds of a whole worker of pytest-xdist: its start and its collection are no test's."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[_PROPERTY] = _seconds(os.getpid())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take them."""
        self._workers[node.gateway.id] = getattr(node, "workeroutput", {}).get(_PROPERTY, 0.0)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the files that need most, and when each worker ended."""
        terminalreporter.section("processor seconds")
        for file, seconds in self._files.most_common():
            if seconds >= _SHOWN:
                terminalreporter.write_line(f"{seconds:8.1f}  {file}")
        tests, whole = self._files.total(), self._workers.total() or _seconds(os.getpid())
        terminalreporter.write_line(f"{tests:8.1f}  all {len(self._files)} files")
        terminalreporter.write_line(f"{whole - tests:8.1f}  to start and to collect tests")
        for worker, seconds in sorted(self._ends.items()):
            terminalreporter.write_line(f"{worker}: last test ended after {seconds:.0f} seconds")


def _seconds(process: int) -> float:
    """Return what a process has used, and all that it started: those running, and those it waited for."""
    folder = Path(f"/proc/{process}")
    fields = _read(folder / "stat").rpartition(")")[2].split()  # the third and those after it
    used = sum(map(int, fields[11:15])) / _TICKS  # utime, stime, cutime and cstime are 14 to 17
    return used + sum(_seconds(int(child)) for child in _children(folder))


def _children(folder: Path) -> list[str]:
    """Return those that its threads have started, or none if the process has just ended."""
    try:
        threads = list((folder / "task").iterdir())
    except OSError:
        return []
    return [child for thread in threads for child in _read(thread / "children").split()]


def _read(file: Path) -> str:
    """Return what it says, or nothing if its process or its thread has just ended."""
    try:
        return file.read_text()
    except OSError:
        return ""
