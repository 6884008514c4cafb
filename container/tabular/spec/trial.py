"""What a trial is given and what it answers: the words that a definition, a trial and the refit share."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from tabular.spec.errors import BadInput

__all__ = ["SCORE", "SCORE_REGEX", "Trial", "check_hyperparameter_name", "score_line"]

# The tuner finds a trial's score in its log by this expression, which the pipeline's definition holds.
SCORE = "cross_validation_score"
SCORE_REGEX = SCORE + r"=([-+0-9.eE]+);"


@dataclass(frozen=True)
class Trial:
    """An algorithm with some hyperparameters, and how they are scored.

    A training job is given the fields and the hyperparameters side by side, for a tuner varies only what
    stands at the top. So no hyperparameter may have a field's name, and every field is a text or a number,
    which its type reads from text.
    """

    algorithm: str
    scorer: str
    folds: int
    random_state: int
    hyperparameters: Mapping[str, str] = field(default_factory=dict)

    def to_hyperparameters(self, text: Callable[[Any], Any] = str) -> dict[str, Any]:
        """As a training job takes them; `text` makes one of a value (of a pipeline's parameter, too)."""
        values = {name: getattr(self, name) for name in FIELDS} | dict(self.hyperparameters)
        return {name: text(value) for name, value in values.items()}

    @classmethod
    def from_hyperparameters(cls, given: Mapping[str, str]) -> "Trial":
        """The inverse of `to_hyperparameters`.

        Raises:
            BadInput: a field is missing, or is not of its type.
        """
        if missing := [name for name in FIELDS if name not in given]:
            raise BadInput(
                f"The trial was not given its {', '.join(missing)}; run notebook 02 again, which defines it."
            )
        values = {}
        for name, read in FIELDS.items():
            try:
                values[name] = read(given[name])
            except ValueError:
                raise BadInput(f"The trial's {name} is {given[name]!r}; it must be {_WORDS[read]}.") from None
        return cls(**values, hyperparameters={name: given[name] for name in given if name not in FIELDS})


# `str`, `int` or `float`, by the field's name.
FIELDS: Mapping[str, Callable[[str], Any]] = {
    one.name: one.type for one in fields(Trial) if one.name != "hyperparameters"
}
_WORDS = {str: "a text", int: "a whole number", float: "a number"}


def check_hyperparameter_name(name: str) -> None:
    """Look whether a hyperparameter can be told from what every trial is given beside it.

    Raises:
        BadInput: it cannot.
    """
    if name in FIELDS or name.startswith(("sagemaker_", "_tuning_")):
        raise BadInput(
            f"A hyperparameter may not be called {name!r}: every trial is given {', '.join(FIELDS)} and "
            "names that begin with sagemaker_ or _tuning_ beside its own; leave it out, or set it in `fixed`."
        )


def score_line(score: float) -> str:
    """The line of a trial's log that says its score."""
    line = f"{SCORE}={score!r};"
    if not re.search(SCORE_REGEX, line):
        raise ValueError(f"A tuner cannot read the score {score!r}; it must be a finite number.")
    return line
