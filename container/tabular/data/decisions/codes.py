"""Digits that may be codes, versions or dates, and no quantities."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import LARGEST_EXACT, as_texts
from tabular.data.decisions.decision import FEW_LEVELS, FIRST, SAMPLE
from tabular.data.decisions.looks.matching import all_match
from tabular.data.values.cells import MOST_OTHERS

__all__ = [
    "DIGITS",
    "ENOUGH_DAYS",
    "doubts_of_fractions",
    "doubts_of_long_numbers",
    "doubts_of_moments",
    "doubts_of_phones",
    "doubts_of_versions",
    "doubts_of_whole_numbers",
    "doubts_of_zeros",
    "letter_e",
    "lost_digits",
    "two_spellings",
]

ENOUGH_CODES = 50
EXCEL = 36_526, 50_000  # days of Excel from 2000 to 2036
UNIX = 10**9, 2 * 10**9  # seconds from 2001 to 2033
MOMENTS = {"seconds": 10, "milliseconds": 13, "microseconds": 16, "nanoseconds": 19}  # and their digits
DIGITS = (
    "whole numbers beyond 2**53, of which a model keeps only about the first 15 digits; name the column in "
    "categorical, group or drop if they identify something."
)
PHONE = 7  # digits of the shortest telephone number with the code of its country
DAY, MINUTES = 2400, 60  # hours and minutes in the digits of one number
LONG = 7  # digits, of which quantities hardly all have the same number
ENOUGH_MONTHS = 5
# Formats of moments, by their digits: eight for the day, and the time behind them.
TIMES_BEHIND = {10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
ENOUGH_DAYS = 20  # different numbers of six digits that all look like dates are hardly anything else


def two_spellings(cells: pa.ChunkedArray) -> str:
    """That digits are codes, because one number is written in two ways; else empty."""
    if len(cells.slice(0, SAMPLE).unique()) > FEW_LEVELS:
        return ""
    spellings: dict[float, str] = {}
    levels = [text for text in cells.unique().to_pylist() if text is not None and "." in text]
    if len(levels) > FEW_LEVELS or any("e" in text.casefold() for text in levels):
        return ""
    for text in levels:
        # A number that is rounded to zero may keep its sign: -0.0 is no code.
        if float(text) and (other := spellings.setdefault(float(text), text)) != text:
            return (
                f"codes, such as {min(other, text)!r} beside {max(other, text)!r}, which are the same "
                "number; name the column in numeric if they are quantities."
            )
    return ""


def lost_digits(cells: pa.ChunkedArray, numbers: pa.ChunkedArray) -> str:
    """That whole numbers of one length are codes, because some become the same float; else empty.

    Args:
        cells: the texts, or whole numbers of any type.
        numbers: the same as float64.
    """
    if not _are_beyond(numbers):
        return ""
    texts = pc.cast(cells, pa.string()).unique()
    texts = texts.filter(pc.is_valid(texts))
    lengths = pc.min_max(pc.binary_length(texts)).as_py()
    if lengths["min"] != lengths["max"] or len(texts) == len(numbers.drop_null().unique()):
        return ""
    if not pc.all(pc.match_substring_regex(texts, r"^-?\d+$")).as_py():
        return ""
    return (
        f"codes, such as {texts[0].as_py()!r}, whose digits a number cannot all hold; name the column in "
        "numeric if they are quantities."
    )


def doubts_of_long_numbers(cells: pa.ChunkedArray, numbers: pa.ChunkedArray) -> tuple[str, ...]:
    """What to say of whole numbers that are not those of 64 bits."""
    if not _are_beyond(numbers) or not pc.any(pc.match_substring_regex(cells, r"^[-+]?\d{17,}$")).as_py():
        return ()
    return (DIGITS,)


def doubts_of_phones(texts: pa.ChunkedArray) -> tuple[str, ...]:
    """What to say of whole numbers that all have a plus, as telephone numbers do."""
    if not all_match(texts, rf"^\+[0-9]{{{PHONE},}}$"):
        return ()
    return (
        f"whole numbers that all begin with a plus sign, such as {texts.drop_null()[0].as_py()!r}; name the "
        "column in categorical, group or drop if they are telephone numbers.",
    )


def _are_beyond(numbers: pa.ChunkedArray) -> bool:
    """Whether some are larger than the whole numbers of which a float64 holds each."""
    ends = pc.min_max(numbers).as_py()
    return max(abs(ends["min"] or 0), abs(ends["max"] or 0)) > LARGEST_EXACT


def doubts_of_fractions(cells: pa.ChunkedArray, numbers: np.ndarray) -> tuple[str, ...]:
    """What to say of whole numbers that are written as fractions, such as 3067.0, or with a power of ten.

    pandas writes whole numbers as fractions beside a gap, and Excel long codes as 4.00638E+12.
    """
    if all_match(cells, r"^\d+\.0$"):
        filled = cells.drop_null()
        whole = pc.cast(pa.chunked_array([pa.array(numbers, from_pandas=True)]), pa.int64(), safe=False)
        texts = pc.utf8_slice_codeunits(filled, 0, -2)
        return tuple(doubts_of_whole_numbers(texts, whole.drop_null()))
    if not all_match(cells, r"^\d(\.\d{1,5})?[eE]\+1[1-9]$"):
        return ()
    return (
        f"numbers such as {cells.drop_null()[0].as_py()!r} look like long codes of which Excel has kept only "
        "the first digits; format the column as text in Excel, and export the table again.",
    )


def letter_e(cells: pa.ChunkedArray) -> str:
    """That cells such as 12E3 are codes; else empty.

    Programs write an exponent with a sign or after a point: 1e+05, 1.2E7.
    """
    if pc.any(pc.match_substring(cells.slice(0, FIRST), ".")).as_py():
        return ""
    codes = cells.filter(pc.match_substring_regex(cells, r"^\d+[eE]\d+$"))
    if not len(codes) or pc.any(pc.match_substring_regex(cells, r"\.|[eE][-+]")).as_py():
        return ""
    return (
        f"codes, such as {codes[0].as_py()!r}, which is {float(codes[0].as_py()):g} as a number; name the "
        "column in numeric if they are quantities."
    )


def doubts_of_versions(cells: pa.ChunkedArray) -> tuple[str, ...]:
    """What to say of numbers such as 3.10 beside 3.9, which may be versions."""
    some = cells.slice(0, 2 * FIRST)
    zeros = some.filter(pc.match_substring_regex(some, r"^\d+\.\d+0$"))
    if not len(zeros):
        return ()
    shorter = rf"^\d+\.\d{{1,{len(zeros[0].as_py().partition('.')[2]) - 1}}}$"
    others = some.filter(pc.match_substring_regex(some, shorter))
    if not len(others):
        return ()
    return (
        f"numbers with and without trailing zeros, such as {zeros[0].as_py()!r} and {others[0].as_py()!r}; "
        "name the column in categorical if they are versions or other codes.",
    )


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


def are_months(cells: pa.ChunkedArray) -> bool:
    """Whether all cells are months such as 09.2024."""
    return all_match(cells, r"^(0[1-9]|1[0-2])\.(19|20)\d\d$")


def doubts_of_months(cells: pa.ChunkedArray, lengths: tuple[int, int] | None = None) -> tuple[str, ...]:
    """What to say of numbers such as 2024.09, which may be months.

    `lengths` are those of the shortest and of the longest text, if they are known.
    """
    if lengths and (lengths[0] < len("2024.1") or lengths[1] > len("2024.09")):
        return ()
    if not all_match(cells, r"^(19|20)\d\d\.(0[1-9]|1[0-2]?)$"):
        return ()
    return (
        f"numbers such as {cells.drop_null()[0].as_py()!r} look like a year and a month; set date_format to "
        "'%Y.%m' for the column if they are.",
    )


def doubts_of_whole_numbers(
    texts: pa.ChunkedArray, whole: pa.ChunkedArray, lengths: tuple[int, int] | None = None
) -> list[str]:
    """What may be wrong with reading whole numbers as quantities.

    `lengths` are those of the shortest and of the longest text, if they are known.
    """
    ends = pc.min_max(whole).as_py()
    if ends["min"] >= 0 and 1000 <= ends["max"] < DAY and (first := _time_in_digits(whole)):
        return [
            f"whole numbers such as {first} look like hours and minutes, which jump from one "
            f"hour to the next; write them as {first // 100:02}:{first % 100:02} if they are."
        ]
    width, longest = lengths or pc.min_max(pc.binary_length(texts)).as_py().values()
    for unit, digits in MOMENTS.items():
        moments = 10 ** (digits - 1), 2 * 10 ** (digits - 1)  # from 2001 to 2033
        if width == longest == digits and moments[0] <= ends["min"] and ends["max"] < moments[1]:
            first = datetime.fromtimestamp(ends["min"] // 10 ** (digits - 10), UTC).date()
            return [
                f"whole numbers that look like {unit} since 1970 ({ends['min']} would be {first}) and are "
                "read as numbers; write them as dates to have month, weekday and hour as features."
            ]
    if max(abs(ends["min"]), abs(ends["max"])) > LARGEST_EXACT:
        return [DIGITS]
    if width != longest or not 4 <= width <= 18 or ends["min"] < 0:
        return []
    sample = whole.slice(0, SAMPLE * 20).drop_null().unique().to_pylist()
    if period := _digits_of_periods(sample, width):
        advice = "set date_format to '%Y%m'" if period == "month" else "write them as 2024-W05"
        return [
            f"whole numbers such as {sample[0]} look like a year and a {period}, which jump "
            f"from one year to the next; {advice} if they are."
        ]
    if form := _digits_of_dates(sample, width):
        return [
            f"whole numbers such as {sample[0]} look like dates; set date_format to {form!r} for the column "
            "if they are."
        ]
    if EXCEL[0] <= ends["min"] and ends["max"] <= EXCEL[1] and len(sample) >= ENOUGH_DAYS:
        first = date(1899, 12, 30) + timedelta(ends["min"])
        return [
            f"whole numbers that may be Excel serial dates ({ends['min']} would be {first}); write "
            "them as dates if they are, or name the column in categorical if they are codes."
        ]
    few = 5 <= width <= 12 and len(sample) * 2 < min(len(whole), SAMPLE * 20)
    # Quantities have other lengths, too: those of a hundred also have a few of ten and of a thousand.
    filled = str(ends["min"])[0] == "1" and str(ends["max"])[0] == "9" and len(sample) >= ENOUGH_CODES
    if few or filled or (width >= LONG and len(sample) >= ENOUGH_DAYS):
        return [
            f"whole numbers of {width} digits each, such as {sample[0]}; name the column in categorical if "
            "they are codes."
        ]
    return []


def _time_in_digits(whole: pa.ChunkedArray) -> int:
    """The first whole number such as 1430, if all are hours and minutes, also 955 and 5; else 0."""
    for most in (FIRST, SAMPLE * 20):  # most columns show it at once
        some = whole.slice(0, most).drop_null().unique().to_numpy()
        if (some % 100 >= MINUTES).any():
            return 0
    varied = len(some) >= ENOUGH_CODES and len(np.unique(some % 100)) >= ENOUGH_DAYS
    return next((one for one in some.tolist() if one >= 1000), 0) if varied else 0


def _digits_of_periods(numbers: Sequence[int], width: int) -> str:
    """Month or week, if all these numbers are a year and one of them, such as 202401; else empty."""
    if width != 6 or not all(1900 <= number // 100 < 2100 and number % 100 for number in numbers):
        return ""
    last = max(number % 100 for number in numbers)
    if last <= 12 and len(numbers) >= ENOUGH_MONTHS:
        return "month"
    return "week" if 12 < last <= 53 and len(numbers) >= ENOUGH_DAYS else ""


def doubts_of_zeros(cells: pa.ChunkedArray) -> tuple[str, ...]:
    """What to say of codes with leading zeros that may be times of day, or dates beside one of zeros."""
    widths = set(pc.binary_length(cells.slice(0, FIRST).drop_null()).to_pylist())
    if len(widths) > 1 and (rare := _rare_zeros(cells)):
        return (rare,)
    if widths in ({4}, {5}):
        sign = "" if widths == {4} else r"\."
        if len(cells.slice(0, FIRST * ENOUGH_DAYS).unique()) < ENOUGH_DAYS:
            return ()
        first = cells.drop_null()[0].as_py()
        if all_match(cells, rf"^(?:[01]\d|2[0-3]){sign}[0-5]\d$"):
            return (
                f"codes that look like times, such as {first!r}; write them as 08:30 if they are times of "
                "day.",
            )
        day, month = r"(?:0[1-9]|[12]\d|3[01])", r"(?:0[1-9]|1[0-2])"
        if any(all_match(cells, f"^{one}{sign}{other}$") for one, other in ((day, month), (month, day))):
            return (
                f"codes that look like days and months, such as {first!r}; write the year, too, if they are "
                "dates.",
            )
        return ()
    if widths == {6} and all_match(cells, r"^(?:[01]\d|2[0-3])[0-5]\d[0-5]\d$"):
        if len(cells.slice(0, FIRST * ENOUGH_DAYS).unique()) < ENOUGH_DAYS:
            return ()
        first = cells.drop_null()[0].as_py()
        return (
            f"codes that look like times, such as {first!r}; write them as 08:30:00 if they are times of "
            "day.",
        )
    first = cells.drop_null()[0].as_py()
    whole, point, decimals = first.partition(".")
    if point and all_match(cells, rf"^\d{{{len(whole)}}}\.\d{{{len(decimals)}}}$"):
        return (
            f"codes with leading zeros and decimals, such as {first!r}; name the column in numeric if they "
            "are quantities.",
        )
    zeros = "0" * max(widths, default=0)
    if widths not in ({6}, {8}):
        return ()
    for some in (cells.slice(0, FIRST), cells):  # most codes show at once that they are no dates
        texts = [text for text in some.unique().drop_null().to_pylist() if text != zeros]
        if not all(map(str.isdecimal, texts)) or {*map(len, texts)} - widths:
            return ()
        if (form := _digits_of_dates(list(map(int, texts)), len(zeros))) is None:
            return ()
    if pc.any(pc.equal(cells, zeros)).as_py():
        return (
            f"codes, because of {zeros!r}, although all others look like dates; name {zeros!r} in missing, "
            f"and set date_format to {form!r} for the column if they are.",
        )
    if len(texts) < ENOUGH_DAYS:
        return ()
    return (
        f"codes that look like dates, such as {texts[0]!r}; set date_format to {form!r} for the column if "
        "they are.",
    )


def _rare_zeros(cells: pa.ChunkedArray) -> str:
    """What to say of a few numbers with leading zeros among whole ones of several lengths; else empty."""
    zeros = pc.match_substring_regex(cells, r"^[-+]?0\d")
    count = pc.sum(zeros).as_py()
    if count > MOST_OTHERS * (len(cells) - cells.null_count):
        return ""
    first = cells.filter(zeros)[0].as_py()
    return (
        f"codes, because {count} of {len(cells)} cells, such as {first!r}, have leading zeros; name the "
        "column in numeric if they are quantities."
    )


def _digits_of_dates(numbers: Sequence[int], width: int) -> str | None:
    """The format in which all these numbers are dates, or moments; None if there is none."""
    if width in TIMES_BEHIND:
        behind = range(0, width - 8, 2)
        times = [[n // 10**place % 100 for place in behind] for n in numbers]
        are_times = all(parts[-1] < 24 and max(parts) < MINUTES for parts in times)
        day = are_times and _digits_of_dates([n // 10 ** (width - 8) for n in numbers], 8)
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
