"""What else dates may be than what they are read as: seasons, durations, versions, other calendars."""

import math
import re
from collections.abc import Collection

from tabular.data.values.date_words.periods import FISCAL, SPAN
from tabular.data.values.dates import day_number, moment_of, no_dates
from tabular.data.values.finding.dates import DAY_BETWEEN, DAYS_OF_YEARS
from tabular.data.values.many_dates import read_dates

__all__ = ["other_calendar", "other_meaning"]

FEWEST_SEASONS = 3
MODERN = 1500, 2300  # years that are hardly of another calendar
SAMPLE_CELLS = 1000
FEWEST_TIMES, NOON = 20, "12"
# By the greatest number of a month: the fewest years that show it, and how to write what it may be.
PARTS_OF_YEARS = {2: (3, "halves or semesters", "2024H1"), 4: (2, "quarters", "2024Q1")}
NUMBERS = re.compile(r"(\d+)[-/.](\d+)")


def other_meaning(cells: Collection[str], form: str) -> str | None:
    """What else dates in this format may be; None if they are certainly dates."""
    example = next(iter(cells), "")
    if re.search("%[yY]", form) and (years := _odd_years(cells, form)):
        return years
    if form in ("%Y-%m", "%Y/%m"):
        return _fiscal(cells) or _seasons(cells) or _quarters(cells, form)
    if re.fullmatch("%m[-/.]%Y", form):
        return _quarters(cells, form)
    if form in ("%b %Y", "%B %Y") and (span := next(filter(SPAN.fullmatch, map(str.strip, cells)), None)):
        return f"spans of months, such as {span!r}, are read as the first day of each."
    if form == DAYS_OF_YEARS:
        read = moment_of(day_number(example, form)).date()
        return (
            f"days of a year: {example!r} is read as {read}; name the column in categorical if it is a code."
        )
    if form.startswith(("%H:%M", "%I:%M")):
        if "%p" in form or not (any(text.strip()[1:2] == ":" for text in cells) or _in_a_morning(cells)):
            return None
        return f"times of day, such as {example!r}; name the column in numeric if they are durations."
    if form == DAY_BETWEEN:
        read = moment_of(day_number(example, form)).date()
        return f"dates with two digits for the year: {example!r} is read as {read}; set date_format if not."
    if not form.startswith(("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y")):
        return None
    year_first = "%y" + form[2] + "%m" + form[2] + "%d" + form[8:]
    versions = form[2] == "." and any(len(text.split()[0]) < len("01.01.01") for text in cells)
    if not versions and next(no_dates(cells, year_first), None) is not None:
        return None
    read = moment_of(day_number(example, form)).date()
    return (
        f"dates with two digits for the year: {example!r} is read as {read}; set date_format if the year "
        "comes first, or name the column in categorical if they are versions."
    )


def _in_a_morning(cells: Collection[str]) -> bool:
    """Whether many times begin at midnight, and none is after noon, as of durations such as 00:23:02."""
    hours = {text.strip()[:2] for text in cells}
    return len(cells) >= FEWEST_TIMES and "00" in hours and max(hours) < NOON


def _odd_years(cells: Collection[str], form: str) -> str | None:
    """What to say of years that are hardly meant: of another calendar, or of the other century."""
    texts = list(cells)[:SAMPLE_CELLS]
    days = [
        day_number(text, form) if day != day else day
        for text, day in zip(texts, read_dates(texts, form).tolist(), strict=True)
    ]
    first, last = (moment_of(end(days)).year for end in (min, max))

    def example(year: int) -> str:
        pairs = zip(reversed(texts), reversed(days), strict=True)
        return next(text for text, day in pairs if moment_of(day).year == year)

    if "%Y" in form and (calendar := other_calendar(first, last, example(first))):
        return calendar
    if "%y" in form and last - first > 60:
        return (
            f"dates with two digits for the year: {example(last)!r} is read as {last} and {example(first)!r} "
            f"as {first}; write four digits if some are meant in the other century."
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


def _quarters(cells: Collection[str], form: str) -> str | None:
    """What to say of months of several years that are 1 to 4, or 1 and 2, and never more; else None."""
    place = form.startswith("%Y")
    written = [NUMBERS.fullmatch(text.strip()) for text in cells]
    parts = [one.groups() for one in written if one]
    if len(parts) < len(written):  # 2024-Q1 says it
        return None
    years, numbers = {part[not place] for part in parts}, {int(part[place]) for part in parts}
    most = max(numbers)
    fewest, parts_of_years, better = PARTS_OF_YEARS.get(most, (math.inf, "", ""))
    if len(years) < fewest or len(numbers) < most or 0 in numbers:
        return None
    return (
        f"months such as {next(iter(cells))!r}, of which none is over {most}; if they are {parts_of_years}, "
        f"write them as {better}."
    )


def _fiscal(cells: Collection[str]) -> str | None:
    """What to say of years of accounts and their quarters; None if there are none."""
    text = next(filter(FISCAL.search, cells), None)
    return text and (
        f"periods of a fiscal year, such as {text!r}, are read as if it began in January; rewrite them as "
        "dates if the month matters."
    )
