"""The sweep: what has not changed costs nothing, what has is looked at, and nobody stalls the others."""

import json
import random
import time
from collections import Counter
from types import SimpleNamespace

import pytest

from contract import names
from lambdas import clients, ledger, models_map
from lambdas.deployer import artifacts, handler
from lambdas.errors import DeploymentError

BUCKET = "shop-123456789012-us-east-1"
GROUPS = [f"shop--table-{number}" for number in range(4)]


@pytest.fixture
def run(registry, endpoint, monkeypatch):
    """Sweep once; the argument is the call's context."""
    made = clients.client
    monkeypatch.setattr(
        clients, "client", lambda name: endpoint if name == "sagemaker-runtime" else made(name)
    )
    return lambda context=None: handler.handler({}, context)


@pytest.fixture
def calls(s3, registry):
    """The calls to S3 and the registry, counted by operation."""
    made = Counter()

    def count(model, **_):
        made[model.name] += 1

    events = [client.meta.events for client in (s3, registry.sagemaker)]
    for event in events:
        event.register("before-call", count)
    yield made
    for event in events:
        event.unregister("before-call", count)


@pytest.fixture
def settled(run, registry):
    """Some groups in service, and the sweep knows that they are in order."""
    for group in GROUPS:
        registry.create(group)
        registry.approve(registry.register(group, group.encode()))
    assert {outcome["action"] for outcome in run().values()} == {"deployed"}
    assert {outcome["action"] for outcome in run().values()} == {"unchanged"}
    assert run() == {}
    return GROUPS


def test_unchanged_groups_cost_no_call_of_their_own(run, registry, settled, calls, log_lines):
    run()
    before = dict(calls)
    assert before == {
        "ListModelPackages": 1,
        "ListObjectsV2": 2,
        "GetObject": 2,
    }  # the map, and what is settled
    for number in range(4):
        registry.create(f"shop--more-{number}")
        registry.approve(registry.register(f"shop--more-{number}"))
    for _ in range(3):
        run()
    calls.clear()
    log_lines()
    assert run() == {}
    assert calls == before
    (line,) = log_lines()
    assert (line["action"], line["groups"], line["looked_at"], line["left"]) == ("swept", 8, 0, 0)


def spoil_approval(s3, registry, group):
    registry.approve(registry.register(group, b"another"))


def spoil_record(s3, registry, group):
    s3.delete_object(Bucket=BUCKET, Key=f"{names.load().ledger_prefix}{group}/000001.json")


def spoil_artifact(s3, registry, group):
    s3.delete_object(Bucket=BUCKET, Key=artifacts.keys(s3, BUCKET, group)[0])


def spoil_tag(s3, registry, group):
    time.sleep(1.1)  # the times in lists are whole seconds
    artifacts.retire(s3, BUCKET, artifacts.keys(s3, BUCKET, group)[0])


def spoil_entry(s3, registry, group):
    key = names.load().models_map_key
    entries = json.load(s3.get_object(Bucket=BUCKET, Key=key)["Body"])
    entries[group]["key"] = None
    s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(entries))


def spoil_what_is_settled(s3, registry, group):
    s3.put_object(Bucket=BUCKET, Key=f"{names.load().ledger_prefix}{ledger.SETTLED}", Body=b"[")


@pytest.mark.parametrize(
    "spoil",
    [spoil_approval, spoil_record, spoil_artifact, spoil_tag, spoil_entry, spoil_what_is_settled],
    ids=lambda spoil: spoil.__name__,
)
def test_whatever_becomes_of_a_group_is_put_in_order_again(run, registry, settled, s3, serving, spoil):
    spoil(s3, registry, GROUPS[1])
    run()
    entry = serving()[GROUPS[1]]
    assert entry["version"] == (2 if spoil is spoil_approval else 1)
    assert ledger.read(s3, BUCKET, GROUPS[1])[-1]["to_key"] == entry["key"]
    assert artifacts.RETIRED not in s3.get_object_tagging(Bucket=BUCKET, Key=entry["key"])["TagSet"]
    assert serving().keys() == set(GROUPS)
    for _ in range(2):
        run()
    assert run() == {}


@pytest.mark.runtime
def test_a_group_that_takes_all_the_time_stalls_no_other(run, registry, serving, monkeypatch):
    """One sweep has time for two groups, and one of them never loads."""
    for group in GROUPS:
        registry.create(group)
        registry.approve(registry.register(group, group.encode()))
    left = []
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 1000 * (left.pop() if left else 0))
    real = handler.Reconciler.reconcile
    monkeypatch.setattr(
        handler.Reconciler,
        "reconcile",
        lambda self, group: 1 / 0 if group == GROUPS[0] else real(self, group),
    )
    random.seed(1)
    for _ in range(12):
        left[:] = [handler.RESERVE - 1, handler.RESERVE + 1]
        try:
            assert len(run(context)) == 2 or len(serving()) == 3
        except DeploymentError:
            assert len(serving()) <= 3
    assert serving().keys() == set(GROUPS[1:])


class OutOfMemory(BaseException):
    """Lambda ends the process: nothing in it may catch this."""


def test_a_group_that_ends_the_process_stalls_no_other(run, registry, serving, monkeypatch):
    for group in GROUPS:
        registry.create(group)
        registry.approve(registry.register(group, group.encode()))
    real = handler.Reconciler.reconcile

    def reconcile(self, group):
        if group == GROUPS[0]:
            raise OutOfMemory
        return real(self, group)

    monkeypatch.setattr(handler.Reconciler, "reconcile", reconcile)
    random.seed(2)
    for _ in range(10):
        with pytest.raises(OutOfMemory):
            run()
    assert serving().keys() == set(GROUPS[1:])


def test_a_group_of_which_only_artifacts_are_left_is_put_in_order_too(run, s3):
    s3.put_object(Bucket=BUCKET, Key="models/shop--gone/1-aaaaaaaaaaaa.tar.gz", Body=b"left")
    s3.put_object(Bucket=BUCKET, Key="models/other--gone/1-aaaaaaaaaaaa.tar.gz", Body=b"another pipeline's")
    assert run() == {"shop--gone": {"action": "unchanged", "version": None}}
    tags = s3.get_object_tagging(Bucket=BUCKET, Key="models/shop--gone/1-aaaaaaaaaaaa.tar.gz")["TagSet"]
    assert artifacts.RETIRED in tags
    assert models_map.read(s3, BUCKET).entries == {}
