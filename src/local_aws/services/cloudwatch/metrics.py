"""The metrics of an endpoint, aggregated by the minute, for CloudWatch's GetMetricData.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

import functools
import threading
import time
from datetime import UTC, datetime

from local_aws.core.moto import Metric

__all__ = ["EndpointMetrics"]

_INVOCATION, _INSTANCE = "AWS/SageMaker", "/aws/sagemaker/Endpoints"
_MICROSECONDS = {
    "ModelDownloadingTime",
    "ModelLatency",
    "ModelLoadingTime",
    "ModelLoadingWaitTime",
    "ModelUnloadingTime",
}


class EndpointMetrics:
    """The metrics of one endpoint. The values of each minute are aggregated, as CloudWatch does."""

    def __init__(self, region: str, endpoint: str, variant: str) -> None:
        self._region = region
        self._dimensions = [
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": variant},
        ]
        self._current: dict[str, Metric] = {}
        self._lock = threading.Lock()

    def add(self, **values: float) -> None:
        """Add one value to each named metric; times are given in seconds and stored in microseconds."""
        minute = _minute(int(time.time() // 60))
        with self._lock:
            for name, value in values.items():
                self._add(name, value * 1e6 if name in _MICROSECONDS else value, minute)

    def _add(self, name: str, value: float, minute: datetime) -> None:
        metric = self._current.get(name)
        if metric is None or metric.minute != minute:
            namespace = _INSTANCE if name == "LoadedModelCount" else _INVOCATION
            unit = "Microseconds" if name in _MICROSECONDS else "None"
            metric = self._current[name] = Metric(
                self._region, namespace, name, self._dimensions, minute, unit
            )
        metric.add(value)


@functools.lru_cache(2)
def _minute(minutes: int) -> datetime:
    """Return when a minute began, counted since 1970; many values are added in the same one."""
    return datetime.fromtimestamp(60 * minutes, UTC).replace(tzinfo=None)
