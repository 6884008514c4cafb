"""A trial's input and its score: the names that the pipeline definition, a trial and the refit share."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from tabular.spec.errors import BadInput

__all__ = [
    "ANSWERS_FILE",
    "METRICS",
    "ROUNDS",
    "SCORE",
    "SCORES_FILE",
    "Trial",
    "check_hyperparameter_name",
    "fields_of",
    "read_fields",
    "rounds_line",
    "score_line",
]

SCORE = "cross_validation_score"
# What a trial leaves in output.tar.gz: its score on each fold, and what it predicts for the rows of each.
SCORES_FILE, ANSWERS_FILE = "scores.json", "answers.npz"
ROUNDS = "rounds"  # how many trees or epochs cross-validation found best
# SageMaker finds these numbers in a trial's log with these expressions, which are part of the pipeline
# definition: https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-metrics-variables.html
METRICS = {SCORE: SCORE + r"=([-+0-9.eE]+);", ROUNDS: ROUNDS + r"=([0-9]+);"}


@dataclass(frozen=True)
class Trial:
    """An algorithm with its hyperparameters, and how they are scored.

    A training job gets the fields and the hyperparameters at the same level, because a tuner varies only
    top-level values. So no hyperparameter may have the name of a field, and every field is a string or a
    number, which its type parses from a string.

    `search_rows` is how many rows of the training split the trial may see; 0 stands for all.
    """

    algorithm: str
    scorer: str
    folds: int
    random_state: int
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    search_rows: int = 0

    def to_hyperparameters(self, text: Callable[[Any], Any] = str) -> dict[str, Any]:
        """The hyperparameters of a training job; `text` makes a string of a value or a pipeline parameter."""
        values = {name: getattr(self, name) for name in FIELDS} | dict(self.hyperparameters)
        return {name: text(value) for name, value in values.items()}

    @classmethod
    def from_hyperparameters(cls, given: Mapping[str, str]) -> "Trial":
        """The inverse of `to_hyperparameters`.

        Raises:
            BadInput: if a field is missing or has another type.
        """
        values = read_fields("trial", FIELDS, given)
        return cls(**values, hyperparameters={name: given[name] for name in given if name not in FIELDS})


def fields_of(kind: type) -> dict[str, Callable[[str], Any]]:
    """How each field of a dataclass is read from text: `str`, `int` or `float`, by the field's name."""
    return {one.name: one.type for one in fields(kind) if one.type in _WORDS}


def read_fields(
    what: str, known: Mapping[str, Callable[[str], Any]], given: Mapping[str, str]
) -> dict[str, Any]:
    """The values of the known fields of a trial or a search, which SageMaker passes as text.

    Raises:
        BadInput: if a field is missing or has another type.
    """
    if missing := [name for name in known if name not in given]:
        raise BadInput(f"The {what} has no {', '.join(missing)}; run notebook 02, which defines it, again.")
    values = {}
    for name, read in known.items():
        try:
            values[name] = read(given[name])
        except ValueError:
            raise BadInput(f"The {what}'s {name} is {given[name]!r}; it must be {_WORDS[read]}.") from None
    return values


_WORDS = {str: "text", int: "an integer", float: "a number"}
FIELDS = fields_of(Trial)


def check_hyperparameter_name(name: str) -> None:
    """Check that the name of a hyperparameter is not reserved.

    Raises:
        BadInput: if every trial already gets a value with this name.
    """
    if name in FIELDS or name.startswith(("sagemaker_", "_tuning_")):
        raise BadInput(
            f"A hyperparameter may not be called {name!r}: {', '.join(FIELDS)} and names that begin with "
            "sagemaker_ or _tuning_ are reserved; leave it out, or set it in `fixed`."
        )


def rounds_line(rounds: int) -> str:
    """The line in a trial's log that reports its number of rounds."""
    return f"{ROUNDS}={rounds};"


def score_line(score: float) -> str:
    """The line in a trial's log that reports its score."""
    line = f"{SCORE}={score!r};"
    if not re.search(METRICS[SCORE], line):
        raise ValueError(f"A tuner cannot read the score {score!r}; it must be a finite number.")
    return line
