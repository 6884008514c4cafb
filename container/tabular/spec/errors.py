"""Errors that the user can fix, each explained in one sentence, and words for such sentences."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["MAX_SHOWN", "BadInput", "amount", "unknown"]

MAX_SHOWN = 30  # names in one sentence; SageMaker keeps 1,024 characters of it


class BadInput(ValueError):
    """An input that cannot be used; the message says what was seen, what is allowed and what to do."""


def unknown(kind: str, name: object, known: Iterable[str]) -> BadInput:
    """The error for a name that is not one of the known ones, with the closest of them as a hint."""
    known = list(known)
    lowered = {one.lower(): one for one in known}
    nearest = get_close_matches(str(name).lower(), lowered, n=1)
    hint = f"Did you mean {lowered[nearest[0]]!r}?" if nearest else "Use one of the names listed."
    more = f" and {len(known) - MAX_SHOWN} more" if len(known) > MAX_SHOWN else ""
    return BadInput(
        f"Unknown {kind} {name!r}; the known ones are {', '.join(map(repr, known[:MAX_SHOWN]))}{more}. {hint}"
    )


def amount(number: int, one: str, more: str = "") -> str:
    """A number and its noun: `1 row`, `2 rows`."""
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"
