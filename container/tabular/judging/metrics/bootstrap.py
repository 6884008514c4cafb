"""How uncertain a metric is: the percentile bootstrap, with many resamples of the held-out rows at a time.

A resample is stored as the number of times each row was drawn, so a metric on all resamples takes only a few
matrix products. If rows belong together, as those of a partition do, whole clusters are drawn (Davison and
Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).
Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 13 and 16.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tabular.judging.agreement import Answers
from tabular.judging.metrics.answers import Answered
from tabular.judging.metrics.scores import on_resamples
from tabular.spec.columns import Task

__all__ = ["CONFIDENCE", "alike", "ends_at", "interval", "resample"]

CONFIDENCE = 0.95
MOST, FEWEST = 2000, 200  # resamples; many rows need fewer, because their metrics hardly differ
CELLS = 4_000_000  # rows times classes times resamples in total
CELLS_AT_ONCE = 200_000  # fits into a cache
# With fewer rows of a class, more than about one resample in a billion would have no row of it.
RARE = 20
FEWEST_CLUSTERS = 10  # fewer say too little about others, so rows are drawn
EQUAL, ROUNDING = 1e-12, 1e-9  # values that differ by less are the same; the second is relative
DEFINED = 0.9  # the fraction of resamples on which a metric must be defined


def resample(
    task: Task,
    truth: np.ndarray,
    answers: Sequence[Answers],
    seed: int,
    clusters: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """The metrics (n_resamples,) of several models, all on the same resamples of the rows (n_rows,).

    If a class is rare, each resample has as many rows of every class as the original rows. A metric is NaN if
    it is not defined. With the cluster of each row (n_rows,), clusters are drawn instead of rows, unless
    there are too few of them.
    """
    parts: list[list[dict[str, np.ndarray]]] = [[] for _ in answers]
    answered = [Answered(task, truth, *one) for one in answers]
    classes = 1 if answers[0][1] is None else answers[0][1].shape[1]
    for weights in _weights(task, truth, classes, seed, clusters):
        for part, one in zip(parts, answered, strict=True):
            part.append(on_resamples(one, weights))
    return [{name: np.concatenate([p[name] for p in part]) for name in part[0]} for part in parts]


def interval(values: np.ndarray, confidence: float = CONFIDENCE) -> dict[str, float] | None:
    """The central interval of resampled values; None if too few of them are defined."""
    found = values[np.isfinite(values)]
    if len(found) < DEFINED * len(values):
        return None
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return {"low": float(low), "high": float(high), "confidence": confidence}


def alike(values: np.ndarray) -> bool:
    """Whether a metric is the same on all resamples on which it is defined, which then say nothing."""
    found = values[np.isfinite(values)]
    return len(found) > 0 and float(np.ptp(found)) <= EQUAL


def ends_at(values: np.ndarray, value: float) -> bool:
    """Whether a metric is on most resamples what it is on the rows themselves, and on none beyond.

    Then a single row decides it, as it does the largest error.
    """
    found = values[np.isfinite(values)]
    same = np.isclose(found, value, rtol=ROUNDING, atol=EQUAL)
    beyond = [bool(((side * found > side * value) & ~same).any()) for side in (1, -1)]
    return len(found) > 0 and float(same.mean()) > 0.5 and not all(beyond)


def _weights(
    task: Task, truth: np.ndarray, classes: int, seed: int, clusters: np.ndarray | None
) -> Iterator[np.ndarray]:
    """How often each row is drawn, in blocks (a few resamples, n_rows) until there are enough resamples."""
    rng = np.random.default_rng(seed)
    strata, together = [np.arange(len(truth))], None
    if clusters is not None:
        names, together = np.unique(clusters, return_inverse=True)
        if len(names) < FEWEST_CLUSTERS:
            together = None
        else:
            strata = [np.arange(len(names))]
    if together is None and task != "regression":
        present, held = np.unique(truth, return_counts=True)
        if held.min() < RARE:
            strata = [np.flatnonzero(truth == one) for one in present]
    left = int(np.clip(CELLS // (len(truth) * classes), FEWEST, MOST))
    while left:
        some = min(left, max(1, CELLS_AT_ONCE // len(truth)))
        weights = np.empty((some, sum(map(len, strata))))
        for rows in strata:
            drawn = rng.integers(len(rows), size=(some, len(rows)))
            drawn += np.arange(some)[:, None] * len(rows)  # a place for each resample
            counts = np.bincount(drawn.ravel(), minlength=drawn.size)
            weights[:, rows] = counts.reshape(drawn.shape)
        yield weights if together is None else weights[:, together]
        left -= some
