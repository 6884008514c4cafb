"""Dates as numbers: cells to days since 1970 (UTC), and days to what a model learns from. NumPy alone."""

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

# Any ISO 8601 date with or without a time and an offset; named as pandas.to_datetime names it.
ISO = "ISO8601"
_ISO_START = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_DAYS = (
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%m/%d/%Y",  # where no day is beyond 12, a slash means the month first, as to pandas
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
# What might as well be a number, or has two digits for a year: only where a person says that it is a date.
FORCED = ("%Y%m%d", "%Y-%m", "%Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y")
# Dates that databases write for none.
NO_DATES = ("0000-00-00", "0001-01-01", "9999-12-31", "01/01/0001", "1/1/0001", "31/12/9999", "12/31/9999")
SWAPPED = {"%m/%d/%Y": "%d/%m/%Y", "%d-%m-%Y": "%m-%d-%Y"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND, PER_DAY = timedelta(microseconds=1), 86_400_000_000
SAMPLE = 20


def day_number(cell: Any, form: str) -> float:
    """Days since 1970-01-01 (UTC) of a cell, NaN where it is missing; without an offset it is in UTC.

    Raises:
        ValueError: the cell is not a date of this format.
    """
    if cell is None or cell != cell:  # NaN
        return np.nan
    if isinstance(cell, float) and cell.is_integer():  # whole numbers of a column that has gaps
        cell = int(cell)
    text = str(cell).strip()
    return np.nan if text in MISSING else _day_number(text, form)


def date(cell: Any, form: str, missing: Collection[str]) -> float:
    """`day_number` of a cell of a column, in which some texts are gaps."""
    if isinstance(cell, str) and is_gap(cell.strip(), missing):
        return np.nan
    return day_number(cell, form)


@lru_cache(maxsize=4096)  # a table holds few dates many times
def _day_number(text: str, form: str) -> float:
    try:
        if form != ISO:
            moment = datetime.strptime(text, form)
        elif _ISO_START.match(text):
            moment = datetime.fromisoformat(text)
        else:
            raise ValueError
        if moment.year < 1000:  # which strftime writes in fewer digits than it reads
            raise ValueError
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        example = as_text(np.array([19753.4375]), form)[0]
        raise ValueError(f"{shown(text)} is not a date such as {example}.") from None
    return (moment - EPOCH) // MICROSECOND / PER_DAY


class FoundDates(NamedTuple):
    """The format of a column's dates, and what its other cells are, each with its count."""

    format: str
    gaps: Mapping[str, int]


def find_dates(counts: Mapping[Any, int], forced: bool = False) -> FoundDates | None:
    """The first format that the cells of a column have, but for gaps; None where it is not one of dates.

    Gaps are the usual marks, dates that stand for none (0001-01-01, 9999-12-31), and few other words.

    Args:
        counts: how often each cell comes; empty ones left out.
        forced: a person says that these are dates: numbers are tried as dates too, and every cell counts.
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
    """Whether day and month of a format with slashes or hyphens could as well be the other way round."""
    other = SWAPPED.get(form[:8])
    return other is not None and all(_is_date(cell, other + form[8:]) for cell in cells)


def as_text(days: np.ndarray, form: str) -> list[str | None]:
    """Day numbers (n_rows,) as cells of a format, so that reading them gives the same numbers."""
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
