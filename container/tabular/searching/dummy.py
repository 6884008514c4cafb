"""What a model has to beat: the score of one that knows the target's distribution and ignores all columns."""

import warnings
from collections.abc import Sequence

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning

from tabular.learning.folds import Fold
from tabular.searching.scoring import Scoring
from tabular.spec.columns import Schema

__all__ = ["dummy_score"]


def dummy_score(target: np.ndarray, schema: Schema, folds: Sequence[Fold], scoring: Scoring) -> float | None:
    """The cross-validated score of always giving the same answer, as scikit-learn's dummy estimators do.

    It is the frequencies of the classes among the rows to learn from, of which the most frequent one is
    predicted, or the mean of the target.

    Args:
        target: the encoded target (n_rows,).
        schema: the schema of the table.
        folds: those that the trials are scored on.
        scoring: that of the trials.

    Returns:
        The mean over the folds; None if the score is not a finite number on one of them.
    """
    scores = []
    for fold in folds:
        known, asked = target[fold.learn], target[fold.scored]
        if schema.classes:
            frequencies = np.bincount(known.astype(np.intp), minlength=len(schema.classes)) / len(known)
            answers = np.tile(frequencies, (len(asked), 1))
        else:
            answers = np.full(len(asked), known.mean())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UndefinedMetricWarning)  # no row is predicted as the rare class
            scores.append(scoring.score(answers, asked))
    found = float(np.mean(scores))
    return found if np.isfinite(found) else None
