"""Files that are written completely or not at all, and what files take on the disk."""

import os
import threading
from pathlib import Path

__all__ = ["PART", "disk_use", "write_whole"]

_BLOCK = 512  # bytes, in which `stat` counts
PART = ".tmp"  # suffix of a file that is still being written


def write_whole(path: Path, *parts: bytes) -> None:
    """Write a file so that a reader sees the old or the new content, never a mix, even after kill -9.

    Raises:
        OSError: It cannot be written; the old content stays.
    """
    part = path.with_name(f"{path.name}.{threading.get_ident()}{PART}")
    try:
        with part.open("wb") as file:
            file.writelines(parts)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)  # on a full disk, half a file only takes space
        raise OSError(error.errno, error.strerror, str(path)) from None


def disk_use(folder: Path) -> int:
    """Return how many bytes a folder takes on its disk; some files may vanish while they are counted."""
    blocks = 0
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            try:
                blocks += (Path(parent) / name).lstat().st_blocks
            except FileNotFoundError:
                continue
    return blocks * _BLOCK
