"""What the table of algorithms is made of: estimators, and hyperparameters with their ranges."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from tabular.spec.columns import Family
from tabular.spec.errors import unknown
from tabular.spec.trial import check_hyperparameter_name

__all__ = [
    "EXPORTERS",
    "Algorithm",
    "Booster",
    "Categorical",
    "Continuous",
    "Estimator",
    "Exporter",
    "Integer",
    "Rounds",
]

Scale = Literal["Linear", "Logarithmic"]
# How fitted estimators are made portable: tabular.portable.exporters has a function for each.
Exporter = Literal[
    "forest", "gaussian_naive_bayes", "lightgbm", "linear", "logistic", "perceptron", "xgboost"
]
# Whose trees can be counted: tabular.learning.boosters has a row for each.
Booster = Literal["lightgbm", "xgboost"]
EXPORTERS: tuple[Exporter, ...] = get_args(Exporter)


@dataclass(frozen=True)
class Integer:
    """An integer from `low` to `high`, both included."""

    low: int
    high: int
    default: int
    scale: Scale = "Linear"

    def parse(self, text: str) -> int:
        """The value of a hyperparameter that SageMaker passes as text."""
        return _parse(int, "an integer", self, text)


@dataclass(frozen=True)
class Continuous:
    """A real number from `low` to `high`, both included."""

    low: float
    high: float
    default: float
    scale: Scale = "Linear"

    def parse(self, text: str) -> float:
        """The value of a hyperparameter that SageMaker passes as text."""
        return _parse(float, "a number", self, text)


@dataclass(frozen=True)
class Categorical:
    """One of a few names; `values` maps each name to the value that the estimator gets."""

    values: Mapping[str, Any]
    default: str

    def parse(self, text: str) -> Any:
        """The value of a hyperparameter that SageMaker passes as text."""
        if text not in self.values:
            raise unknown("value", text, self.values)
        return self.values[text]


@dataclass(frozen=True)
class Rounds:
    """An estimator is fitted in rounds (trees, epochs), whose best number is found by cross-validation.

    `argument` is the estimator's name for the number of rounds, and `most` is the largest number that is
    tried. `tabular.learning.boosters` knows how to count the trees of each `booster`. Without one, each call
    of the estimator's `partial_fit` is one round.
    """

    argument: str
    most: int
    booster: Booster | None = None


@dataclass(frozen=True)
class Estimator:
    """A class compatible with scikit-learn, its fixed arguments and the hyperparameters to tune.

    `exporter` says how a fitted estimator is made portable. Without it, the exporter is taken from the
    project's own row for the same class, if there is one. `sparse` says whether its features may be a sparse
    matrix, in which a cell that is not stored is zero, and not missing. `standardise_target` says whether a
    regressor learns the target with a mean of zero and a standard deviation of one, because it depends on the
    target's unit. `wide` turns the arguments into those to change for a table with more than 1,000 columns.

    Raises:
        BadInput: if the name of a hyperparameter is reserved, or if the exporter is unknown.
    """

    path: str
    hyperparameters: Mapping[str, Integer | Continuous | Categorical]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = True
    threaded: bool = False
    rounds: Rounds | None = None
    exporter: Exporter | None = None
    sparse: bool = False
    standardise_target: bool = False
    wide: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        for name in self.hyperparameters:
            check_hyperparameter_name(name)
        if self.exporter is not None and self.exporter not in EXPORTERS:
            raise unknown("exporter", self.exporter, EXPORTERS)


@dataclass(frozen=True)
class Algorithm:
    """A competing algorithm; `standardise` says whether its features are imputed and scaled first."""

    name: str
    standardise: bool
    estimators: Mapping[Family, Estimator]


def _parse(kind: Callable[[str], Any], what: str, allowed: Integer | Continuous, text: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = math.nan  # outside every range
    if not allowed.low <= value <= allowed.high:
        raise ValueError(f"it must be {what} from {allowed.low} to {allowed.high}.")
    return value
