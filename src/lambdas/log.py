"""The log: one JSON line on standard output for each action, from which CloudWatch can extract metrics."""

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
    definitions = [{"Name": name, "Unit": units.get(name, "Count")} for name in values]
    directive = {
        "Namespace": namespace,
        "Dimensions": list(map(list, dimension_sets)),
        "Metrics": definitions,
    }
    header = {"Timestamp": round(1000 * time.time()), "CloudWatchMetrics": [directive]}
    dimensions = {name: value for dimensions in dimension_sets for name, value in dimensions.items()}
    return {"_aws": header, **dimensions, **values}
