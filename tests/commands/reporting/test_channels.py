"""NOTIFY: a webhook, an SNS topic or a command."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import boto3
import psutil
import pytest
from moto import mock_aws
from support import HANGS
from support.helpers.documents.summaries import ended, judged

from commands.reporting import notification
from commands.reporting.channels import Channel, NotSent, channel
from helpers.errors import BadInput, UserError
from helpers.runs import summary

CONTENT = notification.content(
    ended(
        "failed",
        1,
        own=judged("failed", "Only 12 rows.", log="a.log"),
        wine=judged("registered", version=2, awaits_decision=True),
    )
)


def named(notify: str) -> Channel:
    found = channel(notify)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("notify", "shown"),
    [
        ("https://hooks.example.com/services/SECRET", "https://hooks.example.com/..."),
        ("https://user:SECRET@hooks.example.com:8443/?key=SECRET", "https://hooks.example.com:8443/..."),
        ("http://[::1]:8000/SECRET", "http://[::1]:8000/..."),
        ("arn:aws:sns:eu-central-1:123456789012:runs", "arn:aws:sns:eu-central-1:123456789012:runs"),
        (
            "arn:aws-cn:sns:cn-north-1:123456789012:runs.fifo",
            "arn:aws-cn:sns:cn-north-1:123456789012:runs.fifo",
        ),
        ("env --unset=SECRET true", "the command env"),
    ],
)
def test_it_is_shown_without_a_secret(notify: str, shown: str) -> None:
    assert named(notify).shown == shown


def test_nobody_is_told_if_it_is_empty() -> None:
    assert (channel(""), channel(" ")) == (None, None)


def test_it_may_be_in_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_WEBHOOK", "https://hooks.example.com/SECRET")
    assert named("env:OUR_WEBHOOK").shown == "https://hooks.example.com/..."
    monkeypatch.delenv("OUR_WEBHOOK")
    with pytest.raises(
        BadInput, match="NOTIFY names the environment variable 'OUR_WEBHOOK', which is not set"
    ):
        channel("env:OUR_WEBHOOK")


@pytest.mark.parametrize(
    ("notify", "complaint"),
    [
        (
            "http://hooks.example.com/SECRET",
            "hooks.example.com, which is not encrypted; give one with https://.",
        ),
        ("https:///SECRET", "NOTIFY is not a web address that can be used; give https://..."),
        ("https://[SECRET", "NOTIFY is not a web address that can be used"),
        ("https://host:SECRET/", "NOTIFY is not a web address that can be used"),
        (
            "hooks.example.com/SECRET",
            "NOTIFY names neither a program that can be run nor anything else that is known",
        ),
        ("arn:aws:sqs:eu-central-1:123456789012:SECRET", "NOTIFY names neither a program that can be run"),
        ("tell 'SECRET", "NOTIFY is not a command that can be read (No closing quotation)"),
    ],
)
def test_what_names_nobody_is_refused_without_repeating_it(notify: str, complaint: str) -> None:
    with pytest.raises(BadInput) as raised:
        channel(notify)
    assert complaint in str(raised.value)
    assert "SECRET" not in str(raised.value)


# A command


def test_a_command_gets_json_on_its_standard_input_and_the_line_in_its_environment(tmp_path: Path) -> None:
    told = tmp_path / "told"
    named(f"""sh -c 'cat > {told}; printf "\\n%s" "$MANY_MODELS_TEXT" >> {told}'""").send(CONTENT, 10)
    body, line = told.read_text().split("\n")
    assert (json.loads(body), line) == (CONTENT, CONTENT["text"])


@pytest.mark.parametrize("notify", ["sh -c 'exit 3'", "sh -c 'cat > /dev/null; exit 3'"])
def test_a_command_that_fails_is_not_tried_again(notify: str) -> None:
    with pytest.raises(NotSent, match="it ended with exit code 3") as raised:
        named(notify).send(CONTENT, 10)
    assert not raised.value.again


def test_a_command_that_goes_on_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    started = tmp_path / "child"
    for seconds in (0.3, 3, 30, HANGS):  # until there is time for it to start something
        with pytest.raises(NotSent, match="it had not ended after"):
            named(f"sh -c 'sleep {2 * HANGS} & echo $! > {started}; wait'").send(CONTENT, seconds)
        if started.exists() and started.read_text():
            break
    child = int(started.read_text())
    end = time.monotonic() + HANGS
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.01)


# A webhook


def test_a_server_that_never_finishes_its_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notification, "PATIENCE", 0.3)
    with (
        dripping() as port,
        pytest.raises(UserError, match=r"was not told how this run ended: it had not answered after 0 s\."),
    ):
        notification.tell(named(f"http://127.0.0.1:{port}/"), ended())


@contextmanager
def dripping() -> Iterator[int]:
    """A server that sends a byte of its answer again and again, so that no single read takes long."""
    ended = threading.Event()

    def serve() -> None:
        with suppress(OSError), listening.accept()[0] as answer:
            while not ended.wait(0.05):
                answer.sendall(b"H")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        ended.set()
        thread.join()


# An SNS topic


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.Session(region_name="eu-central-1")


@pytest.mark.parametrize("kind", ["", ".fifo"])
def test_a_topic_publishes_the_json_under_the_line(aws: boto3.Session, kind: str) -> None:
    sns, sqs = aws.client("sns"), aws.client("sqs")
    topic = sns.create_topic(Name=f"runs{kind}", Attributes={"FifoTopic": "true"} if kind else {})["TopicArn"]
    queue = sqs.create_queue(QueueName=f"q{kind}", Attributes={"FifoQueue": "true"} if kind else {})[
        "QueueUrl"
    ]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    named(topic).send(CONTENT, 10)
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    published = json.loads(message["Body"])
    assert (published["Subject"], json.loads(published["Message"])) == (CONTENT["text"][:99], CONTENT)


@pytest.mark.usefixtures("aws")
def test_a_topic_that_is_not_there_is_not_tried_again() -> None:
    with pytest.raises(NotSent, match="SNS answered NotFound") as raised:
        named("arn:aws:sns:eu-central-1:123456789012:nowhere").send(CONTENT, 10)
    assert not raised.value.again


def test_subscribers_by_e_mail_read_sentences() -> None:
    from commands.reporting.channels import _letter

    document = ended("failed", 1, own=judged("failed", "Only 12 rows.", advice="Give more.", log="a.log"))
    document["error"] = "1 of 2 data sets failed: own."
    document["data_sets"] |= {
        f"t{n}": judged("registered", version=n, awaits_decision=True) for n in range(1, 23)
    }
    lines = _letter(notification.content(document)).splitlines()
    assert lines[0] == notification.content(document)["text"]
    assert lines[2:6] == [
        "1 of 2 data sets failed: own.",
        "",
        "own: Only 12 rows. Give more.",
        "  log: a.log",
    ]
    assert lines[7].startswith("Awaiting a decision: t1 version 1, t2 version 2, ")
    assert lines[7].endswith("t20 version 20 and 2 more.")
    assert summary.FILE not in lines[-1]
