"""Numbers whose spelling shows, or lets one suspect, that they are codes or versions."""

import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import LARGEST_EXACT
from tabular.data.decisions.decision import FEW_LEVELS, FIRST, SAMPLE
from tabular.data.decisions.looks.matching import all_match

__all__ = [
    "DIGITS",
    "doubts_of_long_numbers",
    "doubts_of_phones",
    "doubts_of_versions",
    "letter_e",
    "lost_digits",
    "two_spellings",
]

PHONE = 7  # digits of the shortest telephone number with the code of its country


def two_spellings(cells: pa.ChunkedArray) -> str:
    """A sentence if digits are codes because one number is written in two ways; otherwise empty."""
    if len(cells.slice(0, SAMPLE).unique()) > FEW_LEVELS:
        return ""
    spellings: dict[float, str] = {}
    levels = [text for text in cells.unique().to_pylist() if text is not None and "." in text]
    if len(levels) > FEW_LEVELS or any("e" in text.casefold() for text in levels):
        return ""
    for text in levels:
        # A number that is rounded to zero may keep its sign: -0.0 is not a code.
        if float(text) and (other := spellings.setdefault(float(text), text)) != text:
            return (
                f"codes, such as {min(other, text)!r} beside {max(other, text)!r}, which are the same "
                "number; name the column in numeric if they are quantities."
            )
    return ""


def lost_digits(cells: pa.ChunkedArray, numbers: pa.ChunkedArray) -> str:
    """A sentence if whole numbers of one length are codes, because floats mix some up; otherwise empty.

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


def letter_e(cells: pa.ChunkedArray) -> str:
    """A sentence if cells such as 12E3 are codes; otherwise empty.

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
    """Whether some are larger than the whole numbers that a float64 holds exactly."""
    ends = pc.min_max(numbers).as_py()
    return max(abs(ends["min"] or 0), abs(ends["max"] or 0)) > LARGEST_EXACT


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


DIGITS = (
    "whole numbers beyond 2**53, of which a model keeps only about the first 15 digits; name the column in "
    "categorical, group or drop if they identify something."
)
