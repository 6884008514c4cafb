"""A score without errors: its interval, and what decides between two models that are always right."""

import numpy as np
import pytest
from scipy.stats import beta
from tabular.judging.gate import compare
from tabular.judging.metrics.answers import Answered
from tabular.judging.metrics.bootstrap import resample
from tabular.judging.metrics.flawless import limits
from tabular.judging.metrics.quality import intervals, model_quality
from tabular.spec.columns import Schema

pytestmark = pytest.mark.slow
BINARY = Schema("binary", "y", ("no", "yes"), (), positive="yes")
THREE = Schema("multiclass", "y", ("a", "b", "c"), ())


def answered(truth, sure=0.9, wrong=()):
    """A model that is right about every row but a few, with probabilities that are not all the same."""
    classes = truth.max() + 1
    predicted = truth.copy()
    predicted[list(wrong)] = (predicted[list(wrong)] + 1) % classes
    sure = np.clip(sure + np.linspace(-0.05, 0.05, len(truth)), 0, 1)[:, None]
    return predicted, sure * np.eye(classes)[predicted] + (1 - sure) / classes


def spread(schema, truth, answer):
    (resampled,) = resample(schema.task, truth, [answer], 0)
    return intervals(schema, truth, answer, resampled)


def test_a_perfect_accuracy_on_36_rows_is_at_least_what_clopper_and_pearson_say():
    truth = np.arange(36) % 3
    found = spread(THREE, truth, answered(truth))
    for name in ("accuracy", "balanced_accuracy", "recall", "precision", "f1", "weighted_recall"):
        assert found[name]["low"] == pytest.approx(beta.ppf(0.025, 36, 1), abs=1e-6)  # 0.9026
        assert found[name]["high"] == 1.0
    assert found["auc"]["low"] == pytest.approx((0.025 / 3) ** (1 / 12))
    assert found["log_loss"]["low"] < found["log_loss"]["high"]


def test_a_perfect_score_of_two_classes_depends_on_the_rows_that_it_is_about():
    truth = np.array([0] * 50 + [1] * 10)
    found = spread(BINARY, truth, answered(truth))
    of_ten = beta.ppf(0.025, 10, 1)
    assert found["recall"]["low"] == found["precision"]["low"] == pytest.approx(of_ten)
    assert found["f1"]["low"] == pytest.approx(2 * of_ten / (1 + of_ten))
    assert found["auc"]["low"] == pytest.approx(of_ten)
    assert found["accuracy"]["low"] == pytest.approx(beta.ppf(0.025, 60, 1))
    assert "average_precision" not in found  # no bound is known, and a single point would be a claim


def test_a_model_that_gives_all_rows_one_class_has_no_interval_without_width():
    """Rows are drawn within their classes, so on every resample it is as right as on the rows."""
    truth = np.array([0] * 24 + [1] * 12)
    answer = np.zeros(36, dtype=int), np.tile([0.6, 0.4], (36, 1))
    assert not {"accuracy", "balanced_accuracy", "auc"} & spread(BINARY, truth, answer).keys()


@pytest.mark.parametrize("seed", range(4))
def test_an_auc_that_two_rows_decide_has_an_interval_with_every_seed(seed):
    """Half of the resamples are as the rows, a quarter is better and a quarter worse."""
    truth = np.array([1, *[0] * 34, 1])
    scores = np.linspace(0.01, 0.99, 36)
    answer = (scores > 0.5).astype(int), np.stack([1 - scores, scores], axis=1)
    (resampled,) = resample("binary", truth, [answer], seed)
    assert {"auc", "average_precision"} <= intervals(BINARY, truth, answer, resampled).keys()


def test_nobody_can_be_shown_to_be_better_than_a_model_without_errors():
    truth = np.arange(36) % 3
    without, with_one = (spread(THREE, truth, answered(truth, wrong=wrong)) for wrong in ((), (4,)))
    for name in ("accuracy", "balanced_accuracy", "recall", "weighted_f1"):
        assert with_one[name]["low"] <= without[name]["low"] + 1e-9
        assert with_one[name]["high"] == 1.0


