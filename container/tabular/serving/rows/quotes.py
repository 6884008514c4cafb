"""Stray quotes in CSV: they begin a cell that ends at the next quote, some lines below."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from tabular.portable.table_model import Table
from tabular.serving.rows.errors import BadRequest
from tabular.serving.rows.readers import evidence

__all__ = ["without_stray_quotes"]

_END_OF_LINE = re.compile(r"\r\n?|\n")
ENOUGH = 3  # of evidence for each row: three numbers, or one and a level or a date


def without_stray_quotes(
    rows: Iterable[list[str]], places: Sequence[int | None], model: Table, delimiter: str
) -> Iterator[list[str]]:
    """The rows, one by one, of which no cell is several rows.

    Args:
        rows: the cells of each row.
        places: which column of the model each cell is in; None for a column that it does not use.
        model: how cells are read.
        delimiter: what separates the cells.

    Raises:
        BadRequest: if a cell contains rows.
    """
    for number, row in enumerate(rows, start=1):
        text = "".join(row)  # looked at once, because hardly any row has a cell of several lines
        if ("\n" in text or "\r" in text) and len(row) == len(places) > 1:
            _check(row, number, places, model, delimiter)
        yield row


def _check(
    row: Sequence[str], number: int, places: Sequence[int | None], model: Table, delimiter: str
) -> None:
    for column, (cell, place) in enumerate(zip(row, places, strict=True)):
        if place is not None and cell in model.levels_of(place):
            continue
        lines = _END_OF_LINE.split(cell)
        if len(lines) > 1 and _are_rows([line.split(delimiter) for line in lines], column, places, model):
            seen = f"{len(lines)} lines (from {cell[:30]!r})"
            raise BadRequest(
                400, f"Row {number} has a stray quote, which joins {seen}; double it or remove it."
            )


def _are_rows(lines: Sequence[list[str]], column: int, places: Sequence[int | None], model: Table) -> bool:
    """Whether lines are the end of a row from this column on, perhaps whole rows, and the beginning of one.

    Training refuses a table for the same, see `tabular.data.files.quotes`, and has all its cells as evidence.
    Here, all cells must be read in their columns, and half of them must say more than any words do.
    """
    width = len(places)
    whole = [width] * (len(lines) - 2)
    if [len(line) for line in lines] != [width - column, *whole, column + 1]:
        return False
    found = said = used = 0
    for number, cell in enumerate(chain.from_iterable(lines), start=column):
        if cell.startswith(" "):  # after a comma, as in a sentence
            return False
        place = places[number % width]
        if place is None:
            continue
        weight = evidence(cell.strip(), place, model)
        if weight is None:
            return False
        used += 1
        found += weight > 0
        said += weight
    return found * 2 >= used and said >= ENOUGH * (len(lines) - 1)
