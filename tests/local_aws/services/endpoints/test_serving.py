"""Several endpoints at a time, each the container's real `serve`: memory, a crash, what CloudWatch counts."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support import PATIENCE
from support.local_aws.aws import Aws, needs_proc, processes_of, wait_for
from support.local_aws.toy_models import artifact
from tabular.serving.models import needed_bytes

import local_aws

ENDPOINTS = ("big", "small")
MODELS = ("left", "right")
Ask = Callable[[str, str], str]


@pytest.fixture(scope="module")
def ask(aws: Aws, bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Call a model of one of two endpoints over the same models; `small` has memory for one and a half."""
    sagemaker, runtime = aws.client("sagemaker"), aws.client("sagemaker-runtime")
    base = tmp_path_factory.mktemp("base")
    for model in MODELS:
        content = artifact(model, base / model)
        aws.client("s3").put_object(Bucket=bucket, Key=f"serving/{model}.tar.gz", Body=content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGEMAKER_BASE_DIR", str(base))
        memory = int(1.5 * needed_bytes(f"/opt/ml/{MODELS[0]}"))
    create(sagemaker, "big", bucket)
    create(sagemaker, "small", bucket, SERVE_MEMORY_BYTES=str(memory))
    for endpoint in ENDPOINTS:
        wait_until_in_service(sagemaker, endpoint)

    def call(endpoint: str, model: str) -> str:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, TargetModel=f"{model}.tar.gz", ContentType="text/csv", Body=b"x\n1\n"
        )
        return answer["Body"].read().decode().strip()

    yield call
    for endpoint in ENDPOINTS:
        sagemaker.delete_endpoint(EndpointName=endpoint)


def create(sagemaker: Any, name: str, bucket: str, **environment: str) -> None:
    container = {
        "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/toy:local",
        "Mode": "MultiModel",
        "ModelDataUrl": f"s3://{bucket}/serving/",
        "Environment": environment,
    }
    role = "arn:aws:iam::123456789012:role/toy-endpoint"
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large"}
    variants = [{**variant, "InitialInstanceCount": 1}]
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


def wait_until_in_service(sagemaker: Any, name: str) -> None:
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=PATIENCE)


def counts(aws: Aws, endpoint: str) -> dict[str, float]:
    """What CloudWatch has counted of an endpoint: calls, and those that found their model loaded."""
    names = {"EndpointName": endpoint, "VariantName": "AllTraffic"}
    metric = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "ModelCacheHit",
        "Dimensions": [{"Name": name, "Value": value} for name, value in names.items()],
    }
    queries = [
        {"Id": label, "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}
        for label, statistic in (("calls", "SampleCount"), ("warm", "Sum"))
    ]
    now = datetime.now(UTC)
    results = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=now - timedelta(hours=1), EndTime=now + timedelta(minutes=1)
    )["MetricDataResults"]
    return {result["Id"]: sum(result["Values"]) for result in results}


def test_an_endpoint_with_little_memory_loads_again_what_had_to_make_room(aws: Aws, ask: Ask) -> None:
    local_aws.unload_models(aws.server)
    before = {endpoint: counts(aws, endpoint) for endpoint in ENDPOINTS}
    for endpoint in ENDPOINTS:
        assert [ask(endpoint, model) for model in (*MODELS, *MODELS)] == [*MODELS, *MODELS]
    after = {endpoint: counts(aws, endpoint) for endpoint in ENDPOINTS}
    more = {
        endpoint: {label: after[endpoint][label] - before[endpoint][label] for label in ("calls", "warm")}
        for endpoint in ENDPOINTS
    }
    assert more == {"big": {"calls": 4, "warm": 2}, "small": {"calls": 4, "warm": 0}}


def test_an_unloaded_models_files_stay_on_the_instance(aws: Aws, ask: Ask, bucket: str) -> None:
    ask("small", "left")
    ask("small", "right")
    content = aws.client("s3").get_object(Bucket=bucket, Key="serving/left.tar.gz")["Body"].read()
    aws.client("s3").delete_object(Bucket=bucket, Key="serving/left.tar.gz")
    assert ask("small", "left") == "left"
    aws.client("s3").put_object(Bucket=bucket, Key="serving/left.tar.gz", Body=content)


@needs_proc
def test_only_the_platform_reaches_a_container(aws: Aws, ask: Ask) -> None:
    """Everybody on this machine, and every page in a browser, can connect to it."""
    ask("big", "left")
    (pid, *_) = serving(aws.home / "endpoints/big")
    variables = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    (port,) = (
        int(text.partition("=")[2]) for text in variables if text.startswith("SAGEMAKER_BIND_TO_PORT=")
    )
    listening = {line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    assert f"0100007F:{port:04X}" in listening
    assert f"00000000:{port:04X}" not in listening
    for headers in ({}, {"Authorization": "Bearer guessed"}, {"Origin": "https://example.com"}):
        connection = HTTPConnection("127.0.0.1", port)
        for method, path in (("DELETE", "/models/left"), ("GET", "/models"), ("GET", "/ping")):
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 403, (method, path, headers)
        connection.close()
    assert ask("big", "left") == "left"


@needs_proc
def test_a_crash_of_one_container_is_mended_and_no_other_notices(aws: Aws, ask: Ask) -> None:
    ask("small", "left")
    crashed = serving(aws.home / "endpoints/small")
    for pid in crashed:
        os.kill(pid, signal.SIGKILL)
    refused: list[str] = []

    def is_back() -> bool:
        assert ask("big", "right") == "right"
        try:
            return ask("small", "left") == "left"
        except ClientError as error:
            refused.append(error.response["Error"]["Code"])
            return False

    wait_for(is_back)
    assert set(refused) <= {"ServiceUnavailable"}
    assert not set(serving(aws.home / "endpoints/small")) & set(crashed)
    assert ask("small", "right") == "right"


def serving(folder: Path) -> list[int]:
    """Return the processes of `serve` in an endpoint's folder."""
    return [pid for pid in processes_of(folder) if b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes()]
