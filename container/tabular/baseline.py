"""What the rows of training look like, by column: the baseline that travels with a model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tabular.dates import as_text
from tabular.schema import Column, Schema

__all__ = ["baseline"]

MOST_FREQUENT = 10
QUARTILES = {"min": 0.0, "first_quartile": 0.25, "median": 0.5, "third_quartile": 0.75, "max": 1.0}


def baseline(frame: pd.DataFrame, schema: Schema) -> Mapping[str, Any]:
    """Statistics of each feature, numbers of six digits; None where no cell is filled.

    Numbers have mean, standard_deviation and quartiles, booleans the share of true, dates the first and the
    last, categories the shares of the most frequent levels and how many there are; all have the share that
    is missing.
    """
    return {column.name: _of_column(frame[column.name], column) for column in schema.columns}


def _of_column(values: pd.Series, column: Column) -> dict[str, Any]:
    if column.kind == "categorical":
        shares = values.value_counts(normalize=True)
        frequent = {level: _rounded(share) for level, share in shares.head(MOST_FREQUENT).items()}
        missing = _rounded((values == "").mean())
        return {"missing": missing, "distinct": len(shares), "most_frequent": frequent}
    missing = {"missing": _rounded(values.isna().mean())}
    if column.kind == "boolean":
        return {**missing, "true": _rounded(values.mean())}
    if column.kind == "date":
        first, last = as_text(np.array([values.min(), values.max()]), str(column.format))
        return {**missing, "first": first, "last": last}
    present = values.dropna().to_numpy()
    if not len(present):
        return missing | dict.fromkeys(("mean", "standard_deviation", *QUARTILES))
    found = (present.mean(), present.std(), *np.quantile(present, list(QUARTILES.values())))
    names = ("mean", "standard_deviation", *QUARTILES)
    return missing | {name: _rounded(number) for name, number in zip(names, found, strict=True)}


def _rounded(number: float) -> float | None:
    return float(f"{number:.6g}") if np.isfinite(number) else None
