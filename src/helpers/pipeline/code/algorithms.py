"""The competing algorithms, the project's and your own, and a table that shows them."""

from collections.abc import Mapping

import pandas as pd
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.columns import Family
from tabular.spec.estimators import Algorithm, Categorical, Continuous, Integer

from helpers.pipeline.code import own_steps

__all__ = ["competing", "table"]
__dir__ = __all__.copy


def competing(steps_file: str = "") -> Mapping[str, Algorithm]:
    """The project's algorithms and those in the file with your own steps, by name.

    Raises:
        BadInput: the file cannot be used.
    """
    return own_steps.algorithms(steps_file) if steps_file else ALGORITHMS


def table(family: Family, competing: Mapping[str, Algorithm] = ALGORITHMS) -> pd.DataFrame:
    """A row for each tuned hyperparameter: its range, its scale and its default."""
    rows = [
        {
            "algorithm": algorithm.name,
            "hyperparameter": name,
            "range": _range(allowed),
            "scale": "" if isinstance(allowed, Categorical) else allowed.scale.lower(),
            "default": str(allowed.default),
        }
        for algorithm in competing.values()
        if family in algorithm.estimators
        for name, allowed in algorithm.estimators[family].hyperparameters.items()
    ]
    return pd.DataFrame(rows).set_index(["algorithm", "hyperparameter"])


def _range(allowed: Integer | Continuous | Categorical) -> str:
    if isinstance(allowed, Categorical):
        return ", ".join(allowed.values)
    return f"{allowed.low:g} to {allowed.high:g}"
