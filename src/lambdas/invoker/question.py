"""The caller's request: reads an HTTP request and converts it into a call that the endpoint understands."""

import base64
import codecs
import difflib
import functools
import json
import math
import re
from dataclasses import dataclass
from email.message import Message
from typing import Any

from tabular.serving.rows.errors import BadRequest
from tabular.serving.rows.keys import may_repeat, unique

from lambdas.errors import RequestError

__all__ = ["LIMIT", "Question", "read"]

LIMIT = 6_291_456  # bytes, for both Lambda and InvokeEndpoint
LONGEST_HEADER = 1024  # characters that InvokeEndpoint accepts
JSON = "application/json"
CSV = "text/csv"
GZIP = b"\x1f\x8b"
COMPOSED = {dict, list}  # what json makes of values that are not cells
# An envelope up to the rows, as most programs write it.
BEGINNING = re.compile(
    r"[ \t\r\n]*".join(["", r"\{", '"model"', ":", r'"([^"\\\x00-\x1f]+)"', ",", '"data"', ":", r"(?=\[)"])
)
SIGN = re.compile(r"[ \t\r\n]*[{:,}][ \t\r\n]*")  # between the keys and values of an object
ENVELOPE = '{"model": "<data set>", "data": <CSV text, a list of rows or a list of objects>}'

TOO_LARGE = "A number is beyond the range of a 64-bit float."


def _refuse(constant: str) -> None:
    raise RequestError(400, f"{constant} is not a JSON value; use null for a missing cell.")


# The functions of `json` would make a new one for each request that differs from their defaults.
DECODER = json.JSONDecoder(parse_constant=_refuse)
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True)
class Question:
    """The rows to predict, as the bytes and content type that are sent to the endpoint."""

    model: str
    body: bytes
    content_type: str
    accept: str | None
    custom_attributes: str | None


