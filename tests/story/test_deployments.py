"""Whatever happens to events and deployers, no request fails by a switch, and one sweep puts all in order.

The registry, the bucket and the endpoint are local_aws's; deployer and invoker are the real handlers, called
here, so that a deployer can be killed between any two of its calls.
"""

import base64
import itertools
import json
import os
import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import hypothesis.strategies as st
import pytest
from hypothesis import Phase, given, settings
from support.local_aws.toy_models import artifact

import local_aws
from contract import names
from contract.endpoints import endpoint_of
from lambdas import clients, ledger, models_map
from lambdas.deployer import artifacts, registry
from lambdas.deployer import handler as deployer
from lambdas.invoker import handler as invoker
from lambdas.invoker import served
from lambdas.settings import Settings

pytestmark = pytest.mark.slow

PIPELINE = "shop"
DATASETS = ("iris", "wine", "digits")
VERSIONS = 5
DECISIONS = 120
DECIDERS, CALLERS = 8, 4
PAUSE = 0.02  # seconds between two questions of a caller: switches are what takes the time here


class Killed(BaseException):
    """A deployer's process ends: nothing in it may catch this."""


class Mortality:
    """Ends the deployer of a thread before or after the n-th call that it makes."""

    def __init__(self) -> None:
        self._fate = threading.local()

    def sentence(self, calls: int | None) -> None:
        self._fate.left = calls

    def strike(self, **_: Any) -> None:
        left = getattr(self._fate, "left", None)
        if left == 0:
            self._fate.left = None
            raise Killed
        if left is not None:
            self._fate.left = left - 1


@dataclass
class Shop:
    """One environment, and what its clients were answered."""

    bucket: str
    mortality: Mortality
    answers: Counter[str] = field(default_factory=Counter)

    def decide(self, group: str, version: int, status: str) -> None:
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:model-package/{group}/{version}"
        clients.client("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status)

    def deliver(self, event: dict[str, Any], calls: int | None) -> None:
        self.mortality.sentence(calls)
        try:
            deployer.handler(event, None)
        except Killed:
            self.answers["killed deployers"] += 1
        finally:
            self.mortality.sentence(None)

    def ask(self, dataset: str) -> None:
        """Ask a model which version it is; its answer and the version that the invoker names must agree."""
        body = json.dumps({"model": dataset, "data": [[1.0]]})
        http = {"method": "POST", "path": "/"}
        headers = {"content-type": "application/json", "accept": "text/csv"}
        event = {"requestContext": {"http": http}, "rawPath": "/", "headers": headers, "body": body}
        answer = invoker.handler(event, None)
        text = answer["body"]
        if answer.get("isBase64Encoded"):
            text = base64.b64decode(text).decode()
        if answer["statusCode"] == 200:
            agree = text.strip() == f"version {answer['headers']['x-model-version']}"
            self.answers["right" if agree else f"wrong: {text}"] += 1
        elif answer["statusCode"] == 404 and text.startswith(
            ('{"error": "There is no model', '{"error": "No model')
        ):
            self.answers["out of service"] += 1
        else:
            self.answers[f"{answer['statusCode']}: {text}"] += 1


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = tmp_path_factory.mktemp("deployments") / "home"
    server = local_aws.start(home, owner=os.getpid(), preload=False)
    # No event rule matches the groups of this pipeline: the tests deliver, lose and double the events.
    outputs = local_aws.ensure_environment(server, "elsewhere", endpoints=2)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": server.endpoint_url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": server.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "BUCKET": outputs["bucket"],
            "PIPELINE_NAME": PIPELINE,
            "ENDPOINT_NAME": outputs["endpoint_name"],
            "ENDPOINTS": "2",
        }.items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        # A few switches take less than the seconds for which an invoker keeps the map.
        patch.setitem(served.CachedMap.__init__.__kwdefaults__, "time_to_live", 0.1)
        clients.forget()
        served.cached_map.cache_clear()
        mortality = Mortality()
        for service in ("s3", "sagemaker", "sagemaker-runtime"):
            for moment in ("before-call", "after-call"):
                clients.client(service).meta.events.register(moment, mortality.strike)
        for dataset in DATASETS:
            group = names.group_name(PIPELINE, dataset)
            register_all(outputs["bucket"], group, tmp_path_factory.mktemp(dataset))
        yield Shop(outputs["bucket"], mortality)
        clients.forget()
        served.cached_map.cache_clear()
    local_aws.stop(home)


