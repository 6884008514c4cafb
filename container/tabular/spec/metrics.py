"""How models are scored: what a search may optimise, and what a report and the gate measure."""

from collections.abc import Mapping

from tabular.spec.columns import Task
from tabular.spec.errors import BadInput

__all__ = ["METRICS", "SCORERS", "check_scorer"]

_CLASSES = (
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
    "binary": (*_CLASSES, "average_precision", "f1", "neg_brier_score", "precision", "recall", "roc_auc"),
    "multiclass": _CLASSES,
    "regression": (
        "neg_mean_absolute_error",
        "neg_mean_squared_error",
        "neg_median_absolute_error",
        "neg_root_mean_squared_error",
        "r2",
    ),
}
METRICS: Mapping[Task, tuple[str, ...]] = {
    "binary": (
        *("accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc", "log_loss"),
        *("average_precision", "brier"),
    ),
    "multiclass": (
        *("accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc", "log_loss"),
        *("weighted_precision", "weighted_recall", "weighted_f1"),
    ),
    "regression": ("mae", "mse", "rmse", "mape", "r2"),
}


def check_scorer(scorer: str, task: Task) -> str:
    """The scorer itself.

    Raises:
        BadInput: it does not fit the task.
    """
    if scorer not in SCORERS[task]:
        raise BadInput(
            f"CrossValidationScorer {scorer!r} does not fit a {task} target; "
            f"allowed are {', '.join(SCORERS[task])}."
        )
    return scorer
