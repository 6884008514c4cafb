"""Rows of JSON and of JSON Lines, in the shapes of several servers and of pandas."""

import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import orjson

from tabular.data.values.long_numbers import exact, whole
from tabular.portable.table_model import Table
from tabular.serving.rows.errors import BadRequest
from tabular.serving.rows.keys import may_repeat, unique
from tabular.serving.rows.lines import most_names
from tabular.serving.rows.names import (
    check_copies,
    copies_in,
    is_header,
    listed,
    may_be_row,
    order_of,
    without_headers,
)
from tabular.serving.rows.shapes import (
    SHAPES,
    Rows,
    UnknownKeys,
    rows_of,
    rows_of_lines,
    unwrapped,
)

__all__ = ["is_json", "read", "read_lines"]

# Lists and objects as Python shows them: texts in single quotes, and words that JSON writes otherwise.
_OF_PYTHON = re.compile(
    r"\s*[\[{(].{,10000}?(?<=[\[{(,: ])(?:[ub]?'|(?:None|True|False|nan|inf)\b)", re.DOTALL
)
PYTHON = " In Python, json.dumps writes JSON; str and print do not."
TABLE = 'send {"columns": [names], "data": [rows]}.'


def read(text: str, model: Table) -> list[list[Any]]:
    """The rows of a document, with their cells in the order of the model's columns.

    Raises:
        BadRequest: if it is not JSON, or in no shape that is known, or does not have the model's columns.
    """
    content = _parsed(text, "The body", model)
    if isinstance(content, str):
        raise BadRequest(400, f"The body is a text in JSON, so it was probably encoded twice. {SHAPES}")
    return _read(rows_of, content, model)


def read_lines(text: str, model: Table) -> list[list[Any]]:
    """The rows of JSON Lines, with their cells in the order of the model's columns.

    Raises:
        BadRequest: if a line is not JSON, or does not have the model's columns.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if len(lines) > 1 and not is_json(lines[0][1]) and is_json(text):
        raise BadRequest(400, "The body is one JSON document; name application/json as its content type.")
    rows = [_parsed(line, f"Line {n}", model, repeats=False) for n, line in lines]
    if may_repeat(text, rows):
        rows = [_parsed(line, f"Line {n}", model) for n, line in lines]
    return _read(rows_of_lines, rows, model)


def _read(read_rows: Callable[..., Rows], content: Any, model: Table) -> list[list[Any]]:
    rows = _ordered(_shaped(read_rows, content, model), model)
    if model.numeric or len(model.names) == 1:  # a single word is hardly ever a header in JSON
        return rows
    firsts = {row[0] for row in rows if row and type(row[0]) is str}  # of which few differ
    may_be_among = model.fold(model.names[0]) in map(model.fold, firsts)
    return list(without_headers(rows, model)) if may_be_among else rows


def _shaped(read_rows: Callable[..., Rows], content: Any, model: Table) -> Rows:
    try:
        return read_rows(content, model, partial(_is_header, model=model))
    except UnknownKeys as error:
        keys = listed(error.args)
        raise BadRequest(
            400, f"The body has the keys {keys}, which are not columns of this model. {SHAPES}"
        ) from None


def _is_header(row: Sequence[str], model: Table) -> bool:
    """Whether texts are a header, which is rarer in JSON than a row of cells that are called as columns are.

    Plain numbers are hardly ever texts there.
    """
    if len(row) > most_names(model) or not is_header(row, model):
        return False
    return model.n_numbers > 0 or not may_be_row(row, model)


def _of_rows(given: Rows, model: Table) -> list[list[Any]]:
    """Rows whose cells are in the order of a header.

    Raises:
        BadRequest: if the header is not a list of the model's columns, or a row has other cells.
    """
    rows, header, where, under = given
    if not (isinstance(header, list) and all(isinstance(name, str) for name in header)):
        raise BadRequest(400, f"{where} is not a list of names; {TABLE}")
    if not isinstance(rows, list):
        raise BadRequest(400, f"{under} is not a list of rows; {TABLE}")
    order, copies = order_of(header, model, where), copies_in(header, model)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != len(header):
            raise BadRequest(
                400, f"Row {number} is not a list of {len(header)} cells, one for each of the {where}."
            )
        if copies:
            check_copies(row, order, copies, number, model)
    return [[row[position] for position in order] for row in rows]


def _ordered(given: Rows, model: Table) -> list[list[Any]]:
    """Rows with their cells in the order of the model's columns.

    Raises:
        BadRequest: if a row is neither a list nor an object, or does not have the model's columns.
    """
    if given.header is not None:
        return _of_rows(given, model)
    found: list[list[Any]] = []
    keys: tuple[str, ...] | None = None
    names: Sequence[str] = model.names
    order: list[int] = []
    copies: list[tuple[int, int]] = []
    for number, row in enumerate(given.rows, start=1):
        row = unwrapped(row, model)
        if isinstance(row, dict):
            if row.keys() == model.name_set:
                found.append([row[name] for name in model.names])
                continue
            if (these := tuple(row)) != keys:  # rows from one client have the same keys in the same order
                order, copies = order_of(these, model, f"Row {number}"), copies_in(these, model)
                keys, names = these, [these[i] for i in order]
            if copies:
                check_copies([*row.values()], order, copies, number, model)
            found.append([row[name] for name in names])
        elif isinstance(row, list):
            found.append(row)
        elif len(names) == 1:  # a list of cells is a row each
            found.append([row])
        else:
            raise BadRequest(400, f"Row {number} is neither a list nor an object.")
    return found


def _parsed(text: str, where: str, model: Table, repeats: bool | None = None) -> Any:
    """A JSON document; NaN, which is not JSON but which Python's own `json` writes, is a missing cell.

    Levels may be whole numbers of any length. A key that an object has more than once is that of a table with
    columns of the same name; `repeats` says whether there may be one, if it is known.
    """
    reason = ""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "NaN" not in text:
            advice = _advice(text) if where == "The body" or _OF_PYTHON.match(text) else ""
            raise BadRequest(400, f"{where} is not JSON: {error}.{advice}") from None
        reason = str(error)
    else:
        if not (may_repeat(text, found) if repeats is None else repeats):
            return exact(text.encode(), found) if model.categorical else found
    try:
        made = unique(model.names_of)
        return json.loads(text, parse_constant=_constant, parse_int=whole, object_pairs_hook=made)
    except BadRequest:
        raise
    except (ValueError, RecursionError):
        if not reason:  # nested deeper than this parser goes
            return found
        advice = PYTHON if _OF_PYTHON.match(text) else ""
        raise BadRequest(400, f"{where} is not JSON: {reason}.{advice}") from None


def _constant(word: str) -> None:
    if word != "NaN":
        raise ValueError


def is_json(text: str) -> bool:
    """Whether a text is one document of JSON."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _advice(text: str) -> str:
    """What may be meant by a body that is not JSON."""
    if _OF_PYTHON.match(text):
        return PYTHON
    if text.lstrip()[:1] not in ("{", "[", ""):
        return " If it is CSV, name text/csv as its content type."
    if is_json(text.strip().partition("\n")[0]):
        return " If each line is a document, name application/jsonlines as its content type."
    return ""
