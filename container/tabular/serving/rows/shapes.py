"""The shapes in which clients send rows as JSON: those of several servers, of pandas, and made-up ones.

The function that leaves columns out of stored requests must find the same cells as the server, so it imports
this module, too. It needs the standard library alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tabular.data.values.names import Names
from tabular.serving.rows.errors import BadRequest
from tabular.serving.rows.keys import unique

__all__ = ["ENVELOPES", "SHAPES", "Rows", "UnknownKeys", "rows_of", "rows_of_lines", "unwrapped"]

SHAPES = 'Send a list of rows, or {"instances": [rows]}.'
# The keys under which clients send rows: SageMaker and TensorFlow Serving, Hugging Face, MLflow, pandas'
# table form, Azure (whose envelopes contain others), Seldon, Watson and what people make up.
ENVELOPES = (
    *("instances", "inputs", "features", "dataframe_records", "data", "input_data", "records", "rows"),
    *("Inputs", "input1", "WebServiceInput0", "ndarray", "tensor", "examples", "values", "Values"),
)
AROUND_A_ROW = frozenset(["data", "features", "values"])  # the keys of SageMaker's algorithms
DEEPEST = 3  # envelopes within each other


class UnknownKeys(ValueError):
    """An object that is in no shape, and none of whose keys is a column; it has the keys."""


class Rows(NamedTuple):
    """The rows of a document, each an object or a list of cells, and the names of the cells in such lists.

    `header` is None if the cells are in the order of the model's columns. `where` is what a client calls the
    header, and `under` what it calls the rows.
    """

    rows: Any
    header: Any = None
    where: str = ""
    under: str = ""


def rows_of(content: Any, model: Names, is_header: Callable[[Sequence[str]], bool]) -> Rows:
    """The rows of a document.

    Args:
        content: the document.
        model: the names of its columns.
        is_header: whether texts, of which one at least names a column, are the header of the rows below them.

    Raises:
        BadRequest: if the document is in no shape that is known.
        UnknownKeys: if it is an object of which no key is a column.
    """
    for _ in range(DEEPEST):
        if isinstance(content, list) and len(content) == 1 and _holds_rows(content[0], model):
            (content,) = content
        if not isinstance(content, dict):
            break
        if (rows := _of_columns(content, model)) is not None:
            return Rows(rows)
        if _is_row(content, model):
            break
        if (table := _of_table(content, model)) is not None:
            return table
        key = _envelope(content, model) or (None if "shape" in content else _only_rows(content, model))
        inner = _of_tensor(content) if key is None or "shape" in content else content[key]
        if inner is None or _is_column(content, model):
            break
        content = inner
    if isinstance(content, list) and (columns := _of_tensors(content, model)) is not None:
        content = columns
    if isinstance(content, dict):
        if content and all(model.place_of(name) is None for name in content):
            raise UnknownKeys(*content)
        content = [content]
    if not isinstance(content, list):
        raise BadRequest(400, SHAPES)
    for _ in range(DEEPEST):
        if not _is_deep(content, model):
            break
        (content,) = content
    if content and not isinstance(content[0], list | dict) and len(model.names) > 1:
        content = [content]  # a single row
    return _below_header(_inside(content, model), model, is_header)


def rows_of_lines(documents: Sequence[Any], model: Names, is_header: Callable[[Sequence[str]], bool]) -> Rows:
    """The rows of JSON Lines, of which each line is a row, or the only one has them all.

    The arguments and errors are those of `rows_of`. A line may have its row in an envelope, as a request for
    this row alone.
    """
    if len(documents) == 1 and isinstance(documents[0], list):
        (inner,) = documents
        if (columns := _of_tensors(inner, model)) is not None:
            return Rows(columns)
        if inner and isinstance(inner[0], list | dict):
            documents = inner
    if documents and _is_document(documents[0], model):
        found = [rows_of(document, model, is_header) for document in documents]
        if len(found) == 1:
            return found[0]
        documents = [_only_row(one, number, model) for number, one in enumerate(found, start=1)]
    return _below_header(documents, model, is_header)


def _is_document(line: Any, model: Names) -> bool:
    """Whether a line of JSON is an envelope of rows, which is not one of those around each row."""
    if not isinstance(line, dict) or not line or (len(line) == 1 and not AROUND_A_ROW.isdisjoint(line)):
        return False
    return all(model.place_of(name) is None for name in line)


def _only_row(given: Rows, number: int, model: Names) -> Any:
    """The row that a line has in an envelope, perhaps beside the names of its cells."""
    rows, header = given.rows, given.header
    if not isinstance(rows, list) or len(rows) != 1:
        raise BadRequest(400, f"Line {number} does not have one row; send one in each line.")
    (row,) = rows
    if header is None:
        return row
    if not (isinstance(header, list) and isinstance(row, list) and len(row) == len(header)):
        raise BadRequest(400, f"Line {number} does not have a cell for each of the {given.where}.")
    return unique(model.names_of)([(str(name), cell) for name, cell in zip(header, row, strict=True)])


def _inside(rows: Sequence[Any], model: Names) -> Sequence[Any]:
    """Rows without the object around each that n8n and Airtable write, in which the row is under some key."""
    first = rows[0] if rows else None
    if not isinstance(first, dict) or any(model.place_of(name) is not None for name in first):
        return rows
    found = [key for key, value in first.items() if isinstance(value, dict) and model.are_among(value)]
    if len(found) != 1:
        return rows
    (key,) = found
    return [row[key] if isinstance(row, dict) and key in row else row for row in rows]


def _below_header(rows: Sequence[Any], model: Names, is_header: Callable[[Sequence[str]], bool]) -> Rows:
    """Rows whose first may be a header, as in lists that were a CSV before."""
    first = rows[0] if len(rows) > 1 else None
    if (
        isinstance(first, list)
        and all(type(cell) is str for cell in first)
        and any(model.place_of(cell) is not None for cell in first)
        and is_header(first)
    ):
        return Rows(rows[1:], first, "The first row", "The rest")
    return Rows(rows)


def _of_tensors(content: Sequence[Any], model: Names) -> list[Any] | None:
    """Rows of a list of columns with their names, as KServe, Triton and Polars have; or None."""
    cells = "data" if isinstance(next(iter(content), None), dict) and "data" in content[0] else "values"
    for one in content:
        if not isinstance(one, dict) or not {"name", cells} <= one.keys() or _is_row(one, model):
            return None
    return _of_columns(unique(model.names_of)([(str(one["name"]), one[cells]) for one in content]), model)


def _of_columns(content: Mapping[str, Any], model: Names) -> list[Any] | None:
    """Rows of an object of columns, or of rows by their index, as pandas' `to_json` and `to_dict` write.

    None if it is neither: no cell is a list or an object.

    Raises:
        BadRequest: if the columns do not have the same number of cells, or may be rows.
    """
    kinds = set(map(type, content.values()))
    named = model.are_among(content)
    if kinds == {dict} and (rows := _of_index(content, named, model)) is not None:
        return rows
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


def _of_index(content: Mapping[str, Any], named: bool, model: Names) -> list[Any] | None:
    """The objects in an object if they are rows by their index; None if they are columns, or neither.

    Where columns are named by numbers, they may be both.
    """
    rows = list(content.values())
    if not _are_known(rows[0], model) or any(isinstance(cell, list | dict) for cell in rows[0].values()):
        return None
    if not named:
        return rows
    if len(rows) == 1 or not model.are_among(rows[0]):
        return None
    if _are_known(content, model):
        raise BadRequest(400, "The keys may be columns as well as numbers of rows; send a list of rows.")
    return rows


def _are_known(names: Iterable[str], model: Names) -> bool:
    return all(model.place_of(name) is not None or model.is_ignored(name) for name in names)


def _without_index(rows: list[Any], schema: Mapping[str, Any], model: Names) -> list[Any]:
    """Rows in pandas' table form without the index that its schema names, unless the model knows it."""
    keys = schema.get("primaryKey")
    names = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
    index = {name for name in names if model.place_of(name) is None}
    return [
        {name: cell for name, cell in row.items() if name not in index} if isinstance(row, dict) else row
        for row in rows
    ]


