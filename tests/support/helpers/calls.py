"""Counts the calls that helpers make to AWS."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from helpers.session import Session

__all__ = ["counted"]


@contextmanager
def counted(session: Session) -> Iterator[list[str]]:
    """The names of the operations that clients call which are made meanwhile."""
    called: list[str] = []

    def note(model: Any, **about: Any) -> None:
        called.append(model.name)

    session.boto.events.register("before-call", note)
    yield called
    session.boto.events.unregister("before-call", note)
