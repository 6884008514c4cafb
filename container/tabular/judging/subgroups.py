"""The evaluation broken down by the columns that the user named: is the model equally good for everyone?"""

import numpy as np
import pandas as pd

from tabular.judging.agreement import Answers
from tabular.judging.metrics.bootstrap import resample
from tabular.judging.metrics.quality import intervals
from tabular.judging.metrics.scores import evaluate
from tabular.spec.columns import Schema
from tabular.spec.documents.reports import Subgroup

__all__ = ["by_subgroup"]

MOST_LEVELS = 20
FEW_ROWS = 10  # an interval from fewer rows would say nothing
MISSING = "(missing)"
OTHERS = "(others)"


def by_subgroup(
    columns: pd.DataFrame, schema: Schema, truth: np.ndarray, answers: Answers, seed: int
) -> dict[str, dict[str, Subgroup]]:
    """Rows, metrics and intervals for each level of each column, the most frequent level first.

    Numbers with many distinct values are split at their quartiles. Of more than 20 levels, the rarest are
    combined into one. Metrics that are not defined for a level, such as the AUC of a single class, are left
    out, and so are intervals from too few rows.
    """
    return {name: _by_level(_levels(columns[name]), schema, truth, answers, seed) for name in columns}


def _by_level(
    levels: np.ndarray, schema: Schema, truth: np.ndarray, answers: Answers, seed: int
) -> dict[str, Subgroup]:
    predicted, probabilities = answers
    found = {}
    names, counts = np.unique(levels, return_counts=True)
    for level in names[np.argsort(-counts, kind="stable")]:
        rows = levels == level
        part = (predicted[rows], None if probabilities is None else probabilities[rows])
        values = evaluate(schema.task, truth[rows], *part)
        few = rows.sum() < FEW_ROWS
        (resampled,) = [{}] if few else resample(schema.task, truth[rows], [part], seed)
        metrics = {metric: value for metric, value in values.items() if np.isfinite(value)}
        found[str(level)] = {
            "rows": int(rows.sum()),
            "metrics": metrics,
            "intervals": {
                name: one
                for name, one in intervals(schema, truth[rows], part, resampled).items()
                if name in metrics
            },
        }
    return found


def _levels(values: pd.Series) -> np.ndarray:
    """The level of each row (n_rows,) as text."""
    texts = values.astype(object).map(str, na_action="ignore").replace("", None)
    present = texts.notna()
    if texts.nunique() > MOST_LEVELS:
        numbers = pd.to_numeric(texts, errors="coerce")
        if numbers[present].notna().all():
            quarters = pd.qcut(numbers, 4, duplicates="drop").astype(object)
            texts = quarters.map(_range, na_action="ignore")
        else:
            frequent = texts.value_counts().index[: MOST_LEVELS - 1]
            texts = texts.where(texts.isin(frequent) | ~present, OTHERS)
    return texts.where(present, MISSING).to_numpy(dtype=str)


def _range(interval: pd.Interval) -> str:
    return f"{interval.left:.4g} to {interval.right:.4g}"
