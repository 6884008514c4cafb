"""Request bodies to model input, and predictions to response bodies.

Plain CSV is read by reader.c, and numbers are read all at once; the rest is read cell by cell as `cells`
defines it, which also finds the words for what is wrong.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import Any

import numpy as np
import orjson

from tabular.data import cells
from tabular.data.dates import day_number
from tabular.portable.table_model import Prediction, TableModel

try:
    from tabular.portable.native import csv_rows
except ImportError:  # installed where no compiler was
    csv_rows = None

__all__ = ["DECODERS", "ENCODERS", "BadRequest", "decode", "encode"]

ModelInput = tuple[np.ndarray, list[list[str]]]
JSON_NUMBERS = frozenset([int, float, bool, type(None)])


class BadRequest(ValueError):
    """A request that cannot be answered, with the HTTP status and one sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def decode(body: bytes, content_type: str, model: TableModel) -> ModelInput:
    """The rows of a request as `TableModel.predict` takes them.

    Raises:
        BadRequest: an unknown content type, or a body that is not rows of this model's table.
    """
    media_type = content_type.partition(";")[0].strip().lower() or "text/csv"
    if media_type not in DECODERS:
        raise BadRequest(415, f"Content type {media_type!r} is not read; send {' or '.join(DECODERS)}.")
    if media_type == "text/csv" and (plain := _read_plain(body, model)) is not None:
        return plain
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(
            400, f"The body is not UTF-8: byte {error.start + 1} is {body[error.start]:#04x}."
        ) from None
    rows = DECODERS[media_type](text, model)
    if not rows:
        raise BadRequest(400, f"The body holds no row; send rows of {_cells(len(model.columns))}.")
    return _to_input(rows, model)


def encode(
    prediction: Prediction, accept: str, model: TableModel, probabilities: bool = False
) -> tuple[bytes, str]:
    """The body of an answer and its content type; CSV unless JSON is asked for.

    JSON always holds the probabilities. A line of CSV holds them after the label if they are asked for, in
    the order of the manifest's classes.

    Raises:
        BadRequest: no media type that was asked for can be given, a regression's probabilities are asked
            for, or an answer is not a finite number.
    """
    if not prediction.is_finite:
        _check_finite(prediction)
    if probabilities and prediction.probabilities is None:
        raise BadRequest(400, "This model predicts a number, which has no probabilities; ask without them.")
    media_type = _media_type(accept)
    if probabilities and media_type == "text/csv":
        return _csv_with_probabilities(prediction), media_type
    return ENCODERS[media_type](prediction, model), media_type


def _check_finite(prediction: Prediction) -> None:
    numbers = np.array(prediction.labels) if prediction.probabilities is None else prediction.probabilities
    finite = np.isfinite(numbers)
    if not finite.all():
        row = int(finite.reshape(len(finite), -1).all(axis=1).argmin()) + 1
        raise BadRequest(400, f"Row {row} has no finite answer; its numbers are too large for this model.")


@lru_cache(maxsize=64)  # nearly all requests bear one of a few
def _media_type(accept: str) -> str:
    asked = [part.partition(";")[0].strip().lower() for part in accept.split(",")] if accept else []
    for media_type in asked or ["*/*"]:
        chosen = {"*/*": "text/csv", "text/*": "text/csv", "application/*": "application/json"}.get(
            media_type, media_type
        )
        if chosen in ENCODERS:
            return chosen
    raise BadRequest(406, f"Accept {accept!r} cannot be given; ask for {' or '.join(ENCODERS)}.")


def _read_plain(body: bytes, model: TableModel) -> ModelInput | None:
    """The rows of plain CSV, read by reader.c; None where the body is not plain or the reader not there."""
    if csv_rows is None or model.header_is_plain or (read := csv_rows.read(body, model.is_number)) is None:
        return None
    numbers = np.frombuffer(read[0]).reshape(-1, model.n_numbers)
    columns = {position: read[1][place :: len(model.words)] for place, position in enumerate(model.words)}
    if model.worded:
        try:
            worded = [_read_column(columns[position], position, model) for position in model.worded]
        except BadRequest:
            return None  # it may be a header
        numbers = np.column_stack([numbers, *worded])
    return numbers, [
        ["" if cell in cells.MISSING else cell for cell in columns[position]]
        for position in model.categorical
    ]


def _rows_of_csv(text: str, model: TableModel) -> list[list[Any]]:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    try:
        rows = [row for row in lines if row]
    except csv.Error as error:
        raise BadRequest(400, f"Line {lines.line_num} is not CSV: {error}.") from None
    if rows and _is_header(rows[0], model):
        header = [cell.strip() for cell in rows.pop(0)]
        order = _order(header, model.names, "The header")
        for number, row in enumerate(rows, start=1):
            if len(row) != len(header):
                raise BadRequest(
                    400, f"Row {number} has {len(row)} cells where the header has {len(header)}."
                )
        rows = [[row[position] for position in order] for row in rows]
    return rows


def _rows_of_json(text: str, model: TableModel) -> list[list[Any]]:
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest(400, f"The body is not JSON: {error}.") from None
    if isinstance(content, dict):
        content = content.get("instances", [content])
    if not isinstance(content, list):
        raise BadRequest(400, 'Send a list of rows, or {"instances": [rows]}.')
    if content and not isinstance(content[0], list | dict):
        content = [content]  # one row alone
    rows = []
    for number, row in enumerate(content, start=1):
        if isinstance(row, dict):
            if row.keys() != model.name_set:
                _order(list(row), model.names, f"Row {number}")
            rows.append([row[name] for name in model.names])
        elif isinstance(row, list):
            rows.append(row)
        else:
            raise BadRequest(400, f"Row {number} is neither a list nor an object.")
    return rows


