"""How far off the forecasts of earlier runs were, so that people see whether to trust the next one.

Billed seconds are compared, because they are known on AWS and here. A step that was taken from the cache
counts on neither side.
"""

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any, TypedDict

from helpers.cost.ranges import NOTHING, Range

__all__ = ["Accuracy", "accuracy", "compared"]

LAST = 10


class Accuracy(TypedDict):
    """Of the last runs with a forecast: their number, how many were within it, and the median error.

    The error is the share by which the billed seconds differ from the middle of the forecast.
    """

    runs: int
    within: int
    error: float


def compared(tables: Iterable[Mapping[str, Any]], environment: str) -> tuple[Range, float] | None:
    """The forecast and the actual billed seconds of the steps that ran; None if there is nothing to compare.

    Args:
        tables: the data sets of a summary.
        environment: of the run.
    """
    expected, took, any_ran = NOTHING, 0.0, False
    for table in tables:
        forecast = table.get("forecast" if environment == "aws" else "forecast_here")
        billed = table.get("billed")
        if not forecast or not billed or table["outcome"] in ("failed", "running", "not-started"):
            continue
        for name, step in billed["steps"].items():
            if step["jobs"] and name in forecast["steps"]:
                span = forecast["steps"][name]["billable_seconds"]
                expected, took, any_ran = (
                    expected + Range(span["low"], span["high"]),
                    took + step["billable_seconds"],
                    True,
                )
    return (expected, took) if any_ran else None


def accuracy(summaries: Iterable[Mapping[str, Any]], environment: str) -> Accuracy | None:
    """How far off the last forecasts were, in runs of the same kind; None without such a run."""
    found = []
    for summary in sorted(summaries, key=lambda each: each["started"], reverse=True):
        pair = (
            compared(summary["data_sets"].values(), environment)
            if summary["environment"] == environment
            else None
        )
        if pair:
            found.append(pair)
    found = found[:LAST]
    if not found:
        return None
    return {
        "runs": len(found),
        "within": sum(expected.low <= took <= expected.high for expected, took in found),
        "error": round(median(abs(took - expected.middle) / expected.middle for expected, took in found), 3),
    }
