"""Permutation importance: how much worse a metric gets when one column's cells are shuffled.

Breiman, Random Forests, Machine Learning 45 (2001), section 10; Fisher, Rudin and Dominici, JMLR 20 (2019).
"""

import numpy as np
import pandas as pd

from tabular.judging.agreement import as_model_input, positions
from tabular.judging.metrics.scores import score, signed_margin
from tabular.portable.table_model import TableModel
from tabular.spec.columns import Schema
from tabular.spec.documents.reports import Importance

__all__ = ["permutation_importance"]

REPEATS = 5
MOST_COLUMNS = 200
MOST_ROWS, FEWEST_ROWS = 1000, 100
CELLS = 50_000_000  # that the model gets in total


def permutation_importance(
    model: TableModel, frame: pd.DataFrame, truth: np.ndarray, schema: Schema, metric: str, seed: int
) -> dict[str, Importance]:
    """The mean loss of the metric and its standard deviation over the shuffles, the largest first.

    The model predicts as it is served, on a sample of the rows if there are many. The result is empty if the
    metric is not defined on them. It is also empty for tables with more than 200 columns, where each column
    matters little and the computation takes long. Columns with the same information hide each other:
    shuffling one loses nothing as long as the other remains.
    """
    if len(schema.columns) > MOST_COLUMNS:
        return {}
    rng = np.random.default_rng(seed)
    most = max(FEWEST_ROWS, min(MOST_ROWS, CELLS // (REPEATS * len(schema.columns) ** 2)))
    if len(frame) > most:
        rows = np.sort(rng.choice(len(frame), most, replace=False))
        frame, truth = frame.iloc[rows], truth[rows]
    whole = pd.concat([frame] * REPEATS, ignore_index=True)
    before = _score(model, frame, truth, schema, metric)
    if not np.isfinite(before):  # on the sampled rows
        return {}
    found = {}
    for column in schema.columns:
        places = np.concatenate([rng.permutation(len(frame)) for _ in range(REPEATS)])
        shuffled = whole.assign(**{column.name: frame[column.name].to_numpy()[places]})
        parts = np.split(np.arange(len(whole)), REPEATS)
        answers = _answers(model, shuffled, schema)
        losses = [
            signed_margin(
                metric,
                schema.task,
                before,
                score(metric, schema.task, truth, *(one if one is None else one[rows] for one in answers)),
            )
            for rows in parts
        ]
        found[column.name] = {"mean": float(np.mean(losses)), "standard_deviation": float(np.std(losses))}
    return dict(sorted(found.items(), key=lambda item: -item[1]["mean"]))


def _score(model: TableModel, frame: pd.DataFrame, truth: np.ndarray, schema: Schema, metric: str) -> float:
    return score(metric, schema.task, truth, *_answers(model, frame, schema))


def _answers(model: TableModel, frame: pd.DataFrame, schema: Schema) -> tuple[np.ndarray, np.ndarray | None]:
    prediction = model.predict(*as_model_input(frame, schema))
    said = prediction.probabilities
    if said is not None:
        said = said[:, [model.classes.index(label) for label in schema.classes]]
    return positions(prediction.labels, schema), said
