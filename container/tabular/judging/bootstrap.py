"""How far a metric may be off: the percentile bootstrap, every resample of the held-out rows at once.

A resample is how often each row was drawn, so that a metric on all of them is a few products of matrices.
Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 16.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tabular.judging.agreement import Answers
from tabular.spec.columns import Task

__all__ = ["CONFIDENCE", "interval", "resample"]

CONFIDENCE = 0.95
MOST, FEWEST = 2000, 200  # resamples; many rows need fewer, for their metrics hardly differ
CELLS = 4_000_000  # rows times classes times resamples in all
CELLS_AT_ONCE = 200_000  # what fits a cache
# With fewer rows of a class, one resample in a thousand million or more would lack it.
RARE = 20
DEFINED = 0.9  # the share of resamples on which a metric has to be defined


def resample(task: Task, truth: np.ndarray, answers: Sequence[Answers], seed: int) -> list[dict[str, Any]]:
    """The metrics (n_resamples,) of several models, all on the same resamples of the rows (n_rows,).

    Where a class is rare each resample holds every class as often as the rows do. NaN where a metric is not
    defined.
    """
    parts: list[list[dict[str, np.ndarray]]] = [[] for _ in answers]
    prepared = [_prepare(task, truth, *one) for one in answers]
    classes = 1 if answers[0][1] is None else answers[0][1].shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        for weights in _weights(task, truth, classes, seed):
            for part, one in zip(parts, prepared, strict=True):
                part.append(_OF_TASK[task](one, weights))
    return [{name: np.concatenate([p[name] for p in part]) for name in part[0]} for part in parts]


def interval(values: np.ndarray, confidence: float = CONFIDENCE) -> dict[str, float] | None:
    """The middle share of resampled values; None where they are not defined often enough to say."""
    found = values[np.isfinite(values)]
    if len(found) < DEFINED * len(values):
        return None
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return {"low": float(low), "high": float(high), "confidence": confidence}


def _weights(task: Task, truth: np.ndarray, classes: int, seed: int) -> Iterator[np.ndarray]:
    """How often each row is drawn, (some resamples, n_rows), until there are enough."""
    rng = np.random.default_rng(seed)
    strata = [np.arange(len(truth))]
    if task != "regression":
        present, held = np.unique(truth, return_counts=True)
        if held.min() < RARE:
            strata = [np.flatnonzero(truth == one) for one in present]
    left = int(np.clip(CELLS // (len(truth) * classes), FEWEST, MOST))
    while left:
        some = min(left, max(1, CELLS_AT_ONCE // len(truth)))
        weights = np.empty((some, len(truth)))
        for rows in strata:
            drawn = rng.integers(len(rows), size=(some, len(rows)))
            drawn += np.arange(some)[:, None] * len(rows)  # a place for each resample
            counts = np.bincount(drawn.ravel(), minlength=drawn.size)
            weights[:, rows] = counts.reshape(drawn.shape)
        yield weights
        left -= some


def _prepare(
    task: Task, truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None
) -> dict[str, Any]:
    """What all resamples share: sorted scores, the loss of each row."""
    if task == "regression":
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.abs(predicted - truth) / np.abs(truth) if truth.all() else np.full(len(truth), np.nan)
        return {"truth": truth - truth.mean(), "error": predicted - truth, "share": shares}
    assert probabilities is not None  # noqa: S101 - every classifier gives them
    labels = np.eye(probabilities.shape[1])
    chosen = probabilities[np.arange(len(truth)), truth.astype(np.intp)] / probabilities.sum(axis=1)
    tiny = np.finfo(probabilities.dtype).eps  # as scikit-learn keeps a loss finite
    scored = [1] if task == "binary" else range(len(labels))
    return {
        "rows": labels[truth.astype(np.intp)],
        "columns": labels[predicted],
        "right": labels[predicted] * (truth == predicted)[:, None],
        "log_loss": -np.log(np.clip(chosen, tiny, 1 - tiny)),
        "brier": (probabilities[:, 1] - truth) ** 2,
        "rankings": [_Ranking(truth == one, probabilities[:, one]) for one in scored],
    }


class _Ranking:
    """The rows of one class among the others, in the order of a score; equal scores stand together."""

    def __init__(self, positive: np.ndarray, scores: np.ndarray) -> None:
        self.order = np.argsort(scores, kind="stable")
        self.positive = positive[self.order].astype(np.float64)
        self.starts = np.flatnonzero(np.diff(scores[self.order], prepend=-np.inf))

    def counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positive and negative draws (n_resamples, n_scores) at each score, the lowest first."""
        ordered = weights[:, self.order]
        positive = np.add.reduceat(ordered * self.positive, self.starts, axis=1)
        return positive, np.add.reduceat(ordered, self.starts, axis=1) - positive


