"""Where the folds of trials are fitted: in processes of one thread each, or in this process.

Trials side by side in processes of one thread use a machine better than one trial after the other with many
threads: small tables gain nothing from threads, and no library waits for its slowest thread. The processes
are forks, which see the prepared folds without a copy. Elsewhere than on Linux, system libraries do not
survive a fork once they have started threads, so this process does the work.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import NamedTuple, Protocol

from threadpoolctl import threadpool_limits

from tabular.searching.running.cores import cores_now
from tabular.searching.running.prepared import Fitted, Prepared
from tabular.searching.trials import Configuration

__all__ = ["Done", "Here", "Processes", "Task", "Workers", "threads", "uses_processes", "workers"]

VARIABLE = "OMP_NUM_THREADS"  # see tabular.spec.algorithms.build
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


class Task(NamedTuple):
    """A fold of a trial."""

    trial: int
    configuration: Configuration
    fold: int


class Done(NamedTuple):
    """A task that has ended, its result or why it failed, and its seconds of work."""

    task: Task
    fitted: Fitted | None
    reason: str | None
    seconds: float


class Workers(Protocol):
    """What a search gives its tasks to."""

    @property
    def idle(self) -> int:
        """How many more tasks can begin now."""

    def start(self, task: Task) -> None:
        """Begin a task."""

    def next_done(self, seconds: float | None) -> Done | None:
        """A task that has ended; None if none does within these seconds."""

    def close(self) -> None:
        """Give up the tasks that have not ended."""


def uses_processes(width: int) -> bool:
    """Whether a search of this width has processes of its own."""
    return width > 1 and sys.platform == "linux"


def workers(prepared: Prepared, width: int) -> Workers:
    """Processes if more than one thing can be done at a time, and otherwise this process."""
    return Processes(prepared, width) if uses_processes(width) else Here(prepared)


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let the libraries use this many threads; algorithms that take a number read it from the variable."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(number)
    try:
        with threadpool_limits(number):
            yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


class Here:
    """This process, which does one task at a time."""

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self._task: Task | None = None

    @property
    def idle(self) -> int:
        """One, unless a task waits."""
        return int(self._task is None)

    def start(self, task: Task) -> None:
        """Take a task."""
        self._task = task

    def next_done(self, seconds: float | None) -> Done | None:
        """Do the task, however long it takes."""
        if self._task is None:
            return None
        done, self._task = _do(self.prepared, self._task), None
        return done

    def close(self) -> None:
        """Forget the task."""
        self._task = None


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    task: Task | None = None


class Processes:
    """Forks of this process, each of which does one task at a time with one thread.

    A fork that dies, for example because memory ran out, is replaced, and its task has failed.
    """

    def __init__(self, prepared: Prepared, width: int) -> None:
        self.prepared = prepared
        self._context = multiprocessing.get_context("fork")
        self._workers = [self._fork() for _ in range(width)]
        self._ended: deque[Done] = deque()

    @property
    def idle(self) -> int:
        """The forks without a task, as long as there are cores for them."""
        busy = sum(one.task is not None for one in self._workers)
        return max(0, cores_now(len(self._workers)) - busy)

    def start(self, task: Task) -> None:
        """Give a task to a fork that has none."""
        worker = next(one for one in self._workers if one.task is None)
        worker.task = task
        try:
            worker.connection.send(task)
        except OSError:  # it died while it had nothing to do
            self._ended.append(self._replace(worker))

    def next_done(self, seconds: float | None) -> Done | None:
        """Wait for a fork that has ended its task."""
        if self._ended:
            return self._ended.popleft()
        busy = {one.connection: one for one in self._workers if one.task is not None}
        ready = wait(list(busy), seconds)
        if not ready:
            return None
        worker = busy[ready[0]]
        try:
            done = worker.connection.recv()
        except (EOFError, OSError):
            return self._replace(worker)
        worker.task = None
        return done

    def close(self) -> None:
        """Kill the forks."""
        for one in self._workers:
            one.process.kill()
            one.connection.close()
        for one in self._workers:
            one.process.join()
        self._workers = []

    def _fork(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(self.prepared, theirs, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _replace(self, worker: _Worker) -> Done:
        """Put a new fork in the place of a dead one, whose task has failed."""
        worker.connection.close()
        worker.process.join()
        code = worker.process.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        hint = ", as happens when memory runs out" if code == -signal.SIGKILL else ""
        said = f"the process that fitted it {how}{hint}"
        done = Done(worker.task, None, said, 0.0)
        self._workers[self._workers.index(worker)] = self._fork()
        return done


def _work(prepared: Prepared, connection: Connection, parent: int) -> None:
    """Do tasks until the search ends."""
    signal.set_wakeup_fd(-1)  # the search's own, which would take a signal to this fork for one to itself
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the search, which ends its forks
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be asked
        return
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(_do(prepared, task))


def _do(prepared: Prepared, task: Task) -> Done:
    started = time.perf_counter()
    fitted, reason = None, None
    try:
        fitted = prepared.fit(task.configuration, task.fold)
    except MemoryError:
        reason = "memory ran out"
    except Exception as error:  # whatever a library raises, only this trial has failed
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return Done(task, fitted, reason, time.perf_counter() - started)