def _of_table(content: Mapping[str, Any], model: Names) -> Rows | None:
    """Rows beside the names of their columns, under whatever keys; None if there are no names.

    pandas, MLflow, Azure, Seldon, Watson, H2O, MLeap and SageMaker's server for Spark send the names once,
    and then cells in their order, which need not be the model's.
    """
    table = content.get("dataframe_split", content)
    if isinstance(table, dict) and {"columns", "data"} <= table.keys():
        names = _names_in(table["columns"], model) or table["columns"] or []
        return Rows(table["data"], names, "'columns'", "'data'")
    key = _envelope(content, model)
    if key is None or len(content) == 1:
        return None
    rows = content[key]
    rows = _of_tensor(rows) if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not rows:
        return None
    if isinstance(rows[0], dict):
        schema = content.get("schema")
        return Rows(_without_index(rows, schema, model)) if isinstance(schema, dict) else None
    others = ((other, _names_in(value, model)) for other, value in content.items() if other != key)
    where, names = next(((other, found) for other, found in others if found), (key, None))
    if names is None:
        return None
    rows = rows if isinstance(rows[0], list) else [rows]  # a single row
    return Rows(rows, names, repr(where), repr(key))


def _names_in(value: Any, model: Names) -> list[str] | None:
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


def _envelope(content: Mapping[str, Any], model: Names) -> str | None:
    """The key under which an object holds its rows, which are not the names of their columns."""
    for key in ENVELOPES:
        if key in content and content[key] is not None:
            names = _names_in(content[key], model) if len(content) > 1 else None
            if names is None or isinstance(content[key], dict) or isinstance(content[key][0], dict):
                return key
    return None


