"""Connections to one server that stay open, for small requests sent one after another.

http.client reads headers as those of an email, and urllib3 wraps it: together they take most of the processor
time of a call. A call to AWS needs little of HTTP/1.1: an answer with a length, in chunks, or as long as the
connection lasts. There are no redirects, proxies or retries here.

https://www.rfc-editor.org/rfc/rfc9112
"""

import contextlib
import os
import re
import select
import socket
import ssl
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import get_cert_path

__all__ = ["Answer", "Connections", "certificates"]

# The variables that boto3 reads for a file of certificates, such as those of a firewall that looks into TLS.
CERTIFICATES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
PIECE = 1 << 16  # bytes that are received at a time
LONGEST_PART = 1 << 16  # bytes of a head, or of the line before a chunk
MOST_HEADERS = 100
END_OF_HEAD, END_OF_LINE = b"\r\n\r\n", b"\r\n"
STATUS_LINE = re.compile(r"HTTP/1\.([01]) (\d{3})(?: .*)?")
SIZE = re.compile(r"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")


class Answer(NamedTuple):
    """A server's answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connections:
    """The connections to the server of a URL; many threads may share them.

    Args:
        url: Of the server; its path does not matter.
        most: Connections that are kept open.
        connect_seconds: How long making one may take.
        read_seconds: How long the server may say nothing.
    """

    def __init__(self, url: str, most: int, connect_seconds: float, read_seconds: float) -> None:
        """Nothing is sent yet."""
        parts = urlsplit(url)
        is_secure = parts.scheme == "https"
        self._url, self._name = url, parts.hostname or ""
        self._port = parts.port or (443 if is_secure else 80)
        self._tls = ssl.create_default_context(cafile=certificates()) if is_secure else None
        self._connect_seconds, self._read_seconds = connect_seconds, read_seconds
        self._idle: deque[_Connection] = deque(maxlen=most)

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request once, and return its answer.

        Args:
            method: The HTTP method.
            path: The path, and the query if there is one.
            headers: The headers, among them `Host`, and without `Content-Length`.
            body: The body, or empty bytes.

        Raises:
            BotoCoreError: There is no connection to the server, or no answer came.
            ValueError: The path or a header has characters that would end it.
        """
        head = _head(method, path, {**headers, "Content-Length": str(len(body))})
        connection = self._kept() or self._new()
        try:
            answer, stays_open = connection.exchange(head + body)
        except TimeoutError as error:
            connection.close()
            raise ReadTimeoutError(endpoint_url=self._url, error=error) from error
        except OSError as error:
            connection.close()
            raise ConnectionClosedError(endpoint_url=self._url) from error
        if stays_open and len(self._idle) < (self._idle.maxlen or 0):
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Close the connections that no request uses."""
        while connection := self._kept():
            connection.close()

    def _kept(self) -> "_Connection | None":
        """Return the connection that was used last, unless the server has closed it since."""
        with contextlib.suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if connection.is_silent():
                    return connection
                connection.close()
        return None

    def _new(self) -> "_Connection":
        try:
            plain = socket.create_connection((self._name, self._port), self._connect_seconds)
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=self._url, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
        try:
            connection = self._tls.wrap_socket(plain, server_hostname=self._name) if self._tls else plain
        except TimeoutError as error:
            plain.close()
            raise ConnectTimeoutError(endpoint_url=self._url, error=error) from error
        except OSError as error:
            plain.close()
            raise SSLError(endpoint_url=self._url, error=error) from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(self._read_seconds)
        return _Connection(connection)


class _Connection:
    """One connection; one thread at a time may use it."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._arrivals = select.poll()
        self._arrivals.register(connection, select.POLLIN)

    def exchange(self, request: bytes) -> tuple[Answer, bool]:
        """Send a request; return its answer, and whether another may follow.

        Raises:
            TimeoutError: The server said nothing for too long.
            OSError: The connection ended too early, or the answer is not HTTP.
        """
        sent = True
        try:
            self._socket.sendall(request)  # in one piece, so that the server wakes up once
        except (BrokenPipeError, ConnectionResetError):
            sent = False  # it may have answered before it had read all of a long body
        answer, stays_open = _read(_Arriving(self._socket))
        return answer, stays_open and sent

    def is_silent(self) -> bool:
        """Whether nothing has come since the last answer, neither the end of the connection nor a byte."""
        return not self._arrivals.poll(0)

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._socket.close()


