"""Dates as numbers: cells to days since 1970 (UTC), and days to what a model learns from. NumPy alone."""

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from tabular.data.cells import MISSING, shown

__all__ = ["FORCED", "FORMATS", "ISO", "as_text", "date_format", "date_parts", "day_number"]

# Any ISO 8601 date with or without a time and an offset; named as pandas.to_datetime names it.
ISO = "ISO8601"
_ISO_START = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
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
)
FORMATS = (ISO, *(day + time for day in _DAYS for time in _TIMES))
# What might as well be a number, or has two digits for a year: only where a person says that it is a date.
FORCED = ("%Y%m%d", "%Y-%m", "%Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y")
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


def date_format(cells: Iterable[Any], forced: bool = False) -> str | None:
    """The first format that all cells have which are not missing; None where there is none.

    Args:
        cells: best each value once.
        forced: a person says that these are dates, so that numbers are tried as dates, too.
    """
    present = [
        cell for cell in cells if cell == cell and cell is not None and str(cell).strip() not in MISSING
    ]
    for form in (*FORMATS, *FORCED) if forced else FORMATS:
        if present and _has(present[:SAMPLE], form) and _has(present, form):
            return form
    return None


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


def _has(cells: Iterable[Any], form: str) -> bool:
    try:
        for cell in cells:
            day_number(cell, form)
    except ValueError:
        return False
    return True
