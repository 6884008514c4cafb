"""Columns with many different numbers that are not plain, such as 1.234,50, read all at once.

`numbers` defines how they are written, and reads each text by itself, which takes minutes for millions.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import first_texts, taken
from tabular.data.values.cells import is_gap
from tabular.data.values.numbers import FoundNumbers, find_numbers, marks_of, may_stand_before, read_number
from tabular.spec.columns import NumberFormat

__all__ = ["ManyNumbers", "read_many"]

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
    first = first_texts(cells, MANY)
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
        values = _values(pc.if_else(alike, cells, pa.scalar(None, cells.type)), form, pattern)
    except pa.ArrowInvalid:
        return None
    rows = np.flatnonzero(~alike.fill_null(True).to_numpy())
    known = {
        text: np.nan if is_gap(text.strip(), found.gaps) else read_number(text, form)
        for text in counts
        if text not in shown
    }
    values[rows] = [known[text] for text in taken(cells, rows).to_pylist()]
    return ManyNumbers(found, values, list(dict.fromkeys([*first.to_pylist(), *known])))


def _pattern(form: NumberFormat) -> str:
    """What most numbers in a format look like, as a pattern of RE2, without brackets, exponents and marks.

    Its groups are the sign, the sign behind a currency, the number and the unit.
    """
    blank = rf"[{_BLANKS}]?"
    before = "|".join(map(re.escape, filter(may_stand_before, form.affixes)))
    behind = "|".join(map(re.escape, _units(form)))
    sign = "(?P<sign>[-+]?)"
    sign += rf"(?:(?:{before}){blank}(?P<inner>-?))?" if before else "(?P<inner>)"
    number = rf"(?P<number>{_GROUPS[form.thousands]}(?:{re.escape(form.decimal)}\d*)?)"
    unit = rf"(?:{blank}(?P<unit>{behind}))?" if behind else "(?P<unit>)"
    return rf"^{sign}{number}{unit}$"


def _values(cells: pa.ChunkedArray, form: NumberFormat, pattern: str) -> np.ndarray:
    """The numbers (n_rows,) of cells that all match the pattern of their format, NaN if one is missing."""
    if not form.scales:
        return _plain(cells, form, _units(form))
    found = pc.extract_regex(cells, pattern)
    sign, inner, number, unit = (pc.struct_field(found, name) for name in ("sign", "inner", "number", "unit"))
    numbers = _plain(pc.binary_join_element_wise(sign, inner, number, ""), form, [])
    scales, offsets = dict(form.scales), dict(form.offsets)
    known = [*form.affixes, ""]  # the last one also stands for cells without a unit
    places = pc.fill_null(pc.index_in(unit, pa.array(known)), len(known) - 1).to_numpy()
    numbers *= np.array([scales.get(one, 1.0) for one in known])[places]
    return numbers + np.array([offsets.get(one, 0.0) for one in known])[places]


def _plain(cells: pa.ChunkedArray, form: NumberFormat, units: Sequence[str]) -> np.ndarray:
    for one in (*units, *_REMOVED[form.thousands], *(_BLANKS if form.affixes else "")):
        cells = pc.replace_substring(cells, one, "")
    if form.decimal != ".":
        cells = pc.replace_substring(cells, form.decimal, ".")
    return np.array(pc.cast(cells, pa.float64()).to_numpy())


def _units(form: NumberFormat) -> list[str]:
    """The currency and the units."""
    marks = marks_of(form)
    return [affix for affix in form.affixes if affix not in marks]


def _is_infinite(text: str) -> bool:
    try:
        return bool(np.isinf(float(text)))
    except ValueError:
        return False
