"""The connections of clients: how long a request may take to arrive, and how many may be open.

uvicorn gives a request any time and any number of connections, so a few hundred half-sent ones would take
every file descriptor of the process, and /ping would not be answered.
"""

import asyncio
import itertools
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

try:
    import resource
except ImportError:  # Windows
    resource = None

__all__ = ["Connection", "most_connections"]

ARRIVAL_SECONDS = 30.0  # a request arrives within twice this; SageMaker itself gives one 60 s in all
MAX_CONNECTIONS = 1_000
MAX_HEAD_BYTES = 65_536
CLOSED = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"


class Connection(HttpToolsProtocol):
    """A connection that is closed if its request does not arrive in time, or if it is one too many.

    What it adds is done once for each connection, and nothing for each request, as that is served in
    microseconds. The class that it extends is not public: seen on uvicorn 0.54.
    """

    _numbers = itertools.count()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Make room for the connection, and start to look at whether its requests arrive."""
        super().connection_made(transport)
        self._number = next(self._numbers)
        self._head_bytes = 0
        self._seen: Any = self  # the scope of a request that was arriving at the last look; itself: none
        self._timer = self.loop.call_later(ARRIVAL_SECONDS, self._look)
        if len(self.connections) > most_connections():
            # Rather one that has sent half a request than an idle one, and rather an old one than a new one.
            waiting = [other for other in self.connections if not other.is_busy]
            chosen = min(waiting, key=lambda other: (not other.is_arriving, other._number))
            self.connections.discard(chosen)
            chosen.refuse("503 Service Unavailable", "There are too many connections; try again later.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop looking."""
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        except httptools.HttpParserUpgrade as pause:
            self._stay_with_http(data[pause.args[0] :])
        else:
            if self.cycle is None or self.cycle.scope is not self.scope:
                self._head_bytes += len(data)
                if self._head_bytes > MAX_HEAD_BYTES:
                    self.refuse("431 Request Header Fields Too Large", "The headers are too long.")
            else:
                self._head_bytes = 0

    @property
    def is_arriving(self) -> bool:
        """Whether the last request, or the first one, has not arrived to its end."""
        return self.cycle is None or self.cycle.scope is not self.scope or self.cycle.more_body

    @property
    def is_busy(self) -> bool:
        """Whether a request that has arrived is being answered."""
        return bool(self.pipeline) or not (
            self.cycle is None or self.cycle.response_complete or self.cycle.more_body
        )

    def refuse(self, status: str, sentence: str) -> None:
        """Close the connection, with an answer if the client has begun a request and has none."""
        answered = self.cycle is not None and self.cycle.scope is self.scope and self.cycle.response_started
        if self.scope is not None and not (answered or self.is_busy or self.transport.is_closing()):
            body = b'{"error":"%s"}' % sentence.encode()
            self.transport.write(CLOSED % (status.encode(), len(body), body))
        self.transport.close()

    def _look(self) -> None:
        """Close the connection if it is waiting for the rest of the same request as the last time."""
        waiting = self.is_arriving and not self.is_busy
        if waiting and self._seen is self.scope:
            self.refuse("408 Request Timeout", "The request did not arrive in time; send it again.")
            return
        self._seen = self.scope if waiting else self
        self._timer = self.loop.call_later(ARRIVAL_SECONDS, self._look)

    def _should_upgrade(self) -> bool:
        """Leave a request that asks for another protocol to `_stay_with_http`, which sees it next."""
        return True

    def _stay_with_http(self, rest: bytes) -> None:
        """Read a request again without its wish for another protocol, as RFC 9110, section 7.8, allows.

        The parser takes what follows such a request's headers for the other protocol. Java's client sends
        its first request in this way, with a body.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self.send_400_response("Invalid HTTP request received.")
            return
        head = [b"%s %s HTTP/1.1\r\n" % (method, self.url)]
        head += [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"".join([*head, b"\r\n", rest]))


def most_connections() -> int:
    """How many connections may be open: at most half of the files that this process may open."""
    if resource is None:
        return MAX_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if files == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, files // 2)
