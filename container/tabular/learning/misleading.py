"""Warnings about what may mislead: rare classes, empty columns, ids, columns that give the answer away."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tabular.data.features import features
from tabular.data.tables import warning
from tabular.spec.columns import Schema

__all__ = ["misleading"]

RARE_ROWS = 10
MOSTLY_EMPTY = 0.5
FEWEST_IDS = 20
# A tree on one column predicts the target of rows that it has not seen.
SUSPECT_ROWS, SUSPECT_CELLS, FEWEST_ROWS, SUSPECT_SCORE = 2_000, 200_000, 200, 0.99


def misleading(
    table: pd.DataFrame, target: np.ndarray, schema: Schema, report: Mapping[str, Any]
) -> list[dict[str, str | None]]:
    """Warnings about a cleaned table: {"column", "said"}.

    Args:
        table: the rows that are used, as they were read.
        target: the encoded target (n_rows,).
        schema: the features and the target.
        report: the report of PreprocessData up to here.
    """
    found = [(schema.target, said) for said in _of_target(report)]
    for name, why in report["columns_dropped"].items():
        if why in ("is empty", "has only one value"):
            where = "empty" if why == "is empty" else "the same"
            found.append((name, f"{where} in every row, so the column is left out."))
    for column in schema.columns:
        found += [(column.name, said) for said in _of_column(table[column.name])]
    for name, score in _suspects(table, target, schema):
        found.append(
            (name, f"predicts the target on its own (score {score:.3f}); is it known at prediction time?")
        )
    return [warning(name, said) for name, said in found]


def _of_target(report: Mapping[str, Any]) -> Iterator[str]:
    if count := report["rows_without_target"]:
        yield f"empty in {count} rows, which are left out."
    for label, count in report["classes"].items():
        if count < RARE_ROWS:
            yield f"only {count} rows are {label!r}: too few to learn or to evaluate it well."


def _of_column(values: pd.Series) -> Iterator[str]:
    empty = values.isna().mean()
    if empty > MOSTLY_EMPTY:
        yield f"empty in {empty:.0%} of the rows."
    elif _like_an_id(values.dropna()):
        yield "a whole number that is different in every row, like an id; if it is one, name it in drop."


def _like_an_id(present: pd.Series) -> bool:
    numbers = pd.api.types.is_numeric_dtype(present) and not pd.api.types.is_bool_dtype(present)
    return bool(numbers and len(present) >= FEWEST_IDS and (present % 1 == 0).all() and present.is_unique)


def _suspects(table: pd.DataFrame, target: np.ndarray, schema: Schema) -> Iterator[tuple[str, float]]:
    """Each column with which a tree reaches the score on both halves of a sample, fitted on the other."""
    most = int(np.clip(SUSPECT_CELLS / len(schema.columns), FEWEST_ROWS, SUSPECT_ROWS))
    rows = np.random.default_rng(0).permutation(len(table))[:most]
    rows = rows[~table.iloc[rows].astype(str).duplicated()]  # a duplicate in the other half gives itself away
    frame, target = features(table.iloc[rows], schema), target[rows]
    regression = schema.task == "regression"
    if regression:  # with ranks, a column is found if the target rises with it, even if not linearly
        target = pd.Series(target).rank(pct=True).to_numpy()
    tree = (DecisionTreeRegressor if regression else DecisionTreeClassifier)(random_state=0)
    score = r2_score if regression else _balanced_accuracy
    half = len(rows) // 2
    for column in schema.columns:
        values = frame[column.name]
        numbers = pd.factorize(values)[0] if column.kind == "categorical" else values.to_numpy()
        cells, reached = numbers[:, None], 1.0
        for one, other in ((slice(half), slice(half, None)), (slice(half, None), slice(half))):
            if reached >= SUSPECT_SCORE:  # most columns fail on the first half
                guessed = tree.fit(cells[one], target[one]).predict(cells[other])
                reached = min(reached, score(target[other], guessed))
        if reached >= SUSPECT_SCORE:
            yield column.name, reached


def _balanced_accuracy(target: np.ndarray, guessed: np.ndarray) -> float:
    return float(np.mean([(guessed[target == label] == label).mean() for label in np.unique(target)]))
