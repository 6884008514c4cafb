"""CloudWatch's figures for the endpoint, through local_aws, and how they are drawn."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from support import PATIENCE
from support.local_aws.toy_models import artifact

from helpers.deployment.performance import traffic
from helpers.session import Session

TABLE = pd.DataFrame(
    {
        "warm": [0, 8],
        "cold": [2, 0],
        "downloading": [10.0, None],
        "loading": [20.0, None],
        "waiting": [35.0, None],
    },
    index=pd.Index([3, 1], name="minutes ago"),
)


@pytest.fixture
def uncalled(session: Session, tmp_path: Path) -> Iterator[Session]:
    """Connected to an endpoint with two models, which nobody else calls: no deployment, and no other test."""
    for name in ("left", "right"):
        content = artifact(name, tmp_path / name)
        session.client("s3").put_object(Bucket=session.bucket, Key=f"models/{name}.tar.gz", Body=content)
    sagemaker = session.client("sagemaker")
    configuration = sagemaker.describe_endpoint(EndpointName=session.endpoint_name)["EndpointConfigName"]
    sagemaker.create_endpoint(EndpointName="uncalled", EndpointConfigName=configuration)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="uncalled", WaiterConfig=PATIENCE)
    yield dataclasses.replace(session, endpoint_name="uncalled", endpoints=1)
    sagemaker.delete_endpoint(EndpointName="uncalled")


def ask(session: Session, model: str) -> None:
    session.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=session.endpoint_name,
        TargetModel=f"{model}.tar.gz",
        ContentType="text/csv",
        Body=b"x\n1\n",
    )


def test_warm_and_cold_calls_are_told_apart(uncalled: Session) -> None:
    assert traffic.by_minute(uncalled).empty
    for model in ("left", "left", "right", "left"):
        ask(uncalled, model)
    table = traffic.by_minute(uncalled)
    row = traffic.total(table).loc["all"]
    assert (row["warm"], row["cold"]) == (2, 2)
    assert table.index.is_monotonic_decreasing
    assert 0 < table["loading"].iloc[-1] <= table["waiting"].iloc[-1] < 60_000
    assert table["downloading"].iloc[-1] > 0


def test_the_total_averages_over_the_cold_calls() -> None:
    row = traffic.total(TABLE).loc["all"]
    assert (row["warm"], row["cold"], row["fraction warm"]) == (8, 2, 0.8)
    assert (row["downloading ms"], row["loading ms"], row["waiting ms"]) == (10, 20, 35)


def test_without_calls_there_is_nothing_to_add_up() -> None:
    row = traffic.total(TABLE.iloc[:0]).loc["all"]
    assert (row["warm"], row["cold"], row["fraction warm"], row["waiting ms"]) == (0, 0, 0, 0)


def test_the_picture_has_a_bar_a_minute_and_a_line_for_each_part_of_a_cold_call() -> None:
    counts, times = traffic.plot(TABLE)
    assert (counts.get_title("left"), times.get_title("left")) == ("Calls", "What a cold call waits for")
    assert [bar.get_height() for bar in counts.patches] == [0, 8, 2, 0]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in counts.patches]
    assert middles == pytest.approx([-3.2, -1.2, -2.8, -0.8])
    assert [line.get_label() for line in times.lines] == ["downloading", "loading", "waiting"]
    assert [list(line.get_ydata()) for line in times.lines] == [[10], [20], [35]]


def test_without_calls_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert traffic.plot(TABLE.iloc[:0]) == []
    assert "call one" in capsys.readouterr().out
