"""The invoker: one HTTP address in front of all models."""

import base64
import json
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.credentials import ReadOnlyCredentials
from support import HANGS

from contract.endpoints import endpoint_of
from lambdas import clients, models_map
from lambdas.invoker import handler, served
from lambdas.invoker import runtime as invoker_runtime
from lambdas.invoker.question import LIMIT
from lambdas.invoker.runtime import Runtime

BUCKET = "shop-123456789012-us-east-1"
TARGET = "shop--iris/3-aaaaaaaaaaaa.tar.gz"
GONE = "Failed to download model data for the target model."


@pytest.fixture
def call(event, context):
    """Invoke the function with a recorded event; return status, body and headers."""

    def invoke(name="url_post_json", **changes):
        response = handler.handler({**event(name), **changes}, context)
        body = response["body"]
        if response["headers"]["content-type"] == "application/json":
            body = json.loads(body)
        return response["statusCode"], body, response["headers"]

    return invoke


@pytest.fixture
def post(call):
    """POST rows to a model."""

    def invoke(model="iris", data="1,2"):
        return call(body=json.dumps({"model": model, "data": data}))

    return invoke


@pytest.mark.runtime
def test_json_rows_reach_the_model_and_its_answer_comes_back(serve, runtime, call):
    serve("iris", 3)
    expected = {
        "EndpointName": "shop",
        "TargetModel": TARGET,
        "ContentType": "application/json",
        "Accept": "application/json",
        "CustomAttributes": "trace=42",
        "Body": b'{"instances":[[5.1,3.5,1.4,0.2]]}',
    }
    runtime.answers(
        b'{"predictions":["setosa"]}',
        "application/json",
        **{"X-Amzn-SageMaker-Custom-Attributes": "trace=42"},
    )
    status, body, headers = call("url_post_json")
    assert runtime.asked == [expected]
    assert (status, body) == (200, {"predictions": ["setosa"]})
    assert headers == {
        "content-type": "application/json",
        "x-model-version": "3",
        "x-request-id": "8f5e7c1a-0000-4000-8000-000000000001",
        "x-amzn-sagemaker-custom-attributes": "trace=42",
    }


def test_raw_csv_reaches_the_model(serve, runtime, call):
    serve("iris", 3)
    expected = {
        "EndpointName": "shop",
        "TargetModel": TARGET,
        "ContentType": "text/csv",
        "Accept": "*/*",
        "Body": b"5.1,3.5,1.4,0.2\n6.2,2.9,4.3,1.3\n",
    }
    runtime.answers(b"setosa\nversicolor\n", "text/csv; charset=utf-8")
    status, body, headers = call("url_post_csv_base64")
    assert runtime.asked == [expected]
    assert (status, body) == (200, "setosa\nversicolor\n")
    assert headers["content-type"] == "text/csv; charset=utf-8"


def served_by(s3, endpoint):
    def edit(entries):
        entries["shop--iris"]["endpoint"] = endpoint
        return entries

    models_map.change(s3, BUCKET, edit)


def test_the_map_says_which_endpoint_serves_a_model(serve, s3, runtime, post, monkeypatch):
    monkeypatch.setenv("ENDPOINTS", "3")
    serve("iris", 3)
    served_by(s3, "shop--3")
    runtime.answers(b"setosa\n")
    assert post()[0] == 200
    assert asked(runtime) == [("shop--3", TARGET)]


def test_if_an_endpoint_has_gone_the_next_one_answers_before_the_map_says_so(
    serve, s3, runtime, post, monkeypatch
):
    monkeypatch.setenv("ENDPOINTS", "2")
    serve("iris", 3)
    served_by(s3, "shop--3")
    runtime.fails("ValidationError", "Endpoint shop--3 of account 123456789012 not found.")
    runtime.answers(b"setosa\n")
    assert post()[0] == 200
    other = endpoint_of("shop--iris", ["shop", "shop--2"])
    assert asked(runtime) == [("shop--3", TARGET), (other, TARGET)]


def asked(runtime):
    return [(question["EndpointName"], question["TargetModel"]) for question in runtime.asked]


def test_a_model_may_be_named_by_its_group(serve, runtime, post):
    serve("iris", 3)
    runtime.answers(b"setosa\n")
    assert post("shop--iris")[0] == 200


