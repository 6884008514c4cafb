"""The deployer: whatever the event says and however often, the map ends as the registry has it."""

import dataclasses
import io
import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from moto.sagemaker.models import sagemaker_backends
from support.lambdas.described import described

from contract.endpoints import endpoint_of
from contract.names import NamingError
from lambdas import clients, ledger, models_map
from lambdas.deployer import artifacts, handler, warming
from lambdas.deployer import registry as model_registry
from lambdas.errors import DeploymentError, SettingError

BUCKET = "shop-123456789012-us-east-1"
GROUP = "shop--iris"


@pytest.fixture
def deploy(registry, endpoint, context, monkeypatch):
    made = clients.client
    monkeypatch.setattr(
        clients, "client", lambda name: endpoint if name == "sagemaker-runtime" else made(name)
    )
    return lambda event: handler.handler(event, context)


@pytest.fixture
def group(registry):
    registry.create(GROUP)
    return GROUP


def is_retired(s3, key):
    return artifacts.RETIRED in s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]


@pytest.mark.runtime
def test_an_approved_package_is_deployed(deploy, event, registry, group, serving, s3):
    registry.approve(registry.register(group))
    summary = deploy(event("package_approved"))
    entry = serving()[GROUP]
    assert summary == {GROUP: {"action": "deployed", "version": 1, "key": entry["key"]}}
    assert entry["key"] == f"models/{GROUP}/1-{entry['sha256'][:12]}.tar.gz"
    assert s3.head_object(Bucket=BUCKET, Key=entry["key"])["ContentLength"] > 0


def test_a_created_package_waits_for_a_person(deploy, event, registry, group, serving):
    registry.register(group)
    assert deploy(event("package_created_pending")) == {GROUP: {"action": "unchanged", "version": None}}
    assert serving() == {}


def test_the_event_is_a_hint_and_the_registry_the_truth(deploy, event, registry, group, serving):
    """The event says approved; in the meantime the package was rejected."""
    registry.reject(registry.register(group))
    assert deploy(event("package_approved"))[GROUP]["action"] == "unchanged"
    assert serving() == {}


def test_a_doubled_event_changes_nothing(deploy, event, registry, group, serving):
    registry.approve(registry.register(group))
    deploy(event("package_approved"))
    before = serving()
    assert deploy(event("package_approved")) == {GROUP: {"action": "unchanged", "version": 1}}
    assert serving() == before


def test_what_is_unchanged_is_not_downloaded_again(deploy, event, registry, group, monkeypatch):
    registry.approve(registry.register(group))
    deploy(event("package_approved"))
    monkeypatch.setattr(artifacts, "deposit", None)
    assert deploy({})[GROUP]["action"] == "unchanged"


def test_a_newer_version_replaces_the_older_which_is_retired(deploy, event, registry, group, serving, s3):
    registry.approve(registry.register(group, b"one"))
    deploy(event("package_approved"))
    old = serving()[GROUP]["key"]
    registry.approve(registry.register(group, b"two"))
    outcome = deploy(event("package_approved"))[GROUP]
    new = serving()[GROUP]["key"]
    assert (outcome["action"], outcome["version"], outcome["previous_version"]) == ("deployed", 2, 1)
    assert is_retired(s3, old)
    assert not is_retired(s3, new)


def test_an_older_version_approved_later_does_not_replace_the_newer(deploy, event, registry, group, serving):
    first, second = registry.register(group, b"one"), registry.register(group, b"two")
    registry.approve(second)
    deploy(event("package_approved"))
    registry.approve(first)
    assert deploy(event("package_approved"))[GROUP]["action"] == "unchanged"
    assert serving()[GROUP]["version"] == 2


