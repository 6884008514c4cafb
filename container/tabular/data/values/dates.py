"""Dates as numbers: cells to days since 1970 (UTC), and days to features. It needs only NumPy."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np

from tabular.data.values.cells import FEW_WORDS, MISSING, MOST_OTHERS, MOST_WORDS, NO_NUMBERS, is_gap, shown
from tabular.data.values.date_words import FISCAL, in_english, usual
from tabular.data.values.many_dates import read_dates

__all__ = [
    "FORCED",
    "FORMATS",
    "ISO",
    "FoundDates",
    "as_text",
    "date",
    "date_parts",
    "day_number",
    "earlier_formats",
    "find_dates",
    "has_time",
    "is_ambiguous",
    "is_date",
    "many_dates",
    "other_calendar",
    "other_meaning",
]

# Any ISO 8601 date with or without a time and an offset; the name is that of pandas.to_datetime.
ISO = "ISO8601"
_ISO_START = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_ZONE = re.compile(r"\s+(?:Z|UTC|GMT|([+-]\d\d(?::?\d\d)?))$")  # databases write a blank before it
_TIMES = (
    *("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p"),
    *(" %H:%M:%S %z", " %H:%M:%S %Z", " %H:%M %z"),
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
    "%d-%b-%y %I.%M.%S.%f %p",  # Oracle
    *("%b %d %H:%M:%S %Y", "%b %d %H:%M:%S %Z %Y", "%b %d %H:%M:%S %z %Y"),  # C, Unix and Ruby
    *("%Y. %b %d.", "%Y. %B %d."),  # Hungarian
    *(
        "%Y:%m:%d %H:%M:%S",
        "%Y%m%dT%H%M%S",
        "%Y%m%dT%H%M%SZ",
        "%Y%m%d_%H%M%S",
        "%d/%m/%Y %Hh%M",
        "%d.%m.%Y %H.%M.%S",
    ),
    *("%Y-%m-%d %H.%M.%S", "%Y-%m-%d-%H.%M.%S.%f"),  # and DB2
    *("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%m-%Y", "%b %Y", "%B %Y", "%b-%Y", "%B-%Y", "%b/%Y", "%b%Y"),
    *("%b-%y", "%b '%y", "%Y %b", "%Y-%b", "%Y %B"),
    *("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p"),
)
FORMATS = (ISO, *(day + time for day in _DAYS for time in _TIMES), *_OTHERS)
# Formats that could also be numbers: tried only if the user says that it is a date.
FORCED = ("%Y%m%d", "%Y%m%d%H%M%S", "%Y")
# Version numbers could be read as these dates, so a few cells are not enough evidence.
DOUBTFUL, ENOUGH = ("%d.%m.%y", "%y.%m.%d"), 5
FEWEST_SEASONS = 3
MODERN = 1500, 2300  # years that are hardly of another calendar
ENOUGH_DAYS = 20  # different dates that show which digits are the day
# Dates that databases write for a missing date.
NO_DATES = (
    *("0000-00-00", "0001-01-01", "9999-12-31", "01/01/0001", "1/1/0001", "31/12/9999", "12/31/9999"),
    *("00/00/0000", "0000/00/00", "00.00.0000", "00-00-0000", "01.01.0001", "31.12.9999", "31-12-9999"),
    *("1/0/1900", "01/00/1900", "0/1/1900", "00/01/1900", "00.01.1900", "1900-01-00"),  # Excel's zero
    *("infinity", "-infinity"),  # PostgreSQL
)
SWAPPED = {
    "%m/%d/%Y": "%d/%m/%Y",
    "%d/%m/%Y": "%m/%d/%Y",
    "%d-%m-%Y": "%m-%d-%Y",
    "%m-%d-%Y": "%d-%m-%Y",
    "%m/%d/%y": "%d/%m/%y",
    "%d/%m/%y": "%m/%d/%y",
    "%m-%d-%y": "%d-%m-%y",
    "%d-%m-%y": "%m-%d-%y",
}
_DIGIT = re.compile(r"\d")
# The least and the greatest number of digits that strptime reads as a part of a date; zones may have any.
_DIGITS = {
    **dict.fromkeys("dmHIMS", (1, 2)),
    **{"y": (2, 2), "Y": (4, 4), "f": (1, 6)},
    **dict.fromkeys("aAbBp", (0, 0)),
}
_SHORT_MINUTE = re.compile(r":\d(?!\d)")  # a score such as 2:1, which strptime takes for a time of day
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND, PER_DAY = timedelta(microseconds=1), 86_400_000_000
SAMPLE, SAMPLE_CELLS = 20, 1000
LONGEST = 256  # characters of a date; the caches keep texts, and a request may hold any


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
    try:
        if form != ISO:
            if _SHORT_MINUTE.search(text):
                raise ValueError
            moment = datetime.strptime(in_english(usual(text, "%a" in form.lower()), "%B" in form), form)
            if "%y" not in form.lower():  # a time of day
                moment = moment.replace(year=EPOCH.year)
        elif _ISO_START.match(text):
            moment = datetime.fromisoformat(_ISO_ZONE.sub(lambda zone: zone[1] or "+00:00", text))
        else:
            raise ValueError
        if moment.year < 1000:  # strftime writes these years with fewer digits than strptime reads
            raise ValueError
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _no_date(text, form) from None
    return (moment - EPOCH) // MICROSECOND / PER_DAY


def _no_date(text: str, form: str) -> ValueError:
    return ValueError(f"{shown(text)} is not a date such as {_example(form)}.")


@lru_cache(maxsize=len(FORMATS) + len(FORCED))  # the search for a format refuses cells for most formats
def _example(form: str) -> str | None:
    return as_text(np.array([19753.4375]), form)[0]


@lru_cache(maxsize=len(FORMATS) + len(FORCED))
def _signs(form: str) -> frozenset[str]:
    """What stands between the parts of each date in a format."""
    return frozenset() if form == ISO else frozenset(re.sub("%.", "", form)) - {" "}


@lru_cache(maxsize=len(FORMATS) + len(FORCED))
def _digits(form: str) -> tuple[float, float]:
    """The least and the greatest number of digits of a date in a format."""
    if form == ISO:
        return 0, math.inf
    parts = [_DIGITS.get(part, (0, math.inf)) for part in re.findall("%(.)", form)]
    return sum(fewest for fewest, _ in parts), sum(most for _, most in parts)


@lru_cache(maxsize=4096)
def _count_of_digits(text: str) -> int:
    return len(_DIGIT.findall(text))


@lru_cache(maxsize=4096)
def _characters(text: str) -> frozenset[str]:
    return frozenset(usual(text))


class FoundDates(NamedTuple):
    """The format of a column's dates, and the counts of its other cells."""

    format: str
    gaps: Mapping[str, int]


