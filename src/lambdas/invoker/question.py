"""The caller's request: reads an HTTP request and converts it into a call that the endpoint understands."""

import base64
import difflib
import json
from dataclasses import dataclass
from email.message import Message
from typing import Any

from lambdas.errors import RequestError

__all__ = ["LIMIT", "Question", "read"]

LIMIT = 6_291_456  # bytes, for both Lambda and InvokeEndpoint
LONGEST_HEADER = 1024  # characters that InvokeEndpoint accepts
JSON = "application/json"
CSV = "text/csv"
ENVELOPE = '{"model": "<data set>", "data": <CSV text, a list of rows or a list of objects>}'


@dataclass(frozen=True)
class Question:
    """The rows to predict, as the bytes and content type that are sent to the endpoint.

    `rows` is the number of rows; for CSV, it is the number of lines, including a header.
    """

    model: str
    rows: int
    body: bytes
    content_type: str
    accept: str | None
    custom_attributes: str | None


def read(event: dict[str, Any]) -> Question:
    """Read a Function URL's POST event; a RequestError says what is wrong with it and what is allowed."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    asked = (event.get("queryStringParameters") or {}).get("model")
    text = _text(event)
    if _media_type(headers) == JSON:
        model, data = _envelope(text, asked)
    else:
        model, data = asked, text
    if isinstance(data, str):
        body, content_type, rows = _csv(data), CSV, sum(1 for line in data.splitlines() if line.strip())
    else:
        cells = _rows(data)
        body, content_type, rows = _json(cells), JSON, len(cells)
    if not model:
        raise RequestError(400, f"No model is named: POST {ENVELOPE}, or a CSV body to /?model=<data set>.")
    _check_size(body)
    return Question(
        model=model,
        rows=rows,
        body=body,
        content_type=content_type,
        accept=_header(headers, "accept"),
        custom_attributes=_header(headers, "x-amzn-sagemaker-custom-attributes"),
    )


def _text(event: dict[str, Any]) -> str:
    body = event.get("body") or ""
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        _check_size(raw)
        text = raw.decode("utf-8-sig")
    except UnicodeError as error:
        raise RequestError(400, "The body is not UTF-8 text; send CSV or JSON in UTF-8.") from error
    except ValueError as error:
        raise RequestError(400, "The body is marked as base64 but is not; send it as text.") from error
    if not text.strip():
        raise RequestError(400, f"The body is empty; send {ENVELOPE}, or CSV.")
    return text


def _check_size(body: bytes) -> None:
    if len(body) > LIMIT:
        raise RequestError(
            413, f"The rows have {len(body):,} bytes and {LIMIT:,} are allowed; send them in parts."
        )


def _media_type(headers: dict[str, str]) -> str:
    message = Message()
    message["content-type"] = headers.get("content-type", "")
    media_type, charset = message.get_content_type(), message.get_content_charset("utf-8")
    if media_type not in (JSON, CSV) or charset not in ("utf-8", "us-ascii"):
        seen = headers.get("content-type", "none")[:80]
        raise RequestError(415, f"The Content-Type is {seen}; {JSON} and {CSV} in UTF-8 are supported.")
    return media_type


def _header(headers: dict[str, str], name: str) -> str | None:
    value = headers.get(name)
    if value and (len(value) > LONGEST_HEADER or not value.isascii() or not value.isprintable()):
        raise RequestError(
            400, f"The header {name} may contain at most {LONGEST_HEADER} characters, all printable ASCII."
        )
    return value or None


def _envelope(text: str, asked: str | None) -> tuple[str | None, Any]:
    """Return the model and the data of a JSON body; `asked` is the model named in the address."""
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
    return model, document["data"]


def _loads(text: str) -> object:
    def refuse(constant: str) -> None:
        raise RequestError(400, f"{constant} is not a JSON value; use null for a missing cell.")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise RequestError(400, "The body is nested too deeply; rows must contain plain values.") from error
    except ValueError as error:
        raise RequestError(400, f"The body cannot be read as JSON: {error}.") from error


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


def _json(rows: list[Any]) -> bytes:
    try:
        document = json.dumps({"instances": rows}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return document.encode()
    except UnicodeError as error:
        raise RequestError(400, "A cell contains half a surrogate pair, which is not a character.") from error
    except ValueError as error:
        raise RequestError(400, "A number is beyond the range of a 64-bit float.") from error


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
        for cell in row.values() if isinstance(row, dict) else row:
            if isinstance(cell, list | dict):
                raise RequestError(
                    400, f"Row {number} has a cell that is {_kind(cell)}; cells must be plain values."
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