def _only_rows(content: Mapping[str, Any], model: Names) -> str | None:
    """The key of the only rows in an object of which no key is a column, whatever a client calls them.

    PowerShell counts the rows beside them.
    """
    others = content.keys() - {"Count"} if "value" in content else content.keys()
    if any(model.place_of(name) is not None for name in others):
        return None
    found = [key for key, value in content.items() if _are_rows(value, model)]
    return found[0] if len(found) == 1 else None


def _are_rows(value: Any, model: Names) -> bool:
    """Whether a value can be rows, or a row or columns with their names.

    Lists in a list could be cells of a column that the only one of the model is not.
    """
    if isinstance(value, dict):
        return any(model.place_of(name) is not None for name in value)
    kinds = set(map(type, value)) if isinstance(value, list) else set()
    return kinds == {dict} or (kinds == {list} and len(model.names) > 1)


def _is_deep(content: Sequence[Any], model: Names) -> bool:
    """Whether all rows are in one more list, as those of a batch are; a row may have its cells in lists."""
    if len(content) != 1 or not isinstance(content[0], list):
        return False
    (inner,) = content
    if not set(map(type, inner)) <= {list, dict} or not inner:
        return False
    return not (len(inner) == len(model.names) > 1 and _are_alone(inner))


def _of_tensor(content: Mapping[str, Any]) -> list[Any] | None:
    """The rows of one tensor with all columns, whose cells may be in one list; None if it is not one."""
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


def _holds_rows(content: Any, model: Names) -> bool:
    """Whether the only object of a list is not a row: Watson's table, or KServe's tensor of all columns."""
    if not isinstance(content, dict) or any(model.place_of(key) is not None for key in content):
        return False
    if {"shape", "data"} <= content.keys():
        # A tensor of several columns may have the name of one.
        return not _names_column(content, model) or _is_wide(content["shape"])
    return len(content) > 1 and any(_names_in(value, model) for value in content.values())


def _is_column(content: Mapping[str, Any], model: Names) -> bool:
    """Whether an object is one of several columns with its name, and not a row of all."""
    if len(model.names) == 1 or _is_wide(content.get("shape")) or not {"data", "values"} & content.keys():
        return False
    return _names_column(content, model)


def _names_column(content: Mapping[str, Any], model: Names) -> bool:
    """Whether an object has the name of a column; one without a name is not the column `None`."""
    name = content.get("name")
    return name is not None and model.place_of(str(name)) is not None


def _is_wide(shape: Any) -> bool:
    """Whether a tensor's shape is that of rows of more than one cell."""
    return isinstance(shape, list) and len(shape) == 2 and type(shape[1]) is int and shape[1] > 1


def _flat(column: list[Any]) -> list[Any]:
    """The cells of a column, each of which may be in a list of its own, as tensors of one column are."""
    return [cell for (cell,) in column] if _are_alone(column) else column


def _are_alone(cells: Iterable[Any]) -> bool:
    """Whether each cell is in a list of its own."""
    return all(type(cell) is list and len(cell) == 1 for cell in cells)


def unwrapped(row: Any, model: Names) -> Any:
    """A row without the objects that SageMaker's algorithms take around each: {"data": {"features": ...}}.

    Nor with a list around each row, or around each cell, as TensorFlow, Vertex AI and R write:
    {"size": [1.5], "colour": ["red"]}.
    """
    for key in ("data", "features", "values"):
        if isinstance(row, dict) and row.keys() == {key} and key not in model.name_set:
            row = row[key]
    if isinstance(row, list) and row and isinstance(row[0], list | dict):
        if len(row) > 1:
            return _flat(row)
        (row,) = row
    if isinstance(row, dict) and row and _are_alone(row.values()):
        return {name: cell for name, (cell,) in row.items()}
    return row


def _is_row(content: Mapping[str, Any], model: Names) -> bool:
    """Whether an object is a row of this model, even if a column has the name of an envelope."""
    return model.name_set <= content.keys()
