"""The report's other numbers: SageMaker's layout, classes, calibration, residuals."""

import json

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score, roc_curve
from tabular.judging.metrics.bootstrap import resample
from tabular.judging.metrics.quality import (
    CURVE_POINTS,
    calibration,
    intervals,
    model_quality,
    per_class,
    residuals,
    thresholds,
)
from tabular.spec.columns import Schema

BINARY = Schema("binary", "t", ("no", "yes"), ())
THREE = Schema("multiclass", "t", (0, 10, 20), ())
REGRESSION = Schema("regression", "t", (), ())


def quality(schema, truth, predicted, probabilities):
    (resampled,) = resample(schema.task, truth, [(predicted, probabilities)], 0)
    return model_quality(schema, truth, predicted, probabilities, resampled)


def test_the_report_of_two_classes_has_the_layout_that_studio_shows():
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    positive = np.array([0.1, 0.6, 0.55, 0.8])
    report = quality(BINARY, truth, predicted, np.stack([1 - positive, positive], axis=1))
    (values,) = report.values()
    assert list(report) == ["binary_classification_metrics"]
    assert values["accuracy"]["value"] == 0.75
    assert values["accuracy"]["standard_deviation"] > 0
    assert values["confusion_matrix"] == {"no": {"no": 1, "yes": 1}, "yes": {"no": 0, "yes": 2}}
    curve = values["receiver_operating_characteristic_curve"]
    assert curve["false_positive_rates"] == [0.0, 0.0, 0.5, 0.5, 1.0]
    assert curve["true_positive_rates"] == [0.0, 0.5, 0.5, 1.0, 1.0]
    curve = values["precision_recall_curve"]
    assert len(curve["precisions"]) == len(curve["recalls"])
    assert (curve["precisions"][-1], curve["recalls"][-1]) == (1.0, 0.0)
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_each_point_of_the_roc_has_the_probability_from_which_on_it_is_reached():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 1000)
    positive = np.clip(rng.normal(0.4 + 0.2 * truth, 0.2), 0, 1)
    probabilities = np.stack([1 - positive, positive], axis=1)
    (values,) = quality(BINARY, truth, (positive >= 0.5).astype(int), probabilities).values()
    curve, found = values["receiver_operating_characteristic_curve"], thresholds(truth, probabilities)
    assert len(found) == len(curve["true_positive_rates"]) <= CURVE_POINTS
    assert (found[0], curve["true_positive_rates"][0]) == (1.0, 0.0)
    for place in (1, len(found) // 2, -1):
        reached = positive >= found[place]
        assert reached[truth == 1].mean() == pytest.approx(curve["true_positive_rates"][place])
        assert reached[truth == 0].mean() == pytest.approx(curve["false_positive_rates"][place])
    assert thresholds(np.ones(3), probabilities[:3]) == []


def test_the_report_of_three_classes_and_of_a_regression():
    report = quality(THREE, np.array([0, 1, 2, 2]), np.array([0, 1, 2, 0]), np.eye(3)[[0, 1, 2, 0]])
    values = report["multiclass_classification_metrics"]
    assert values["confusion_matrix"] == {
        "0": {"0": 1, "10": 0, "20": 0},
        "10": {"0": 0, "10": 1, "20": 0},
        "20": {"0": 1, "10": 0, "20": 1},
    }
    assert {"accuracy", "weighted_f1", "log_loss"} <= set(values)
    report = quality(REGRESSION, np.array([0.0, 2.0]), np.array([0.0, 2.0]), None)
    assert report["regression_metrics"]["mae"] == {"value": 0.0, "standard_deviation": "NaN"}
    assert "mape" not in report["regression_metrics"]  # one target is zero, and NaN is no JSON


def test_rows_of_one_class_have_no_curve_and_no_auc():
    probabilities = np.array([[0.2, 0.8]] * 12)
    (values,) = quality(BINARY, np.ones(12, dtype=int), np.ones(12, dtype=int), probabilities).values()
    assert "auc" not in values
    assert "receiver_operating_characteristic_curve" not in values
    assert values["accuracy"]["value"] == 1.0


def test_a_curve_of_many_points_is_thinned_and_keeps_its_ends_and_its_area():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 20_000)
    positive = 1 / (1 + np.exp(-rng.normal(truth)))
    (values,) = quality(
        BINARY, truth, (positive > 0.5).astype(int), np.stack([1 - positive, positive], axis=1)
    ).values()
    curve = values["receiver_operating_characteristic_curve"]
    across, up = curve["false_positive_rates"], curve["true_positive_rates"]
    assert len(across) == CURVE_POINTS < len(roc_curve(truth, positive)[0])
    assert (across[0], up[0], across[-1], up[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert np.trapezoid(up, across) == pytest.approx(roc_auc_score(truth, positive), abs=1e-3)


def test_an_interval_holds_its_metric():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200)
    predicted = truth + rng.normal(size=200)
    (resampled,) = resample("regression", truth, [(predicted, None)], 0)
    values = model_quality(REGRESSION, truth, predicted, None, resampled)["regression_metrics"]
    for name, spread in intervals(REGRESSION, truth, (predicted, None), resampled).items():
        assert spread["low"] < values[name]["value"] < spread["high"]
        assert spread["high"] - spread["low"] == pytest.approx(
            2 * 1.96 * values[name]["standard_deviation"], rel=0.2
        )


def test_each_class_has_the_numbers_that_scikit_learn_gives_it():
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 3, 90), rng.integers(0, 2, 90)  # the third is never predicted
    found = per_class(THREE, truth, predicted)
    expected = precision_recall_fscore_support(truth, predicted, zero_division=0.0)
    for position, one in enumerate(found.values()):
        names = ("precision", "recall", "f1", "rows")
        assert [one[name] for name in names] == pytest.approx([column[position] for column in expected])


def test_the_calibration_of_two_classes_is_scikit_learns_of_the_second():
    rng = np.random.default_rng(0)
    positive = rng.random(1000)
    truth = (rng.random(1000) < positive).astype(int)
    found = calibration(BINARY, truth, np.stack([1 - positive, positive], axis=1))
    observed, predicted = calibration_curve(truth, positive, n_bins=10, strategy="quantile")
    assert [one["observed"] for one in found["bins"]] == pytest.approx(observed, abs=0.011)
    assert [one["predicted"] for one in found["bins"]] == pytest.approx(predicted, abs=0.002)
    assert found["expected_calibration_error"] < 0.05


def test_a_model_that_is_too_sure_has_a_gap_in_its_calibration():
    truth = np.array([0, 1, 2, 0] * 25)
    sure = 0.97 * np.eye(3)[[0] * 100] + 0.01
    found = calibration(THREE, truth, sure)
    assert found["expected_calibration_error"] == pytest.approx(0.98 - 0.5, abs=1e-9)
    assert sum(one["rows"] for one in found["bins"]) == 100


def test_residuals_are_predictions_less_what_is_right():
    found = residuals(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0]), 0)
    assert (found["predicted"], found["residual"]) == ([2.0] * 3, [1.0, 0.0, -1.0])
    assert found["quantiles"]["0.5"] == 0.0


def test_of_many_residuals_some_are_shown_and_all_are_counted():
    truth = np.zeros(10_000)
    found = residuals(truth, np.arange(10_000.0), 0)
    assert len(found["residual"]) == 300
    assert found["quantiles"]["0.95"] == pytest.approx(9500, abs=1)
