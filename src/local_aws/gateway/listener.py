"""A threaded HTTP server that keeps connections open, and spends little on a request.

werkzeug's own server closes every connection, and the standard library's parses headers as those of an email:
in a load test, each would cost more than the work that it measures. httptools is the parser of uvicorn.
"""

import functools
import json
import re
import socket
import socketserver
import time
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import httptools

from local_aws.core.faults import log_exception
from local_aws.core.requests.signatures import FUNCTION_URL
from local_aws.core.requests.wire import Reply, Request
from local_aws.core.sockets import TURNS, arrivals_of, stay_awake

__all__ = ["Listener"]

_CHUNK = 1 << 18  # bytes
_MOST_HEAD = 1 << 16  # bytes
_LONGEST_LENGTH = 10  # digits of a Content-Length that is read here
_END = b"\r\n\r\n"
# Heads as programs write them. Every other one is left to httptools, which also says what is wrong with it.
_START = re.compile(r"(GET|POST|PUT) (?:http://([^/?]+))?(/[!-~]*) HTTP/1\.1\r\n")
_FIELD = re.compile(r"^([\w!#$%&'*+.^`|~-]+): ([!-~]+(?: [!-~]+)*)\r\n", re.ASCII | re.MULTILINE)
# Headers that say how a request is read or answered. Its length is one as well, and is known here.
_FRAMING = {"connection", "expect", "te", "trailer", "transfer-encoding", "upgrade"}
_ABSOLUTE = re.compile(r"http://([^/?]*)(.*)", re.IGNORECASE)
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class _TooLongError(Exception):
    """The headers of a request are too long."""


