"""Which processor the functions and those who call them share, where there are only two.

A request through a function's URL is handed to and fro between the server and the function's process, and
only one of them works at a time. The kernel wakes whoever is next on the idle processor. On a virtual machine
that costs more than most of their work, and its caches have long forgotten them. On one processor, they
leave the other to the client and the model.

With more processors, that one would limit a load. On AWS, a function has a share of one as well, unless it
has more than 1,769 MB: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
"""

import contextlib
import functools
import os
import threading

__all__ = ["chosen", "keep_process", "keep_thread"]

_here = threading.local()


def chosen(processors: set[int], number: int) -> set[int] | None:
    """Return the processor to share, or None if all stay where the kernel puts them.

    Args:
        processors: Those that may be used.
        number: Any number; servers on the same machine with different ones share different processors.
    """
    return {sorted(processors)[number % 2]} if len(processors) == 2 else None


def keep_thread() -> None:
    """Let this thread, which ends with a client's connection, run on the shared processor."""
    if not hasattr(_here, "is_kept"):
        _here.is_kept = True
        keep_process(0)


def keep_process(number: int) -> None:
    """Let a process that has just been started run on the shared processor; 0 is the thread that asks."""
    if shared := _shared():
        with contextlib.suppress(OSError):  # it has ended, or the system does not allow it
            os.sched_setaffinity(number, shared)


@functools.cache
def _shared() -> set[int] | None:
    if not hasattr(os, "sched_getaffinity"):  # macOS, Windows
        return None
    return chosen(os.sched_getaffinity(os.getpid()), os.getpid())
