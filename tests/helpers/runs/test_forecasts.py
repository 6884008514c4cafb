"""The forecast of notebook 03 comes from the pipeline that is there, the tables, and the account's quotas."""

import dataclasses
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from support.helpers.documents.summaries import ended, judged
from support.helpers.shared import Compiled, settings

from helpers import cost, runs
from helpers.cost.forecast.quotas import quotas
from helpers.data import datasets
from helpers.errors import BadInput
from helpers.runs import facts, summary
from helpers.runs.forecasts import earlier_runs, planned
from helpers.session import Session

PARAMETERS = {"CrossValidationFolds": 5, "SearchRows": 0, "MaxTuningJobs": 6, "MaxTuningParallelJobs": 2}
WANTED = {("training", "ml.m5.large"), ("processing", "ml.t3.medium")}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is left in a notebook's outputs."""
    left: list[dict[str, Any]] = []
    monkeypatch.setattr(facts, "display", lambda data, raw=False: left.append(data))
    return left


def test_the_pipeline_that_is_there_says_what_would_run(
    session: Session, ran: runs.Execution, shown: list[dict[str, Any]], tmp_path: Path
) -> None:
    wine = datasets.fetch("wine")
    with settings({facts.FOLDER: str(tmp_path / "runs/1")}):
        found = runs.forecast(session, [wine], PARAMETERS)
        attached = runs.forecast(session, [wine], PARAMETERS, run_id=ran.run_id)
    assert list(found.table()["jobs"]) == [9, 9]
    assert found.outlook.here
    told = [output[facts.MIME_TYPE] for output in shown if facts.MIME_TYPE in output]
    assert {key for each in told for key in each["facts"]} == {"forecast", "forecast_here"}
    assert attached.outlook.aws.jobs == 0, "what runs already is not started again"
    billed = runs.billed(session, [ran], found)
    assert billed["jobs"]["(all)"] > 3
    assert billed["billed seconds"]["wine"] == billed["billed seconds"]["(all)"] > 0


def test_on_aws_the_time_is_that_there_and_unread_quotas_are_said(
    session: Session, ran: runs.Execution, shown: list[dict[str, Any]]
) -> None:
    service = boto3.client("service-quotas", region_name="us-east-1")
    on_aws = dataclasses.replace(session, environment="aws")
    on_aws._clients["service-quotas"] = service
    with Stubber(service) as stub:
        stub.add_client_error("list_service_quotas", "AccessDeniedException")
        found = runs.forecast(on_aws, [datasets.fetch("wine")], PARAMETERS)
    assert found.outlook.here is None
    assert "takes on AWS" in found.table()
    assert any("quotas may not be read" in line for line in found.say())


def test_without_a_pipeline_there_is_no_forecast(session: Session) -> None:
    with pytest.raises(BadInput, match="run 02_define_pipeline first"):
        runs.forecast(session, [datasets.fetch("wine")], PARAMETERS, developer="nobody")


VALUES = {
    **{"ENVIRONMENT": "aws", "PREPROCESSING_INSTANCE": "ml.t3.medium", "PRICES": ""},
    **{"TRAINING_INSTANCE": "ml.m5.large", "EVALUATION_INSTANCE": "ml.t3.medium", "USE_SPOT": False},
    **{"SEARCH": "jobs", "SEARCH_SECONDS": 0, "FLEET_INSTANCES": 1},
    **{"MAX_TUNING_JOBS": 6, "MAX_TUNING_PARALLEL_JOBS": 2, "MAX_PARALLEL_EXECUTIONS": 20},
}


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, float]]:
    """The quotas of an account, by name, which may be changed; without any, they may not be read."""
    values: dict[str, float] = {}

    class Quotas(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            rows = [{"QuotaName": name, "Value": value} for name, value in values.items()]
            body = json.dumps({"Quotas": rows} if rows else {"__type": "AccessDeniedException"}).encode()
            self.send_response(200 if rows else 400)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Quotas) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        yield values
        server.shutdown()


def test_the_runner_reads_quotas_before_the_start_and_fewer_instances_take_longer(
    tmp_path: Path, allowed: dict[str, float]
) -> None:
    def seconds() -> float:
        found = planned(VALUES, {"wine": None, "churn": None}, {"region": "eu-west-1"}, tmp_path).outlook.aws
        unread = any("quotas may not be read" in note for note in found.notes)
        assert unread == (not allowed)
        return found.seconds.high

    without = seconds()
    allowed |= {"ml.m5.large for training job usage": 20.0, "ml.t3.medium for processing job usage": 20.0}
    assert seconds() == without
    allowed["ml.m5.large for training job usage"] = 1.0
    assert seconds() > 1.3 * without


def test_notebook_02_shows_how_long_an_execution_takes_within_the_quotas(
    compiled: Compiled, session: Session, allowed: dict[str, float]
) -> None:
    on_aws = dataclasses.replace(session, environment="aws")
    on_aws._clients["service-quotas"] = boto3.client("service-quotas", region_name="us-east-1")
    unread = cost.of_definition(compiled.definition, on_aws)
    assert unread.columns[-1] == "takes on AWS, if quotas allow"
    allowed["ml.m5.large for training job usage"] = 1.0
    allowed["ml.t3.medium for processing job usage"] = 1.0
    read = cost.of_definition(compiled.definition, on_aws)
    assert read.columns[-1] == "takes on AWS"
    assert read.iloc[-1, -1] != unread.iloc[-1, -1]
    here = cost.of_definition(compiled.definition, session)
    assert here.iloc[-1, -1] == unread.iloc[-1, -1]


def test_a_table_that_was_not_read_and_no_table_at_all_have_a_forecast(
    tmp_path: Path, allowed: dict[str, float]
) -> None:
    unread = planned(VALUES, {"in-s3": None}, {"region": "eu-west-1"}, tmp_path / "none").outlook.aws
    nothing = planned(VALUES, {}, {"region": "eu-west-1"}, tmp_path / "none").outlook.aws
    assert (unread.region, unread.jobs, unread.tables[0].steps[0].cells) == ("eu-west-1", 9, None)
    assert (nothing.jobs, nothing.seconds.high) == (0, 0)


def test_earlier_runs_are_read_and_other_folders_passed_over(tmp_path: Path) -> None:
    for name, document in {"1": ended(a=judged("kept")), "2": {"schema": 99}}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / summary.FILE).write_text(json.dumps(document))
    (tmp_path / "latest").symlink_to("1")
    (tmp_path / "other").mkdir()
    (found,) = earlier_runs(tmp_path)
    assert found["data_sets"]["a"]["billed"] is None, "an earlier release did not write it"


def test_quotas_are_those_of_the_account_where_they_may_be_read() -> None:
    service = boto3.client("service-quotas", region_name="us-east-1")
    names = {"ml.m5.large for training job usage": 4.0, "ml.m5.large for endpoint usage": 2.0}
    rows = [{"QuotaName": name, "Value": value} for name, value in names.items()]
    with Stubber(service) as stub:
        stub.add_response("list_service_quotas", {"Quotas": rows}, {"ServiceCode": "sagemaker"})
        assert quotas(service, WANTED) == {("training", "ml.m5.large"): 4.0}
        stub.add_client_error("list_service_quotas", "AccessDeniedException")
        assert quotas(service, WANTED) is None
