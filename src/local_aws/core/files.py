"""Files that are written whole or not at all."""

import threading
from pathlib import Path

__all__ = ["PART", "write_whole"]

PART = ".tmp"  # how the name of a file ends that is still being written


def write_whole(path: Path, *parts: bytes) -> None:
    """Write a file so that a reader finds the old content or the new, never a half, also after kill -9."""
    part = path.with_name(f"{path.name}.{threading.get_ident()}{PART}")
    with part.open("wb") as file:
        file.writelines(parts)
    part.replace(path)