def test_rejecting_the_newest_brings_the_previous_one_back(deploy, event, registry, group, serving, s3):
    registry.approve(registry.register(group, b"one"))
    deploy(event("package_approved"))
    old = serving()[GROUP]
    second = registry.register(group, b"two")
    registry.approve(second)
    deploy(event("package_approved"))
    new = serving()[GROUP]
    registry.reject(second)
    outcome = deploy(event("package_rejected"))[GROUP]
    assert (outcome["action"], outcome["version"], outcome["previous_version"]) == ("deployed", 1, 2)
    assert serving()[GROUP] == old
    assert is_retired(s3, new["key"])
    assert not is_retired(s3, old["key"])


@pytest.mark.parametrize("status", ["Rejected", "PendingManualApproval"])
def test_without_an_approved_package_the_model_leaves_service(
    deploy, event, registry, group, serving, s3, status
):
    arn = registry.register(group)
    registry.approve(arn)
    deploy(event("package_approved"))
    key = serving()[GROUP]["key"]
    registry.decide(arn, status)
    assert deploy(event("package_rejected")) == {
        GROUP: {"action": "removed", "version": None, "previous_version": 1}
    }
    assert serving() == {}
    assert is_retired(s3, key)


def test_a_group_recreated_from_version_one_gets_a_key_of_its_own(deploy, registry, group, serving):
    """The platform caches by name: the same key with other bytes would serve the old model."""
    registry.approve(registry.register(group, b"one"))
    deploy({})
    old = serving()[GROUP]
    forget_packages()
    registry.approve(registry.register(group, b"other"))
    assert deploy({})[GROUP]["action"] == "deployed"
    new = serving()[GROUP]
    assert (old["version"], new["version"]) == (1, 1)
    assert old["key"] != new["key"]


@pytest.fixture
def spread(registry, deploy, serving, endpoint, monkeypatch):
    """Four groups in service at one endpoint; the number of endpoints is then set to two."""
    for number in range(4):
        registry.create(f"shop--table-{number}")
        registry.approve(registry.register(f"shop--table-{number}"))
    deploy({})
    assert set(endpoint.endpoints) == {"shop"}
    assert not any("endpoint" in entry for entry in serving().values())
    monkeypatch.setenv("ENDPOINTS", "2")
    endpoint.endpoints.clear()
    moving = [group for group in serving() if endpoint_of(group, ["shop", "shop--2"]) == "shop--2"]
    assert 0 < len(moving) < 4
    return moving


def test_another_endpoint_takes_over_only_its_groups_after_it_has_loaded_them(
    deploy, serving, endpoint, spread, s3
):
    before = serving()
    assert {group: outcome["endpoint"] for group, outcome in deploy({}).items() if "endpoint" in outcome} == (
        dict.fromkeys(spread, "shop--2")
    )
    assert endpoint.endpoints == ["shop--2"] * len(spread)
    assert serving() == before | {group: {**before[group], "endpoint": "shop--2"} for group in spread}
    assert not any(is_retired(s3, entry["key"]) for entry in serving().values())
    assert {outcome["action"] for outcome in deploy({}).values()} == {"unchanged"}
    assert deploy({}) == {}


def test_a_model_serves_where_it_is_until_the_other_endpoint_can_be_invoked(
    deploy, serving, endpoint, spread
):
    before = serving()
    for _ in spread:
        endpoint.fails(EndpointConnectionError(endpoint_url="https://runtime"))
    outcomes = deploy({})
    assert {group for group, outcome in outcomes.items() if outcome["action"] == "postponed"} == set(spread)
    assert serving() == before
    deploy({})
    assert all(serving()[group]["endpoint"] == "shop--2" for group in spread)


def test_what_an_endpoint_leaves_behind_comes_back(deploy, serving, endpoint, spread, monkeypatch):
    before = serving()
    deploy({})
    endpoint.endpoints.clear()
    monkeypatch.setenv("ENDPOINTS", "1")
    deploy({})
    assert serving() == before
    assert endpoint.endpoints == ["shop"] * len(spread)


def forget_packages():
    """Empty moto's registry; it has no DeleteModelPackage."""
    sagemaker_backends["123456789012"]["us-east-1"].model_packages.clear()


