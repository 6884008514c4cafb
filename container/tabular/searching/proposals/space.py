"""The space of a search: what may be drawn for each hyperparameter of an algorithm."""

from collections.abc import Mapping

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from tabular.spec import own_steps
from tabular.spec.columns import Family
from tabular.spec.errors import BadInput, unknown
from tabular.spec.estimators import Categorical, Continuous, Integer

__all__ = ["Range", "distribution", "ranges_of"]

Range = Integer | Continuous | Categorical


def ranges_of(algorithm: str, family: Family) -> Mapping[str, Range]:
    """The hyperparameters of an algorithm, with the values that each may have.

    Raises:
        BadInput: if the algorithm is unknown or has no estimator for the family.
    """
    known = own_steps.algorithms()
    if algorithm not in known:
        raise unknown("algorithm", algorithm, known)
    if family not in known[algorithm].estimators:
        raise BadInput(
            f"The algorithm {algorithm} has no estimator for {family}; leave it out of the search."
        )
    return known[algorithm].estimators[family].hyperparameters


def distribution(allowed: Range) -> BaseDistribution:
    """The values that a hyperparameter may have, as Optuna's samplers draw from them."""
    if isinstance(allowed, Categorical):
        return CategoricalDistribution(list(allowed.values))
    logarithmic = allowed.scale == "Logarithmic"
    kind = IntDistribution if isinstance(allowed, Integer) else FloatDistribution
    return kind(allowed.low, allowed.high, log=logarithmic)
