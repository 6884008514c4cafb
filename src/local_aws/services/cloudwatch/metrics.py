"""What CloudWatch is told of an endpoint, minute by minute, for GetMetricData to read.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

import threading
from datetime import UTC, datetime

from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends

from local_aws.core.account import ACCOUNT_ID

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
    """The metrics of one endpoint. Values of one minute are added up, as CloudWatch keeps them."""

    def __init__(self, region: str, endpoint: str, variant: str) -> None:
        self._backend = cloudwatch_backends[ACCOUNT_ID][region]
        self._dimensions = [
            {"Name": "EndpointName", "Value": endpoint},
            {"Name": "VariantName", "Value": variant},
        ]
        self._current: dict[str, MetricAggregatedDatum] = {}
        self._lock = threading.Lock()

    def add(self, **values: float) -> None:
        """Note a value of each metric that is named; times are in seconds here, microseconds there."""
        minute = datetime.now(UTC).replace(second=0, microsecond=0, tzinfo=None)
        with self._lock:
            for name, value in values.items():
                self._add(name, value * 1e6 if name in _MICROSECONDS else value, minute)

    def _add(self, name: str, value: float, minute: datetime) -> None:
        datum = self._current.get(name)
        if datum is None or datum.timestamp != minute:
            datum = self._current[name] = MetricAggregatedDatum(
                namespace=_INSTANCE if name == "LoadedModelCount" else _INVOCATION,
                name=name,
                min_stat=value,
                max_stat=value,
                sample_count=0,
                sum_stat=0,
                dimensions=self._dimensions,
                timestamp=minute,
                unit="Microseconds" if name in _MICROSECONDS else "None",
            )
            self._backend.metric_data.append(datum)
        datum.min, datum.max = min(datum.min, value), max(datum.max, value)
        datum.sample_count += 1
        datum.sum += value
