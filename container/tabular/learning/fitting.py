"""Fitting, done in the same way in a trial and in the refit, so the model that is tuned is the one served."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight

from tabular.learning.pipeline import build_pipeline, logarithm
from tabular.learning.splits import split
from tabular.spec import own_steps
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput

__all__ = ["ENOUGH_ROWS", "fit"]

ENOUGH_ROWS = 1000  # for setting some of them aside for early stopping
VALIDATION = 0.1


def fit(
    frame: pd.DataFrame,
    target: np.ndarray,
    schema: Schema,
    algorithm: str,
    hyperparameters: Mapping[str, str],
    random_state: int,
    groups: np.ndarray | None = None,
) -> Pipeline:
    """The fitted pipeline of an algorithm, with the class weights that the options set.

    If there are enough rows, a tenth is set aside for early stopping by the algorithms that support it.

    Args:
        frame: features (n_rows, n_columns).
        target: the encoded target (n_rows,).
        schema: the schema of the columns, and the options of the table.
        algorithm: its name in the table of algorithms.
        hyperparameters: as text; those not given have their defaults.
        random_state: the seed of everything random.
        groups: the number of each row's group (n_rows,); a group is set aside as a whole.

    Raises:
        BadInput: if an algorithm or hyperparameter is unknown, or a value is outside its range.
    """
    pipeline = build_pipeline(schema, algorithm, hyperparameters, random_state)
    estimator = pipeline.named_steps["estimator"]
    features = pipeline.named_steps["features"].fit_transform(frame)
    balanced = schema.options.class_weight == "balanced"
    weights = compute_sample_weight("balanced", target) if balanced else None
    rows, more = np.arange(len(target)), {}
    stopping = own_steps.algorithms()[algorithm].estimators[schema.family].early_stopping
    parts = _set_aside(target, schema, random_state, groups) if stopping else None
    if stopping and parts:
        inner = estimator.regressor if schema.options.log_target else estimator
        inner.set_params(**stopping.settings)
        if stopping.fit_arguments is not None:
            rows, aside = parts
            learnt = logarithm(target) if schema.options.log_target else target
            weight = None if weights is None else [weights[aside]]
            more = stopping.fit_arguments(features[aside], learnt[aside], weight)
    if weights is not None:
        more["sample_weight"] = weights[rows]
    estimator.fit(features[rows], target[rows], **more)
    return pipeline


def _set_aside(
    target: np.ndarray, schema: Schema, random_state: int, groups: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray] | None:
    """Rows to train on and rows to set aside; None if there are too few in total or of a class."""
    if len(target) < ENOUGH_ROWS:
        return None
    times = np.arange(len(target)) if schema.options.time else None
    try:
        return split(target, schema, VALIDATION, True, random_state, groups, times)
    except BadInput:
        return None
