"""How models are scored: what a search can optimise, and what the report and the gate measure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from tabular.spec.columns import Task
from tabular.spec.errors import BadInput

__all__ = ["METRICS", "SCORERS", "Metric", "check_metric", "check_scorer", "direction"]

# "share": a pure number; if greater is better, the best value is one.
Unit = Literal["share", "nats", "of the target", "of the target, squared"]
TASKS: tuple[Task, ...] = get_args(Task)


@dataclass(frozen=True)
class Metric:
    """A measure of how good predictions are; `tabular.judging.metrics.scores` computes it."""

    name: str
    tasks: tuple[Task, ...]
    greater_is_better: bool = True
    unit: Unit = "share"


_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_NUMBERS: tuple[Task, ...] = ("regression",)
# In the order of a report. The names are those of SageMaker's model quality reports, if these have the
# metric:
# https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html
_TABLE = (
    Metric("accuracy", _CLASSES),
    Metric("balanced_accuracy", _CLASSES),
    Metric("precision", _CLASSES),  # for two classes that of the positive class, for more the mean over all
    Metric("recall", _CLASSES),
    Metric("f1", _CLASSES),
    Metric("weighted_precision", ("multiclass",)),
    Metric("weighted_recall", ("multiclass",)),
    Metric("weighted_f1", ("multiclass",)),
    Metric("auc", _CLASSES),
    Metric("average_precision", ("binary",)),
    Metric("brier", ("binary",), greater_is_better=False),
    Metric("log_loss", _CLASSES, greater_is_better=False, unit="nats"),
    Metric("mae", _NUMBERS, greater_is_better=False, unit="of the target"),
    Metric("mse", _NUMBERS, greater_is_better=False, unit="of the target, squared"),
    Metric("rmse", _NUMBERS, greater_is_better=False, unit="of the target"),
    Metric("mape", _NUMBERS, greater_is_better=False),  # 0.1 is 10%
    Metric("r2", _NUMBERS),
)
METRICS: Mapping[Task, Mapping[str, Metric]] = {
    task: {metric.name: metric for metric in _TABLE if task in metric.tasks} for task in TASKS
}

# scikit-learn's scorers that are defined for a task: https://scikit-learn.org/stable/modules/model_evaluation.html
_SCORERS_OF_CLASSES = (
    "accuracy",
    "balanced_accuracy",
    "f1_macro",
    "f1_weighted",
    "matthews_corrcoef",
    "neg_log_loss",
    "roc_auc_ovr",
    "roc_auc_ovr_weighted",
)
SCORERS: Mapping[Task, tuple[str, ...]] = {
    "binary": (
        *_SCORERS_OF_CLASSES,
        *("average_precision", "f1", "neg_brier_score", "precision", "recall", "roc_auc"),
    ),
    "multiclass": _SCORERS_OF_CLASSES,
    "regression": (
        "neg_mean_absolute_error",
        "neg_mean_squared_error",
        "neg_median_absolute_error",
        "neg_root_mean_squared_error",
        "r2",
    ),
}


def direction(name: str) -> str:
    """Whether a higher or a lower value of a metric is better, in words; empty for an unknown metric."""
    known = [of_task[name] for of_task in METRICS.values() if name in of_task]
    return "" if not known else "higher is better" if known[0].greater_is_better else "lower is better"


def check_metric(name: str, task: Task) -> Metric:
    """The metric of this name.

    Raises:
        BadInput: if it does not fit the task.
    """
    _check("MetricForRegistrationThreshold", name, task, METRICS[task])
    return METRICS[task][name]


def check_scorer(scorer: str, task: Task) -> str:
    """The scorer itself.

    Raises:
        BadInput: if it does not fit the task.
    """
    _check("CrossValidationScorer", scorer, task, SCORERS[task])
    return scorer


def _check(parameter: str, name: str, task: Task, allowed: Collection[str]) -> None:
    if name not in allowed:
        raise BadInput(f"{parameter} {name!r} does not fit a {task} target; use one of {', '.join(allowed)}.")
