"""Messages between the server and a function's process: a length, then JSON, over a socket."""

import json
import select
import socket
import struct
import threading
from typing import Any

__all__ = ["Frames", "first_of"]

_LENGTH = struct.Struct("!I")


class Frames:
    """One end of the socket. Any thread may send, but only one may receive.

    Raises:
        TimeoutError: From any method, if the socket has a time limit that is over.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._sending = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        """Send one message.

        Raises:
            OSError: The other end is closed.
        """
        content = json.dumps(message).encode()
        with self._sending:
            self._connection.sendall(_LENGTH.pack(len(content)) + content)

    def receive(self) -> dict[str, Any] | None:
        """Return the next message, or None if the other end is closed."""
        try:
            length = self._stream.read(_LENGTH.size)
            content = self._stream.read(_LENGTH.unpack(length)[0]) if len(length) == _LENGTH.size else b""
        except TimeoutError:
            raise
        except (OSError, ValueError):
            return None
        return json.loads(content) if content else None

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
