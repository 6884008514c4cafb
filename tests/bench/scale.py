"""How long a thousand models take to deploy, to keep in service and to look up: `make bench-scale`.

local_aws keeps the registry, the objects and the endpoint, and the real deployer runs in it. The models are
tiny, so this measures the deployer and the map. `ARGS=200` makes it 200 models.
"""

import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from support.local_aws.aws import told
from support.toy_models import artifact, client

import local_aws

PIPELINE = "scale"
AT_A_TIME = 8


def main(number: int = 1000) -> None:
    """Measure and print."""
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    print(f"{date.today()}, {os.cpu_count()} cores, {machine}, load {os.getloadavg()[0]:.0f}\n", flush=True)
    print("| | seconds | |\n|---|---:|---|", flush=True)
    groups = [f"{PIPELINE}--store-{place:05}" for place in range(number)]
    with environment() as (server, outputs):
        local_aws.set_deliveries(server, lost=1.0, seed=0)
        versions = register(server, outputs, groups)
        for name in (
            f"a sweep puts {number:,} approved models into service",
            f"a sweep looks at {number:,} models that have changed",
            f"a sweep finds {number:,} models unchanged",
        ):
            sweep(server, outputs, name)
        local_aws.set_deliveries(server)
        rejected(server, outputs, versions)


@contextmanager
def environment() -> Iterator[tuple[local_aws.Server, dict[str, Any]]]:
    """A local environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = local_aws.start(Path(folder) / "home", owner=os.getpid(), preload=False)
        try:
            outputs = local_aws.ensure_environment(server, PIPELINE)
            yield server, outputs
        finally:
            local_aws.stop(Path(folder) / "home")


def register(server: local_aws.Server, outputs: dict[str, Any], groups: Sequence[str]) -> list[str]:
    """Register a model for each group, approved, and return the versions' ARNs."""
    s3, sagemaker = client(server, "s3"), client(server, "sagemaker")
    with tempfile.TemporaryDirectory() as folder:
        content = artifact("a", Path(folder))
    key = "executions/model.tar.gz"
    s3.put_object(Bucket=outputs["bucket"], Key=key, Body=content)

    def one(group: str) -> str:
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
        return sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [{"Image": "image", "ModelDataUrl": f"s3://{outputs['bucket']}/{key}"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )["ModelPackageArn"]

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(one, groups))


def patient(server: local_aws.Server, service: str) -> Any:
    """A client that waits for an answer as long as a function may run, and asks only once."""
    config = Config(read_timeout=900, retries={"total_max_attempts": 1})
    session = boto3.Session("local", server.secret, region_name="us-east-1")
    return session.client(service, endpoint_url=server.endpoint_url, config=config)


def sweep(server: local_aws.Server, outputs: dict[str, Any], name: str) -> None:
    """Run the deployer for all groups, and print how long it took."""
    begin = time.perf_counter()
    answer = patient(server, "lambda").invoke(FunctionName=outputs["deployer_function_name"], Payload=b"{}")
    seconds = time.perf_counter() - begin
    done = json.load(answer["Payload"])
    assert "FunctionError" not in answer, done
    actions = Counter(outcome["action"] for outcome in done.values())
    said = ", ".join(f"{count:,} {action}" for action, count in actions.items()) or "none looked at"
    print(f"| {name} | {seconds:.1f} | {said} |", flush=True)


def rejected(server: local_aws.Server, outputs: dict[str, Any], versions: Sequence[str]) -> None:
    """Reject all models and approve them again, as fast as one can, and wait for the events' effect."""
    sagemaker, s3 = client(server, "sagemaker"), client(server, "s3")

    def decide(status: str) -> None:
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            list(
                pool.map(
                    lambda arn: sagemaker.update_model_package(
                        ModelPackageArn=arn, ModelApprovalStatus=status
                    ),
                    versions,
                )
            )

    def served() -> int:
        body = s3.get_object(Bucket=outputs["bucket"], Key="deployments/models-map.json")["Body"].read()
        return len(json.loads(body))

    for status, wanted in (("Rejected", 0), ("Approved", len(versions))):
        begin = time.perf_counter()
        decide(status)
        decided = time.perf_counter() - begin
        while served() != wanted and time.perf_counter() - begin < 1200:
            time.sleep(0.5)
        seconds = time.perf_counter() - begin
        letters = len(told(server, "status")["dead_letters"])
        rate = len(versions) / decided
        print(
            f"| {len(versions):,} are {status.lower()}, {rate:.0f} a second | {seconds:.1f} "
            f"| {served():,} served, {letters} undelivered |",
            flush=True,
        )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
