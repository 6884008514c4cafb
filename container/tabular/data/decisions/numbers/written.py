"""Numbers written in a format, with words for missing values beside them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from tabular.data.decisions.arrow import mapped
from tabular.data.decisions.decision import Decision, gaps_said, with_gaps
from tabular.data.decisions.many.numbers import ManyNumbers
from tabular.data.decisions.numbers.formats import said_of_format
from tabular.data.decisions.numbers.large import is_infinite
from tabular.data.decisions.numbers.plain import are_numbers, as_codes, plain_beside_gaps
from tabular.data.values.cells import NO_NUMBERS, is_gap
from tabular.data.values.composed import kinds
from tabular.data.values.finding.numbers import FoundNumbers
from tabular.data.values.numbers import is_plain, read_number
from tabular.spec.columns import PLAIN, Column
from tabular.spec.errors import BadInput

__all__ = ["as_numbers", "forced_numbers"]


def as_numbers(
    column: Column, cells: pa.ChunkedArray, numbers: ManyNumbers, forced: bool = False
) -> Decision:
    """A column of text as float64, NaN if a cell is missing, and what was decided about it."""
    found, values = numbers.found, numbers.values
    gaps = Counter(found.gaps)
    written = [text.strip() for text in numbers.texts if not is_gap(text.strip(), gaps)]
    sign = found.format.thousands
    odd = next((text for text in written if not is_plain(text) or (sign == "." and sign in text)), None)
    doubts: tuple[str, ...] = ()
    if odd is None and not forced and (plain := plain_beside_gaps(column, cells, values)):
        doubts = plain.doubts
        if plain.column.kind == "categorical":
            return as_codes(column, cells, doubts, doubts)
    missing = gaps_said(gaps, len(cells), may_be_zero=kinds.CLOCK not in found.format.notations)
    said = (*said_of_format(written, odd, found.format), *doubts, *missing)
    column = with_gaps(column, "numeric", gaps)
    if found.format != PLAIN or odd is not None:  # the server reads others of all columns at once
        column = replace(column, number=found.format)
    count = int(np.isfinite(values).sum())
    return Decision(column, pd.Series(values), (are_numbers(count, cells), *said), said)


def forced_numbers(
    column: Column, cells: pa.ChunkedArray, counts: Mapping[str, int], found: FoundNumbers | None
) -> Decision:
    """A column that the user calls numbers.

    Raises:
        BadInput: if a cell is anything else.
    """
    wrong = {text for text in (found.gaps if found else counts) if text.casefold() not in NO_NUMBERS}
    if found is None or wrong:
        row = next((i for i, cell in enumerate(cells.to_pylist()) if cell and cell.strip() in wrong), 0)
        raise BadInput(
            f"Row {row + 1} of the column {column.name!r} is {cells[row].as_py()!r}, which is not a number, "
            "as the option numeric requires; remove the column from the option, or fix the cell."
        )
    return as_numbers(column, cells, _each(cells, found), forced=True)


def _each(cells: pa.ChunkedArray, found: FoundNumbers) -> ManyNumbers:
    """The numbers of a column, each text read by itself."""
    gaps = found.gaps

    def read(text: str) -> float:
        if is_infinite(text):
            return float(text)  # to be refused by name
        return np.nan if is_gap(text.strip(), gaps) else read_number(text, found.format)

    return ManyNumbers(found, mapped(cells, read), cells.drop_null().unique().to_pylist())
