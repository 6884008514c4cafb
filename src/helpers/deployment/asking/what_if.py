"""One cell changed at a time: how far each column alone moves the probability for one row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from tabular.spec.columns import Schema

from helpers.deployment.asking.endpoint import NOTHING, predict, schema_of
from helpers.deployment.deployments import in_service
from helpers.display.frames import INSTEAD
from helpers.session import Session

__all__ = ["columns_that_matter", "values_of", "vary"]
__dir__ = __all__.copy

HARD = "deliveries"  # the example in which no column decides alone
MOST_VALUES = 21  # of a column
ONLY_CLASSES = "No model in service predicts classes, so there is no probability to move."

Rows = Mapping[str, Sequence[Sequence[Any]]]


def vary(session: Session, rows: Rows, dataset: str = HARD, number: int = 0) -> pd.DataFrame:
    """Change one cell of one held-out row at a time, and ask for the probability of each change.

    Args:
        session: where the URL is.
        rows: held-out rows of each data set in service.
        dataset: whose row; if it is not in service, the first with classes that is.
        number: which of its rows.

    Returns:
        A row for each change: data set, class (the positive one of two, else the predicted one), column,
        value, probability, and whether it is the row's own value.
    """
    served = in_service(session)
    for name in sorted(rows, key=lambda name: name != dataset):
        schema = schema_of(session, name, served[name]["version"])
        if schema.classes:
            return _varied(session, name, schema, rows[name], number)
    columns = ["data set", "class", "column", "value", "probability", "own"]
    moved = pd.DataFrame(columns=columns)
    moved.attrs[INSTEAD] = ONLY_CLASSES if rows else NOTHING
    return moved


def columns_that_matter(moved: pd.DataFrame, most: int = 8) -> pd.DataFrame:
    """How far each column alone moves the probability, the farthest first."""
    span = moved.groupby("column")["probability"].agg(lowest="min", highest="max")
    table = span.assign(moves=span["highest"] - span["lowest"]).sort_values("moves", ascending=False)
    table = table.head(most).astype(float).round(3)
    table.attrs[INSTEAD] = moved.attrs.get(INSTEAD, NOTHING)
    return table


def values_of(cells: Sequence[Any], most: int = MOST_VALUES) -> list[Any]:
    """The values to try in a column: quantiles of numbers, or else its most frequent cells."""
    known = [cell for cell in cells if cell is not None]
    if known and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in known):
        return np.unique(np.quantile(known, np.linspace(0, 1, most), method="nearest")).tolist()
    return pd.Series(known, dtype=object).value_counts().index[:most].tolist()


def _varied(
    session: Session, dataset: str, schema: Schema, rows: Sequence[Sequence[Any]], number: int
) -> pd.DataFrame:
    row, names = list(rows[number]), [column.name for column in schema.columns]
    changes = [
        (place, value)
        for place, cells in enumerate(zip(*rows, strict=True))
        for value in [row[place], *(value for value in values_of(cells) if value != row[place])]
    ]
    asked = [[*row[:place], value, *row[place + 1 :]] for place, value in changes]
    answer = predict(session, dataset, asked)
    watched = answer["predictions"][0]
    if len(schema.classes) == 2:
        watched = schema.classes[1] if schema.positive is None else schema.positive
    position = [str(label) for label in answer["classes"]].index(str(watched))
    return pd.DataFrame(
        {
            "data set": dataset,
            "class": str(watched),
            "column": [names[place] for place, _ in changes],
            "value": pd.Series([value for _, value in changes], dtype=object),
            "probability": [shares[position] for shares in answer["probabilities"]],
            "own": [value == row[place] for place, value in changes],
        }
    )