def test_an_artifact_that_vanished_is_put_back(deploy, registry, group, serving, s3):
    registry.approve(registry.register(group))
    deploy({})
    key = serving()[GROUP]["key"]
    s3.delete_object(Bucket=BUCKET, Key=key)
    assert deploy({})[GROUP]["action"] == "unchanged"
    assert s3.head_object(Bucket=BUCKET, Key=key)


def test_a_serving_artifact_that_was_retired_by_a_late_hand_is_kept(deploy, registry, group, serving, s3):
    registry.approve(registry.register(group))
    deploy({})
    key = serving()[GROUP]["key"]
    artifacts.retire(s3, BUCKET, key)
    deploy({})
    assert not is_retired(s3, key)


@pytest.mark.parametrize(
    "schedule",
    [{}, {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}, {"groups": []}],
)
def test_a_schedule_reconciles_all_groups_and_map_entries(deploy, registry, serve, serving, schedule):
    for name in ["shop--iris", "shop--wine", "shop--digits"]:
        registry.create(name)
    for name in ["shop--iris", "shop--wine"]:
        registry.approve(registry.register(name))
    serve("gone-from-the-registry", 4)
    actions = {name: outcome["action"] for name, outcome in deploy(schedule).items()}
    assert actions == {  # of digits, there is nothing at all
        "shop--gone-from-the-registry": "removed",
        "shop--iris": "deployed",
        "shop--wine": "deployed",
    }
    assert serving().keys() == {"shop--iris", "shop--wine"}


def test_named_groups_are_reconciled_each_once(deploy, registry):
    for name in ["shop--iris", "shop--wine", "shop--digits"]:
        registry.create(name)
    assert deploy({"groups": ["shop--wine", "shop--iris", "shop--wine"]}).keys() == {
        "shop--wine",
        "shop--iris",
    }


@pytest.mark.parametrize("groups", ["shop--iris", ["shop--iris", 3], {"shop--iris": 1}])
def test_groups_that_are_no_list_of_names_are_refused(deploy, groups):
    with pytest.raises(NamingError, match="must be a list of model package group names"):
        deploy({"groups": groups})


def test_another_pipelines_event_is_ignored(deploy, event, registry, serving, log_lines):
    registry.create("shop-staging--iris")
    registry.approve(registry.register("shop-staging--iris"))
    assert deploy(event("package_of_other_pipeline")) == {}
    assert serving() == {}
    assert [line["action"] for line in log_lines()] == ["ignored"]


def test_another_pipelines_groups_and_entries_are_left_alone(deploy, registry, s3, serving):
    registry.create("shop-staging--iris")
    registry.approve(registry.register("shop-staging--iris"))
    foreign = {"shop-staging--wine": {"key": "k", "version": 1, "sha256": "a" * 64, "approved_at": "-"}}
    models_map.change(s3, BUCKET, lambda _: foreign)
    assert deploy({}) == {}
    assert serving() == foreign


def test_one_failing_group_does_not_stop_the_others_and_is_raised_at_the_end(deploy, registry, serving, s3):
    for name in ["shop--a", "shop--b", "shop--c"]:
        registry.create(name)
    s3.put_object(Bucket=BUCKET, Key="executions/bad/model.tar.gz", Body=b"not an archive")
    registry.register("shop--a", url=f"s3://{BUCKET}/executions/bad/model.tar.gz", status="Approved")
    registry.register("shop--b", url=f"s3://{BUCKET}/executions/none/model.tar.gz", status="Approved")
    registry.register("shop--c", status="Approved")
    with pytest.raises(DeploymentError) as failure:
        deploy({})
    assert "2 of 3 groups failed" in str(failure.value)
    assert "shop--a: ArtifactError: s3://" in str(failure.value)
    assert "cannot be read (NoSuchKey)" in str(failure.value)
    assert serving().keys() == {"shop--c"}


