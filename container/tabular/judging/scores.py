"""How models are scored: scikit-learn's scorers in cross-validation, these metrics on held-out rows."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import metrics

from tabular.spec.columns import Task
from tabular.spec.errors import BadInput

__all__ = ["METRICS", "Metric", "evaluate", "score", "signed_margin"]


# Takes the encoded target (n_rows,), the predicted positions (n_rows,) and the probabilities
# (n_rows, n_classes); for a regression the numbers, the predictions and nothing.
Score = Callable[[np.ndarray, np.ndarray, Any], float]


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are."""

    value: Score
    greater_is_better: bool = True


def _auc(truth: np.ndarray, _: np.ndarray, probabilities: np.ndarray) -> float:
    if probabilities.shape[1] == 2:
        return metrics.roc_auc_score(truth, probabilities[:, 1])
    labels = np.arange(probabilities.shape[1])
    return metrics.roc_auc_score(truth, probabilities, multi_class="ovr", average="macro", labels=labels)


def _average_precision(truth: np.ndarray, _: np.ndarray, probabilities: np.ndarray) -> float:
    # scikit-learn gives zero where there is nothing to find.
    return metrics.average_precision_score(truth, probabilities[:, 1]) if truth.any() else np.nan


def _brier(truth: np.ndarray, _: np.ndarray, probabilities: np.ndarray) -> float:
    return float(np.mean((probabilities[:, 1] - truth) ** 2))


def _log_loss(truth: np.ndarray, _: np.ndarray, probabilities: np.ndarray) -> float:
    whole = probabilities.sum(axis=1, keepdims=True)  # near one only, where they are of single precision
    return metrics.log_loss(truth, probabilities / whole, labels=np.arange(probabilities.shape[1]))


def _mape(truth: np.ndarray, predicted: np.ndarray, _: np.ndarray) -> float:
    # A share of nothing is not defined; scikit-learn would divide by 2e-16.
    return metrics.mean_absolute_percentage_error(truth, predicted) if truth.all() else np.nan


def _averaged(of: Callable[..., float], average: str) -> Metric:
    return Metric(lambda truth, predicted, _: of(truth, predicted, average=average, zero_division=0.0))


# Named as SageMaker's model quality reports name them, where they know them:
# https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
_OF_LABELS = {
    "accuracy": Metric(lambda truth, predicted, _: metrics.accuracy_score(truth, predicted)),
    "balanced_accuracy": Metric(
        lambda truth, predicted, _: metrics.balanced_accuracy_score(truth, predicted)
    ),
}
_BINARY = _OF_LABELS | {
    "precision": _averaged(metrics.precision_score, "binary"),
    "recall": _averaged(metrics.recall_score, "binary"),
    "f1": _averaged(metrics.f1_score, "binary"),
    "auc": Metric(_auc),
    "average_precision": Metric(_average_precision),
    "brier": Metric(_brier, greater_is_better=False),
    "log_loss": Metric(_log_loss, greater_is_better=False),
}
_MULTICLASS = _OF_LABELS | {
    "precision": _averaged(metrics.precision_score, "macro"),
    "recall": _averaged(metrics.recall_score, "macro"),
    "f1": _averaged(metrics.f1_score, "macro"),
    "weighted_precision": _averaged(metrics.precision_score, "weighted"),
    "weighted_recall": _averaged(metrics.recall_score, "weighted"),
    "weighted_f1": _averaged(metrics.f1_score, "weighted"),
    "auc": Metric(_auc),
    "log_loss": Metric(_log_loss, greater_is_better=False),
}
_REGRESSION = {
    "mae": Metric(lambda truth, predicted, _: metrics.mean_absolute_error(truth, predicted), False),
    "mse": Metric(lambda truth, predicted, _: metrics.mean_squared_error(truth, predicted), False),
    "rmse": Metric(lambda truth, predicted, _: metrics.root_mean_squared_error(truth, predicted), False),
    "mape": Metric(_mape, greater_is_better=False),  # a share: 0.1 is 10%
    "r2": Metric(lambda truth, predicted, _: metrics.r2_score(truth, predicted)),
}
METRICS: Mapping[Task, Mapping[str, Metric]] = {
    "binary": _BINARY,
    "multiclass": _MULTICLASS,
    "regression": _REGRESSION,
}


def evaluate(
    task: Task, truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None
) -> dict[str, float]:
    """Every metric of a task; one that is not defined on these rows is NaN."""
    return {name: score(name, task, truth, predicted, probabilities) for name in METRICS[task]}


def score(
    metric: str, task: Task, truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None
) -> float:
    """One metric of a task, NaN where it is not defined on these rows.

    Raises:
        BadInput: a metric that the task does not have.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of classes without rows, and the NaN says it
        return float(_of(metric, task).value(truth, predicted, probabilities))


def signed_margin(metric: str, task: Task, value: float, reference: float) -> float:
    """How much better than the reference, in the metric's unit: not negative passes, whatever its direction.

    Raises:
        BadInput: a metric that the task does not have.
    """
    return value - reference if _of(metric, task).greater_is_better else reference - value


def _of(metric: str, task: Task) -> Metric:
    if metric not in METRICS[task]:
        raise BadInput(
            f"MetricForRegistrationThreshold {metric!r} does not fit a {task} target; "
            f"allowed are {', '.join(METRICS[task])}."
        )
    return METRICS[task][metric]
