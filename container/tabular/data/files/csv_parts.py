"""The cells of a plain CSV file in UTF-8, read in parts by threads in C.

A part is a number of whole lines: a file in which a cell contains the end of one is left to pyarrow, and so
are all where the extension was not compiled. pyarrow finds the same cells. Each part is also checked to be
UTF-8, so that nobody has to read the whole file before.
"""

import math
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from io import RawIOBase
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from tabular.data.files.dialects import Dialect
from tabular.data.files.encodings import is_utf8
from tabular.data.files.formats import is_uncompressed, opener

try:
    from tabular.data.files.native import csv_columns as columns_in_c
except ImportError:
    columns_in_c = None

__all__ = ["may_be_read", "read_parts"]

PART = 1 << 22  # bytes, which are few enough for a cache
ROWS_OF_PART = 1024  # at least, with cells of CELL bytes, or each column of a wide table has too many pieces
CELL = 8
BLOCK = 1 << 16  # bytes in which the end of a line is looked for
ROOM = 65  # bytes after a part that the extension needs
PLACES_OF_BYTE, PLACES_OF_COLUMN = 8, 4  # bytes for the places of the cells
MOST = 1 << 30  # bytes of a part; a longer line is left to others
_END = re.compile(rb"\r\n?|\n")


def may_be_read(magic: bytes) -> bool:
    """Whether a file that begins with `magic` may be plain.

    Raises:
        ValueError: if it is of another kind than a table.
    """
    return columns_in_c is not None and is_uncompressed(opener(magic)[1])


def read_parts(path: Path, dialect: Dialect) -> pa.Table | None:
    """All cells as text without blanks before them, null if one is empty; None if the file is not plain.

    Every byte of a file that is read is known to be UTF-8.
    """
    delimiter, above = dialect.delimiter, dialect.lines_above
    if (
        columns_in_c is None
        or dialect.encoding != "utf-8"
        or not above
        or not is_uncompressed(dialect.opened)
    ):
        return None
    if not delimiter.isascii() or delimiter in '\0\r\n" ':
        return None
    reader = _Reader(path, dialect)
    places = list(pairwise(reader.places()))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        parts = list((threads.map if len(places) > 1 else map)(reader.read, places))
    filled = [part for part in parts if part is not None and len(part)]
    return pa.Table.from_batches(filled) if filled and reader.is_plain else None


class _Reader:
    """Reads parts of a file, of which each thread has one in memory at a time."""

    def __init__(self, path: Path, dialect: Dialect) -> None:
        self.path = path
        self.delimiter = dialect.delimiter.encode()
        self.lines_above = dialect.lines_above
        self.schema = pa.schema([(name, pa.string()) for name in dialect.names])
        self.thread = threading.local()
        self.longest = 0
        self.is_plain = True

    def places(self) -> list[int]:
        """Where in the file each part begins, and where the last one ends."""
        end = self.path.stat().st_size
        with self.path.open("rb", buffering=0) as file:
            start = 0
            for _ in range(self.lines_above):
                start = _next_line(file, start, end)
            file.seek(0)
            self.is_plain = is_utf8(file.read(start) or b"")
            count = math.ceil((end - start) / max(PART, len(self.schema) * ROWS_OF_PART * CELL))
            if count > 1:  # as many for each thread
                count += -count % (os.cpu_count() or 1)
            found = [start]
            for number in range(1, count):
                place = _next_line(file, max(found[-1], start + (end - start) * number // count), end)
                if found[-1] < place < end:
                    found.append(place)
        found.append(end)
        self.longest = min(MOST, max(after - before for before, after in pairwise(found)))
        return found

    def read(self, part: tuple[int, int]) -> pa.RecordBatch | None:
        """The cells between two places; None if they are not plain, or others were not."""
        begin, end = part
        if not self.is_plain or end - begin > MOST:
            self.is_plain = False
            return None
        text, places = self._memory()
        with self.path.open("rb", buffering=0) as file:
            length = _fill(file, memoryview(text)[: end - begin], begin)
        read = columns_in_c.read(text, length, self.delimiter, len(self.schema), places)
        if read is None or not (read[-1] or is_utf8(memoryview(text)[:length])):
            self.is_plain = False
            return None
        n_rows, memory, found, _ = read
        buffer = pa.py_buffer(memory)
        arrays = [
            pa.StringArray.from_buffers(
                n_rows,
                buffer.slice(ends, 4 * (n_rows + 1)),
                buffer.slice(letters, size),
                buffer.slice(valid, (n_rows + 7) // 8) if missing else None,
                missing,
            )
            for valid, ends, letters, size, missing in np.frombuffer(found, np.int64).reshape(-1, 5).tolist()
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _memory(self) -> tuple[np.ndarray, np.ndarray]:
        """This thread's memory for the bytes of the longest part, and for the places of their cells."""
        if not hasattr(self.thread, "memory"):
            text = np.empty(self.longest + ROOM, np.uint8)
            places = np.empty(PLACES_OF_BYTE * len(text) + PLACES_OF_COLUMN * len(self.schema), np.uint8)
            self.thread.memory = text, places
        return self.thread.memory


def _fill(file: RawIOBase, memory: memoryview, place: int) -> int:
    """Read bytes of a file from a place on; return how many there are."""
    file.seek(place)
    filled = 0
    while filled < len(memory) and (count := file.readinto(memory[filled:])):
        filled += count
    return filled


def _next_line(file: RawIOBase, place: int, end: int) -> int:
    """Where the next line after a place in a file begins."""
    while place < end:
        file.seek(place)
        block = file.read(BLOCK) or b""
        if found := _END.search(block):
            return (
                place
                + found.end()
                + (found[0] == b"\r" and file.read(1) == b"\n" and found.end() == len(block))
            )
        place += len(block) or end
    return end
