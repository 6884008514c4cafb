"""Stray quotes in CSV: they begin a cell that ends at the next quote, some lines below."""

import re
from collections.abc import Iterable, Iterator, Sequence

from tabular.portable.table_model import Table
from tabular.serving.rows.errors import BadRequest
from tabular.serving.rows.lines import DELIMITERS
from tabular.serving.rows.readers import reader

__all__ = ["without_stray_quotes"]

_END_OF_LINE = re.compile(r"\r\n?|\n")


def without_stray_quotes(
    rows: Iterable[list[str]], places: Sequence[int | None], model: Table
) -> Iterator[list[str]]:
    """The rows, one by one, of which no cell is several rows.

    Args:
        rows: the cells of each row.
        places: which column of the model each cell is in; None for a column that it does not use.
        model: how cells are read.

    Raises:
        BadRequest: if a cell contains rows.
    """
    for number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if ("\n" in cell or "\r" in cell) and len(row) == len(places) > 1:
                _check(cell, column, places, model, number)
        yield row


def _check(cell: str, column: int, places: Sequence[int | None], model: Table, number: int) -> None:
    """Check that a cell of several lines is not the end of one row, perhaps others, and the beginning of one.

    Training refuses a table for the same, see `tabular.data.files.quotes`, and has all its cells as evidence.
    """
    place = places[column]
    if place is not None and cell in model.levels_of(place):
        return
    lines = _END_OF_LINE.split(cell)
    for sign in DELIMITERS:
        first, *inside, last = (line.split(sign) for line in lines)
        if inside:
            are_rows = all(_fit(line, places, model) for line in inside)
        else:
            both = [*places[column:], *places[: column + 1]]
            as_many = (len(first), len(last)) == (len(places) - column, column + 1)
            are_rows = as_many and _fit([*first, *last], both, model)
        if are_rows:
            raise BadRequest(
                400,
                f"Row {number} has a stray quote, which joins {len(lines)} lines (from {cell[:30]!r}); "
                "double it or remove it.",
            )


def _fit(cells: Sequence[str], places: Sequence[int | None], model: Table) -> bool:
    """Whether these cells are read in these columns, and half of them are not just any words."""
    if len(cells) != len(places):
        return False
    evidence = 0
    for cell, place in zip(cells, places, strict=True):
        if cell.startswith(" "):  # behind a comma, as in a sentence
            return False
        text = cell.strip()
        if place is None or not text:
            continue
        if model.columns[place]["kind"] == "categorical":
            evidence += text in model.levels_of(place)
            continue
        try:
            reader(place, model)(text)
        except ValueError:
            return False
        evidence += 1
    return evidence * 2 >= sum(place is not None for place in places)
