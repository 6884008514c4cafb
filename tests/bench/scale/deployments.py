"""How long a thousand models take to deploy, to keep in service and to look up, and what watching many
executions costs: `make bench-scale`.

local_aws keeps the registry, the objects and the endpoint, and the real deployer runs in it. The models are
tiny, so this measures the deployer and the map. `ARGS=200` makes it 200 models.
"""

import io
import json
import os
import platform
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout, suppress
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from support.local_aws.aws import told
from support.local_aws.pipeline import definition, fail, processing
from support.local_aws.toy_models import artifact, client

import local_aws
from helpers import runs
from helpers.errors import JobFailed
from helpers.runs.executions import watching
from helpers.session import Session, connect, local
from lambdas import log, models_map
from lambdas.errors import RequestError
from lambdas.invoker import handler
from lambdas.settings import Settings

SECONDS = 30
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
    lookup(10 * number)
    executions()


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
    begin, before = time.perf_counter(), processor_seconds(server.pid)
    answer = patient(server, "lambda").invoke(FunctionName=outputs["deployer_function_name"], Payload=b"{}")
    seconds, cpu = time.perf_counter() - begin, processor_seconds(server.pid) - before
    done = json.load(answer["Payload"])
    assert "FunctionError" not in answer, done
    actions = Counter(outcome["action"] for outcome in done.values())
    said = ", ".join(f"{count:,} {action}" for action, count in actions.items()) or "none looked at"
    print(f"| {name} | {seconds:.1f} | {said}; {cpu:.1f} s of CPU |", flush=True)


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
        begin, before = time.perf_counter(), processor_seconds(server.pid)
        decide(status)
        decided = time.perf_counter() - begin
        while served() != wanted and time.perf_counter() - begin < 1200:
            time.sleep(0.5)
        seconds = time.perf_counter() - begin
        cpu = processor_seconds(server.pid) - before
        letters = len(told(server, "status")["dead_letters"])
        rate = len(versions) / decided
        print(
            f"| {len(versions):,} are {status.lower()}, {rate:.0f} a second | {seconds:.1f} "
            f"| {served():,} served, {letters} undelivered; {cpu:.1f} s of CPU |",
            flush=True,
        )


def processor_seconds(pid: int) -> float:
    """The processor time of a process and its running children, on Linux: a load changes it little."""
    found, ticks = 0.0, os.sysconf("SC_CLK_TCK")
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rsplit(")", 1)[1].split()
            if pid in (int(path.parent.name), int(fields[1])):
                found += (int(fields[11]) + int(fields[12])) / ticks
    return found


def lookup(number: int) -> None:
    """Print what the invoker does with a large map, in milliseconds of a processor."""
    group = f"{PIPELINE}--store-{{:05}}"
    entry = {"version": 3, "sha256": "a" * 64, "approved_at": log.now(), "registered_at": log.now()}
    entries = {
        (name := group.format(place)): {"key": f"models/{name}/3-aaaaaaaaaaaa.tar.gz", **entry}
        for place in range(number)
    }
    settings = Settings("bucket", PIPELINE, PIPELINE, 1)
    begin = time.process_time()
    body = models_map._format(entries)
    written = time.process_time()
    models_map._parse(body, "the map")
    read = time.process_time()
    for place in range(number):
        handler._find(settings, entries, f"store-{place:05}", {})
    found = (time.process_time() - read) / number
    try:
        handler._find(settings, entries, "stoer-00042", {})
    except RequestError as error:
        assert "'store-00042'" in error.sentence
    unknown = time.process_time() - read - found * number
    print(
        f"| a map of {number:,} models, {len(body) / 1e6:.1f} MB, is read | {read - written:.3f} "
        "| by the invoker, if it has changed |"
    )
    print(f"| it is written | {written - begin:.3f} | by the deployer |")
    print(f"| a model is found in it | {found:.6f} | for each request |")
    print(f"| an unknown name gets its nearest | {unknown:.3f} | 404 |", flush=True)


def executions() -> None:
    """Start 200 quick executions, and then watch 20 slow ones as before and as now."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_AWS_HOME", str(Path(name) / "home"))
        with local("local"):
            session = connect("local", PIPELINE)
            asked = started(session, "quick", 200, [fail("End", "It ends here.")])
            begin, cpu = time.perf_counter(), time.process_time()
            watched(session, asked, 200)
            seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
            assert all(execution.arn for execution in asked)
            print(
                f"| 200 executions of one quick step, 20 at a time | {seconds:.1f} "
                f"| all started, {cpu:.1f} s of CPU in the kernel |",
                flush=True,
            )
            for place, (looks, how) in enumerate(
                ((1000, "each looked at each time"), (watching.AT_A_TIME, "one list, and a few looks"))
            ):
                patch.setattr(watching, "AT_A_TIME", looks)
                slow = processing("Wait", "time.sleep(3600)")
                slow["Arguments"]["RoleArn"] = session.job_role_arn
                asked = started(session, f"slow-{place}", 20, [slow])
                threading.Timer(SECONDS, stopped, (asked,)).start()
                begin, cpu = time.perf_counter(), time.process_time()
                watched(session, asked, 20)
                seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
                print(
                    f"| 20 executions are watched for a minute: {how} "
                    f"| {60 * cpu / seconds:.1f} | of CPU in the kernel |",
                    flush=True,
                )


def started(session: Session, name: str, number: int, steps: list[dict[str, Any]]) -> list[runs.Execution]:
    """Executions that are still to be started, of a pipeline with these steps."""
    pipeline = f"{PIPELINE}-{name}"
    session.client("sagemaker").create_pipeline(
        PipelineName=pipeline, PipelineDefinition=definition(steps), RoleArn=session.job_role_arn
    )
    return [
        runs.Execution(
            f"t{place}", request={"PipelineName": pipeline, "ClientRequestToken": f"{name}-{place:032}"}
        )
        for place in range(number)
    ]


def watched(session: Session, asked: list[runs.Execution], most: int) -> None:
    """Watch executions of which none ends with a model, and show nothing."""
    with redirect_stdout(io.StringIO()), suppress(JobFailed):
        runs.watch(session, asked, most)


def stopped(asked: list[runs.Execution]) -> None:
    """Stop executions by a session of this thread's own."""
    runs.stop(connect("local", PIPELINE), asked)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
