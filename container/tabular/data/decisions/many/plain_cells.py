"""Columns of plain numbers, such as 7 and -0.5, read all at once, with what their texts tell about codes.

In C it takes one pass over the texts of most columns. pyarrow, which takes several, reads the others, and all
where the extension was not compiled; both find the same.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import MOST_IN_C, chunks_of, letters_of
from tabular.data.decisions.decision import FIRST
from tabular.data.figures import Summary

try:
    from tabular.data.values.native import plain_cells as cells_in_c
except ImportError:
    cells_in_c = None

__all__ = ["PlainCells", "read_plain"]


class PlainCells(NamedTuple):
    """The numbers of a column of texts, and how they are written.

    `values` holds the numbers as float64 (n_rows,), NaN if a cell is missing, and `whole` the same as int64
    if all are whole. `count` is the number of filled cells. `code` is the first row with leading zeros, None
    if there is none. `may_vary` says whether there may be exponents, or zeros at the end, or other ways to
    write the same number. `lengths` are those of the shortest and of the longest text, None if they are not
    known. `ends` are the least and the greatest number, and `times` how often these two occur, None if it is
    not known.
    """

    values: np.ndarray
    whole: pa.ChunkedArray | None
    count: int
    code: int | None
    may_vary: bool
    lengths: tuple[int, int] | None
    ends: tuple[float, float]
    times: tuple[int, int] | None

    @property
    def summary(self) -> Summary | None:
        """What others ask of the numbers; None if it is not known."""
        return self.times and Summary(*self.ends, *self.times, len(self.values) - self.count)

    @property
    def numbers(self) -> pa.ChunkedArray:
        """The numbers as float64, null if a cell is missing."""
        return pa.chunked_array([pa.array(self.values, from_pandas=True)])


def read_plain(cells: pa.ChunkedArray, into: np.ndarray | None = None) -> PlainCells | None:
    """The numbers in a column of text; None if all cells are missing, or any is not a finite number.

    They may be written `into` an array (n_rows,) of float64, which is then that of the result.
    """
    if cells_in_c and (found := _read_in_c(cells, into)):
        return found
    found = _read_by_arrow(cells)
    if found is None or into is None or found.whole is not None:
        return found
    into[:] = found.values
    return found._replace(values=into)


def _read_in_c(cells: pa.ChunkedArray, into: np.ndarray | None = None) -> PlainCells | None:
    """The same for cells with few digits and without exponents; None if a cell is anything else."""
    if cells.type != pa.string() or not cells.null_count < len(cells) <= MOST_IN_C:
        return None
    values = np.empty(len(cells)) if into is None else into
    found = cells_in_c.read(chunks_of(cells), values)
    if found is None:
        return None
    count, has_points, may_vary, code, shortest, longest, least, greatest, *times = found
    whole = None
    if not has_points:
        if cells.null_count:
            missing = np.isnan(values)
            whole = pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
        else:
            whole = pa.array(values.astype(np.int64))
        whole = pa.chunked_array([whole])
    first_code = code if code >= 0 else None
    lengths, ends = (shortest, longest), (least, greatest)
    return PlainCells(values, whole, count, first_code, may_vary, lengths, ends, tuple(times))


def _read_by_arrow(cells: pa.ChunkedArray) -> PlainCells | None:
    whole = _cast(cells, pa.int64())
    numbers = _cast(cells, pa.float64()) if whole is None else pc.cast(whole, pa.float64(), safe=False)
    count = 0 if numbers is None else len(numbers) - numbers.null_count
    if not count or not pc.all(pc.is_finite(numbers)).as_py():
        return None
    values = numbers.to_numpy()
    rows, behind = _zeros(cells, values)
    if ((behind == ord("x")) | (behind == ord("X"))).any():  # 0x1F, which pyarrow reads as a whole number
        return None
    codes = rows[(behind >= ord("0")) & (behind <= ord("9"))]
    ends = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
    return PlainCells(values, whole, count, int(codes[0]) if len(codes) else None, True, None, ends, None)


def _cast(cells: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    """All cells as another type; None if one cannot be, which the first cells of most columns show."""
    try:
        pc.cast(cells.slice(0, FIRST), kind)
        return pc.cast(cells, kind)
    except pa.ArrowInvalid:
        return None


def _zeros(cells: pa.ChunkedArray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows (n,) whose texts begin with a zero that is not that of 0.5, and the letters (n,) after it.

    Args:
        cells: the texts of the numbers.
        numbers: (n_rows,), NaN if a cell is missing. Those below one are not looked at, but zero is.
    """
    found, start = [(np.zeros(0, np.int64), np.zeros(0, np.uint8))], 0
    for begins, ends, letters in letters_of(cells):
        some = numbers[start : start + len(begins)]
        rows = np.flatnonzero((np.abs(some) >= 1) | (some == 0))
        places = begins[rows]
        first = letters[places]
        places += (first == ord("+")) | (first == ord("-"))
        zero = np.flatnonzero(letters[places] == ord("0"))
        rows, places = rows[zero], places[zero] + 1
        longer = places < ends[rows]
        found.append((start + rows[longer], letters[places[longer]]))
        start += len(begins)
    rows, behind = zip(*found, strict=True)
    return np.concatenate(rows), np.concatenate(behind)
