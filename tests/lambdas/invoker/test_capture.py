"""Capture: what a line says, and that no request waits or fails because of it."""

import json
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import ANY, Stubber
from support import HANGS

from lambdas import clients, columns
from lambdas.invoker import capture, handler
from lambdas.invoker.capture import MOST_LINE, Capture, CaptureError, settings
from lambdas.invoker.endpoint import Answer
from lambdas.invoker.question import Question

BUCKET = "shop-123456789012-us-east-1"
GROUP = "shop--iris"
ENTRY = {"key": f"models/{GROUP}/3-aaaaaaaaaaaa.tar.gz", "version": 3, "sha256": "a" * 64, "approved_at": "-"}
MANIFEST = {"columns": [{"name": "name"}, {"name": "size"}], "others": ["id"], "target": "kind"}


class Clock:
    """Seconds that a test lets pass."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def captures(aws, clock):
    """A capture of every request."""
    return lambda leaves_out=None, rate=1.0: Capture(rate, leaves_out or {}, BUCKET, "shop", clock)


@pytest.fixture
def stream(aws):
    """The stream's client; every call must have been announced to the stub."""
    with Stubber(clients.client("firehose")) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def sent(stream):
    """Announce a call that succeeds, except for some records; return a list that gets the lines."""

    def announce(count, failing=()):
        responses = [
            {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
            if number in failing
            else {"RecordId": str(number)}
            for number in range(count)
        ]
        stream.add_response(
            "put_record_batch",
            {"FailedPutCount": len(failing), "RequestResponses": responses},
            {"DeliveryStreamName": "shop-capture", "Records": ANY},
        )

    lines = []

    def keep(params, **_):
        lines.extend(json.loads(record["Data"]) for record in params["Records"])

    clients.client("firehose").meta.events.register("provide-client-params.firehose.PutRecordBatch", keep)
    announce.lines = lines
    yield announce
    clients.client("firehose").meta.events.unregister("provide-client-params.firehose.PutRecordBatch", keep)


def offer(captured, body=b"ada,1.5\n", content_type="text/csv", answer=b"setosa\n", request_id="r-1"):
    asked = Question("iris", body, content_type, None, None)
    captured.offer(request_id, GROUP, ENTRY, asked, Answer(answer, "text/csv", None), answer.count(b"\n"))


def test_a_line_has_the_request_the_answer_and_their_name(captures, sent):
    captured = captures()
    offer(
        captured, "ada,1.5\ngrace,é\n".encode("latin-1"), "text/csv; charset=latin-1", b"setosa\nvirginica\n"
    )
    sent(1)
    captured.drain()
    (line,) = sent.lines
    assert line.pop("at").endswith("Z")
    assert line == {
        "schema": 1,
        "request_id": "r-1",
        "group": GROUP,
        "version": 3,
        "rows": 2,
        "request": {"content_type": "text/csv; charset=latin-1", "body": "ada,1.5\ngrace,é\n"},
        "answer": {"content_type": "text/csv", "body": "setosa\nvirginica\n"},
        "left_out": [],
    }


def test_columns_are_left_out_of_all_data_sets_or_of_one(captures, sent, s3, log_lines):
    columns.write(s3, BUCKET, ENTRY, MANIFEST)
    captured = captures({"*": ["NAME"], "wine": ["size"], "iris": ["id"]})
    offer(captured, b"name,size,id\nada,1.5,id-of-ada\n")
    offer(captured, b'{"instances": [{"name": "ada", "size": 1.5}]}', "application/json")
    sent(2)
    captured.drain()
    assert [line["left_out"] for line in sent.lines] == [["NAME", "id"]] * 2
    assert [line["request"]["body"] for line in sent.lines] == [
        '"name","size","id"\n"","1.5",""\n',
        '[{"name":null,"size":1.5}]',
    ]
    assert "ada" not in json.dumps([sent.lines, log_lines()])


@pytest.mark.parametrize(
    ("leaves_out", "body", "reason"),
    [
        ({"iris": ["name"]}, b"ada\n", "as many cells"),
        ({"iris": ["nmae"]}, b"ada,1.5\n", "names 'nmae', which is not a column of iris"),
        ({"*": ["name"]}, b"\xff\xff", "not text"),
        ({}, b"a,1\n" * 300_000, "more than 1,024,000 bytes"),
        ({}, b'"' * MOST_LINE, "more than 1,024,000 bytes"),  # each takes two bytes in JSON
    ],
)
def test_what_cannot_be_stored_is_not_and_says_why(captures, sent, s3, leaves_out, body, reason):
    columns.write(s3, BUCKET, ENTRY, MANIFEST)
    captured = captures(leaves_out)
    offer(captured, body)
    sent(1)
    captured.drain()
    (line,) = sent.lines
    assert line["request"] is None
    assert reason in line["why"]
    assert line["answer"]["body"] == "setosa\n"


@pytest.mark.runtime
def test_without_a_record_of_the_columns_no_request_is_stored(captures, sent):
    captured = captures({"*": ["name"]})
    offer(captured)
    sent(1)
    captured.drain()
    assert "not recorded" in sent.lines[0]["why"]
    assert sent.lines[0]["request"] is None


def test_an_answer_that_is_no_text_or_too_large_is_not_stored(captures, sent):
    captured = captures()
    offer(captured, answer=b"\x93NUMPY\x01\xff")
    offer(captured, answer=b"x" * (MOST_LINE + 1))
    sent(2)
    captured.drain()
    assert [(line["answer"], line["request"]["body"]) for line in sent.lines] == [(None, "ada,1.5\n")] * 2
    assert all(line["why"].startswith("The answer is not here.") for line in sent.lines)


def test_the_deployer_records_columns_and_a_manifest_without_them_has_none(s3):
    columns.write(s3, BUCKET, ENTRY, MANIFEST)
    assert columns.read(s3, BUCKET, ENTRY) == {"columns": ["name", "size"], "others": ["id", "kind"]}
    other = {**ENTRY, "key": f"models/{GROUP}/4-bbbbbbbbbbbb.tar.gz"}
    columns.write(s3, BUCKET, other, {"files": {}})
    assert columns.read(s3, BUCKET, other) is None


def test_a_share_of_the_requests_is_captured(captures, sent, monkeypatch):
    monkeypatch.setattr(random, "random", random.Random(1).random)
    captured = captures(rate=0.25)
    for _ in range(200):
        offer(captured)
    sent(len(captured._waiting))
    captured.drain()
    assert 30 < len(sent.lines) < 70


@pytest.mark.runtime
@pytest.mark.parametrize(
    "fail",
    [
        lambda stub: stub.add_client_error("put_record_batch", "AccessDeniedException", "User: ...", 403),
        lambda stub: stub.add_client_error("put_record_batch", "ServiceUnavailableException", "Slow.", 503),
        lambda stub: stub.add_client_error("put_record_batch", "ResourceNotFoundException", "None.", 400),
        lambda stub: stub.add_client_error("put_record_batch", "ThrottlingException", "Slow.", 429),
    ],
)
def test_what_the_stream_refuses_waits_and_is_sent_once_it_takes_it(
    captures, stream, sent, clock, log_lines, fail
):
    captured = captures()
    offer(captured, request_id="first")
    fail(stream)
    captured.drain()
    (line,) = log_lines()
    assert (line["action"], line["waiting"], line["dropped"]) == ("capture", 1, 0)
    offer(captured, request_id="second")
    captured.drain()  # not yet: the environment would stay busy for nothing
    clock.now += 6
    sent(2)
    captured.drain()
    assert [line["request_id"] for line in sent.lines][-2:] == ["first", "second"]
    captured.drain()


@pytest.mark.parametrize("error", [ReadTimeoutError, EndpointConnectionError])
def test_a_stream_that_does_not_answer_is_left_alone_for_longer_and_longer(
    captures, clock, monkeypatch, log_lines, error
):
    captured, calls = captures(), []

    class Down:
        def put_record_batch(self, **_):
            calls.append(clock.now)
            raise error(endpoint_url="-")

    monkeypatch.setattr(clients, "client", lambda _: Down())
    offer(captured)
    for _ in range(300):
        captured.drain()
        clock.now += 1
    assert 6 <= len(calls) <= 9
    assert {line["cause"] for line in log_lines()} == {error.__name__}


def test_records_that_failed_are_sent_again_without_the_others(captures, sent, clock):
    captured = captures()
    for number in range(4):
        offer(captured, request_id=str(number))
    sent(4, failing={1, 3})
    captured.drain()
    clock.now += 6
    sent(2)
    captured.drain()
    assert [line["request_id"] for line in sent.lines] == ["0", "1", "2", "3", "1", "3"]


def test_a_full_buffer_drops_and_counts(captures, sent, clock, log_lines, monkeypatch):
    monkeypatch.setattr(capture, "MOST_WAITING", 3)
    captured = captures()
    for _ in range(5):
        offer(captured)
    sent(3)
    captured.drain()
    (line,) = log_lines()
    assert (line["dropped"], line["CaptureDropped"], line["cause"]) == (2, 2, None)
    monkeypatch.setattr(capture, "MOST_WAITING", 1000)
    for _ in range(1000):
        offer(captured, b"x" * 1_000_000)
    assert captured._bytes <= capture.MOST_BYTES_WAITING


def test_a_batch_has_no_more_than_firehose_takes(captures, sent):
    captured = captures()
    for _ in range(12):
        offer(captured, b"x" * 1_000_000)
    for count in (4, 4, 4):
        sent(count)
    captured.drain()
    assert len(sent.lines) == 12
    for _ in range(501):
        offer(captured)
    sent(500)
    sent(1)
    captured.drain()


def test_a_request_that_makes_no_line_is_counted_and_the_others_are_sent(
    captures, sent, log_lines, monkeypatch
):
    made = capture.line

    def line(captured, *rest):
        return made(captured, *rest) if captured.request_id != "r-2" else {}["no"]

    monkeypatch.setattr(capture, "line", line)
    captured = captures()
    for name in ("r-1", "r-2", "r-3"):
        offer(captured, request_id=name)
    sent(2)
    captured.drain()
    assert [line["request_id"] for line in sent.lines] == ["r-1", "r-3"]
    (said,) = log_lines()
    assert (said["cause"], said["dropped"]) == ("KeyError", 1)


def test_a_parameter_of_the_content_type_is_left_out_with_the_cells(captures, sent, s3):
    columns.write(s3, BUCKET, ENTRY, MANIFEST)
    captured = captures({"*": ["name"]})
    offer(captured, "ada,1.5\n".encode("utf-16"), "text/csv; charset=utf-16; note=ada")
    sent(1)
    captured.drain()
    assert sent.lines[0]["request"] == {"content_type": "text/csv", "body": '"","1.5"\n'}


@pytest.mark.runtime
def test_half_of_a_surrogate_pair_costs_that_request_alone(captures, sent, s3):
    columns.write(s3, BUCKET, ENTRY, MANIFEST)
    captured = captures({"*": ["name"]})
    offer(captured, b'[["ada", "\\ud800"]]', "application/json")
    offer(captured, request_id="r-2")
    sent(2)
    captured.drain()
    half, whole = sent.lines
    assert half["request"] is None
    assert half["why"].startswith("The request is not here.")
    assert whole["request"]["body"] == '"","1.5"\n'


@pytest.mark.parametrize(
    "record", [b"no JSON", b"[]", b'{"columns": ["name"]}', b'{"columns": 1, "others": []}']
)
def test_a_record_of_columns_that_cannot_be_read_stores_no_request(captures, sent, s3, record):
    columns.write(s3, BUCKET, ENTRY, MANIFEST)
    (found,) = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    s3.put_object(Bucket=BUCKET, Key=found["Key"], Body=record)
    captured = captures({"*": ["name"]})
    offer(captured)
    sent(1)
    captured.drain()
    assert sent.lines[0]["request"] is None
    assert "record" in sent.lines[0]["why"]


def test_a_fault_of_the_capture_itself_ends_nothing(captures, monkeypatch, log_lines):
    captured = captures()
    offer(captured)
    monkeypatch.setattr(capture, "line", lambda *_: 1 / 0)
    captured.drain()
    assert log_lines()[0]["cause"] == "ZeroDivisionError"


@pytest.mark.parametrize(
    "environment",
    [
        {"CAPTURE_RATE": "often"},
        {"CAPTURE_RATE": "1.5"},
        {"CAPTURE_RATE": "nan"},
        {"CAPTURE_RATE": "1", "CAPTURE_LEAVES_OUT": "name"},
        {"CAPTURE_RATE": "1", "CAPTURE_LEAVES_OUT": '["name"]'},
        {"CAPTURE_RATE": "1", "CAPTURE_LEAVES_OUT": '{"iris": "name"}'},
        {"CAPTURE_RATE": "1", "CAPTURE_LEAVES_OUT": '{"shop--iris": ["name"]}'},
        {"CAPTURE_RATE": "1", "CAPTURE_LEAVES_OUT": '{"Iris": ["name"]}'},
    ],
)
def test_settings_that_cannot_be_used_turn_it_off_and_are_named(environment, monkeypatch, log_lines):
    with pytest.raises(CaptureError, match=r"it must be"):
        settings(environment)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    capture.current.cache_clear()
    assert capture.current().rate == 0
    assert log_lines()[0]["action"] == "capture is off"
    capture.current.cache_clear()


def test_it_is_off_unless_asked_for():
    assert settings({}) == (0.0, {})
    assert settings({"CAPTURE_RATE": "0.5", "CAPTURE_LEAVES_OUT": '{"*": ["a"]}'}) == (0.5, {"*": ["a"]})


class Lambda(BaseHTTPRequestHandler):
    """Lambda's Extensions API for one extension: a queue of events, and when each was asked for."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.reply(self.server.status, {"functionName": "f"}, {"Lambda-Extension-Identifier": "id"})

    def do_GET(self):
        assert self.headers["Lambda-Extension-Identifier"] == "id"
        self.server.asked.append("next")
        self.server.events.acquire()
        self.reply(200, {"eventType": "INVOKE", "deadlineMs": 1000 * (time.time() + HANGS)})

    def reply(self, status, document, headers=None):
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def lambda_api(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lambda)
    server.daemon_threads = True
    server.asked, server.events, server.status = [], threading.Semaphore(0), 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", f"127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()


def test_the_work_begins_when_the_handler_has_finished_and_then_the_next_event_is_asked_for(lambda_api):
    done = threading.Semaphore(0)
    extension = capture.Extension(lambda: (lambda_api.asked.append("work"), done.release()))
    assert extension.start()
    for _ in range(2):
        lambda_api.events.release()
        assert not done.acquire(timeout=0.05), "the handler is still running"
        extension.finished()
        assert done.acquire(timeout=HANGS)
    deadline = time.monotonic() + HANGS
    while len(lambda_api.asked) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert lambda_api.asked == [{"events": ["INVOKE"]}, "next", "work", "next", "work", "next"]


def test_a_registration_that_is_refused_turns_capture_off(lambda_api, monkeypatch, log_lines):
    lambda_api.status = 403
    monkeypatch.setenv("CAPTURE_RATE", "1")
    capture.current.cache_clear()
    assert (capture.current().rate, capture.current().extension) == (0, None)
    assert "403" in log_lines()[0]["cause"]
    capture.current.cache_clear()


def test_the_handler_captures_what_it_answers_and_says_that_it_has_finished(
    serve, runtime, event, context, captures, sent, monkeypatch
):
    finished = []

    class Finished:
        def finished(self):
            finished.append(1)

    captured = captures()
    captured.extension = Finished()
    monkeypatch.setattr(capture, "current", lambda: captured)
    serve("iris", 3)
    named = event("url_post_json")
    named["headers"]["X-Request-Id"] = "order-7/row.1"
    runtime.answers(b"setosa\n")
    response = handler.handler(named, context)
    refused = handler.handler({**event("url_post_json"), "body": "{"}, context)
    assert (response["statusCode"], refused["statusCode"]) == (200, 400)
    sent(1)
    captured.drain()
    (line,) = sent.lines
    assert line["request_id"] == response["headers"]["x-request-id"] == "order-7/row.1"
    assert line["request"]["body"] == '{"instances":[[5.1,3.5,1.4,0.2]]}'
    assert len(finished) == 2


@pytest.mark.parametrize("named", ["", "a b", "x" * 129, "é", "a\nb", '"'])
def test_a_name_that_is_not_valid_gives_way_to_the_functions(event, context, named, log_lines):
    asked = event("url_get")
    asked["headers"] = {**asked.get("headers", {}), "x-request-id": named}
    asked["rawPath"] = "/nothing"
    response = handler.handler(asked, context)
    assert response["headers"]["x-request-id"] == context.aws_request_id
    (line,) = log_lines()
    assert line["request_id"] == context.aws_request_id
    assert "lambda_request_id" not in line
