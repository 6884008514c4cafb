"""Rows of CSV, with or without a header."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from tabular.portable.table_model import Table
from tabular.serving.rows.errors import BadRequest
from tabular.serving.rows.from_json import is_json
from tabular.serving.rows.lines import OTHER_DELIMITERS, lines_of, most_names
from tabular.serving.rows.names import (
    check_copies,
    copies_in,
    is_header,
    may_be_row,
    order_of,
    repeats,
    without_headers,
)
from tabular.serving.rows.quotes import without_stray_quotes
from tabular.serving.rows.readers import evidence
from tabular.spec.errors import amount

__all__ = ["read"]

FEW_ROWS = 20  # which tell what the delimiter is
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")


def read(text: str, model: Table, headless: bool = False) -> Iterable[list[Any]]:
    """The rows of a body, with their cells in the order of the model's columns.

    Args:
        text: the body.
        model: its columns, and how their cells are read.
        headless: whether it certainly has no header, whatever its first line is.

    Raises:
        BadRequest: if it is not CSV, or its header does not have the columns of the model.
    """
    if (first := text.lstrip()[:1]) in ("{", "[") and not _begins_level(first, model):
        if is_json(text):
            raise BadRequest(400, "The body is JSON; name application/json as its content type.")
        if is_json(text.strip().partition("\n")[0]):
            raise BadRequest(400, "The body is JSON Lines; name application/jsonlines as its content type.")
    rows, delimiter = lines_of(text, model, lambda one, other: _said(one, model) > _said(other, model))
    above, header = next(((place, row) for place, row in enumerate(rows) if row != [""]), (0, []))
    _check_first(header, text, model)
    quoted = delimiter if '"' in text else None
    if header and not headless and len(header) <= most_names(model) and is_header(header, model):
        order = order_of(header, model, "The header")
        found = _below(header, order, islice(rows, above + 1, None), model, quoted)
    elif quoted is None and (headless or model.numeric):  # numbers cannot be read from a header
        return rows
    else:
        places = range(len(model.names))
        every = rows if quoted is None else without_stray_quotes(rows, places, model, quoted)
        found = every if headless or model.numeric else without_headers(every, model)
    return list(found) if isinstance(rows, list) else found


def _check_first(row: Sequence[str], text: str, model: Table) -> None:
    """Check that the first line is not what programs make of rows by mistake.

    Raises:
        BadRequest: if it is, which says more than a number of cells.
    """
    width = len(model.names)
    if len(row) > 1 and _is_of_python(row):
        raise BadRequest(400, "The body is a list as Python shows it; send its cells alone, or JSON.")
    if (
        len(row) == 1 < width
        and text.lstrip()[:1] == '"'
        and max(map(row[0].count, "," + OTHER_DELIMITERS)) >= width - 1
    ):
        raise BadRequest(400, "Line 1 is in quotes as a whole, so it is one cell; remove these quotes.")
    rows, rest = divmod(len(row) - 1, max(1, width - 1))
    is_joined = rows > 1 and rest == 0 and width > 2 and not re.search(r"[\r\n]", text.strip())
    if is_joined and not model.are_among(row):
        raise BadRequest(
            400,
            f"Line 1 has {len(row)} cells, as {rows} rows of {width} without line breaks between them have; "
            "curl keeps line breaks with --data-binary, not with --data.",
        )


def _said(rows: Iterable[list[str]], model: Table) -> int:
    """How much the first rows say for their columns; a cell that cannot be read says that all is wrong.

    A decimal comma, even of a client alone, is not such a cell: it shows that commas separate nothing.
    """
    said = 0
    for row in islice(rows, FEW_ROWS):
        for place, cell in enumerate(map(str.strip, row)):
            weight = evidence(cell, place, model)
            if weight is None and not _DECIMAL_COMMA.fullmatch(cell):
                return -1
            said += 1 if weight is None else weight
    return said


def _begins_level(sign: str, model: Table) -> bool:
    """Whether a body may begin with this sign because the only column has such levels, or texts."""
    if len(model.names) > 1 or not model.categorical:
        return False
    return bool(model.texts) or any(level.startswith(sign) for level in model.levels_of(0))


def _is_of_python(row: Sequence[str]) -> bool:
    """Whether a line is a list or tuple with texts as Python shows it; a level may be a whole list."""
    first, last = row[0], row[-1]
    is_list = first[:1] in ("[", "(") and first[-1] not in "])" and last[-1:] in ("]", ")")
    return is_list and any(cell.lstrip("[(").startswith("'") for cell in row)


def _below(
    header: Sequence[str],
    order: Sequence[int],
    rows: Iterable[list[str]],
    model: Table,
    quoted: str | None,
) -> Iterator[list[str]]:
    """The rows below a header, with their cells in another order.

    `quoted` is the delimiter if some cells are in quotes.
    """
    if quoted is not None:
        places: list[int | None] = [None] * len(header)
        for place, position in enumerate(order):
            places[position] = place
        rows = without_stray_quotes(rows, places, model, quoted)
    copies = copies_in(header, model)
    names = None if model.numeric else [*map(model.fold, header)]  # as which words can be read
    for number, row in enumerate(rows, start=1):
        is_again = row == header if names is None else repeats(row, names, order, model)
        if is_again and not (len(row) == len(order) and may_be_row([row[place] for place in order], model)):
            raise BadRequest(400, f"Row {number} is the header again; send it once, above all rows.")
        if len(row) != len(header):
            raise BadRequest(
                400, f"Row {number} has {amount(len(row), 'cell')}, but the header has {len(header)}."
            )
        if copies:
            check_copies(row, order, copies, number, model)
        yield [row[position] for position in order]
