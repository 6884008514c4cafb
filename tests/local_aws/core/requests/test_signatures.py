"""Only who can read the state's secret may ask for anything: other users of the machine can connect."""

import http.client
import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws

import local_aws
from local_aws.core.errors import AwsError
from local_aws.core.requests import signatures
from local_aws.core.requests.signatures import Signatures
from local_aws.core.requests.wire import Request
from local_aws.lifecycle.home import Home

IAM = {"Authorization": "Credential=local/20260101/us-east-1/iam/aws4_request"}
UNSIGNED: dict[str, tuple[str, str, dict[str, str]]] = {
    "an operation": ("POST", "/", {"X-Amz-Target": "SageMaker.ListTrainingJobs"}),
    "an object": ("GET", "/toys/key", {}),
    "a recorded service": (
        "POST",
        "/",
        IAM,
    ),
    "the control": ("POST", "/_local/prune", {}),
    "the status": ("GET", "/_local/status", {}),
    "the control, signed by a guess": ("POST", "/_local/stop", {"Authorization": "Bearer local"}),
    "a word that is not ASCII": ("GET", "/_local/status", {"Authorization": "Bearer \xe4"}),
    "an address in the query": ("GET", "/toys/key?X-Amz-Signature=0&X-Amz-Credential=x", {}),
    "an old address in the query": ("GET", "/toys/key?AWSAccessKeyId=a&Signature=b&Expires=99999999999", {}),
    "another service by a function's URL": (
        "POST",
        "/function-url/nobody/",
        IAM,
    ),
}


@pytest.mark.parametrize(("method", "path", "headers"), UNSIGNED.values(), ids=UNSIGNED)
def test_what_is_not_signed_is_refused(
    aws: Aws, bucket: str, method: str, path: str, headers: dict[str, str]
) -> None:
    connection = http.client.HTTPConnection(aws.endpoint_url.removeprefix("http://"))
    connection.request(method, path, b"{}", headers)
    answer = connection.getresponse()
    assert answer.status in (400, 403, 404), answer.read()
    assert b"Traceback" not in answer.read()
    connection.close()
    assert local_aws.running(aws.home) is not None


def received(request: AWSRequest) -> Request:
    """What the server gets of a request."""
    split = urlsplit(request.url)
    target = f"{split.path}{'?' * bool(split.query)}{split.query}"
    fields = [("Host", split.netloc), *request.headers.items()]
    return Request(request.method, target, fields, request.data or b"")


SIGNED = {
    "a function's URL": (SigV4Auth, "lambda", "POST", "/function-url/shop-invoker/", b'{"model": "a"}'),
    "with a query": (SigV4Auth, "lambda", "POST", "/function-url/x/?model=b&a=1&a=0&empty", b"1,2"),
    "a path to encode": (SigV4Auth, "sagemaker", "POST", "/endpoints/a%20b/../c/invocations", b""),
    "an object": (S3SigV4Auth, "s3", "PUT", "/toys/a%20b/../c~%C3%BC?tagging&versionId=3", b"content"),
    "a presigned URL": (S3SigV4QueryAuth, "s3", "GET", "/toys/a%20b/../c?versionId=3", b""),
    "a presigned function's URL": (SigV4QueryAuth, "lambda", "GET", "/function-url/x/?a=1", b""),
}


@pytest.mark.parametrize("which", SIGNED)
def test_what_botocore_signs_is_known_and_nothing_else(which: str) -> None:
    signer, service, method, path, body = SIGNED[which]
    headers = {"Content-Type": "application/json", "X-Two-Spaces": " a  b "}
    request = AWSRequest(method, f"http://127.0.0.1:9{path}", headers=headers, data=body)
    signer(Credentials("role.shop-invoker", "secret"), service, "eu-west-1").add_auth(request)
    assert Signatures("secret").signer_of(received(request), service, "eu-west-1") == "role.shop-invoker"
    with pytest.raises(AwsError, match="does not match"):
        Signatures("guessed").signer_of(received(request))
    request.method = "DELETE"
    with pytest.raises(AwsError, match="does not match"):
        Signatures("secret").signer_of(received(request))


