"""A trial: the same names when it is defined, run and refitted, none of which is a hyperparameter."""

import re
from dataclasses import fields

import pytest
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.errors import BadInput
from tabular.spec.estimators import Estimator, Integer
from tabular.spec.trial import FIELDS, METRICS, SCORE, Trial, score_line

TRIAL = Trial("LightGBM", "accuracy", 3, 7, {"learning_rate": "0.3"}, 20000)
GIVEN = {
    "algorithm": "LightGBM",
    "scorer": "accuracy",
    "folds": "3",
    "random_state": "7",
    "search_rows": "20000",
    "learning_rate": "0.3",
}


def test_what_was_written_is_read_again():
    assert TRIAL.to_hyperparameters() == GIVEN
    assert Trial.from_hyperparameters(GIVEN) == TRIAL


def test_a_trial_starts_without_any_hyperparameter():
    alone = Trial("NaiveBayes", "r2", 5, 1)
    assert Trial.from_hyperparameters(alone.to_hyperparameters()) == alone


def test_every_field_but_the_hyperparameters_travels_beside_them():
    assert {*FIELDS, "hyperparameters"} == {one.name for one in fields(Trial)}
    assert list(TRIAL.to_hyperparameters()) == [*FIELDS, "learning_rate"]
    assert set(FIELDS.values()) <= {str, int, float}, "bool('false') is true"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"folds": None}, "The trial has no folds; run notebook 02, which defines it, again."),
        ({"folds": None, "scorer": None}, "has no scorer, folds;"),
        ({"folds": "3.5"}, "The trial's folds is '3.5'; it must be an integer."),
    ],
)
def test_a_trial_that_lacks_something_is_refused(changes, sentence):
    given = {name: value for name, value in (GIVEN | changes).items() if value is not None}
    with pytest.raises(BadInput, match=re.escape(sentence)):
        Trial.from_hyperparameters(given)


@pytest.mark.parametrize("name", [*FIELDS, "sagemaker_program", "_tuning_objective_metric"])
def test_no_hyperparameter_can_be_taken_for_what_every_trial_is_given(name):
    with pytest.raises(BadInput, match=f"A hyperparameter may not be called '{name}'"):
        Estimator("sklearn.neighbors.KNeighborsClassifier", {name: Integer(1, 5, default=2)})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("family", ["classification", "regression"])
def test_the_hyperparameters_of_every_algorithm_come_back(algorithm, family):
    known = ALGORITHMS[algorithm].estimators[family].hyperparameters
    given = {name: str(allowed.default) for name, allowed in known.items()}
    trial = Trial(algorithm, "accuracy", 3, 7, given)
    assert Trial.from_hyperparameters(trial.to_hyperparameters()).hyperparameters == given


@pytest.mark.parametrize("score", [0.5, -0.25, -1.5e-07, 1e22, 0.0])
def test_the_tuner_reads_the_score_that_a_trial_printed(score):
    assert float(re.fullmatch(METRICS[SCORE], score_line(score))[1]) == score


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_the_tuner_cannot_read_is_refused(score):
    with pytest.raises(ValueError, match="it must be a finite number"):
        score_line(score)
