"""Numbers and dates that may stand for a missing value: -999, 9999, 1900-01-01."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, takewhile
from typing import NamedTuple

import numpy as np
import pandas as pd

from tabular.data.features import features, rows_of
from tabular.data.values.dates import as_text
from tabular.spec.columns import Column, Schema

__all__ = ["codes_among_labels", "may_be_beyond", "placeholders", "repeated_and_far"]

DATES = 5_000  # rows; reading all dates takes long
FEWEST_OTHERS = 10  # different values, without which nothing is far away
FEWEST_CLEAR, FAR = 3, 10  # so many, if nines are this many ranges of the others away
NO_ANSWER, FEWEST_ANSWERS, MOST_ANSWERS = 9, 2, 3  # beside answers such as 1 and 2
MOST = 4  # different placeholders of a column
FEW_ROWS = 3
SOME, BEYOND = 100, 1000  # rows that show a range, and how many of it nothing natural is away
HIGHEST_ANSWER = 5  # on most scales that say 7, 8 and 9 for no answer
NEAR = 0.1  # of the range of the others
RARE = 0.05  # of the rows; where -1 is one of three classes, it has more
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
# As surveys write that somebody refused, did not know or was not asked: 7, 77, 666, 9997 and -9; and round
# negative numbers.
_CODE = re.compile(r"6{2,}|7+|8+|9+[678]?")
_NEGATIVE = re.compile(r"-(?:7+|8+|9+[678]?|[1-9]0{2,})")


class Placeholder(NamedTuple):
    """A value that may stand for none, how often it occurs, and what shows it."""

    value: float
    count: int
    why: str = "is far from all other values"


def placeholders(values: pd.Series, column: Column) -> Iterator[str]:
    """Sentences about values that are repeated and far from all others.

    A repeated value is far away if it is further from the next one than the others are from each other. Some
    need less: nines only, such as -999, a tenth of the range of the others; 0, a fifth of it, as below blood
    pressures; 9, that all others are a few answers such as 1 and 2. A single value must be a thousand of
    these ranges away, and a date that programs write for none ten years.

    Several values that surveys write for no answer, such as 77, 88 and 99, are looked at together, and so are
    a few negative ones, such as -1, -8 and -9. The only negative number stands for none if it is -9, -99 or
    -200. So does -1, if no other number is as frequent, others have decimals, or they are answers up to 3 or
    more.
    """
    if column.kind == "date":
        some = rows_of(values, np.arange(0, len(values), max(1, len(values) // DATES)))
        numbers = features(some.to_frame(), Schema("regression", "", (), (column,)))[column.name].to_numpy()
        found = {one.value: one for one in (*_far(numbers), *_usual_for_none(numbers))}
        texts = as_text(np.array(list(found)), "%Y-%m-%d")
        yield from _said(zip(texts, found.values(), strict=True), len(numbers), "no date")
    elif column.kind == "numeric":
        yield from repeated_and_far(values.to_numpy(np.float64, na_value=np.nan))


def repeated_and_far(numbers: np.ndarray) -> Iterator[str]:
    """`placeholders` of a column of numbers (n_rows,)."""
    finite = np.isfinite(numbers)
    rest = numbers if finite.all() else numbers[finite]
    codes = [*_codes(rest), *_negative_codes(rest)]
    for code in codes:
        rest = rest[rest != code.value]
    found = [*codes, *_far(rest), *_beyond(rest)]
    return _said(((f"{one.value:.15g}", one) for one in found), len(numbers), "no value")


def _said(found: Iterable[tuple[str | None, Placeholder]], rows: int, nothing: str) -> Iterator[str]:
    for text, one in islice(found, MOST):
        yield (
            f"{text!r}, in {one.count} of {rows} rows, {one.why}; name it in missing if it stands for "
            f"{nothing}."
        )


def _usual_for_none(numbers: np.ndarray) -> Iterator[Placeholder]:
    """Days that programs write for no date, if they are many years from all others, however few those are."""
    days, counts = np.unique(numbers[np.isfinite(numbers)], return_counts=True)
    for place in np.flatnonzero(np.isin(np.floor(days), NO_DAYS)):
        others = np.delete(days, place)
        if len(others) and np.abs(others - days[place]).min() > YEARS_APART:
            yield Placeholder(float(days[place]), int(counts[place]))


def may_be_beyond(numbers: np.ndarray, low: float, high: float) -> bool:
    """Whether the ends of a column (n_rows,) are very far from most of its first numbers."""
    first, last = np.sort(numbers[:SOME])[[SOME // 10, -SOME // 10]] if len(numbers) >= SOME else (low, high)
    return bool(first < last and max(first - low, high - last) > BEYOND * (last - first))


def _beyond(numbers: np.ndarray) -> Iterator[Placeholder]:
    """A single number that no other is near by far, such as an age of 99999999999."""
    if not len(numbers) or not may_be_beyond(numbers, numbers.min(), numbers.max()):
        return
    values, counts = np.unique(numbers, return_counts=True)
    for end, rest in ((0, values[1:]), (-1, values[:-1])):
        gap = max(rest[0] - values[end], values[end] - rest[-1])
        if counts[end] == 1 and len(rest) >= FEWEST_OTHERS and gap > BEYOND * (rest[-1] - rest[0]):
            yield Placeholder(float(values[end]), 1)


def codes_among_labels(
    labels: Sequence[str | int | float], rows: Mapping[str, int]
) -> list[str | int | float]:
    """Labels that surveys write for no answer, such as 99 beside 1, 2 and 3, or -9 beside 0 and 1.

    Those are 9, 99 and so on, with 7 and 8 before them, if all others follow each other and they do not; and
    the only negative number of three or more. In -1, 0, 1 it is the opposite of 1, unless few rows have it.

    Args:
        labels: The classes.
        rows: How many rows have each, by how it is written.
    """
    if len(labels) <= FEWEST_ANSWERS or any(isinstance(label, str) for label in labels):
        return []
    ordered = sorted(labels)
    opposites = ordered == [-1, 0, 1] and rows.get(str(ordered[0]), 0) > RARE * sum(rows.values())
    found = ordered[:1] if ordered[0] < 0 <= ordered[1] and not opposites else []
    top = list(takewhile(lambda label: _CODE.fullmatch(f"{label:.15g}"), reversed(ordered)))
    others = np.array(ordered[len(found) : len(ordered) - len(top)])
    if (
        top
        and set(f"{top[0]:.15g}") == {"9"}
        and len(others) >= FEWEST_ANSWERS
        and (np.diff(others) == 1).all()
        and top[-1] > others[-1] + 1
    ):
        found += reversed(top)
    return found


def _codes(numbers: np.ndarray) -> Iterator[Placeholder]:
    """Values above all others that surveys write for no answer, such as 77, 88 and 99, together.

    Those of one digit count only if they are several and rare, beside answers up to 5: on a scale up to 9,
    nobody may have answered 6.
    """
    most = f"{np.max(numbers, initial=-1):.15g}"
    if not _CODE.fullmatch(most):  # as of most columns
        return
    values, counts = np.unique(numbers, return_counts=True)
    texts = [f"{value:.15g}" for value in values[: -MOST - 1 : -1]]
    codes = len(list(takewhile(lambda text: len(text) == len(most) and _CODE.fullmatch(text), texts)))
    others = values[:-codes]
    fewest = FEWEST_ANSWERS if codes > 1 else FEWEST_CLEAR
    if len(others) < fewest or counts[-codes:].sum() < FEW_ROWS:
        return
    gap, width = values[-codes] - others[-1], others[-1] - others[0]
    if len(most) == 1:
        answers = others[0] >= 0 and others[-1] <= HIGHEST_ANSWER and (others % 1 == 0).all()
        rare = 2 * counts[-codes:].mean() <= np.median(counts[:-codes]) and counts[-codes:].min() > 1
        far = answers and rare and codes > 1 and gap > 1
    else:
        far = gap > (1 if len(others) >= FEWEST_OTHERS else 2) * width
    if far:
        yield from map(Placeholder, values[-codes:].tolist(), counts[-codes:].tolist())


def _negative_codes(numbers: np.ndarray) -> Iterator[Placeholder]:
    """Several values that surveys write for no answer, such as -1, -8 and -9, if no others are negative."""
    if not _NEGATIVE.fullmatch(f"{np.min(numbers, initial=0):.15g}"):  # as of most columns
        return
    values, counts = np.unique(numbers[numbers < 0], return_counts=True)
    others = np.unique(numbers[numbers >= 0][: 100 * FEWEST_OTHERS])
    coded = all(value in (-3, -2, -1) or _NEGATIVE.fullmatch(f"{value:.15g}") for value in values[:MOST])
    if 1 < len(values) <= MOST and coded and counts.min() >= FEW_ROWS and len(others) >= FEWEST_CLEAR:
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            yield Placeholder(value, count, "is one of a few negative numbers")


def _far(numbers: np.ndarray) -> Iterator[Placeholder]:
    """Values that are repeated and far from all others."""
    finite = np.isfinite(numbers)
    rest = numbers if finite.all() else numbers[finite]
    for _ in range(MOST):
        found = next(_far_ends(rest), None)
        if found is None:
            return
        yield found
        rest = rest[rest != found.value]


def _far_ends(numbers: np.ndarray) -> Iterator[Placeholder]:
    if not len(numbers):
        return
    least, most = float(numbers.min()), float(numbers.max())
    for end in (least, most):
        there = numbers == end
        count = int(np.count_nonzero(there))
        if count in (1, len(numbers)):  # most columns of numbers
            continue
        low = float(np.where(there, np.inf, numbers).min()) if end == least else least
        high = float(np.where(there, -np.inf, numbers).max()) if end == most else most
        gap, width = max(low - end, end - high), high - low
        nines = bool(_NINES.fullmatch(f"{end:.15g}")) and count >= FEW_ROWS and gap > NEAR * width
        zero = end == 0 and count >= FEW_ROWS and low - end > NEAR_ZERO * width
        coded = end == NO_ANSWER and count >= FEW_ROWS and width <= MOST_ANSWERS and gap >= 2 * max(width, 1)
        clear = gap > FAR * width
        rare = count * 2 <= len(numbers)
        others = np.unique(numbers[~there][: 100 * FEWEST_OTHERS])
        if nines or coded or (zero and (rare or clear)) or (gap > width and rare):
            # 99 among answers from 1 to 5 is not an answer either.
            fewest = FEWEST_CLEAR if (nines or zero) and clear else FEWEST_OTHERS
            if len(others) >= (FEWEST_ANSWERS if coded else fewest):
                yield Placeholder(end, count)
                return
        if end < 0 <= low and count >= FEW_ROWS and _is_alone(end, count, numbers[~there], width):
            yield Placeholder(end, count, "is the only negative number")


def _is_alone(end: float, count: int, others: np.ndarray, width: float) -> bool:
    """Whether the only negative number stands for none, and is not an answer such as -1 beside 0 and 1."""
    if end != -1:
        return bool(_NEGATIVE.fullmatch(f"{end:.15g}"))
    if width <= FEWEST_OTHERS:
        return bool((others % 1).any() or others.max() >= MOST_ANSWERS)
    return bool((others % 1).any()) or count > np.unique(others, return_counts=True)[1].max()
