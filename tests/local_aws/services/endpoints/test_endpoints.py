"""Multi-model endpoints: the platform's side of the contract, with a toy container on the other."""

import io
import sys
import tarfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from moto.cloudwatch.models import cloudwatch_backends
from support import HANGS, PATIENCE, ROOT
from support.local_aws.aws import Aws, wait_for

import local_aws
from local_aws.compute.workers import Workers
from local_aws.core.account import Account
from local_aws.core.errors import AwsError
from local_aws.services.cloudwatch.metrics import EndpointMetrics
from local_aws.services.endpoints.endpoints import BODY_LIMIT
from local_aws.services.endpoints.hosting import Host
from local_aws.services.endpoints.serve_process import Container
from local_aws.services.s3 import Buckets

COMMAND = [sys.executable, str(ROOT / "tests/support/local_aws/container.py")]
MODELS = "s3://toys/models/"


def archive(**files: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name.replace("__", "."))
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


class Objects(Buckets):
    """Just enough of S3."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def read(self, uri: str) -> bytes:
        if uri not in self.objects:
            raise AwsError("NoSuchKey", uri, 404)
        return self.objects[uri]


MakeHost = Callable[..., tuple[Host, Container]]


@pytest.fixture
def make_host(account: Account) -> Iterator[MakeHost]:
    containers: list[Container] = []

    def make(cached: bool = True, **environment: str) -> tuple[Host, Container]:
        folder = account.home / "endpoints" / "toy"
        objects = {f"{MODELS}{name}.tar.gz": archive(answer__txt=f"I am {name}") for name in "abcd"}
        objects |= {
            f"{MODELS}broken.tar.gz": b"no archive",
            f"{MODELS}evil.tar.gz": archive(**{"../../evil": "x"}),
        }
        container = Container(account, Workers(), folder, "arn:aws:iam::1:role/toy", environment, COMMAND)
        containers.append(container)
        container.start()
        metrics = EndpointMetrics(account.region, "toy", "AllTraffic")
        host = Host(container, Objects(objects), folder, MODELS, "arn:log", cached, metrics)
        return host, container

    yield make
    for container in containers:
        container.close()


def call(host: Host, model: str, body: bytes = b"1,2") -> str:
    target = f"{model}.tar.gz"
    return host.invoke(target, body, {"x-amzn-sagemaker-target-model": target})[2].decode()


def test_a_model_is_loaded_when_it_is_first_called(make_host: MakeHost) -> None:
    host, _ = make_host()
    assert host.status()["loaded_models"] == 0
    assert call(host, "a") == "I am a a.tar.gz 1,2"
    assert call(host, "a") == "I am a a.tar.gz 1,2"
    assert call(host, "b") == "I am b b.tar.gz 1,2"
    status = host.status()
    assert (status["cold_loads"], status["hits"], status["loaded_models"]) == (2, 1, 2)
    assert status["load_milliseconds"] > 0


def test_cold_and_warm_calls_are_metrics(make_host: MakeHost) -> None:
    host, _ = make_host()
    backend = cloudwatch_backends["123456789012"]["us-east-1"]
    backend.metric_data.clear()
    for model in "aab":
        call(host, model)
    metrics = {datum.name: datum for datum in backend.metric_data}
    assert (metrics["ModelCacheHit"].sum, metrics["ModelCacheHit"].sample_count) == (1, 3)
    assert metrics["ModelLoadingWaitTime"].sample_count == 2
    assert metrics["LoadedModelCount"].max == 2
    assert metrics["Invocations"].sum == 3
    assert 0 < metrics["ModelLoadingTime"].sum < 60e6


def test_concurrent_first_calls_load_once(make_host: MakeHost) -> None:
    host, _ = make_host()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: call(host, "a"), range(16)))) == 1
    assert host.status()["cold_loads"] == 1


def test_the_least_recently_used_model_makes_room(make_host: MakeHost) -> None:
    host, _ = make_host(CAPACITY="2")
    for model in ("a", "b", "a", "c"):  # b is the one
        assert call(host, model).startswith(f"I am {model}")
    assert host.status()["unloads"] == 1
    call(host, "a")
    assert host.status()["cold_loads"] == 3


def test_more_models_than_fit_are_all_served_at_once(make_host: MakeHost) -> None:
    host, _ = make_host(CAPACITY="3")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda i: call(host, "abcd"[i % 4]), range(40)))
    assert {answer.split()[2] for answer in answers} == set("abcd")


def test_two_loads_that_unload_the_same_model_both_go_on(
    make_host: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _ = make_host(CAPACITY="1")
    call(host, "a")
    unload = host._unload
    monkeypatch.setattr(host, "_unload", lambda model: unload(model) and unload(model))  # another was faster
    assert call(host, "b").startswith("I am b")


def test_a_disabled_cache_unloads_after_each_call(make_host: MakeHost) -> None:
    host, _ = make_host(cached=False)
    call(host, "a")
    assert host.status()["loaded_models"] == 0


def test_a_container_without_room_for_one_model(make_host: MakeHost) -> None:
    host, _ = make_host(CAPACITY="0")
    with pytest.raises(AwsError, match="507") as raised:
        call(host, "a")
    assert raised.value.details["OriginalStatusCode"] == 507


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ("absent", r"Failed to download model data.*s3://toys/models/absent\.tar\.gz"),
        ("broken", "Failed to extract"),
        ("evil", "Failed to extract"),
    ],
)
def test_artifacts_that_cannot_be_used(make_host: MakeHost, model: str, complaint: str) -> None:
    host, _ = make_host()
    with pytest.raises(AwsError, match=complaint) as raised:
        call(host, model)
    assert raised.value.code == "ValidationError"


def test_what_the_container_refuses_is_a_model_error(make_host: MakeHost) -> None:
    host, _ = make_host()
    with pytest.raises(AwsError, match=r"client error \(400\).*three columns expected") as raised:
        call(host, "a", b"bad")
    error = raised.value
    assert (error.code, error.status, error.details["OriginalStatusCode"]) == ("ModelError", 424, 400)
    assert error.details["OriginalMessage"] == "three columns expected"


def test_an_answer_that_takes_too_long_is_a_model_error(
    make_host: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_aws.services.endpoints.hosting.INVOKE_SECONDS", 0.2)
    host, _ = make_host()
    with pytest.raises(AwsError, match="timed out"):
        call(host, "a", b"slow")
    assert call(host, "a").startswith("I am a")


def test_a_model_that_loads_long_is_not_ready_and_goes_on_loading(
    make_host: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_aws.services.endpoints.hosting.READY_SECONDS", 0.1)
    host, _ = make_host(LOAD_SECONDS="0.8")
    with pytest.raises(AwsError, match="not ready") as raised:
        call(host, "a")
    assert (raised.value.code, raised.value.status) == ("ModelNotReadyException", 429)
    wait_for(lambda: host.status()["loaded_models"])
    assert call(host, "a").startswith("I am a")
    assert host.status()["cold_loads"] == 1


def test_a_model_that_is_called_is_not_unloaded_for_another(make_host: MakeHost, tmp_path: Path) -> None:
    gate, full = tmp_path / "gate", tmp_path / "full"
    host, _ = make_host(CAPACITY="1", GATE=str(gate), FULL=str(full))
    call(host, "a")
    with ThreadPoolExecutor(2) as pool:
        try:
            held = pool.submit(call, host, "a", b"held")
            wait_for(lambda: sum(host._in_use.values()))
            other = pool.submit(call, host, "b")
            wait_for(full.exists)
            assert host.status()["unloads"] == 0
        finally:
            gate.touch()
        assert held.result().startswith("I am a")
        assert other.result().startswith("I am b")
    assert host.status()["unloads"] == 1


def test_a_container_that_ends_is_started_again(make_host: MakeHost) -> None:
    host, container = make_host()
    call(host, "a")
    with pytest.raises(AwsError) as raised:
        call(host, "a", b"crash")
    assert (raised.value.code, raised.value.status) == ("ServiceUnavailable", 503)
    wait_for(lambda: container.starts == 2 and container.healthy.is_set())
    assert call(host, "a").startswith("I am a")
    assert host.status()["cold_loads"] == 2


def test_a_container_that_does_not_start_says_why(make_host: MakeHost) -> None:
    with pytest.raises(AwsError, match=r"did not pass its ping(.|\n)*log\.txt(.|\n)*the weights are missing"):
        make_host(BROKEN="yes")


@pytest.fixture(scope="module")
def environment(aws: Aws) -> dict[str, str]:
    return local_aws.ensure_environment(aws.server, "toy-shop")


def test_an_environment_is_what_terraform_makes(aws: Aws, environment: dict[str, str]) -> None:
    assert environment["bucket"] == "toy-shop-123456789012-us-east-1"
    assert environment["endpoint_name"] == "toy-shop"
    aws.client("s3").head_bucket(Bucket=environment["bucket"])
    role = aws.client("iam").get_role(RoleName="toy-shop-jobs")["Role"]
    assert role["Arn"] == environment["job_role_arn"]
    repositories = aws.client("ecr").describe_repositories(repositoryNames=["toy-shop"])["repositories"]
    assert environment["image_uri"].startswith(repositories[0]["repositoryUri"])
    url = aws.client("lambda").get_function_url_config(FunctionName=environment["invoker_function_name"])
    assert url["FunctionUrl"] == environment["invoker_url"]
    variant = aws.client("sagemaker").describe_endpoint(EndpointName="toy-shop")["ProductionVariants"][0]
    assert variant["VariantName"] == "AllTraffic"


def test_making_an_environment_again_changes_nothing(aws: Aws, environment: dict[str, str]) -> None:
    assert local_aws.ensure_environment(aws.server, "toy-shop") == environment


def test_what_is_captured_stays_in_force_and_is_checked(aws: Aws, environment: dict[str, str]) -> None:
    def invoker() -> dict[str, str]:
        found = aws.client("lambda").get_function_configuration(
            FunctionName=environment["invoker_function_name"]
        )
        return {key: value for key, value in found["Environment"]["Variables"].items() if "CAPTURE" in key}

    streams = aws.client("firehose")
    local_aws.ensure_environment(aws.server, "toy-shop")
    assert invoker() == {"CAPTURE_RATE": "0", "CAPTURE_LEAVES_OUT": "{}"}
    with pytest.raises(streams.exceptions.ResourceNotFoundException):
        streams.describe_delivery_stream(DeliveryStreamName="toy-shop-capture")
    local_aws.ensure_environment(
        aws.server, "toy-shop", capture_rate=0.5, capture_leaves_out={"wine": ["proline"]}
    )
    local_aws.ensure_environment(aws.server, "toy-shop")
    assert invoker() == {"CAPTURE_RATE": "0.5", "CAPTURE_LEAVES_OUT": '{"wine": ["proline"]}'}
    streams.describe_delivery_stream(DeliveryStreamName="toy-shop-capture")
    for wrong in ({"capture_rate": 2}, {"capture_rate": "all"}, {"capture_leaves_out": {"wine": "proline"}}):
        with pytest.raises(local_aws.LocalAwsError, match=next(iter(wrong))):
            local_aws.ensure_environment(aws.server, "toy-shop", **wrong)
    local_aws.ensure_environment(aws.server, "toy-shop", capture_rate=0)
    assert invoker()["CAPTURE_RATE"] == "0"
    with pytest.raises(streams.exceptions.ResourceNotFoundException):
        streams.describe_delivery_stream(DeliveryStreamName="toy-shop-capture")


def test_its_url_asks_for_a_signature_unless_it_is_for_everybody(aws: Aws) -> None:
    def answer(**options: str) -> int:
        url = local_aws.ensure_environment(aws.server, "toy-shop", **options)["invoker_url"]
        return requests.get(url, timeout=HANGS).status_code

    assert answer() == 403
    assert answer(invoker_url_auth="NONE") == 200  # the invoker says how to ask
    assert answer() == 403
    with pytest.raises(local_aws.LocalAwsError, match="AWS_IAM or NONE"):
        answer(invoker_url_auth="none")


def test_the_real_container_serves(aws: Aws, environment: dict[str, str]) -> None:
    sagemaker, runtime = aws.client("sagemaker"), aws.client("sagemaker-runtime")

    def status() -> dict[str, Any] | None:
        endpoint = sagemaker.describe_endpoint(EndpointName="toy-shop")
        return endpoint if endpoint["EndpointStatus"] != "Creating" else None

    endpoint = wait_for(status)
    assert endpoint["EndpointStatus"] == "InService", endpoint
    with pytest.raises(ClientError, match="Failed to download model data") as raised:
        runtime.invoke_endpoint(EndpointName="toy-shop", TargetModel="absent.tar.gz", Body=b"1")
    assert raised.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="TargetModel is needed"):
        runtime.invoke_endpoint(EndpointName="toy-shop", Body=b"1")
    with pytest.raises(ClientError, match="6291456"):
        body = b"x" * (BODY_LIMIT + 1)
        runtime.invoke_endpoint(EndpointName="toy-shop", TargetModel="a.tar.gz", Body=body)
    with pytest.raises(ClientError, match="not found"):
        runtime.invoke_endpoint(EndpointName="absent", TargetModel="a.tar.gz", Body=b"1")


def test_endpoint_records(aws: Aws, name: str, environment: dict[str, str]) -> None:
    sagemaker = aws.client("sagemaker")
    role = environment["job_role_arn"]
    container = {"Image": environment["image_uri"], "Mode": "MultiModel", "ModelDataUrl": "s3://toys/models/"}
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    with pytest.raises(ClientError, match="Could not find model"):
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    with pytest.raises(ClientError, match="already existing"):
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    listed = sagemaker.list_endpoints(NameContains=name)["Endpoints"]
    assert [item["EndpointName"] for item in listed] == [name]
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=PATIENCE)
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.delete_endpoint_config(EndpointConfigName=name)
    sagemaker.delete_model(ModelName=name)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sagemaker.describe_endpoint(EndpointName=name)
    assert not (aws.home / "endpoints" / name).exists()


def test_an_endpoint_is_updated_without_an_interruption(
    aws: Aws, name: str, environment: dict[str, str]
) -> None:
    sagemaker = aws.client("sagemaker")
    described = sagemaker.describe_model(ModelName="toy-shop")
    container = {**described["PrimaryContainer"], "ModelDataUrl": f"s3://toys/{name}/models/"}
    sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=described["ExecutionRoleArn"], PrimaryContainer=container
    )
    for suffix in ("", "-next"):
        variant = {
            "VariantName": f"Variant{suffix}",
            "ModelName": name,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
        }
        sagemaker.create_endpoint_config(EndpointConfigName=name + suffix, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    with pytest.raises(ClientError, match="in-progress"):
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-next")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=PATIENCE)
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-next")
    assert sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Updating"
    with pytest.raises(ClientError, match="Failed to download"):  # it answers all the time
        invoke(aws, name)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=PATIENCE)
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    assert endpoint["EndpointConfigName"] == f"{name}-next"
    assert [item["VariantName"] for item in endpoint["ProductionVariants"]] == ["Variant-next"]
    with pytest.raises(ClientError, match="Failed to download"):
        invoke(aws, name)
    sagemaker.delete_endpoint(EndpointName=name)
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=PATIENCE)


def make_configuration(aws: Aws, name: str, model: str, variant: str = "AllTraffic") -> None:
    described = {
        "VariantName": variant,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 4,
    }
    aws.client("sagemaker").create_endpoint_config(EndpointConfigName=name, ProductionVariants=[described])


def test_traffic_moves_in_parts_and_back_if_an_alarm_goes_off(
    aws: Aws, name: str, environment: dict[str, str]
) -> None:
    sagemaker, cloudwatch = aws.client("sagemaker"), aws.client("cloudwatch")
    for suffix in ("", "-next"):
        make_configuration(aws, name + suffix, "toy-shop")
    make_configuration(aws, f"{name}-renamed", "toy-shop", "Other")
    canary = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 1},
                "WaitIntervalInSeconds": 3600,
            }
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name}]},
    }
    with pytest.raises(ClientError, match=f"names the alarm '{name}', which does not exist"):
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, DeploymentConfig=canary)
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=1.0,
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, DeploymentConfig=canary)
    in_service = sagemaker.get_waiter("endpoint_in_service")
    in_service.wait(EndpointName=name, WaiterConfig=PATIENCE)
    with pytest.raises(ClientError, match="variant 'Other' must have the old one's name, 'AllTraffic'"):
        sagemaker.update_endpoint(
            EndpointName=name, EndpointConfigName=f"{name}-renamed", RetainDeploymentConfig=True
        )

    sagemaker.update_endpoint(
        EndpointName=name, EndpointConfigName=f"{name}-next", RetainDeploymentConfig=True
    )

    def baking() -> dict[str, Any] | None:
        pending = sagemaker.describe_endpoint(EndpointName=name).get("PendingDeploymentSummary", {})
        (variant,) = pending.get("ProductionVariants", [{}])
        return pending if variant.get("VariantStatus", [{}])[0].get("Status") == "Baking" else None

    assert wait_for(baking)["EndpointConfigName"] == f"{name}-next"
    for _ in range(8):
        with pytest.raises(ClientError, match="Failed to download"):
            invoke(aws, name)
    counts = local_aws.status(aws.home)["endpoints"][name]
    assert (counts["invocations"], counts["update"]["invocations"]) == (6, 2)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    in_service.wait(EndpointName=name, WaiterConfig=PATIENCE)
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    assert (endpoint["EndpointConfigName"], endpoint["LastDeploymentConfig"]) == (name, canary)
    assert "PendingDeploymentSummary" not in endpoint
    assert endpoint["FailureReason"] == f"The alarm {name!r} went off; the update was rolled back."
    with pytest.raises(ClientError, match="Failed to download"):
        invoke(aws, name)

    linear = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "LINEAR",
                "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                "WaitIntervalInSeconds": 0,
            }
        }
    }
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-next", DeploymentConfig=linear)
    in_service.wait(EndpointName=name, WaiterConfig=PATIENCE)
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    assert (endpoint["EndpointConfigName"], endpoint["LastDeploymentConfig"]) == (f"{name}-next", linear)
    assert "FailureReason" not in endpoint

    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=name, DeploymentConfig=canary)
    wait_for(baking)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        sagemaker.delete_endpoint(EndpointName=name)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")  # ends the hour
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=PATIENCE)
    sagemaker.delete_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sagemaker.describe_endpoint(EndpointName=name)


def invoke(aws: Aws, endpoint: str) -> Any:
    return aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, TargetModel="absent.tar.gz", Body=b"1", ContentType="text/csv"
    )


def test_an_endpoint_of_a_single_model_is_refused(
    aws: Aws, bucket: str, name: str, environment: dict[str, str]
) -> None:
    sagemaker = aws.client("sagemaker")
    aws.client("s3").put_object(Bucket=bucket, Key="single/model.tar.gz", Body=b"")
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=environment["job_role_arn"],
        PrimaryContainer={"Image": environment["image_uri"], "ModelDataUrl": "s3://toys/single/model.tar.gz"},
    )
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "ml.m5.large"}
    with pytest.raises(ClientError, match="MultiModel"):
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
        )
