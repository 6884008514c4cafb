"""A full disk: no file can grow."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

__all__ = ["full_disk", "needs_prlimit"]

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
