"""How much memory the models may use, and how it is returned to the system."""

import ctypes
import os
from pathlib import Path

__all__ = ["budget", "for_requests", "release"]

# The limits of control groups version 2 and version 1, where a container sees its own group.
CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
SHARE = 0.75  # of the container's memory is for models and the server itself, the rest for requests


def budget() -> int | None:
    """The bytes that models may use: SERVE_MEMORY_BYTES, or three quarters of the container's memory.

    The container's memory is the limit of its control group or the memory of the machine, whichever is less.
    The memory that the server itself uses is subtracted. The result is None if this system does not report
    its memory.

    Raises:
        ValueError: if SERVE_MEMORY_BYTES is not an integer.
    """
    given = os.environ.get("SERVE_MEMORY_BYTES", "")
    if given:
        if not (given.isascii() and given.isdigit()):
            raise ValueError(
                f"SERVE_MEMORY_BYTES is {given!r}; set it to a whole number of bytes, or leave it out."
            )
        return int(given)
    whole = _whole()
    return None if whole is None else max(0, int(whole * SHARE) - _resident())


def for_requests() -> int | None:
    """The bytes that requests in progress may use: what `budget` leaves of the container's memory.

    The result is None if this system does not report its memory.
    """
    whole = _whole()
    return None if whole is None else whole - int(whole * SHARE)


def release() -> None:
    """Return freed memory to the system; the allocator on Linux otherwise keeps most of it."""
    trim = getattr(_C, "malloc_trim", None)  # only glibc has it
    if trim is not None:
        trim(0)


def _whole() -> int | None:
    """The container's memory in bytes."""
    limits = [limit for limit in (*map(_limit, CGROUP_LIMITS), _physical()) if limit is not None]
    return min(limits) if limits else None


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None  # "max" means no limit


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf; some systems lack these names
        return None


def _resident() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


_C = ctypes.CDLL(None) if os.name == "posix" else None