def test_a_body_that_was_not_signed_is_refused() -> None:
    request = AWSRequest("POST", "http://127.0.0.1:9/function-url/x/", data=b"1,2")
    SigV4Auth(Credentials("local", "secret"), "lambda", "eu-west-1").add_auth(request)
    request.data = b"1,3"
    with pytest.raises(AwsError, match="does not match"):
        Signatures("secret").signer_of(received(request))


@pytest.mark.parametrize("hashed", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"])
def test_only_s3_takes_a_body_that_was_not_signed(hashed: str) -> None:
    for service in ("s3", "lambda"):
        request = AWSRequest("PUT", "http://127.0.0.1:9/function-url/x/", data=b"1,2")
        request.headers["X-Amz-Content-SHA256"] = hashed
        SigV4Auth(Credentials("local", "secret"), service, "eu-west-1").add_auth(request)
        arrived = received(request)
        if service == "s3":
            assert Signatures("secret").signer_of(arrived) == "local"
        else:
            with pytest.raises(AwsError, match="differs from what was signed"):
                Signatures("secret").signer_of(arrived)


@pytest.mark.parametrize("signer", [S3SigV4Auth, S3SigV4QueryAuth])
def test_a_header_of_s3_that_was_not_signed_is_refused(signer: type[Any]) -> None:
    request = AWSRequest("PUT", "http://127.0.0.1:9/toys/key", headers={"x-amz-meta-a_b": "1"}, data=b"")
    signer(Credentials("local", "secret"), "s3", "eu-west-1").add_auth(request)
    request.headers["User-Agent"] = "any"
    assert Signatures("secret").signer_of(received(request)) == "local"
    request.headers["X-Amz-Copy-Source"] = "toys/secret"
    with pytest.raises(AwsError, match="AccessDenied: There were headers present"):
        Signatures("secret").signer_of(received(request))


@pytest.mark.parametrize(
    ("signer", "seconds", "asked"),
    [
        (S3SigV4QueryAuth, 60, ("s3", "lambda", "eu-west-1")),
        (SigV4QueryAuth, 60, ("lambda", "lambda", "us-east-1")),
        (S3SigV4QueryAuth, 60, ("lambda", "lambda", "eu-west-1")),
        (SigV4QueryAuth, 604_801, ("lambda", "lambda", "eu-west-1")),
        (SigV4QueryAuth, 0, ("lambda", "lambda", "eu-west-1")),
        (HmacV1QueryAuth, 60, ("s3", "lambda", "eu-west-1")),
    ],
    ids=["another service", "another region", "any body", "too long", "no time", "version 2"],
)
def test_a_presigned_address_opens_no_functions_url_that_aws_would_not_open(
    signer: type[Any], seconds: int, asked: tuple[str, str, str]
) -> None:
    signed_for, service, region = asked
    scope = () if signer is HmacV1QueryAuth else (signed_for, "eu-west-1")
    request = AWSRequest("GET", "http://127.0.0.1:9/function-url/x/", data=b"")
    signer(Credentials("local", "secret"), *scope, expires=seconds).add_auth(request)
    try:
        assert Signatures("secret").signer_of(received(request), service, region) is None
    except AwsError as refused:
        assert refused.status in (400, 403)
    else:
        assert signer is HmacV1QueryAuth  # for Lambda, it is not signed


def test_a_signature_for_another_service_or_region_or_time_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = AWSRequest("POST", "http://127.0.0.1:9/function-url/x/", data=b"1,2")
    SigV4Auth(Credentials("local", "secret"), "s3", "eu-west-1").add_auth(request)
    for service, region in (("lambda", "eu-west-1"), ("s3", "us-east-1")):
        with pytest.raises(AwsError, match=f"scoped to {service} in {region}"):
            Signatures("secret").signer_of(received(request), service, region)
    now = time.time()
    monkeypatch.setattr(signatures.time, "time", lambda: now + 301)
    with pytest.raises(AwsError, match="expired"):
        Signatures("secret").signer_of(received(request))


def test_a_signature_is_that_of_the_published_example(monkeypatch: pytest.MonkeyPatch) -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-test-suite.html: get-vanilla
    monkeypatch.setattr(signatures.time, "time", lambda: 1440938160.0)
    expected = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    headers = {
        "X-Amz-Date": "20150830T123600Z",
        "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={expected}",
    }
    request = AWSRequest("GET", "https://example.amazonaws.com/", headers)
    assert (
        Signatures("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").signer_of(received(request)) == "AKIDEXAMPLE"
    )


Make = Callable[[str], Any]


@pytest.fixture
def made(aws: Aws) -> Make:
    """Make a client of S3 with a secret."""

    def make(secret: str, version: str | None = None) -> Any:
        config = Config(signature_version=version, retries={"total_max_attempts": 1})
        session = boto3.Session("local", secret, region_name="eu-west-1")
        return session.client("s3", endpoint_url=aws.endpoint_url, config=config)

    return make


@pytest.mark.parametrize("key", ["plain", "a/ü b+c %25&=?#", "x//y/../z"])
@pytest.mark.parametrize("body", [b"", b"content" * 100_000])
def test_objects_of_any_name_are_signed(
    made: Make, aws: Aws, bucket: str, name: str, key: str, body: bytes
) -> None:
    s3 = made(aws.server.secret)
    s3.put_object(Bucket=bucket, Key=f"{name}/{key}", Body=body, Metadata={"a": "b"}, Tagging="x=y%20z")
    assert s3.get_object(Bucket=bucket, Key=f"{name}/{key}")["Body"].read() == body
    assert s3.list_objects_v2(Bucket=bucket, Prefix=f"{name}/", Delimiter="~&=")["KeyCount"] == 1
    with pytest.raises(ClientError, match="does not match"):
        made("guessed").get_object(Bucket=bucket, Key=f"{name}/{key}")


@pytest.mark.parametrize("version", [None, "s3v4"])
def test_presigned_addresses_are_for_one_object_and_some_time(
    made: Make, aws: Aws, bucket: str, name: str, version: str | None
) -> None:
    s3 = made(aws.server.secret, version)
    s3.put_object(Bucket=bucket, Key=name, Body=b"content")

    def fetched(client: Any, change: tuple[str, str] = ("", ""), **more: Any) -> int:
        url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": name}, **more)
        try:
            with urllib.request.urlopen(url.replace(*change)) as answer:
                return answer.status
        except HTTPError as error:
            return error.code

    assert fetched(s3) == 200
    assert fetched(s3, (name, "other")) == 403
    assert fetched(s3, ExpiresIn=-1) in (400, 403)
    assert fetched(made("guessed", version)) == 403


def test_every_state_has_a_secret_of_its_own_that_only_its_user_can_read(aws: Aws) -> None:
    path = aws.home / "secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert aws.home.stat().st_mode & 0o777 == 0o700
    assert len(aws.server.secret) >= 32
    assert aws.server.secret not in repr(aws.server)


@pytest.mark.parametrize("cut", [True, False])
def test_a_secret_is_made_once_and_again_if_it_was_cut(tmp_path: Path, cut: bool) -> None:
    first = Home(tmp_path).make_secret()
    if cut:
        (tmp_path / "secret").write_text("")
    assert (Home(tmp_path).make_secret() == first) == (not cut)
    assert Home(tmp_path).secret


def test_the_secret_is_no_processs_argument_and_in_no_record(aws: Aws, bucket: str) -> None:
    said = json.dumps([aws.told(path) for path in ("status", "requests", "calls", "operations")])
    assert aws.server.secret not in said
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert aws.server.secret.encode() not in path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