def test_a_refused_artifact_leaves_the_previous_version_serving(deploy, registry, group, serving, s3):
    registry.approve(registry.register(group))
    deploy({})
    before = serving()
    s3.put_object(Bucket=BUCKET, Key="executions/bad/model.tar.gz", Body=b"not an archive")
    registry.register(group, url=f"s3://{BUCKET}/executions/bad/model.tar.gz", status="Approved")
    with pytest.raises(DeploymentError):
        deploy({})
    assert serving() == before


def test_structured_lines_are_logged_for_each_group(deploy, registry, s3, log_lines, context):
    for name in ["shop--a", "shop--b"]:
        registry.create(name)
    registry.register("shop--a", status="Approved")
    registry.register("shop--b", url=f"s3://{BUCKET}/executions/none/model.tar.gz", status="Approved")
    with pytest.raises(DeploymentError):
        deploy({"groups": ["shop--a", "shop--b"]})
    lines = sorted(log_lines(), key=lambda line: line["group"])
    assert [(line["group"], line["action"], line.get("version")) for line in lines] == [
        ("shop--a", "looking", None),
        ("shop--a", "warming", 1),
        ("shop--a", "checked", 1),
        ("shop--a", "deployed", 1),
        ("shop--b", "looking", None),
        ("shop--b", "failed", None),
    ]
    looking, _, checked, first, _, second = lines
    assert [line["at"] for line in lines[:4]] == sorted(line["at"] for line in lines[:4])
    assert (looking["cause"], checked["rows"]) == ("request", 1)
    always = {"function", "at", "request_id", "group", "cause", "milliseconds"}
    assert first.keys() == always | {"action", "version", "key"}
    assert (first["group"], first["action"], first["version"]) == ("shop--a", "deployed", 1)
    assert (second["group"], second["action"]) == ("shop--b", "failed")
    assert second["request_id"] == context.aws_request_id
    assert "NoSuchKey" in second["error"]
    assert "Traceback" in second["traceback"]


@pytest.mark.runtime
def test_a_slow_deployer_does_not_switch_back_what_a_faster_one_switched(
    deploy, event, registry, group, serving, monkeypatch
):
    """Version 2 is approved and deployed while the deployer of version 1 is still copying."""
    registry.approve(registry.register(group, b"one"))
    copy = artifacts.deposit

    def slow(*arguments):
        monkeypatch.setattr(artifacts, "deposit", copy)
        entry = copy(*arguments)
        registry.approve(registry.register(group, b"two"))
        deploy(event("package_approved"))
        return entry

    monkeypatch.setattr(artifacts, "deposit", slow)
    assert deploy(event("package_approved"))[GROUP] == {"action": "unchanged", "version": 2}
    assert serving()[GROUP]["version"] == 2


def test_a_package_rejected_during_its_copy_is_not_deployed(deploy, registry, group, serving, monkeypatch):
    arn = registry.register(group)
    registry.approve(arn)
    copy = artifacts.deposit

    def rejected_meanwhile(*arguments):
        entry = copy(*arguments)
        registry.reject(arn)
        return entry

    monkeypatch.setattr(artifacts, "deposit", rejected_meanwhile)
    assert deploy({})[GROUP]["action"] == "unchanged"
    assert serving() == {}


@pytest.mark.runtime
def test_a_registry_that_never_settles_is_a_failure(deploy, registry, group, monkeypatch):
    registry.register(group, status="Approved")
    newest = model_registry.newest_approved

    def restless(sagemaker, name):
        registry.register(name, status="Approved")
        return newest(sagemaker, name)

    monkeypatch.setattr(model_registry, "newest_approved", restless)
    with pytest.raises(DeploymentError, match="SupersededError"):
        deploy({})


