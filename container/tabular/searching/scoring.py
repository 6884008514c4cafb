"""The score and the loss of predictions that are kept, so that nothing is predicted twice.

An answer is what an ensemble averages: probabilities (n_rows, n_classes) of a classifier, predictions
(n_rows,) of a regressor. The scores are those of scikit-learn's scorers, which take an estimator; here, an
estimator stands in that answers what it is asked. For the usual scorers, the numbers that matter are computed
for many mixtures of answers at a time, because a greedy ensemble asks for thousands of scores.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from tabular.learning.rounds import Scorer, Scores
from tabular.learning.scorers import scorer_of
from tabular.spec.columns import Schema

__all__ = ["Scoring"]

Reduce = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Quick:
    """A scorer that is computed for many answers at a time.

    `reduce` turns answers and the target into what is averaged in a mixture (n_rows, ...). `rows` turns a
    stack of that (n_answers, n_rows, ...) and the target into losses (n_answers, n_rows), and `whole` turns
    their means into scores. `ranked` does both at once where the score is not a mean over rows.
    """

    reduce: Reduce = lambda answers, target: answers
    rows: Reduce | None = None
    whole: Callable[[np.ndarray], np.ndarray] = np.negative
    ranked: Reduce | None = None


class Scoring:
    """The scorer of a search on the answers for a table."""

    def __init__(self, scorer: str, schema: Schema) -> None:
        """Raises BadInput if the scorer does not fit the task."""
        self.scorer: Scorer = scorer_of(scorer, schema)
        self.labelled = schema.task != "regression"
        self.stand_in: Any = _Classifies(len(schema.classes)) if self.labelled else _Predicts()
        self.is_loss = scorer == ("neg_log_loss" if self.labelled else "neg_mean_squared_error")
        positive = 0 if schema.task == "binary" and schema.positive == schema.classes[0] else 1
        quick = scorer != "roc_auc_ovr" or schema.task != "binary"
        self.quick: Quick | None = _quick(positive).get(scorer) if quick else None

    @property
    def by_rows(self) -> bool:
        """Whether the score is computed from the means of losses of the rows, which is quick."""
        return self.quick is not None and self.quick.rows is not None

    def answers(self, estimator: Any, features: Any) -> np.ndarray:
        """What a fitted estimator answers.

        Probabilities are kept in single precision, which is precise enough for any of their scores.
        """
        if not self.labelled:
            return np.asarray(estimator.predict(features), dtype=np.float64)
        probabilities = np.asarray(estimator.predict_proba(features))
        if probabilities.dtype == np.float32:  # a zero of single precision stands for less than its epsilon
            tiny = np.finfo(np.float32).eps
            probabilities = np.clip(probabilities, tiny, 1 - tiny)
        return probabilities.astype(np.float32)

    def score(self, answers: np.ndarray, target: np.ndarray) -> float:
        """The score of answers; greater is better."""
        if self.quick is not None:
            return float(self.scores(self.reduce(answers, target)[None], target)[0])
        with config_context(skip_parameter_validation=True):
            return float(self.scorer(self.stand_in, answers, target))

    def scored(self, answers: np.ndarray, target: np.ndarray, weights: np.ndarray | None) -> Scores:
        """The score, and the loss with its sign changed, which decides how many rounds are enough."""
        if self.is_loss and weights is None:
            score = self.score(answers, target)
            return Scores(score, score)
        lost = (
            _log_losses(_of_truth(answers, target)[None], target)
            if self.labelled
            else _squares(answers[None], target)
        )
        return Scores(self.score(answers, target), -float(np.average(lost[0], weights=weights)))

    def reduce(self, answers: np.ndarray, target: np.ndarray) -> np.ndarray:
        """What of the answers is to be averaged in a mixture, in double precision."""
        found = answers if self.quick is None else self.quick.reduce(answers, target)
        return found.astype(np.float64)

    def scores(self, reduced: np.ndarray, target: np.ndarray) -> np.ndarray:
        """The scores (n_answers,) of a stack of what `reduce` returned (n_answers, n_rows, ...)."""
        if self.quick is None:
            with config_context(skip_parameter_validation=True):
                return np.array([self.scorer(self.stand_in, one, target) for one in reduced], dtype=float)
        if self.quick.ranked is not None:
            return self.quick.ranked(reduced, target)
        return self.quick.whole(self.quick.rows(reduced, target).mean(axis=1))

    def resampled(self, reduced: np.ndarray, target: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """The scores (n_resamples, n_answers) if rows are drawn this often (n_resamples, n_rows).

        They are NaN where the drawn rows have no score, such as a ROC AUC of several classes without one.
        """
        if self.quick is not None and self.quick.rows is not None:
            losses = self.quick.rows(reduced, target)
            return self.quick.whole(counts @ losses.T / counts.sum(axis=1, keepdims=True))
        drawn = (np.repeat(np.arange(len(target)), one) for one in counts.astype(np.intp))
        return np.array([self._scores_if_defined(reduced[:, rows], target[rows]) for rows in drawn])

    def _scores_if_defined(self, reduced: np.ndarray, target: np.ndarray) -> np.ndarray:
        try:
            return self.scores(reduced, target)
        except ValueError:  # what scikit-learn's metrics raise for rows on which they are not defined
            return np.full(len(reduced), np.nan)


class _Classifies(ClassifierMixin, BaseEstimator):
    """A classifier whose features are the probabilities that it answers."""

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes
        self.classes_ = np.arange(n_classes)

    def predict_proba(self, probabilities: np.ndarray) -> np.ndarray:
        """The probabilities themselves."""
        return probabilities

    def predict(self, probabilities: np.ndarray) -> np.ndarray:
        """The class of the largest."""
        return probabilities.argmax(axis=1)


class _Predicts(RegressorMixin, BaseEstimator):
    """A regressor whose features are the numbers that it answers."""

    def predict(self, numbers: np.ndarray) -> np.ndarray:
        """The numbers themselves."""
        return numbers


def _of_truth(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    return probabilities[np.arange(len(target)), target.astype(np.intp)]


def _log_losses(of_truth: np.ndarray, target: np.ndarray) -> np.ndarray:
    tiny = np.finfo(np.float64).eps  # keeps the loss finite, as in scikit-learn
    return -np.log(np.clip(of_truth.astype(np.float64), tiny, 1 - tiny))


def _squares(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    return (predicted - target) ** 2


def _absolute(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.abs(predicted - target)


def _wrong(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
    return (probabilities.argmax(axis=2) != target).astype(np.float64)


def _r2(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):  # a resample may have one row only, again and again
        return 1 - _squares(predicted, target).mean(axis=1) / np.var(target)


def _quick(positive: int) -> Mapping[str, Quick]:
    """The scorers that are not left to scikit-learn; the class `positive` is what is looked for."""

    def of_positive(probabilities: np.ndarray, target: np.ndarray) -> np.ndarray:
        return probabilities[:, positive]

    def brier(of_positive: np.ndarray, target: np.ndarray) -> np.ndarray:
        return (of_positive - (target == positive)) ** 2

    def auc(of_positive: np.ndarray, target: np.ndarray) -> np.ndarray:
        found = target == positive
        here, others = found.sum(), (~found).sum()
        if not here or not others:
            return np.full(len(of_positive), np.nan)
        ranks = rankdata(of_positive, axis=1)[:, found].sum(axis=1)
        return (ranks - here * (here + 1) / 2) / (here * others)

    return {
        "neg_log_loss": Quick(_of_truth, _log_losses),
        "neg_brier_score": Quick(of_positive, brier),
        "roc_auc": Quick(of_positive, ranked=auc),
        "accuracy": Quick(rows=_wrong, whole=lambda mean: 1 - mean),
        "neg_mean_squared_error": Quick(rows=_squares),
        "neg_root_mean_squared_error": Quick(rows=_squares, whole=lambda mean: -np.sqrt(mean)),
        "neg_mean_absolute_error": Quick(rows=_absolute),
        "r2": Quick(ranked=_r2),
    }
