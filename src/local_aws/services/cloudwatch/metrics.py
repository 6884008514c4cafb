"""The metrics of an endpoint, aggregated by the minute, for CloudWatch's GetMetricData.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

import threading
import time
from datetime import UTC, datetime

from local_aws.core.moto import Metric

__all__ = ["EndpointMetrics"]

_INVOCATION, _INSTANCE = "AWS/SageMaker", "/aws/sagemaker/Endpoints"
_MICROSECONDS = dict.fromkeys(
    (
        "ModelDownloadingTime",
        "ModelLatency",
        "ModelLoadingTime",
        "ModelLoadingWaitTime",
        "ModelUnloadingTime",
    ),
    1e6,
)


class EndpointMetrics:
    """The metrics of one endpoint. The values of each minute are aggregated, as CloudWatch does."""

    def __init__(self, region: str, endpoint: str, variant: str) -> None:
        self._region = region
        self._dimensions = [
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": variant},
        ]
        self._current: dict[str, Metric] = {}  # of the current minute, counted since 1970
        self._minute = 0.0
        self._lock = threading.Lock()

    def add(self, **values: float) -> None:
        """Add one value to each named metric; times are given in seconds and stored in microseconds."""
        minute, current = time.time() // 60, self._current
        with self._lock:
            if minute != self._minute:
                self._minute = minute
                current.clear()
            for name, value in values.items():
                metric = current.get(name) or self._new(name)
                metric.add(value * _MICROSECONDS.get(name, 1))

    def _new(self, name: str) -> Metric:
        """Begin a metric of the current minute."""
        namespace = _INSTANCE if name == "LoadedModelCount" else _INVOCATION
        unit = "Microseconds" if name in _MICROSECONDS else "None"
        minute = datetime.fromtimestamp(60 * self._minute, UTC).replace(tzinfo=None)
        metric = self._current[name] = Metric(self._region, namespace, name, self._dimensions, minute, unit)
        return metric
