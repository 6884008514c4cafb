"""What a model has to beat: scikit-learn's own dummy estimators have the same scores."""

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import cross_val_score
from tabular.learning.folds import folds_to_search
from tabular.learning.scorers import scorer_of
from tabular.searching.dummy import dummy_score
from tabular.searching.scoring import Scoring
from tabular.spec.columns import Schema
from tabular.spec.metrics import SCORERS

CLASSES = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize(("task", "scorer"), [(task, name) for task in SCORERS for name in SCORERS[task]])
def test_it_is_that_of_a_dummy_of_scikit_learn(task, scorer):
    rng = np.random.default_rng(1)
    positive = "no" if task == "binary" else None
    schema = Schema(task, "t", CLASSES[task], (), positive=positive)
    target = rng.normal(3, 2, 90) if task == "regression" else rng.choice(len(schema.classes), 90)
    folds = folds_to_search(target, schema, scorer, 4, 7)
    dummy = DummyRegressor() if task == "regression" else DummyClassifier(strategy="prior")
    expected = cross_val_score(dummy, np.zeros((90, 1)), target, cv=folds, scoring=scorer_of(scorer, schema))
    assert dummy_score(target, schema, folds, Scoring(scorer, schema)) == pytest.approx(expected.mean())


def test_every_model_of_a_rare_class_begins_far_above_a_half():
    target = np.array([0] * 90 + [1] * 10)
    schema = Schema("binary", "t", ("no", "yes"), ())
    folds = folds_to_search(target, schema, "accuracy", 5, 7)
    assert dummy_score(target, schema, folds, Scoring("accuracy", schema)) == pytest.approx(0.9)
    assert dummy_score(target, schema, folds, Scoring("average_precision", schema)) == pytest.approx(0.1)