def read(event: dict[str, Any]) -> Question:
    """Read a Function URL's POST event; a RequestError says what is wrong with it and what is allowed.

    A body for the model that the address names reaches the endpoint as it was sent, because the model's
    server reads more shapes, content types and charsets than this function knows. The one exception is JSON
    with `data`, if it names the model, too, or has CSV text. Rows that may have a key more than once are
    passed on as they are written, because only the server knows whether the table has several columns of
    that name.
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    asked = (event.get("queryStringParameters") or {}).get("model")
    raw = _raw(event)
    if asked and not _has_envelope(raw, headers):
        model, body, content_type = asked, raw, _header(headers, "content-type") or CSV
    elif plain := _plain(text := _json_text(raw, headers), asked):
        (model, body), content_type = plain, JSON
    else:
        model, data, written = _envelope(text, asked)
        if isinstance(data, str):
            body, content_type = _csv(data), CSV
        else:
            body, content_type = _json(_rows(data)), JSON  # which refuses what is not JSON
            body = _instances(data, written) if written else body
    if not model:
        raise RequestError(400, f"No model is named: POST {ENVELOPE}, or any rows to /?model=<data set>.")
    _check_size(body)
    return Question(
        model=model,
        body=body,
        content_type=content_type,
        accept=_header(headers, "accept"),
        custom_attributes=_header(headers, "x-amzn-sagemaker-custom-attributes"),
    )


def _raw(event: dict[str, Any]) -> bytes:
    """Return the body as it was sent; Lambda encodes what is not text as base64."""
    body = event.get("body") or ""
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except UnicodeEncodeError as error:
        raise RequestError(400, "The body is not UTF-8 text; send CSV or JSON in UTF-8.") from error
    except ValueError as error:
        raise RequestError(400, "The body is marked as base64 but is not; send it as text.") from error
    _check_size(raw)
    if not raw.removeprefix(codecs.BOM_UTF8).strip():
        raise RequestError(400, f"The body is empty; send {ENVELOPE}, or rows to /?model=<data set>.")
    return raw


def _has_envelope(raw: bytes, headers: dict[str, str]) -> bool:
    """Return whether a body is JSON with `model` and `data`, or with `data` alone that is CSV text.

    Rows under `data` alone are how Seldon and others send them, which the model's server reads.
    """
    if b'"data"' not in raw or _content(headers.get("content-type", "")) != (JSON, "utf-8"):
        return False
    try:
        document = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False  # the model's server says what is wrong
    if not isinstance(document, dict) or document.keys() not in ({"data"}, {"model", "data"}):
        return False
    return "model" in document or isinstance(document["data"], str)


def _json_text(raw: bytes, headers: dict[str, str]) -> str:
    """Return a body that must be JSON, because the address names no model."""
    media_type, charset = _content(headers.get("content-type", ""))
    if media_type == CSV:
        raise RequestError(400, f"No model is named: POST the CSV body to /?model=<data set>, or {ENVELOPE}.")
    if (media_type, charset) != (JSON, "utf-8"):
        seen = headers.get("content-type", "none")[:80]
        raise RequestError(
            415, f"The Content-Type is {seen}; send {JSON} in UTF-8, or name the model in /?model=<data set>."
        )
    try:
        return raw.removeprefix(codecs.BOM_UTF8).decode()  # in less time than by "utf-8-sig"
    except UnicodeError as error:
        if raw.startswith(GZIP):
            raise RequestError(415, "The body is compressed with gzip; send it as it was before.") from error
        raise RequestError(400, "The body is not UTF-8 text; send CSV or JSON in UTF-8.") from error


def _check_size(body: bytes) -> None:
    if len(body) > LIMIT:
        raise RequestError(
            413, f"The rows have {len(body):,} bytes and {LIMIT:,} are allowed; send them in parts."
        )


@functools.lru_cache(64)
def _content(content_type: str) -> tuple[str, str]:
    """Return the media type and the charset of a body; callers use few of them."""
    message = Message()
    message["content-type"] = content_type
    charset = message.get_content_charset("utf-8")
    return message.get_content_type(), "utf-8" if charset == "us-ascii" else charset


def _header(headers: dict[str, str], name: str) -> str | None:
    value = headers.get(name)
    if value and (len(value) > LONGEST_HEADER or not value.isascii() or not value.isprintable()):
        raise RequestError(
            400, f"The header {name} may contain at most {LONGEST_HEADER} characters, all printable ASCII."
        )
    return value or None


def _plain(text: str, asked: str | None) -> tuple[str, bytes] | None:
    """Return the model and the call of an envelope whose rows are numbers, which are passed on as they are.

    To write them again would take twice as long as to read them. None means that the envelope is another,
    or that something is wrong with it.
    """
    start = BEGINNING.match(text)
    if start is None or not start[1].strip() or asked not in (None, "", start[1]):
        return None
    if '"' in text[start.end() :]:
        return None
    try:
        rows, end = DECODER.raw_decode(text, start.end())
    except (ValueError, RecursionError, RequestError):
        return None
    if text[end:].strip(" \t\r\n") != "}":
        return None
    _check_rows(rows)
    if any(math.inf in row or -math.inf in row for row in rows):
        return None
    return start[1], f'{{"instances":{"".join(text[start.end() : end].split())}}}'.encode()


def _envelope(text: str, asked: str | None) -> tuple[str | None, Any, str | None]:
    """Return the model and the data of a JSON body; `asked` is the model named in the address.

    The data is also returned as it is written if an object may have a key more than once.
    """
    document = _loads(text)
    if not isinstance(document, dict):
        raise RequestError(400, f"The body is {_kind(document)}; send {ENVELOPE}.")
    _check_keys(document)
    model = document.get("model", asked)
    if "model" in document and not (isinstance(model, str) and model.strip()):
        raise RequestError(400, f"'model' is {_kind(model)}; it must be the name of a data set or a group.")
    if asked and model != asked:
        raise RequestError(400, "The address and the body name two different models; name one.")
    if "data" not in document:
        raise RequestError(400, f"The body has no 'data'; send {ENVELOPE}.")
    return model, document["data"], _written_data(text) if may_repeat(text, document) else None


def _written_data(text: str) -> str:
    """Return the text of an envelope's data, after the check that no key is there with different values."""
    pairs, written = [], ""
    place = SIGN.match(text).end()
    while place < len(text):
        key, place = DECODER.raw_decode(text, place)
        start = SIGN.match(text, place).end()
        value, end = DECODER.raw_decode(text, start)
        pairs.append((key, value))
        if key == "data":
            written = text[start:end]
        place = SIGN.match(text, end).end()
    try:
        unique(list)(pairs)
    except BadRequest as error:
        raise RequestError(error.status, str(error)) from error
    return written


