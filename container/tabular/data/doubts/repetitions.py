"""Rows that repeat earlier ones, found by the columns that differ most, as if all cells were compared."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tabular.data.figures import threads_for
from tabular.data.tables import warning
from tabular.spec.options import DEFAULTS, Options

try:
    from tabular.data.values.native import texts as texts_in_c
except ImportError:
    texts_in_c = None

__all__ = ["repeated", "repetitions"]

FEW, MOST = 3, 200  # columns: those that are compared first, and those among which they are chosen
FIRST = 20_000  # rows
BLOCK = 2**16  # rows whose hashes fit into a processor's cache
HASH = np.uint64(0x9E3779B97F4A7C15)  # an odd number without a pattern, by which bits are mixed


def repetitions(table: pd.DataFrame, options: Options = DEFAULTS) -> list[dict[str, str | None]]:
    """The warning about a table whose rows repeat others, which the options keep: {"column", "said"}."""
    count = int(repeated(table, options).sum()) if options.repeated == "keep" else 0
    if not count:
        return []
    return [
        warning(
            None,
            f"{count} of {len(table)} rows are duplicates of others and are kept; set repeated to 'drop' to "
            "leave them out, or to 'together' to keep them on the same side of every split.",
        )
    ]


def repeated(table: pd.DataFrame, options: Options = DEFAULTS) -> np.ndarray:
    """Whether each row (n_rows,) repeats an earlier one, in all columns but those that the options drop.

    All cells are only compared among the rows that are the same in a few columns, because that takes long:
    those that differ most among the first rows, numbers first, because they are compared the fastest.
    """
    if options.drop:
        table = table[[name for name in table.columns.tolist() if name not in options.drop]]
    found = np.zeros(len(table), dtype=bool)
    first = table.iloc[:FIRST, :MOST]
    kinds = dict(zip(first.columns.tolist(), first.dtypes, strict=True))  # to ask a frame for each takes long
    names = sorted(kinds, key=lambda name: not pd.api.types.is_numeric_dtype(kinds[name]))
    distinct: dict[str, int] = {}
    for name in names:
        distinct[name] = first[name].nunique()
        if sum(count * 2 >= len(first) for count in distinct.values()) == FEW:  # as good as any
            break
    telling = sorted(distinct, key=distinct.__getitem__, reverse=True)[:FEW]
    if not telling:
        return table.duplicated().to_numpy()
    figures = [name for name in dict.fromkeys([*telling, *names]) if _may_be_hashed(kinds[name])][:FEW]
    if telling[0] in figures:
        rows = _alike(table[figures])
    else:
        rows = np.flatnonzero(table.duplicated(subset=telling[:1], keep=False))
    for columns, keep in ((telling, False), (list(table), "first")):
        if len(rows):
            rows = rows[table.iloc[rows][columns].duplicated(keep=keep).to_numpy()]
    found[rows] = True
    return found


def _may_be_hashed(kind: Any) -> bool:
    return kind == np.float64 or (texts_in_c is not None and _is_text(kind))


def _is_text(kind: Any) -> bool:
    return isinstance(kind, pd.StringDtype) and kind.storage == "pyarrow"


def _alike(columns: pd.DataFrame) -> np.ndarray:
    """The rows (n,) that are the same as another in these columns, and perhaps a few more by chance."""
    hashes = np.zeros(len(columns), np.uint64)
    cores = os.cpu_count() or 1
    with threads_for(len(columns)) as threads:  # NumPy and C leave Python's lock to others
        for name in columns:
            if _is_text(columns[name].dtype):
                chunks = list(_parts(columns[name], hashes))
                deque(threads.map(_mix_texts, (chunks[one::cores] for one in range(cores))), 0)
                continue
            values = np.ascontiguousarray(columns[name].to_numpy())
            rows = len(values) // cores + 1 if texts_in_c else BLOCK
            starts = range(0, len(values), rows)
            parts = ((values[start : start + rows], hashes[start : start + rows]) for start in starts)
            deque(threads.map(lambda part: _mix_numbers(*part), parts), 0)
    ordered = np.sort(hashes)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.flatnonzero(np.isin(hashes, repeated)) if len(repeated) else np.zeros(0, np.int64)


def _mix_numbers(values: np.ndarray, hashes: np.ndarray) -> None:
    """Change the hash of each row (n_rows,) by a number.

    The extension does it in one call. Each of NumPy's may wait for Python's lock again.
    """
    if texts_in_c:
        texts_in_c.hash_numbers(values, hashes)
        return
    values = values + 0.0  # which makes 0 of -0
    values[np.isnan(values)] = np.nan  # of which there are several
    hashes ^= values.view(np.uint64)
    hashes *= HASH
    hashes ^= hashes >> np.uint64(32)


def _mix_texts(parts: Sequence[tuple[pa.StringArray | pa.LargeStringArray, np.ndarray]]) -> None:
    """Change the hashes of rows, part by part, by a text of each."""
    for texts, hashes in parts:
        texts_in_c.hash(*texts.buffers(), texts.offset, hashes, pa.types.is_large_string(texts.type))


def _parts(
    values: pd.Series, hashes: np.ndarray
) -> Iterator[tuple[pa.StringArray | pa.LargeStringArray, np.ndarray]]:
    """The parts of a column of texts, each with the hashes (n_rows,) of its rows."""
    cells, start = pa.Array.from_pandas(values), 0
    for chunk in filter(len, cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]):
        yield chunk, hashes[start : start + len(chunk)]
        start += len(chunk)