def _auc(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """The share of pairs in the right order, a tie being half a pair."""
    below = np.cumsum(negative, axis=1) - negative / 2
    return (positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1))


def _average_precision(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    right = np.cumsum(positive[:, ::-1], axis=1)
    precision = right / (right + np.cumsum(negative[:, ::-1], axis=1))
    return np.nansum(positive[:, ::-1] * precision, axis=1) / right[:, -1]  # NaN before the first draw


def _binary(one: dict[str, Any], weights: np.ndarray) -> dict[str, np.ndarray]:
    counts = one["rankings"][0].counts(weights)
    overall, by_class, _, _ = _of_labels(one, weights)
    return {
        **overall,
        **{name: values[:, 1] for name, values in by_class.items()},
        "auc": _auc(*counts),
        "average_precision": _average_precision(*counts),
        "brier": _mean(one["brier"], weights),
        "log_loss": _mean(one["log_loss"], weights),
    }


def _multiclass(one: dict[str, Any], weights: np.ndarray) -> dict[str, np.ndarray]:
    overall, by_class, rows, columns = _of_labels(one, weights)
    counted = np.where(rows + columns, 1.0, np.nan)  # a class among the labels or the predictions
    return {
        **overall,
        **{name: np.nanmean(values * counted, axis=1) for name, values in by_class.items()},
        **{f"weighted_{name}": _mean_over(values, rows) for name, values in by_class.items()},
        "auc": np.mean([_auc(*ranking.counts(weights)) for ranking in one["rankings"]], axis=0),
        "log_loss": _mean(one["log_loss"], weights),
    }


def _regression(one: dict[str, Any], weights: np.ndarray) -> dict[str, np.ndarray]:
    error, truth, rows = one["error"], one["truth"], len(one["truth"])
    squared = weights @ error**2
    spread = weights @ truth**2 - (weights @ truth) ** 2 / rows
    return {
        "mae": _mean(np.abs(error), weights),
        "mse": squared / rows,
        "rmse": np.sqrt(squared / rows),
        "mape": _mean(one["share"], weights),
        "r2": 1 - squared / spread,
    }


def _of_labels(one: dict[str, Any], weights: np.ndarray) -> tuple[Any, Any, np.ndarray, np.ndarray]:
    """The accuracies, the metrics of each class, and its labels and predictions (n_resamples, n_classes)."""
    rows, columns, right = (weights @ one[name] for name in ("rows", "columns", "right"))
    overall = {
        "accuracy": right.sum(axis=1) / rows.sum(axis=1),
        "balanced_accuracy": np.nanmean(right / rows, axis=1),
    }
    by_class = {  # zero where nothing was predicted or found, as scikit-learn is told to
        "precision": _share(right, columns),
        "recall": _share(right, rows),
        "f1": _share(2 * right, rows + columns),
    }
    return overall, by_class, rows, columns


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _mean_over(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return (values * rows).sum(axis=1) / rows.sum(axis=1)


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ values / len(values)


_OF_TASK = {"binary": _binary, "multiclass": _multiclass, "regression": _regression}
