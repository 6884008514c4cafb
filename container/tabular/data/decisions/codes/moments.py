"""Dates, months and moments in the digits of a number."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from tabular.data.decisions.arrow import as_texts
from tabular.data.decisions.decision import FIRST
from tabular.data.decisions.looks.matching import all_match

__all__ = [
    *("DAY", "ENOUGH_DAYS", "EXCEL", "MINUTES", "MOMENTS"),
    *(
        "are_months",
        "doubts_of_moments",
        "doubts_of_months",
        "doubts_of_parts",
        "format_of_digits",
        "period_of_digits",
    ),
]

EXCEL = 36_526, 50_000  # days of Excel from 2000 to 2036
MOMENTS = {"seconds": 10, "milliseconds": 13, "microseconds": 16, "nanoseconds": 19}  # and their digits
UNIX = 10**9, 2 * 10**9  # seconds from 2001 to 2033
DAY, MINUTES = 2400, 60  # hours and minutes in the digits of one number
ENOUGH_MONTHS = 5
ENOUGH_PARTS, ROUNDED = 30, 1e-6  # different numbers, whose decimals are exact
FEW = 10  # numbers, which show of most columns that they have other decimals
LARGEST_WHOLE = 10_000
ENOUGH_WHOLES = 5  # so that it is no share below 0.6
PARTS = {
    (0, 15, 30, 45): "hours and minutes",
    (0, 10, 20): "innings and outs",
    (0, 10, 20, 30, 40, 50): "overs and balls",
}
MONTHS = {"%Y.%m": r"^(19|20)\d\d\.(0[1-9]|1[0-2]?)$", "%m.%Y": r"^(0?[1-9]|1[0-2])\.(19|20)\d\d$"}
# Formats of moments, by their digits: eight for the day, and the time after them.
TIMES_BEHIND = {10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
ENOUGH_DAYS = 20  # different numbers of six digits that all look like dates are hardly anything else


def doubts_of_moments(
    cells: pa.ChunkedArray, numbers: np.ndarray, ends: tuple[float, float]
) -> tuple[str, ...]:
    """What to say of numbers with decimals that may be moments as Excel or Unix counts them.

    `ends` are the least and the greatest of the numbers.
    """
    low, high = ends
    if low < EXCEL[0] or high >= UNIX[1] or (low < UNIX[0] and high > EXCEL[1]):  # most columns
        return ()
    known = float(numbers[np.flatnonzero(~np.isnan(numbers))[0]])
    if low >= UNIX[0]:
        first = datetime.fromtimestamp(known, UTC)
        return (
            f"numbers that look like seconds since 1970 ({known:.15g} would be {first:%Y-%m-%d %H:%M}) "
            "and are read as numbers; write them as dates to have month, weekday and hour as features.",
        )
    if not all_match(as_texts(cells), r"^\d{5}\.\d{4,}$"):
        return ()
    first = datetime(1899, 12, 30) + timedelta(known)
    return (
        f"numbers that may be Excel serial dates with a time ({known:.15g} would be "
        f"{first:%Y-%m-%d %H:%M}); write them as dates if they are.",
    )


def doubts_of_parts(numbers: np.ndarray, lengths: tuple[int, int] | None) -> tuple[str, ...]:
    """What to say of decimals that count sixtieths, sixths or thirds: 7.45 is a quarter to eight.

    `lengths` are those of the shortest and of the longest text, if they are known.
    """
    if lengths and lengths[1] > len("1234.59"):  # as in most columns
        return ()
    if not all(map(_may_have_parts, numbers[:FEW].tolist())):  # for which NumPy takes ten times as long
        return ()
    for most in (FIRST, len(numbers)):  # the first ones of most columns show that they do not
        some = np.abs(numbers[:most][~np.isnan(numbers[:most])])
        if (some >= LARGEST_WHOLE).any():
            return ()
        hundredths = np.rint(some * 100)
        if (hundredths % 100 >= MINUTES).any() or (np.abs(some * 100 - hundredths) > ROUNDED).any():
            return ()
    different = np.unique(hundredths)
    if len(different) < ENOUGH_PARTS or len(np.unique(different // 100)) < ENOUGH_WHOLES:
        return ()
    behind = np.unique(different % 100)
    what = "hours and minutes, or minutes and seconds" if len(behind) >= ENOUGH_DAYS else ""
    what = what or PARTS.get(tuple(behind.tolist()), "")
    if not what:
        return ()
    return (
        f"numbers such as {some[0]:.15g}, whose decimals are never over {behind[-1] / 100:g}, may be {what}; "
        "write them with decimals, or with a colon, if they are.",
    )


def _may_have_parts(number: float) -> bool:
    """Whether the decimals of a number may count sixtieths, as `doubts_of_parts` asks of all."""
    if math.isnan(number):
        return True
    size = abs(number)
    if size >= LARGEST_WHOLE:
        return False
    hundredths = round(size * 100)
    return hundredths % 100 < MINUTES and abs(size * 100 - hundredths) <= ROUNDED


def are_months(cells: pa.ChunkedArray) -> bool:
    """Whether all cells are months such as 09.2024."""
    return all_match(cells, r"^(0[1-9]|1[0-2])\.(19|20)\d\d$")


def doubts_of_months(cells: pa.ChunkedArray, lengths: tuple[int, int] | None = None) -> tuple[str, ...]:
    """What to say of numbers such as 2024.09 and 9.2024, which may be months.

    `lengths` are those of the shortest and of the longest text, if they are known.
    """
    if lengths and (lengths[0] < len("9.2024") or lengths[1] > len("2024.09")):
        return ()
    form = next((form for form, pattern in MONTHS.items() if all_match(cells, pattern)), None)
    if form is None:
        return ()
    what = "a year and a month" if form.startswith("%Y") else "a month and a year"
    return (
        f"numbers such as {cells.drop_null()[0].as_py()!r} look like {what}; set date_format to "
        f"{form!r} for the column if they are.",
    )


def period_of_digits(numbers: Sequence[int], width: int) -> str:
    """Month or week, if all these numbers are a year and one of them, such as 202401; else empty."""
    if width != 6 or not all(1900 <= number // 100 < 2100 and number % 100 for number in numbers):
        return ""
    last = max(number % 100 for number in numbers)
    if last <= 12 and len(numbers) >= ENOUGH_MONTHS:
        return "month"
    return "week" if 12 < last <= 53 and len(numbers) >= ENOUGH_DAYS else ""


def format_of_digits(numbers: Sequence[int], width: int) -> str | None:
    """The format in which all these numbers are dates, or moments; None if there is none."""
    if width in TIMES_BEHIND:
        behind = range(0, width - 8, 2)
        times = [[n // 10**place % 100 for place in behind] for n in numbers]
        are_times = all(parts[-1] < 24 and max(parts) < MINUTES for parts in times)
        day = are_times and format_of_digits([n // 10 ** (width - 8) for n in numbers], 8)
        return TIMES_BEHIND[width] if day == "%Y%m%d" and len(numbers) >= ENOUGH_DAYS else None
    if width not in (6, 8) or (width == 6 and len(numbers) < ENOUGH_DAYS):
        return None
    years = (1900, 2100) if width == 8 else (0, 99)
    scale = 10 ** (width - 4)  # by which the year at the end shifts day and month
    year = "%Y" if width == 8 else "%y"
    split = {
        f"{year}%m%d": [(n // 10_000, n // 100 % 100, n % 100) for n in numbers],
        f"%d%m{year}": [(n % scale, n // scale % 100, n // scale // 100) for n in numbers],
        f"%m%d{year}": [(n % scale, n // scale // 100, n // scale % 100) for n in numbers],
    }
    fitting = [
        form
        for form, days in split.items()
        if all(years[0] <= y <= years[1] and 1 <= m <= 12 and 1 <= d <= 31 for y, m, d in days)
    ]
    # Days of a month vary more than years: 120824 and 310724 are of 2024.
    return min(fitting, key=lambda form: len({year for year, _, _ in split[form]}), default=None)
