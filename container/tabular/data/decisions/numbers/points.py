"""Points that may separate thousands."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import first_texts
from tabular.data.decisions.decision import FIRST
from tabular.data.decisions.numbers.large import FEW_MARKS
from tabular.data.values.finding.numbers import points_group
from tabular.data.values.numbers import read_number
from tabular.spec.columns import PLAIN, NumberFormat

__all__ = ["SOME", "all_points_group", "doubt_of_points", "points_may_group"]

SOME = 1000  # different texts that show whether points separate thousands
# Whole numbers whose points may separate thousands, also beside a currency or a unit, and words.
GROUPED = r"^[^0-9.,]*[1-9]\d{0,2}\.\d{3}"
GROUPED_OR_WORD = r"^(?:[^0-9.,]*(?:0|[1-9]\d{0,2}(?:\.\d{3})*)[^0-9.,]*\.?|[^0-9]*)$"


def points_may_group(cells: pa.ChunkedArray) -> bool:
    """Whether all points could separate thousands, as in 1.234, 950 and 2.000 €, also beside words."""
    for some in (cells.slice(0, FIRST), cells):  # most columns fail on the first cells
        if not pc.any(pc.match_substring_regex(some, r"[0-9]")).as_py():
            return False
        if not pc.all(pc.match_substring_regex(some, GROUPED_OR_WORD)).as_py():
            return False
    return pc.any(pc.match_substring_regex(cells, GROUPED)).as_py() is True


def all_points_group(cells: pa.ChunkedArray, fewest: int) -> bool:
    """Whether `points_group` is true of cells that are all numbers."""
    return points_group(_first_digits(cells), fewest) and points_may_group(cells)


def _first_digits(cells: pa.ChunkedArray) -> Iterator[str]:
    """The digits of some numbers; the first ones of most columns already show what they are looked at for."""
    for first in (FEW_MARKS, FIRST):  # to find a thousand different texts takes ten times as long
        for text in cells.slice(0, first).to_pylist():
            if text is not None:
                yield text.strip().lstrip("+-")
    for text in first_texts(cells, SOME).to_pylist():
        yield text.strip().lstrip("+-")


def doubt_of_points(cells: pa.ChunkedArray, form: NumberFormat = PLAIN) -> str:
    """What to say of points that may separate thousands, and are read as decimal points."""
    grouped = cells.filter(pc.match_substring_regex(cells, GROUPED))
    first = grouped[0].as_py().strip()
    return (
        f"{first!r} is read as the number {read_number(first, form):g}; set thousands to '.' if it means "
        f"{first.replace('.', '')}."
    )