def test_many_rows_have_the_interval_of_the_bootstrap():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 2000)
    answer = answered(truth, wrong=rng.choice(2000, 300, replace=False))
    (resampled,) = resample("binary", truth, [answer], 0)
    low, high = np.quantile(resampled["accuracy"], [0.025, 0.975])
    assert spread(BINARY, truth, answer)["accuracy"] == {"low": low, "high": high, "confidence": 0.95}


def test_a_model_that_is_never_right_may_be_right_at_times():
    truth = np.arange(30) % 2
    found = spread(BINARY, truth, (1 - truth, np.eye(2)[1 - truth]))
    assert (found["accuracy"]["low"], found["accuracy"]["high"]) == (
        0.0,
        pytest.approx(beta.ppf(0.975, 1, 30)),
    )


def test_the_precision_of_a_class_that_is_never_predicted_is_unknown():
    truth = np.array([0] * 30 + [1] * 10)
    found = spread(BINARY, truth, (np.zeros(40, dtype=int), np.tile([0.9, 0.1], (40, 1))))
    assert (found["precision"]["low"], found["precision"]["high"]) == (0.0, 1.0)


def test_exact_numbers_of_a_regression_have_no_interval_and_no_deviation():
    schema, truth = Schema("regression", "y", (), ()), np.arange(40.0)
    (resampled,) = resample("regression", truth, [(truth, None)], 0)
    assert intervals(schema, truth, (truth, None), resampled) == {}
    (values,) = model_quality(schema, truth, truth, None, resampled).values()
    assert values["rmse"] == {"value": 0.0, "standard_deviation": "NaN"}


def test_the_bound_of_a_mean_over_classes_is_the_least_that_is_likely():
    """No other fractions of correct rows that are as likely have a lower mean."""
    truth = np.repeat([0, 1, 2], [5, 10, 30])
    low, _ = limits(Answered("multiclass", truth, *answered(truth)), 0.95)["balanced_accuracy"]
    shares = np.random.default_rng(0).uniform(0.2, 1.0, (200_000, 3))
    likely = shares[np.log(shares) @ [5, 10, 30] >= np.log(0.025)]
    assert low <= likely.mean(axis=1).min() <= low + 0.03


@pytest.mark.parametrize(("rate", "rows"), [(0.02, 40), (0.05, 36), (0.01, 200)])
def test_the_interval_covers_the_true_accuracy_where_errors_are_rare(rate, rows):
    """The bootstrap alone covers it in less than 90 of 100 samples."""
    rng = np.random.default_rng(0)
    covered, alone = [], []
    for _ in range(150):
        truth = np.arange(rows) % 2
        answer = answered(truth, wrong=np.flatnonzero(rng.random(rows) < rate))
        (resampled,) = resample("binary", truth, [answer], 0)
        one = intervals(BINARY, truth, answer, resampled)["accuracy"]
        covered.append(one["low"] <= 1 - rate <= one["high"])
        low, high = np.quantile(resampled["accuracy"], [0.025, 0.975])
        alone.append(low <= 1 - rate <= high)
    assert np.mean(covered) >= 0.93
    assert np.mean(alone) < 0.9


def test_between_two_models_without_errors_the_log_loss_decides():
    truth = np.arange(60) % 2
    sure, unsure = answered(truth, sure=0.9), answered(truth, sure=0.6)
    better, worse = (
        compare("auc", BINARY, 3, truth, *pair, 0.05, 0.95, 0) for pair in ((sure, unsure), (unsure, sure))
    )
    assert better["compared_by"] == worse["compared_by"] == "log_loss"
    assert better["champion_margin"] > 0 > worse["champion_margin"]
    assert better["champion_value"] == better["challenger_value"] == 1.0
    assert better["comparison"].startswith(
        "The auc cannot tell the two models apart: it differs by 0 on every resample of the 60 rows, so the "
        "log_loss decides. On the 60 held-out rows that version 3 was not trained on, the log_loss (lower is "
    )
    assert "log_loss" in better["summary"]


def test_a_metric_that_tells_two_models_apart_decides():
    truth = np.arange(60) % 2
    gate = compare(
        "accuracy", BINARY, 3, truth, answered(truth), answered(truth, wrong=(3, 8)), 0.05, 0.95, 0
    )
    assert gate["compared_by"] == "accuracy"
    assert "cannot tell" not in gate["comparison"]
