"""What serving costs in a month: all models on one endpoint, against an endpoint for each of them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from helpers.cost.prices import HOURS_A_MONTH, Prices, load
from helpers.errors import BadInput

__all__ = ["Serving", "by_month", "per_million"]

GB = 1e9
RECORD = 5000  # bytes: Firehose bills each record as a multiple of that
INVOKER_GB_SECONDS = 0.02 * 0.5  # 20 ms with 512 MB, measured here
LOG_BYTES = 1366  # of a request: 666 are the invoker's line (measured), about 700 are Lambda's own
METRICS = 5  # of all models together, and again of each with metrics_by_model
ALARMS = 16  # 14 and two of the scaling
MILLIONS = (0.1, 1, 10, 100)  # predictions in a month
SWEEPS = 2900 * 2 * 0.5  # the deployer's calls every 15 minutes, 2 seconds with 512 MB


@dataclass(frozen=True)
class Serving:
    """What is served in a month.

    Attributes:
        models: in service.
        instance_type: of the endpoint.
        instances: that it has on average; of all of them, if there are several endpoints.
        requests: in a month, to all models together.
        request_bytes: of a request and its answer.
        metrics_by_model: whether each model has metrics of its own.
        captured: the part of the requests that is kept, Terraform's `capture_rate`.
        checks: for drift, in a month: one job for all models each time.
        check_minutes: that the instance of a check is billed for, its start included.
        check_instance: the instance type of a check.
        model_bytes: that a model has in the bucket.
    """

    models: int
    instance_type: str = "ml.m5.large"
    instances: float = 1
    requests: float = 1e6
    request_bytes: float = 1000
    metrics_by_model: bool = False
    captured: float = 0
    checks: float = 0
    check_minutes: float = 5
    check_instance: str = "ml.m5.large"
    model_bytes: float = 1e6


def by_month(serving: Serving, region: str, prices: str = "") -> pd.DataFrame:
    """Dollars a month: a row for each thing that is billed, of one endpoint for all and of one for each.

    List prices, without free allowances. An endpoint for each model needs one instance for each.

    Args:
        serving: what is served.
        region: whose prices hold.
        prices: a file with other prices, as PRICES names it.

    Raises:
        BadInput: the prices cannot be used, or have none of the instance type.
    """
    listed = load(prices)
    hour = _hour(serving.instance_type, region, listed)
    shared = serving.instances * hour * HOURS_A_MONTH
    each = max(serving.models, 1) * hour * HOURS_A_MONTH
    rows = {"instances": (shared, each)}
    rows |= {name: (dollars, dollars) for name, dollars in _others(serving, region, listed)}
    table = pd.DataFrame(rows, index=["one endpoint for all", "an endpoint for each"]).T
    table.loc["all"] = table.sum()
    table["for each model"] = table["one endpoint for all"] / max(serving.models, 1)
    return table.rename_axis("dollars a month").round(2)


def per_million(
    serving: Serving, region: str, prices: str = "", millions: Sequence[float] = MILLIONS
) -> pd.DataFrame:
    """Dollars for a million predictions of one row each, by how many million there are in a month.

    Args:
        serving: what is served; its requests are those of the rows. Its instances are billed whether they are
            asked or not, and their number stays as it is.
        region: whose prices hold.
        prices: a file with other prices, as PRICES names it.
        millions: of predictions in a month, to all models together.

    Raises:
        BadInput: the prices cannot be used, or have none of the instance type.
    """
    rows = {}
    for number in millions:
        month = by_month(replace(serving, requests=number * 1e6), region, prices).loc["all"]
        rows[number] = month.drop("for each model") / number
    return pd.DataFrame(rows).T.rename_axis("million predictions a month").round(2)


def _hour(instance_type: str, region: str, prices: Prices) -> float:
    """The price of an hour of an instance.

    Raises:
        BadInput: it is not known.
    """
    found = prices.instance(region, instance_type)
    if found is None:
        raise BadInput(
            f"There is no price of {instance_type} in {region}; give one with PRICES, see "
            "docs/operations/cost.md."
        )
    return found.dollars


def _others(serving: Serving, region: str, prices: Prices) -> Iterator[tuple[str, float]]:
    """What does not depend on the number of endpoints, by name."""

    def price(name: str) -> float:
        return prices.service(region, name).dollars

    millions, bytes_ = serving.requests / 1e6, serving.requests * serving.request_bytes
    yield "bytes into and out of the endpoint", bytes_ / GB * price("endpoint_bytes_gb")
    calls = millions * price("lambda_million_calls")
    seconds = serving.requests * INVOKER_GB_SECONDS + SWEEPS
    yield "functions", calls + seconds * price("lambda_gb_second")
    yield "log", serving.requests * LOG_BYTES / GB * (price("log_gb") + price("log_stored_gb_month"))
    metrics = METRICS * (1 + serving.models * serving.metrics_by_model)
    yield "metrics and alarms", metrics * price("metric_month") + ALARMS * price("alarm_month")
    yield "models in the bucket", serving.models * serving.model_bytes / GB * price("s3_gb_month")
    kept = serving.requests * serving.captured
    sent = kept * math.ceil(serving.request_bytes / RECORD) * RECORD
    stored = kept * serving.request_bytes
    yield "captured requests", sent / GB * price("firehose_gb") + stored / GB * price("s3_gb_month")
    if serving.checks:
        hours = serving.checks * serving.check_minutes / 60
        yield "checks for drift", hours * _hour(serving.check_instance, region, prices)
