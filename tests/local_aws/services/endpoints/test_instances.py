"""Which operations an endpoint allows in which state; one that is removed while it starts leaves nothing."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from support.local_aws.aws import wait_for

from local_aws.compute.workers import Command, Worker, Workers
from local_aws.core.account import Account
from local_aws.core.errors import AwsError
from local_aws.core.moto import Moto
from local_aws.core.store import Store
from local_aws.services.endpoints.endpoints import Endpoints
from local_aws.services.endpoints.instances import Instances
from local_aws.services.endpoints.records import CONFIGURATION, ENDPOINT, MODEL, Records
from local_aws.services.endpoints.serve_process import Container
from local_aws.services.s3 import Buckets

HOURS = 3600.0  # longer than anybody waits


class Remembering(Workers):
    """Remembers what it has started."""

    def __init__(self) -> None:
        super().__init__(preload=False)
        self.started: list[Worker] = []

    def start(self, command: Command) -> Worker:
        self.started.append(super().start(command))
        return self.started[-1]


@pytest.fixture
def parts(account: Account) -> Iterator[SimpleNamespace]:
    """The records of an endpoint, and what starts its containers."""
    store, workers = Store(account.home / "records.db"), Remembering()
    records, buckets = Records(account, store), Buckets(account.home / "s3", Moto())
    container = {"Image": "toy", "Mode": "MultiModel", "ModelDataUrl": "s3://toys/models/"}
    role = account.arn("iam", "role/toy")
    records.create(MODEL, {"ModelName": "toy", "PrimaryContainer": container, "ExecutionRoleArn": role})
    variants = [{"VariantName": "AllTraffic", "ModelName": "toy"}]
    records.create(CONFIGURATION, {"EndpointConfigName": "toy", "ProductionVariants": variants})
    yield SimpleNamespace(
        **{"account": account, "store": store, "workers": workers, "records": records, "buckets": buckets},
        endpoints=Endpoints(account, store, buckets, workers),
        instances=Instances(account, store, records, buckets, workers),
    )
    store.close()


def starting() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "start-toy"]


def test_removing_an_endpoint_that_takes_its_time_starts_no_container(parts: SimpleNamespace) -> None:
    parts.endpoints.set_seconds(HOURS)
    parts.endpoints.create_endpoint({"EndpointName": "toy", "EndpointConfigName": "toy"})
    with pytest.raises(AwsError, match="Cannot update in-progress endpoint"):
        parts.endpoints.delete_endpoint({"EndpointName": "toy"})
    parts.endpoints.remove("toy")
    assert parts.workers.started == []
    assert not starting()
    with pytest.raises(AwsError, match="Could not find endpoint"):
        parts.endpoints.describe_endpoint({"EndpointName": "toy"})
    assert not (parts.account.home / "endpoints/toy").exists()


def test_of_an_endpoint_that_has_failed_nothing_but_its_deletion_is_possible(parts: SimpleNamespace) -> None:
    failed = {"EndpointName": "toy", "EndpointConfigName": "toy"}
    parts.records.create(ENDPOINT, failed, EndpointStatus="Failed")
    with pytest.raises(AwsError, match="Cannot update failed endpoint"):
        parts.endpoints.update_endpoint(failed)
    with pytest.raises(AwsError, match="Cannot create already existing endpoint"):
        parts.endpoints.create_endpoint({**failed, "EndpointName": "Toy"})
    assert parts.endpoints.delete_endpoint({"EndpointName": "toy"}) == {}


def test_an_endpoint_without_its_configuration_is_described_and_not_updated(parts: SimpleNamespace) -> None:
    parts.records.create(
        ENDPOINT, {"EndpointName": "toy", "EndpointConfigName": "gone"}, EndpointStatus="InService"
    )
    described = parts.endpoints.describe_endpoint({"EndpointName": "toy"})
    assert (described["EndpointStatus"], "ProductionVariants" in described) == ("InService", False)
    with pytest.raises(AwsError, match=r"Could not find endpointConfig .*/gone"):
        parts.endpoints.update_endpoint({"EndpointName": "toy", "EndpointConfigName": "toy"})


MODEL_DATA = "s3://toys/models/toy.tar.gz"


@pytest.mark.parametrize(
    ("container", "refused"),
    [
        ({"Environment": {f"K{number}": "x" * 1000 for number in range(33)}}, "at most 32768"),
        ({"ModelDataUrl": MODEL_DATA.removesuffix(".gz")}, "must point to a gzip-compressed tar archive"),
        ({"ModelDataUrl": MODEL_DATA}, "Could not access model data at s3://toys/models/toy.tar.gz"),
    ],
)
def test_a_model_that_sagemaker_could_not_start_is_not_created(
    parts: SimpleNamespace, container: dict[str, Any], refused: str
) -> None:
    parts.buckets.create("toys", "us-east-1")
    request = {"ModelName": "new", "ExecutionRoleArn": parts.account.arn("iam", "role/toy")}
    with pytest.raises(AwsError, match=refused):
        parts.endpoints.create_model({**request, "PrimaryContainer": {"Image": "toy", **container}})


@pytest.mark.parametrize("missing", ["InstanceType", "InitialInstanceCount"])
def test_a_variant_names_its_instances(parts: SimpleNamespace, missing: str) -> None:
    variant = {
        "VariantName": "A",
        "ModelName": "toy",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    del variant[missing]
    with pytest.raises(AwsError, match=f"needs {missing}"):
        parts.endpoints.create_endpoint_config({"EndpointConfigName": "new", "ProductionVariants": [variant]})


def test_a_start_that_has_only_begun_ends_without_its_wait(parts: SimpleNamespace) -> None:
    parts.records.create(ENDPOINT, {"EndpointName": "toy", "EndpointConfigName": "toy"})
    parts.instances.seconds = HOURS
    stopping = threading.Thread(target=parts.instances.stop, args=("toy",), daemon=True)
    with parts.store.lock:  # so that the start's thread cannot read its configuration yet
        parts.instances.start("toy")
        stopping.start()
        wait_for(lambda: parts.instances._starts["toy"].ended.is_set())
    wait_for(lambda: not stopping.is_alive())
    assert parts.workers.started == []
    assert parts.instances.next("toy") is None


def test_a_container_that_is_closed_while_it_starts_is_gone(parts: SimpleNamespace) -> None:
    """It never becomes healthy, as a slow `serve`, and is closed meanwhile."""
    folder = parts.account.home / "container"
    container = Container(parts.account, parts.workers, folder, "role", {}, command=("sleep", "600"))
    failures: list[AwsError] = []

    def start() -> None:
        try:
            container.start()
        except AwsError as error:
            failures.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    (worker,) = wait_for(lambda: parts.workers.started)
    container.close()
    thread.join()
    assert worker.wait(0) is not None
    assert [error.code for error in failures] == ["EndpointFailed"]
    assert len(parts.workers.started) == 1


def test_a_container_that_was_closed_does_not_start(parts: SimpleNamespace) -> None:
    container = Container(parts.account, parts.workers, parts.account.home / "container", "role", {})
    container.close()
    with pytest.raises(AwsError, match="closed before it started"):
        container.start()
    assert parts.workers.started == []
