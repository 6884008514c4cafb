"""The log: one JSON line on standard output for each action, from which CloudWatch can extract metrics."""

import functools
import json
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

__all__ = ["line", "metrics", "now"]

_ENCODER = json.JSONEncoder(default=str)


def line(**fields: object) -> None:
    """Write the fields as one line, in a single write so that lines from several threads do not mix."""
    sys.stdout.write(_ENCODER.encode(fields) + "\n")
    sys.stdout.flush()


def now() -> str:
    """Return the time in ISO 8601 (UTC)."""
    return datetime.now(UTC).isoformat()


def metrics(
    namespace: str,
    dimension_sets: Sequence[Mapping[str, str]],
    values: Mapping[str, float],
    units: Mapping[str, str],
) -> dict[str, Any]:
    """Return the fields that make CloudWatch extract metrics from a line; a value without a unit is a count.

    Each set of dimensions makes one metric of each value, and every metric is billed.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    directive = _directive(namespace, tuple(map(tuple, dimension_sets)), tuple(values), tuple(units.items()))
    fields: dict[str, Any] = {
        "_aws": {"Timestamp": round(1000 * time.time()), "CloudWatchMetrics": [directive]}
    }
    for dimensions in dimension_sets:
        fields.update(dimensions)
    fields.update(values)
    return fields


@functools.lru_cache(64)
def _directive(
    namespace: str,
    dimension_sets: tuple[tuple[str, ...], ...],
    names: tuple[str, ...],
    units: tuple[tuple[str, str], ...],
) -> Mapping[str, Any]:
    """Return what metrics are called and measured in; a function has few kinds of lines."""
    unit_of = dict(units)
    definitions = [{"Name": name, "Unit": unit_of.get(name, "Count")} for name in names]
    return {"Namespace": namespace, "Dimensions": dimension_sets, "Metrics": definitions}
