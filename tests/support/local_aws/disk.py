"""Where tests write: in memory if there is room, or on a full disk, where no file can grow."""

import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["full_disk", "needs_prlimit", "write_to_memory"]

MEMORY = Path("/dev/shm")  # a file system in memory, on Linux
ROOM = 6 * 2**30  # bytes: several times of what all tests write

needs_prlimit = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux' prlimit")


@contextmanager
def full_disk(pid: int = 0) -> Iterator[None]:
    """Let no file of a process grow, by default of this one, as on a full disk."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def write_to_memory() -> None:
    """Have the temporary files of this process, and of all that it starts, in memory.

    To write and delete them on a disk takes a tenth of the processor time of many tests. They stay there if
    TMPDIR says where they belong, if memory has no room, or if no program may be started from a file in it.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    system = os.statvfs(MEMORY)
    room = min(system.f_bavail * system.f_frsize, _available())
    if room >= ROOM and not system.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"], tempfile.tempdir = str(MEMORY), None


def _available() -> int:
    """Return how many bytes of memory programs could have, see proc_meminfo(5)."""
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024
