"""A pretended account for the functions: moto keeps S3 and the model registry."""

import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws
from moto.s3 import urls
from moto.s3.models import S3Backend
from support.lambdas import calls
from support.lambdas.described import described
from support.lambdas.runtime import running
from support.local_aws import once

from contract import names
from lambdas import clients, models_map
from lambdas.invoker import handler, served
from lambdas.invoker.runtime import Runtime

EVENTS = Path(__file__).with_name("events")
BUCKET = "shop-123456789012-us-east-1"
PIPELINE = "shop"

once.share_descriptions()  # also where this is the only conftest, see test_lambda_runtime.py
S3Backend._url_module = urls  # moto would import it again with each request, for variables that may change


@pytest.fixture(scope="session")
def asked():
    """What the functions ask of AWS in all tests; test_lambda_runtime.py says where to write it."""
    asked = set()
    yield asked
    if "FUNCTIONS_ASKED" in os.environ:
        Path(os.environ["FUNCTIONS_ASKED"]).write_text("".join(f"{one}\n" for one in sorted(asked)))


@pytest.fixture(scope="session")
def known():
    return calls.known()


@pytest.fixture(autouse=True)
def asks_what_is_listed(asked, known):
    """Whatever a test has the functions ask of AWS is on the list that the Lambda runtime is tried with."""
    with calls.recorded(asked):  # one set for all, because a client may keep what was put between
        yield
    new = asked - known
    asked -= new
    assert not new, f"add it to {calls.FILE.name}, and the mark `runtime` to this test"


@pytest.fixture
def environment(monkeypatch):
    """The functions' environment, and no trace of the user's own AWS profile."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"):
        monkeypatch.delenv(name, raising=False)
    variables = {
        "BUCKET": BUCKET,
        "PIPELINE_NAME": PIPELINE,
        "ENDPOINT_NAME": PIPELINE,
        "ENDPOINTS": "1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def aws(environment, monkeypatch):
    monkeypatch.setattr(models_map, "LONGEST_PAUSE", 0.0)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    served.cached_map.cache_clear()
    one_call_at_a_time(clients.client("s3"), monkeypatch)
    with mock_aws():
        clients.client("s3").create_bucket(Bucket=BUCKET)
        yield


@pytest.fixture(scope="module", autouse=True)
def own_clients():
    """Clients are made once for each module of tests: making one takes longer than most tests."""
    clients.forget()
    yield
    clients.forget()


def one_call_at_a_time(s3, monkeypatch):
    """Make one step of what S3 does in one step, whichever thread calls: in moto it is several.

    A conditional write is a check and a write, and an object that is replaced is closed, even while somebody
    reads it.
    """
    call, lock = s3._make_api_call, threading.Lock()

    def alone(*arguments):
        with lock:
            return call(*arguments)

    monkeypatch.setattr(s3, "_make_api_call", alone)


@pytest.fixture
def s3(aws):
    return clients.client("s3")


class Endpoint:
    """An endpoint that answers as the artifacts say they would; `fails` makes the next calls fail."""

    def __init__(self, s3):
        self._s3 = s3
        self.asked = []
        self.endpoints = []  # which were invoked
        self.failures = []

    def fails(self, error):
        self.failures.append(error)

    def invoke_endpoint(self, EndpointName, TargetModel, Body, **_):
        self.asked.append(TargetModel)
        self.endpoints.append(EndpointName)
        if self.failures:
            raise self.failures.pop(0)
        stored = self._s3.get_object(Bucket=BUCKET, Key=f"models/{TargetModel}")["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(stored)) as archive:
            sample = json.load(archive.extractfile("manifest.json"))["sample"]
        assert json.loads(Body) == {"instances": sample["instances"]}
        return {"Body": io.BytesIO(json.dumps({"predictions": sample["predictions"]}).encode())}


@pytest.fixture
def endpoint(s3):
    return Endpoint(s3)


@pytest.fixture(scope="module")
def local_runtime():
    """A runtime on this machine, and the invoker's connections to it."""
    with running() as local:
        yield local, Runtime(local.url, "us-east-1")


