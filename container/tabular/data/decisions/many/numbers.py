"""Columns with many different numbers that are not plain, such as 1.234,50, read all at once.

`numbers` defines how they are written, and reads each text by itself, which takes minutes for millions.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import MOST_IN_C, chunks_of, counts_of, first_texts, taken
from tabular.data.values.cells import is_gap
from tabular.data.values.finding.numbers import FoundNumbers, find_numbers
from tabular.data.values.numbers import marks_of, may_stand_before, read_number
from tabular.spec.columns import NumberFormat

try:
    from tabular.data.values.native import plain_cells as cells_in_c
except ImportError:
    cells_in_c = None

__all__ = ["ManyNumbers", "read_many"]

IN_C = (".", ",")  # the signs in numbers that the extension reads
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
    alike, values = _read_in_c(cells, form) or (_alike(cells, pattern), None)
    rows = np.flatnonzero(~alike)
    if cells.null_count:
        rows = rows[cells.is_valid().to_numpy()[rows]]
    counts = counts_of(taken(cells, rows))
    if not shown or len(counts) > MANY or any(map(_is_infinite, counts)):
        return None
    if counts or guess.gaps or form.affixes or len(shown) < len(first):
        counts |= dict.fromkeys(shown, 1) | {shown[0]: int(alike.sum()) - len(shown) + 1}
        found = find_numbers(counts, decimal_comma, signs, strict)
    else:  # where nothing depends on the counts
        counts, found = dict.fromkeys(shown, 1), guess
    if found is None or found.format != form:
        return None
    if values is None:
        try:
            written = pc.if_else(pa.array(alike), cells, pa.scalar(None, cells.type))
            values = _values(written, form, pattern)
        except pa.ArrowInvalid:
            return None
    known = {
        text: np.nan if is_gap(text.strip(), found.gaps) else read_number(text, form)
        for text in counts
        if text not in shown
    }
    values[rows] = [known[text] for text in taken(cells, rows).to_pylist()]
    return ManyNumbers(found, values, list(dict.fromkeys([*first.to_pylist(), *known])))


def _read_in_c(cells: pa.ChunkedArray, form: NumberFormat) -> tuple[np.ndarray, np.ndarray] | None:
    """Whether each cell (n_rows,) is written as most are in a format, and its number, NaN if it is not.

    None if the extension does not know the format, or there are too many digits for it.
    """
    known = not form.affixes and not form.scales and form.decimal in IN_C and form.thousands in ("", *IN_C)
    if cells_in_c is None or not known or cells.type != pa.string() or len(cells) > MOST_IN_C:
        return None
    alike, values = np.empty(len(cells), dtype=bool), np.empty(len(cells))
    signs = form.decimal.encode(), form.thousands.encode() or b"\0"
    return (alike, values) if cells_in_c.grouped(chunks_of(cells), *signs, values, alike) else None


def _alike(cells: pa.ChunkedArray, pattern: str) -> np.ndarray:
    """Whether each cell (n_rows,) matches a pattern."""
    return pc.match_substring_regex(cells, pattern).fill_null(False).to_numpy()


def _pattern(form: NumberFormat) -> str:
    """What most numbers in a format look like, as a pattern of RE2, without brackets, exponents and marks.

    Its groups are the sign, the sign after a currency, the number and the unit.
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
