"""Numbers that every program reads in the same way, all at once."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import LARGEST_EXACT, LARGEST_LEARNED, as_series, whole_numbers, without
from tabular.data.decisions.codes.moments import (
    are_months,
    doubts_of_moments,
    doubts_of_months,
    doubts_of_parts,
)
from tabular.data.decisions.codes.spellings import (
    doubts_of_long_numbers,
    doubts_of_phones,
    doubts_of_versions,
    letter_e,
    lost_digits,
    two_spellings,
)
from tabular.data.decisions.codes.whole_numbers import doubts_of_fractions, doubts_of_whole_numbers
from tabular.data.decisions.codes.zeros import doubts_of_zeros
from tabular.data.decisions.decision import Decision
from tabular.data.decisions.many.counts import count
from tabular.data.decisions.many.plain_cells import read_plain
from tabular.data.decisions.numbers.large import too_large, without_large
from tabular.data.decisions.numbers.points import all_points_group, doubt_of_points
from tabular.data.values.finding.numbers import FEWEST_UNGROUPED
from tabular.spec.columns import Column

__all__ = ["are_numbers", "as_codes", "as_numeric", "plain_beside_gaps", "plain_numbers"]


def plain_numbers(
    column: Column,
    cells: pa.ChunkedArray,
    forced: bool = False,
    grouped: bool = False,
    strict: bool = False,
    into: np.ndarray | None = None,
) -> Decision | None:
    """Numbers that every program reads in the same way, all at once; None if a cell is anything else.

    Args:
        column: its name and its words for missing values.
        cells: the cells as text.
        forced: whether the user says that these are numbers, so that they are not codes.
        grouped: whether the points may separate thousands.
        strict: whether the user says which words mean a missing value, so that no others do.
        into: as in `read_plain`.
    """
    found = read_plain(cells, into)
    if found is None:
        return None
    beyond = max(-found.ends[0], found.ends[1]) > LARGEST_LEARNED
    if beyond and not strict and (large := too_large(cells, found.numbers)):
        rest = plain_numbers(column, without(cells, tuple(large)), forced, grouped)
        return rest and without_large(rest, large, len(cells))
    if not forced and found.code is not None:
        if are_months(cells):
            return None
        code = f"codes with leading zeros, such as {cells[found.code].as_py()!r}"
        doubts = doubts_of_zeros(cells)
        return as_codes(column, cells, (code, *doubts), doubts)
    looked_at = found.may_vary and not forced
    if looked_at and (code := two_spellings(cells)):
        return as_codes(column, cells, (code,), (code,))
    if looked_at and (code := lost_digits(cells, found.numbers)):
        return as_codes(column, cells, (code,), (code,))
    evidence: tuple[str, ...] = (are_numbers(found.count, cells),)
    if found.whole is None:
        if all_points_group(cells, fewest=1):
            if all_points_group(cells, FEWEST_UNGROUPED):
                return None
            grouped = True
        if looked_at and (code := letter_e(cells)):
            return as_codes(column, cells, (code,), (code,))
        doubts = doubts_of_versions(cells) if looked_at else ()
        if not doubts and looked_at:
            doubts = doubts_of_long_numbers(cells, found.numbers) or doubts_of_phones(cells)
        if not doubts and not forced:
            doubts = doubts_of_fractions(cells, found.values) if looked_at else ()
            doubts = doubts or doubts_of_months(cells, found.lengths)
            doubts = doubts or doubts_of_moments(cells, found.values, found.ends)
            doubts = doubts or doubts_of_parts(found.values, found.lengths)
        if grouped:
            doubts = (*doubts, doubt_of_points(cells))
        evidence = (*evidence, *doubts)
        return Decision(as_numeric(column), found.values, evidence, doubts, summary=found.summary)
    doubts = doubts_of_whole_numbers(cells, found.whole, found.lengths)
    return Decision(as_numeric(column), whole_numbers(found.whole), (*evidence, *doubts), tuple(doubts))


def are_numbers(count: int, cells: pa.ChunkedArray) -> str:
    """How many of the cells are numbers, in words."""
    if count == len(cells):
        return f"all {count} cells are numbers"
    if count == len(cells) - cells.null_count:
        return f"all {count} filled cells are numbers"
    return f"{count} of {len(cells)} cells are numbers"


def as_codes(
    column: Column, cells: pa.ChunkedArray, evidence: tuple[str, ...], doubts: tuple[str, ...]
) -> Decision:
    """A category of digits, counted here, where the cells are as C counts them."""
    return Decision(column, as_series(cells), evidence, doubts, count(cells))


def as_numeric(column: Column) -> Column:
    """The column as one of numbers, of which nothing is known besides its words for missing values."""
    return Column(column.name, "numeric", missing=column.missing)  # replace() takes long for many columns


def plain_beside_gaps(column: Column, cells: pa.ChunkedArray, values: np.ndarray) -> Decision | None:
    """What is decided about numbers without the gaps beside them; None if there is nothing to say.

    The first cells of most columns show it.
    """
    beyond = np.nanmax(np.abs(values), initial=0) > LARGEST_EXACT
    plain = None
    for rows in (len(cells),) if beyond else (MANY, len(cells)):
        filled = pc.if_else(
            pa.array(np.isnan(values[:rows])), pa.scalar(None, cells.type), cells.slice(0, rows)
        )
        plain = plain_numbers(column, filled, strict=True)
        if plain is None or not plain.doubts or rows >= len(cells):
            break
    return plain if plain and plain.doubts else None


MANY = 20_000  # cells that show of most columns that nothing is to be said of their numbers