class _Arriving:
    """What has arrived of an answer and is not read yet."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._arrived = b""

    def until(self, end: bytes) -> bytes:
        """Return what comes before the next of these ends, and read both."""
        while (position := self._arrived.find(end, 0, LONGEST_PART)) < 0:
            if len(self._arrived) >= LONGEST_PART:
                raise ConnectionError(f"the answer's head or a line of it has more than {LONGEST_PART} bytes")
            self._arrived += self._receive()
        found = self._arrived[:position]
        self._arrived = self._arrived[position + len(end) :]
        return found

    def exactly(self, size: int) -> bytes:
        """Read and return this many bytes."""
        parts, missing = [self._arrived], size - len(self._arrived)
        while missing > 0:
            parts.append(self._receive())
            missing -= len(parts[-1])
        arrived = b"".join(parts) if len(parts) > 1 else self._arrived
        self._arrived = arrived[size:]
        return arrived[:size]

    def to_the_end(self) -> bytes:
        """Return what comes until the server closes the connection."""
        parts = [self._arrived]
        while part := self._socket.recv(PIECE):
            parts.append(part)
        return b"".join(parts)

    def _receive(self) -> bytes:
        part = self._socket.recv(PIECE)
        if not part:
            raise ConnectionError("the connection ended before the answer did")
        return part


def certificates() -> str:
    """Return the file of the certificates that boto3 trusts."""
    return get_cert_path(next(filter(None, map(os.environ.get, CERTIFICATES)), True))


def _head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    if not "".join((path, *headers, *headers.values())).isprintable():
        raise ValueError("A path or header has a line break or another control character.")
    lines = (f"{name}: {value}" for name, value in headers.items())
    return "\r\n".join((f"{method} {path} HTTP/1.1", *lines, "", "")).encode("ascii")


def _read(arriving: _Arriving) -> tuple[Answer, bool]:
    """Return an answer, and whether the connection stays open after it."""
    version, status, headers = _parsed(arriving.until(END_OF_HEAD))
    while status < 200:  # such as 100 Continue, which comes before the answer
        version, status, headers = _parsed(arriving.until(END_OF_HEAD))
    stays_open = version == "1" and headers.get("connection", "").lower() != "close"
    if status in (204, 304):
        return Answer(status, headers, b""), stays_open
    if coding := headers.get("transfer-encoding"):
        if coding.lower() != "chunked":
            raise ConnectionError(f"the answer's Transfer-Encoding is {coding!r}, not chunked")
        return Answer(status, headers, _chunks(arriving)), stays_open
    if (length := headers.get("content-length")) is None:
        return Answer(status, headers, arriving.to_the_end()), False
    if not (length.isascii() and length.isdecimal()):
        raise ConnectionError(f"the answer's Content-Length is {length!r}, not a number")
    return Answer(status, headers, arriving.exactly(int(length))), stays_open


def _parsed(head: bytes) -> tuple[str, int, dict[str, str]]:
    """Return the minor version of HTTP, the status, and the headers."""
    first, *lines = head.decode("latin-1").split("\r\n")
    if (found := STATUS_LINE.fullmatch(first)) is None:
        raise ConnectionError(f"the answer begins with {first[:80]!r}, not with HTTP/1.1 and a status")
    if len(lines) > MOST_HEADERS:
        raise ConnectionError(f"the answer has more than {MOST_HEADERS} headers")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or "\n" in line:
            raise ConnectionError(f"{line[:80]!r} is not a header")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return found[1], int(found[2]), headers


def _chunks(arriving: _Arriving) -> bytes:
    parts = []
    while True:
        line = arriving.until(END_OF_LINE).decode("latin-1")
        if (found := SIZE.fullmatch(line)) is None:
            raise ConnectionError(f"{line[:80]!r} is not the size of a chunk")
        size = int(found[1], 16)
        if not size:
            for _ in range(MOST_HEADERS):  # what follows the last chunk is not used
                if not arriving.until(END_OF_LINE):
                    return b"".join(parts)
            raise ConnectionError(f"the answer has more than {MOST_HEADERS} headers after its last chunk")
        parts.append(arriving.exactly(size))
        if arriving.until(END_OF_LINE):
            raise ConnectionError("a chunk is longer than its size")