def find_dates(
    counts: Mapping[Any, int],
    forced: bool = False,
    form: str | None = None,
    dayfirst: bool | None = None,
    strict: bool = False,
) -> FoundDates | None:
    """The first format that fits the cells of a column; None if it is not a column of dates.

    Cells that mean a missing value need not fit: the usual marks, dates that databases write for a missing
    one (0001-01-01, 9999-12-31), and a few other words.

    Args:
        counts: how often each cell occurs, without empty cells.
        forced: whether the user says that these are dates; then numbers are tried as dates, too, and no other
            words are allowed.
        form: the only format to try, if the user names it.
        dayfirst: whether the day comes before the month, if the user says so.
        strict: whether every cell must be a date.
    """
    gaps, present = {}, {}
    for cell, count in counts.items():
        text = str(cell).strip()
        if text in MISSING and not strict:
            continue
        mark = not strict and (text.casefold() in NO_NUMBERS or text.startswith(NO_DATES))
        (gaps if mark else present)[text if mark else cell] = count
    words = [] if strict or forced else [cell for cell in present if not any(map(str.isdigit, str(cell)))]
    few = len(words) <= min(FEW_WORDS, len(present) - ENOUGH_DAYS)
    if few and sum(present[word] for word in words) <= MOST_WORDS * sum(present.values()):
        gaps |= {str(word).strip(): present.pop(word) for word in words}  # such as Present
    sample = list(present)[:: max(1, len(present) // SAMPLE)][:SAMPLE]
    if sum(any(map(str.isdigit, str(cell))) for cell in sample) * 2 <= len(sample):
        return None
    whole = sum(present.values())
    allowed = 0 if forced or strict else MOST_OTHERS * whole
    for one in _likely(_candidates(forced, form, dayfirst), sample):
        if not _fits_most(sample, one) or (one.startswith(DOUBTFUL) and not forced and len(present) < ENOUGH):
            continue
        if _year_first(present, one):
            continue
        others = _others(present, one, allowed)
        if others is not None:
            return FoundDates(one, gaps | others)
    return None


def _others(present: Mapping[Any, int], form: str, allowed: float) -> Mapping[str, int] | None:
    """The cells that are not dates in a format, and their counts; None if they are more than allowed."""
    others: Counter[str] = Counter()
    for cell in _no_dates(present, form):
        others[str(cell).strip()] += present[cell]
        allowed -= present[cell]
        if allowed < 0:  # as with most formats, after a few cells, each of which takes long
            return None
    return others


def _year_first(cells: Collection[Any], form: str) -> bool:
    """Whether the two digits for the year come first, because they vary less than those at the end."""
    if (
        form[:8] not in ("%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%d.%m.%y")
        or len(cells) < ENOUGH_DAYS
    ):
        return False
    texts = [str(cell).split()[0] for cell in cells]
    if next(_no_dates(texts, f"%y{form[2]}%m{form[2]}%d"), None) is not None:
        return False
    first, last = ({text.split(form[2])[place] for text in texts} for place in (0, -1))
    return len(last) > 2 * len(first)


def _candidates(forced: bool, form: str | None, dayfirst: bool | None) -> Iterable[str]:
    if form is not None:
        return (form,)
    formats = (*FORMATS, *FORCED) if forced else FORMATS
    if dayfirst is None:
        return formats
    wrong = ("%m/%d", "%m-%d") if dayfirst else ("%d/%m", "%d-%m", "%d.%m")
    return (one for one in formats if not one.startswith(wrong))


def _likely(formats: Iterable[str], sample: Sequence[Any]) -> Iterator[str]:
    """The formats whose signs at least half of the cells have, which are few of the hundreds."""
    texts = [_characters(str(cell).strip()) for cell in sample]
    have: dict[frozenset[str], bool] = {}
    for form in formats:
        signs = _signs(form)
        if signs not in have:
            have[signs] = sum(signs <= one for one in texts) * 2 >= len(texts)
        if have[signs]:
            yield form


def earlier_formats(form: str, sample: Sequence[Any], dayfirst: bool | None = None) -> list[str]:
    """The formats that `find_dates` tries before this one, and that fit some of these cells."""
    earlier = takewhile(lambda one: one != form, _candidates(False, None, dayfirst))
    return [one for one in earlier if any(_fits_each(sample, one))]


def _fits_each(cells: Iterable[Any], form: str) -> Iterator[bool]:
    """Whether a format fits each cell."""
    signs, (fewest, most) = _signs(form), _digits(form)
    for cell in cells:  # strptime compiles a pattern for each format, which takes longer than all the rest
        text = str(cell).strip()
        yield (
            signs <= _characters(text)
            and fewest <= _count_of_digits(usual(text, "%a" in form.lower())) <= most
            and is_date(cell, form)
        )


def _fits_most(sample: Sequence[Any], form: str) -> bool:
    """Whether a format fits at least half of the cells; the search ends as soon as it cannot."""
    misses = 0
    for fits in _fits_each(sample, form):
        misses += not fits
        if misses * 2 > len(sample):
            return False
    return bool(sample)


def is_ambiguous(cells: Iterable[Any], form: str) -> bool:
    """Whether day and month could also be the other way round in a format with slashes or hyphens."""
    other = SWAPPED.get(form[:8])
    return other is not None and next(_no_dates(cells, other + form[8:]), None) is None


def other_meaning(cells: Collection[str], form: str) -> str | None:
    """What else dates in this format may be; None if they are certainly dates."""
    example = next(iter(cells), "")
    if re.search("%[yY]", form) and (years := _odd_years(cells, form)):
        return years
    if form in ("%Y-%m", "%Y/%m"):
        return _fiscal(cells) or _seasons(cells)
    if form.startswith(("%H:%M", "%I:%M")):
        if "%p" in form or not any(text.strip()[1:2] == ":" for text in cells):
            return None
        return f"times of day, such as {example!r}; rewrite them as numbers if they are durations."
    if not form.startswith(("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y")):
        return None
    year_first = "%y" + form[2] + "%m" + form[2] + "%d" + form[8:]
    versions = form[2] == "." and any(len(text.split()[0]) < len("01.01.01") for text in cells)
    if not versions and next(_no_dates(cells, year_first), None) is not None:
        return None
    read = _moment(day_number(example, form)).date()
    return (
        f"dates with two digits for the year: {example!r} is read as {read}; set date_format if the year "
        "comes first, or name the column in categorical if they are versions."
    )


def _odd_years(cells: Collection[str], form: str) -> str | None:
    """What to say of years that are hardly meant: of another calendar, or of the other century."""
    texts = list(cells)[:SAMPLE_CELLS]
    days = [
        day_number(text, form) if day != day else day
        for text, day in zip(texts, read_dates(texts, form).tolist(), strict=True)
    ]
    years = {_moment(day).year: text for text, day in zip(texts, days, strict=True)}
    first, last = min(years), max(years)
    if "%Y" in form and (calendar := other_calendar(first, last, years[first])):
        return calendar
    if "%y" in form and last - first > 60:
        return (
            f"dates with two digits for the year: {years[last]!r} is read as {last} and {years[first]!r} as "
            f"{first}; write four digits if some are meant in the other century."
        )
    return None


def other_calendar(first: int, last: int, example: str) -> str | None:
    """What to say of years that are hardly meant as they are read, such as 2567 and 1402."""
    if first <= MODERN[1] and last >= MODERN[0]:
        return None
    return (
        f"dates in the years {first} to {last}, such as {example!r}; rewrite them if they count in another "
        "calendar."
    )


def _seasons(cells: Collection[str]) -> str | None:
    """What to say of months that are each one more than the year, such as 2011-12; None if any is not."""
    years = [re.findall(r"\d+", text) for text in cells]
    if len(years) < FEWEST_SEASONS or {*map(len, years)} != {2}:
        return None
    if any(int(two) != (int(one) + 1) % 100 for one, two in years):
        return None
    return (
        f"months such as {next(iter(cells))!r}, each of which could be two years in a row; name the "
        "column in categorical if they are seasons."
    )


def _fiscal(cells: Collection[str]) -> str | None:
    """What to say of quarters of a year of accounts; None if there are none."""
    text = next(filter(FISCAL.search, cells), None)
    return text and (
        f"quarters of a fiscal year, such as {text!r}, are read as if it began in January; rewrite them as "
        "dates if the month matters."
    )


def has_time(cells: Iterable[Any]) -> bool:
    """Whether dates have a time of day."""
    return any(":" in str(cell) for cell in cells)


def as_text(days: np.ndarray, form: str) -> list[str | None]:
    """Day numbers (n_rows,) as cells in a format; reading the cells returns the same numbers."""
    moments = [None if day != day else _moment(day) for day in days.tolist()]
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


def _moment(day: float) -> datetime:
    """The moment of a day number, exact to the microsecond until 2149."""
    whole = math.floor(day)
    return EPOCH + timedelta(days=whole, microseconds=round((day - whole) * PER_DAY))


def _no_dates(cells: Iterable[Any], form: str) -> Iterator[Any]:
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
