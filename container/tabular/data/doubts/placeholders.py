"""Numbers and dates that may stand for a missing value: -999, 9999, 1900-01-01."""

import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from tabular.data.features import features, rows_of
from tabular.data.values.dates import as_text
from tabular.spec.columns import Column, Schema

__all__ = ["placeholders", "repeated_and_far"]

DATES = 5_000  # rows; reading all dates takes long
FEWEST_OTHERS = 10  # different values, without which nothing is far away
FEWEST_CLEAR, FAR = 3, 10  # so many, if nines are this many ranges of the others away
NO_ANSWER, FEWEST_ANSWERS, MOST_ANSWERS = 9, 2, 3  # beside answers such as 1 and 2
MOST = 3  # different placeholders of a column
FEW_ROWS = 3
NEAR = 0.1  # of the range of the others
NEAR_ZERO = 0.2
# The first days of SQL Server, Windows, Excel and Unix, and ends of time that people write.
NO_DAYS = np.array(
    [
        *("1601-01-01", "1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1901-01-01", "1970-01-01"),
        *("2049-12-31", "2079-06-06", "2099-12-31", "2100-01-01", "2199-12-31", "2999-12-31", "3000-01-01"),
    ],
    "datetime64[D]",
).astype(np.int64)
YEARS_APART = 3653  # days
_NINES = re.compile(r"-?9{2,}(\.9+)?(\.0)?")


def placeholders(values: pd.Series, column: Column) -> Iterator[str]:
    """Sentences about values that are repeated and far from all others.

    A value is far away if it is further from the next one than the others are from each other; one of nines
    only, such as -999, if it is a tenth of their range away, 9 if all others are a few answers such as 1 and
    2, and 0 if they begin a fifth of it above, as
    blood pressures do. -1 is far away if it is the only negative number and no other number is as frequent.
    A date that programs write for none is if it is ten years away.
    """
    if column.kind == "date":
        some = rows_of(values, np.arange(0, len(values), max(1, len(values) // DATES)))
        numbers = features(some.to_frame(), Schema("regression", "", (), (column,)))[column.name].to_numpy()
        found = dict([*_far(numbers), *_usual_for_none(numbers)])
        far = [(as_text(np.array([value]), "%Y-%m-%d")[0], count) for value, count in found.items()]
        yield from _said(far, len(numbers), "missing if it stands for no date")
    elif column.kind == "numeric":
        yield from repeated_and_far(values.to_numpy(np.float64, na_value=np.nan))


def repeated_and_far(numbers: np.ndarray) -> Iterator[str]:
    """`placeholders` of a column of numbers (n_rows,)."""
    far = [(f"{value:.15g}", count) for value, count in _far(numbers)]
    return _said(far, len(numbers), "missing if it stands for no value")


def _said(far: Sequence[tuple[str | None, int]], rows: int, option: str) -> Iterator[str]:
    for text, count in far[:MOST]:
        why = "is the only negative number" if text == "-1" else "is far from all other values"
        yield f"{text!r}, in {count} of {rows} rows, {why}; name it in {option}."


def _usual_for_none(numbers: np.ndarray) -> Iterator[tuple[float, int]]:
    """Days that programs write for no date, if they are many years from all others, however few those are."""
    days, counts = np.unique(numbers[np.isfinite(numbers)], return_counts=True)
    for place in np.flatnonzero(np.isin(np.floor(days), NO_DAYS) & (counts > 1)):
        others = np.delete(days, place)
        if len(others) and np.abs(others - days[place]).min() > YEARS_APART:
            yield float(days[place]), int(counts[place])


def _far(numbers: np.ndarray) -> Iterator[tuple[float, int]]:
    """Values that are repeated and far from all others, and how often each occurs."""
    finite = np.isfinite(numbers)
    rest = numbers if finite.all() else numbers[finite]
    for _ in range(MOST):
        found = next(_far_ends(rest), None)
        if found is None:
            return
        yield found
        rest = rest[rest != found[0]]


def _far_ends(numbers: np.ndarray) -> Iterator[tuple[float, int]]:
    if not len(numbers):
        return
    least, most = float(numbers.min()), float(numbers.max())
    for end in (least, most):
        there = numbers == end
        count = np.count_nonzero(there)
        if count in (1, len(numbers)):  # most columns of numbers
            continue
        low = float(np.where(there, np.inf, numbers).min()) if end == least else least
        high = float(np.where(there, -np.inf, numbers).max()) if end == most else most
        gap, width = max(low - end, end - high), high - low
        nines = bool(_NINES.fullmatch(f"{end:.15g}")) and count >= FEW_ROWS and gap > NEAR * width
        zero = end == 0 and count >= FEW_ROWS and low - end > NEAR_ZERO * width
        alone = end == -1 and low >= 0 and _is_alone(count, numbers[~there], width)
        coded = end == NO_ANSWER and count >= FEW_ROWS and width <= MOST_ANSWERS and gap >= 2 * max(width, 1)
        if not (nines or alone or coded or ((zero or gap > width) and count * 2 <= len(numbers))):
            continue
        # 99 among answers from 1 to 5 is no answer either.
        fewest = FEWEST_CLEAR if nines and gap > FAR * width else FEWEST_OTHERS
        fewest = FEWEST_ANSWERS if coded else fewest
        if len(np.unique(numbers[~there][: 100 * FEWEST_OTHERS])) >= fewest:
            yield end, count


def _is_alone(count: int, others: np.ndarray, width: float) -> bool:
    """Whether others are no answers such as 0 and 1, of which -1 is another, and none is as frequent."""
    if count < FEW_ROWS or (width <= FEWEST_OTHERS and (others % 1 == 0).all()):
        return False
    return count > np.unique(others, return_counts=True)[1].max()
