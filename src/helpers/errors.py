"""Exit codes, and the errors that the user can fix."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

__all__ = [
    "BadInput",
    "ExitCode",
    "Interrupted",
    "JobFailed",
    "Mistakes",
    "UserError",
    "full_disk",
    "one_line",
    "refusing",
    "sentence",
]


class ExitCode(IntEnum):
    """What each exit code tells a scheduler; `many-models --help` and the README list them."""

    meaning: str

    DONE = 0, "done, or there is nothing new since the version in service"
    FAILED = 1, "a data set, a notebook or a check failed; the message names it, its log and what to do"
    BAD_INPUT = 2, "a parameter or an option is invalid, or no table can be used; found before any job starts"
    REFUSED = 3, "the quality gate refused a new model, or a model has drifted; nothing failed"
    INTERRUPTED = 130, "interrupted; nothing is left running on this machine"

    def __new__(cls, code: int, meaning: str) -> "ExitCode":  # noqa: D102 - part of how an enumeration works
        member = int.__new__(cls, code)
        member._value_, member.meaning = code, meaning
        return member


class UserError(Exception):
    """An error whose message is enough for the user: what was seen, what is allowed, what to do."""

    exit_code = ExitCode.FAILED

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: only the message.

        Follows https://ipython.readthedocs.io/en/stable/config/integrating.html#custom-exception-tracebacks
        """
        return [f"{type(self).__name__}: {self}"]


class BadInput(UserError):
    """A parameter, a table or a setting that cannot be used; nothing was started."""

    exit_code = ExitCode.BAD_INPUT


class JobFailed(UserError):
    """A step of the pipeline failed."""


class Interrupted(UserError):
    """Somebody interrupted the wait for something that goes on; the message says how to stop it."""

    exit_code = ExitCode.INTERRUPTED


class Mistakes:
    """Collects what cannot be used, so that all of it is said at once."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note a BadInput of this context, and go on after it."""
        try:
            yield
        except BadInput as error:
            self.said += [line for line in str(error).splitlines() if line not in self.said]

    def check(self) -> None:
        """Refuse what was noted.

        Raises:
            BadInput: something was; the message has a line for each mistake.
        """
        if self.said:
            raise BadInput("\n".join(self.said))


def one_line(error: Exception) -> str:
    """The message of another library's error on one line, without the final full stop, to quote it."""
    return " ".join(str(error).split()).rstrip(".")


def sentence(error: Exception) -> str:
    """The message of an error on one line, with a full stop unless it ends with a question."""
    said = one_line(error)
    return said if said.endswith("?") else f"{said}."


def full_disk(error: BaseException) -> str:
    """The sentence about an error for lack of space; empty for another error."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"A file cannot be written ({one_line(error)}); free some space."
    return ""


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn a ValueError into a BadInput about something that the user gave: `The table of wine: ...`.

    Raises:
        BadInput: instead of the ValueError, on one line.
    """
    try:
        yield
    except ValueError as error:
        raise BadInput(f"{what}: {sentence(error)}") from error
