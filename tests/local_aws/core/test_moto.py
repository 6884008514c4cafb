"""What is used of moto's insides is as it was seen: a new version that has changed it is named here first."""

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPMessage
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends
from moto.core.parse import QueryParser
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler
from moto.s3.models import FakeBucket, FakeKey, S3Backend
from moto.sns.models import sns_backends
from moto.sqs.models import SQSBackend
from werkzeug.serving import WSGIRequestHandler

import local_aws
from local_aws.core.account import ACCOUNT_ID
from local_aws.core.moto import SEEN_ON, Metric, Moto, Objects, alarm_state, environ, published, read_form
from local_aws.core.requests.wire import Request

ADVICE = (
    f"src/local_aws/core/moto.py was written for moto {SEEN_ON}; installed is {version('moto')}, in which "
    "{} has changed. Adapt that module and its SEEN_ON, or install the version of constraints.txt."
)


@contextmanager
def seen(what: str) -> Iterator[None]:
    """Name both versions when something of moto is not as it was seen."""
    try:
        yield
    except Exception as error:
        raise AssertionError(ADVICE.format(what)) from error


@pytest.mark.parametrize(
    ("what", "parameters"),
    [
        (DomainDispatcherApplication.__init__, {"create_app"}),
        (DomainDispatcherApplication.__call__, {"environ", "start_response"}),
        (DomainDispatcherApplication.get_backend_for_host, {"host"}),
        (S3Backend.create_bucket, {"bucket_name", "region_name"}),
        (S3Backend.put_object, {"bucket_name", "key_name", "value"}),
        (SQSBackend.send_message, {"queue_name", "message_body"}),
        (QueryParser.__init__, {"operation_model", "timestamp_parser"}),
        (
            FakeKey.__init__,
            {
                *("name", "value", "account_id", "region_name", "storage", "etag", "is_versioned"),
                *("version_id", "bucket_name", "encryption", "kms_key_id", "bucket_key_enabled"),
                *("checksum_value", "checksum_type", "checksum_parts"),
            },
        ),
        (
            MetricAggregatedDatum.__init__,
            {
                *("namespace", "name", "min_stat", "max_stat", "sample_count", "sum_stat"),
                *("dimensions", "timestamp", "unit"),
            },
        ),
    ],
    ids=lambda value: value.__qualname__ if inspect.isfunction(value) else "",
)
def test_what_is_called_takes_what_it_is_given(what: Callable[..., Any], parameters: set[str]) -> None:
    missing = parameters - set(inspect.signature(what).parameters)
    assert not missing, ADVICE.format(f"{what.__qualname__} (no {', '.join(sorted(missing))})")


def test_a_name_with_an_underscore_is_kept_as_its_request_handler_keeps_it() -> None:
    headers = [("x-amz-meta-A_b", "1"), ("x-amz-meta-a_B", "2"), ("x_y", "3"), ("X-Amz-Meta-c-d", "4")]
    headers.append(("x-amz-meta-c_d", "5"))
    handler = MotoRequestHandler.__new__(MotoRequestHandler)
    handler.headers = HTTPMessage()
    for name, value in headers:
        handler.headers[name] = value
    with seen("MotoRequestHandler"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(WSGIRequestHandler, "make_environ", lambda self: {})
        assert handler.make_environ().items() <= environ(Request("GET", "/", headers)).items()


@pytest.mark.parametrize("status", ["", "Enabled"])
def test_a_bucket_and_an_object_are_restored_as_they_were(status: str) -> None:
    objects, name = Objects(), f"moto-{uuid4().hex}"
    with seen("a bucket or an object"):
        objects.create_bucket(name, "eu-west-1")
        about = {**objects.describe_bucket(name), "versioning_status": status or None}
        objects.restore_bucket(about)
        objects.put(name, "a/b", b"old")
        objects.put(name, "a/b", b"content")
        before = objects.describe(objects.find(name, "a/b"))
        assert (before["version_id"] is not None) == bool(status)
        before["tags"] = {"retired": "true"}
        restored = objects.restore(name, before, b"content")
        assert objects.describe(restored) == objects.describe(objects.find(name, "a/b")) == before
        assert objects.find(name, "a/b").value == b"content"
        assert objects.describe_bucket(name) == about
        assert objects.names(name) == ["a/b"]
        assert objects.find(name, "absent") is objects.find("absent", "a/b") is None
        assert isinstance(objects._backend.buckets[name], FakeBucket)


def test_values_of_a_minute_are_added_up() -> None:
    minute = datetime(2026, 1, 1, 12, 30)
    with seen("a metric"):
        metric = Metric("eu-west-1", "Toys", "Calls", [{"Name": "n", "Value": "v"}], minute, "None")
        for value in (3.0, 1.0, 2.0):
            metric.add(value)
        (datum,) = [
            it for it in cloudwatch_backends[ACCOUNT_ID]["eu-west-1"].metric_data if it.namespace == "Toys"
        ]
        assert (datum.min, datum.max, datum.sum, datum.sample_count) == (1.0, 3.0, 6.0, 3)
        assert metric.minute == datum.timestamp == minute


def test_the_state_of_an_alarm_is_seen() -> None:
    name = f"moto-{uuid4().hex}"
    backend = cloudwatch_backends[ACCOUNT_ID]["eu-west-1"]
    with seen("an alarm"):
        assert alarm_state("eu-west-1", name) is None
        backend.put_metric_alarm(
            name=name,
            namespace="Toys",
            metric_name="Calls",
            comparison_operator="GreaterThanThreshold",
            evaluation_periods=1,
            period=60,
            threshold=1.0,
            statistic="Sum",
            description="",
            dimensions=[],
            alarm_actions=[],
        )
        backend.set_alarm_state(name, "a test", "{}", "ALARM")
        assert alarm_state("eu-west-1", name) == "ALARM"
        backend.delete_alarms([name])


def test_what_was_published_is_seen() -> None:
    region = "eu-west-1"
    with seen("a topic"):
        topic = sns_backends[ACCOUNT_ID][region].create_topic(f"moto-{uuid4().hex}").arn
        sns_backends[ACCOUNT_ID][region].publish("a message", topic, subject="a subject")
        found = [one for one in published(region) if one["topic"] == topic]
        assert found == [{"topic": topic, "subject": "a subject", "message": "a message"}]


def test_a_form_is_read() -> None:
    form = {"Namespace": "N", "MetricData.member.1.MetricName": "m", "MetricData.member.1.Value": "2"}
    with seen("the parser of forms"):
        asked = read_form("cloudwatch", "PutMetricData", form)
        assert asked == {"Namespace": "N", "MetricData": [{"MetricName": "m", "Value": 2.0}]}


def request(path: str, service: str) -> Request:
    signed = f"AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/{service}/aws4_request, x"
    return Request("GET", path, [("Host", "127.0.0.1:9"), ("Authorization", signed)])


def test_its_server_answers_without_sockets() -> None:
    moto, name = Moto(), f"moto-{uuid4().hex}"
    Objects().create_bucket(name, "us-east-1")
    Objects().put(name, "key", b"content")
    with seen("the server's application"):
        reply = moto.answer(request(f"/{name}/key", "s3"))
        assert (reply.status, reply.body) == (200, b"content")
        assert reply.headers["Content-Length"] == "7"
        assert moto.answer(request(f"/{name}/absent", "s3")).status == 404


def test_nothing_else_imports_moto() -> None:
    folder = Path(local_aws.__file__).parent
    importing = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if re.search(r"^\s*(from|import) moto\b", path.read_text(), re.MULTILINE)
    }
    assert importing == {"core/moto.py"}
