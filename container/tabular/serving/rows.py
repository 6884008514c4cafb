"""Rows in every shape that clients send: CSV with or without a header, and several shapes of JSON.

Each row becomes a list of cells in the order of the model's columns; the cells stay as they were sent.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any
from unicodedata import normalize

import orjson

from tabular.data.values import cells, dates
from tabular.data.values.long_numbers import exact, whole
from tabular.data.values.numbers import is_plain, read_number
from tabular.portable.table_model import Table
from tabular.spec.columns import NumberFormat

__all__ = ["DECODERS", "BadRequest", "reader"]

TABLE = 'send {"columns": [names], "data": [rows]}.'
SHAPES = 'Send a list of rows, or {"instances": [rows]}.'
# The keys under which clients send rows: SageMaker and TensorFlow Serving, Hugging Face, MLflow, pandas'
# table form, Azure (whose envelopes contain others), Seldon and what people make up.
ENVELOPES = (
    *("instances", "inputs", "features", "dataframe_records", "data", "input_data", "records", "rows"),
    *("Inputs", "input1", "WebServiceInput0", "ndarray"),
)
DEEPEST = 3  # envelopes within each other
LONG_TEXT = 65_536  # characters: a longer body is not held as one list of its rows
OTHER_DELIMITERS = ";\t|"
MORE_NAMES = 1000  # that a header may have beside twice the table's, and is still told which are unknown
UNNAMED = ("", "Unnamed: 0")  # pandas' names for an index: as written, and after reading it again


class BadRequest(ValueError):
    """A request that cannot be answered, with its HTTP status and one sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def reader(position: int, model: Table) -> Callable[[Any], Any]:
    """The function that reads a cell of a column; it raises ValueError for a cell of the wrong kind."""
    read = model.readers.get(position)
    if read is None:
        read = model.readers[position] = _made_reader(position, model)
    return read


def _made_reader(position: int, model: Table) -> Callable[[Any], Any]:
    column = model.columns[position]
    kind, missing = column["kind"], frozenset(column.get("missing") or ())
    if kind == "date":
        return partial(dates.date, form=column["format"], missing=missing)
    if kind == "numeric" and (column.get("number") or missing):
        gaps = cells.numbers_among(missing)
        return partial(_number, form=model.number_format(position), missing=missing, gaps=gaps)
    if kind == "categorical":
        spellings = {cells.folded(level): level for level in column.get("spellings") or ()}
        known = model.levels_of(position)
        widths = {len(level) for level in known if level.isdecimal()}
        width = widths.pop() if len(widths) == 1 else 0
        form = missing, spellings, column.get("whole"), bool(column.get("blanks"))
        return partial(_level, known=known, form=form, width=width, numbers=_by_value(known))
    return partial(READERS[kind], missing=missing) if missing else READERS[kind]


def _by_value(levels: Iterable[str]) -> Mapping[float, str | None]:
    """The levels that are numbers by their value, None where several are the same number: 1.10 and 1.1."""
    found: dict[float, str | None] = {}
    for level in levels:
        if level[:1].isdecimal() and is_plain(level):
            value = float(level)
            found[value] = None if value in found else level
    return found


def _level(
    cell: Any,
    known: Collection[str],
    form: tuple[Collection[str], Mapping[str, str], str | None, bool],
    width: int,
    numbers: Mapping[float, str | None],
) -> str:
    """A level; JSON's true, 1.0 and 1 are those that the table writes as true, TRUE, 1, 1.0 or 01.

    Any other number in JSON is the only level that is the same number. A text in another Unicode form, as
    macOS writes names of files, is the level of the table.

    `form` is how the column writes missing values and levels, see `cells.category`. `width` is the number of
    digits if all levels of digits have the same number, and `numbers` are levels by their value.
    """
    if type(cell) is str and cell in known:  # as nearly all are
        return cell
    level = cells.category(cell, *form)
    if type(cell) is str and not level.isascii() and level not in known:
        others = [normalize("NFC", level), normalize("NFD", level)]
        return next((one for one in others if one in known), level)
    if type(cell) not in (bool, float, int) or not known or level in known:
        return level
    if type(cell) is bool:
        others = [level.lower(), level.upper()]
    else:  # JavaScript writes 1.0 as 1
        whole = level.removesuffix(".0")
        others = [whole if type(cell) is float else f"{level}.0", whole.zfill(width)]
    found = next((one for one in others if one in known), None)
    if found is None and type(cell) is not bool:
        found = numbers.get(cell)
    return level if found is None else found


