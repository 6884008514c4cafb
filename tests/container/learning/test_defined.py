"""A scorer or metric is said to be undefined on exactly those rows on which its value says nothing."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer
from tabular.judging.metrics.scores import score
from tabular.learning.defined import undefined
from tabular.learning.folds import folds_to_search
from tabular.spec.columns import Column, Schema
from tabular.spec.errors import BadInput
from tabular.spec.metrics import METRICS, SCORERS

COLUMNS = (Column("x", "numeric"),)
CLASSES = {
    "binary": Schema("binary", "y", ("a", "b"), COLUMNS),
    "multiclass": Schema("multiclass", "y", ("a", "b", "c"), COLUMNS),
}
NUMBERS = Schema("regression", "y", (), COLUMNS)


class Number(RegressorMixin, BaseEstimator):
    def fit(self, x, y):
        return self

    def predict(self, x):
        return np.full(len(x), 0.5)


class Shares(ClassifierMixin, BaseEstimator):
    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, x):
        return np.full((len(x), len(self.classes_)), 1 / len(self.classes_))

    def predict(self, x):
        return np.zeros(len(x), dtype=int)


@pytest.mark.parametrize(
    "targets", [[1.0], [0.0], [2.0, 2.0], [0.0, 0.0], [1.0, 2.0], [0.0, 2.0, -1.0]], ids=str
)
@pytest.mark.parametrize("metric", METRICS["regression"])
def test_a_metric_of_numbers_has_a_value_where_it_is_defined(metric, targets):
    truth = np.array(targets)
    value = score(metric, "regression", truth, np.full(len(truth), 0.5), None)
    assert np.isfinite(value) == (undefined(metric, truth) is None)


@pytest.mark.parametrize("targets", [[1.0], [2.0, 2.0], [0.0, 0.0], [1.0, 2.0]], ids=str)
@pytest.mark.parametrize("scorer", SCORERS["regression"])
def test_a_scorer_of_numbers_has_a_value_where_it_is_defined(scorer, targets):
    truth = np.array(targets)
    if undefined(scorer, truth) is None:
        assert np.isfinite(get_scorer(scorer)(Number().fit(None, truth), np.zeros((len(truth), 1)), truth))
    else:
        assert scorer == "r2"
        assert len(set(targets)) < 2


@pytest.mark.filterwarnings("error", "ignore:Precision is ill-defined")  # nothing is predicted positive
@pytest.mark.parametrize("task", CLASSES)
def test_whatever_is_measured_of_classes_is_defined_on_the_smallest_folds_and_held_out_rows(task):
    schema = CLASSES[task]
    target = np.arange(3 * len(schema.classes)) % len(schema.classes)  # a row of each class in each fold
    for scorer in SCORERS[task]:
        for fold in folds_to_search(target, schema, scorer, 3, 7):
            model, rows = Shares().fit(None, target[fold.learn]), np.zeros((len(fold.scored), 1))
            assert np.isfinite(get_scorer(scorer)(model, rows, target[fold.scored]))
    truth = np.arange(len(schema.classes))
    shares = np.full((len(truth), len(truth)), 1 / len(truth))
    for metric in METRICS[task]:
        assert np.isfinite(score(metric, task, truth, np.zeros(len(truth)), shares))


@pytest.mark.parametrize(
    ("target", "folds", "why"),
    [
        (np.arange(6.0), 6, "fold 1 of 6, because it needs two different targets and there is only one row"),
        (np.full(9, 4.0), 3, "fold 1 of 3, .* and all 3 rows have 4; set CrossValidationFolds to a smaller"),
    ],
    ids=["one row", "the same"],
)
def test_r2_is_refused_where_it_is_not_defined_and_other_scorers_are_not(target, folds, why):
    with pytest.raises(BadInput, match=why):
        folds_to_search(target, NUMBERS, "r2", folds, 7)
    assert len(folds_to_search(target, NUMBERS, "neg_mean_absolute_error", folds, 7)) == folds
