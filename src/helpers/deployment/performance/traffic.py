"""CloudWatch's figures for all endpoints: calls to loaded models, calls that had to wait, and for what.

https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from helpers import display
from helpers.plots.figures import BLUE, ORANGE, SKY, VERMILION, shown, styled
from helpers.session import Session

__all__ = ["average", "by_minute", "plot", "total"]
__dir__ = __all__.copy

PERIOD_SECONDS = 60
MILLISECONDS = {
    "downloading": "ModelDownloadingTime",
    "loading": "ModelLoadingTime",
    "waiting": "ModelLoadingWaitTime",  # the caller's, in total
}
# SageMaker counts a call as 1 if its model was already loaded, else as 0.
COLUMNS = {
    "warm": ("ModelCacheHit", "Sum"),
    "calls": ("ModelCacheHit", "SampleCount"),
    **{column: (metric, "Average") for column, metric in MILLISECONDS.items()},
}


def by_minute(session: Session, minutes: int = 60) -> pd.DataFrame:
    """The calls to the endpoints' models, a row for each minute that had any, the latest last.

    The index is the number of minutes before now. Columns: warm and cold (calls), downloading, loading and
    waiting (milliseconds, averaged over the cold calls; NaN if there were none). On AWS, the figures arrive a
    minute or two late.
    """
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    pages = (
        session.client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(
            MetricDataQueries=list(_queries(session)),
            StartTime=now - timedelta(minutes=minutes),
            EndTime=now + timedelta(minutes=1),
        )
    )
    rows = [
        ((now - moment) // timedelta(minutes=1), *result["Id"].split("_"), value)
        for page in pages
        for result in page["MetricDataResults"]
        for moment, value in zip(result["Timestamps"], result["Values"], strict=True)
    ]
    names = ["minutes ago", "column", "endpoint", "value"]
    figures = pd.DataFrame(rows, columns=names).set_index(names[:3])["value"].astype(float)
    table = _together(figures.unstack("column").reindex(columns=list(COLUMNS)))
    table = table[table["calls"].gt(0)].sort_index(ascending=False)
    table[list(MILLISECONDS)] /= 1000  # from microseconds
    return table[["warm", "cold", *MILLISECONDS]].astype({"warm": int, "cold": int})


def average(session: Session, metric: str, time: timedelta) -> list[float]:
    """A metric's average in each minute of the last while, of each endpoint that had any calls."""
    now = datetime.now(UTC)
    queries = [
        {"Id": f"average_{number}", "MetricStat": _statistic(dimensions, metric, "Average")}
        for number, dimensions in enumerate(_dimensions(session), start=1)
    ]
    pages = (
        session.client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(MetricDataQueries=queries, StartTime=now - time, EndTime=now + timedelta(minutes=1))
    )
    return [value for page in pages for result in page["MetricDataResults"] for value in result["Values"]]


def _together(figures: pd.DataFrame) -> pd.DataFrame:
    """The figures of all endpoints for each minute; a time is the average over all cold calls."""
    times = list(MILLISECONDS)
    figures["cold"] = figures["calls"] - figures["warm"]
    figures[times] = figures[times].mul(figures["cold"].where(figures["cold"] > 0), axis=0)
    table = figures.groupby("minutes ago").sum(min_count=1)
    table[times] = table[times].div(table["cold"], axis=0)
    return table


def total(calls: pd.DataFrame) -> pd.DataFrame:
    """All minutes as one row: warm and cold calls, the fraction that was warm, and the average times."""
    counts = calls[["warm", "cold"]].sum()
    number = counts.sum()
    times = calls[list(MILLISECONDS)].mul(calls["cold"], axis=0).sum() / max(counts["cold"], 1)
    fraction = counts["warm"] / number if number else 0.0
    row = {**counts, "fraction warm": fraction, **times.add_suffix(" ms")}
    return pd.DataFrame([row], index=["all"]).round(3).astype({"warm": int, "cold": int})


@styled
def plot(calls: pd.DataFrame) -> Sequence[Axes]:
    """Plot the warm and cold calls of each minute, and next to them how long a cold one took."""
    if calls.empty:
        display.say(
            "The models were not called in this time, or CloudWatch has not counted the calls yet; call one, "
            "and run this cell again after a minute or two."
        )
        return []
    figure, (counts, times) = plt.subplots(1, 2, figsize=(9.6, 3.6))
    ago = -calls.index
    counts.bar(ago - 0.2, calls["warm"], width=0.4, color=SKY, label="warm")
    counts.bar(
        ago + 0.2, calls["cold"], width=0.4, color=VERMILION, label="cold", hatch="//", edgecolor="white"
    )
    counts.set_yscale("symlog", linthresh=1)  # a few cold ones next to thousands
    counts.set_ylim(bottom=0)
    counts.set_ylabel("calls per minute")
    counts.set_title("Calls")
    cold = calls[calls["cold"] > 0]
    for column, marker, color in zip(MILLISECONDS, "so^", (ORANGE, BLUE, VERMILION), strict=True):
        times.plot(-cold.index, cold[column], marker, color=color, label=column)
    times.set_ylabel("milliseconds per cold call")
    times.set_title("What a cold call waits for")
    times.set_ylim(0, 1.1 * cold["waiting"].max() if len(cold) else 1)
    for axes in (counts, times):
        axes.set_xlim(min(-calls.index.max(), -5) - 0.6, 0.6)
        axes.set_xlabel("minutes from now")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, columnspacing=1)
    sums = total(calls).loc["all"]
    shown(
        figure,
        f"Calls of each minute: {sums['warm']:,.0f} warm and {sums['cold']:,.0f} cold ones; a cold one "
        f"waited {sums['waiting ms']:,.0f} ms on average.",
    )
    return [counts, times]


def _queries(session: Session) -> Iterator[dict[str, Any]]:
    """A query for each column and endpoint."""
    for number, dimensions in enumerate(_dimensions(session), start=1):
        for column, (metric, statistic) in COLUMNS.items():
            yield {"Id": f"{column}_{number}", "MetricStat": _statistic(dimensions, metric, statistic)}


def _statistic(dimensions: list[dict[str, str]], metric: str, statistic: str) -> dict[str, Any]:
    described = {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions}
    return {"Metric": described, "Period": PERIOD_SECONDS, "Stat": statistic}


def _dimensions(session: Session) -> Iterator[list[dict[str, str]]]:
    """The dimensions of each endpoint's metrics; its description names its variant."""
    for name in session.endpoint_names:
        endpoint = session.client("sagemaker").describe_endpoint(EndpointName=name)
        variant = endpoint["ProductionVariants"][0]["VariantName"]
        yield [{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": variant}]
