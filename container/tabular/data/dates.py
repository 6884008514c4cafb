"""Dates as numbers: cells to days since 1970 (UTC), and days to features. It needs only NumPy."""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from tabular.data.cells import MARKS, MISSING, MOST_OTHERS, is_gap, shown

__all__ = [
    "FORCED",
    "FORMATS",
    "ISO",
    "FoundDates",
    "as_text",
    "date",
    "date_parts",
    "day_number",
    "find_dates",
    "is_ambiguous",
]

# Any ISO 8601 date with or without a time and an offset; the name is that of pandas.to_datetime.
ISO = "ISO8601"
_ISO_START = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_DAYS = (
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%m/%d/%Y",  # if no day is greater than 12, a slash means that the month comes first, as in pandas
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%A, %B %d, %Y",
    "%a, %d %b %Y",
    "%a %b %d %Y",
    "%d-%b-%y",
    "%d %b %y",
)
FORMATS = (ISO, *(day + time for day in _DAYS for time in _TIMES))
# Formats that could also be numbers, or have two-digit years: tried only if the user says that it is a date.
FORCED = ("%Y%m%d", "%Y-%m", "%Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y")
# Dates that databases write for a missing date.
NO_DATES = ("0000-00-00", "0001-01-01", "9999-12-31", "01/01/0001", "1/1/0001", "31/12/9999", "12/31/9999")
SWAPPED = {"%m/%d/%Y": "%d/%m/%Y", "%d-%m-%Y": "%m-%d-%Y"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND, PER_DAY = timedelta(microseconds=1), 86_400_000_000
SAMPLE = 20


def day_number(cell: Any, form: str) -> float:
    """A cell as days since 1970-01-01 (UTC), NaN if it is missing; a date without an offset is in UTC.

    Raises:
        ValueError: if the cell is not a date in this format.
    """
    if cell is None or cell != cell:  # NaN
        return np.nan
    if isinstance(cell, float) and cell.is_integer():  # an integer in a column with missing values
        cell = int(cell)
    text = str(cell).strip()
    return np.nan if text in MISSING else _day_number(text, form)


def date(cell: Any, form: str, missing: Collection[str]) -> float:
    """`day_number` of a cell in a column in which some strings mean a missing value."""
    if isinstance(cell, str) and is_gap(cell.strip(), missing):
        return np.nan
    return day_number(cell, form)


@lru_cache(maxsize=4096)  # a table repeats a few dates many times
def _day_number(text: str, form: str) -> float:
    try:
        if form != ISO:
            moment = datetime.strptime(text, form)
        elif _ISO_START.match(text):
            moment = datetime.fromisoformat(text)
        else:
            raise ValueError
        if moment.year < 1000:  # strftime writes these years with fewer digits than strptime reads
            raise ValueError
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        example = as_text(np.array([19753.4375]), form)[0]
        raise ValueError(f"{shown(text)} is not a date such as {example}.") from None
    return (moment - EPOCH) // MICROSECOND / PER_DAY


class FoundDates(NamedTuple):
    """The format of a column's dates, and the counts of its other cells."""

    format: str
    gaps: Mapping[str, int]


def find_dates(counts: Mapping[Any, int], forced: bool = False) -> FoundDates | None:
    """The first format that fits the cells of a column; None if it is not a column of dates.

    Cells that mean a missing value need not fit: the usual marks, dates that databases write for a missing
    one (0001-01-01, 9999-12-31), and a few other words.

    Args:
        counts: how often each cell occurs, without empty cells.
        forced: whether the user says that these are dates; then numbers are tried as dates, too, and no other
            words are allowed.
    """
    gaps, present = {}, {}
    for cell, count in counts.items():
        text = str(cell).strip()
        if text in MISSING:
            continue
        mark = text.casefold() in MARKS or text.startswith(NO_DATES)
        (gaps if mark else present)[text if mark else cell] = count
    whole = sum(present.values())
    for form in (*FORMATS, *FORCED) if forced else FORMATS:
        sample = list(present)[:SAMPLE]
        if sum(_is_date(cell, form) for cell in sample) * 2 < len(sample) or not sample:
            continue
        others = {str(cell).strip(): count for cell, count in present.items() if not _is_date(cell, form)}
        if sum(others.values()) <= (0 if forced else MOST_OTHERS * whole):
            return FoundDates(form, gaps | others)
    return None


def is_ambiguous(cells: Iterable[Any], form: str) -> bool:
    """Whether day and month could also be the other way round in a format with slashes or hyphens."""
    other = SWAPPED.get(form[:8])
    return other is not None and all(_is_date(cell, other + form[8:]) for cell in cells)


def as_text(days: np.ndarray, form: str) -> list[str | None]:
    """Day numbers (n_rows,) as cells in a format; reading the cells returns the same numbers."""
    moments = [None if day != day else _moment(day) for day in days.tolist()]
    if form != ISO:
        return [None if moment is None else moment.strftime(form) for moment in moments]
    return [None if moment is None else moment.replace(tzinfo=None).isoformat() for moment in moments]


def date_parts(days: np.ndarray) -> np.ndarray:
    """Day number, month (1 to 12) and weekday (0 is Monday) of each column: (n_rows, 3 * n_columns)."""
    days = np.asarray(days, dtype=np.float64)
    parts = np.full((*days.shape, 3), np.nan)
    known = ~np.isnan(days)
    day = np.floor(days[known]).astype(np.int64)
    months = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    parts[known] = np.column_stack([days[known], months % 12 + 1, (day + 3) % 7])
    return parts.reshape(len(days), -1)


def _moment(day: float) -> datetime:
    """The moment of a day number, exact to the microsecond until 2149."""
    whole = math.floor(day)
    return EPOCH + timedelta(days=whole, microseconds=round((day - whole) * PER_DAY))


def _is_date(cell: Any, form: str) -> bool:
    try:
        day_number(cell, form)
    except ValueError:
        return False
    return True
