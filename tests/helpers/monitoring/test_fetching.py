"""The sources of the state of all models: what is found, what is missing, and with how few calls."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import jsonschema
import pytest
from botocore.exceptions import ClientError
from support.helpers.calls import counted

from helpers import runs
from helpers.errors import JobFailed
from helpers.monitoring import fetching
from helpers.monitoring.document import Row, Status
from helpers.monitoring.fetching import stored
from helpers.monitoring.status import NO_CHECK, gather
from helpers.session import Session, state_folder
from lambdas import log

from .test_status import FORM

CHECK = "latest.json"


def state(session: Session) -> Status:
    found = gather(session)
    jsonschema.validate(found, FORM)
    return found


def row_of(found: Status, dataset: str) -> Row:
    return next(row for row in found["models"] if row["data_set"] == dataset)


def put(session: Session, key: str, text: str) -> None:
    session.client("s3").put_object(Bucket=session.bucket, Key=f"monitoring/{key}", Body=text.encode())


@pytest.fixture
def serving(session: Session, ran: runs.Execution) -> Session:
    """Version 1 of wine is in service, as far as a models map says, in a bucket that no deployer knows."""
    own = dataclasses.replace(session, bucket=f"status-{uuid4().hex[:8]}")
    own.client("s3").create_bucket(Bucket=own.bucket)
    entry = {"key": "models/x", "version": 1, "sha256": "0", "approved_at": "2026-11-26T00:00:00+00:00"}
    entries = json.dumps({own.group("wine"): entry}).encode()
    own.client("s3").put_object(Bucket=own.bucket, Key="deployments/models-map.json", Body=entries)
    return own


def test_a_model_that_was_trained_here(serving: Session, register: Callable[..., str]) -> None:
    other = register("Rejected", "PendingManualApproval", "PendingManualApproval")
    found = state(serving)
    wine = row_of(found, "wine")
    uploaded = datetime.fromisoformat(wine["model"]["data_until"])
    registered = datetime.fromisoformat(wine["model"]["registered_at"])
    assert uploaded < registered < datetime.now(UTC)
    assert wine["model"]["algorithm"]
    assert (wine["retraining"]["outcome"], wine["retraining"]["said"]) == (
        "registered",
        "Registered as version 1.",
    )
    assert row_of(found, other)["waiting"]["version"] == 3
    assert row_of(found, other)["model"] is None


def test_what_cannot_change_is_not_asked_for_again(serving: Session) -> None:
    once = state(serving)
    put(serving, fetching.STORED, json.dumps(once))
    with counted(serving) as called:
        again = state(serving)
    details = {"DescribeModelPackage", "HeadObject", "ListPipelineExecutionSteps"}
    assert details & set(called) == set()
    # As often as the query takes, and once for each version that is approved and not in service: why not?
    asked = [name for name in called if name not in ("GetQueryResults", "ListObjectsV2")]
    assert len(asked) < 15, asked
    for kept, fresh in zip(once["models"], again["models"], strict=True):
        assert kept["retraining"] == fresh["retraining"]
        assert kept["model"] is None or kept["model"]["data_until"] == fresh["model"]["data_until"]
    put(serving, fetching.STORED, "not a status")
    assert row_of(state(serving), "wine")["model"] is not None


def test_requests_are_those_of_the_invokers_log(session: Session, register: Callable[..., str]) -> None:
    group = session.group(dataset := register("Rejected"))
    lines = [
        {
            "function": "invoker",
            "group": group,
            "milliseconds": float(milliseconds),
            **log.metrics("x", [], {"4XXErrors": 0, "5XXErrors": int(milliseconds == 9), "Rows": 2}, {}),
        }
        for milliseconds in range(10)
    ]
    lines[0]["_aws"]["Timestamp"] -= 3 * 24 * 3600 * 1000
    path = state_folder() / f"functions/{session.invoker_function_name}/log.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write("".join(f"{json.dumps(line)}\n" for line in lines))
    row = row_of(state(session), dataset)
    assert row["requests"]["day"] == {
        "requests": 9,
        "client_errors": 0,
        "server_errors": 1,
        "rows": 18,
        "p90_milliseconds": 9.0,
    }
    assert row["requests"]["week"]["requests"] == 10
    assert row["state"] == "failing"


def test_without_a_log_the_requests_are_unknown(session: Session, ran: runs.Execution) -> None:
    found = state(dataclasses.replace(session, invoker_function_name="absent"))
    assert found["sources"]["requests"] == "The invoker has no log yet, so no request was counted."
    assert row_of(found, "wine")["requests"] is None


def test_the_report_of_the_last_check_is_read(serving: Session) -> None:
    assert state(serving)["sources"]["monitoring"] == NO_CHECK
    report = {
        "version": 1,
        "status": "drifted",
        "said": "Of 13 columns, 1.",
        "rows": 300,
        "drifted_columns": 1,
    }
    check = {"schema": 1, "at": datetime.now(UTC).isoformat(), "models": {serving.group("wine"): report}}
    put(serving, CHECK, json.dumps(check))
    found = state(serving)
    assert found["checked_at"] == check["at"]
    assert row_of(found, "wine")["concerns"][0] == {"kind": "drifted", "said": "Of 13 columns, 1."}
    put(serving, CHECK, "[]")
    assert "is not a report" in state(serving)["sources"]["monitoring"]


def test_what_may_not_be_read_is_said_and_what_fails_is_not_hidden() -> None:
    def refused(code: str) -> Callable[[], None]:
        def call() -> None:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "StartQuery")

        return call

    denied = stored(refused("AccessDeniedException"), "the invoker's log")
    assert denied.said == "You may not read the invoker's log (StartQuery: AccessDeniedException)."
    assert stored(refused("ResourceNotFoundException"), "the log", "No log.").said == "No log."
    with pytest.raises(ClientError, match="Throttling"):
        stored(refused("ThrottlingException"), "the log", "No log.")


def test_a_query_that_ends_badly_is_a_missing_source(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = session.client("logs")
    monkeypatch.setattr(logs, "start_query", lambda **request: {"queryId": "q"})
    monkeypatch.setattr(logs, "get_query_results", lambda queryId: {"status": "Timeout", "results": []})
    with pytest.raises(JobFailed, match="Timeout"):
        fetching.traffic(session, datetime.now(UTC))


def test_what_the_endpoint_costs_since_the_first_of_the_month(
    session: Session, ran: runs.Execution, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text(f"instances: {{{session.region}: {{ml.m5.large: {{dollars: 2}}}}}}")
    now = datetime.now(UTC) + timedelta(hours=10)
    aws = dataclasses.replace(session, environment="aws", endpoint_instance_type="ml.m5.large")
    assert fetching.costs(session, "", now) is None
    found = fetching.costs(aws, str(prices), now)
    assert 20 <= found < 22, "ten hours of one instance, and what these tests took"
    gone = dataclasses.replace(aws, endpoint_name="absent")
    assert fetching.costs(gone, str(prices), now) == 0
    unknown = dataclasses.replace(aws, endpoint_instance_type="ml.absent.large")
    assert (
        "The price of ml.absent.large"
        in stored(lambda: fetching.costs(unknown, "", now), "the endpoint").said
    )
    old = dataclasses.replace(aws, endpoint_instance_type="")
    assert "apply Terraform again" in stored(lambda: fetching.costs(old, "", now), "the endpoint").said
