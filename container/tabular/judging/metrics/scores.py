"""The metrics of `tabular.spec.metrics` on held-out rows, as one number each and on many resamples."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn import metrics

from tabular.judging.metrics.answers import Answered, Drawn
from tabular.learning.defined import undefined
from tabular.spec.columns import Task
from tabular.spec.metrics import METRICS, check_metric

__all__ = ["check_complete", "evaluate", "on_resamples", "score", "signed_margin"]


def _averaged(of: Callable[..., float]) -> Callable[[Answered], float]:
    def value(one: Answered) -> float:
        average = "binary" if one.task == "binary" else "macro"
        return of(one.truth, one.predicted, average=average, zero_division=0.0)

    return value


def _weighted(of: Callable[..., float]) -> Callable[[Answered], float]:
    return lambda one: of(one.truth, one.predicted, average="weighted", zero_division=0.0)


def _auc(one: Answered) -> float:
    if one.task == "binary":
        return _auc_of_two(one.truth, one.probabilities[:, 1])
    labels = np.arange(one.probabilities.shape[1])
    return metrics.roc_auc_score(
        one.truth, one.probabilities, multi_class="ovr", average="macro", labels=labels
    )


def _auc_of_two(truth: np.ndarray, positive: np.ndarray) -> float:
    """The area under the curve by ranks, as Mann and Whitney have it.

    It is that of scikit-learn, which takes ten times as long for a few hundred rows, and a report needs it
    for every shuffle of every column.
    """
    found = truth == 1
    here, others = int(found.sum()), int((~found).sum())
    if not here or not others:
        return np.nan
    return (rankdata(positive)[found].sum() - here * (here + 1) / 2) / (here * others)


def _average_precision(one: Answered) -> float:
    # scikit-learn returns zero if no row is positive.
    found = one.truth.any()
    return metrics.average_precision_score(one.truth, one.probabilities[:, 1]) if found else np.nan


def _log_loss(one: Answered) -> float:
    whole = one.probabilities.sum(axis=1, keepdims=True)  # in single precision, only close to one
    labels = np.arange(one.probabilities.shape[1])
    return metrics.log_loss(one.truth, one.probabilities / whole, labels=labels)


def _squares(one: Answered) -> np.ndarray:
    return (one.probabilities[:, 1] - one.truth) ** 2


def _mape(one: Answered) -> float:
    # scikit-learn would divide by 2e-16.
    defined = undefined("mape", one.truth) is None
    return metrics.mean_absolute_percentage_error(one.truth, one.predicted) if defined else np.nan


def _r2(one: Answered) -> float:
    # scikit-learn returns zero or one if all targets are equal.
    return metrics.r2_score(one.truth, one.predicted) if undefined("r2", one.truth) is None else np.nan


# Each metric on the original rows; NaN, or an error from scikit-learn, if it is not defined on them.
_VALUES: Mapping[str, Callable[[Answered], float]] = {
    "accuracy": lambda one: metrics.accuracy_score(one.truth, one.predicted),
    "balanced_accuracy": lambda one: metrics.balanced_accuracy_score(one.truth, one.predicted),
    "precision": _averaged(metrics.precision_score),
    "recall": _averaged(metrics.recall_score),
    "f1": _averaged(metrics.f1_score),
    "weighted_precision": _weighted(metrics.precision_score),
    "weighted_recall": _weighted(metrics.recall_score),
    "weighted_f1": _weighted(metrics.f1_score),
    "auc": _auc,
    "average_precision": _average_precision,
    "brier": lambda one: float(np.mean(_squares(one))),
    "log_loss": _log_loss,
    "mae": lambda one: metrics.mean_absolute_error(one.truth, one.predicted),
    "mse": lambda one: metrics.mean_squared_error(one.truth, one.predicted),
    "rmse": lambda one: metrics.root_mean_squared_error(one.truth, one.predicted),
    "mape": _mape,
    "r2": _r2,
}


def _precisions(drawn: Drawn) -> np.ndarray:
    return _share(drawn.right, drawn.said)


def _recalls(drawn: Drawn) -> np.ndarray:
    return _share(drawn.right, drawn.labels)


def _f1s(drawn: Drawn) -> np.ndarray:
    return _share(2 * drawn.right, drawn.labels + drawn.said)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Zero if the denominator is zero, like scikit-learn with zero_division=0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _drawn_auc(drawn: Drawn) -> np.ndarray:
    """The fraction of pairs in the right order, with a tie as half a pair; the mean over the classes."""
    found = []
    for positive, negative in drawn.counts:
        below = np.cumsum(negative, axis=1) - negative / 2
        found.append((positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1)))
    return np.mean(found, axis=0)


def _drawn_average_precision(drawn: Drawn) -> np.ndarray:
    ((positive, negative),) = drawn.counts
    right = np.cumsum(positive[:, ::-1], axis=1)
    precision = right / (right + np.cumsum(negative[:, ::-1], axis=1))
    return np.nansum(positive[:, ::-1] * precision, axis=1) / right[:, -1]  # NaN until a row was drawn


def _drawn_log_loss(drawn: Drawn) -> np.ndarray:
    truth, probabilities = drawn.answered.truth, drawn.answered.probabilities
    chosen = probabilities[np.arange(len(truth)), truth.astype(np.intp)] / probabilities.sum(axis=1)
    tiny = np.finfo(probabilities.dtype).eps  # keeps the loss finite, as in scikit-learn
    return drawn.mean(-np.log(np.clip(chosen, tiny, 1 - tiny)))


def _errors(drawn: Drawn) -> np.ndarray:
    return drawn.answered.predicted - drawn.answered.truth


def _drawn_mse(drawn: Drawn) -> np.ndarray:
    return drawn.mean(_errors(drawn) ** 2)


def _drawn_mape(drawn: Drawn) -> np.ndarray:
    truth = drawn.answered.truth
    return drawn.mean(np.abs(_errors(drawn)) / np.abs(truth) if truth.all() else np.full(len(truth), np.nan))


def _drawn_r2(drawn: Drawn) -> np.ndarray:
    centred = drawn.answered.truth - drawn.answered.truth.mean()
    spread = drawn.weights @ centred**2 - (drawn.weights @ centred) ** 2 / drawn.rows
    return 1 - drawn.weights @ _errors(drawn) ** 2 / spread


# Each metric on several resamples at a time (n_resamples,); NaN if it is not defined on one.
_RESAMPLED: Mapping[str, Callable[[Drawn], np.ndarray]] = {
    "accuracy": lambda drawn: drawn.right.sum(axis=1) / drawn.labels.sum(axis=1),
    "balanced_accuracy": lambda drawn: np.nanmean(drawn.right / drawn.labels, axis=1),
    "precision": lambda drawn: drawn.of_classes(_precisions(drawn)),
    "recall": lambda drawn: drawn.of_classes(_recalls(drawn)),
    "f1": lambda drawn: drawn.of_classes(_f1s(drawn)),
    "weighted_precision": lambda drawn: drawn.weighted(_precisions(drawn)),
    "weighted_recall": lambda drawn: drawn.weighted(_recalls(drawn)),
    "weighted_f1": lambda drawn: drawn.weighted(_f1s(drawn)),
    "auc": _drawn_auc,
    "average_precision": _drawn_average_precision,
    "brier": lambda drawn: drawn.mean(_squares(drawn.answered)),
    "log_loss": _drawn_log_loss,
    "mae": lambda drawn: drawn.mean(np.abs(_errors(drawn))),
    "mse": _drawn_mse,
    "rmse": lambda drawn: np.sqrt(_drawn_mse(drawn)),
    "mape": _drawn_mape,
    "r2": _drawn_r2,
}


def check_complete(names: Iterable[str], halves: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that every metric of the vocabulary has both functions, and that there are no others.

    Raises:
        LookupError: if a function is missing or superfluous; the message names it.
    """
    names = set(names)
    for half, functions in halves.items():
        for name in sorted(names - set(functions)):
            raise LookupError(
                f"The metric {name!r} of tabular/spec/metrics.py has no function in {half} of "
                "tabular/judging/metrics/scores.py; add it there."
            )
        for name in sorted(set(functions) - names):
            raise LookupError(
                f"{half} of tabular/judging/metrics/scores.py has {name!r}, which is not a metric of "
                "tabular/spec/metrics.py; add its row there."
            )


