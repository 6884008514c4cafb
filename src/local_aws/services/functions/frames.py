"""Messages between the server and a function's process: two lengths, a head in JSON, a content of bytes."""

import json
import select
import socket
import struct
import threading
from collections.abc import Mapping
from typing import Any

from local_aws.core.sockets import set_time_limit

__all__ = ["Frames", "first_of"]

_LENGTHS = struct.Struct("!II")
_CHUNK = 1 << 16  # bytes


class Frames:
    """One end of the socket. Any thread may send, but only one may receive.

    Args:
        connection: The socket.
        seconds: How long sending and receiving may wait; by default, for ever.

    Raises:
        TimeoutError: From any method, after this time.
    """

    def __init__(self, connection: socket.socket, seconds: float | None = None) -> None:
        self._connection = connection
        if seconds is not None:
            set_time_limit(connection, seconds)
        self._arrived = b""  # and is not returned yet
        self._sending = threading.Lock()

    def send(self, head: Mapping[str, Any], content: bytes = b"") -> None:
        """Send one message.

        Raises:
            OSError: The other end is closed.
        """
        said = json.dumps(head).encode() if head else b""
        message = b"".join((_LENGTHS.pack(len(said), len(content)), said, content))
        with self._sending:
            try:
                self._connection.sendall(message)
            except BlockingIOError:
                raise TimeoutError from None

    def receive(self) -> tuple[dict[str, Any], bytes] | None:
        """Return the next message, its head and its content, or None if the other end is closed."""
        try:
            said, size = _LENGTHS.unpack_from(self._at_least(_LENGTHS.size))
            begin = _LENGTHS.size + said
            arrived = self._at_least(begin + size)
        except BlockingIOError:
            raise TimeoutError from None
        except (OSError, EOFError):
            return None
        self._arrived = arrived[begin + size :]
        head = json.loads(arrived[_LENGTHS.size : begin]) if said else {}
        return head, arrived[begin : begin + size]

    def _at_least(self, size: int) -> bytes:
        """Return what has arrived once it has so many bytes."""
        arrived = self._arrived
        if len(arrived) < size:
            parts = [arrived]
            missing = size - len(arrived)
            while missing > 0:
                part = self._connection.recv(_CHUNK)
                if not part:
                    raise EOFError
                parts.append(part)
                missing -= len(part)
            arrived = self._arrived = b"".join(parts)
        return arrived

    def close(self) -> None:
        """Close the connection; a thread that is receiving gets None."""
        try:
            self._connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is already closed
        finally:
            self._connection.close()

    def fileno(self) -> int:
        """Return the socket's descriptor, to wait for it."""
        return self._connection.fileno()


def first_of(*ends: Frames) -> list[Frames]:
    """Wait until something has come at some of these ends, and return them."""
    return select.select(ends, [], [])[0]
