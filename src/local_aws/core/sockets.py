"""Time limits of sockets that the kernel watches.

With `settimeout`, Python asks before every send and receive whether it would wait. That is one more system
call each time, for which it lets go of the interpreter's lock.
"""

import socket
import struct

__all__ = ["set_time_limit"]

_TIME = struct.Struct("@ll")  # a timeval: seconds and microseconds


def set_time_limit(connection: socket.socket, seconds: float) -> None:
    """Let a send or a receive that has waited for so many seconds raise a BlockingIOError."""
    whole = int(seconds)
    limit = _TIME.pack(whole, max(int((seconds - whole) * 1e6), not whole))  # zero would be no limit
    connection.setblocking(True)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
