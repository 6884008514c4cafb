"""The retrainer: trains on the newest table once, and again only if that failed."""

import io
import json
from types import SimpleNamespace

import pytest
from tabular.monitoring import notices

from contract.names import NamingError
from contract.seeds import tuner_seed
from lambdas import clients, retrainer
from lambdas.errors import RetrainingError

BUCKET = "shop-123456789012-us-east-1"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/{}/execution/{}"
EVENT = {"dataset": "iris", "target": "species", "family": "classification"}


class Pipelines:
    """SageMaker Pipelines: starts executions, the same one for the same token, and knows their status."""

    def __init__(self):
        self.started, self.tokens, self.status = [], {}, {}

    def start_pipeline_execution(
        self, PipelineName, PipelineParameters, PipelineExecutionDescription, ClientRequestToken
    ):
        dataset = {entry["Name"]: entry["Value"] for entry in PipelineParameters}["DatasetName"]
        assert PipelineExecutionDescription == f"{dataset}, retraining"
        if ClientRequestToken not in self.tokens:
            arn = ARN.format(PipelineName, f"execution{len(self.started):03d}")
            self.started.append({entry["Name"]: entry["Value"] for entry in PipelineParameters})
            self.tokens[ClientRequestToken], self.status[arn] = arn, "Executing"
        return {"PipelineExecutionArn": self.tokens[ClientRequestToken]}

    def describe_pipeline_execution(self, PipelineExecutionArn):
        return {"PipelineExecutionStatus": self.status[PipelineExecutionArn]}


@pytest.fixture
def pipelines(s3, monkeypatch):
    found = {"s3": s3, "sagemaker": Pipelines()}
    monkeypatch.setattr(clients, "client", found.get)
    return found["sagemaker"]


@pytest.fixture
def retrain(pipelines, context):
    return lambda **changes: retrainer.handler({**EVENT, **changes}, context)


@pytest.fixture
def upload(s3):
    def put(digest, dataset="iris", files=("data.csv", "dataset.json")):
        for name in files:
            s3.put_object(Bucket=BUCKET, Key=f"raw/{dataset}/{digest}/{name}", Body=b"{}")
        return f"s3://{BUCKET}/raw/{dataset}/{digest}/"

    return put


@pytest.fixture
def listed(s3, monkeypatch):
    """Have the bucket list these keys, each put a minute after the one before."""

    def listing(*keys):
        contents = [
            {"Key": key, "LastModified": f"2026-01-05T09:{minute:02}:00Z"} for minute, key in enumerate(keys)
        ]
        pages = [{"Contents": contents[:2]}, {"Contents": contents[2:]}, {}]
        monkeypatch.setattr(s3, "get_paginator", lambda _: SimpleNamespace(paginate=lambda **_: pages))

    return listing


def trained_on(pipelines):
    return [values["InputDataUri"].removeprefix(f"s3://{BUCKET}/raw/iris/") for values in pipelines.started]


def test_the_newest_table_is_trained_on(retrain, listed, pipelines):
    listed(*(f"raw/iris/{digest}/{name}" for digest in "ba" for name in ("data.csv", "dataset.json")))
    outcome = retrain(parameters={"MaxTuningJobs": "48"})
    assert outcome == {"action": "started", "execution": ARN.format("shop", "execution000")}
    assert pipelines.started == [
        {
            "TunerSeed": str(tuner_seed("iris")),
            "MaxTuningJobs": "48",
            "DatasetName": "iris",
            "InputDataUri": f"s3://{BUCKET}/raw/iris/a/",
            "TargetColumn": "species",
        }
    ]


def test_a_folder_without_its_options_is_still_being_uploaded(retrain, listed, pipelines):
    listed("raw/iris/b/data.csv", "raw/iris/b/dataset.json", "raw/iris/a/1.csv", "raw/iris/a/2.csv")
    retrain()
    assert trained_on(pipelines) == ["b/"]


def test_a_folder_is_as_new_as_its_options(retrain, listed, pipelines):
    listed("raw/iris/a/1.csv", "raw/iris/b/1.csv", "raw/iris/b/dataset.json", "raw/iris/a/dataset.json")
    retrain()
    assert trained_on(pipelines) == ["a/"]


def test_a_table_that_somebody_dropped_is_trained_on_as_it_is(retrain, listed, pipelines):
    listed("raw/iris/a/1.csv", "raw/iris/a/dataset.json", "raw/iris/", "raw/iris/2026-01.csv")
    retrain()
    assert trained_on(pipelines) == ["2026-01.csv"]


def test_a_folder_that_is_not_whole_is_no_table(retrain, upload):
    upload("aaa", files=["data.csv"])
    with pytest.raises(RetrainingError, match=r"a folder of files with a dataset\.json, uploaded last"):
        retrain()