def _number(cell: Any, form: NumberFormat, missing: Collection[str], gaps: Collection[float]) -> float:
    """A number in the format of the column, which a JSON number does not need.

    Words for a missing value that are numbers count by their value: pandas writes -999 beside gaps as -999.0.
    """
    if not isinstance(cell, str):
        number = cells.number(cell)
        return math.nan if number in gaps else number
    text = cell.strip()
    if cells.is_gap(text, missing):
        return math.nan
    number = read_number(text, form)
    return math.nan if number in gaps else number


def _of_csv(text: str, model: Table) -> Iterable[list[Any]]:
    if text.lstrip()[:1] in ("{", "[") and len(model.names) > 1:
        if _is_json(text):
            raise BadRequest(400, "The body is JSON; name application/json as its content type.")
        if _is_json(text.strip().partition("\n")[0]):
            raise BadRequest(400, "The body is JSON Lines; name application/jsonlines as its content type.")
    rows = _split(text, ",", model)
    if len(model.names) > 1 and not _fit(rows, model):
        # The client may write what the training file was written with, such as 1,5;2,5.
        others = (_split(text, delimiter, model) for delimiter in OTHER_DELIMITERS if delimiter in text)
        rows = next((other for other in others if _fit(other, model)), rows)
    header = next(iter(rows), [])
    if not header or len(header) > _most_names(model) or not _is_header(header, model):
        return rows
    order = _order(header, model, "The header")
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
    """The cells of each line of a text, read whenever somebody iterates over them."""

    def __init__(self, text: str, delimiter: str, model: Table) -> None:
        self._text, self._delimiter, self._of_one = text, delimiter, len(model.names) == 1

    def __iter__(self) -> Iterator[list[str]]:
        """The lines.

        Raises:
            BadRequest: if one is not CSV.
        """
        lines = csv.reader(
            io.StringIO(self._text, newline=""),
            strict=True,
            skipinitialspace=True,
            delimiter=self._delimiter,
        )
        try:
            if self._of_one:
                yield from _of_one_column(lines)
            else:
                for row in lines:
                    if row and (len(row) > 1 or row[0].strip()):
                        yield row
        except csv.Error as error:
            raise BadRequest(400, f"Line {lines.line_num} is not CSV: {error}.") from None


def _fit(rows: Iterable[Sequence[str]], model: Table) -> bool:
    """Whether rows have as many cells as the model has columns, or as a header with all of them."""
    first = next(iter(rows), [])
    width = len(first)
    if width > _most_names(model):
        return False
    named = {model.place_of(cell) for cell in first} >= set(range(len(model.names)))
    return (named or width == len(model.names)) and all(len(row) == width for row in rows)


def _of_one_column(lines: Iterable[list[str]]) -> Iterator[list[str]]:
    """The rows of a table with one column: an empty line is an empty cell, except at the end of the body."""
    empty = 0
    for row in lines:
        if row in ([], [""]):
            empty += 1
            continue
        yield from ([""] for _ in range(empty))
        empty = 0
        yield row


def _of_json(text: str, model: Table) -> list[list[Any]]:
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
            keys = _listed(list(content))
            raise BadRequest(
                400, f"The body has the keys {keys}, which are no columns of this model. {SHAPES}"
            )
        content = [content]
    if not isinstance(content, list):
        raise BadRequest(400, SHAPES)
    if content and not isinstance(content[0], list | dict):
        content = [content]  # a single row
    return _ordered(content, model)


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
        known = all(model.place_of(name) is not None or _is_ignored(name, model) for name in rows[0])
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


