"""How threads wait at sockets: for how long at most, and when they stay awake for a moment.

With `settimeout`, Python asks before every send and receive whether it would wait. That is one more system
call each time, for which it lets go of the interpreter's lock. So the kernel watches the time limits here.
"""

import os
import select
import socket
import struct
import time

__all__ = ["TURNS", "Turns", "arrivals_of", "set_time_limit", "stay_awake"]

_TIME = struct.Struct("@ll")  # a timeval: seconds and microseconds
_MOMENT = 0.001  # seconds
_ENOUGH = 8  # requests


def set_time_limit(connection: socket.socket, seconds: float) -> None:
    """Let a send or a receive that has waited for this many seconds raise a BlockingIOError."""
    whole = int(seconds)
    limit = _TIME.pack(whole, max(int((seconds - whole) * 1e6), not whole))  # zero would be no limit
    connection.setblocking(True)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def arrivals_of(connection: socket.socket) -> select.poll:
    """Return what says whether something has arrived at a socket."""
    arrivals = select.poll()
    arrivals.register(connection, select.POLLIN)
    return arrivals


def stay_awake(arrivals: select.poll) -> bool:
    """Return True as soon as something has arrived, or False after a moment without it."""
    end = time.perf_counter() + _MOMENT
    while not arrivals.poll(0):
        if time.perf_counter() >= end:
            return False
    return True


class Turns:
    """Whether one client alone asks functions, and asks again as soon as it is answered.

    The threads that serve it then stay awake while they wait for what comes in a moment. On a virtual
    machine, it takes 50 microseconds to wake a thread on another processor, and by then what it needs has
    left the caches. With a second client, a thread that is awake would be in the way of one that works.

    Args:
        processors: How many there are; on a single one, nothing can arrive while a thread is awake.
    """

    def __init__(self, processors: int) -> None:
        self._processors = processors
        self._client: tuple[str, int] | None = None
        self._prompt = 0  # its requests so far, each of which came a moment after the last answer

    def note(self, client: tuple[str, int], seconds: float) -> None:
        """Note a request, and how long its connection had been silent."""
        if client == self._client and seconds < _MOMENT:
            self._prompt += 1
        else:
            self._client, self._prompt = client, 0

    def end(self) -> None:
        """Forget the client: it has gone, or takes its time."""
        self._client, self._prompt = None, 0

    def are_with(self, client: tuple[str, int] | None = None) -> bool:
        """Whether this client, by default any, asks alone."""
        return self._prompt >= _ENOUGH and self._processors > 1 and (client is None or client == self._client)


TURNS = Turns(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
