"""Errors a person can mend, said in one sentence."""

import argparse
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import NoReturn

__all__ = ["ArgumentParser", "BadInput", "command", "unknown"]

MAX_SHOWN = 30  # names in one sentence; SageMaker keeps 1,024 characters of it


class BadInput(ValueError):
    """What was given cannot be used; the message says what was seen, what is allowed and what to do."""


class ArgumentParser(argparse.ArgumentParser):
    """Refuses arguments with a sentence, which SageMaker shows, where argparse would leave an exit code."""

    def error(self, message: str) -> NoReturn:
        """Raise the sentence as a BadInput."""
        raise BadInput(f"{self.prog}: {message}.")


def command(main: Callable[[], None]) -> None:
    """Run a module's `main`; a person's mistake ends it with the sentence alone, without a traceback."""
    try:
        main()
    except BadInput as error:
        raise SystemExit(str(error)) from None


def unknown(kind: str, name: object, known: Iterable[str]) -> BadInput:
    """The error for a name that is not among the known ones, with the nearest of them."""
    known = list(known)
    lowered = {one.lower(): one for one in known}
    nearest = get_close_matches(str(name).lower(), lowered, n=1)
    hint = f"Did you mean {lowered[nearest[0]]!r}?" if nearest else "Use one of the names listed."
    more = f" and {len(known) - MAX_SHOWN} more" if len(known) > MAX_SHOWN else ""
    return BadInput(
        f"Unknown {kind} {name!r}; known are {', '.join(map(repr, known[:MAX_SHOWN]))}{more}. {hint}"
    )
