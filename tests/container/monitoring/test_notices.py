"""What a check tells: three metrics for the alarm, and a message that names models and columns."""

import io
import json
from datetime import UTC, datetime, timedelta

import boto3
import numpy as np
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from support.container import streams
from tabular.jobs import monitor
from tabular.monitoring import notices
from tabular.monitoring.baseline import packed
from tabular.monitoring.objects import baseline_key

REGION = "us-east-1"
ARTIFACT = "models/shop--toys/3-0123456789ab.tar.gz"


def test_the_metrics_are_as_many_for_a_thousand_models_as_for_one():
    report = streams.report(np.random.default_rng(1), models=2, drifted=1, count=200)
    found = {one["MetricName"]: one["Value"] for one in notices.metrics(report, "shop")}
    shift = max(one["population_stability"] for one in report["models"]["shop--toys-0"]["columns"].values())
    assert found == {"DriftedModels": 1, "UncheckedModels": 0, "LargestShift": shift}


def test_a_message_names_the_drifted_models_and_their_worst_columns():
    report = streams.report(np.random.default_rng(2), models=3, drifted=2, count=200)
    subject, text = notices.message(report, "shop", "s3://shop/report.json")
    assert subject == "shop: drift in toys-1, toys-0"
    assert "- toys-0, version 3: x5: drift; the values have moved by" in text
    assert "- toys-1, version 3: x6: drift" in text
    assert "toys-2" not in text
    assert text.endswith("The whole report: s3://shop/report.json")
    many = {f"shop--m{number}": report["models"]["shop--toys-0"] for number in range(30)}
    subject, text = notices.message(report | {"models": many}, "shop" * 20, "uri")
    assert len(subject) < 100
    assert "- and 10 more models" in text


def test_nobody_is_told_that_nothing_has_drifted():
    report = streams.report(np.random.default_rng(3), models=1, drifted=0, count=100)
    assert notices.message(report, "shop", "uri") is None


class Retrainer:
    """A client of Lambda whose retrainer is throttled for one data set."""

    def __init__(self, throttled):
        self.called, self._throttled = [], throttled

    def invoke(self, FunctionName, Payload):
        self.called.append(json.loads(Payload)["dataset"])
        if self.called[-1] == self._throttled:
            raise ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "-"}}, "Invoke")
        return {"Payload": io.BytesIO(b'{"action": "started", "execution": "arn"}')}


def test_a_retrainer_that_does_not_answer_for_one_leaves_the_notes_of_the_others():
    report = streams.report(np.random.default_rng(5), models=4, drifted=2, count=100)
    names = [one["data_set"] for one in report["models"].values() if one["status"] == "drifted"]
    first, second = names
    events = {name: {"dataset": name} for name in names}
    client = Retrainer(first)
    started, _, failed = notices.retrain(report, events, {}, client, "retrainer")
    assert client.called == names
    assert started == {second: 3}
    assert failed[0].startswith(f"{first}: the retrainer did not answer")
    again = Retrainer(None)
    assert set(notices.retrain(report, events, started, again, "retrainer")[0]) == set(names)
    assert again.called == [first]


@pytest.fixture
def account(base, monkeypatch):
    """A bucket with a drifted model, and a topic whose messages are in a queue."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with mock_aws():
        s3, rng = boto3.client("s3"), np.random.default_rng(4)
        s3.create_bucket(Bucket="shop")
        frame = streams.rows(rng, 200)
        frame["x6"] *= 1000
        objects = {
            "map.json": json.dumps({"shop--toys": {"key": ARTIFACT, "version": 3}}).encode(),
            baseline_key(ARTIFACT): packed(streams.baseline(rng)),
            "captured/shop--toys/version=3/date=2999-01-01/a.jsonl": b"\n".join(
                streams.requests(
                    frame, streams.predicted(rng, 200), 10, at=datetime.now(UTC) - timedelta(minutes=1)
                )
            ),
        }
        for key, body in objects.items():
            s3.put_object(Bucket="shop", Key=key, Body=body)
        topic = boto3.client("sns").create_topic(Name="alarms")["TopicArn"]
        sqs = boto3.client("sqs")
        queue = sqs.create_queue(QueueName="told")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        yield topic, lambda: sqs.receive_message(QueueUrl=queue).get("Messages", [])


@pytest.fixture
def check(account, run_module):
    def run(**more):
        places = {"models_map_uri": "map.json", "captured_uri": "captured/", "labels_uri": "labels/"}
        uris = {name: f"s3://shop/{key}" for name, key in places.items()}
        uris |= {"pipeline_name": "shop", "monitoring_uri": "s3://shop/monitoring/"}
        run_module(monitor.main, **uris, **{"metrics_namespace": "ManyModels", **more})

    return run


def test_the_job_puts_metrics_and_publishes_one_message(account, check):
    topic, messages = account
    check(topic_arn=topic)
    metrics = boto3.client("cloudwatch").list_metrics(Namespace="ManyModels")["Metrics"]
    assert {one["MetricName"] for one in metrics} == {"DriftedModels", "UncheckedModels", "LargestShift"}
    assert metrics[0]["Dimensions"] == [{"Name": "PipelineName", "Value": "shop"}]
    (told,) = messages()
    assert json.loads(told["Body"])["Subject"] == "shop: drift in toys"
    check(topic_arn=topic, group="shop--toys")
    assert messages() == [], "a check of one model is a person's"


def test_what_is_refused_fails_the_job_after_the_report_is_written(account, check):
    with pytest.raises(SystemExit, match=r"^The report is at s3://shop/monitoring/reports/.*NotFound"):
        check(topic_arn="arn:aws:sns:us-east-1:123456789012:gone")
    latest = boto3.client("s3").get_object(Bucket="shop", Key="monitoring/latest.json")["Body"]
    assert json.load(latest)["totals"]["drifted"] == 1
    assert boto3.client("cloudwatch").list_metrics(Namespace="ManyModels")["Metrics"]
