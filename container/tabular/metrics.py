"""How models are scored: scikit-learn's scorers in cross-validation, these metrics on held-out rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from tabular.errors import BadInput
from tabular.schema import Task

__all__ = ["METRICS", "Metric", "allowed_scorers", "check_scorer", "evaluate", "signed_margin"]

_CLASSIFICATION_SCORERS = (
    "accuracy",
    "balanced_accuracy",
    "f1_macro",
    "f1_weighted",
    "matthews_corrcoef",
    "neg_log_loss",
    "roc_auc_ovr",
    "roc_auc_ovr_weighted",
)
_BINARY_SCORERS = ("average_precision", "f1", "neg_brier_score", "precision", "recall", "roc_auc")
_REGRESSION_SCORERS = (
    "neg_mean_absolute_error",
    "neg_mean_squared_error",
    "neg_median_absolute_error",
    "neg_root_mean_squared_error",
    "r2",
)


@dataclass(frozen=True)
class Metric:
    """A number that says how good predictions are.

    `value` takes the encoded target (n_rows,), the predicted positions (n_rows,) and the probabilities
    (n_rows, n_classes); for a regression the numbers, the predictions and nothing.
    """

    value: Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]
    greater_is_better: bool = True
    needs_probabilities: bool = False


def _auc(truth: np.ndarray, _: np.ndarray, probabilities: np.ndarray | None) -> float:
    assert probabilities is not None  # noqa: S101 - Metric.needs_probabilities
    if probabilities.shape[1] == 2:
        return metrics.roc_auc_score(truth, probabilities[:, 1])
    labels = np.arange(probabilities.shape[1])
    return metrics.roc_auc_score(truth, probabilities, multi_class="ovr", average="macro", labels=labels)


def _log_loss(truth: np.ndarray, _: np.ndarray, probabilities: np.ndarray | None) -> float:
    assert probabilities is not None  # noqa: S101 - Metric.needs_probabilities
    whole = probabilities.sum(axis=1, keepdims=True)  # near one only, where they are of single precision
    return metrics.log_loss(truth, probabilities / whole, labels=np.arange(probabilities.shape[1]))


def _averaged(score: Callable[..., float]) -> Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]:
    """Of the positive class where there are two, the mean over the classes where there are more."""

    def value(truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None) -> float:
        binary = probabilities is not None and probabilities.shape[1] == 2
        return score(truth, predicted, average="binary" if binary else "macro", zero_division=0.0)

    return value


# Named as SageMaker's model quality reports name them:
# https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
_CLASSIFICATION = {
    "accuracy": Metric(lambda truth, predicted, _: metrics.accuracy_score(truth, predicted)),
    "balanced_accuracy": Metric(
        lambda truth, predicted, _: metrics.balanced_accuracy_score(truth, predicted)
    ),
    "precision": Metric(_averaged(metrics.precision_score)),
    "recall": Metric(_averaged(metrics.recall_score)),
    "f1": Metric(_averaged(metrics.f1_score)),
    "auc": Metric(_auc, needs_probabilities=True),
    "log_loss": Metric(_log_loss, greater_is_better=False, needs_probabilities=True),
}
_REGRESSION = {
    "mae": Metric(lambda truth, predicted, _: metrics.mean_absolute_error(truth, predicted), False),
    "mse": Metric(lambda truth, predicted, _: metrics.mean_squared_error(truth, predicted), False),
    "rmse": Metric(lambda truth, predicted, _: metrics.root_mean_squared_error(truth, predicted), False),
    "r2": Metric(lambda truth, predicted, _: metrics.r2_score(truth, predicted)),
}
METRICS: Mapping[Task, Mapping[str, Metric]] = {
    "binary": _CLASSIFICATION,
    "multiclass": _CLASSIFICATION,
    "regression": _REGRESSION,
}


def allowed_scorers(task: Task) -> tuple[str, ...]:
    """scikit-learn's scorers that fit a task."""
    if task == "regression":
        return _REGRESSION_SCORERS
    return _CLASSIFICATION_SCORERS + (_BINARY_SCORERS if task == "binary" else ())


def check_scorer(scorer: str, task: Task) -> str:
    """The scorer itself.

    Raises:
        BadInput: it does not fit the task.
    """
    if scorer not in allowed_scorers(task):
        raise BadInput(
            f"CrossValidationScorer {scorer!r} does not fit a {task} target; "
            f"allowed are {', '.join(allowed_scorers(task))}."
        )
    return scorer


def evaluate(
    task: Task, truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None
) -> dict[str, float]:
    """Every metric of a task; one that is not defined on these rows is NaN."""
    return {
        name: float(metric.value(truth, predicted, probabilities)) for name, metric in METRICS[task].items()
    }


def signed_margin(metric: str, task: Task, value: float, reference: float) -> float:
    """How much better than the reference, in the metric's unit: not negative passes, whatever its direction.

    Raises:
        BadInput: a metric that the task does not have.
    """
    if metric not in METRICS[task]:
        raise BadInput(
            f"MetricForRegistrationThreshold {metric!r} does not fit a {task} target; "
            f"allowed are {', '.join(METRICS[task])}."
        )
    return value - reference if METRICS[task][metric].greater_is_better else reference - value
