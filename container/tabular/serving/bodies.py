"""The bodies of requests: how large one may be, and how much memory all together may take."""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from tabular.serving.rows.errors import BadRequest

__all__ = ["INLINE_BODY_BYTES", "Bodies", "ClientGone", "Receive"]

MAX_BODY_BYTES = 6_291_456  # SageMaker's limit for a request to an endpoint
# Larger requests are counted, and answered in a thread, so that /ping responds promptly.
INLINE_BODY_BYTES = 16_384
# What a body takes at most until it is answered: its text, its cells and rows as Python's objects, and the
# answer. Measured with bodies of 6 MB of short cells in every format.
PER_BYTE, PER_SEPARATOR = 8, 200
SEPARATORS = b",;|\t\r\n[{"

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class ClientGone(Exception):
    """The client has closed the connection before its request had arrived."""


class Bodies:
    """The bodies that are being read and answered, within a budget.

    Args:
        budget: the bytes that they may take together; None: no limit.
    """

    def __init__(self, budget: int | None = None) -> None:
        self.budget = budget
        self.used = 0

    @contextmanager
    def room(self) -> Iterator["Room"]:
        """Room for one body, which is given back at the end."""
        room = Room(self)
        try:
            yield room
        finally:
            self.used -= room.taken


class Room:
    """What one body takes of the budget. Only the event loop's thread may use it."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self.taken = 0

    async def read(self, first: MutableMapping[str, Any], receive: Receive) -> bytes:
        """The whole body, of which the first message has arrived.

        Raises:
            BadRequest: 413 if it is too large, 503 if other bodies take the memory that it needs.
            ClientGone: if the rest does not come.
        """
        message, chunks, size = first, [], 0
        while True:
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > MAX_BODY_BYTES:
                raise BadRequest(
                    413, f"The body is larger than {MAX_BODY_BYTES:,} bytes; send fewer rows at a time."
                )
            self._take(PER_BYTE * len(chunks[-1]))
            if not message.get("more_body"):
                break
            message = await receive()
        body = b"".join(chunks)
        if size > INLINE_BODY_BYTES and self._bodies.budget is not None:
            most = PER_SEPARATOR * size
            # Counting takes a third of the time of reading rows of numbers, so it waits until room is scarce.
            if self._bodies.used + most > self._bodies.budget // 2:
                most = PER_SEPARATOR * (size - len(body.translate(None, SEPARATORS)))
            self._take(most)
        return body

    def _take(self, needed: int) -> None:
        bodies = self._bodies
        if bodies.budget is not None and self.taken + needed > bodies.budget:
            raise BadRequest(
                413,
                f"The body needs about {self.taken + needed:,} bytes of memory, and this server has "
                f"{bodies.budget:,} for requests; send fewer rows at a time.",
            )
        if bodies.budget is not None and bodies.used + needed > bodies.budget:
            raise BadRequest(503, "Other requests take the memory that this one needs; send it again later.")
        bodies.used += needed
        self.taken += needed
