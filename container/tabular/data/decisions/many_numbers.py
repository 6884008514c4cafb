"""Columns with many different numbers that are not plain, such as 1.234,50, read all at once.

`numbers` defines how they are written, and reads each text by itself, which takes minutes for millions.
"""

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.values.cells import is_gap
from tabular.data.values.numbers import FoundNumbers, find_numbers, marks_of, may_stand_before, read_number
from tabular.spec.columns import NumberFormat

__all__ = ["ManyNumbers", "read_many"]

SAMPLE_ROWS = 20_000
MANY = 1000  # distinct texts; fewer are read one by one in no time
_BLANKS = " \u00a0\u202f\u2009\u2007"
# The thousands separators as a pattern of RE2.
_GROUPS = {
    "": r"(?:0|[1-9]\d*)",
    ",": r"(?:[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}|0|[1-9]\d*)",
    ".": r"(?:[1-9]\d{0,2}(?:\.\d{3})+|0|[1-9]\d*)",
    "'": r"(?:[1-9]\d{0,2}(?:['\x{2019}]\d{3})+|0|[1-9]\d*)",
    " ": r"(?:[1-9]\d{0,2}(?:[ \x{a0}\x{202f}\x{2009}\x{2007}]\d{3})+|0|[1-9]\d*)",
}
_REMOVED = {"": "", ",": ",", ".": ".", "'": "'\u2019", " ": _BLANKS}


class ManyNumbers(NamedTuple):
    """How a column is written, its numbers (n_rows,) with NaN for a gap, and some of its texts."""

    found: FoundNumbers
    values: np.ndarray
    texts: list[str]


def read_many(
    cells: pa.ChunkedArray,
    decimal_comma: bool = False,
    signs: tuple[str | None, str | None] = (None, None),
    strict: bool = False,
) -> ManyNumbers | None:
    """The numbers of a column, if nearly all cells are written as the first ones are; else None.

    The decision is that of `find_numbers`: it gets the first texts, of which one stands for all cells that
    are written in this way, and all other texts.

    Args:
        cells: text, null if a cell is missing.
        decimal_comma: as in `find_numbers`.
        signs: as in `find_numbers`.
        strict: as in `find_numbers`.
    """
    first = cells.slice(0, SAMPLE_ROWS).drop_null().unique()[:MANY]
    if len(first) < MANY:
        return None
    guess = find_numbers(dict.fromkeys(first.to_pylist(), 1), decimal_comma, signs, strict)
    if guess is None:
        return None
    form, pattern = guess.format, _pattern(guess.format)
    shown = first.filter(pc.match_substring_regex(first, pattern)).to_pylist()
    alike = pc.match_substring_regex(cells, pattern)
    others = pc.value_counts(cells.filter(pc.invert(alike)))
    if not shown or len(others) > MANY:
        return None
    counts = {one["values"]: one["counts"] for one in others.to_pylist()}
    if any(map(_is_infinite, counts)):
        return None
    counts |= dict.fromkeys(shown, 1) | {shown[0]: pc.sum(alike).as_py() - len(shown) + 1}
    found = find_numbers(counts, decimal_comma, signs, strict)
    if found is None or found.format != form:
        return None
    try:
        values = _values(pc.if_else(alike, cells, pa.scalar(None, cells.type)), form)
    except pa.ArrowInvalid:
        return None
    rows = np.flatnonzero(~alike.fill_null(True).to_numpy())
    known = {
        text: np.nan if is_gap(text.strip(), found.gaps) else read_number(text, form)
        for text in counts
        if text not in shown
    }
    values[rows] = [known[text] for text in cells.take(rows).to_pylist()]
    return ManyNumbers(found, values, list(dict.fromkeys([*first.to_pylist(), *known])))


def _pattern(form: NumberFormat) -> str:
    """What most numbers in a format look like, as a pattern of RE2, without brackets, exponents and marks."""
    blank = rf"[{_BLANKS}]?"
    before = "|".join(map(re.escape, filter(may_stand_before, form.affixes)))
    behind = "|".join(map(re.escape, _constant(form)))
    sign = rf"(?:[-+]?(?:(?:{before}){blank})?|(?:{before}){blank}-)" if before else "[-+]?"
    unit = rf"(?:{blank}(?:{behind}))?" if behind else ""
    return rf"^{sign}{_GROUPS[form.thousands]}(?:{re.escape(form.decimal)}\d*)?{unit}$"


def _values(cells: pa.ChunkedArray, form: NumberFormat) -> np.ndarray:
    for one in (*_constant(form), *_REMOVED[form.thousands], *(_BLANKS if form.affixes else "")):
        cells = pc.replace_substring(cells, one, "")
    if form.decimal != ".":
        cells = pc.replace_substring(cells, form.decimal, ".")
    return np.array(pc.cast(cells, pa.float64()).to_numpy())


def _constant(form: NumberFormat) -> list[str]:
    """The currency and the units that do not change a number."""
    marks, scales = marks_of(form), dict(form.scales)
    return [affix for affix in form.affixes if affix not in marks and scales.get(affix, 1.0) == 1.0]


def _is_infinite(text: str) -> bool:
    try:
        return bool(np.isinf(float(text)))
    except ValueError:
        return False