def test_concurrent_events_end_in_the_registrys_state(deploy, registry, serving):
    names = [f"shop--{name}" for name in ("iris", "wine", "digits")]
    for name in names:
        registry.create(name)
        registry.approve(registry.register(name, name.encode()))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(deploy, [{"groups": [name]} for name in names * 2]))
    assert {name: entry["version"] for name, entry in serving().items()} == dict.fromkeys(names, 1)


@pytest.mark.parametrize("seed", range(8))
def test_any_history_with_lost_and_shuffled_events_ends_as_the_registry_has_it(
    deploy, registry, group, serving, seed
):
    chance = random.Random(seed)
    arns = []
    for step in range(8):
        if not arns or chance.random() < 0.4:
            arns.append(registry.register(group, bytes([step])))
        registry.decide(chance.choice(arns), chance.choice(["Approved", "Rejected", "PendingManualApproval"]))
        if chance.random() < 0.5:  # the other half of the events is lost
            deploy({"groups": [group]})
    deploy({})
    newest = model_registry.newest_approved(registry.sagemaker, group)
    served = serving().get(GROUP)
    assert (served and served["version"]) == (newest and newest.version)


def client_error(code, **fields):
    error = ClientError({"Error": {"Code": code, "Message": f"{code} it is"}, **fields}, "InvokeEndpoint")
    return error


def test_a_new_artifact_is_asked_before_it_serves(deploy, registry, group, endpoint, serving):
    registry.approve(registry.register(group))
    deploy({})
    assert endpoint.asked == [serving()[GROUP]["key"].removeprefix("models/")]
    deploy({})
    assert len(endpoint.asked) == 1, "what serves already is not asked again"


def test_a_model_that_is_still_loading_is_waited_for(deploy, registry, group, endpoint, serving, monkeypatch):
    monkeypatch.setattr(warming, "PAUSE", 0.0)
    registry.approve(registry.register(group))
    endpoint.fails(client_error("ModelNotReadyException"))
    endpoint.fails(ReadTimeoutError(endpoint_url="https://endpoint"))
    assert deploy({})[GROUP]["action"] == "deployed"
    assert len(endpoint.asked) == 3


def test_a_model_that_never_loads_is_refused(deploy, registry, group, endpoint, serving, monkeypatch):
    monkeypatch.setattr(warming, "PATIENCE", 0.0)
    registry.approve(registry.register(group))
    endpoint.fails(client_error("ModelNotReadyException"))
    with pytest.raises(DeploymentError, match="was not loaded by the endpoint within 0 seconds"):
        deploy({})
    assert serving() == {}


@pytest.mark.parametrize("status", [400, 500])
def test_a_model_that_its_container_refuses_leaves_the_previous_serving(
    deploy, registry, group, endpoint, serving, status
):
    registry.approve(registry.register(group, b"one"))
    deploy({})
    before = serving()
    registry.approve(registry.register(group, b"two"))
    endpoint.fails(client_error("ModelError", OriginalStatusCode=status, OriginalMessage="no such estimator"))
    with pytest.raises(DeploymentError, match="is refused by its container: no such estimator"):
        deploy({})
    assert serving() == before


@pytest.mark.parametrize(
    ("predictions", "answer"),
    [(["red"], ["blue"]), (["red"], []), ([1], [True]), ([1.5], [1.6]), ([1.5], ["1.5"]), (["1"], [1])],
)
def test_a_model_that_answers_something_else_is_refused(
    deploy, registry, group, endpoint, s3, serving, monkeypatch, predictions, answer
):
    artifact = registry.pack(described({"arrays.bin": b"0"}, predictions))
    s3.put_object(Bucket=BUCKET, Key="executions/x/model.tar.gz", Body=artifact)
    registry.register(group, url=f"s3://{BUCKET}/executions/x/model.tar.gz", status="Approved")
    body = json.dumps({"predictions": answer}).encode()
    monkeypatch.setattr(endpoint, "invoke_endpoint", lambda **_: {"Body": io.BytesIO(body)})
    with pytest.raises(DeploymentError, match="sample row"):
        deploy({})
    assert serving() == {}


