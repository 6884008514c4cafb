"""The table of algorithms, under the name that custom steps import."""

from tabular.spec.algorithms import (
    ALGORITHMS,
    Algorithm,
    Categorical,
    Continuous,
    EarlyStopping,
    Estimator,
    Family,
    Integer,
)

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "Categorical",
    "Continuous",
    "EarlyStopping",
    "Estimator",
    "Family",
    "Integer",
]
