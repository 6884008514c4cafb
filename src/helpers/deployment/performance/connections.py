"""Connections that stay open, for the clients of a load."""

from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from lambdas.connections import certificates

__all__ = ["pool"]


def pool(url: str, most: int, connect_seconds: float, read_seconds: float) -> urllib3.HTTPConnectionPool:
    """Return connections to the server of a URL, as botocore makes them, that try each request once.

    Unlike botocore's, they go through no proxy.

    Args:
        url: Of the server; its path does not matter.
        most: Connections that are kept open.
        connect_seconds: How long making one may take.
        read_seconds: How long the server may say nothing.
    """
    secure = url.startswith("https:")
    verified = {"cert_reqs": "CERT_REQUIRED", "ca_certs": certificates()} if secure else {}
    timeout = urllib3.Timeout(connect=connect_seconds, read=read_seconds)
    connections = urllib3.connection_from_url(url, maxsize=most, timeout=timeout, retries=False, **verified)
    connections.ConnectionCls = _JoinedSecure if secure else _Joined
    return connections


class _InOnePiece:
    """Sends the head of a request together with its body: in two pieces, the server would wake up twice."""

    _waits, _head = False, b""

    def request(self, method: str, url: str, body: Any = None, *arguments: Any, **named: Any) -> None:
        self._waits = isinstance(body, bytes) and bool(body)
        super().request(method, url, body, *arguments, **named)

    def send(self, data: Any) -> None:
        if self._waits:
            self._waits, self._head = False, bytes(data)
            return
        # Forgotten in any case: a server may answer and close before it has read a long body.
        head, self._head = self._head, b""
        super().send(head + data if head else data)


class _Joined(_InOnePiece, HTTPConnection):
    """Over HTTP."""


class _JoinedSecure(_InOnePiece, HTTPSConnection):
    """Over HTTPS."""
