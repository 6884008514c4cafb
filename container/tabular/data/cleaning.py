"""Leave out rows that training cannot use: without a target or time, or duplicates if the options say so."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tabular.data.figures import Figures
from tabular.data.tables import warning
from tabular.spec.errors import BadInput, amount
from tabular.spec.options import DEFAULTS, Options

try:
    from tabular.data.values.native import texts as texts_in_c
except ImportError:
    texts_in_c = None

__all__ = ["check_cells", "clean"]

MIN_ROWS = 20
FEW, MOST = 3, 200  # columns: those that are compared first, and those among which they are chosen
FIRST = 20_000  # rows
BLOCK = 2**16  # rows whose hashes fit into a processor's cache
HASH = np.uint64(0x9E3779B97F4A7C15)  # an odd number without a pattern, by which bits are mixed
LARGEST = float(np.finfo(np.float32).max)


def clean(
    table: pd.DataFrame, target: str, options: Options = DEFAULTS, figures: Figures | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Drop columns and duplicate rows as the options say, and rows without a target or a time.

    The rows keep their index. The second result says how many rows were left out for which reason.

    Args:
        table: the rows.
        target: the column to predict.
        options: the user's settings.
        figures: what is known of the table's numbers, if it was found before.

    Raises:
        BadInput: if a column does not exist, a cell is not a single value, a number is infinite or too
            large, or too few rows are left.
    """
    options.check_columns(table.columns.tolist(), target)
    table = table.drop(columns=[name for name in options.drop if name not in options.subgroups])
    check_cells(table, figures or Figures(table))
    labelled = table.dropna(subset=[target])
    if len(table) and not len(labelled):
        raise BadInput(f"The target {target!r} is empty in every row; choose another target.")
    timed = labelled.dropna(subset=[options.time]) if options.time else labelled
    known = [name for name in table.columns.tolist() if name not in options.drop]
    repeated = _repeated(timed[known])
    cleaned = timed[~repeated] if options.repeated == "drop" else timed
    report: dict[str, Any] = {
        "rows_read": len(table),
        "rows_without_target": len(table) - len(labelled),
        "rows_without_time": len(labelled) - len(timed),
        "rows_repeated": len(timed) - len(cleaned),
    }
    if (count := int(repeated.sum())) and options.repeated == "keep":
        share = f"{count} of {len(timed)} rows are duplicates of others"
        report["warnings"] = [
            warning(
                None,
                f"{share} and are kept; set repeated to 'drop' to leave them out, or to 'together' "
                "to keep them on the same side of every split.",
            )
        ]
    if len(cleaned) < MIN_ROWS:
        raise BadInput(
            f"Only {amount(len(cleaned), 'row is', 'rows are')} left after cleaning ({_counts(report)}); at "
            f"least {MIN_ROWS} are needed."
        )
    return cleaned, report


def _repeated(table: pd.DataFrame) -> np.ndarray:
    """Whether each row (n_rows,) repeats an earlier one.

    All cells are only compared among the rows that are the same in a few columns, because that takes long:
    those that differ most among the first rows, numbers first, because they are compared the fastest.
    """
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
    starts, cores = range(0, len(columns), BLOCK), os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as threads:  # NumPy and C leave Python's lock to others
        for name in columns:
            if _is_text(columns[name].dtype):
                chunks = list(_parts(columns[name], hashes))
                deque(threads.map(_mix_texts, (chunks[one::cores] for one in range(cores))), 0)
                continue
            values = columns[name].to_numpy()
            parts = ((values[start : start + BLOCK], hashes[start : start + BLOCK]) for start in starts)
            deque(threads.map(lambda part: _mix_numbers(*part), parts), 0)
    ordered = np.sort(hashes)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.flatnonzero(np.isin(hashes, repeated)) if len(repeated) else np.zeros(0, np.int64)


def _mix_numbers(values: np.ndarray, hashes: np.ndarray) -> None:
    """Change the hash of each row (n_rows,) by a number."""
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


def _counts(report: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in report.items() if name.startswith("rows_"))


def check_cells(table: pd.DataFrame, figures: Figures) -> None:
    """Check that every cell is one value, from which a model can learn.

    Raises:
        BadInput: if one is nested, or infinite or too large a number.
    """
    for name in table.columns.tolist():
        if name in figures.columns:
            known = figures.summaries[name]
            if known.low < -LARGEST or known.high > LARGEST:
                raise BadInput(_too_large(str(name), figures.columns[name]))
            continue
        values = table[name]
        if values.dtype == object and pd.api.types.infer_dtype(values) in ("mixed", "bytes"):
            nested = values.map(lambda cell: isinstance(cell, list | dict | bytes | np.ndarray))
            if nested.any():
                what = "bytes" if isinstance(values[nested].iloc[0], bytes) else "lists or objects"
                raise BadInput(
                    f"The column {name!r} contains {what}, which are not single values; name it in drop, or "
                    "flatten it in your own clean function."
                )
        elif pd.api.types.is_float_dtype(values.dtype):
            numbers = values.to_numpy(np.float64, na_value=np.nan)
            if (np.abs(numbers) > LARGEST).any():
                raise BadInput(_too_large(str(name), numbers))


def _too_large(name: str, numbers: np.ndarray) -> str:
    """Why an estimator, which calculates in single precision, cannot learn from these numbers."""
    beyond = numbers[np.abs(numbers) > LARGEST]
    if np.isinf(beyond).any():
        return f"The column {name!r} contains an infinite number; leave cells with unknown numbers empty."
    return (
        f"The column {name!r} contains {beyond[0]:g} in {len(beyond)} of {len(numbers)} rows, which is too "
        f"large for a model (at most {LARGEST:.1e}); if it means a missing value, name it in missing, or "
        "leave these cells empty."
    )
