"""How good a fleet is over its partitions: the figures of the report, and a table of all partitions."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tabular.fleets.assembling.assemble import Assembled, Judged
from tabular.judging.agreement import Answers
from tabular.judging.metrics.scores import score
from tabular.spec.columns import Schema
from tabular.spec.documents.reports import FleetReport, PartitionFigures
from tabular.spec.metrics import METRICS

__all__ = ["metrics", "summary", "table"]

FORMAT, FORMAT_VERSION = "tabular-fleet-evaluation", 1
MOST = 20  # partitions that are named
QUANTILES = 11
POINTS = 300


def metrics(
    metric: str, schema: Schema, truth: np.ndarray, answers: Answers, judged: Sequence[Judged]
) -> list[float | None]:
    """The metric on the held-out rows of each partition; None if it is not defined on them."""
    predicted, probabilities = answers
    found: list[float | None] = []
    for one in judged:
        start, count = one.held_out["held_out_start"], one.held_out["held_out"]
        rows = slice(start, start + count)
        of = (predicted[rows], None if probabilities is None else probabilities[rows])
        value = score(metric, schema.task, truth[rows], *of) if count else math.nan
        found.append(_number(value))
    return found


def summary(
    metric: str, schema: Schema, fleet: Assembled, values: Sequence[float | None], champion: str
) -> FleetReport:
    """The part of the report that is about partitions.

    Args:
        metric: of the gate.
        schema: of the table.
        fleet: what was put together.
        values: the metric of each partition, see `metrics`.
        champion: how it was compared with the champion, partition by partition, in a sentence.
    """
    judged = fleet.partitions
    figures = [_figures(one, value) for one, value in zip(judged, values, strict=True)]
    defined = [one for one in figures if one["metric"] is not None]
    worst = sorted(
        defined, key=lambda one: one["metric"], reverse=not METRICS[schema.task][metric].greater_is_better
    )
    known = np.array([one["metric"] for one in defined])
    spread = np.quantile(known, np.linspace(0, 1, QUANTILES)).tolist() if defined else []
    step = max(1, math.ceil(len(defined) / POINTS))
    return {
        "partition": list(schema.options.partition),
        "partitions": len(judged),
        "own": sum(one.document["model"] is not None for one in judged),
        "pooled": sum(one.document["model"] is None for one in judged),
        "kept": sum(one.origin == "kept" for one in judged),
        "taken_over": sum(one.origin == "taken over" for one in judged),
        "unfinished": sum(one.document.get("unfinished", False) for one in judged),
        "metric": metric,
        "quantiles": spread,
        "points": [[one["rows"], one["metric"]] for one in defined[::step]],
        "own_against_pooled": {
            "partitions": fleet.own_chosen,
            "rows": len(fleet.own_losses),
            "own_loss": _mean(fleet.own_losses),
            "pooled_loss": _mean(fleet.pooled_losses),
        },
        "pooled_everywhere": fleet.pooled_everywhere,
        "champion": champion,
        "worst": worst[:MOST],
        "smallest": sorted(figures, key=lambda one: one["rows"])[:MOST],
    }


def table(schema: Schema, fleet: Assembled, values: Sequence[float | None]) -> dict[str, Any]:
    """All partitions, column by column, so that 100,000 of them stay small."""
    judged = fleet.partitions
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "partition": list(schema.options.partition),
        "partitions": {
            "key": [one.document["key"] for one in judged],
            "served_by": [_served_by(one) for one in judged],
            "origin": [one.origin for one in judged],
            "reason": [one.reason for one in judged],
            "algorithm": [one.document.get("algorithm") for one in judged],
            "score": [one.document.get("score") for one in judged],
            "rows": [one.held_out["rows"] for one in judged],
            "held_out": [one.held_out["held_out"] for one in judged],
            "metric": list(values),
            "loss": [_number(one.loss) for one in judged],
            "pooled_loss": [_number(one.pooled_loss) for one in judged],
            "champion_loss": [_number(one.champion_loss) for one in judged],
            "sha256": [one.held_out["sha256"] for one in judged],
        },
    }


def _figures(one: Judged, value: float | None) -> PartitionFigures:
    return {
        "key": one.document["key"],
        "rows": one.held_out["rows"],
        "held_out": one.held_out["held_out"],
        "served_by": _served_by(one),
        "metric": value,
    }


def _served_by(one: Judged) -> str:
    return "pooled" if one.document["model"] is None else "own"


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
