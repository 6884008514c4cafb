"""The wait for the deployer: its word is shown, a slow endpoint is waited for, and every wait has an end."""

import contextlib
import io
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support import HANGS
from support.helpers.shared import decide, first_version
from support.local_aws.aws import server_of

import local_aws
from helpers.deployment import deployments, registry
from helpers.deployment.rollout import deployer, following
from helpers.errors import ExitCode, Interrupted, JobFailed
from helpers.runs import facts
from helpers.session import Session

Register = Callable[..., str]
PENDING = "PendingManualApproval"


@pytest.fixture
def server(session: Session) -> Iterator[local_aws.Server]:
    """The local_aws, where all is as usual afterwards."""
    server = server_of(session)
    yield server
    local_aws.set_endpoint_seconds(server, 0)
    local_aws.set_deliveries(server)
    local_aws.ensure_environment(server, session.pipeline_name)
    session.client("sagemaker").get_waiter("endpoint_in_service").wait(
        EndpointName=session.endpoint_name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 10 * HANGS}
    )


def wait_for_word(session: Session, dataset: str, action: str) -> None:
    since = {dataset: registry.decided_at(session, registry.packages(session, dataset)[0])}
    deadline = time.monotonic() + HANGS
    while action not in [word.action for word in deployer.heard(session, since).get(dataset, [])]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_each_stage_of_a_switch_is_shown_with_the_seconds_since_the_decision() -> None:
    begin = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def word(action: str, seconds: float, **more: Any) -> deployer.Word:
        return deployer.Word(action, "", begin + timedelta(seconds=seconds), **more)

    said = [word("looking", 0.25, cause="event"), word("warming", 0.5, version=3)]
    assert following.stages(begin, [])[1:] == [("event", "", "on its way to the deployer")]
    under_way = [detail for _, _, detail in following.stages(begin, said)[1:]]
    assert under_way == ["the deployer hears of it after 0.2 s", "version 3 after 0.5 s"]
    said += [word("checked", 1, rows=5), word("deployed", 1.5, version=3)]
    shown = {step: detail for step, _, detail in following.stages(begin, said)}
    assert shown["check"] == "5 sample rows are answered as expected after 1.0 s"
    assert shown["switch"] == "version 3 is in service after 1.5 s"
    said += [word("looking", 2, cause="event"), word("unchanged", 2.5)]  # another version was rejected, too
    assert following.stages(begin, said)[-1][-1] == "version 3 is in service after 1.5 s"
    assert following.stages(begin, said[-2:])[-1][-1] == "nothing has to change after 2.5 s"
    assert not following.is_under_way(said)
    assert following.is_under_way([one for one in said if one.action != "deployed"])  # which is said later
    swept = [word("looking", 700, cause="schedule"), word("removed", 701)]
    shown = {step: detail for step, _, detail in following.stages(begin, swept)}
    assert (shown["event"], shown["switch"]) == (
        "the sweep finds it after 700.0 s",
        "nothing is in service after 701.0 s",
    )


class Ready(io.StringIO):
    """Takes what is printed; as soon as that says that the endpoint is being created, it is in service."""

    def __init__(self, server: local_aws.Server) -> None:
        super().__init__()
        self._server = server

    def write(self, text: str) -> int:
        if "the endpoint is Creating" in text:
            local_aws.set_endpoint_seconds(self._server, 0)
        return super().write(text)


def test_an_endpoint_that_takes_its_time_is_waited_for_and_the_deployer_asked_again(
    session: Session, register: Register, server: local_aws.Server, capsys: pytest.CaptureFixture[str]
) -> None:
    sagemaker, name = session.client("sagemaker"), session.endpoint_name
    configuration = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    dataset = register(PENDING)
    sagemaker.delete_endpoint(EndpointName=name)
    decisions = decide(session, "approve", dataset)
    wait_for_word(session, dataset, "postponed")
    with pytest.raises(JobFailed, match=f"The endpoint {name} is missing. The decision is in the registry"):
        deployments.wait(session, decisions, seconds=HANGS)

    local_aws.set_endpoint_seconds(server, HANGS)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=configuration)
    with pytest.raises(JobFailed, match=rf"has not followed .* last word: {dataset} postponed"):
        deployments.wait(session, decisions, seconds=0.5)
    with contextlib.redirect_stdout(Ready(server)) as printed:
        table = deployments.wait(session, decisions, seconds=HANGS)
    assert table.loc[dataset, "version"] == 1
    told = capsys.readouterr().out + printed.getvalue()
    assert f"its last word: {dataset} postponed: The endpoint {name} cannot be invoked at the moment" in told
    assert "; the endpoint is Creating." in told


def test_a_lost_event_is_made_up_for(
    session: Session, register: Register, server: local_aws.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "SILENCE_SECONDS", 0.5)
    local_aws.set_deliveries(server, lost=1.0)
    dataset = register(PENDING)
    decisions = decide(session, "approve", dataset)
    assert deployments.wait(session, decisions, seconds=HANGS).loc[dataset, "version"] == 1


def test_what_the_deployer_will_never_serve_is_told_with_its_reason_after_the_wait_for_all_others(
    session: Session, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[dict[str, Any]] = []
    monkeypatch.setattr(facts, "display", lambda data, raw: left.append(data[facts.MIME_TYPE]))
    dataset, good = register(), register(PENDING)
    sagemaker = session.client("sagemaker")
    session.client("s3").put_object(Bucket=session.bucket, Key="executions/broken/model.tar.gz", Body=b"-")
    broken: Any = sagemaker.describe_model_package(ModelPackageName=first_version(session).arn)
    specification = broken["InferenceSpecification"]
    specification["Containers"][0]["ModelDataUrl"] = session.uri("executions/broken/model.tar.gz")
    sagemaker.create_model_package(
        ModelPackageGroupName=session.group(dataset),
        ModelApprovalStatus=PENDING,
        InferenceSpecification=specification,
    )
    decisions = decide(session, "approve", dataset)
    wait_for_word(session, dataset, "failed")
    decisions += decide(session, "approve", good)
    left.clear()
    with pytest.raises(JobFailed, match=f"not serve what was approved: {dataset} failed: ArtifactError"):
        deployments.wait(session, decisions, seconds=HANGS)
    assert [(each["dataset"], each["facts"].get("in_service")) for each in left] == [
        (dataset, None),
        (good, 1),
        (dataset, None),
    ]
    assert left[-1]["facts"]["outcome"] == "failed"
    assert left[-1]["facts"]["said"].startswith("The deployer does not serve what was approved: failed:")
    decide(session, "reject", dataset, versions={dataset: 1})


def test_an_interrupt_says_that_the_deployer_goes_on(session: Session, register: Register) -> None:
    def interrupt(**_: Any) -> None:
        raise KeyboardInterrupt

    decisions = decide(session, "approve", register(PENDING))
    events = session.client("sagemaker").meta.events
    events.register("before-call.sagemaker.ListModelPackages", interrupt)
    try:
        with pytest.raises(Interrupted, match="The decision is in the registry, and the deployer") as raised:
            deployments.wait(session, decisions)
    finally:
        events.unregister("before-call.sagemaker.ListModelPackages", interrupt)
    assert raised.value.exit_code == ExitCode.INTERRUPTED