def test_numbers_may_differ_by_a_rounding(deploy, registry, group, endpoint, s3, monkeypatch):
    artifact = registry.pack(described({"arrays.bin": b"0"}, [1.5]))
    s3.put_object(Bucket=BUCKET, Key="executions/x/model.tar.gz", Body=artifact)
    registry.register(group, url=f"s3://{BUCKET}/executions/x/model.tar.gz", status="Approved")
    body = json.dumps({"predictions": [1.5 + 1e-9]}).encode()
    monkeypatch.setattr(endpoint, "invoke_endpoint", lambda **_: {"Body": io.BytesIO(body)})
    assert deploy({})[GROUP]["action"] == "deployed"


@pytest.mark.parametrize(
    "failure",
    [
        client_error("ValidationError"),
        client_error("ServiceUnavailable"),
        client_error("ThrottlingException"),
        client_error("ModelError", OriginalStatusCode=507),
        EndpointConnectionError(endpoint_url="https://endpoint"),
    ],
    ids=lambda failure: getattr(failure, "response", {"Error": {"Code": "no connection"}})["Error"]["Code"],
)
def test_an_endpoint_that_cannot_be_asked_leaves_the_map_to_the_schedule(
    deploy, registry, group, endpoint, serving, failure
):
    registry.approve(registry.register(group))
    endpoint.fails(failure)
    assert deploy({})[GROUP]["action"] == "postponed"
    assert serving() == {}
    assert deploy({})[GROUP]["action"] == "deployed"


def test_without_an_endpoint_a_model_still_leaves_service(deploy, registry, group, endpoint, serving):
    arn = registry.register(group)
    registry.approve(arn)
    deploy({})
    registry.reject(arn)
    endpoint.fails(client_error("ValidationError"))
    assert deploy({})[GROUP]["action"] == "removed"
    assert serving() == {}


@pytest.mark.runtime
def test_a_baseline_goes_where_its_artifact_goes(deploy, registry, group, serving, s3):
    s3.put_object(Bucket=BUCKET, Key="executions/drift_baseline.json.gz", Body=b"baseline")
    first = registry.register(group, b"one", baseline=f"s3://{BUCKET}/executions/drift_baseline.json.gz")
    registry.approve(first)
    deploy({"groups": [group]})
    beside = artifacts.baseline_key(serving()[GROUP]["key"])
    assert beside.endswith(".baseline.json.gz")
    assert s3.get_object(Bucket=BUCKET, Key=beside)["Body"].read() == b"baseline"
    assert not is_retired(s3, beside)
    registry.approve(registry.register(group, b"two"))
    deploy({"groups": [group]})
    assert is_retired(s3, beside)
    assert serving()[GROUP]["version"] == 2, "it serves without a baseline"
    registry.reject(f"{first.rpartition('/')[0]}/2")
    deploy({"groups": [group]})
    assert serving()[GROUP]["version"] == 1
    assert not is_retired(s3, beside)


@pytest.mark.runtime
@pytest.mark.parametrize("address", [f"s3://{BUCKET}/executions/gone.json.gz", "no address"])
def test_a_baseline_that_cannot_be_copied_keeps_no_model_from_serving(
    deploy, registry, group, serving, s3, capsys, address
):
    registry.approve(registry.register(group, baseline=address))
    deploy({"groups": [group]})
    assert serving()[GROUP]["version"] == 1
    assert '"action": "no baseline"' in capsys.readouterr().out


def test_artifacts_that_a_dead_deployer_left_are_retired_by_the_next(deploy, registry, group, s3, serving):
    """It died after the copy of a version that was rejected, and after a switch."""
    registry.approve(registry.register(group))
    deploy({})
    for key in ["models/shop--iris/7-aaaaaaaaaaaa.tar.gz", "models/shop--iris-2/1-bbbbbbbbbbbb.tar.gz"]:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"left")
    deploy({"groups": [GROUP]})
    assert is_retired(s3, "models/shop--iris/7-aaaaaaaaaaaa.tar.gz")
    assert not is_retired(s3, serving()[GROUP]["key"])
    assert not is_retired(s3, "models/shop--iris-2/1-bbbbbbbbbbbb.tar.gz"), "that is another group's"