@pytest.fixture
def runtime(aws, local_runtime, monkeypatch):
    """The SageMaker runtime that the invoker calls; whatever is announced to it must be asked for."""
    local, connections = local_runtime
    local.forget()
    monkeypatch.setattr(handler, "runtime", lambda: connections)
    yield local
    assert not local.pending


@pytest.fixture
def context():
    return SimpleNamespace(aws_request_id="8f5e7c1a-0000-4000-8000-000000000001")


@pytest.fixture
def event():
    """A recorded event by its name."""
    return lambda name: json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def pack():
    """A tar.gz of the given files; `members` are added as they are."""

    def build(files=None, members=()):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, content in (files or {}).items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            for member in members:
                archive.addfile(member)
        return gzip.compress(buffer.getvalue(), mtime=0)

    return build


@dataclass
class Registry:
    """The model registry as a person and the pipeline use it."""

    sagemaker: object
    s3: object
    pack: object

    def create(self, group):
        self.sagemaker.create_model_package_group(
            ModelPackageGroupName=group, ModelPackageGroupDescription="-"
        )

    def register(
        self,
        group,
        content=b"a model",
        *,
        status="PendingManualApproval",
        url=None,
        sha256=None,
        baseline=None,
    ):
        """Register a version with the artifact at `url`, or else a new one with `content`; return its ARN.

        `sha256` is the digest that is recorded with it; without one, that of a new artifact is. `baseline` is
        where the baseline of its requests is.
        """
        if url is None:
            artifact = self.pack(described({"arrays.bin": content}))
            key = f"executions/{hashlib.sha256(artifact).hexdigest()[:8]}/{group}/output/model.tar.gz"
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=artifact)
            sha256 = sha256 or hashlib.sha256(artifact).hexdigest()
            url = f"s3://{BUCKET}/{key}"
        containers = [{"Image": "image", "ModelDataUrl": url}] if url else [{"Image": "image"}]
        statistics = {"Statistics": {"ContentType": "application/gzip", "S3Uri": baseline}}
        return self.sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus=status,
            **({"DriftCheckBaselines": {"ModelDataQuality": statistics}} if baseline else {}),
            InferenceSpecification={
                "Containers": containers,
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
            **({"CustomerMetadataProperties": {names.MODEL_SHA256: sha256}} if sha256 else {}),
        )["ModelPackageArn"]

    def decide(self, arn, status):
        described = self.sagemaker.describe_model_package(ModelPackageName=arn)
        kept = described.get("CustomerMetadataProperties")  # moto would forget it, which AWS does not
        self.sagemaker.update_model_package(
            ModelPackageArn=arn,
            ModelApprovalStatus=status,
            **({"CustomerMetadataProperties": kept} if kept else {}),
        )

    def approve(self, arn):
        self.decide(arn, "Approved")

    def reject(self, arn):
        self.decide(arn, "Rejected")


@pytest.fixture
def registry(s3, pack):
    return Registry(clients.client("sagemaker"), s3, pack)


@pytest.fixture
def serving(s3):
    """The current models map."""
    return lambda: models_map.read(s3, BUCKET).entries


@pytest.fixture
def serve(s3):
    """Write entries into the models map by hand: serve("iris", 3) or serve("iris", None)."""

    def put(dataset, version, digest="a" * 64):
        group = names.group_name(PIPELINE, dataset)

        def edit(entries):
            entries.pop(group, None)
            if version is not None:
                entries[group] = {
                    "key": f"models/{group}/{version}-{digest[:12]}.tar.gz",
                    "version": version,
                    "sha256": digest,
                    "approved_at": "2026-01-05T09:30:00+00:00",
                }
            return entries

        models_map.change(s3, BUCKET, edit)

    return put


@pytest.fixture
def log_lines(capsys):
    """The log lines written since the last call, parsed."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]
