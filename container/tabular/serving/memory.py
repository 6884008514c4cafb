"""How much memory models may take, and how it goes back to the system."""

import ctypes
import os
from pathlib import Path

__all__ = ["budget", "release"]

# Of version 2 and of version 1, as a container sees its own group.
CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
SHARE = 0.75  # the rest is for requests under way: the largest bodies take some 100 MB while they are read


def budget() -> int | None:
    """The bytes that models may take: SERVE_MEMORY_BYTES, else three quarters of what the container has.

    The container has the limit of its control group or the machine's memory, whichever is less, without what
    the server takes itself. None: this system does not say.

    Raises:
        ValueError: SERVE_MEMORY_BYTES is not a whole number.
    """
    given = os.environ.get("SERVE_MEMORY_BYTES", "")
    if given:
        if not (given.isascii() and given.isdigit()):
            raise ValueError(
                f"SERVE_MEMORY_BYTES is {given!r}; give a whole number of bytes, or leave it out."
            )
        return int(given)
    limits = [limit for limit in (*map(_limit, CGROUP_LIMITS), _physical()) if limit is not None]
    return max(0, int(min(limits) * SHARE) - _resident()) if limits else None


def release() -> None:
    """Give freed memory back to the system; the allocator of Linux keeps most of it otherwise."""
    trim = getattr(_C, "malloc_trim", None)  # of glibc alone
    if trim is not None:
        trim(0)


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None  # "max": without a limit


def _physical() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf, others not these names
        return None


def _resident() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


_C = ctypes.CDLL(None) if os.name == "posix" else None