@pytest.mark.runtime
def test_an_artifact_switched_to_while_it_is_being_retired_stays(
    deploy, registry, group, s3, serving, monkeypatch
):
    """The deployer of version 1 is slow: it retires version 2 after another one has switched to that."""
    first = registry.register(group, b"one")
    registry.approve(first)
    deploy({})
    second = registry.register(group, b"two")
    list_keys = artifacts.keys

    def slow(*arguments):
        monkeypatch.setattr(artifacts, "keys", list_keys)
        registry.approve(second)
        deploy({})
        return list_keys(*arguments)

    monkeypatch.setattr(artifacts, "keys", slow)
    deploy({})
    assert serving()[GROUP]["version"] == 2
    assert not is_retired(s3, serving()[GROUP]["key"])


def test_the_ledger_says_what_served_when_and_by_whose_decision(deploy, event, registry, group, s3):
    registry.approve(registry.register(group, b"one"))
    deploy(event("package_approved"))
    second = registry.register(group, b"two")
    registry.approve(second)
    deploy({"groups": [GROUP]})
    registry.reject(second)
    deploy({})
    deploy({})
    records = ledger.read(s3, BUCKET, GROUP)
    assert [(r["from_version"], r["to_version"], r["decision"], r["cause"]) for r in records] == [
        (None, 1, "Approved", "event"),
        (1, 2, "Approved", "request"),
        (2, 1, "Rejected", "schedule"),
    ]
    assert records[1]["to_key"] == records[2]["from_key"]


def test_a_record_lost_with_its_deployer_is_written_by_the_next(deploy, registry, group, s3, monkeypatch):
    arn = registry.register(group)
    registry.approve(arn)
    with monkeypatch.context() as patch, pytest.raises(DeploymentError):
        patch.setattr(ledger, "follow", lambda *_: 1 / 0)
        deploy({})
    assert ledger.read(s3, BUCKET, GROUP) == []
    deploy({})
    assert [record["to_version"] for record in ledger.read(s3, BUCKET, GROUP)] == [1]


def test_a_group_deleted_from_the_registry_is_recorded_as_such(deploy, registry, group, s3):
    registry.approve(registry.register(group))
    deploy({})
    forget_packages()
    deploy({})
    assert ledger.read(s3, BUCKET, GROUP)[-1] | {"at": ""} == {
        "at": "",
        "from_version": 1,
        "from_key": ledger.read(s3, BUCKET, GROUP)[0]["to_key"],
        "to_version": None,
        "to_key": None,
        "decision": "Deleted",
        "decided_by": "",
        "comment": "",
        "cause": "schedule",
    }


def test_a_missing_setting_is_named(deploy, monkeypatch):
    monkeypatch.delenv("BUCKET")
    with pytest.raises(SettingError, match="BUCKET"):
        deploy({})


def test_a_registry_that_does_not_answer_is_raised(deploy, registry, group, monkeypatch):
    def refuse(*_):
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "ListModelPackages")

    monkeypatch.setattr(model_registry, "newest_approved", refuse)
    with pytest.raises(DeploymentError, match="ThrottlingException"):
        deploy({"groups": [GROUP]})


def put_record(s3, name, body=b""):
    s3.put_object(Bucket=BUCKET, Key=f"deployments/ledger/{GROUP}/{name}", Body=body)