def register_all(bucket: str, group: str, folder: Path) -> None:
    """Register every version of a group: real models, each of which predicts its own number."""
    sagemaker, s3 = clients.client("sagemaker"), clients.client("s3")
    sagemaker.create_model_package_group(ModelPackageGroupName=group)
    for version in range(1, VERSIONS + 1):
        key = f"executions/{group}/{version}/output/model.tar.gz"
        s3.put_object(Bucket=bucket, Key=key, Body=artifact(f"version {version}", folder / str(version)))
        sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [{"Image": "image", "ModelDataUrl": f"s3://{bucket}/{key}"}],
                "SupportedContentTypes": ["text/csv"],
                "SupportedResponseMIMETypes": ["text/csv"],
            },
        )


@dataclass(frozen=True)
class Step:
    """A person's decision, what becomes of its event, and over how many endpoints models are spread then."""

    dataset: str
    version: int
    status: str
    deliveries: int  # 0 is a lost event, 2 a doubled one
    calls: int | None  # its deployer is killed at this moment: before or after one of its calls
    endpoints: int

    @classmethod
    def random(cls, chance: random.Random) -> "Step":
        return cls(
            chance.choice(DATASETS),
            chance.randint(1, VERSIONS),
            chance.choice(["Approved", "Approved", "Rejected", "PendingManualApproval"]),
            chance.choice([0, 1, 1, 2]),
            chance.choice([None, chance.randint(0, 70)]),
            chance.choice([1, 2]),
        )


# An example takes many seconds, so a failing seed is shown as it is, not shrunk.
@settings(max_examples=3, phases=[Phase.generate], database=None)
@given(seed=st.integers(0, 2**32))
def test_no_request_fails_by_a_switch_and_one_sweep_puts_all_in_order(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    history = [Step.random(chance) for _ in range(DECISIONS)]
    shop.answers.clear()
    over = threading.Event()

    def call(number: int) -> None:
        for dataset in itertools.cycle(DATASETS[number % 3 :] + DATASETS[: number % 3]):
            shop.ask(dataset)
            if over.wait(PAUSE):
                return

    def decide(step: Step) -> None:
        group = names.group_name(PIPELINE, step.dataset)
        os.environ["ENDPOINTS"] = str(step.endpoints)
        shop.decide(group, step.version, step.status)
        for _ in range(step.deliveries):
            shop.deliver({"detail": {"ModelPackageGroupName": group}}, step.calls)

    with ThreadPoolExecutor(DECIDERS) as deciders, ThreadPoolExecutor(CALLERS) as callers:
        calling = [callers.submit(call, number) for number in range(CALLERS)]
        deciding = [deciders.submit(decide, step) for step in history]
        try:
            for future in deciding:
                future.result()
            os.environ["ENDPOINTS"] = str(chance.choice([1, 2]))
            deployer.handler({}, None)
        finally:
            over.set()
        for future in calling:
            future.result()
    print(dict(shop.answers))
    assert set(shop.answers) <= {"right", "out of service", "killed deployers"}
    assert shop.answers["right"] > 100
    assert shop.answers["killed deployers"] > 5
    check_order(shop)


def check_order(shop: Shop) -> None:
    """What serves is what the registry says, there and not retired; all else is retired; all is recorded."""
    s3, serving = clients.client("s3"), models_map.read(clients.client("s3"), shop.bucket).entries
    for dataset in DATASETS:
        group = names.group_name(PIPELINE, dataset)
        newest = registry.newest_approved(clients.client("sagemaker"), group)
        entry = serving.get(group)
        assert (entry and entry["version"]) == (newest and newest.version)
        here = Settings.from_environment()
        assert entry is None or entry.get("endpoint", here.endpoint_name) == (
            endpoint_of(group, here.endpoint_names)
        )
        tags = {
            key: s3.get_object_tagging(Bucket=shop.bucket, Key=key)["TagSet"]
            for key in artifacts.keys(s3, shop.bucket, group)
        }
        assert [key for key, found in tags.items() if artifacts.RETIRED not in found] == (
            [entry["key"]] if entry else []
        )
        records = ledger.read(s3, shop.bucket, group)
        assert records[-1]["to_key"] == (entry["key"] if entry else None)
        assert [r["from_key"] for r in records[1:]] == [r["to_key"] for r in records[:-1]]
