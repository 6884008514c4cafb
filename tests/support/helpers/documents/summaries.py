"""Summaries of runs, as `many-models run` writes them."""

from typing import Any

from helpers.runs import summary
from helpers.runs.summary import DataSet, Summary

__all__ = ["ended", "judged"]

SCORES = {
    "scorer": "neg_log_loss",
    "cross_validation": -0.0696,
    "nested_cross_validation": -0.0731,
    "metric": "auc",
    "value": 0.997,
    "threshold": 0.9,
    "held_out": {"auc": 0.997, "accuracy": 0.9649},
}


def judged(outcome: str, said: str = "because", **facts: Any) -> DataSet:
    """What became of a table whose model was evaluated."""
    known = {"algorithm": "XGBoost", "hyperparameters": {"max_depth": 3}, "scores": SCORES, "seconds": 40.0}
    return summary.data_set(said, outcome, **{**known, **facts})  # type: ignore[arg-type]


def ended(status: str = "done", code: int = 0, **tables: DataSet) -> Summary:
    """The summary of a run that has ended."""
    found = summary.new("20261126-021500", {}, "aws", "many-models", ["03_run_and_inspect"], [])
    found.update(status=status, exit_code=code, ended=found["started"], seconds=1325.0, data_sets=tables)
    return found