def test_a_ledger_with_gaps_and_foreign_objects_goes_on(deploy, registry, group, s3):
    arns = [registry.register(group, bytes([number])) for number in range(3)]
    for arn in arns:
        registry.approve(arn)
        deploy({})
    s3.delete_object(Bucket=BUCKET, Key=f"deployments/ledger/{GROUP}/000002.json")
    for name in ("", "notes.txt", "9.json", "000009/1.json"):  # the first is a folder's marker
        put_record(s3, name)
    registry.reject(arns[2])
    deploy({})
    assert [record["to_version"] for record in ledger.read(s3, BUCKET, GROUP)] == [1, 3, 2]
    put_record(s3, "000007.json", b"{")  # half a record
    registry.reject(arns[1])
    deploy({})
    last = ledger.read(s3, BUCKET, GROUP)[-1]
    assert (last["from_version"], last["to_version"]) == (2, 1)
    assert s3.head_object(Bucket=BUCKET, Key=f"deployments/ledger/{GROUP}/000008.json")


def replace_artifact(s3, registry, arn, content):
    """Overwrite the artifact of a registered version where the pipeline left it."""
    described = registry.sagemaker.describe_model_package(ModelPackageName=arn)
    url = described["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    s3.put_object(
        Bucket=BUCKET, Key=url.partition(f"{BUCKET}/")[2], Body=registry.pack(described_by(content))
    )


def described_by(content):
    return described({"arrays.bin": content})


@pytest.mark.parametrize("when", ["before the approval", "after it"])
def test_a_model_replaced_since_its_registration_is_refused_and_that_recorded_once(
    deploy, registry, group, s3, serving, when
):
    registry.approve(registry.register(group, b"one"))
    deploy({})
    before = serving()
    second = registry.register(group, b"two")
    if when == "after it":
        registry.approve(second)
    replace_artifact(s3, registry, second, b"a stranger's")
    registry.approve(second)
    for _ in range(2):
        with pytest.raises(DeploymentError, match="is not the model that was registered as version 2 of"):
            deploy({})
    assert serving() == before
    first, refusal = ledger.read(s3, BUCKET, GROUP)
    assert refusal["to_key"] == refusal["from_key"] == first["to_key"]
    assert (refusal["decision"], refusal["refused_version"], refusal["to_version"]) == ("Refused", 2, 1)
    assert "its SHA-256 was" in refusal["comment"]
    registry.reject(second)
    assert deploy({})[GROUP]["action"] == "unchanged"


def test_what_is_in_service_stays_when_its_origin_is_replaced(deploy, registry, group, s3, serving):
    arn = registry.register(group, b"one")
    registry.approve(arn)
    deploy({})
    before = serving()
    replace_artifact(s3, registry, arn, b"a stranger's")
    deploy({"groups": [GROUP]})
    assert serving() == before


def test_a_change_of_metadata_alone_copies_nothing_and_keeps_the_time_of_the_approval(
    deploy, registry, group, serving, endpoint, monkeypatch
):
    arn = registry.register(group)
    registry.approve(arn)
    deploy({})
    before = serving()
    newest = model_registry.newest_approved

    def later(*arguments):
        found = newest(*arguments)
        return found and dataclasses.replace(found, approved_at="2030-01-01T00:00:00+00:00")

    monkeypatch.setattr(model_registry, "newest_approved", later)
    assert deploy({"groups": [GROUP]})[GROUP]["action"] == "unchanged"
    assert (serving(), len(endpoint.asked)) == (before, 1)


def test_an_approval_that_the_registry_records_has_its_own_time(
    deploy, registry, group, serving, monkeypatch
):
    registry.approve(registry.register(group))
    newest, when = model_registry.newest_approved, ["2026-01-05T09:30:00+00:00"]

    def recorded(*arguments):
        return dataclasses.replace(newest(*arguments), approved_at=when[-1], recorded=True)

    monkeypatch.setattr(model_registry, "newest_approved", recorded)
    deploy({})
    when.append("2026-01-06T09:30:00+00:00")  # approved again
    deploy({"groups": [GROUP]})
    assert serving()[GROUP]["approved_at"] == when[-1]
