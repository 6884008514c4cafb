"""What builds the image: the calls to ECR and CodeBuild, and what the user is told.

ECR and CodeBuild are moto's. CodeBuild there succeeds at once and has no log, so builds that take their time
or fail are answered by botocore's Stubber, which holds answers against CodeBuild's own model. What a real
Docker builds is tested in tests/image; here a script in its place says what Docker says when something lacks.
"""

import base64
import dataclasses
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from helpers.errors import BadInput, UserError
from helpers.image import builders, codebuild, contents, docker, ecr
from helpers.session import Session

ACCOUNT, REGION = "123456789012", "eu-central-1"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
REPOSITORY, BASE = f"{REGISTRY}/shop", f"{REGISTRY}/base:1.9-0-cpu-py3"
MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}


@pytest.fixture(scope="module")
def boto() -> boto3.Session:
    """Reads what botocore knows of a service once for all tests."""
    return boto3.Session("test", "test", region_name=REGION)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, boto: boto3.Session) -> Iterator[Session]:
    """An account with what Terraform creates for an image: registry, bucket, CodeBuild project."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "test")
    with mock_aws():
        needed = [
            it.name for it in dataclasses.fields(Session) if it.init and it.default is dataclasses.MISSING
        ]
        names = dict.fromkeys(needed, "")
        session = Session(**{**names, "environment": "aws", "bucket": "shop-bucket", "boto": boto})
        location = {"LocationConstraint": REGION}
        session.client("s3").create_bucket(Bucket="shop-bucket", CreateBucketConfiguration=location)
        for repository in ("shop", "base"):
            session.client("ecr").create_repository(repositoryName=repository)
        push(session, "base", "1.9-0-cpu-py3")
        session.client("codebuild").create_project(
            name="shop",
            source={"type": "S3", "location": "shop-bucket/code/container.zip"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/amazonlinux-x86_64-standard:5.0",
                "computeType": "BUILD_GENERAL1_MEDIUM",
            },
            serviceRole=f"arn:aws:iam::{ACCOUNT}:role/shop-build",
        )
        yield session


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """What `terraform output -json` writes after the first apply."""
    values = dict.fromkeys(
        ("bucket", "job_role_arn", "endpoint_name", "deployer_function_name", "invoker_function_name"), "shop"
    )
    values |= {
        "account_id": ACCOUNT,
        "region": REGION,
        "invoker_url": "https://shop.example",
        "image_uri": None,
    }
    values |= {"repository_url": REPOSITORY, "build_project_name": "shop", "base_image": BASE}
    file = tmp_path / "outputs.json"
    file.write_text(json.dumps({name: {"value": value} for name, value in values.items()}))
    return file


@pytest.fixture
def docker_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Replace Docker with a script that records how it is called, and prints and does what it is told."""

    def install(script: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "docker").write_text(f'#!/bin/sh\necho "$@" >> {folder}/calls\n{script}\n')
        (folder / "docker").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder / "calls"

    return install


def push(session: Session, repository: str, tag: str, manifest: dict[str, Any] = MANIFEST) -> str:
    put = session.client("ecr").put_image(
        repositoryName=repository, imageTag=tag, imageManifest=json.dumps({**manifest, "tag": tag})
    )
    return put["image"]["imageId"]["imageDigest"]


def tag(session: Session) -> str:
    return builders.wanted(session.client("ecr"), REPOSITORY, BASE)[0].rpartition(":")[2]


def recorded(outputs: Path) -> str | None:
    return json.loads(outputs.read_text())["image_uri"]["value"]


# Nothing to build


