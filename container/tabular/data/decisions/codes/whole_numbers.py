"""Whole numbers that may be codes, dates or moments."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import LARGEST_EXACT
from tabular.data.decisions.codes.moments import (
    DAY,
    ENOUGH_DAYS,
    EXCEL,
    MINUTES,
    MOMENTS,
    format_of_digits,
    period_of_digits,
)
from tabular.data.decisions.codes.spellings import DIGITS
from tabular.data.decisions.decision import FIRST, SAMPLE
from tabular.data.decisions.looks.matching import all_match

__all__ = ["doubts_of_fractions", "doubts_of_whole_numbers"]

ENOUGH_CODES = 50
# Long codes as Excel shows them, and beside those that it leaves alone: shorter ones, and texts.
SHORTENED = r"^\d(\.\d{1,5})?[eE]\+1[1-9]$"
SHORTENED_OR_SHORT = r"^(\d(\.\d{1,5})?E\+1[1-9]|\d{8,18})$"
LONG = 7  # digits, of which quantities hardly all have the same number


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
    if period := period_of_digits(sample, width):
        advice = "set date_format to '%Y%m'" if period == "month" else "write them as 2024-W05"
        return [
            f"whole numbers such as {sample[0]} look like a year and a {period}, which jump "
            f"from one year to the next; {advice} if they are."
        ]
    if form := format_of_digits(sample, width):
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


def doubts_of_fractions(cells: pa.ChunkedArray, numbers: np.ndarray) -> tuple[str, ...]:
    """What to say of whole numbers that are written as fractions, such as 3067.0, or with a power of ten.

    pandas writes whole numbers as fractions beside a gap, and Excel long codes as 4.00638E+12.
    """
    if all_match(cells, r"^\d+\.0$"):
        filled = cells.drop_null()
        whole = pc.cast(pa.chunked_array([pa.array(numbers, from_pandas=True)]), pa.int64(), safe=False)
        texts = pc.utf8_slice_codeunits(filled, 0, -2)
        return tuple(doubts_of_whole_numbers(texts, whole.drop_null()))
    if not any(all_match(cells, one) for one in (SHORTENED, SHORTENED_OR_SHORT)):
        return ()
    short = cells.filter(pc.match_substring(cells, "E+", ignore_case=True))
    if not len(short):
        return ()
    return (
        f"numbers such as {short[0].as_py()!r} look like long codes of which Excel has kept only "
        "the first digits; format the column as text in Excel, and export the table again.",
    )


def _time_in_digits(whole: pa.ChunkedArray) -> int:
    """The first whole number such as 1430, if all are hours and minutes, also 955 and 5; else 0."""
    for most in (FIRST, SAMPLE * 20):  # most columns show it at once
        some = whole.slice(0, most).drop_null().unique().to_numpy()
        if (some % 100 >= MINUTES).any():
            return 0
    varied = len(some) >= ENOUGH_CODES and len(np.unique(some % 100)) >= ENOUGH_DAYS
    return next((one for one in some.tolist() if one >= 1000), 0) if varied else 0