def _loads(text: str) -> object:
    try:
        return DECODER.decode(text)
    except RecursionError as error:
        raise RequestError(400, "The body is nested too deeply; rows must contain plain values.") from error
    except json.JSONDecodeError as error:
        raise RequestError(400, f"The body cannot be read as JSON: {error}.") from error
    except ValueError as error:  # thousands of digits, of which Python says how it could be told to read them
        raise RequestError(400, TOO_LARGE) from error


def _csv(text: str) -> bytes:
    if not text.strip():
        raise RequestError(400, "The CSV text is empty; send one line for each row.")
    try:
        return text.encode()
    except UnicodeError as error:
        raise RequestError(
            400, "The CSV text contains half a surrogate pair, which is not a character."
        ) from error


def _rows(data: object) -> list[Any]:
    """Return rows or objects, whether bare or already wrapped in `instances`."""
    if isinstance(data, dict):
        if data.keys() != {"instances"}:
            raise RequestError(
                400, """'data' is an object; send {"instances": [...]}, or one row as [{...}]."""
            )
        data = data["instances"]
    _check_rows(data)
    return data


def _instances(data: object, written: str) -> bytes:
    """Return the call with rows as they are written; their object has `instances` itself."""
    return (written if isinstance(data, dict) else f'{{"instances":{written}}}').encode()


def _json(rows: list[Any]) -> bytes:
    try:
        return ENCODER.encode({"instances": rows}).encode()
    except UnicodeError as error:
        raise RequestError(400, "A cell contains half a surrogate pair, which is not a character.") from error
    except ValueError as error:
        raise RequestError(400, TOO_LARGE) from error


def _check_rows(rows: object) -> None:
    """Refuse anything but a list of objects or of rows of equal length; the model checks their columns."""
    if not isinstance(rows, list):
        raise RequestError(
            400, f"'data' is {_kind(rows)}; send CSV text, a list of rows or a list of objects."
        )
    if not rows:
        raise RequestError(400, "'data' has no rows; send at least one.")
    first = rows[0]
    if not isinstance(first, list | dict):
        raise RequestError(400, f"Row 1 is {_kind(first)}; each row must be a list of cells or an object.")
    for number, row in enumerate(rows, start=1):
        if type(row) is not type(first):
            raise RequestError(
                400, f"Row {number} is {_kind(row)} and row 1 is {_kind(first)}; use the same kind for all."
            )
        if not row:
            raise RequestError(400, f"Row {number} is empty; each row must have the model's columns.")
        if isinstance(row, list) and len(row) != len(first):
            raise RequestError(
                400, f"Row {number} has {len(row)} cells and row 1 has {len(first)}; use the same number."
            )
        cells = row.values() if isinstance(row, dict) else row
        if not COMPOSED.isdisjoint(map(type, cells)):
            composed = next(cell for cell in cells if type(cell) in COMPOSED)
            raise RequestError(
                400, f"Row {number} has a cell that is {_kind(composed)}; cells must be plain values."
            )


def _check_keys(document: dict[str, Any]) -> None:
    unknown = [key for key in document if key not in ("model", "data")]
    if unknown:
        nearest = difflib.get_close_matches(unknown[0], ["model", "data"], n=1)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        name = repr(unknown[0][:80])
        raise RequestError(400, f"The body has a key {name}; 'model' and 'data' are allowed.{hint}")


def _kind(value: object) -> str:
    kinds = {bool: "true or false", str: "a string", list: "a list", dict: "an object", type(None): "null"}
    return kinds.get(type(value), "a number")