def _of_json_lines(text: str, model: Table) -> list[list[Any]]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if len(lines) > 1 and not _is_json(lines[0][1]) and _is_json(text):
        raise BadRequest(400, "The body is one JSON document; name application/json as its content type.")
    rows = [_parsed(line, f"Line {n}", model) for n, line in lines]
    if len(rows) == 1 and isinstance(rows[0], dict) and _is_envelope(rows[0], model):
        raise BadRequest(400, "The body is one JSON document; name application/json as its content type.")
    if len(rows) == 1 and isinstance(rows[0], list) and isinstance((rows[0] or [None])[0], list | dict):
        rows = rows[0]  # all rows in one line
    return _ordered(rows, model)


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _advice(text: str) -> str:
    """What may be meant by a body that is not JSON."""
    if text.lstrip()[:1] not in ("{", "[", ""):
        return " If it is CSV, name text/csv as its content type."
    if _is_json(text.strip().partition("\n")[0]):
        return " If each line is a document, name application/jsonlines as its content type."
    return ""


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


def _of_table(table: Mapping[str, Any], model: Table) -> list[list[Any]]:
    """Rows in the shape of pandas' `to_dict(orient="split")`: the names once, then the cells."""
    header, rows = table["columns"], table["data"]
    if not (isinstance(header, list) and all(isinstance(name, str) for name in header)):
        raise BadRequest(400, f"'columns' is not a list of names; {TABLE}")
    if not isinstance(rows, list):
        raise BadRequest(400, f"'data' is not a list of rows; {TABLE}")
    order = _order(header, model, "'columns'")
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
                keys, names = these, [these[i] for i in _order(these, model, f"Row {number}")]
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


def _is_header(row: Sequence[str], model: Table) -> bool:
    """Whether the first line is a header: it contains the name of a column and cannot be read as a row."""
    if all(model.place_of(cell) is None for cell in row):
        return False
    if len(row) != len(model.names):
        return True
    try:
        for position in model.numeric:
            reader(position, model)(row[position])
    except ValueError:
        return True
    if model.n_numbers or model.worded:  # even if all names are numbers
        return sorted(map(model.fold, row)) == sorted(map(model.fold, model.names))
    named = [place for place, cell in enumerate(row) if model.place_of(cell) is not None]
    if all(place in named or _is_ignored(cell, model) for place, cell in enumerate(row)):
        return True
    # Names among which one is wrong, as levels of other columns that training has never seen would be rarer.
    return 2 * len(named) >= len(row) and not any(row[place] in model.levels_of(place) for place in named)


def _is_ignored(name: str, model: Table) -> bool:
    return model.fold(name) in model.others or name.strip() in UNNAMED


def _most_names(model: Table) -> int:
    """How many names a header may have; it is not worth looking at each of millions."""
    return 2 * (len(model.names) + len(model.others)) + MORE_NAMES


def _order(header: Sequence[str], model: Table, where: str) -> list[int]:
    """The position in the header of each of the model's columns.

    Case matters only if two columns of the table differ in nothing else. Columns of the table that the model
    does not use are ignored, and so is the index that pandas writes.

    Raises:
        BadRequest: if a column is missing, unknown, or named twice, or there are far too many names.
    """
    if len(header) > _most_names(model):
        raise BadRequest(400, f"{where} has {len(header)} names; this model needs {len(model.names)}.")
    found: dict[int, int] = {}
    unknown, repeated = [], []
    for position, name in enumerate(header):
        place = model.place_of(name)
        if place is None:
            if not _is_ignored(name, model):
                unknown.append(name.strip())
            continue
        if place in found:
            repeated.append(name.strip())
        found[place] = position
    if missing := [name for place, name in enumerate(model.names) if place not in found]:
        raise BadRequest(400, f"{where} does not have the columns {_listed(missing)}.")
    if unknown:
        raise BadRequest(400, f"{where} has the columns {_listed(unknown)}, which this model does not know.")
    if repeated:
        raise BadRequest(400, f"{where} names a column more than once: {_listed(repeated)}.")
    return [found[place] for place in range(len(model.names))]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(cells.shown(name) for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


READERS: Mapping[str, Callable[[Any], Any]] = {
    "numeric": cells.number,
    "boolean": cells.boolean,
}
DECODERS: Mapping[str, Callable[[str, Table], Iterable[list[Any]]]] = {
    "text/csv": _of_csv,
    "application/json": _of_json,
    "application/jsonlines": _of_json_lines,
}
