"""What is kept of a trial's answers is scored as scikit-learn scores the estimator."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from support.container.answers import CLASSES, schema_of
from tabular.learning.scorers import scorer_of
from tabular.searching.scoring import Scoring
from tabular.spec.metrics import SCORERS

RNG = np.random.default_rng(3)


class Answering(ClassifierMixin, BaseEstimator):
    """A fitted classifier that answers what it was made with."""

    def __init__(self, probabilities: np.ndarray) -> None:
        self.probabilities = probabilities
        self.classes_ = np.arange(probabilities.shape[1])

    def predict_proba(self, features):
        return self.probabilities

    def predict(self, features):
        return self.probabilities.argmax(axis=1)


class Numbers(BaseEstimator):
    """A fitted regressor that answers what it was made with."""

    def __init__(self, numbers: np.ndarray) -> None:
        self.numbers = numbers

    def predict(self, features):
        return self.numbers


def made(task: str, rows: int = 90):
    """An estimator with its answers, some of which are alike, and the target."""
    if task == "regression":
        target = RNG.normal(size=rows)
        return Numbers(target + RNG.normal(size=rows)), target
    classes = len(CLASSES[task])
    target = np.arange(rows) % classes
    probabilities = RNG.multinomial(16, RNG.dirichlet(np.ones(classes), size=rows)) / 16
    return Answering(probabilities), target


@pytest.mark.parametrize("positive", ["a", "b"])
@pytest.mark.parametrize(("task", "scorer"), [(task, one) for task in SCORERS for one in SCORERS[task]])
def test_every_scorer_says_of_kept_answers_what_scikit_learn_says_of_the_estimator(task, scorer, positive):
    schema = schema_of(task, positive if task == "binary" else None)
    estimator, target = made(task)
    scoring = Scoring(scorer, schema)
    answers = scoring.answers(estimator, np.zeros((len(target), 1)))
    expected = scorer_of(scorer, schema)(estimator, np.zeros((len(target), 1)), target)
    assert scoring.score(answers, target) == pytest.approx(expected, rel=1e-6)
    reduced = scoring.reduce(answers, target)
    pair = np.stack([reduced, reduced[::-1]])
    once = scoring.resampled(pair, target, np.ones((1, len(target))))
    np.testing.assert_allclose(once[0], scoring.scores(pair, target), rtol=1e-12)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_loss_counts_the_weights_of_the_rows(task):
    scoring = Scoring("accuracy" if task == "binary" else "r2", schema_of(task))
    estimator, target = made(task)
    answers = scoring.answers(estimator, target[:, None])
    weights = np.arange(len(target), dtype=float)
    loss = "neg_log_loss" if task == "binary" else "neg_mean_squared_error"
    expected = scorer_of(loss, schema_of(task))(estimator, target[:, None], target, sample_weight=weights)
    assert scoring.scored(answers, target, weights).loss == pytest.approx(expected, rel=1e-6)
