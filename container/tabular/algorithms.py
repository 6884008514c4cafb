"""The table of algorithms, under the name that custom steps import."""

from tabular.spec.algorithms import (
    ALGORITHMS,
    Algorithm,
    Boosting,
    Categorical,
    Continuous,
    Estimator,
    Family,
    Integer,
    Rounds,
)

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "Boosting",
    "Categorical",
    "Continuous",
    "Estimator",
    "Family",
    "Integer",
    "Rounds",
]
