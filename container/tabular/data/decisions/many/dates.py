"""Columns with many different dates, read all at once.

`values.dates` defines how they are written, and looks at each text by itself, which takes long for millions.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import (
    MOST_IN_C,
    as_counts,
    chunks_of,
    first_texts,
    letters_of,
    taken,
)
from tabular.data.decisions.decision import FIRST
from tabular.data.values.cells import MOST_OTHERS
from tabular.data.values.dates import ISO, is_date
from tabular.data.values.finding.dates import FoundDates, earlier_formats, find_dates, swapped_format
from tabular.data.values.many_dates import SEVERAL, USUAL_YEARS, layouts_as_bytes, read_letters

try:
    from tabular.data.values.native import texts as texts_in_c
except ImportError:
    texts_in_c = None

__all__ = ["USUAL_YEARS", "ManyDates", "are_iso", "read_many_dates"]

MANY = 1000  # distinct texts; fewer are read one by one in no time
FEW = 100  # distinct texts that are written in another way than all others
SHOWN = 20
PARTS = 8  # of a column, one of which mostly shows that another format does not fit


class ManyDates(NamedTuple):
    """How a column is written, some of its texts with their counts, and whether day and month may be swapped.

    The texts are the first ones, all that are written in another way than most, and one with a time if there
    is any. `few` are those that show whether they may also be numbers.
    """

    found: FoundDates
    counts: Mapping[str, int]
    few: Mapping[str, int]
    ambiguous: bool


def read_many_dates(
    cells: pa.ChunkedArray, form: str | None = None, dayfirst: bool | None = None, strict: bool = False
) -> ManyDates | None:
    """The dates of a column, if nearly all cells are written as the first ones are; else None.

    The decision is that of `find_dates`: it gets the first texts, of which one stands for all cells that are
    written in this way, and all other texts. None where that may not be enough to decide as it does.

    Args:
        cells: text, null if a cell is missing.
        form: as in `find_dates`.
        dayfirst: as in `find_dates`.
        strict: as in `find_dates`.
    """
    first = first_texts(cells, MANY + FEW).to_pylist()
    if len(first) < MANY:
        return None
    guess = find_dates(dict.fromkeys(first, 1), form=form, dayfirst=dayfirst, strict=strict)
    if guess is None or _needs_all_texts(guess.format):
        return None
    alike = _fitting(cells, guess.format)
    others = as_counts(pc.value_counts(cells.filter(pa.array(~alike)).drop_null()))
    shown = [text for text in first if text not in others]
    if len(others) > FEW or len(shown) < MANY - FEW:
        return None
    swapped = swapped_format(guess.format)
    if form is None and dayfirst is None and swapped and any(is_date(text, swapped) for text in others):
        return None  # it may fit more cells
    count = int(alike.sum())
    counts = dict.fromkeys(first, 1) | others | {shown[0]: count - len(shown) + 1}
    few = {text: counts[text] for text in (*shown[:FEW], *others)}
    found = find_dates(counts, form=guess.format, strict=strict)
    if found is None:
        return None
    earlier = set() if form else set(earlier_formats(found.format, shown[:: len(shown) // SHOWN], dayfirst))
    ambiguous = False
    for other in earlier | ({swapped} if swapped else set()):
        enough = MOST_OTHERS * sum(counts.values()) if other in earlier else 0
        rows = _rows_of_others(cells, alike, other, enough)
        some = taken(cells, rows[:: max(1, len(rows) // SHOWN)]).to_pylist()
        if any(is_date(text, other) for text in some):
            return None  # a way to write this other format that has to be read text by text
        if other in earlier and len(rows) <= enough:
            return None  # the earlier format may win
        ambiguous |= other == swapped and not len(rows)
    if found.format == ISO:
        timed = cells.filter(pc.and_(pa.array(alike), pc.match_substring(cells, ":"))).slice(0, 1).to_pylist()
        counts |= {text: 1 for text in timed if text not in counts}
    return ManyDates(found, counts, few, ambiguous)


def are_iso(cells: pa.ChunkedArray) -> bool:
    """Whether all cells are dates by ISO 8601 of USUAL_YEARS; False if C cannot tell."""
    if texts_in_c is None or cells.null_count == len(cells):
        return False
    return all(
        np.count_nonzero(_fitting(some, ISO)) == len(some) - some.null_count
        for some in (cells.slice(0, FIRST), cells)
    )


def _rows_of_others(cells: pa.ChunkedArray, alike: np.ndarray, form: str, enough: float) -> np.ndarray:
    """The rows (n_rows,) of cells that are alike but no dates in this format.

    They are those of a part of the column if there are more than enough.
    """
    for part in (cells.slice(0, len(cells) // PARTS), cells):
        rows = np.flatnonzero(alike[: len(part)] & ~_fitting(part, form))
        if len(rows) > enough:
            break
    return rows


def _needs_all_texts(form: str) -> bool:
    """Whether the texts of dates in a format tell what it means: times of day, or years of two digits.

    They also tell if all are in one of several formats.
    """
    return SEVERAL in form or "%d" not in form or ("%y" in form and "%b" not in form)


def _fitting(cells: pa.ChunkedArray, form: str) -> np.ndarray:
    """Whether each cell (n_rows,) is a date in a format, as most are written."""
    in_c = texts_in_c and cells.type == pa.string() and len(cells) <= MOST_IN_C
    layouts = layouts_as_bytes(form) if in_c else None
    if layouts is not None:
        found = np.empty(len(cells), dtype=bool)
        texts_in_c.dates(chunks_of(cells), layouts, found)
        return found
    return np.concatenate([~np.isnan(read_letters(*texts, form)) for texts in letters_of(cells)])