class _Arriving:
    """What has arrived of a request: httptools calls the methods with its parts."""

    def __init__(self, connection: socket.socket, client: tuple[str, int]) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.complete: deque[tuple[Request, bool]] = deque()  # and whether the connection stays open
        self._connection, self._client = connection, client
        self.on_message_begin()
        self._is_between = True

    def on_message_begin(self) -> None:
        self._target, self._fields, self._body = b"", [], []
        self._size, self._has_head, self._is_between = 0, False, False
        self.begins_again = False  # see `head_again`

    def plain(self, data: bytes) -> Request | None:
        """Return a request that has arrived in one piece and has a plain head; otherwise, parse nothing.

        That takes half as long as httptools, which calls back for every header.
        """
        end = data.find(_END, 0, _MOST_HEAD) + 2
        if end < 2 or not self._is_between:
            return None
        head = data[:end].decode("latin-1")
        if (start := _START.match(head)) is None:
            return None
        fields = _FIELD.findall(head, start.end())
        if len(fields) + 1 != head.count("\n"):
            return None
        request = Request(start[1], start[3], fields, data[end + 2 :], self._client)
        headers = request.headers
        length = headers.get("content-length", "")
        is_whole = length.isdecimal() and len(length) < _LONGEST_LENGTH and int(length) == len(request.body)
        is_same_host = start[2] in (None, headers.get("host"))
        return request if is_whole and is_same_host and _FRAMING.isdisjoint(headers) else None

    def on_url(self, part: bytes) -> None:
        self._target += part
        self._size += len(part)
        if self._size > _MOST_HEAD:
            raise _TooLongError

    def on_header(self, name: bytes, value: bytes) -> None:
        self._size += len(name) + len(value)
        if self._size > _MOST_HEAD:
            raise _TooLongError
        if not self._has_head:  # what follows a body in chunks is not a header, as on AWS
            self._fields.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        """Answer `100 Continue` immediately: boto3 waits up to a second for it before it sends an object."""
        self._has_head = True
        self._request = self._begun()
        headers = self._request.headers
        if self.parser.should_upgrade() and ("content-length" in headers or "transfer-encoding" in headers):
            self.begins_again = True
        elif "100-continue" in headers.get("expect", "").lower():
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        if self.begins_again:
            return
        # Another protocol is not spoken: the request is answered, and what follows is not read.
        stays = self.parser.should_keep_alive() and not self.parser.should_upgrade()
        self._request.body = b"".join(self._body)
        self.complete.append((self._request, stays))
        self._is_between = True

    def head_again(self) -> bytes:
        """Return the head of a request with a body without its wish for another protocol, for a new parser.

        RFC 9110, section 7.8, lets a server ignore the wish, but httptools takes the body for the other
        protocol. Java's client sends each request in this way.
        """
        method, version = self.parser.get_method().decode(), self.parser.get_http_version()
        lines = [f"{method} {self._target.decode('latin-1')} HTTP/{version}"]
        lines += [f"{name}: {value}" for name, value in self._fields if name.lower() != "upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _begun(self) -> Request:
        """Return the request without its body."""
        target, fields = self._target.decode("latin-1"), self._fields
        if not target.startswith("/") and (absolute := _ABSOLUTE.fullmatch(target)):
            target = absolute[2] or "/"
            fields = [(name, value) for name, value in fields if name.lower() != "host"]
            fields.append(("Host", absolute[1]))
        return Request(self.parser.get_method().decode(), target, fields, client=self._client)


class _Handler(socketserver.BaseRequestHandler):
    """One connection."""

    server: "Listener"

    def handle(self) -> None:
        """Answer requests until the client goes away."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._arrivals = arrivals_of(self.request)
        arriving = _Arriving(self.request, self.client_address)
        try:
            while data := self._received():
                if request := arriving.plain(data):
                    self._send(request, stays=True)
                    continue
                problem = _fed(arriving, data)
                while arriving.complete:
                    request, stays = arriving.complete.popleft()
                    self._send(request, stays)
                    if not stays:
                        return
                if problem:
                    self.request.sendall(_answer(problem, "GET", stays=False))
                    return
        except (ConnectionError, TimeoutError):
            return
        finally:
            if TURNS.are_with(self.client_address):
                TURNS.end()

    def _received(self) -> bytes:
        """Return what arrives next, and note how long that took."""
        begin = time.perf_counter()
        if TURNS.are_with(self.client_address) and not stay_awake(self._arrivals):
            TURNS.end()
        data = self.request.recv(_CHUNK)
        self._waited = time.perf_counter() - begin
        return data

    def _send(self, request: Request, stays: bool) -> None:
        """Answer a request."""
        if request.path.startswith(FUNCTION_URL):
            TURNS.note(self.client_address, self._waited)
        self.request.sendall(_answer(self.server.answer(request), request.method, stays))


def _fed(arriving: _Arriving, data: bytes) -> Reply | None:
    """Parse what has arrived; return the answer to what is not HTTP.

    AWS answers with a small document, not with an HTML page.
    """
    try:
        while data:
            try:
                arriving.parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as pause:
                data = arriving.head_again() + data[pause.args[0] :] if arriving.begins_again else b""
    except httptools.HttpParserError as error:
        if isinstance(error.__context__, _TooLongError):
            return _refusal(431, "The headers are too long.")
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        return _refusal(400, f"The request is not HTTP: {error}")
    return None


def _refusal(status: int, message: str) -> Reply:
    content = json.dumps({"__type": "BadRequest", "message": message}).encode()
    return Reply(content, status, {"Content-Type": "application/x-amz-json-1.1"})


def _answer(reply: Reply, method: str, stays: bool) -> bytes:
    """Return an answer as it is sent, in one piece."""
    bodiless = reply.status in (204, 304)
    lines, has_length = [_first_lines(reply.status, int(time.time()))], bodiless
    for name, value in reply.headers.items():
        lines.append(f"{name}: {value}")
        has_length = has_length or name.lower() == "content-length"
    if not has_length:
        lines.append(f"Content-Length: {len(reply.body)}")
    if not stays:
        lines.append("Connection: close")
    head = "\r\n".join((*lines, "", "")).encode("latin-1")
    return head if bodiless or method == "HEAD" else head + reply.body


@functools.lru_cache(16)
def _first_lines(status: int, seconds: int) -> str:
    """Return the lines that answers of one status begin with in one second since 1970."""
    date = formatdate(seconds, usegmt=True)
    return f"HTTP/1.1 {status} {_REASONS.get(status, '')}\r\nServer: local_aws\r\nDate: {date}"


class Listener(socketserver.ThreadingTCPServer):
    """Lets a function answer the requests to 127.0.0.1, with one thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, answer: Callable[[Request], Reply], port: int = 0) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """The address that clients call."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong in a connection's thread."""
        log_exception()
