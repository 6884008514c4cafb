"""Request bodies to model input, and predictions to response bodies."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from tabular import cells
from tabular.portable import PortableModel, Prediction

__all__ = ["DECODERS", "ENCODERS", "BadRequest", "decode", "encode"]

ModelInput = tuple[np.ndarray, list[list[str]]]


class BadRequest(ValueError):
    """A request that cannot be answered, with the HTTP status and one sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def decode(body: bytes, content_type: str, model: PortableModel) -> ModelInput:
    """The rows of a request as `PortableModel.predict` takes them.

    Raises:
        BadRequest: an unknown content type, or a body that is not rows of this model's table.
    """
    media_type = content_type.partition(";")[0].strip().lower() or "text/csv"
    if media_type not in DECODERS:
        raise BadRequest(415, f"Content type {media_type!r} is not read; send {' or '.join(DECODERS)}.")
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


def encode(prediction: Prediction, accept: str, model: PortableModel) -> tuple[bytes, str]:
    """The body of an answer and its content type; CSV unless JSON is asked for.

    Raises:
        BadRequest: no media type that was asked for can be given, or an answer is not a finite number.
    """
    numbers = prediction.probabilities
    finite = np.isfinite(np.array([prediction.labels]).T if numbers is None else numbers).all(axis=1)
    if not finite.all():
        row = int(finite.argmin()) + 1
        raise BadRequest(400, f"Row {row} has no finite answer; its numbers are too large for this model.")
    asked = [part.partition(";")[0].strip().lower() for part in accept.split(",")] if accept else []
    for media_type in asked or ["*/*"]:
        chosen = {"*/*": "text/csv", "text/*": "text/csv", "application/*": "application/json"}.get(
            media_type, media_type
        )
        if chosen in ENCODERS:
            return ENCODERS[chosen](prediction, model), chosen
    raise BadRequest(406, f"Accept {accept!r} cannot be given; ask for {' or '.join(ENCODERS)}.")


def _rows_of_csv(text: str, model: PortableModel) -> list[list[Any]]:
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


def _rows_of_json(text: str, model: PortableModel) -> list[list[Any]]:
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
            header = list(row)
            values = list(row.values())
            rows.append([values[position] for position in _order(header, model.names, f"Row {number}")])
        elif isinstance(row, list):
            rows.append(row)
        else:
            raise BadRequest(400, f"Row {number} is neither a list nor an object.")
    return rows


def _to_input(rows: Sequence[Sequence[Any]], model: PortableModel) -> ModelInput:
    width = len(model.columns)
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise BadRequest(400, f"Row {number} has {_cells(len(row))}; this model takes {width}.")
    numbers = np.empty((len(rows), len(model.numeric)))
    for place, position in enumerate(model.numeric):
        read = READERS[model.columns[position]["kind"]]
        numbers[:, place] = _read_column(rows, position, model.names[position], read)
    categories = [
        _read_column(rows, position, model.names[position], cells.category) for position in model.categorical
    ]
    return numbers, categories


def _read_column(
    rows: Sequence[Sequence[Any]], position: int, name: str, read: Callable[[Any], Any]
) -> list[Any]:
    values = []
    for number, row in enumerate(rows, start=1):
        try:
            values.append(read(row[position]))
        except ValueError as error:
            raise BadRequest(400, f"Row {number}, column {name!r}: {error}") from None
    return values


def _is_header(row: Sequence[str], model: PortableModel) -> bool:
    """Whether the first line names columns: it holds a column's name, and does not read as a row."""
    if not set(model.names) & {cell.strip() for cell in row}:
        return False
    if len(row) != len(model.names):
        return True
    try:
        for position in model.numeric:
            READERS[model.columns[position]["kind"]](row[position])
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


def _csv_of(prediction: Prediction, _: PortableModel) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([label] for label in prediction.labels)
    return out.getvalue().encode()


def _json_of(prediction: Prediction, model: PortableModel) -> bytes:
    answer: dict[str, Any] = {"predictions": prediction.labels}
    if prediction.probabilities is not None:
        answer |= {"classes": model.classes, "probabilities": prediction.probabilities}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


READERS: Mapping[str, Callable[[Any], float]] = {"numeric": cells.number, "boolean": cells.boolean}
DECODERS: Mapping[str, Callable[[str, PortableModel], list[list[Any]]]] = {
    "text/csv": _rows_of_csv,
    "application/json": _rows_of_json,
}
ENCODERS: Mapping[str, Callable[[Prediction, PortableModel], bytes]] = {
    "text/csv": _csv_of,
    "application/json": _json_of,
}
