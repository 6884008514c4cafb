"""Answers of trials to a target of noise, and what scores them."""

import numpy as np
from tabular.searching.scoring import Scoring
from tabular.spec.columns import Schema

CLASSES = {"binary": ("a", "b"), "multiclass": ("a", "b", "c"), "regression": ()}


def schema_of(task: str, positive: str | None = None) -> Schema:
    return Schema(task, "target", CLASSES[task], (), positive=positive)


def numbers(*errors: float, folds: int = 3, rows: int = 60, noise: float = 0.0, seed: int = 1):
    """Answers of several trials to a target of noise: each errs by its own noise of this size."""
    rng = np.random.default_rng(seed)
    targets = [rng.normal(size=rows) for _ in range(folds)]
    common = [noise * rng.normal(size=rows) for _ in range(folds)]
    answers = [
        [t + c + size * rng.normal(size=rows) for t, c in zip(targets, common, strict=True)]
        for size in errors
    ]
    return answers, targets


SCORING = Scoring("neg_root_mean_squared_error", schema_of("regression"))
