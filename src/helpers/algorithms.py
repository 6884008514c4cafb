"""The competing algorithms as a table to read."""

import pandas as pd
from tabular.algorithms import ALGORITHMS, Categorical, Continuous, Family, Integer

__all__ = ["table"]


def table(family: Family) -> pd.DataFrame:
    """A row for each tuned hyperparameter: its range, its scale and its default."""
    rows = [
        {
            "algorithm": algorithm.name,
            "hyperparameter": name,
            "range": _range(allowed),
            "scale": "" if isinstance(allowed, Categorical) else allowed.scale.lower(),
            "default": str(allowed.default),
        }
        for algorithm in ALGORITHMS.values()
        for name, allowed in algorithm.estimators[family].hyperparameters.items()
    ]
    return pd.DataFrame(rows).set_index(["algorithm", "hyperparameter"])


def _range(allowed: Integer | Continuous | Categorical) -> str:
    if isinstance(allowed, Categorical):
        return ", ".join(allowed.values)
    return f"{allowed.low:g} to {allowed.high:g}"
