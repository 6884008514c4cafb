"""Whether a portable model predicts the same as the scikit-learn pipeline that it was exported from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from tabular.learning.ensemble import Ensemble
from tabular.portable.model import PortableModel, Prediction
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput

__all__ = [
    "Agreement",
    "Answers",
    "Known",
    "as_model_input",
    "check_answers",
    "check_equal",
    "positions",
]

EVERY = slice(None)
# Predicted positions in the class list (n_rows,) and probabilities (n_rows, n_classes), or numbers and None.
Answers = tuple[np.ndarray, np.ndarray | None]


@dataclass(frozen=True)
class Agreement:
    """How closely two models agree: the largest difference between their numbers or probabilities.

    `ties` counts rows with different labels whose probabilities differ by at most the tolerance.
    """

    rows: int
    largest_difference: float
    ties: int
    tolerance: float


class Known:
    """Predictions that are known already, with the two methods of a fitted pipeline."""

    def __init__(self, predicted: np.ndarray, probabilities: np.ndarray | None) -> None:
        self._predicted, self._probabilities = predicted, probabilities

    def predict(self, _frame: pd.DataFrame) -> np.ndarray:
        """Positions in the class list (n_rows,), or numbers."""
        return self._predicted

    def predict_proba(self, _frame: pd.DataFrame) -> np.ndarray | None:
        """Probabilities (n_rows, n_classes); None for regression."""
        return self._probabilities


def check_equal(model: PortableModel, pipeline: Pipeline, frame: pd.DataFrame, schema: Schema) -> Agreement:
    """Compare both on all rows, with the portable model's predictions in one batch and one by one.

    Raises:
        BadInput: as in `check_answers`.
    """
    numbers, categories = as_model_input(frame, schema)
    single = [
        model.predict(numbers[i : i + 1], [levels[i : i + 1] for levels in categories])
        for i in range(len(frame))
    ]
    joined = Prediction(
        [label for one in single for label in one.labels],
        np.concatenate([one.probabilities for one in single]) if schema.classes else None,
    )
    answers = [
        (positions(one.labels, schema), one.probabilities)
        for one in (model.predict(numbers, categories), joined)
    ]
    return check_answers(answers, pipeline, frame, schema, model.tolerance)


def check_answers(
    answers: Sequence[Answers],
    pipeline: Pipeline | Ensemble | Known,
    frame: pd.DataFrame,
    schema: Schema,
    tolerance: float,
    compared: np.ndarray | slice = EVERY,
) -> Agreement:
    """Compare several predictions for the same rows with scikit-learn's.

    A difference is relative to one plus the number. For regression, it is relative to one plus the largest
    number of all rows, because a small number can be the sum of large numbers that cancel out. `compared`
    says which rows (n_rows,) are compared.

    Raises:
        BadInput: if a label differs, or a number by more than the tolerance.
    """
    theirs = pipeline.predict_proba(frame) if schema.classes else pipeline.predict(frame)
    if not schema.classes:
        expected = theirs
    elif isinstance(
        pipeline, Ensemble
    ):  # its class is the most probable one; all members were asked just now
        expected = theirs.argmax(axis=1)
    else:
        expected = pipeline.predict(frame)
    rows, theirs, expected = np.arange(len(frame))[compared], theirs[compared], expected[compared]
    scale = 1.0 + (np.abs(theirs) if schema.classes else np.abs(theirs).max(initial=0.0))
    largest, ties = 0.0, 0
    for predicted, probabilities in answers:
        predicted = predicted[compared]
        probabilities = None if probabilities is None else probabilities[compared]
        if probabilities is not None:
            ties += _ties(predicted, expected.astype(np.intp), theirs, tolerance)
        difference = np.abs((predicted if probabilities is None else probabilities) - theirs) / scale
        within = difference <= tolerance  # False for NaN
        if not within.all():
            row = int(within.reshape(len(rows), -1).all(axis=1).argmin())
            raise BadInput(
                f"The portable model differs from scikit-learn by {difference[row].max()} in row "
                f"{rows[row] + 1}, and at most {tolerance} is allowed; it is not registered."
            )
        largest = max(largest, float(difference.max(initial=0.0)))
    return Agreement(len(rows), largest, ties, tolerance)


def as_model_input(frame: pd.DataFrame, schema: Schema) -> tuple[np.ndarray, list[list[str]]]:
    """Features in the form that `PortableModel.predict` needs."""
    kinds = ("numeric", "boolean", "date")
    numbers = frame[[name for kind in kinds for name in schema.of_kind(kind)]].to_numpy(dtype=np.float64)
    return numbers, [frame[name].tolist() for name in schema.of_kind("categorical")]


def positions(labels: Sequence[str | int | float], schema: Schema) -> np.ndarray:
    """Labels as positions in the class list (n_rows,); for regression, the numbers themselves."""
    places = {label: position for position, label in enumerate(schema.classes)}
    return np.array([places[label] for label in labels] if places else labels)


def _ties(predicted: np.ndarray, expected: np.ndarray, probabilities: np.ndarray, tolerance: float) -> int:
    rows = np.flatnonzero(predicted != expected)
    gap = np.abs(probabilities[rows, predicted[rows]] - probabilities[rows, expected[rows]])
    if differing := int((gap > tolerance).sum()):
        raise BadInput(
            f"The portable model predicts other labels than scikit-learn for {differing} of {len(predicted)} "
            "rows; it is not registered."
        )
    return len(rows)
