"""The log: one JSON line on standard output for each action, from which CloudWatch can extract metrics."""

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

__all__ = ["line", "metrics"]


def line(**fields: object) -> None:
    """Write the fields as one line, in a single write so that lines from several threads do not mix."""
    sys.stdout.write(json.dumps(fields, default=str) + "\n")
    sys.stdout.flush()


def metrics(
    namespace: str, dimensions: Mapping[str, str], values: Mapping[str, float], units: Mapping[str, str]
) -> dict[str, Any]:
    """Return the fields that make CloudWatch extract metrics from a line; a value without a unit is a count.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    definitions = [{"Name": name, "Unit": units.get(name, "Count")} for name in values]
    directive = {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": definitions}
    header = {"Timestamp": round(1000 * time.time()), "CloudWatchMetrics": [directive]}
    return {"_aws": header, **dimensions, **values}
