"""Request bodies to model input, and predictions to response bodies.

Plain CSV is read by csv_rows.c, and plain numbers are read all at once. `rows` reads other shapes, and
`cells` reads one cell at a time, which also gives the error messages.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

import numpy as np
import orjson

from tabular.data.values import cells
from tabular.portable.table_model import Prediction, Table
from tabular.serving.rows import from_csv, from_json, media_types
from tabular.serving.rows.errors import BadRequest
from tabular.serving.rows.lines import may_fit_others
from tabular.serving.rows.media_types import CSV, JSON, JSON_LINES, MARK
from tabular.serving.rows.readers import as_programs_write, reader
from tabular.spec.errors import amount

try:
    from tabular.portable.native import csv_rows
except ImportError:  # installed without a compiler
    csv_rows = None

__all__ = ["DECODERS", "ENCODERS", "BadRequest", "decode", "encode"]

LISTS = b"[", b"(", b"{"  # of Python, JSON, or a level
GZIP = b"\x1f\x8b"
BINARY = re.compile(rb"[\x01-\x08\x0e-\x19\x1c-\x1f]")
# Of one column: an empty line, or a first line in which another delimiter may separate cells.
ODD_LINE = re.compile(rb"^ *\r?\n|^ +\Z|\A[^\r\n]*[;\t|]", re.MULTILINE)
CELLS_AT_A_TIME = 1 << 14  # their texts take many times the memory of the numbers that they become
LINES_AT_A_TIME = 10_000
LONG_LINE = 1 << 16  # a line that is longer is looked at up to here
ModelInput = tuple[np.ndarray, list[list[str]]]
NO_TEXT = (
    "The body is not text but binary, as a compressed one or a file of Excel or Parquet is; send its rows as "
    "CSV or JSON."
)
GAP = " If it is missing, send an empty cell, or null in JSON."
JSON_NUMBERS = frozenset([int, float, type(None)])


def decode(body: bytes, content_type: str, model: Table) -> ModelInput:
    """The rows of a request in the form that a model predicts from.

    Raises:
        BadRequest: if the content type is unknown, or the body does not contain rows of this model's table.
    """
    media_type, charset, headless = _content(content_type)
    if media_type == CSV and charset == "utf-8":
        body = body.removeprefix(codecs.BOM_UTF8)
        if (plain := _read_plain(body, model, headless)) is not None:
            return plain
    text = _text(body, media_type, charset).removeprefix(MARK)
    rows = from_csv.read(text, model, headless) if headless else DECODERS[media_type](text, model)
    if rows and isinstance(rows, list) and len(rows) * len(model.columns) <= CELLS_AT_A_TIME:
        return _to_input(rows, model)
    return _in_blocks(iter(rows), model)


def _text(body: bytes, media_type: str, charset: str) -> str:
    charset = media_types.charset_of(body, charset)
    try:
        text = body.decode(charset)
    except UnicodeDecodeError as error:
        if body.startswith(GZIP):
            raise BadRequest(415, "The body is compressed with gzip; send it as it was before.") from None
        if _is_binary(body):
            raise BadRequest(415, NO_TEXT) from None
        if 4 * body.count(0) >= len(body):
            raise _in_utf_16(media_type, body.startswith(b"\0")) from None
        # In iso-8859-1, no byte is refused, and the euro sign of Windows is one that nobody sees.
        raise BadRequest(
            400,
            f"The body is not {charset.upper()}: byte {error.start + 1} is {body[error.start]:#04x}. Name "
            f"its charset in the content type, for example {media_type}; charset=windows-1252.",
        ) from None
    if "\0" in text:  # which no table has
        if _is_binary(body):
            raise BadRequest(415, NO_TEXT)
        raise _in_utf_16(media_type, text.startswith("\0"))
    return text


def _in_utf_16(media_type: str, is_big: bool) -> BadRequest:
    likely = "utf-16be" if is_big else "utf-16le"
    said = f"The body has zero bytes, as UTF-16 has; name its charset: {media_type}; charset={likely}."
    return BadRequest(400, said)


def _is_binary(body: bytes) -> bool:
    """Whether a body has bytes that no text has, and too few zeros for UTF-16, which has such bytes."""
    return BINARY.search(body) is not None and 4 * body.count(0) < len(body)


def encode(
    prediction: Prediction, accept: str, model: Table, probabilities: bool = False
) -> tuple[bytes, str]:
    """The body of a response and its content type; CSV unless JSON is requested.

    JSON always contains the probabilities. A line of CSV contains them after the label if they are requested,
    in the order of the manifest's classes.

    Raises:
        BadRequest: if none of the requested media types is available, probabilities are requested from a
            regression model, or a prediction is not a finite number.
    """
    if not prediction.is_finite:
        _check_finite(prediction)
    if probabilities and prediction.probabilities is None:
        raise BadRequest(
            400, "This model predicts a number, which has no probabilities; send the request without them."
        )
    media_type = _media_type(accept)
    if probabilities and media_type == CSV:
        return _csv_with_probabilities(prediction), media_type
    return ENCODERS[media_type](prediction, model), media_type


def _check_finite(prediction: Prediction) -> None:
    numbers = np.array(prediction.labels) if prediction.probabilities is None else prediction.probabilities
    finite = np.isfinite(numbers)
    if not finite.all():
        row = int(finite.reshape(len(finite), -1).all(axis=1).argmin()) + 1
        raise BadRequest(
            400, f"Row {row} has no finite prediction, because its numbers are too large; send smaller ones."
        )


@lru_cache(maxsize=64)  # nearly all requests have one of a few content types
def _content(content_type: str) -> tuple[str, str, bool]:
    """The media type and charset of a body, by default `text/csv` in `utf-8`, and whether CSV has no header.

    Raises:
        BadRequest: if the media type or the charset is not supported.
    """
    media_type, named = media_types.named(content_type)
    if media_type not in DECODERS:
        raise BadRequest(415, f"Content type {media_type!r} is not supported; send {_one_of(DECODERS)}.")
    headless = media_type == CSV and media_types.is_headless(content_type)
    if named == "utf-8":
        return media_type, "utf-8", headless
    from tabular.spec.options import encoding_of  # which takes longer than all of this module

    charset = encoding_of(named)
    if charset is None:
        raise BadRequest(415, f"The charset {cells.shown(named)} is not supported; send UTF-8.")
    return media_type, "utf-8" if charset == "ascii" else charset, headless


@lru_cache(maxsize=64)
def _media_type(accept: str) -> str:
    """The media type of the response: the available one with the highest `q`, or the one named first.

    The `q` of a media type is that of the most specific range that contains it (RFC 9110, section 12.5.1).
    """
    wanted: dict[str, tuple[float, int]] = {}
    for place, part in enumerate(accept.split(",") if accept.strip() else ["*/*"]):
        media_range, *parameters = (text.strip().lower() for text in part.split(";"))
        wanted.setdefault(media_range, (_quality(parameters), -place))
    found = {}
    for media_type in ENCODERS:
        ranges = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
        quality = next((wanted[one] for one in ranges if one in wanted), (0.0, 0))
        if quality[0] > 0:
            found[media_type] = quality
    if not found:
        raise BadRequest(406, f"Accept {accept!r} is not available; request {_one_of(ENCODERS)}.")
    return max(found, key=found.__getitem__)


def _quality(parameters: Sequence[str]) -> float:
    """The weight `q` of a media type, by default 1 (RFC 9110, section 12.4.2)."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _read_plain(body: bytes, model: Table, headless: bool) -> ModelInput | None:
    """The rows of plain CSV, read by csv_rows.c; None if the body is not plain or C is not compiled."""
    if b'"' in body and b'="' in body:  # one sign is found far sooner than two, and most bodies have none
        return None
    if body.startswith(LISTS) or (len(model.names) == 1 and ODD_LINE.search(body)):
        return None
    if csv_rows is None or model.header_is_plain or (read := csv_rows.read(body, model.is_number)) is None:
        return None
    firsts = () if headless else read[1][: len(model.words)]
    if not model.folded_names.isdisjoint(map(str.casefold, firsts)):
        return None  # it may be a header
    numbers = np.frombuffer(read[0]).reshape(-1, model.n_numbers)
    columns = {position: read[1][place :: len(model.words)] for place, position in enumerate(model.words)}
    if model.worded or model.styled:
        try:
            numbers = _with_words(numbers, columns, model)
        except BadRequest:
            return None  # it may be a header; otherwise Python gives the error message
    levels = [columns[i] for i in model.categorical]
    for place, position in enumerate(model.categorical):
        found, known = levels[place], model.levels_of(position)
        if not known.issuperset(found):  # some are new, or written otherwise than in the table
            first = body[:LONG_LINE].lstrip().partition(b"\n")[0]
            new = {*found} - known
            if may_fit_others(first.decode(errors="ignore"), model) or _may_name(new, model):
                return None
            read = reader(position, model)
            meant = {level: read(level) for level in new}
            levels[place] = [meant.get(level, level) for level in found]
    return numbers, levels


