"""Rows of JSON and of JSON Lines, in the shapes of several servers and of pandas."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tabular.data.values.long_numbers import exact, whole
from tabular.portable.table_model import Table
from tabular.serving.rows.errors import BadRequest
from tabular.serving.rows.names import is_ignored, listed, order_of

__all__ = ["is_json", "read", "read_lines"]

TABLE = 'send {"columns": [names], "data": [rows]}.'
SHAPES = 'Send a list of rows, or {"instances": [rows]}.'
# The keys under which clients send rows: SageMaker and TensorFlow Serving, Hugging Face, MLflow, pandas'
# table form, Azure (whose envelopes contain others), Seldon and what people make up.
ENVELOPES = (
    *("instances", "inputs", "features", "dataframe_records", "data", "input_data", "records", "rows"),
    *("Inputs", "input1", "WebServiceInput0", "ndarray"),
)
DEEPEST = 3  # envelopes within each other


def read(text: str, model: Table) -> list[list[Any]]:
    """The rows of a document, with their cells in the order of the model's columns.

    Raises:
        BadRequest: if it is not JSON, or in no shape that is known, or does not have the model's columns.
    """
    content = _parsed(text, "The body", model)
    if isinstance(content, str):
        raise BadRequest(400, f"The body is a text in JSON, so it was probably encoded twice. {SHAPES}")
    for _ in range(DEEPEST):
        if not isinstance(content, dict):
            break
        if (rows := _of_columns(content, model)) is not None:
            return _ordered(rows, model)
        if _is_row(content, model):
            break
        table = content.get("dataframe_split", content)
        if isinstance(table, dict) and {"columns", "data"} <= table.keys():
            return _of_table(table, model)
        if {"names", "ndarray"} <= content.keys():  # Seldon's
            return _of_table({"columns": content["names"], "data": content["ndarray"]}, model)
        if isinstance(schema := content.get("schema"), dict) and isinstance(content.get("data"), list):
            return _ordered(_without_index(content["data"], schema, model), model)
        if (inner := next((content[name] for name in ENVELOPES if name in content), None)) is None:
            break
        content = inner
    if isinstance(content, list) and (columns := _of_tensors(content, model)) is not None:
        content = columns
    if isinstance(content, dict):
        if content and all(model.place_of(name) is None for name in content):
            keys = listed(list(content))
            raise BadRequest(
                400, f"The body has the keys {keys}, which are no columns of this model. {SHAPES}"
            )
        content = [content]
    if not isinstance(content, list):
        raise BadRequest(400, SHAPES)
    if content and not isinstance(content[0], list | dict):
        content = [content]  # a single row
    return _ordered(content, model)


def read_lines(text: str, model: Table) -> list[list[Any]]:
    """The rows of JSON Lines, with their cells in the order of the model's columns.

    Raises:
        BadRequest: if a line is not JSON, or does not have the model's columns.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if len(lines) > 1 and not is_json(lines[0][1]) and is_json(text):
        raise BadRequest(400, "The body is one JSON document; name application/json as its content type.")
    rows = [_parsed(line, f"Line {n}", model) for n, line in lines]
    if len(rows) == 1 and isinstance(rows[0], dict) and _is_envelope(rows[0], model):
        raise BadRequest(400, "The body is one JSON document; name application/json as its content type.")
    if len(rows) == 1 and isinstance(rows[0], list) and isinstance((rows[0] or [None])[0], list | dict):
        rows = rows[0]  # all rows in one line
    return _ordered(rows, model)


def _of_tensors(content: Sequence[Any], model: Table) -> list[Any] | None:
    """Rows of a list of columns with their names, as KServe and Triton take; None if it is none."""
    for one in content:
        if not isinstance(one, dict) or not {"name", "data"} <= one.keys() or _is_row(one, model):
            return None
    return _of_columns({str(one["name"]): one["data"] for one in content}, model)


