"""Lambda functions: invocations, errors, concurrency, and the function behind a URL."""

import http.client
import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support import HANGS, ROOT
from support.local_aws.aws import wait_for

from local_aws.core.account import Account
from local_aws.core.errors import AwsError
from local_aws.core.requests.signatures import Signatures
from local_aws.core.requests.wire import Request as HttpRequest
from local_aws.core.requests.wire import to_reply
from local_aws.core.store import Store
from local_aws.gateway.listener import Listener
from local_aws.services.functions import code
from local_aws.services.functions.api import LambdaApi
from local_aws.services.functions.functions import Functions
from local_aws.services.functions.url import BODY_LIMIT, FunctionUrls, answer_of

HERE = str(ROOT / "tests/support/local_aws")


@pytest.fixture
def functions(account: Account) -> Iterator[Functions]:
    store = Store(account.home / "records.db")
    functions = Functions(account, store)
    yield functions
    functions.close()
    store.close()


def put(
    functions: Functions, handler: str, timeout: int = 10, url_auth: str = "NONE", **environment: str
) -> None:
    values = {"PYTHONPATH": HERE, "COLOR": "red", **environment}
    role = "arn:aws:iam::123456789012:role/toy"
    functions.put("toy", f"handlers.{handler}", values, timeout, 128, role, url_auth)


def invoke(functions: Functions, event: Any = None) -> Any:
    invocation = functions.invoke("toy", event or {})
    assert invocation.error is None, invocation
    return json.loads(invocation.payload)


def test_a_handler_sees_its_event_context_and_environment(functions: Functions) -> None:
    put(functions, "echo")
    answer = invoke(functions, {"a": [1, None, "ü"]})
    assert answer["event"] == {"a": [1, None, "ü"]}
    assert (answer["function"], answer["color"]) == ("toy", "red")
    assert 0 < answer["milliseconds"] <= 10_000


def test_one_process_answers_many_invocations(functions: Functions) -> None:
    put(functions, "echo")
    assert len({invoke(functions)["pid"] for _ in range(3)}) == 1


def test_invocations_run_side_by_side(functions: Functions) -> None:
    put(functions, "meet")
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _: invoke(functions), range(4))) == [0, 1, 2, 3]


def test_a_handler_that_raises(functions: Functions) -> None:
    put(functions, "fail")
    invocation = functions.invoke("toy", {"wanted": "cake"})
    assert invocation.error == "Unhandled"
    error = json.loads(invocation.payload)
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no cake here")
    assert "handlers.py" in error["stackTrace"][-1]


def test_an_answer_may_have_six_megabytes(functions: Functions) -> None:
    put(functions, "echo")
    assert len(invoke(functions, "a" * 6_000_000)["event"]) == 6_000_000
    invocation = functions.invoke("toy", "a" * 6_300_000)
    assert invocation.error == "Unhandled"
    assert json.loads(invocation.payload)["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_handler_that_does_not_exist(functions: Functions) -> None:
    put(functions, "absent")
    for _ in range(2):
        assert json.loads(functions.invoke("toy", {}).payload)["errorType"] == "AttributeError"


def test_a_process_that_ends_is_started_again(functions: Functions) -> None:
    put(functions, "leave")
    for _ in range(2):
        assert json.loads(functions.invoke("toy", {}).payload)["errorType"] == "Runtime.ExitError"
    put(functions, "echo")
    assert invoke(functions)["color"] == "red"


def test_an_invocation_that_takes_too_long(functions: Functions) -> None:
    put(functions, "sleep", timeout=1)
    invocation = functions.invoke("toy", {"seconds": 30})
    assert "Task timed out after 1.00 seconds" in invocation.payload
    put(functions, "sleep", timeout=60)  # the process that follows may start slowly
    assert isinstance(invoke(functions, {"seconds": 0}), int)


def test_a_call_that_comes_too_late_ends_no_other(functions: Functions) -> None:
    put(functions, "sleep", timeout=60)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(invoke, functions, {"seconds": 0.5})
        wait_for(lambda: functions._runtimes and functions._runtimes["toy"]._busy)
        runtime = functions._runtimes["toy"]
        runtime.alive = False  # as once the process has said that it ends
        with pytest.raises(ConnectionError):
            runtime.call("late", b'{"seconds": 0}', HANGS)
        assert isinstance(waiting.result(), int)


def test_more_invocations_than_a_process_takes_at_once_wait_for_their_turn(functions: Functions) -> None:
    put(functions, "echo")
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda number: invoke(functions, {"number": number}), range(120)))
    assert [answer["event"]["number"] for answer in answers] == list(range(120))
    assert len({answer["pid"] for answer in answers}) == 1


def test_an_invocation_that_never_gets_its_turn(functions: Functions) -> None:
    put(functions, "sleep", timeout=60)
    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(invoke, functions, {"seconds": 1}) for _ in range(16)]
        wait_for(lambda: functions._runtimes and not functions._runtimes["toy"]._idle)
        with pytest.raises(TimeoutError):
            functions._runtimes["toy"].call("late", b'{"seconds": 0}', 0.05)
        assert all(isinstance(answer.result(), int) for answer in answers)
    assert isinstance(invoke(functions, {"seconds": 0}), int)