def test_bytes_that_are_no_text_come_back_as_base64(serve, runtime, event, context):
    serve("iris", 3)
    runtime.answers(b"\x93NUMPY\x01\xff", "application/x-npy")
    response = handler.handler(event("url_post_json"), context)
    assert response["isBase64Encoded"]
    assert base64.b64decode(response["body"]) == b"\x93NUMPY\x01\xff"


def test_get_lists_the_models_of_the_pipeline(serve, s3, call):
    serve("wine", 1)
    serve("iris", 3)
    foreign = {"key": "models/k", "version": 9, "sha256": "a" * 64, "approved_at": "-"}
    models_map.change(s3, BUCKET, lambda entries: {**entries, "shop-staging--iris": foreign})
    status, body, _ = call("url_get")
    assert status == 200
    assert body == {
        "models": [
            {"dataset": "iris", "group": "shop--iris", "version": 3},
            {"dataset": "wine", "group": "shop--wine", "version": 1},
        ]
    }


def test_get_lists_nothing_before_the_first_deployment(aws, call):
    assert call("url_get")[:2] == (200, {"models": []})


def test_400_for_a_bad_body(serve, runtime, call):
    serve("iris", 3)
    status, body, headers = call(body="{")
    assert status == 400
    assert body.keys() == {"error"}
    assert headers["content-type"] == "application/json"


def test_404_when_nothing_is_served(runtime, call):
    status, body, _ = call()
    assert status == 404
    assert "No model is served yet" in body["error"]


def test_404_for_an_unknown_model_names_the_nearest_and_all_of_few(serve, runtime, post):
    serve("iris", 3)
    serve("wine", 1)
    assert post("irsi")[:2] == (
        404,
        {"error": "There is no model 'irsi'. Did you mean 'iris'? Models in service: iris, wine."},
    )


def test_a_model_is_found_without_walking_through_the_others(environment):
    class Unwalkable(dict):
        def __iter__(self):
            raise AssertionError("it walks through all models")

        items = keys = values = __iter__

    entry = {"key": "models/k", "version": 4, "sha256": "a" * 64, "approved_at": "-"}
    entries, settings = Unwalkable({"shop--iris": entry}), handler.Settings.from_environment()
    for name in ("iris", "shop--iris"):
        record = {}
        assert handler._find(settings, entries, name, record) is entry
        assert record == {"group": "shop--iris", "version": 4}


def test_404_names_three_models_at_most_however_many_there_are(s3, runtime, post):
    entry = {"key": "models/k", "version": 1, "sha256": "a" * 64, "approved_at": "-"}
    many = {f"shop--table-{number}": entry for number in range(5000)}
    models_map.change(s3, BUCKET, lambda _: many)
    (status, body) = post("tabel-4711")[:2]
    assert status == 404
    assert body["error"].startswith("There is no model 'tabel-4711'. Did you mean 'table-4711' or ")
    assert body["error"].endswith("? GET / lists the 5000 models in service.")
    assert len(body["error"]) < 200


@pytest.mark.parametrize("name", ["shop-staging--iris", "Iris", "../iris", "shop--", "\ud800"])
def test_404_for_what_is_not_exactly_a_served_name(serve, runtime, post, name):
    serve("iris", 3)
    assert post(name)[0] == 404


def test_404_for_another_path(aws, call):
    assert call("url_get", rawPath="/favicon.ico")[0] == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_405_names_the_methods(aws, event, context, method):
    request = event("url_get")
    request["requestContext"]["http"]["method"] = method
    response = handler.handler(request, context)
    assert (response["statusCode"], response["headers"]["allow"]) == (405, "GET, POST")


def test_413_for_a_body_over_the_limit(serve, runtime, post):
    serve("iris", 3)
    assert post(data="1" * LIMIT)[0] == 413


