"""Requests and answers, and the format of answers and errors on the wire."""

import functools
import json
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from local_aws.core.errors import AwsError

__all__ = ["REQUEST_ID", "Reply", "Request", "json_reply", "new_request_id", "to_reply"]

REQUEST_ID = "x-amzn-RequestId"
_JSON = "application/x-amz-json-1.1"
_CREDENTIAL = re.compile(r"Credential=[^/]+/\d{8}/[^/]*/([^/]+)/aws4_request")
_UNSIGNED = ("/_local/", "/function-url/")
# Of a UUID's 128 bits, those that say nothing, and those that say that the others are random:
# https://www.rfc-editor.org/rfc/rfc9562#section-5.4
_VARIABLE_BITS = (1 << 128) - 1 - (0xF << 76) - (0x3 << 62)
_VERSION_BITS = 0x4 << 76 | 0x2 << 62


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
        credential: What the Authorization header says before the signature, which is the same in most
            requests of a client.
        service: The service that the request was signed for; without a signature, S3 (as in moto) or None.
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
        self.credential = self.headers.get("authorization", "").partition("Signature=")[0]
        self.service = self._service()
        self.operation: str | None = None
        self.judged: Sequence[Any] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def header(self, name: str) -> str:
        """Return a header's value, or an empty string."""
        return self.headers.get(name.lower(), "")

    def document(self) -> Any:
        """The body's JSON; an empty body is an empty object.

        Raises:
            AwsError: It is not JSON.
        """
        try:
            return json.loads(self.body or b"{}")
        except ValueError as error:
            raise AwsError("SerializationException", f"The request is not JSON: {error}") from None

    def _service(self) -> str | None:
        if self.credential and (service := _signed_for(self.credential)):
            return service
        for place in (self.headers.get("authorization"), unquote(self.query)):
            if place and (match := _CREDENTIAL.search(place)):
                return match[1]
        if target := self.headers.get("x-amz-target"):
            return "sagemaker" if target.startswith("SageMaker.") else None
        return None if self.path == "/" or self.path.startswith(_UNSIGNED) else "s3"


@functools.lru_cache(256)
def _signed_for(credential: str) -> str | None:
    match = _CREDENTIAL.search(credential)
    return match[1] if match else None


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
    """Return a new identifier of a request, a UUID of version 4.

    It is not a secret, so it need not come from the system: asking that lets go of the interpreter's lock.
    """
    bits = f"{random.getrandbits(128) & _VARIABLE_BITS | _VERSION_BITS:032x}"
    return f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}"


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
