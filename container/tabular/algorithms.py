"""The table of algorithms, under the name by which people's own steps import it."""

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