def test_413_for_an_answer_that_lambda_could_not_return(serve, runtime, call):
    serve("iris", 3)
    runtime.answers(b'"' * (LIMIT // 2 + 1))  # each quote takes two bytes in Lambda's JSON
    status, body, _ = call()
    assert status == 413
    assert "The answer has more than 6,291,456 bytes" in body["error"]


def test_415_for_another_content_type(serve, runtime, call):
    serve("iris", 3)
    assert call(headers={"content-type": "text/plain"})[0] == 415


@pytest.mark.parametrize(
    ("original", "message", "sentence"),
    [
        (
            400,
            '{"error": "Row 2 has 3 columns; the model takes 4."}',
            "Row 2 has 3 columns; the model takes 4.",
        ),
        (406, "Accept image/png is not supported.\n", "Accept image/png is not supported."),
        (415, '{"detail": "no"}', '{"detail": "no"}'),
        (422, "", "The model refused the request without a reason."),
    ],
)
def test_a_4xx_of_the_container_passes_through_with_its_sentence(
    serve, runtime, call, original, message, sentence
):
    serve("iris", 3)
    runtime.fails(
        "ModelError", "Received client error", 424, OriginalStatusCode=original, OriginalMessage=message
    )
    status, body, headers = call()
    assert (status, body) == (original, {"error": sentence})
    assert headers["x-model-version"] == "3", "that of the model which refused"


FAILURES = {
    "throttled": (429, ("ThrottlingException", "Rate exceeded", 400)),
    "throttled by another name": (429, ("TooManyRequestsException", "", 429)),
    "container 500": (502, ("ModelError", "Received server error (500)", 424, 500)),
    "container 507": (502, ("ModelError", "Received server error (507)", 424, 507)),
    "platform failure": (502, ("InternalFailure", "", 500)),
    "dependency failure": (502, ("InternalDependencyException", "", 530)),
    "not allowed": (502, ("AccessDeniedException", "", 403)),
    "still loading": (503, ("ModelNotReadyException", "", 429)),
    "unavailable": (503, ("ServiceUnavailable", "", 503)),
    "no endpoint": (503, ("ValidationError", "Endpoint shop of account 123456789012 not found.", 400)),
    "artifact gone": (503, ("ValidationError", GONE, 400)),
    "container hung": (504, ("ModelError", "Received server error (0): invocation timed out", 424, 0)),
}


@pytest.mark.parametrize(("status", "failure"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_of_the_endpoint_has_its_status_and_one_sentence(serve, runtime, call, status, failure):
    serve("iris", 3)
    code, message, http_status, *original = failure
    fields = {"OriginalStatusCode": original[0], "OriginalMessage": "Traceback ..."} if original else {}
    runtime.fails(code, message, http_status, **fields)
    answered, body, headers = call()
    assert answered == status
    assert body.keys() == {"error"}
    assert "Traceback" not in body["error"]
    assert ("retry-after" in headers) == (status in (429, 503))
    assert "x-model-version" not in headers, "no model has answered"


def test_a_connection_that_ends_without_an_answer_is_tried_once(serve, runtime, call):
    serve("iris", 3)
    runtime.breaks()
    assert call()[:2] == (502, {"error": "The call to the endpoint failed (ConnectionClosedError)."})
    assert len(runtime.asked) == 1


def test_an_endpoint_that_cannot_be_reached_is_503_with_a_time_to_wait(serve, aws, call, monkeypatch):
    serve("iris", 3)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        closed = Runtime(f"http://127.0.0.1:{nobody.getsockname()[1]}", "us-east-1")
        monkeypatch.setattr(handler, "runtime", lambda: closed)
        status, _, headers = call()
    assert (status, headers["retry-after"]) == (503, "10")


def test_an_endpoint_that_does_not_answer_in_time_is_504(serve, aws, call, monkeypatch):
    serve("iris", 3)
    monkeypatch.setitem(clients.CONFIGS["sagemaker-runtime"], "read_timeout", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hung = Runtime(f"http://127.0.0.1:{silent.getsockname()[1]}", "us-east-1")
        monkeypatch.setattr(handler, "runtime", lambda: hung)
        assert call()[0] == 504


@pytest.mark.runtime
def test_requests_are_signed_and_share_a_connection(serve, runtime, post):
    serve("iris", 3)
    for _ in range(3):
        runtime.answers(b"setosa\n")
        assert post()[0] == 200
        assert "/us-east-1/sagemaker/aws4_request" in runtime.headers["authorization"]
        assert "x-amzn-sagemaker-target-model" in runtime.headers["authorization"]
    assert runtime.connections <= 1  # none, if a test before has made it


@pytest.mark.runtime
def test_the_runtime_is_that_of_the_functions_region(aws, monkeypatch):
    clients.forget()
    invoker_runtime.runtime.cache_clear()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    made = invoker_runtime.runtime()
    assert (made._host, made._region) == ("runtime.sagemaker.eu-west-1.amazonaws.com", "eu-west-1")
    assert made._connections._tls.verify_mode == ssl.CERT_REQUIRED
    clients.forget()
    invoker_runtime.runtime.cache_clear()


@pytest.mark.parametrize("token", ["", "a-session-token"])
def test_temporary_credentials_bring_their_token(serve, runtime, post, monkeypatch, token):
    found = ReadOnlyCredentials("key", "secret", token or None)
    monkeypatch.setattr(clients, "credentials", lambda: found)
    serve("iris", 3)
    runtime.answers(b"setosa\n")
    assert post()[0] == 200
    assert runtime.headers.get("x-amz-security-token", "") == token


@pytest.mark.runtime
def test_503_when_the_map_is_not_readable(s3, runtime, call):
    s3.put_object(Bucket=BUCKET, Key="deployments/models-map.json", Body=b"not a map")
    status, body, _ = call()
    assert status == 503
    assert "MapError" in body["error"]


def test_a_vanished_artifact_refreshes_the_map_and_asks_again(serve, runtime, call):
    serve("iris", 3)
    assert call("url_get")[0] == 200  # the map is cached now
    serve("iris", 4)
    runtime.fails("ValidationError", GONE)
    runtime.answers(b"setosa\n")
    status, _, headers = call()
    assert (status, headers["x-model-version"]) == (200, "4")


def test_a_model_that_left_service_answers_404_after_the_refresh(serve, runtime, call):
    serve("iris", 3)
    serve("wine", 1)
    call("url_get")
    serve("iris", None)
    runtime.fails("ValidationError", GONE)
    assert call()[0] == 404


def test_a_second_failure_is_not_retried(serve, runtime, call):
    serve("iris", 3)
    call("url_get")
    serve("iris", 4)
    runtime.fails("ValidationError", GONE)
    runtime.fails("ValidationError", GONE)
    assert call()[0] == 503


def test_one_line_is_logged_without_the_payload(serve, runtime, post, call, context, log_lines):
    serve("iris", 3)
    runtime.answers(b"secret-answer\n")
    runtime.fails(
        "ModelError", "x", 424, OriginalStatusCode=400, OriginalMessage="secret-cell is not a number"
    )
    post(data="secret-cell")
    post(data="secret-cell")
    call(body='{"secret-key": 1}')
    written = log_lines()
    assert "secret" not in json.dumps(written)
    assert [(line["status"], line.get("cause")) for line in written] == [
        (200, None),
        (400, "ModelError"),
        (400, "RequestError"),
    ]
    first = written[0]
    assert first.keys() == {
        "_aws",
        "function",
        "request_id",
        "group",
        "version",
        "rows",
        "status",
        "milliseconds",
        "request_bytes",
        "response_bytes",
        "PipelineName",
        "Requests",
        "4XXErrors",
        "5XXErrors",
        "Latency",
        "Rows",
    }
    assert (first["request_id"], first["group"], first["version"]) == (
        context.aws_request_id,
        "shop--iris",
        3,
    )


TOTAL, BY_MODEL = ["PipelineName"], ["PipelineName", "ModelPackageGroupName"]


@pytest.mark.parametrize(
    ("by_model", "of_a_model"), [("false", [TOTAL]), ("true", [TOTAL, BY_MODEL])], ids=["totals", "by model"]
)
def test_each_line_holds_the_metrics_for_cloudwatch(
    serve, runtime, post, call, log_lines, monkeypatch, by_model, of_a_model
):
    monkeypatch.setenv("METRICS_BY_MODEL", by_model)
    serve("iris", 3)
    runtime.answers(b"red\nblue\n")
    runtime.fails("ModelError", "x", 424, OriginalStatusCode=400, OriginalMessage="no")
    runtime.fails("InternalFailure", "x", 500)
    post(data=[[1], [2]])
    post(data="1\n2\n3\n")
    post(data="1")
    call(body="no JSON")
    lines = log_lines()
    counted = [(line["4XXErrors"], line["5XXErrors"], line["Rows"]) for line in lines]
    assert counted == [(0, 0, 2), (1, 0, 0), (0, 1, 0), (1, 0, 0)]
    for line in lines:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "ManyModels"
        for dimensions in directive["Dimensions"]:
            assert all(isinstance(line[name], str) for name in dimensions)
        assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
            "Requests": "Count",
            "4XXErrors": "Count",
            "5XXErrors": "Count",
            "Latency": "Milliseconds",
            "Rows": "Count",
        }
        assert all(isinstance(line[metric["Name"]], int | float) for metric in directive["Metrics"])
    assert [line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for line in lines] == [of_a_model] * 3 + [
        [TOTAL]
    ]
    # What Logs Insights needs of each model is there either way.
    assert [(line.get("group"), line.get("version")) for line in lines] == [("shop--iris", 3)] * 3 + [
        (None, None)
    ]


class CountingReads:
    """An S3 client that counts how often the map was requested and how often it was sent."""

    def __init__(self, s3):
        self.s3 = s3
        self.asked = self.sent = 0

    def get_object(self, **request):
        self.asked += 1
        answer = self.s3.get_object(**request)
        self.sent += 1
        return answer


@pytest.fixture
def counting(s3):
    return CountingReads(s3)


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def cached(counting, clock):
    return served.CachedMap(counting, BUCKET, time_to_live=5.0, clock=lambda: clock[0])


def test_the_map_is_cached_for_its_time_to_live(serve, cached, counting, clock):
    serve("iris", 3)
    cached.current()
    clock[0] += 4.9
    cached.current()
    assert counting.asked == 1
    serve("iris", 4)
    clock[0] += 0.1
    assert cached.current().entries["shop--iris"]["version"] == 4


@pytest.mark.runtime
def test_an_unchanged_map_is_not_sent_again(serve, cached, counting, clock):
    serve("iris", 3)
    first = cached.current()
    clock[0] += 5
    assert cached.current() is first
    clock[0] += 4.9
    assert cached.current() is first
    assert (counting.asked, counting.sent) == (2, 1)


def test_a_forced_refresh_is_left_out_when_another_thread_has_just_made_it(serve, cached, counting):
    serve("iris", 3)
    seen = cached.current()
    serve("iris", 4)
    assert cached.newer_than(seen).entries["shop--iris"]["version"] == 4
    assert cached.newer_than(seen).entries["shop--iris"]["version"] == 4
    assert counting.asked == 2


def test_many_threads_share_one_read(serve, cached, counting):
    serve("iris", 3)
    together = threading.Barrier(8, timeout=HANGS)

    def read(_):
        together.wait()
        return cached.current()

    with ThreadPoolExecutor(8) as pool:
        snapshots = list(pool.map(read, range(8)))
    assert counting.asked == 1
    assert all(snapshot is snapshots[0] for snapshot in snapshots)


@pytest.mark.runtime
def test_many_threads_share_one_client(aws):
    clients.forget()
    together = threading.Barrier(8, timeout=HANGS)

    def make(_):
        together.wait()
        return clients.client("s3")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(map(id, pool.map(make, range(8))))) == 1


def test_concurrent_requests_are_answered_each_with_its_own(serve, runtime, event, context, monkeypatch):
    for version, name in enumerate(["iris", "wine", "digits"], start=1):
        serve(name, version)

    def echo(_, headers, body):
        return (
            200,
            {"Content-Type": "text/csv"},
            f"{headers['X-Amzn-SageMaker-Target-Model']} ".encode() + body,
        )

    monkeypatch.setattr(runtime, "reply", echo)

    def ask(number):
        name = ["iris", "wine", "digits"][number % 3]
        request = {**event("url_post_json"), "body": json.dumps({"model": name, "data": str(number)})}
        response = handler.handler(request, context)
        return name, number, response

    with ThreadPoolExecutor(8) as pool:
        for name, number, response in pool.map(ask, range(60)):
            version = response["headers"]["x-model-version"]
            assert response["body"] == f"shop--{name}/{version}-aaaaaaaaaaaa.tar.gz {number}"
