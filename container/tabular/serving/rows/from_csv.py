"""Rows of CSV, with or without a header."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from tabular.data.values.cells import without_formula
from tabular.portable.table_model import Table
from tabular.serving.rows.errors import BadRequest
from tabular.serving.rows.from_json import is_json
from tabular.serving.rows.names import is_header, most_names, order_of

__all__ = ["read"]

LONG_TEXT = 65_536  # characters: a longer body is not held as one list of its rows
OTHER_DELIMITERS = ";\t|"


def read(text: str, model: Table) -> Iterable[list[Any]]:
    """The rows of a body, with their cells in the order of the model's columns.

    Raises:
        BadRequest: if it is not CSV, or its header does not have the columns of the model.
    """
    if text.lstrip()[:1] in ("{", "[") and len(model.names) > 1:
        if is_json(text):
            raise BadRequest(400, "The body is JSON; name application/json as its content type.")
        if is_json(text.strip().partition("\n")[0]):
            raise BadRequest(400, "The body is JSON Lines; name application/jsonlines as its content type.")
    rows = _split(text, ",", model)
    if len(model.names) > 1 and not _fit(rows, model):
        # The client may write what the training file was written with, such as 1,5;2,5.
        others = (_split(text, delimiter, model) for delimiter in OTHER_DELIMITERS if delimiter in text)
        rows = next((other for other in others if _fit(other, model)), rows)
    header = next(iter(rows), [])
    if not header or len(header) > most_names(model) or not is_header(header, model):
        return rows
    order = order_of(header, model, "The header")
    below = _below(header, order, rows)
    return list(below) if isinstance(rows, list) else below


def _below(header: Sequence[str], order: Sequence[int], rows: Iterable[list[str]]) -> Iterator[list[str]]:
    """The rows below a header, with their cells in another order."""
    for number, row in enumerate(islice(rows, 1, None), start=1):
        if len(row) != len(header):
            raise BadRequest(400, f"Row {number} has {len(row)} cells, but the header has {len(header)}.")
        yield [row[position] for position in order]


def _split(text: str, delimiter: str, model: Table) -> Iterable[list[str]]:
    """The cells of each line: all at once, or for a long text each time that they are asked for."""
    lines = _Lines(text, delimiter, model)
    return lines if len(text) > LONG_TEXT else list(lines)


class _Lines:
    """The cells of each line of a text, read whenever somebody iterates over them.

    `line` is the one that was read last, with its end.
    """

    def __init__(self, text: str, delimiter: str, model: Table) -> None:
        self._text, self._delimiter, self._of_one = text, delimiter, len(model.names) == 1
        self._has_formulas = '="' in text
        self.line = ""

    def __iter__(self) -> Iterator[list[str]]:
        """The lines.

        Raises:
            BadRequest: if one is not CSV.
        """
        text: Iterable[str] = io.StringIO(self._text, newline="")
        lines = csv.reader(
            self._noted(text) if self._of_one else text,
            strict=True,
            skipinitialspace=True,
            delimiter=self._delimiter,
        )
        try:
            rows: Iterable[list[str]] = (
                self._of_one_column(lines)
                if self._of_one
                else (row for row in lines if row and (len(row) > 1 or row[0].strip()))
            )
            yield from ([*map(without_formula, row)] for row in rows) if self._has_formulas else rows
        except csv.Error as error:
            raise BadRequest(400, f"Line {lines.line_num} is not CSV: {error}.") from None

    def _noted(self, text: Iterable[str]) -> Iterator[str]:
        for self.line in text:
            yield self.line

    def _of_one_column(self, lines: Iterable[list[str]]) -> Iterator[list[str]]:
        """The rows of a table with one column: an empty line is an empty cell, except at the end of the body.

        Two quotes are an empty cell anywhere; pandas writes them.
        """
        empty = 0
        for row in lines:
            if row in ([], [""]) and '"' not in self.line:
                empty += 1
                continue
            yield from ([""] for _ in range(empty))
            empty = 0
            yield row


def _fit(rows: Iterable[Sequence[str]], model: Table) -> bool:
    """Whether rows have as many cells as the model has columns, or as a header with all of them."""
    first = next(iter(rows), [])
    width = len(first)
    if width > most_names(model):
        return False
    named = model.are_among(first)
    return (named or width == len(model.names)) and all(len(row) == width for row in rows)
