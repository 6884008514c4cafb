"""Files that are written completely or not at all."""

import threading
from pathlib import Path

__all__ = ["PART", "write_whole"]

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
