"""The demo's pipeline once through in the image: its jobs and its endpoint are containers of it.

local_aws executes the definition that AWS would get, from a raw table to predictions through the URL. Two of
its steps are then run by somebody else's idea of SageMaker: the local mode of the SDK, with docker-compose.
"""

import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from support import ROOT, debian
from support.image.engine import Engine

import local_aws

TABLE, TRIALS = "wine", "6"  # one for each algorithm


@dataclass(frozen=True)
class Run:
    """What a run of all notebooks on one small table left."""

    summary: dict[str, Any]
    home: Path


def notebooks(folder: Path, **environment: str) -> Run:
    """Run them in a local_aws of their own."""
    values = {"DATASETS": f"[{TABLE}]", "MAX_TUNING_JOBS": TRIALS, "LOAD_TEST": "false"}
    given = [text for name, value in values.items() for text in ("-p", name, value)]
    command = [sys.executable, "-m", "commands", "run", str(ROOT / "parameters/local.yaml")]
    done = subprocess.run(
        [*command, "--runs", str(folder / "runs"), *given],
        env={**os.environ, "LOCAL_AWS_HOME": str(folder / "local_aws"), **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(next((folder / "runs").glob("*/summary.json")).read_text())
    return Run(summary["data_sets"][TABLE], folder / "local_aws")


@pytest.fixture(scope="module")
def inside(image: str, tmp_path_factory: pytest.TempPathFactory, figures: dict[str, str]) -> Run:
    begin = time.monotonic()
    run = notebooks(tmp_path_factory.mktemp("containers"), LOCAL_AWS_IMAGE=image)
    figures[f"all notebooks in containers, {TABLE}"] = f"{time.monotonic() - begin:.0f} s"
    return run


def test_metrics_and_outcome_are_those_of_processes(
    inside: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = notebooks(tmp_path_factory.mktemp("processes"))
    for name in ("algorithm", "hyperparameters", "outcome", "predictions", "in_service"):
        assert inside.summary[name] == outside.summary[name]
    for name in ("cross_validation", "held_out"):
        assert inside.summary["scores"][name] == pytest.approx(outside.summary["scores"][name], rel=1e-9)
    assert inside.summary["in_service"] == 1, "approved, deployed and asked"


def test_no_container_is_left(engine: Engine, inside: Run) -> None:
    assert engine("ps", "--all", "--quiet", "--filter", "label=local_aws") == ""


@pytest.fixture
def compose(engine: Engine) -> None:
    if shutil.which("docker-compose") is None:
        missing = "There is no docker-compose, with which the SDK's local mode runs containers"
        if not engine.is_ours:
            pytest.skip(f"{missing}.")
        try:
            debian.install("docker-compose", missing=missing, otherwise="install docker-compose")
        except debian.Missing as reason:
            pytest.skip(str(reason))


@pytest.mark.usefixtures("compose")
def test_the_sdks_local_mode_runs_steps_of_the_definition(
    engine: Engine, image: str, inside: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = local_aws.start(inside.home, owner=os.getpid())
    variables = {"ENDPOINT_URL": server.endpoint_url, "DEFAULT_REGION": "us-east-1"}
    variables |= {"ACCESS_KEY_ID": "local", "SECRET_ACCESS_KEY": server.secret}
    for name, value in variables.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("TELEMETRY_OPT_OUT", "true")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    from sagemaker.core.local.local_session import LocalSession

    try:
        sagemaker, session = boto3.client("sagemaker"), LocalSession(boto3.Session())
        session.config = {"local": {"local_code": False}}
        process(session, described(sagemaker, "processing", "PreprocessData"), image, tmp_path)
        assert json.loads((tmp_path / "report/preprocessing.json").read_text())["rows_read"] == 178

        # The containers have a network of their own, on which local_aws is behind the gateway.
        network = json.loads(engine("network", "inspect", "sagemaker-local"))[0]
        gateway = network["IPAM"]["Config"][0]["Gateway"]
        with forwarding(gateway, urlsplit(server.endpoint_url).port) as port:
            session.config["local"]["container_config"] = {"extra_hosts": [f"localhost:{gateway}"]}
            train(session, described(sagemaker, "training", "SearchAndRefit"), image, tmp_path, port)
        with tarfile.open(tmp_path / "refit/model.tar.gz") as model:
            assert {"manifest.json", "model.safetensors"} <= {Path(name).name for name in model.getnames()}
    finally:
        local_aws.stop(inside.home)


def described(sagemaker: Any, kind: str, step: str) -> dict[str, Any]:
    """The request that a step of the pipeline made, resolved, as its job keeps it."""
    noun = f"{kind.title()}Job"
    jobs = getattr(sagemaker, f"list_{kind}_jobs")(NameContains=step)[f"{noun}Summaries"]
    assert len(jobs) == 1
    return getattr(sagemaker, f"describe_{kind}_job")(**{f"{noun}Name": jobs[0][f"{noun}Name"]})


def fetched(uri: str, folder: Path) -> str:
    """What is in S3 under a URI, as a folder; the SDK lists it by a call that local_aws does not know."""
    s3, location = boto3.client("s3"), urlsplit(uri)
    folder.mkdir(parents=True)
    for item in s3.list_objects_v2(Bucket=location.netloc, Prefix=location.path[1:])["Contents"]:
        s3.download_file(location.netloc, item["Key"], str(folder / Path(item["Key"]).name))
    return f"file://{folder}"


def process(session: Any, job: dict[str, Any], image: str, folder: Path) -> None:
    """Run a processing step's job; each output is a folder of its name."""
    for one in job["ProcessingInputs"]:
        one["S3Input"]["S3Uri"] = fetched(one["S3Input"]["S3Uri"], folder / "inputs" / one["InputName"])
    outputs = job["ProcessingOutputConfig"]["Outputs"]
    for output in outputs:
        output["S3Output"]["S3Uri"] = f"file://{folder / output['OutputName']}"
    session.sagemaker_client.create_processing_job(
        "local-mode-process",
        {**job["AppSpecification"], "ImageUri": image},
        {"ClusterConfig": {"InstanceType": "local", "InstanceCount": 1}},
        ProcessingInputs=job["ProcessingInputs"],
        ProcessingOutputConfig={"Outputs": outputs},
    )


def train(session: Any, job: dict[str, Any], image: str, folder: Path, port: int) -> None:
    """Run a training step's job, on the training split that `process` has made; the model is in refit/."""
    (channel,) = job["InputDataConfig"]
    # The SDK's local mode has one instance, and knows no other distribution.
    source = {"S3Uri": f"file://{folder / 'train'}", "S3DataDistributionType": "FullyReplicated"}
    channel["DataSource"]["S3DataSource"] |= source
    # The SDK reads its own hyperparameters as JSON.
    given = {
        name: json.dumps(value) if name.startswith("sagemaker_") else value
        for name, value in job["HyperParameters"].items()
    }
    session.sagemaker_client.create_training_job(
        "local-mode-train",
        {**job["AlgorithmSpecification"], "TrainingImage": image},
        {"S3OutputPath": f"file://{folder / 'refit'}"},
        {"InstanceType": "local", "InstanceCount": 1},
        InputDataConfig=[channel],
        Environment={**job.get("Environment", {}), "AWS_ENDPOINT_URL": f"http://localhost:{port}"},
        HyperParameters=given,
    )
    assert (
        session.sagemaker_client.describe_training_job("local-mode-train")["TrainingJobStatus"] == "Completed"
    )


@contextmanager
def forwarding(address: str, port: int) -> Iterator[int]:
    """Pass connections to an address of this machine on to a port of its loopback, as they come."""

    class Forward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as there:
                back = threading.Thread(target=pump, args=(there, self.request), daemon=True)
                back.start()
                pump(self.request, there)
                back.join()

    def pump(source: socket.socket, target: socket.socket) -> None:
        while content := source.recv(65536):
            target.sendall(content)
        target.shutdown(socket.SHUT_WR)

    with socketserver.ThreadingTCPServer((address, 0), Forward) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()
