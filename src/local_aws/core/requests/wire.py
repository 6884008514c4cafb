"""Requests and answers, and the format of answers and errors on the wire."""

import json
import random
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from local_aws.core.errors import AwsError

__all__ = ["REQUEST_ID", "Reply", "Request", "json_reply", "new_request_id", "to_reply"]

REQUEST_ID = "x-amzn-RequestId"
_JSON = "application/x-amz-json-1.1"
_CREDENTIAL = re.compile(r"Credential=[^/]+/\d{8}/[^/]*/([^/]+)/aws4_request")
_UNSIGNED = ("/_local/", "/function-url/")


class Request:
    """An HTTP request.

    Attributes:
        method: The HTTP method, such as GET.
        target: The path and the query, as the client sent them.
        fields: The names and values of the headers, as the client sent them.
        headers: The headers by name in lower case; values of the same name are joined by commas.
        body: The complete body.
        client: The client's address and port.
        path: The decoded path, without the query; each character is a byte, as in Latin-1.
        raw_path: The path as the client sent it, without the query.
        query: The part of the URL after the question mark.
        operation: AWS's name for it, such as `s3:GetObject`, once the gateway has identified it.
        judged: The actions that IAM judges, once the gateway has found them.
    """

    def __init__(
        self,
        method: str,
        target: str,
        fields: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        client: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.method, self.target, self.fields, self.body, self.client = method, target, fields, body, client
        self.headers: dict[str, str] = {}
        for name, value in fields:
            name = name.lower()
            self.headers[name] = f"{self.headers[name]},{value}" if name in self.headers else value
        self.raw_path, _, self.query = target.partition("?")
        self.path = unquote(self.raw_path, "latin-1")
        self.operation: str | None = None
        self.judged: list[Any] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def header(self, name: str) -> str:
        """Return a header's value, or an empty string."""
        return self.headers.get(name.lower(), "")

    @cached_property
    def service(self) -> str | None:
        """The service that the request was signed for; without a signature, S3 (as in moto) or None."""
        for place in (self.header("Authorization"), unquote(self.query)):
            if match := _CREDENTIAL.search(place):
                return match[1]
        if target := self.header("X-Amz-Target"):
            return "sagemaker" if target.startswith("SageMaker.") else None
        return None if self.path == "/" or self.path.startswith(_UNSIGNED) else "s3"


class Reply:
    """An HTTP answer: status, headers, body."""

    def __init__(
        self, body: bytes = b"", status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.body, self.status = body, status
        self.headers = dict(headers or {})
        if REQUEST_ID not in self.headers:
            self.headers[REQUEST_ID] = new_request_id()

    @classmethod
    def verbatim(cls, body: bytes, status: int, headers: Iterable[tuple[str, str]]) -> "Reply":
        """Return another server's answer unchanged."""
        reply = cls.__new__(cls)
        reply.body, reply.status, reply.headers = body, status, dict(headers)
        return reply


def new_request_id() -> str:
    """Return a new identifier of a request.

    It is no secret, so it need not come from the system: asking that lets go of the interpreter's lock.
    """
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


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