def test_changed_settings_start_a_new_process_and_unchanged_ones_do_not(functions: Functions) -> None:
    put(functions, "echo")
    first = invoke(functions)["pid"]
    put(functions, "echo")
    assert invoke(functions)["pid"] == first
    put(functions, "echo", COLOR="blue")
    assert invoke(functions)["color"] == "blue"
    functions.delete("toy")
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        invoke(functions)


def test_an_unknown_function(functions: Functions) -> None:
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        functions.invoke("absent", {})


Request = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture
def request_url(functions: Functions) -> Iterator[Request]:
    """A function that sends an HTTP request to the toy function's URL, on one connection."""
    put(functions, "http")
    urls = FunctionUrls(functions, Signatures("secret"))
    listener = Listener(urls.answer)
    threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
    connection = http.client.HTTPConnection(*listener.server_address)

    def request(
        method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection.request(method, f"/function-url/toy{path}", body, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    yield request
    connection.close()
    listener.shutdown()
    listener.server_close()


def test_a_request_becomes_an_event_of_format_2(request_url: Request) -> None:
    body = json.dumps({"rows": [1]}).encode()
    status, headers, content = request_url(
        "POST", "/predict/a%20b?x=1&y=2&y=3", body, **{"Content-Type": "application/json", "X-Trace": "T"}
    )
    event = json.loads(content)
    assert (status, headers["X-Color"]) == (201, "red")
    assert event["version"] == "2.0"
    assert event["rawPath"] == "/predict/a%20b"
    assert event["rawQueryString"] == "x=1&y=2&y=3"
    assert event["queryStringParameters"] == {"x": "1", "y": "2,3"}
    assert event["headers"]["x-trace"] == "T"
    assert event["headers"]["content-type"] == "application/json"
    assert event["requestContext"]["http"]["method"] == "POST"
    assert event["requestContext"]["http"]["path"] == "/predict/a%20b"
    assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
    assert (event["body"], event["isBase64Encoded"]) == (body.decode(), False)
    assert event["requestContext"]["requestId"] == headers["x-amzn-RequestId"]


def test_binary_bodies_are_base64(request_url: Request) -> None:
    _, _, content = request_url("POST", "/", b"\x00\xff", **{"Content-Type": "application/octet-stream"})
    event = json.loads(content)
    assert (event["body"], event["isBase64Encoded"]) == ("AP8=", True)
    _, headers, content = request_url("GET", "/binary")
    assert (headers["Content-Type"], content) == ("x/y", b"\x00\xff")


def test_a_result_without_a_status_code_is_the_body(request_url: Request) -> None:
    status, _, content = request_url("GET", "/plain")
    assert (status, json.loads(content)) == (200, {"plain": True})


def test_a_function_that_raised_is_a_502(request_url: Request) -> None:
    status, _, content = request_url("GET", "/fail")
    assert (status, json.loads(content)) == (502, {"Message": "Internal Server Error"})


@pytest.mark.parametrize(
    "said",
    [
        {"statusCode": True},
        {"statusCode": 99},
        {"headers": {"a": "b\r\nx-model-version: 9"}},
        {"headers": {"a b": "c"}},
        {"headers": {"a": "€"}},
        {"headers": ["a"]},
        {"body": "?", "isBase64Encoded": True},
        {"body": "\ud800"},
    ],
    ids=str,
)
def test_a_result_that_is_no_answer_is_a_502(said: dict[str, Any]) -> None:
    assert answer_of({"statusCode": 200, **said}, "1").status == 502


def test_how_long_an_answer_is_says_the_server() -> None:
    said = {"statusCode": 201, "headers": {"Transfer-Encoding": "chunked", "X": 1}, "body": "é"}
    reply = answer_of(said, "1")
    assert (reply.status, reply.body) == (201, "é".encode())
    assert {"X": "1", "Content-Type": "application/json"}.items() <= reply.headers.items()
    assert "Transfer-Encoding" not in reply.headers


def test_a_body_over_the_limit_is_a_413(request_url: Request) -> None:
    assert request_url("POST", "/", b"x" * (BODY_LIMIT + 1))[0] == 413


@pytest.mark.parametrize(
    ("line", "size"),
    [(b"1.5,2,3\n", 9), ('"é"\n'.encode(), 8), (b"\xe9" * 3, 4)],
    ids=["text", "text with quotes", "base64"],
)
def test_the_limit_is_that_of_the_event_in_which_a_body_takes_more_room(
    request_url: Request, line: bytes, size: int
) -> None:
    """Ends of lines and quotes are escaped in JSON, and what is not text is in base64."""
    most = BODY_LIMIT // size
    assert len(line) * most < BODY_LIMIT
    text = {"Content-Type": "text/csv"}
    assert request_url("POST", "/plain", line * most, **text)[0] == 413
    assert request_url("POST", "/plain", line * (most - 2_000), **text)[0] == 200


def sign(
    method: str, url: str, body: bytes = b"", secret: str = "secret", service: str = "lambda"
) -> dict[str, str]:
    """Return the headers of a signed request."""
    request = AWSRequest(method, url, {"Content-Type": "text/csv", "Host": urlsplit(url).netloc}, body)
    SigV4Auth(Credentials("local", secret), service, "us-east-1").add_auth(request)
    return dict(request.headers)


@pytest.fixture
def signed_url(functions: Functions, request_url: Request) -> str:
    """The URL of the toy function, which only those may call who sign."""
    put(functions, "http", url_auth="AWS_IAM")
    return "http://127.0.0.1:9/function-url/toy"


@pytest.mark.parametrize("path", ["/", "/predict/a%20b?y=3&x=1&y=2&z", "/ü%2Fx"])
def test_a_url_with_iam_takes_what_is_signed(request_url: Request, signed_url: str, path: str) -> None:
    path = quote(path, safe="/%?&=")
    status, _, content = request_url("POST", path, b"1,2", **sign("POST", signed_url + path, b"1,2"))
    assert status == 201, content
    assert json.loads(content)["requestContext"]["authorizer"]["iam"]["accessKey"] == "local"


def test_a_url_with_iam_refuses_what_is_not_signed(request_url: Request, signed_url: str) -> None:
    status, headers, content = request_url("POST", "/", b"1,2")
    assert (status, json.loads(content)) == (403, {"Message": "Forbidden"})
    assert headers["x-amzn-ErrorType"] == "AccessDeniedException"


def test_a_signature_must_be_that_of_the_request(request_url: Request, signed_url: str) -> None:
    def refused(body: bytes, path: str = "/", **headers: str) -> str:
        status, answered, content = request_url("POST", path, body, **headers)
        assert status == 403
        assert "Signature" in answered["x-amzn-ErrorType"]
        return json.loads(content)["Message"]

    good = sign("POST", signed_url + "/", b"1,2")
    assert "does not match" in refused(b"1,3", **good)
    assert "does not match" in refused(b"1,2", "/other", **good)
    assert "does not match" in refused(b"1,2", **sign("POST", signed_url + "/", b"1,2", secret="stolen"))
    assert "scoped to lambda" in refused(b"1,2", **sign("POST", signed_url + "/", b"1,2", service="s3"))
    assert "expired" in refused(b"1,2", **{**good, "X-Amz-Date": "20200101T000000Z"})
    assert "not SigV4" in refused(b"1,2", Authorization="Basic eDp5")


Call = Callable[..., tuple[int, Any, dict[str, str]]]


@pytest.fixture
def call_api(functions: Functions) -> Call:
    """Call the Lambda service as boto3 does."""
    api = LambdaApi(functions, lambda _: b"")

    def call(method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Any, dict[str, str]]:
        signed = ("Authorization", "Credential=test/20260101/us-east-1/lambda/aws4_request")
        fields = [signed, *((name.replace("_", "-"), value) for name, value in headers.items())]
        try:
            reply = api.answer(HttpRequest(method, f"/2015-03-31/functions{path}", fields, body))
        except AwsError as error:
            reply = to_reply(error)
        return reply.status, json.loads(reply.body or b"null"), reply.headers

    return call


def test_the_lambda_operations(functions: Functions, call_api: Call) -> None:
    put(functions, "echo")
    assert call_api("POST", "/toy/invocations", b'{"a": 1}')[1]["event"] == {"a": 1}
    assert call_api("POST", "/toy/invocations", b"{}", X_Amz_Invocation_Type="Event")[0] == 202
    larger = {"X_Amz_Invocation_Type": "Event", "body": json.dumps("x" * 2**20).encode()}
    assert call_api("POST", "/toy/invocations", **larger)[1]["__type"] == "RequestTooLargeException"
    assert call_api("GET", "/toy")[1]["Configuration"]["Handler"] == "handlers.echo"
    assert call_api("GET", "/toy/url")[1]["FunctionUrl"] == "http://127.0.0.1:9/function-url/toy/"
    assert call_api("POST", "/absent/invocations", b"{}")[0] == 404
    assert call_api("POST", "/toy/invocations", b"{")[1]["__type"] == "InvalidRequestContentException"
    assert call_api("PUT", "/toy/code", b"[]")[1]["__type"] == "InvalidRequestContentException"
    assert call_api("PUT", "/toy/concurrency")[1]["__type"] == "UnsupportedOperation"
    put(functions, "fail")
    status, answer, headers = call_api("POST", "/toy/invocations", b'{"wanted": "x"}')
    assert (status, answer["errorType"], headers["X-Amz-Function-Error"]) == (200, "ValueError", "Unhandled")


def test_a_zip_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "_MOST_UNPACKED", 10)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f.py", "pass\n" * 3)
    with pytest.raises(AwsError, match="Unzipped size must be smaller than 10 bytes"):
        code.unpack(content.getvalue(), tmp_path)
