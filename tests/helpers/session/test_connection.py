"""Connecting: names and Terraform's outputs are checked, and a laptop's process reaches no real account."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import HANGS
from support.helpers import headless
from support.helpers.shared import settings

import local_aws
from helpers.errors import BadInput, UserError
from helpers.session import Session, connect, connection, group
from helpers.session.outputs import OUTPUTS

WHOLE = {name: {"value": f"the {name}", "type": "string", "sensitive": False} for name in OUTPUTS}


@pytest.fixture
def _fresh() -> Iterator[None]:
    """A process that has not connected to anything."""
    with settings({}):
        os.environ.pop(connection.CONNECTED, None)
        yield


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(WHOLE | {"region": {"value": "eu-central-1"}, "more": {"value": [1]}}))
    return path


def refused(*arguments: Any) -> str:
    with pytest.raises(BadInput) as raised:
        connect(*arguments)
    return str(raised.value)


@pytest.mark.parametrize("name", ["Many-Models", "many_models", "many--models", "-m", "m" * 33, "", "süß"])
@pytest.mark.parametrize("environment", ["local", "aws"])
def test_a_pipeline_name_that_aws_would_refuse_is_refused(environment: str, name: str) -> None:
    assert refused(environment, name) == (
        f"PIPELINE_NAME is {name!r}; it must be 2 to 32 lower-case letters, digits and single hyphens "
        "between them, such as many-models, and not begin with amzn-s3-demo-, aws, ssm or sthree-."
    )


def test_another_environment_is_refused() -> None:
    assert refused("azure", "many-models") == "ENVIRONMENT is 'azure'; it must be one of local, aws."


@pytest.mark.parametrize("path", ["", "nowhere/outputs.json", "."])
def test_terraforms_outputs_that_are_not_there_are_refused_with_how_to_write_them(path: str) -> None:
    told = refused("aws", "many-models", path)
    assert told.startswith(f"TERRAFORM_OUTPUTS names {path!r}, which is not a file; write it with ")


@pytest.mark.parametrize(
    "contents", ["", "no JSON", "[]", '{"region": "x"}', '{"region": {}}', "null", "\udcff"]
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, contents: str) -> None:
    path = tmp_path / "outputs.json"
    path.write_bytes(contents.encode(errors="surrogateescape"))
    assert refused("aws", "many-models", str(path)) == (
        f"{path} is not what `terraform output -json` writes; write it again."
    )


def test_outputs_without_a_value_are_named(tmp_path: Path) -> None:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps({k: v for k, v in WHOLE.items() if k != "bucket"} | {"region": {"value": ""}}))
    assert refused("aws", "many-models", str(path)) == (
        f"{path} has no value for region, bucket; apply Terraform and write it again."
    )


@pytest.mark.usefixtures("_fresh")
def test_aws_is_where_terraform_says(outputs: Path) -> None:
    session = connect("aws", "many-models", str(outputs))
    assert not session.is_local
    assert (session.bucket, session.region) == ("the bucket", "eu-central-1")
    assert session.client("s3").meta.region_name == "eu-central-1"
    assert session.vpc is None


@pytest.mark.usefixtures("_fresh")
def test_the_outputs_of_another_pipeline_name_are_refused(outputs: Path) -> None:
    outputs.write_text(json.dumps(WHOLE | {"pipeline_name": {"value": "many-models-staging"}}))
    assert refused("aws", "many-models", str(outputs)) == (
        f"PIPELINE_NAME is 'many-models', but {outputs} is about 'many-models-staging'; give the pipeline "
        "name of that environment, or the outputs of another."
    )
    assert connect("aws", "many-models-staging", str(outputs)).pipeline_name == "many-models-staging"


@pytest.mark.usefixtures("_fresh")
def test_the_vpc_of_jobs_is_terraforms(outputs: Path) -> None:
    vpc = {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}
    outputs.write_text(json.dumps(WHOLE | {"vpc": {"value": vpc}}))
    assert connect("aws", "many-models", str(outputs)).vpc == vpc


@pytest.mark.usefixtures("session")
def test_a_process_that_works_on_the_laptop_does_not_go_to_aws(outputs: Path) -> None:
    assert (
        refused("aws", "many-models", str(outputs))
        == "This kernel works on local; restart it to work on aws."
    )


@pytest.mark.usefixtures("_fresh")
def test_a_process_that_works_on_aws_does_not_go_to_the_laptop(outputs: Path) -> None:
    connect("aws", "many-models", str(outputs))
    assert refused("local", "many-models") == "This kernel works on aws; restart it to work on local."


CONNECT = """
import json, boto3
from helpers.deployment.asking.endpoint import invoke
from helpers.session import connect
session = connect("local", "many-models")
clients = [session.client("s3"), session.client("sagemaker"), boto3.client("sts"), boto3.client("lambda")]
found = {
    "addresses": sorted({client.meta.endpoint_url for client in clients}),
    "keys": [boto3.Session().get_credentials().access_key, session.boto.get_credentials().access_key],
    "token": session.boto.get_credentials().token,
    "account": boto3.client("sts").get_caller_identity()["Account"],
    "answer": invoke(session, {"model": "nowhere", "data": [[1]]}).status_code,
}
print(json.dumps(found))
"""


def test_no_setting_of_a_person_leads_from_local_to_a_real_account(session: Session, tmp_path: Path) -> None:
    configuration = tmp_path / "config"
    configuration.write_text(
        "[profile mine]\nregion = eu-west-1\nignore_configured_endpoint_urls = true\n"
        "aws_access_key_id = AKIAREAL\naws_secret_access_key = real\n"
    )
    real = {
        "AWS_PROFILE": "mine",
        "AWS_CONFIG_FILE": str(configuration),
        "AWS_SHARED_CREDENTIALS_FILE": str(configuration),
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "real",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    home = Path(os.environ["LOCAL_AWS_HOME"])
    done = subprocess.run(
        [sys.executable, "-c", CONNECT],
        env=headless.environment(home, **real),
        capture_output=True,
        text=True,
        timeout=HANGS,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "addresses": [os.environ["AWS_ENDPOINT_URL"]],
        "keys": ["local", "local"],
        "token": None,
        "account": session.account_id,
        "answer": 404,
    }


def test_hosts_that_a_person_reaches_without_a_proxy_stay_so(session: Session) -> None:
    with settings({"no_proxy": "intranet.example", "NO_PROXY": "intranet.example"}):
        for _ in range(2):
            connect("local", "many-models")
        assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "127.0.0.1,intranet.example"


@pytest.mark.usefixtures("_fresh")
def test_a_local_aws_that_cannot_start_says_where_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with settings({"LOCAL_AWS_HOME": str(tmp_path / "file/home")}), pytest.raises(UserError) as raised:
        connect("local", "many-models")
    assert f"does not start in {tmp_path / 'file/home'}" in str(raised.value)
    assert "set LOCAL_AWS_HOME to another folder" in str(raised.value)


def test_who_only_looks_at_another_pipeline_name_makes_nothing(session: Session) -> None:
    with pytest.raises(BadInput, match=r"Nothing was made here for PIPELINE_NAME 'seldom'; .*many-models"):
        connect("local", "seldom", must_exist=True)
    assert "seldom" not in local_aws.status()["environments"]
    assert connect("local", session.pipeline_name, must_exist=True).bucket == session.bucket


def test_a_pipeline_is_named_by_its_family_and_its_developer(session: Session) -> None:
    assert session.pipeline() == "many-models"
    assert session.pipeline("regression") == "many-models-regression"
    assert session.pipeline(developer="ana") == "many-models-ana"
    assert session.pipeline("regression", "ana") == "many-models-regression-ana"


def test_a_group_is_named_by_pipeline_and_data_set(session: Session) -> None:
    assert session.group("wine") == "many-models--wine"
    assert len(group("many-models", "x" * 50)) == 63


def test_a_name_too_long_for_a_group_is_refused() -> None:
    with pytest.raises(
        BadInput, match=r"has 64 characters; a model package group may have at most 63\. Give .* another"
    ):
        group("many-models", "x" * 51)


@pytest.mark.parametrize(("name", "likely"), [("Sales_2026", "'sales-2026'"), ("two  words ", "'two-words'")])
def test_a_name_that_aws_refuses_comes_with_one_that_it_takes(name: str, likely: str) -> None:
    with pytest.raises(BadInput, match=rf"Give the data set another name, such as {likely}\.$"):
        group("many-models", name)


def test_a_name_of_which_nothing_can_be_kept_comes_without_one() -> None:
    with pytest.raises(BadInput, match=r"Give the data set another name\.$"):
        group("many-models", "___")


def test_a_client_is_made_once_here(session: Session) -> None:
    assert_clients_are_made_once(session)


@pytest.mark.usefixtures("_fresh")
@pytest.mark.parametrize(
    "vpc", [None, {"subnet_ids": ["subnet-1"], "security_group_ids": ["sg-1"]}], ids=["no vpc", "vpc"]
)
def test_a_client_is_made_once_on_aws(outputs: Path, vpc: dict[str, list[str]] | None) -> None:
    outputs.write_text(json.dumps(json.loads(outputs.read_text()) | {"vpc": {"value": vpc}}))
    assert_clients_are_made_once(connect("aws", "many-models", str(outputs)))


def assert_clients_are_made_once(session: Session) -> None:
    for service in ("s3", "sagemaker", "logs"):
        assert session.client(service) is session.client(service)
        assert session.client(service).meta.service_model.service_name == service
    assert session.client("s3") is not dataclasses.replace(session, bucket="another").client("s3")


def test_what_a_laptop_captures_is_said_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CAPTURE_RATE", "CAPTURE_LEAVES_OUT"):
        monkeypatch.delenv(name, raising=False)
    assert connection._capture() == {"capture_rate": None, "capture_leaves_out": None}
    monkeypatch.setenv("CAPTURE_RATE", "0")
    monkeypatch.setenv("CAPTURE_LEAVES_OUT", '{"*": ["name"]}')
    assert connection._capture() == {"capture_rate": 0, "capture_leaves_out": {"*": ["name"]}}
    monkeypatch.setenv("CAPTURE_RATE", "all")
    with pytest.raises(BadInput, match="a share of the requests from 0 to 1"):
        connection._capture()
