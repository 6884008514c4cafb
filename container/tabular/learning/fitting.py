"""Fitting, done in the same way in a trial and in the refit, so the model that is tuned is the one served."""

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.class_weight import compute_sample_weight

from tabular.learning.pipeline import build_pipeline, decide_levels, fit_features, logarithm
from tabular.learning.rounds import (
    Part,
    PredictedOnce,
    Scorer,
    Scores,
    fit_rounds,
    fit_whole,
    scores_by_rounds,
)
from tabular.spec import own_steps
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput
from tabular.spec.estimators import Rounds

__all__ = ["LIBRARIES", "fit", "parts_of_fold", "rounds_of", "scores_of_fold", "versions"]

LIBRARIES = ("lightgbm", "numpy", "pandas", "scikit-learn", "xgboost", "xgboost-cpu")


def fit(
    frame: pd.DataFrame,
    target: np.ndarray,
    schema: Schema,
    algorithm: str,
    hyperparameters: Mapping[str, str],
    random_state: int,
    rounds: int | None = None,
    groups: np.ndarray | None = None,
) -> Pipeline:
    """The pipeline of an algorithm, fitted on all given rows, with the class weights that the options set.

    Args:
        frame: features (n_rows, n_columns).
        target: the encoded target (n_rows,).
        schema: the schema of the columns, and the options of the table.
        algorithm: its name in the table of algorithms.
        hyperparameters: as text; those not given have their defaults.
        random_state: the seed of everything random.
        rounds: how many trees or epochs, as cross-validation found; for algorithms that are fitted in rounds.
        groups: the number of each row's group (n_rows,), if the rows belong to groups.

    Raises:
        BadInput: if an algorithm or hyperparameter is unknown, a value is outside its range, or the rounds
            are missing.
    """
    pipeline = build_pipeline(schema, algorithm, hyperparameters, random_state)
    learn = _part(_fitted_features(pipeline[:-1], frame, target, schema, groups), target, schema)
    kind = rounds_of(algorithm, schema)
    if kind is None:
        fit_whole(pipeline.named_steps["estimator"], learn)
    elif rounds is None:
        raise BadInput(
            f"{algorithm} is fitted in rounds, and its trial does not say how many; run notebook 02, which "
            "defines the trials, again."
        )
    else:
        fit_rounds(pipeline.named_steps["estimator"], kind, learn, rounds)
    return pipeline


def scores_of_fold(
    frame: pd.DataFrame,
    target: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray],
    schema: Schema,
    algorithm: str,
    hyperparameters: Mapping[str, str],
    random_state: int,
    score: Scorer,
    groups: np.ndarray | None = None,
    keep: Callable[[Any, Any], None] | None = None,
) -> list[Scores]:
    """The score of a pipeline that is fitted on one fold, after growing numbers of rounds.

    Args:
        frame: features (n_rows, n_columns).
        target: the encoded target (n_rows,).
        rows: the numbers of the rows to fit on, and of those to score.
        schema: the schema of the columns, and the options of the table.
        algorithm: its name in the table of algorithms.
        hyperparameters: as text; those not given have their defaults.
        random_state: the seed of everything random.
        score: what is best if greatest.
        groups: the number of each row's group (n_rows,), if the rows belong to groups.
        keep: is given the estimator and the scored features each time that there is a score.

    Returns:
        The scores after each of `tabular.learning.rounds.numbers_of_rounds`, as far as the training went; a
        single score, with a loss of zero, if the algorithm is not fitted in rounds.

    Raises:
        BadInput: if an algorithm or hyperparameter is unknown, or a value is outside its range.
    """
    pipeline = build_pipeline(schema, algorithm, hyperparameters, random_state)
    estimator = pipeline.named_steps["estimator"]
    learn, held_out = parts_of_fold(pipeline[:-1], frame, target, rows, schema, groups)
    kind = rounds_of(algorithm, schema)
    if kind is None:
        fit_whole(estimator, learn)
        fitted = PredictedOnce(estimator, held_out.features)
        if keep is not None:
            keep(fitted, held_out.features)
        return [Scores(float(score(fitted, held_out.features, held_out.target)), 0.0)]
    return scores_by_rounds(estimator, kind, learn, held_out, score, keep)


def parts_of_fold(
    steps: Pipeline,
    frame: pd.DataFrame,
    target: np.ndarray,
    rows: tuple[np.ndarray, np.ndarray],
    schema: Schema,
    groups: np.ndarray | None = None,
) -> tuple[Part, Part]:
    """What the steps before the estimator make of a fold: the rows to fit on, and those to score.

    The arguments are those of `scores_of_fold`; the steps are fitted on the rows to fit on, but all rows say
    which categories have many levels, as they do in the refit.
    """
    decide_levels(steps, frame)
    learnt, scored = rows
    among = None if groups is None else groups[learnt]
    features = _fitted_features(steps, frame.iloc[learnt], target[learnt], schema, among)
    held_out = steps.transform(frame.iloc[scored])
    return _part(features, target[learnt], schema), _part(held_out, target[scored], schema)


def rounds_of(algorithm: str, schema: Schema) -> Rounds | None:
    """How an algorithm counts its rounds; None if it is not fitted in rounds."""
    return own_steps.algorithms()[algorithm].estimators[schema.family].rounds


def versions(libraries: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """The installed versions of the libraries that fit models."""
    found = {}
    for library in libraries:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue  # XGBoost is installed under one of two names
    return found


def _fitted_features(
    steps: Pipeline, frame: pd.DataFrame, target: np.ndarray, schema: Schema, groups: np.ndarray | None
) -> Any:
    learnt = logarithm(target) if schema.options.log_target else target
    return fit_features(steps, frame, learnt, groups)


def _part(features: Any, target: np.ndarray, schema: Schema) -> Part:
    """Rows with the weights that the option class_weight sets."""
    balanced = schema.options.class_weight == "balanced"
    return Part(features, target, compute_sample_weight("balanced", target) if balanced else None)
