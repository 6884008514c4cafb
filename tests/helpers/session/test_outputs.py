"""Terraform's outputs from S3 and from Parameter Store, as whoever has no laptop's file reads them.

S3, Parameter Store and the policies that deny are moto's.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

from helpers.errors import BadInput
from helpers.session.outputs import OUTPUTS, is_file, outputs_of

WHOLE = {name: {"value": f"the {name}"} for name in OUTPUTS}
DENIED = (
    "The credentials may not read {} ({}); attach the policy of the environment's operator or approver to "
    "their role, or correct TERRAFORM_OUTPUTS."
)
OBJECT, PARAMETER = "s3://shop-bucket/deployments/outputs.json", "ssm:/shop/outputs"


@pytest.fixture(scope="module")
def boto() -> boto3.Session:
    """Reads what botocore knows of a service once for all tests."""
    return boto3.Session("test", "test", region_name="us-east-1")


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch, boto: boto3.Session) -> Iterator[Callable[[str, str], None]]:
    """An account in which a text can be written to a place."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    def written(place: str, text: str) -> None:
        if place == OBJECT:
            boto.client("s3").put_object(Bucket="shop-bucket", Key="deployments/outputs.json", Body=text)
        else:
            boto.client("ssm").put_parameter(Name="/shop/outputs", Type="String", Value=text)

    with mock_aws():
        boto.client("s3").create_bucket(Bucket="shop-bucket")
        yield written


def refused(place: str) -> str:
    with pytest.raises(BadInput) as raised:
        outputs_of(place)
    return str(raised.value)


@pytest.mark.parametrize("place", [OBJECT, PARAMETER])
def test_what_terraform_wrote_is_read_without_a_file(write: Callable[[str, str], None], place: str) -> None:
    write(place, json.dumps(WHOLE | {"vpc": {"value": None}}))
    assert outputs_of(place) == {name: f"the {name}" for name in OUTPUTS} | {"vpc": None}
    assert not is_file(place)


@pytest.mark.parametrize(
    ("place", "code"),
    [
        (OBJECT, "NoSuchKey"),
        ("s3://no-such-bucket-anywhere/outputs.json", "NoSuchBucket"),
        (PARAMETER, "ParameterNotFound"),
    ],
)
@pytest.mark.usefixtures("write")
def test_a_place_with_nothing_in_it_is_named(place: str, code: str) -> None:
    assert refused(place) == (
        f"There is no {place} ({code}); apply Terraform, which writes it, or correct TERRAFORM_OUTPUTS."
    )


def test_credentials_that_may_not_read_it_are_told_which_policy_they_lack(
    write: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch, boto: boto3.Session
) -> None:
    write(OBJECT, json.dumps(WHOLE))
    iam = boto.client("iam")
    iam.create_user(UserName="ana")
    key = iam.create_access_key(UserName="ana")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    assert set_initial_no_auth_action_count(0)(refused)(OBJECT) == DENIED.format(OBJECT, "AccessDenied")


def test_parameter_store_says_that_in_another_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """As AWS answers: moto answers a JSON service in XML here."""

    class Denying(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.dumps({"__type": "AccessDeniedException", "Message": "not authorized"}).encode()
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Denying) as server:
        threading.Thread(target=server.handle_request).start()
        address = f"http://127.0.0.1:{server.server_port}"
        for name, value in {"ENDPOINT_URL": address, "DEFAULT_REGION": "us-east-1"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
            monkeypatch.setenv(f"AWS_{name}", "test")
        assert refused(PARAMETER) == DENIED.format(PARAMETER, "AccessDeniedException")


@pytest.mark.parametrize(("place", "text"), [(OBJECT, "no JSON"), (PARAMETER, '{"region": "x"}')])
def test_a_text_of_something_else_is_refused(
    write: Callable[[str, str], None], place: str, text: str
) -> None:
    write(place, text)
    assert refused(place) == f"{place} is not what `terraform output -json` writes; apply Terraform."


def test_outputs_without_a_value_are_named(write: Callable[[str, str], None]) -> None:
    write(OBJECT, json.dumps({name: value for name, value in WHOLE.items() if name != "bucket"}))
    assert refused(OBJECT) == f"{OBJECT} has no value for bucket; apply Terraform."


@pytest.mark.parametrize("lacking", ["AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"])
@pytest.mark.usefixtures("write")
def test_a_process_without_region_or_credentials_is_told_so(
    monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    monkeypatch.delenv(lacking)
    monkeypatch.setenv("HOME", "/nowhere")
    told = refused(PARAMETER)
    assert told.startswith(f"{PARAMETER} cannot be read: ")
    assert told.endswith(
        ". Give this process valid credentials and the region of the environment (AWS_DEFAULT_REGION)."
    )


@pytest.mark.parametrize("place", ["s3://shop-bucket", "s3:/shop-bucket/x", "ssm:shop", "ssm:"])
def test_a_place_that_is_none_says_how_places_are_written(place: str) -> None:
    assert refused(place) == (
        f"TERRAFORM_OUTPUTS is {place!r}; name an object as s3://<bucket>/<key>, or a parameter of Parameter "
        "Store as ssm:/<name>."
    )
