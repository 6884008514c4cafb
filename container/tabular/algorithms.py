"""The table of algorithms, under the name that custom steps import."""

from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.columns import Family
from tabular.spec.estimators import Algorithm, Categorical, Continuous, Estimator, Integer, Rounds

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "Categorical",
    "Continuous",
    "Estimator",
    "Family",
    "Integer",
    "Rounds",
]
