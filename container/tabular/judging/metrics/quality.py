"""The metrics and curves in the layout of SageMaker's model quality statistics, which Studio shows."""

from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

from tabular.judging.agreement import Answers
from tabular.judging.metrics.answers import Answered
from tabular.judging.metrics.bootstrap import CONFIDENCE, alike, ends_at, interval
from tabular.judging.metrics.flawless import limits
from tabular.judging.metrics.scores import evaluate, score
from tabular.spec.columns import Schema
from tabular.spec.documents.reports import QUALITY, Calibration, ClassQuality, Interval, Quality, Residuals

__all__ = ["calibration", "intervals", "model_quality", "per_class", "residuals", "thresholds"]

CURVE_POINTS = 200
BINS = 10
SAMPLE = 300  # residuals in a plot


def model_quality(
    schema: Schema,
    truth: np.ndarray,
    predicted: np.ndarray,
    probabilities: np.ndarray | None,
    resampled: dict[str, np.ndarray],
) -> dict[str, Quality]:
    """Metrics, confusion matrix and curves under the names that SageMaker gives them.

    A metric that is not defined on these rows is left out.
    """
    values: dict[str, Any] = {
        name: {"value": value, "standard_deviation": _deviation(resampled[name])}
        for name, value in evaluate(schema.task, truth, predicted, probabilities).items()
        if np.isfinite(value)
    }
    if schema.task == "regression" or probabilities is None:
        return {QUALITY["regression"]: values}
    labels = [str(label) for label in schema.classes]
    counts = confusion_matrix(truth, predicted, labels=range(len(labels))).tolist()
    values["confusion_matrix"] = {
        label: dict(zip(labels, row, strict=True)) for label, row in zip(labels, counts, strict=True)
    }
    if schema.task == "multiclass":
        return {QUALITY["multiclass"]: values}
    if len(np.unique(truth)) == 2:  # a single class has no curve
        values |= _curves(truth, probabilities[:, 1])
    return {QUALITY["binary"]: values}


def intervals(
    schema: Schema, truth: np.ndarray, answers: Answers, resampled: dict[str, np.ndarray]
) -> dict[str, Interval]:
    """The bootstrap interval of every metric that is defined often enough to have one.

    An interval reaches at least as far as that of a model without errors, see `flawless`. The AUC has this
    bound only if all resamples are alike, because the bound is wide and resamples that differ say more.
    Another metric has no interval if most resamples are as the rows themselves and none is beyond. None has
    one of no width: where a model gives all rows one class, resamples within the classes are alike.
    """
    bounds = {} if answers[1] is None else limits(Answered(schema.task, truth, *answers), CONFIDENCE)
    found: dict[str, Interval] = {}
    for name, values in resampled.items():
        one = interval(values, CONFIDENCE)
        if one is not None and name in bounds and (name != "auc" or alike(values)):
            low, high = bounds[name]
            one = {**one, "low": min(one["low"], low), "high": max(one["high"], high)}
        elif ends_at(values, score(name, schema.task, truth, *answers)):
            one = None
        if one is not None and (one["low"] < one["high"] or not alike(values)):
            found[name] = one
    return found


def thresholds(truth: np.ndarray, probabilities: np.ndarray) -> list[float]:
    """The probability of the positive class from which on a row is taken for it, at each point of the ROC.

    The first point, at which no row is, has a threshold of 1. Without rows of both classes, there is none.
    """
    if len(np.unique(truth)) < 2:
        return []
    return [min(1.0, one) for one in _thinned(roc_curve(truth, probabilities[:, 1])[2])]


def per_class(schema: Schema, truth: np.ndarray, predicted: np.ndarray) -> dict[str, ClassQuality]:
    """Rows, precision, recall and F1 for each class against all others."""
    found = {}
    for position, label in enumerate(schema.classes):
        is_it, said = (truth == position).astype(int), (predicted == position).astype(int)
        right = float((is_it & said).sum())
        found[str(label)] = {
            "rows": int(is_it.sum()),
            "precision": right / max(1, said.sum()),
            "recall": right / max(1, is_it.sum()),
            "f1": 2 * right / max(1, is_it.sum() + said.sum()),
        }
    return found


def calibration(schema: Schema, truth: np.ndarray, probabilities: np.ndarray) -> Calibration:
    """Mean confidence and fraction of right predictions in bins of equally many rows, and their mean gap.

    With two classes, the confidence is the probability of the positive class; with more, that of the
    predicted class. The mean gap is the expected calibration error of Naeini, Cooper and Hauskrecht, AAAI
    2015.
    """
    if schema.task == "binary":
        said, right = probabilities[:, 1], truth == 1
    else:
        said, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    order = np.argsort(said, kind="stable")
    bins = [
        {"predicted": float(said[rows].mean()), "observed": float(right[rows].mean()), "rows": len(rows)}
        for rows in np.array_split(order, min(BINS, len(order)))
    ]
    gaps = sum(abs(one["predicted"] - one["observed"]) * one["rows"] for one in bins)
    return {"bins": bins, "expected_calibration_error": float(gaps / len(truth))}


def residuals(truth: np.ndarray, predicted: np.ndarray, seed: int) -> Residuals:
    """Predictions minus true values: quantiles over all rows, and a sample of rows for a plot."""
    rows = np.arange(len(truth))
    if len(rows) > SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(rows, SAMPLE, replace=False))
    error = predicted - truth
    shares = (0.05, 0.25, 0.5, 0.75, 0.95)
    return {
        "quantiles": {str(share): float(np.quantile(error, share)) for share in shares},
        "predicted": predicted[rows].tolist(),
        "residual": error[rows].tolist(),
    }


def _curves(truth: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    false_positive, true_positive, _ = roc_curve(truth, scores)
    precision, recall, _ = precision_recall_curve(truth, scores)
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": _thinned(false_positive),
            "true_positive_rates": _thinned(true_positive),
        },
        "precision_recall_curve": {"precisions": _thinned(precision), "recalls": _thinned(recall)},
    }


def _thinned(points: np.ndarray) -> list[float]:
    """At most CURVE_POINTS of the points, including both ends, because a pipeline step reads the report."""
    kept = np.unique(np.linspace(0, len(points) - 1, min(len(points), CURVE_POINTS)).round().astype(int))
    return points[kept].tolist()


def _deviation(values: np.ndarray) -> float | str:
    """The metric's standard deviation over the resamples, or "NaN", as SageMaker writes an undefined one.

    Resamples that are all alike have none that means anything.
    """
    found = values[np.isfinite(values)]
    return float(found.std(ddof=1)) if len(found) > 1 and not alike(values) else "NaN"