def test_a_table_is_trained_on_once(retrain, upload, pipelines):
    upload("aaa")
    first = retrain()
    assert retrain() == {"action": "unchanged", "execution": first["execution"]}
    pipelines.status[first["execution"]] = "Succeeded"
    assert retrain()["action"] == "unchanged"
    assert len(pipelines.started) == 1


@pytest.mark.parametrize("status", ["Failed", "Stopped"])
def test_what_did_not_succeed_is_tried_again(retrain, upload, pipelines, status):
    upload("aaa")
    pipelines.status[retrain()["execution"]] = status
    assert retrain() == {"action": "started", "execution": ARN.format("shop", "execution001")}


@pytest.mark.runtime
def test_other_parameters_are_a_reason_to_train(retrain, upload, pipelines):
    upload("aaa")
    retrain()
    assert retrain(parameters={"MaxTuningJobs": "12"})["action"] == "started"


def test_a_note_that_was_lost_starts_nothing_twice(retrain, upload, pipelines, s3, monkeypatch):
    upload("aaa")
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(s3, "put_object", lambda **_: 1 / 0)
        retrain()
    retrain()
    assert len(pipelines.started) == 1


def test_a_regression_has_a_pipeline_of_its_own(retrain, upload):
    upload("aaa")
    assert retrain(family="regression")["execution"].startswith(ARN.format("shop-regression", ""))


def test_without_a_table_it_says_where_one_is_looked_for(retrain, upload):
    upload("aaa", dataset="iris-2")
    with pytest.raises(RetrainingError, match=f"There is no table under s3://{BUCKET}/raw/iris/"):
        retrain()


@pytest.mark.parametrize(
    "changes", [{"target": ""}, {"target": None}, {"family": "ranking"}, {"family": None}]
)
def test_an_event_without_target_or_family_is_refused(retrain, changes):
    with pytest.raises(RetrainingError, match="a column and one of classification, regression"):
        retrain(**changes)


@pytest.mark.parametrize("dataset", [None, "Iris", "iris--2", "../iris"])
def test_a_name_that_is_none_is_refused(retrain, dataset):
    with pytest.raises(NamingError):
        retrain(dataset=dataset)


@pytest.mark.runtime
def test_one_line_is_logged(retrain, upload, log_lines, context):
    upload("aaa")
    execution = retrain()["execution"]
    (line,) = log_lines()
    assert {**line, "milliseconds": 0} == {
        "function": "retrainer",
        "request_id": context.aws_request_id,
        "group": "shop--iris",
        "milliseconds": 0,
        "action": "started",
        "execution": execution,
    }


@pytest.fixture
def checked(pipelines, context):
    """Let a check call the retrainer about the data set, as a Lambda client does."""

    def invoke(FunctionName, Payload):
        assert FunctionName == "shop-retrainer"
        try:
            answer, failed = retrainer.handler(json.loads(Payload), context), {}
        except RetrainingError as error:
            answer, failed = {"errorMessage": str(error)}, {"FunctionError": "Unhandled"}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failed}

    def check(status, started, version=1, asked=("iris",)):
        report = {"models": {"shop--iris": {"data_set": "iris", "version": version, "status": status}}}
        events = {name: {**EVENT, "parameters": {}} for name in asked}
        client = SimpleNamespace(invoke=invoke)
        return notices.retrain(report, events, started, client, "shop-retrainer")

    return check


def test_a_drift_starts_one_retraining_not_one_in_every_window(checked, pipelines, upload):
    upload("1")
    noted, said, _ = checked("drifted", {})
    assert noted == {"iris": 1}
    assert said[0].startswith("iris: a retraining has started, arn:aws:sagemaker:")
    upload("2")
    assert checked("drifted", noted) == (noted, [], [])
    assert len(pipelines.started) == 1
    noted, _, _ = checked("steady", noted)
    assert noted == {}, "that drift is over"
    noted, _, _ = checked("drifted", noted)
    assert (noted, len(pipelines.started)) == ({"iris": 1}, 2)
    upload("3")
    assert checked("drifted", noted, version=2)[0] == {"iris": 2}, "another version has drifted"
    assert len(pipelines.started) == 3


def test_a_drift_without_a_newer_table_waits_for_one(checked, pipelines, retrain, upload):
    upload("1")
    retrain(parameters={})
    noted, said, _ = checked("drifted", {})
    assert noted == {}
    assert said == ["iris: no newer table than the one it was trained on, so nothing was started."]
    upload("2")
    assert checked("drifted", noted)[0] == {"iris": 1}
    assert len(pipelines.started) == 2


def test_a_drift_retrains_only_what_asks_for_it_and_says_what_failed(checked, pipelines):
    assert checked("drifted", {}, asked=()) == ({}, [], [])
    noted, _, (failed,) = checked("drifted", {})
    assert noted == {}
    assert failed.startswith("iris: the retrainer failed: There is no table under s3://")
    assert pipelines.started == []
