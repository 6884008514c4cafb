"""A connection to a server on this machine that stays open, and spends little on a request.

The standard library's client parses headers as those of an email, which takes longer than a model's answer.
"""

import contextlib
import socket
from collections.abc import Mapping

import httptools

from local_aws.core.sockets import TURNS, arrivals_of, set_time_limit, stay_awake

__all__ = ["Answer", "Connection"]

Answer = tuple[int, Mapping[str, str], bytes]

_CHUNK = 1 << 18  # bytes


class _Arriving:
    """What has arrived of an answer: httptools calls the methods with its parts."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.is_complete = self.stays_open = False
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self.headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._has_head = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._has_head = True

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        self.is_complete = self.parser.get_status_code() >= 200  # others come before the answer
        self.stays_open = self.parser.should_keep_alive()

    def end(self) -> None:
        """Note that nothing more will come, which is the end of an answer without a length."""
        if not self._has_head or {"content-length", "transfer-encoding"} & self.headers.keys():
            raise ConnectionError("the connection was closed before the answer was complete")
        self.is_complete = True

    @property
    def answer(self) -> Answer:
        return self.parser.get_status_code(), self.headers, b"".join(self._body)


class Connection:
    """One connection to a port of 127.0.0.1; one thread at a time may use it.

    Attributes:
        port: The port.
    """

    def __init__(self, port: int, seconds: float) -> None:
        """Connect; raise OSError if nobody listens, or if it takes longer than this."""
        self.port = port
        self._socket = socket.create_connection(("127.0.0.1", port), seconds)
        set_time_limit(self._socket, seconds)
        self._seconds = seconds
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._arrivals = arrivals_of(self._socket)

    def request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> tuple[Answer, bool]:
        """Send a request; return its answer, and whether the connection can be used again.

        Raises:
            TimeoutError: Nothing came for this many seconds.
            OSError: The connection ended too early, or the answer is not HTTP.
        """
        if seconds != self._seconds:
            set_time_limit(self._socket, seconds)
            self._seconds = seconds
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"Content-Length: {len(body)}\r\n\r\n")
        arriving = _Arriving()
        try:
            self._socket.sendall("\r\n".join(lines).encode("latin-1") + body)
            if TURNS.are_with():
                stay_awake(self._arrivals)
            while not arriving.is_complete:
                data = self._socket.recv(_CHUNK)
                if data:
                    arriving.parser.feed_data(data)
                else:
                    arriving.end()
        except BlockingIOError:
            raise TimeoutError from None
        except httptools.HttpParserError as error:
            raise ConnectionError(f"the answer is not HTTP: {error}") from error
        return arriving.answer, arriving.stays_open

    @property
    def is_closed(self) -> bool:
        """Whether the other end has closed the idle connection, or sent what nobody has asked for."""
        return bool(self._arrivals.poll(0))

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError):
            self._socket.close()
