"""Reports as EvaluateBestModel writes them, as far as plots look at them."""

import copy
from typing import Any

__all__ = ["BINARY", "REGRESSION", "many"]

CURVE = {"false_positive_rates": [0.0, 0.5, 1.0], "true_positive_rates": [0.0, 1.0, 1.0]}
TRADE = {"precisions": [0.5, 1.0, 1.0], "recalls": [1.0, 0.5, 0.0]}
BINARY: dict[str, Any] = {
    "model": {"task": "binary"},
    "binary_classification_metrics": {
        "auc": {"value": 0.75},
        "average_precision": {"value": 0.7},
        "log_loss": {"value": 2.5},
        "confusion_matrix": {"no": {"no": 8, "yes": 2}, "yes": {"no": 1, "yes": 9}},
        "receiver_operating_characteristic_curve": CURVE,
        "precision_recall_curve": TRADE,
    },
    "gate": {
        "metric": "auc",
        "value": 0.75,
        "threshold": 0.7,
        "threshold_margin": 0.05,
        "champion_value": 0.7,
        "champion_version": 3,
        "champion_margin": 0.01,
        "allowed_loss": 0.02,
    },
    "intervals": {
        "auc": {"low": 0.6, "high": 0.9, "confidence": 0.95},
        "log_loss": {"low": 2.0, "high": 3.0, "confidence": 0.95},
    },
    "calibration": {
        "bins": [{"predicted": 0.2, "observed": 0.1, "rows": 10}],
        "expected_calibration_error": 0.1,
    },
    "permutation_importance": {
        f"column {i}": {"mean": 0.3 - i / 100, "standard_deviation": 0.01} for i in range(15)
    },
    "champion": {"version": 3, "metrics": {"auc": {"difference": 0.05, "low": -0.01, "high": 0.1}}},
}
REGRESSION: dict[str, Any] = {
    "model": {"task": "regression"},
    "regression_metrics": {"rmse": {"value": 12.0}, "r2": {"value": 0.5}},
    "gate": {"metric": "rmse"},
    "intervals": {
        "rmse": {"low": 10.0, "high": 14.0, "confidence": 0.95},
        "r2": {"low": 0.4, "high": 0.6, "confidence": 0.95},
    },
    "residuals": {"predicted": [1.0, 2.0], "residual": [0.5, -0.5]},
    "permutation_importance": {},
    "champion": None,
}


def many(count: int) -> dict[str, Any]:
    """Reports of many tables, each worse than the one before; the last third is below its threshold."""
    reports = {}
    for number in range(count):
        reports[f"store-{number:03}"] = report = copy.deepcopy(BINARY)
        auc = 1 - number / (5 * count)
        report["binary_classification_metrics"]["auc"]["value"] = auc
        report["gate"] |= {"value": auc, "threshold": 0.85, "threshold_margin": auc - 0.85}
        report["calibration"]["expected_calibration_error"] = number / (5 * count)
    return reports