def _to_input(rows: Sequence[Sequence[Any]], model: TableModel) -> ModelInput:
    width = len(model.columns)
    if set(map(len, rows)) != {width}:
        number, row = next((i, row) for i, row in enumerate(rows, start=1) if len(row) != width)
        raise BadRequest(400, f"Row {number} has {_cells(len(row))}; this model takes {width}.")
    numbers = np.empty((len(rows), len(model.numeric)))
    count = len(model.numeric) - len(model.worded)
    every = (
        chain.from_iterable(rows)
        if count == width
        else (row[i] for row in rows for i in model.numeric[:count])
    )
    plain = _plain_numbers(list(every))
    if plain is not None:
        numbers[:, :count] = plain.reshape(len(rows), count)
    for place, position in enumerate(model.numeric):
        if place >= count or plain is None:
            numbers[:, place] = _read_column([row[position] for row in rows], position, model)
    return numbers, [
        _read_column([row[position] for row in rows], position, model) for position in model.categorical
    ]


def _plain_numbers(given: Sequence[Any]) -> np.ndarray | None:
    """All cells (n_cells,) as `cells.number` reads them, or None where one of them needs a closer look."""
    kinds = set(map(type, given))
    if kinds == {str}:
        text = "".join(given)
        if "_" in text or not text.isascii():
            return None
        try:
            numbers = np.array([float(cell or "nan") for cell in given])
        except ValueError:
            return None
    elif kinds <= JSON_NUMBERS:
        numbers = np.array(given, dtype=np.float64)
    else:
        return None
    return None if np.isinf(numbers).any() else numbers


def _read_column(column: Sequence[Any], position: int, model: TableModel) -> Sequence[Any]:
    """The cells of one column, read by its kind.

    Raises:
        BadRequest: a cell that is not of that kind; the sentence names row and column.
    """
    kind = model.columns[position]["kind"]
    if kind == "numeric" and (plain := _plain_numbers(column)) is not None:
        return plain
    values, read = [], _reader(position, model)
    for number, cell in enumerate(column, start=1):
        try:
            values.append(read(cell))
        except ValueError as error:
            raise BadRequest(400, f"Row {number}, column {model.names[position]!r}: {error}") from None
    return values


def _reader(position: int, model: TableModel) -> Callable[[Any], Any]:
    column = model.columns[position]
    if column["kind"] == "date":
        return partial(day_number, form=column["format"])
    return READERS[column["kind"]]


def _is_header(row: Sequence[str], model: TableModel) -> bool:
    """Whether the first line names columns: it holds a column's name, and does not read as a row."""
    if model.name_set.isdisjoint(map(str.strip, row)):
        return False
    if len(row) != len(model.names):
        return True
    try:
        for position in model.numeric:
            _reader(position, model)(row[position])
    except ValueError:
        return True
    return sorted(cell.strip() for cell in row) == sorted(model.names)  # even if all of them are numbers


def _order(header: Sequence[str], names: Sequence[str], where: str) -> list[int]:
    if missing := [name for name in names if name not in header]:
        raise BadRequest(400, f"{where} lacks the columns {_listed(missing)}.")
    if extra := [name for name in header if name not in names]:
        raise BadRequest(400, f"{where} has the columns {_listed(extra)}, which this model does not know.")
    if len(header) != len(names):
        raise BadRequest(400, f"{where} names a column more than once.")
    return [header.index(name) for name in names]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(cells.shown(name) for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _cells(count: int) -> str:
    return f"{count} cell" if count == 1 else f"{count} cells"


def _csv_of(prediction: Prediction, _: TableModel) -> bytes:
    if prediction.probabilities is None:
        return "".join([f"{number!r}\n" for number in prediction.labels]).encode()
    return "".join([f"{_csv_cell(label)}\n" for label in prediction.labels]).encode()


def _csv_with_probabilities(prediction: Prediction) -> bytes:
    lines = [
        f"{_csv_cell(label)},{','.join(map(repr, row))}\n"
        for label, row in zip(prediction.labels, prediction.probabilities.tolist(), strict=True)
    ]
    return "".join(lines).encode()


@lru_cache(maxsize=1024, typed=True)  # labels come again and again
def _csv_cell(label: str | float) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="").writerow([label])
    return out.getvalue()


def _json_of(prediction: Prediction, model: TableModel) -> bytes:
    answer: dict[str, Any] = {"predictions": prediction.labels}
    if prediction.probabilities is not None:
        answer |= {"classes": model.classes, "probabilities": prediction.probabilities}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


READERS: Mapping[str, Callable[[Any], Any]] = {
    "numeric": cells.number,
    "boolean": cells.boolean,
    "categorical": cells.category,
}
DECODERS: Mapping[str, Callable[[str, TableModel], list[list[Any]]]] = {
    "text/csv": _rows_of_csv,
    "application/json": _rows_of_json,
}
ENCODERS: Mapping[str, Callable[[Prediction, TableModel], bytes]] = {
    "text/csv": _csv_of,
    "application/json": _json_of,
}