def _may_name(levels: Iterable[str], model: Table) -> bool:
    """Whether a level in a table of levels alone may be a name of a header among the rows."""
    return not model.numeric and not model.folded_names.isdisjoint(map(model.fold, levels))


def _with_words(numbers: np.ndarray, columns: Mapping[int, list[str]], model: Table) -> np.ndarray:
    """Plain numbers (n_rows, n_numbers) and the numbers read from words, in the model's order."""
    if not model.styled:  # then the plain ones come first
        return np.column_stack([numbers, *(_read_column(columns[i], i, model) for i in model.worded)])
    read = {i: _read_column(columns[i], i, model) for i in (*model.styled, *model.worded)}
    plain = iter(numbers.T)
    return np.column_stack([read[i] if i in read else next(plain) for i in model.numeric])


def _in_blocks(rows: Iterator[Sequence[Any]], model: Table) -> ModelInput:
    """All rows, of which a few at a time are in memory as cells."""
    blocks, start = [], 1
    while block := list(islice(rows, max(1, CELLS_AT_A_TIME // len(model.columns)))):
        blocks.append(_to_input(block, model, start))
        start += len(block)
    if not blocks:
        raise BadRequest(
            400, f"The body contains no rows; send rows of {amount(len(model.columns), 'cell')}."
        )
    numbers, levels = zip(*blocks, strict=True)
    return np.concatenate(numbers), [list(chain.from_iterable(parts)) for parts in zip(*levels, strict=True)]


def _to_input(rows: Sequence[Sequence[Any]], model: Table, start: int = 1) -> ModelInput:
    """Some rows, of which the first has the number `start` in the body."""
    width = len(model.columns)
    if set(map(len, rows)) != {width}:
        number, row = next((i, row) for i, row in enumerate(rows, start) if len(row) != width)
        raise BadRequest(400, f"Row {number} has {amount(len(row), 'cell')}; this model needs {width}.")
    numbers = np.empty((len(rows), len(model.numeric)))
    count = 0 if model.styled else len(model.numeric) - len(model.worded)
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
            numbers[:, place] = _read_column([row[position] for row in rows], position, model, start)
    return numbers, [
        _read_column([row[position] for row in rows], position, model, start)
        for position in model.categorical
    ]


def _plain_numbers(given: Sequence[Any]) -> np.ndarray | None:
    """All cells (n_cells,) as `cells.number` reads them; None if one of them is not a plain number."""
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


def _read_column(column: Sequence[Any], position: int, model: Table, start: int = 1) -> Sequence[Any]:
    """The cells of one column from the row `start` on, read according to its kind.

    Raises:
        BadRequest: if a cell does not fit the kind; the message names row and column.
    """
    kind = model.columns[position]["kind"]
    if kind == "numeric" and position not in model.styled and (plain := _plain_numbers(column)) is not None:
        return plain
    values, read = [], reader(position, model)
    for number, cell in enumerate(column, start):
        try:
            values.append(read(cell))
        except ValueError as error:
            try:
                values.append(as_programs_write(cell, read))
            except ValueError:
                where = f"Row {number}, column {model.names[position]!r}"
                advice = GAP if type(cell) is str and cell.strip().casefold() in cells.MARKS else ""
                raise BadRequest(400, f"{where}: {error}{advice}") from None
    return values


def _one_of(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}"


def _csv_of(prediction: Prediction, model: Table) -> bytes:
    if len(prediction.labels) > LINES_AT_A_TIME:  # a list of millions of lines takes much memory
        blocks = range(0, len(prediction.labels), LINES_AT_A_TIME)
        some = (prediction.labels[start : start + LINES_AT_A_TIME] for start in blocks)
        return b"".join(_csv_of(prediction._replace(labels=labels), model) for labels in some)
    if prediction.probabilities is None:
        return "".join([f"{number!r}\n" for number in prediction.labels]).encode()
    return "".join([f"{_csv_cell(label)}\n" for label in prediction.labels]).encode()


def _csv_with_probabilities(prediction: Prediction) -> bytes:
    lines = [
        f"{_csv_cell(label)},{','.join(map(repr, row))}\n"
        for label, row in zip(prediction.labels, prediction.probabilities.tolist(), strict=True)
    ]
    return "".join(lines).encode()


@lru_cache(maxsize=1024, typed=True)  # the same labels occur again and again
def _csv_cell(label: str | float) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="").writerow([label])
    return out.getvalue()


def _json_of(prediction: Prediction, model: Table) -> bytes:
    answer: dict[str, Any] = {"predictions": prediction.labels}
    if prediction.probabilities is not None:
        answer |= {"classes": model.classes, "probabilities": prediction.probabilities}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


DECODERS: Mapping[str, Callable[[str, Table], Iterable[list[Any]]]] = {
    CSV: from_csv.read,
    JSON: from_json.read,
    JSON_LINES: from_json.read_lines,
}
ENCODERS: Mapping[str, Callable[[Prediction, Table], bytes]] = {
    CSV: _csv_of,
    JSON: _json_of,
}
