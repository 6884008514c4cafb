"""Leave out rows that training cannot use: without a target or time, or duplicates if the options say so."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tabular.data.decisions.arrow import LARGEST_LEARNED
from tabular.data.decisions.decision import listed
from tabular.data.doubts.repetitions import repeated
from tabular.data.figures import Figures
from tabular.spec.errors import MAX_SHOWN, BadInput, amount
from tabular.spec.options import DEFAULTS, Options

__all__ = ["check_cells", "clean"]

MIN_ROWS = 20


def clean(
    table: pd.DataFrame,
    target: str,
    options: Options = DEFAULTS,
    figures: Figures | None = None,
    times: Callable[[pd.DataFrame], np.ndarray | None] = lambda _: None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Drop columns and duplicate rows as the options say, and rows without a target or a time.

    The rows keep their index. The second result says how many rows were left out for which reason.

    Args:
        table: the rows, with all columns that the options name, except copies that were left out before.
        target: the column to predict.
        options: the user's settings.
        figures: what is known of the table's numbers, if it was found before.
        times: the times of some rows (n_rows,), NaN where a cell, such as NA, means none; by default, only
            empty cells do.

    Raises:
        BadInput: if a cell is not a single value, a number is infinite or too large, or too few rows are
            left.
    """
    dropped = [name for name in options.drop if name in table.columns and name not in options.subgroups]
    table = table.drop(columns=dropped)
    check_cells(table, figures or Figures(table))
    labelled = table.dropna(subset=[target])
    if len(table) and not len(labelled):
        raise BadInput(f"The target {target!r} is empty in every row; choose another target.")
    timed = labelled.dropna(subset=[options.time]) if options.time else labelled
    if (known := times(timed)) is not None:
        timed = timed[~np.isnan(known)]
    cleaned = timed[~repeated(timed, options)] if options.repeated == "drop" else timed
    report: dict[str, Any] = {
        "rows_read": len(table),
        "rows_without_target": len(table) - len(labelled),
        "rows_without_time": len(labelled) - len(timed),
        "rows_repeated": len(timed) - len(cleaned),
    }
    if len(cleaned) < MIN_ROWS:
        raise BadInput(
            f"Only {amount(len(cleaned), 'row is', 'rows are')} left after cleaning ({_counts(report)}); at "
            f"least {MIN_ROWS} are needed."
        )
    return cleaned, report


def _counts(report: dict[str, Any]) -> str:
    """How many rows were read and left out: 80 read, 75 repeated."""
    counts = ((name.removeprefix("rows_").replace("_", " "), count) for name, count in report.items())
    return ", ".join(f"{count:,} {name}" for name, count in counts if count or name == "read")


def check_cells(table: pd.DataFrame, figures: Figures) -> None:
    """Check that every cell is one value, from which a model can learn.

    Raises:
        BadInput: if one is nested, or infinite or too large a number.
    """
    nested: dict[str, str] = {}
    for name in table.columns.tolist():
        if name in figures.columns:
            known = figures.summaries[name]
            if known.low < -LARGEST_LEARNED or known.high > LARGEST_LEARNED:
                raise BadInput(_too_large(str(name), figures.columns[name]))
            continue
        values = table[name]
        if values.dtype == object and pd.api.types.infer_dtype(values) in ("mixed", "bytes"):
            found = values[values.map(lambda cell: isinstance(cell, list | dict | bytes | np.ndarray))]
            if len(found):
                nested[str(name)] = "bytes" if isinstance(found.iloc[0], bytes) else "lists or objects"
        elif pd.api.types.is_float_dtype(values.dtype):
            numbers = values.to_numpy(np.float64, na_value=np.nan)
            if (np.abs(numbers) > LARGEST_LEARNED).any():
                raise BadInput(_too_large(str(name), numbers))
    if nested:
        raise BadInput(_not_single(nested))


def _not_single(nested: dict[str, str]) -> str:
    """Why columns cannot be used, all of them in one sentence; `nested` is what each of them contains."""
    if len(nested) == 1:
        ((name, what),) = nested.items()
        return (
            f"The column {name!r} contains {what}, which are not single values; name it in drop, or flatten "
            "it in your own clean function."
        )
    return (
        f"The columns {listed(list(nested), MAX_SHOWN)} contain {' or '.join(sorted({*nested.values()}))}, "
        "which are not single values; name them in drop, or flatten them in your own clean function."
    )


def _too_large(name: str, numbers: np.ndarray) -> str:
    """Why an estimator, which calculates in single precision, cannot learn from these numbers."""
    beyond = numbers[np.abs(numbers) > LARGEST_LEARNED]
    if np.isinf(beyond).any():
        return f"The column {name!r} contains an infinite number; leave cells with unknown numbers empty."
    return (
        f"The column {name!r} contains {beyond[0]:g} in {len(beyond)} of {len(numbers)} rows, which is too "
        f"large for a model (at most {LARGEST_LEARNED:.1e}); if it means a missing value, name it in "
        "missing, or leave these cells empty."
    )
