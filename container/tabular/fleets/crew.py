"""Partitions side by side: one process for each core, few tasks on their way, results in order."""

import ctypes
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from tabular.fleets.own import Candidate, Task, search_partition
from tabular.searching.running.cores import cores_now

__all__ = ["candidates"]

WAITING = 2  # tasks for each process, so that none has to wait, and no more rows are read than needed
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def candidates(tasks: Iterable[Task], width: int) -> Iterator[Candidate]:
    """The candidate of each task, in the order of the tasks.

    The processes are forks, so nothing must have used threads before. Elsewhere than on Linux, where system
    libraries do not survive a fork, and with a width of 1, this process does the work.

    Raises:
        RuntimeError: if a process was killed, as happens when memory runs out.
    """
    if width == 1 or sys.platform != "linux":
        yield from map(search_partition, tasks)
        return
    context = multiprocessing.get_context("fork")
    waiting: deque[Future[Candidate]] = deque()
    with ProcessPoolExecutor(width, context, _begin, (os.getpid(),)) as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(search_partition, task))
                # What waits for a process begins as soon as one is free, so nothing does if cores are shared.
                while len(waiting) >= (WAITING * width if (now := cores_now(width)) == width else now):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise RuntimeError(
                "A process that searched a partition was killed, as happens when memory runs out; use a "
                "larger instance or fewer rows."
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(parent: int) -> None:
    """End with the job, even if it is killed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the job, which ends its forks
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be asked
        os._exit(1)
