"""How answers and errors look on the wire."""

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local_aws.core.errors import AwsError, invalid

__all__ = ["Reply", "StartResponse", "in_period", "json_reply", "page", "send", "shaped", "to_reply"]

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
_JSON = "application/x-amz-json-1.1"
# What a filter is called, and what it filters by.
_PERIODS = {
    "Created": "CreationTime",
    "CreationTime": "CreationTime",
    "LastModifiedTime": "LastModifiedTime",
}


class Reply:
    """An HTTP answer: status, headers, body."""

    def __init__(
        self, body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.body, self.status = body, status
        self.headers = {"x-amzn-RequestId": str(uuid.uuid4()), **(headers or {})}


def send(reply: Reply, start_response: StartResponse) -> Iterable[bytes]:
    """Give a reply to a WSGI server."""
    headers = [*reply.headers.items(), ("Content-Length", str(len(reply.body)))]
    start_response(f"{reply.status} -", headers)
    return [reply.body]


def json_reply(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return a JSON answer."""
    return Reply(json.dumps(document).encode(), status, {"Content-Type": _JSON, **(headers or {})})


def to_reply(error: AwsError, *, xml: bool = False) -> Reply:
    """Return an error in the protocol of the service that was called."""
    if xml:
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(error.message)}</Message></Error>"
            f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></ErrorResponse>"
        )
        return Reply(body.encode(), error.status, {"Content-Type": "text/xml"})
    body = {"__type": error.code, "message": error.message, "Message": error.message, **error.details}
    return json_reply(body, error.status, {"x-amzn-ErrorType": error.code})


def shaped(value: Any, shape: Shape | None) -> Any:
    """Return only what the output shape has, so that no internal field of a document reaches a client."""
    if shape is None:
        return {}
    if isinstance(shape, StructureShape):
        return {
            name: shaped(value[name], member)
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if isinstance(shape, ListShape):
        return [shaped(item, shape.member) for item in value]
    if isinstance(shape, MapShape):
        return {key: shaped(item, shape.value) for key, item in value.items()}
    return value


def in_period(document: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Return whether a record was made and changed when a List operation asks for it."""
    return all(
        request.get(f"{prefix}After", 0) <= document[field] <= request.get(f"{prefix}Before", float("inf"))
        for prefix, field in _PERIODS.items()
        if field in document
    )


def page(
    items: Sequence[Any], request: Mapping[str, Any], default: int = 100
) -> tuple[list[Any], dict[str, str]]:
    """Cut one page out of a listing, by the request's MaxResults and NextToken.

    Returns:
        The items of the page, and `{"NextToken": ...}` or nothing.
    """
    start = 0
    if token := request.get("NextToken"):
        try:
            start = int(base64.urlsafe_b64decode(token.encode()))
        except (binascii.Error, ValueError):
            raise invalid(f"Invalid NextToken {token!r}.") from None
    end = start + request.get("MaxResults", default)
    following = (
        {"NextToken": base64.urlsafe_b64encode(str(end).encode()).decode()} if end < len(items) else {}
    )
    return list(items[start:end]), following
