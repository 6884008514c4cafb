"""Room on the disk for the end of a run: a run that fills the disk can still say so."""

import os
from pathlib import Path

__all__ = ["Room"]

NAME = ".room"
# Bytes of a summary and its page: what every run needs, and each table.
RUN, TABLE = 256 * 2**10, 12 * 2**10


class Room:
    """A file that keeps the room which the last summary and page of a run will need."""

    def __init__(self, folder: Path, tables: int) -> None:
        self._path, self._size = folder / NAME, RUN + TABLE * tables

    def keep(self) -> None:
        """Take the room, with bytes that no file system stores in less.

        Raises:
            OSError: there is not as much.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_bytes(os.urandom(self._size))

    def give_back(self) -> None:
        """Leave the room to what is written now."""
        self._path.unlink(missing_ok=True)