check_complete(
    {name for of_task in METRICS.values() for name in of_task},
    {"_VALUES": _VALUES, "_RESAMPLED": _RESAMPLED},
)


def evaluate(
    task: Task, truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None
) -> dict[str, float]:
    """Every metric of a task; a metric that is not defined on these rows is NaN."""
    return {name: score(name, task, truth, predicted, probabilities) for name in METRICS[task]}


def score(
    metric: str, task: Task, truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None
) -> float:
    """One metric of a task, NaN if it is not defined on these rows.

    Raises:
        BadInput: if the task does not have the metric.
    """
    check_metric(metric, task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns about classes without rows, as the NaN says
        return float(_VALUES[metric](Answered(task, truth, predicted, probabilities)))


def on_resamples(answered: Answered, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Every metric of the task (n_resamples,), given how often each row is drawn (n_resamples, n_rows)."""
    drawn = Drawn(answered, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {name: _RESAMPLED[name](drawn) for name in METRICS[answered.task]}


def signed_margin(metric: str, task: Task, value: float, reference: float) -> float:
    """How much better a value is than the reference, in the metric's unit; negative if it is worse.

    Raises:
        BadInput: if the task does not have the metric.
    """
    return value - reference if check_metric(metric, task).greater_is_better else reference - value
