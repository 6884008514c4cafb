"""What a check gets, a place, and what it yields: lines that say what was seen and what to do."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from commands.environment.terraform import Environment
from helpers.session.outputs import outputs_of

__all__ = ["Check", "Place"]


@dataclass(frozen=True)
class Check:
    """The result of a check: whether it passed, what was seen, and what to do if it did not pass."""

    name: str
    ok: bool
    seen: str
    todo: str = ""

    def __str__(self) -> str:
        line = f"{'ok' if self.ok else 'NO'}  {self.name:12}  {self.seen}"
        return f"{line}. {self.todo}" if self.todo else line


@dataclass(frozen=True)
class Place:
    """An environment, what will run in it, and how to ask AWS about it."""

    environment: Environment
    settings: Mapping[str, Any]
    parameters: Mapping[str, Any]
    client: Callable[[str], Any]

    @property
    def trains(self) -> bool:
        """Whether models are trained there, instead of taken over from another environment."""
        return not self.settings["promote_from"]

    @functools.cached_property
    def who(self) -> str:
        """The ARN of the caller."""
        return self.client("sts").get_caller_identity()["Arn"]

    @functools.cached_property
    def outputs(self) -> dict[str, Any]:
        """What Terraform created; empty before the first apply.

        Raises:
            BadInput: the file does not contain Terraform's outputs.
        """
        file = self.environment.outputs_file
        return outputs_of(str(file)) if file.is_file() else {}
