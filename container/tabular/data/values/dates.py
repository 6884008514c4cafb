"""Dates as numbers: cells to days since 1970 (UTC), and days to features. It needs only NumPy.

The format of a column's dates is found once, by `finding.dates`; training and serving then use it. It is the
format of strptime, or several of them with `SEVERAL` between them, none of which reads the dates of another.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from tabular.data.values.cells import MISSING, is_gap, lazily, shown
from tabular.data.values.date_words.months import in_english
from tabular.data.values.date_words.usual import usual
from tabular.data.values.date_words.zones import zone_of
from tabular.data.values.many_dates import SEVERAL, read_dates, shorter

__all__ = [
    "FORCED",
    "FORMATS",
    "ISO",
    "NO_DATES",
    "as_text",
    "date",
    "date_parts",
    "day_number",
    "has_time",
    "is_date",
    "many_dates",
    "moment_of",
    "no_dates",
]

# Any ISO 8601 date with or without a time and an offset; the name is that of pandas.to_datetime.
ISO = "ISO8601"
_ISO_START = lazily(r"\d{4}-\d{2}-\d{2}")
_ISO_DAY = lazily(r"(\d{4}-\d\d-\d\d)(?:Z|\+\d\d:\d\d)")  # of XML; Python takes the offset for a time
_ISO_ZONE = lazily(r"\s+(?:Z|UTC|GMT|([+-]\d\d(?::?\d\d)?))$")  # databases write a blank before it
_TIMES = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p"),
    *(" %H:%M:%S %z", " %H:%M:%S %Z", " %H:%M %z", " %H:%M %Z"),
)
_DAYS = (
    "%Y-%m-%d",  # without zeros, too, unlike ISO
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y.%m.%d.",
    "%Y. %m. %d.",
    "%Y %m %d",
    "%d.%m.%Y",
    "%d. %m. %Y",
    "%d. %b %Y",
    "%d. %B %Y",
    "%m/%d/%Y",  # if no day is greater than 12, a slash means that the month comes first, as in pandas
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d/%b/%Y",
    "%Y-%b-%d",
    "%Y %b %d",
    "%d%b%Y",  # SAS and Stata
    "%d %B %Y",
    "%b %d, %Y",
    "%b %d %Y",
    "%B %d, %Y",
    "%B %d %Y",
    "%d-%b-%y",
    "%d %b %y",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%y/%m/%d",
    "%y-%m-%d",
    "%y.%m.%d",
)
_OTHERS = (
    *("%Y-%m-%d %I:%M %p", "%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d %H:%M:%S %Z"),
    *("%d/%b/%Y:%H:%M:%S %z", "[%d/%b/%Y:%H:%M:%S %z]"),  # logs of web servers
    "%d/%b/%y %I:%M %p",  # Jira
    *("%d%b%Y:%H:%M:%S", "%d%b%Y:%H:%M:%S.%f"),  # SAS
    *("%d-%b-%y %I.%M.%S.%f %p", "%d-%b-%y %I.%M.%S.%f %p %z"),  # Oracle
    *("%b %d %H:%M:%S %Y", "%b %d %H:%M:%S %Z %Y", "%b %d %H:%M:%S %z %Y"),  # C, Unix and Ruby
    *("%Y. %b %d.", "%Y. %B %d."),  # Hungarian
    *("%d-%B-%Y", "%d%b%y", "%d-%m-%Y %H.%M", "%d-%m-%Y %H.%M.%S"),
    *(f"{day} %I:%M:%S.%f %p" for day in ("%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y")),
    *(
        "%Y:%m:%d %H:%M:%S",
        "%Y%m%dT%H%M%S",
        "%Y%m%dT%H%M%SZ",
        "%Y%m%d_%H%M%S",
        "%Y%m%d %H:%M",
        "%Y%m%d %H:%M:%S",
        "%d/%m/%Y %Hh%M",
        *("%d.%m.%Y %H.%M", "%d.%m.%Y %H.%M.%S", "%d/%m/%Y %H.%M", "%d/%m/%Y %H.%M.%S"),
    ),
    *(  # Google Forms and Amazon
        f"{day} {time} %p %z"
        for time in ("%I:%M:%S", "%I:%M")
        for day in ("%Y/%m/%d", "%b %d, %Y", "%B %d, %Y", "%m/%d/%Y", "%Y-%m-%d")
    ),
    *("%Y-%m-%d %H.%M.%S", "%Y-%m-%d-%H.%M.%S.%f"),  # and DB2
    *("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%m-%Y", "%b %Y", "%B %Y", "%b-%Y", "%B-%Y", "%b/%Y", "%b%Y"),
    *("%b-%y", "%B-%y", "%b/%y", "%b '%y", "%Y %b", "%Y-%b", "%Y %B", "%Y%b", "%Y, %B"),
    *("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p"),
    *("%y.%d.%m", "%H.%M.%S"),  # YouTube's trending dates, which could be times if no month were under 13
    *("%Y-%j", "%Y-%jT%H:%M:%S", "%Y-%jT%H:%M:%SZ", "%Y-%jT%H:%M:%S.%f", "%Y-%j %H:%M:%S"),  # days of a year
)
FORMATS = (ISO, *(day + time for day in _DAYS for time in _TIMES), *_OTHERS)
# Formats that could also be numbers: tried only if the user says that it is a date.
FORCED = ("%Y%m%d", "%Y%m%d%H%M%S", "%Y")
# Dates that databases write for a missing date.
NO_DATES = (
    *("0000-00-00", "0001-01-01", "9999-12-31", "01/01/0001", "1/1/0001", "31/12/9999", "12/31/9999"),
    *("00/00/0000", "0000/00/00", "00.00.0000", "00-00-0000", "01.01.0001", "31.12.9999", "31-12-9999"),
    *("1/0/1900", "01/00/1900", "0/1/1900", "00/01/1900", "00.01.1900", "1900-01-00"),  # Excel's zero
    *("0-Jan-00", "00-Jan-00", "0-Jan-1900", "00-Jan-1900", "1/0/00", "01/00/00", "00/01/00", "00.01.00"),
    *("infinity", "-infinity"),  # PostgreSQL
)
_SHORT_MINUTE = lazily(r":\d(?!\d)")  # a score such as 2:1, which strptime takes for a time of day
# The end of a day, which is the beginning of the next one.
_END_OF_DAY = lazily(r"(?<![\d:.,])24(?=:00(?::00(?:\.0+)?)?(?![\d:.]))")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = EPOCH + timedelta(1)
MICROSECOND, PER_DAY = timedelta(microseconds=1), 86_400_000_000
_PACKED = lazily(r"(?=(?:.*%[dmyHMS]){2})(?:%[dmyYHMS])+")
LONGEST = 256  # characters of a date; the caches keep texts, and a request may hold any


def day_number(cell: Any, form: str) -> float:
    """A cell as days since 1970-01-01 (UTC), NaN if it is missing; a date without an offset is in UTC.

    Raises:
        ValueError: if the cell is not a date in this format.
    """
    if cell is None or cell != cell:  # NaN
        return np.nan
    if isinstance(cell, list | dict):
        raise _no_date(cell, form)
    if isinstance(cell, float) and cell.is_integer():  # an integer in a column with missing values
        cell = int(cell)
    text = str(cell).strip()
    if len(text) > LONGEST:
        raise _no_date(text, form)
    return np.nan if text in MISSING or text == "NaT" else _day_number(text, form)


def date(cell: Any, form: str, missing: Collection[str]) -> float:
    """`day_number` of a cell in a column in which some strings mean a missing value.

    The dates that databases write for a missing one always do, with and without a time.
    """
    if isinstance(cell, str):
        text = cell.strip()
        if is_gap(text, missing) or text.startswith(NO_DATES):
            return np.nan
    return day_number(cell, form)


def many_dates(cells: Sequence[Any], form: str, missing: Collection[str]) -> np.ndarray:
    """`date` of each cell (n_cells,), nearly all of which are read at once."""
    days = read_dates(list(map(str, cells)), form)
    for place in np.flatnonzero(np.isnan(days)):
        days[place] = date(cells[place], form, missing)
    if missing:
        days[[cell in missing for cell in cells]] = np.nan
    return days


@lru_cache(maxsize=4096)  # a table repeats a few dates many times
def _day_number(text: str, form: str) -> float:
    if SEVERAL in form:
        fitting = next((one for one in form.split(SEVERAL) if is_date(text, one)), None)
        if fitting is None:
            raise _no_date(text, form)
        return _day_number(text, fitting)
    try:
        written, zone = zone_of(text)
        begun = _END_OF_DAY.sub("00", written) if "24:00" in written else written
        if form != ISO:
            if _SHORT_MINUTE.search(begun):
                raise ValueError
            moment = _parsed(in_english(usual(begun, "%a" in form.lower()), "%B" in form), form)
            if "%y" not in form.lower():  # a time of day
                moment = moment.replace(year=EPOCH.year)
        elif _ISO_START.match(begun):
            day = _ISO_DAY.fullmatch(begun)
            iso = day[1] if day else _ISO_ZONE.sub(lambda zone: zone[1] or "+00:00", begun)
            moment = datetime.fromisoformat(iso)
        else:
            raise ValueError
        if moment.year < 1000:  # strftime writes these years with fewer digits than strptime reads
            raise ValueError
        moment += timedelta(begun != written)
        moment = moment.replace(tzinfo=zone or UTC) if moment.tzinfo is None else moment
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _no_date(text, form) from None
    return (moment - EPOCH) // MICROSECOND / PER_DAY


def _parsed(text: str, form: str) -> datetime:
    """The moment in a text, of whose time parts may be left out.

    Of digits without signs between them, a number may have lost the first zero; with others left out, 1112024
    could be two dates.

    Raises:
        ValueError: if it is not a date in this format.
    """
    if _PACKED.fullmatch(form):
        width = form.count("%") * 2 + form.count("%Y") * 2
        text = text.zfill(width) if len(text) == width - 1 and not form.startswith("%Y") else text
        if len(text) != width:
            raise ValueError
    try:
        return datetime.strptime(text, form)
    except ValueError:
        for one in shorter(form):
            if one.count(":") == text.count(":"):
                return datetime.strptime(text, one)
        raise


def _no_date(cell: Any, form: str) -> ValueError:
    return ValueError(f"{shown(cell)} is not a date such as {_example(form)}.")


@lru_cache(maxsize=len(FORMATS) + len(FORCED))  # the search for a format refuses cells for most formats
def _example(form: str) -> str | None:
    return as_text(np.array([19753.4375]), form)[0]


def has_time(cells: Iterable[Any]) -> bool:
    """Whether dates have a time of day."""
    return any(":" in str(cell) and ":" in usual(str(cell)) for cell in cells)


def as_text(days: np.ndarray, form: str) -> list[str | None]:
    """Day numbers (n_rows,) as cells in a format; reading the cells returns the same numbers.

    Of several formats, it is the one that says most.
    """
    form = max(form.split(SEVERAL), key=lambda one: (one == ISO, one.count("%")))
    moments = [None if day != day else moment_of(day) for day in days.tolist()]
    if "%y" not in form.lower() and "%H" in form:  # the end of a day has a time of its own
        ends = form.replace("%H", "24")
        return [one and one.strftime(ends if one == _END else form) for one in moments]
    if form != ISO:
        return [None if moment is None else moment.strftime(form) for moment in moments]
    return [None if moment is None else moment.replace(tzinfo=None).isoformat() for moment in moments]


def date_parts(days: np.ndarray, timed: Sequence[bool] | None = None) -> np.ndarray:
    """Day number, month (1 to 12) and weekday (0 is Monday) of each date, and hour and minute if timed.

    Args:
        days: days since 1970 (n_rows, n_columns); NaN if a date is missing.
        timed: whether each column (n_columns,) has times; by default, none has.

    Returns:
        The features (n_rows, 3 * n_columns, and 2 more for each column with times), column by column.
    """
    days = np.asarray(days, dtype=np.float64)
    parts = np.full((*days.shape, 5), np.nan)
    known = ~np.isnan(days)
    day = np.floor(days[known]).astype(np.int64)
    months = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    seconds = np.minimum(np.rint((days[known] - day) * PER_DAY), PER_DAY - 1) // 1_000_000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    parts[known] = np.column_stack([days[known], months % 12 + 1, (day + 3) % 7, hours, minutes])
    used = [[True] * 3 + [bool(one)] * 2 for one in (timed or [False] * days.shape[1])]
    return parts.reshape(len(days), -1)[:, np.ravel(used).astype(bool)]


def moment_of(day: float) -> datetime:
    """The moment of a day number, exact to the microsecond until 2149."""
    whole = math.floor(day)
    return EPOCH + timedelta(days=whole, microseconds=round((day - whole) * PER_DAY))


def no_dates(cells: Iterable[Any], form: str) -> Iterator[Any]:
    """The cells that are not dates in a format."""
    cells = list(cells)
    others = np.flatnonzero(np.isnan(read_dates(list(map(str, cells)), form)))
    return (cells[place] for place in others if not is_date(cells[place], form))


def is_date(cell: Any, form: str) -> bool:
    """Whether a cell is a date in a format, or missing."""
    try:
        day_number(cell, form)
    except ValueError:
        return False
    return True
