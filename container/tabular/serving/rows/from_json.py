"""Rows of JSON and of JSON Lines, in the shapes of several servers and of pandas."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tabular.data.values.long_numbers import exact, whole
from tabular.portable.table_model import Table
from tabular.serving.rows.errors import BadRequest
from tabular.serving.rows.names import is_header, is_ignored, listed, most_names, order_of

__all__ = ["is_json", "read", "read_lines"]

TABLE = 'send {"columns": [names], "data": [rows]}.'
SHAPES = 'Send a list of rows, or {"instances": [rows]}.'
# The keys under which clients send rows: SageMaker and TensorFlow Serving, Hugging Face, MLflow, pandas'
# table form, Azure (whose envelopes contain others), Seldon, Watson and what people make up.
ENVELOPES = (
    *("instances", "inputs", "features", "dataframe_records", "data", "input_data", "records", "rows"),
    *("Inputs", "input1", "WebServiceInput0", "ndarray", "tensor", "examples", "values", "Values"),
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
        if isinstance(content, list) and len(content) == 1 and _holds_rows(content[0], model):
            (content,) = content
        if not isinstance(content, dict):
            break
        if (rows := _of_columns(content, model)) is not None:
            return _ordered(rows, model)
        if _is_row(content, model):
            break
        if (rows := _of_table(content, model)) is not None:
            return rows
        key = _envelope(content, model)
        inner = _of_tensor(content) if key is None or "shape" in content else content[key]
        if inner is None:
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
    if content and not isinstance(content[0], list | dict) and len(model.names) > 1:
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
    columns = [
        _flat(column if isinstance(column, list) else list(column.values())) for column in content.values()
    ]
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


def _of_table(content: Mapping[str, Any], model: Table) -> list[list[Any]] | None:
    """Rows beside the names of their columns, under whatever keys; None if there are no names.

    pandas, MLflow, Azure, Seldon, Watson, H2O, MLeap and SageMaker's server for Spark send the names once,
    and then cells in their order, which need not be the model's.
    """
    table = content.get("dataframe_split", content)
    if isinstance(table, dict) and {"columns", "data"} <= table.keys():
        names = _names_in(table["columns"], model) or table["columns"]
        return _of_rows(names, table["data"], model, "'columns'", "'data'")
    key = _envelope(content, model)
    if key is None or len(content) == 1:
        return None
    rows = content[key]
    rows = _of_tensor(rows) if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not rows:
        return None
    if isinstance(rows[0], dict):
        schema = content.get("schema")
        return _ordered(_without_index(rows, schema, model), model) if isinstance(schema, dict) else None
    others = ((other, _names_in(value, model)) for other, value in content.items() if other != key)
    where, names = next(((other, found) for other, found in others if found), (key, None))
    if names is None:
        return None
    rows = rows if isinstance(rows[0], list) else [rows]  # a single row
    return _of_rows(names, rows, model, repr(where), repr(key))


def _of_rows(header: Any, rows: Any, model: Table, where: str, under: str) -> list[list[Any]]:
    """Rows of cells in the order of a header; `where` and `under` say which keys they have.

    Raises:
        BadRequest: if the header is not a list of the model's columns, or a row has other cells.
    """
    if not (isinstance(header, list) and all(isinstance(name, str) for name in header)):
        raise BadRequest(400, f"{where} is not a list of names; {TABLE}")
    if not isinstance(rows, list):
        raise BadRequest(400, f"{under} is not a list of rows; {TABLE}")
    order = order_of(header, model, where)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list) or len(row) != len(header):
            raise BadRequest(
                400, f"Row {number} is not a list of {len(header)} cells, one for each of the {where}."
            )
    return [[row[position] for position in order] for row in rows]


def _names_in(value: Any, model: Table) -> list[str] | None:
    """The names of columns in a list of them, or of objects with a name, or in a schema; None if it is none.

    At least one of them is a column of the model.
    """
    if isinstance(value, dict):
        lists = (inner for inner in value.values() if isinstance(inner, list))
        return next(filter(None, (_names_in(inner, model) for inner in lists)), None)
    if not isinstance(value, list) or not value or not isinstance(value[0], str | dict):
        return None
    names = [one.get("name") if isinstance(one, dict) else one for one in value]
    are_names = all(isinstance(name, str) for name in names)
    return names if are_names and any(model.place_of(name) is not None for name in names) else None


def _envelope(content: Mapping[str, Any], model: Table) -> str | None:
    """The key under which an object holds its rows, which are not the names of their columns."""
    for key in ENVELOPES:
        if key in content and content[key] is not None:
            names = _names_in(content[key], model) if len(content) > 1 else None
            if names is None or isinstance(content[key], dict) or isinstance(content[key][0], dict):
                return key
    return None


def _of_tensor(content: Mapping[str, Any]) -> list[Any] | None:
    """The rows of one tensor with all columns, whose cells may be in one list; None if it is none."""
    cells, shape = content.get("data", content.get("values")), content.get("shape")
    if not (isinstance(cells, list) and isinstance(shape, list) and cells):
        return None
    if isinstance(cells[0], list | dict) or shape == [len(cells)]:
        return cells
    if len(shape) != 2 or not all(type(size) is int and size > 0 for size in shape):
        return None
    rows, width = shape
    if rows * width != len(cells):
        return None
    return [cells[start : start + width] for start in range(0, len(cells), width)]


def _holds_rows(content: Any, model: Table) -> bool:
    """Whether the only object of a list is no row: Watson's table, or KServe's tensor of all columns."""
    if not isinstance(content, dict) or any(model.place_of(key) is not None for key in content):
        return False
    if {"shape", "data"} <= content.keys():
        return model.place_of(str(content.get("name"))) is None
    return len(content) > 1 and any(_names_in(value, model) for value in content.values())


def _flat(column: list[Any]) -> list[Any]:
    """The cells of a column, each of which may be in a list of its own, as tensors of one column are."""
    alone = all(isinstance(cell, list) and len(cell) == 1 for cell in column)
    return [cell for (cell,) in column] if alone else column


def _ordered(rows: Sequence[Any], model: Table) -> list[list[Any]]:
    """Rows with their cells in the order of the model's columns; the first may be a header.

    Raises:
        BadRequest: if a row is neither a list nor an object, or does not have the model's columns.
    """
    if len(rows) > 1 and isinstance(rows[0], list) and _may_be_header(rows[0], model):
        return _of_rows(rows[0], rows[1:], model, "The first row", "The rest")
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
        elif len(names) == 1:  # a list of cells is a row each
            found.append([row])
        else:
            raise BadRequest(400, f"Row {number} is neither a list nor an object.")
    return found


def _may_be_header(row: Sequence[Any], model: Table) -> bool:
    """Whether the first of several rows has the names of the columns, as in lists that were a CSV before."""
    return (
        bool(row)
        and all(type(cell) is str for cell in row)
        and len(row) <= most_names(model)
        and any(model.place_of(cell) is not None for cell in row)
        and is_header(row, model)
    )


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
