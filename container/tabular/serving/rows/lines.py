"""The lines of CSV as clients write them: with any usual delimiter, formulas around cells, and empty lines.

The function that leaves columns out of stored requests must find the same cells as the server, so it imports
this module, too. It needs the standard library alone.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from tabular.data.values.cells import without_formula
from tabular.data.values.names import Names
from tabular.serving.rows.errors import BadRequest

__all__ = ["OTHER_DELIMITERS", "Prefers", "lines_of", "may_fit_others", "most_names"]

MORE_NAMES = 1000  # that a header may have beside twice the table's, and is still told which are unknown
LONG_TEXT = 65_536  # characters: a longer body is not held as one list of its rows
OTHER_DELIMITERS = ";\t|"
_SEPARATOR = re.compile(r"sep=([^\s\"]|\t)(?:\r\n?|\n)", re.IGNORECASE)  # a first line that only Excel knows

Prefers = Callable[[Iterable[list[str]], Iterable[list[str]]], bool]


def lines_of(text: str, model: Names, prefers: Prefers) -> tuple[Iterable[list[str]], str]:
    """The cells of each line, a header included, and the first delimiter with which all lines fit.

    That is the one that Excel's first line names, if there is such a line, or else the comma if none fits.

    Args:
        text: the body.
        model: the names of its columns.
        prefers: whether lines without a header, split at another delimiter (the first argument), are rather
            meant than those split at commas, as in `red;3,5`, which fits with both.

    Raises:
        BadRequest: if a line is not CSV.
    """
    if told := _SEPARATOR.match(text):
        return _split(text[told.end() :], told[1], model), told[1]
    # The client may write what the training file was written with, such as 1,5;2,5 or "a";"b".
    others = filter(None, (_fitting(text, sign, model) for sign in OTHER_DELIMITERS if sign in text))
    try:
        lines = _split(text, ",", model)
        if not _fit(lines, model):
            return next(others, (lines, ","))
        if not may_fit_others(text.lstrip().partition("\n")[0], model):
            return lines, ","
        found = next(others, None)
        return found if found is not None and prefers(found[0], lines) else (lines, ",")
    except BadRequest:
        if found := next(others, None):
            return found
        raise


def _fitting(text: str, delimiter: str, model: Names) -> tuple[Iterable[list[str]], str] | None:
    """The cells of each line, split at a delimiter, and this; None if they do not fit."""
    with suppress(BadRequest):
        if _fit(lines := _split(text, delimiter, model), model):
            return lines, delimiter
    return None


def may_fit_others(line: str, model: Names) -> bool:
    """Whether a first line that fits with commas may be a row with another delimiter, too."""
    return any(line.count(sign) >= len(model.names) - 1 > 0 for sign in OTHER_DELIMITERS)


def most_names(model: Names) -> int:
    """How many names a header may have; it is not worth looking at each of millions."""
    return 2 * (len(model.names) + len(model.others)) + MORE_NAMES


def _split(text: str, delimiter: str, model: Names) -> Iterable[list[str]]:
    """The cells of each line: all at once, or for a long text each time that they are asked for."""
    lines = _Lines(text, delimiter, model)
    return lines if len(text) > LONG_TEXT else list(lines)


class _Lines:
    """The cells of each line of a text, read whenever somebody iterates over them.

    `line` is the one that was read last, with its end.
    """

    def __init__(self, text: str, delimiter: str, model: Names) -> None:
        self._text, self._delimiter, self._of_one = text, delimiter, len(model.names) == 1
        self._has_formulas = '="' in text
        self.line = ""

    def __iter__(self) -> Iterator[list[str]]:
        """The lines.

        Raises:
            BadRequest: if one is not CSV.
        """
        text: Iterable[str] = io.StringIO(self._text, newline="")
        form: dict[str, Any] = {"strict": True, "skipinitialspace": True, "delimiter": self._delimiter}
        lines = csv.reader(self._noted(text) if self._of_one else text, **form)
        try:
            rows: Iterable[list[str]] = (
                self._of_one_column(lines)
                if self._of_one
                else (row for row in lines if row and (len(row) > 1 or row[0].strip()))
            )
            yield from ([*map(without_formula, row)] for row in rows) if self._has_formulas else rows
        except csv.Error as error:
            begin, rows_again = 1, csv.reader(io.StringIO(self._text, newline=""), **form)
            with suppress(csv.Error):
                for _ in rows_again:
                    begin = rows_again.line_num + 1
            # A quote that is not closed is noticed far below the row in which it is.
            where = f", of the row that begins in line {begin}," if begin < lines.line_num else ""
            raise BadRequest(400, f"Line {lines.line_num}{where} is not CSV: {error}.") from None

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


def _fit(lines: Iterable[Sequence[str]], model: Names) -> bool:
    """Whether lines have as many cells as the model has columns, or as a header with all of them.

    Lines of one cell fit only below a header, as whatever another delimiter separates is one cell, too.
    """
    first = next(iter(lines), [])
    width = len(first)
    if width > most_names(model):
        return False
    named = model.are_among(first)
    return (named or width == len(model.names) > 1) and all(len(line) == width for line in lines)