def _of_columns(content: Mapping[str, Any], model: Table) -> list[Any] | None:
    """Rows of an object of columns, or of rows by their index, as pandas' `to_json` and `to_dict` write.

    None if it is neither: no cell is a list or an object.

    Raises:
        BadRequest: if the columns do not have the same number of cells.
    """
    kinds = set(map(type, content.values()))
    named = {model.place_of(name) for name in content} >= set(range(len(model.names)))
    if kinds == {dict} and not named:
        rows = list(content.values())
        known = all(model.place_of(name) is not None or is_ignored(name, model) for name in rows[0])
        single = not any(isinstance(cell, list | dict) for cell in rows[0].values())
        return rows if known and single else None
    if not named or kinds not in ({list}, {dict}):
        return None
    columns = [column if isinstance(column, list) else list(column.values()) for column in content.values()]
    indexes = [column.keys() for column in content.values() if isinstance(column, dict)]
    if len(set(map(len, columns))) > 1 or any(list(one) != list(indexes[0]) for one in indexes):
        raise BadRequest(
            400, "The columns do not have the same rows; send a cell of each row for every column."
        )
    return [dict(zip(content, row, strict=True)) for row in zip(*columns, strict=True)]


def _without_index(rows: list[Any], schema: Mapping[str, Any], model: Table) -> list[Any]:
    """Rows in pandas' table form without the index that its schema names, unless the model knows it."""
    keys = schema.get("primaryKey")
    index = {key for key in keys if model.place_of(str(key)) is None} if isinstance(keys, list) else set()
    return [
        {name: cell for name, cell in row.items() if name not in index} if isinstance(row, dict) else row
        for row in rows
    ]


def _of_table(table: Mapping[str, Any], model: Table) -> list[list[Any]]:
    """Rows in the shape of pandas' `to_dict(orient="split")`: the names once, then the cells."""
    header, rows = table["columns"], table["data"]
    if not (isinstance(header, list) and all(isinstance(name, str) for name in header)):
        raise BadRequest(400, f"'columns' is not a list of names; {TABLE}")
    if not isinstance(rows, list):
        raise BadRequest(400, f"'data' is not a list of rows; {TABLE}")
    order = order_of(header, model, "'columns'")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != len(header):
            raise BadRequest(
                400, f"Row {number} is not a list of {len(header)} cells, one for each of the 'columns'."
            )
    return [[row[position] for position in order] for row in rows]


def _ordered(rows: Sequence[Any], model: Table) -> list[list[Any]]:
    found: list[list[Any]] = []
    keys: tuple[str, ...] | None = None
    names: Sequence[str] = model.names
    for number, row in enumerate(rows, start=1):
        row = _unwrapped(row, model)
        if isinstance(row, dict):
            if row.keys() == model.name_set:
                found.append([row[name] for name in model.names])
                continue
            if (these := tuple(row)) != keys:  # rows from one client have the same keys in the same order
                keys, names = these, [these[i] for i in order_of(these, model, f"Row {number}")]
            found.append([row[name] for name in names])
        elif isinstance(row, list):
            found.append(row)
        else:
            raise BadRequest(400, f"Row {number} is neither a list nor an object.")
    return found


def _unwrapped(row: Any, model: Table) -> Any:
    """A row without the objects that SageMaker's algorithms take around each: {"data": {"features": ...}}."""
    for key in ("data", "features", "values"):
        if isinstance(row, dict) and row.keys() == {key} and key not in model.name_set:
            row = row[key]
    return row


def _is_envelope(content: Mapping[str, Any], model: Table) -> bool:
    """Whether an object holds rows under a key, and is not itself a row, whose columns may have any name."""
    if any(model.place_of(name) is not None for name in content):
        return False
    inner = [content[name] for name in ENVELOPES if name in content]
    return any(isinstance(rows, list) and rows and isinstance(rows[0], list | dict) for rows in inner)


def _is_row(content: Mapping[str, Any], model: Table) -> bool:
    """Whether an object is a row of this model, even if a column has the name of an envelope."""
    return model.name_set <= content.keys()


def _parsed(text: str, where: str, model: Table) -> Any:
    """A JSON document; NaN, which is not JSON but which Python's own `json` writes, is a missing cell.

    Levels may be whole numbers of any length.
    """
    try:
        found = orjson.loads(text)
        return exact(text.encode(), found) if model.categorical else found
    except orjson.JSONDecodeError as error:
        if "NaN" not in text:
            advice = _advice(text) if where == "The body" else ""
            raise BadRequest(400, f"{where} is not JSON: {error}.{advice}") from None
        reason = str(error)
    try:
        return json.loads(text, parse_constant=_constant, parse_int=whole)
    except (ValueError, RecursionError):
        raise BadRequest(400, f"{where} is not JSON: {reason}.") from None


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
    if text.lstrip()[:1] not in ("{", "[", ""):
        return " If it is CSV, name text/csv as its content type."
    if is_json(text.strip().partition("\n")[0]):
        return " If each line is a document, name application/jsonlines as its content type."
    return ""
