"""The configurations with which every search begins, in the order of portfolio.json."""

import json
from functools import cache
from pathlib import Path

from tabular.searching.trials import Configuration
from tabular.spec.columns import Family

__all__ = ["portfolio"]

FILE = Path(__file__).with_suffix(".json")  # travels with this module


@cache
def portfolio(family: Family) -> tuple[Configuration, ...]:
    """The configurations for a family; one without hyperparameters is the default of its algorithm."""
    return tuple(
        Configuration(
            one["algorithm"], one["hyperparameters"], "portfolio" if one["hyperparameters"] else "default"
        )
        for one in json.loads(FILE.read_text())[family]
    )
