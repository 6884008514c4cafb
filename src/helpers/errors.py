"""The ways a run can end that a person can do something about, each with its exit code."""

__all__ = ["BadInput", "JobFailed", "UserError", "one_line"]


class UserError(Exception):
    """An error whose message is all there is to say: what was seen, what is allowed, what to do."""

    exit_code = 1


class BadInput(UserError):
    """A parameter, a table or a setting that cannot be used; nothing was started."""

    exit_code = 2


class JobFailed(UserError):
    """A step of the pipeline failed."""


def one_line(error: Exception) -> str:
    """What an error of somebody else's says, for a sentence of ours."""
    return " ".join(str(error).split()).rstrip(".")
