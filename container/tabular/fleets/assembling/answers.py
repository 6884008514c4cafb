"""What models predict for the held-out rows, and what they lose by it."""

from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from tabular.fleets.choice import losses
from tabular.fleets.found import Found
from tabular.judging.agreement import Answers, as_model_input, positions
from tabular.judging.gate import no_skill
from tabular.portable.model import PortableModel
from tabular.spec.columns import Schema

__all__ = ["copied", "lost_by", "lost_without_skill", "mean", "of_own", "of_pipeline", "put", "take"]


def of_pipeline(path: Path, frame: pd.DataFrame, schema: Schema) -> Answers:
    """What a fitted pipeline predicts for rows (n_rows, n_columns)."""
    pipeline = joblib.load(path)
    if not schema.classes:
        return np.asarray(pipeline.predict(frame), dtype=np.float64), None
    return pipeline.predict(frame).astype(np.intp), pipeline.predict_proba(frame).astype(np.float64)


def of_own(found: Found, frame: pd.DataFrame, schema: Schema) -> Answers:
    """What an own model predicts for its rows (n_rows, n_columns), without a fleet around it."""
    names = set(found.document["model"]["columns"])
    own = replace(schema, columns=tuple(each for each in schema.columns if each.name in names))
    described = {name: found.document["model"][name] for name in ("encodings", "estimator")}
    model = PortableModel(own.to_dict() | described, found.arrays)
    prediction = model.predict(*as_model_input(frame[[each.name for each in own.columns]], own))
    return positions(prediction.labels, schema), prediction.probabilities


def lost_by(answers: Answers, truth: np.ndarray, schema: Schema) -> np.ndarray:
    """The loss of each row (n_rows,)."""
    predicted, probabilities = answers
    return losses(predicted if probabilities is None else probabilities, truth, schema)


def lost_without_skill(truth: np.ndarray, schema: Schema) -> np.ndarray:
    """The losses (n_rows,) of a model that knows only the class frequencies, or the mean."""
    if not len(truth):
        return np.empty(0)
    return lost_by(no_skill(schema, truth), truth, schema)


def mean(values: np.ndarray) -> float:
    """The mean; NaN if there are no values."""
    return float(values.mean()) if len(values) else float("nan")


def copied(answers: Answers) -> Answers:
    """A copy that can be written to."""
    return answers[0].copy(), None if answers[1] is None else answers[1].copy()


def take(answers: Answers, rows: slice) -> Answers:
    """The answers for some rows."""
    return answers[0][rows], None if answers[1] is None else answers[1][rows]


def put(answers: Answers, rows: slice, some: Answers) -> None:
    """Write the answers for some rows in their places."""
    answers[0][rows] = some[0]
    if answers[1] is not None:
        answers[1][rows] = some[1]
