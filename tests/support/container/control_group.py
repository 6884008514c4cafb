"""A control group with a memory limit, which only root may make."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

__all__ = ["limited"]

ROOT = Path("/sys/fs/cgroup")


@contextlib.contextmanager
def limited(pid: int, size: int) -> Iterator[None]:
    """Limit the memory of a process, the page cache included; beyond it, the process is killed."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    own = {kinds: place.lstrip("/") for _, kinds, place in lines}
    if "memory" in own:  # version 1
        folder = ROOT / "memory" / own["memory"] / f"tests-{uuid4().hex[:8]}"
        limit = "memory.limit_in_bytes"
    else:
        folder = ROOT / own.get("", "") / f"tests-{uuid4().hex[:8]}"
        limit = "memory.max"
    try:
        folder.mkdir()
        (folder / limit).write_text(str(size))
        (folder / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        pytest.skip(f"no control group with a memory limit can be made here: {error}")
    try:
        yield
    finally:
        (folder.parent / "cgroup.procs").write_text(str(pid))
        folder.rmdir()
