"""Scorers: those that depend on the positive class score the one that the table names."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score, get_scorer, precision_score, recall_score
from tabular.learning.scorers import scorer_of
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput
from tabular.spec.metrics import SCORERS


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 2))
    target = (rows[:, 0] + rng.normal(size=300) > 0.8).astype(int)
    return LogisticRegression().fit(rows, target), rows, target


@pytest.mark.parametrize("name", SCORERS["binary"])
def test_every_scorer_is_that_of_scikit_learn_with_the_classes_exchanged(model, name):
    """The same model with exchanged classes has the same score for the same class."""
    fitted, rows, target = model
    exchanged = LogisticRegression().fit(rows, 1 - target)
    schemas = [Schema("binary", "y", ("a", "b"), (), positive=one) for one in ("a", "b")]
    first = scorer_of(name, schemas[0])(fitted, rows, target)
    assert first == pytest.approx(get_scorer(name)(exchanged, rows, 1 - target), abs=1e-4)
    assert scorer_of(name, schemas[1])(fitted, rows, target) == get_scorer(name)(fitted, rows, target)


def test_the_scorers_of_the_first_class_are_about_it(model):
    fitted, rows, target = model
    schema = Schema("binary", "y", ("a", "b"), (), positive="a")
    found = {name: scorer_of(name, schema)(fitted, rows, target) for name in ("f1", "precision", "recall")}
    said = fitted.predict(rows)
    by_hand = {"f1": f1_score, "precision": precision_score, "recall": recall_score}
    assert found == {name: one(target, said, pos_label=0) for name, one in by_hand.items()}
    said = fitted.predict_proba(rows)[:, 0]
    assert scorer_of("average_precision", schema)(fitted, rows, target) == pytest.approx(
        average_precision_score(target == 0, said)
    )


def test_a_scorer_of_another_task_is_refused():
    with pytest.raises(BadInput, match="CrossValidationScorer 'r2' does not fit a binary target"):
        scorer_of("r2", Schema("binary", "y", ("a", "b"), ()))
