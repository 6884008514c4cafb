"""Metrics on tables small enough to compute by hand, and the sign of a margin."""

import math

import numpy as np
import pytest
from sklearn.metrics import get_scorer, get_scorer_names
from support.container.tables import TASKS, fitted
from tabular.judging.metrics.scores import check_complete, evaluate, signed_margin
from tabular.spec.errors import BadInput
from tabular.spec.metrics import METRICS


def expect(found, by_hand):
    """The values of metrics that are few steps by hand; others are compared with scikit-learn's below."""
    assert {name: found[name] for name in by_hand} == pytest.approx(by_hand)


def test_two_classes():
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    positive = np.array([0.1, 0.6, 0.55, 0.8])
    found = evaluate("binary", truth, predicted, np.stack([1 - positive, positive], axis=1))
    expect(
        found,
        {
            "accuracy": 3 / 4,
            "balanced_accuracy": (1 / 2 + 2 / 2) / 2,
            "precision": 2 / 3,
            "recall": 1.0,
            "f1": 2 * (2 / 3) / (2 / 3 + 1),
            "auc": 3 / 4,  # of the four pairs of a positive and a negative one is in the wrong order
            "average_precision": (1 / 1 + 2 / 3) / 2,
            "brier": (0.1**2 + 0.6**2 + 0.45**2 + 0.2**2) / 4,
            "log_loss": -(math.log(0.9) + math.log(0.4) + math.log(0.55) + math.log(0.8)) / 4,
        },
    )


def test_three_classes_are_averaged_without_weights():
    truth, predicted = np.array([0, 0, 1, 2]), np.array([0, 0, 2, 2])
    probabilities = np.array([[0.8, 0.1, 0.1], [0.6, 0.2, 0.2], [0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    found = evaluate("multiclass", truth, predicted, probabilities)
    expect(
        found,
        {
            "accuracy": 3 / 4,
            "balanced_accuracy": 2 / 3,
            "precision": (1 + 0 + 1 / 2) / 3,
            "recall": (1 + 0 + 1) / 3,
            "f1": (1 + 0 + 2 / 3) / 3,
            "weighted_precision": (2 * 1 + 0 + 1 / 2) / 4,
            "weighted_recall": (2 * 1 + 0 + 1) / 4,
            "weighted_f1": (2 * 1 + 0 + 2 / 3) / 4,
            "auc": 1.0,
            "log_loss": -(math.log(0.8) + math.log(0.6) + math.log(0.3) + math.log(0.8)) / 4,
        },
    )


def test_numbers():
    found = evaluate("regression", np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0]), None)
    expect(found, {"mae": 1.0, "mse": 3.0, "rmse": math.sqrt(3), "mape": 1 / 3, "r2": 1 - 9 / 2})


def test_a_target_of_zero_has_no_percentage_error():
    found = evaluate("regression", np.array([0.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0]), None)
    assert math.isnan(found.pop("mape"))
    assert all(math.isfinite(value) for value in found.values())


@pytest.mark.parametrize("task", TASKS)
def test_every_metric_is_the_one_of_scikit_learn(task):
    one = fitted("RandomForest", task)
    rows = slice(20, 90)
    truth, predicted = one.target[rows], one.pipeline.predict(one.frame.iloc[rows])
    probabilities = None if task == "regression" else one.pipeline.predict_proba(one.frame.iloc[rows])
    named = {
        "auc": "roc_auc" if task == "binary" else "roc_auc_ovr",
        "brier": "neg_brier_score",
        "log_loss": "neg_log_loss",
        "mae": "neg_mean_absolute_error",
        "mape": "neg_mean_absolute_percentage_error",
        "mse": "neg_mean_squared_error",
        "rmse": "neg_root_mean_squared_error",
    }
    if task == "multiclass":
        named |= {name: f"{name}_macro" for name in ("precision", "recall", "f1")}
        named |= {f"weighted_{name}": f"{name}_weighted" for name in ("precision", "recall", "f1")}
    found = evaluate(task, truth, predicted.astype(one.target.dtype), probabilities)
    for name, value in found.items():
        scorer = named.get(name, name)
        if scorer not in get_scorer_names():
            continue  # it is a function of scikit-learn's alone, and compared with its resamples
        expected = get_scorer(scorer)(one.pipeline, one.frame.iloc[rows], truth)
        assert value == pytest.approx(-expected if scorer.startswith("neg_") else expected, nan_ok=True), name


@pytest.mark.filterwarnings("error")
def test_a_metric_that_rows_of_one_class_do_not_define_is_nan():
    found = evaluate("binary", np.array([1, 1]), np.array([1, 0]), np.array([[0.2, 0.8], [0.6, 0.4]]))
    assert math.isnan(found["auc"])
    assert found["accuracy"] == 0.5
    one_missing = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.7, 0.2, 0.1]])
    found = evaluate("multiclass", np.array([0, 1, 0]), np.array([0, 1, 0]), one_missing)
    assert math.isnan(found["auc"])
    assert found["log_loss"] == pytest.approx(-(math.log(0.5) + math.log(0.8) + math.log(0.7)) / 3)