def test_locally_nothing_is_built(
    aws: Session, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = dataclasses.replace(aws, environment="local", image_uri="shop:local")
    monkeypatch.delenv("LOCAL_AWS_IMAGE", raising=False)
    assert builders.build(here, "docker") == "shop:local"
    assert capsys.readouterr().out.startswith("Nothing to build: jobs and endpoint run as processes")
    monkeypatch.setenv("LOCAL_AWS_IMAGE", "shop:one")
    assert builders.build(here, "docker") == "shop:local"
    assert "in containers of shop:one" in capsys.readouterr().out


@pytest.mark.parametrize("builder", builders.BUILDERS)
def test_unchanged_contents_are_not_built_again(
    aws: Session, outputs: Path, builder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = push(aws, "shop", tag(aws))
    assert builders.build(aws, builder, str(outputs)) == f"{REPOSITORY}@{digest}"
    assert f"Unchanged: {REPOSITORY}:{tag(aws)} exists, nothing to build.\n" in capsys.readouterr().out
    assert recorded(outputs) == f"{REPOSITORY}@{digest}", "by digest, for notebook 02"
    assert not aws.client("codebuild").list_builds()["ids"]


@pytest.mark.parametrize("kind", ["manifest", "index"])
def test_an_image_that_sagemaker_would_refuse_is_named_by_nothing(
    aws: Session, outputs: Path, kind: str
) -> None:
    media_type = f"application/vnd.oci.image.{kind}.v1+json"
    digest = push(aws, "shop", tag(aws), {"schemaVersion": 2, "mediaType": media_type})
    with pytest.raises(
        UserError, match=rf"of type {re.escape(media_type)}, .*--image-ids imageDigest={digest}"
    ):
        builders.build(aws, "none", str(outputs))
    assert recorded(outputs) is None


@pytest.mark.parametrize(
    ("builder", "where", "last"), [("docker", docker, "push"), ("codebuild", codebuild, "follow")]
)
def test_a_build_that_pushes_what_sagemaker_would_refuse_fails(
    aws: Session,
    outputs: Path,
    docker_says: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    builder: str,
    where: Any,
    last: str,
) -> None:
    docker_says("")
    real = getattr(where, last)

    def push_after(*arguments: Any) -> Iterator[str]:
        yield from real(*arguments)
        media_type = "application/vnd.oci.image.index.v1+json"
        push(aws, "shop", tag(aws), {"schemaVersion": 2, "mediaType": media_type})

    monkeypatch.setattr(where, last, push_after)
    with pytest.raises(UserError, match=r"of type application/vnd\.oci\.image\.index"):
        builders.build(aws, builder, str(outputs))
    assert recorded(outputs) is None


def test_none_looks_and_says_that_there_is_something_to_build(
    aws: Session, outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert builders.build(aws, "none", str(outputs)) == ""
    assert "set IMAGE_BUILDER to docker or codebuild to build it" in capsys.readouterr().out
    assert recorded(outputs) is None


def test_an_image_is_not_recorded_in_what_terraform_keeps(
    aws: Session, outputs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    aws.client("ssm").put_parameter(Name="/shop/outputs", Type="String", Value=outputs.read_text())
    uri = f"{REPOSITORY}@{push(aws, 'shop', tag(aws))}"
    assert builders.build(aws, "none", "ssm:/shop/outputs") == uri
    said = capsys.readouterr().out
    assert said.endswith(
        f"Jobs and endpoint run in {uri}\n"
        "Set image_uri to it in Terraform's variables and apply; ssm:/shop/outputs then names it.\n"
    )


def test_another_builder_is_refused(aws: Session) -> None:
    with pytest.raises(BadInput, match="'kaniko'; choose one of auto, docker, codebuild, none"):
        builders.build(aws, "kaniko")


def test_a_base_image_that_is_not_there_is_named(aws: Session, outputs: Path) -> None:
    outputs.write_text(outputs.read_text().replace("1.9-0", "1.99-0"))
    with pytest.raises(UserError, match=r"There is no base image .*:1\.99-0-cpu-py3; set base_image_tag"):
        builders.build(aws, "codebuild", str(outputs))


def test_outputs_of_an_older_configuration_are_named(aws: Session, outputs: Path) -> None:
    outputs.write_text(outputs.read_text().replace("build_project_name", "project"))
    with pytest.raises(BadInput, match="has no build_project_name; apply Terraform"):
        builders.build(aws, "codebuild", str(outputs))


# CodeBuild


def test_codebuild_gets_the_zip_the_tag_and_the_base_by_digest(aws: Session, outputs: Path) -> None:
    # moto's build pushes nothing, and the message says so.
    with pytest.raises(UserError, match=rf"succeeded, but {REPOSITORY}:\S+ is missing"):
        builders.build(aws, "codebuild", str(outputs))
    client = aws.client("codebuild")
    (build,) = client.batch_get_builds(ids=client.list_builds()["ids"])["builds"]
    assert build["projectName"] == "shop"
    (key,) = [item["Key"] for item in aws.client("s3").list_objects_v2(Bucket="shop-bucket")["Contents"]]
    assert key.startswith("code/") and key.endswith("/container.zip")
    zipped = aws.client("s3").get_object(Bucket="shop-bucket", Key=key)["Body"].read()
    assert zipped == contents.archive()


def test_what_codebuild_is_asked(aws: Session) -> None:
    client = aws.client("codebuild")
    expected = {
        "projectName": "shop",
        "sourceTypeOverride": "S3",
        "sourceLocationOverride": "shop-bucket/code/0/container.zip",
        "environmentVariablesOverride": [
            {"name": "IMAGE_TAG", "value": "one", "type": "PLAINTEXT"},
            {"name": "BASE_IMAGE", "value": f"{REGISTRY}/base@sha256:0", "type": "PLAINTEXT"},
        ],
    }
    with Stubber(client) as stub:
        stub.add_response("start_build", {"build": {"id": "shop:1"}}, expected)
        given = {"IMAGE_TAG": "one", "BASE_IMAGE": f"{REGISTRY}/base@sha256:0"}
        assert codebuild.start(client, "shop", "shop-bucket/code/0/container.zip", given) == "shop:1"


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("AccountLimitExceededException", "request CodeBuild's quota"),
        ("ResourceNotFoundException", "apply Terraform"),
        ("AccessDeniedException", "people.tf"),
    ],
)
def test_what_codebuild_refuses_comes_with_what_to_do(aws: Session, code: str, remedy: str) -> None:
    client = aws.client("codebuild")
    with Stubber(client) as stub:
        stub.add_client_error("start_build", code, "Not now")
        with pytest.raises(UserError, match=f"does not start a build of shop: .*{remedy}"):
            codebuild.start(client, "shop", "bucket/key", {})


def builds(**changed: Any) -> dict[str, Any]:
    return {"builds": [{"id": "shop:1", "buildStatus": "IN_PROGRESS", **changed}]}


@pytest.fixture
def following(aws: Session, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Follow a build with the given states, and with its log in CloudWatch's stand-in."""
    monkeypatch.setattr(codebuild, "POLL_SECONDS", 0.0)
    logs = aws.client("logs")
    logs.create_log_group(logGroupName="/aws/codebuild/shop")
    logs.create_log_stream(logGroupName="/aws/codebuild/shop", logStreamName="1")
    place = {"groupName": "/aws/codebuild/shop", "streamName": "1"}

    def follow(*states: dict[str, Any], lines: int = 3) -> list[str]:
        now = int(time.time() * 1000)
        events = [{"timestamp": now + i, "message": f"line {i}\n"} for i in range(lines)]
        logs.put_log_events(logGroupName=place["groupName"], logStreamName="1", logEvents=events)
        client = aws.client("codebuild")
        with Stubber(client) as stub:
            for state in states:
                stub.add_response("batch_get_builds", builds(**{"logs": place, **state}), {"ids": ["shop:1"]})
            return list(codebuild.follow(client, logs, "shop:1"))

    return follow


def test_phases_and_log_lines_come_as_they_are_written_and_none_twice(
    following: Callable[..., list[str]],
) -> None:
    said = following(
        {"currentPhase": "QUEUED", "logs": {}},
        {"currentPhase": "BUILD"},
        {"currentPhase": "BUILD"},
        {"currentPhase": "COMPLETED", "buildStatus": "SUCCEEDED"},
    )
    assert [line for line in said if line.startswith("line")] == ["line 0", "line 1", "line 2"]
    phases = [line for line in said if not line.startswith("line")]
    assert phases == ["CodeBuild: QUEUED", "CodeBuild: BUILD", "CodeBuild: COMPLETED"]


def test_a_failed_build_shows_the_end_of_its_log(following: Callable[..., list[str]]) -> None:
    with pytest.raises(
        UserError, match="shop:1 ended as FAILED; the whole log is in /aws/codebuild/shop"
    ) as told:
        following({"currentPhase": "COMPLETED", "buildStatus": "FAILED"}, lines=40)
    assert "line 39" in str(told.value)
    assert "line 24" not in str(told.value)


def test_a_build_that_failed_before_its_log_says_why(following: Callable[..., list[str]]) -> None:
    phases = [{"phaseType": "PROVISIONING", "contexts": [{"message": "The role may not be taken on."}]}]
    with pytest.raises(UserError, match="The role may not be taken on"):
        following({"buildStatus": "FAULT", "phases": phases, "logs": {}})


# Docker


def test_docker_logs_in_to_both_registries_builds_on_the_digest_and_pushes(
    aws: Session, outputs: Path, docker_says: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    calls = docker_says('[ "$1" = login ] && cat >> "$(dirname "$0")/typed"; echo "Step 1/2 : FROM"')
    with pytest.raises(UserError, match="is missing"):  # the script pushes nothing
        builders.build(aws, "docker", str(outputs))
    logged_in, built, pushed = [
        line for line in calls.read_text().splitlines() if line.split()[0] in ("login", "build", "push")
    ]
    assert logged_in == f"login --username AWS --password-stdin {REGISTRY}", "once: it is one registry"
    password = base64.b64decode(
        aws.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    )
    assert (calls.parent / "typed").read_bytes() == password.partition(b":")[2], "not among the arguments"
    digest = ecr.digest(aws.client("ecr"), BASE)
    assert f"--platform linux/amd64 --build-arg BASE_IMAGE={REGISTRY}/base@{digest}" in built
    assert pushed == f"push {REPOSITORY}:{tag(aws)}"
    assert "Step 1/2 : FROM\n" in capsys.readouterr().out


@pytest.mark.parametrize("buildx", [True, False])
def test_docker_is_asked_for_its_own_media_types_if_it_has_them_to_choose(
    docker_says: Callable[..., Path], tmp_path: Path, buildx: bool
) -> None:
    calls = docker_says(f'[ "$1" != buildx ] || exit {0 if buildx else 1}')
    list(docker.build(tmp_path, "base", "name"))
    built = calls.read_text().splitlines()[-1]
    plain = "--provenance=false --sbom=false --output type=image,oci-mediatypes=false "
    assert built.startswith("build " + (plain if buildx else "") + "--platform linux/amd64 ")


def test_somebody_elses_faster_push_of_the_same_contents_is_taken(
    aws: Session, outputs: Path, docker_says: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    docker_says('[ "$1" != push ] || { echo "tag invalid: immutable"; exit 1; }')
    real, pushed = docker.push, []

    def push_late(name: str) -> Iterator[str]:
        pushed.append(push(aws, "shop", tag(aws)))
        yield from real(name)

    monkeypatch.setattr(docker, "push", push_late)
    assert builders.build(aws, "docker", str(outputs)) == f"{REPOSITORY}@{pushed[0]}"


def test_without_docker_auto_is_codebuild(
    aws: Session, outputs: Path, docker_says: Callable[..., Path]
) -> None:
    docker_says('echo "Cannot connect to the Docker daemon" >&2; exit 1')
    with pytest.raises(UserError, match="The build succeeded, but"):
        builders.build(aws, "auto", str(outputs))
    assert aws.client("codebuild").list_builds()["ids"]


def test_no_docker_at_all_is_told(aws: Session, outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(docker, "login", lambda *_: None)
    with pytest.raises(BadInput, match=r"There is no Docker on this machine .*; install it, or build with"):
        builders.build(aws, "docker", str(outputs))


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("write /var/lib/docker/tmp: no space left on device", "docker system prune"),
        ("manifest for python:9 not found: manifest unknown: manifest unknown", "no such base image"),
        (
            "pull access denied for base, repository does not exist or may require 'docker login'",
            "base image",
        ),
        ("no basic auth credentials", "log in to AWS"),
        ("denied: Your authorization token has expired. Reauthenticate and try again.", "log in to AWS"),
        ("denied: User: ana is not authorized to perform: ecr:PutImage", "people.tf"),
        ("BASE_IMAGE has Python 3.9.2; 3.11 or newer is needed.", "Choose a base image"),
        ("Temporary failure in name resolution", "network"),
        ("something new", "Fix what Docker says"),
    ],
)
def test_what_docker_says_comes_with_what_to_do(
    docker_says: Callable[..., Path], tmp_path: Path, said: str, remedy: str
) -> None:
    docker_says(f'[ "$1" = build ] || exit 0; echo "{said}" >&2; exit 1')
    with pytest.raises(UserError, match=f"(?s)`docker build` failed:.*{remedy}") as told:
        list(docker.build(tmp_path, "base", "name"))
    assert said in str(told.value)


def test_a_daemon_that_does_not_answer_is_told(docker_says: Callable[..., Path], tmp_path: Path) -> None:
    docker_says('echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock." >&2; exit 1')
    with pytest.raises(BadInput, match=r"(?s)Docker does not answer: .*Start it, or build with"):
        list(docker.build(tmp_path, "base", "name"))