@pytest.mark.filterwarnings("error")
def test_probabilities_that_were_rounded_to_single_precision_are_taken_as_they_are():
    rows = [[0.1, 0.2, 0.7], [0.3, 0.3, 0.4], [0.2, 0.6, 0.2]]
    probabilities = np.array(rows, dtype=np.float32).astype(np.float64)
    assert (probabilities.sum(axis=1) != 1.0).any()
    found = evaluate("multiclass", np.array([2, 0, 1]), np.array([2, 2, 1]), probabilities)
    assert found["log_loss"] == pytest.approx(-(math.log(0.7) + math.log(0.3) + math.log(0.6)) / 3, rel=1e-6)


@pytest.mark.parametrize(
    ("metric", "task", "value", "reference", "margin"),
    [
        ("accuracy", "binary", 0.9, 0.8, 0.1),
        ("accuracy", "binary", 0.7, 0.8, -0.1),
        ("auc", "multiclass", 0.8, 0.8, 0.0),
        ("log_loss", "binary", 0.2, 0.3, 0.1),
        ("log_loss", "multiclass", 0.4, 0.3, -0.1),
        ("rmse", "regression", 5.0, 4.0, -1.0),
        ("mae", "regression", 3.0, 4.0, 1.0),
        ("r2", "regression", -1.0, 0.5, -1.5),
    ],
)
def test_a_margin_that_is_not_negative_passes_whatever_the_direction(metric, task, value, reference, margin):
    assert signed_margin(metric, task, value, reference) == pytest.approx(margin)


@pytest.mark.parametrize(
    ("values", "resampled", "sentence"),
    [
        (["mae"], [], "'mae' of tabular/spec/metrics.py has no function in _RESAMPLED of tabular/judging"),
        ([], ["mae"], "'mae' of tabular/spec/metrics.py has no function in _VALUES of tabular/judging"),
        (
            ["mae"],
            ["mae", "mea"],
            "_RESAMPLED .* has 'mea', which is not a metric of tabular/spec/metrics.py",
        ),
    ],
)
def test_a_metric_of_which_a_half_is_missing_is_an_error_when_it_is_imported(values, resampled, sentence):
    halves = {"_VALUES": dict.fromkeys(values), "_RESAMPLED": dict.fromkeys(resampled)}
    with pytest.raises(LookupError, match=sentence):
        check_complete(["mae"], halves)


@pytest.mark.parametrize(
    ("metric", "task"), [("rmse", "binary"), ("accuracy", "regression"), ("AUC", "binary")]
)
def test_a_metric_of_another_task_is_refused_with_the_allowed_ones(metric, task):
    with pytest.raises(BadInput, match=f"{metric!r} does not fit a {task} target; use one of") as refused:
        signed_margin(metric, task, 1.0, 0.0)
    assert all(name in str(refused.value) for name in METRICS[task])
