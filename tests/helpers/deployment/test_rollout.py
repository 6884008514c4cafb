"""Which version answers, what has happened to each, and the way back and forward again."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support import HANGS
from support.helpers.shared import decide
from support.local_aws.aws import server_of, told

from helpers.deployment import decisions, deployments, registry
from helpers.deployment.registry import PENDING
from helpers.deployment.rollout import answers, drill, timeline
from helpers.errors import BadInput, JobFailed
from helpers.runs import results
from helpers.runs.executions import earlier
from helpers.session import Session, without_events

Register = Callable[..., str]


def test_the_url_names_the_version_that_answers_before_and_after(
    session: Session, register: Register
) -> None:
    dataset = register("Rejected", PENDING)
    rows = answers.question(session, registry.packages(session, dataset))
    assert rows[dataset].keys() >= {"alcohol", "hue"}
    before = answers.ask(session, rows)
    assert before == {dataset: answers.Answer(0, None, "nothing is in service")}
    decided = decide(session, "approve", dataset)
    deployments.wait(session, decided, seconds=HANGS)
    after = answers.ask(session, rows, decided)
    assert (after[dataset].status, after[dataset].version) == (200, 2)
    table = answers.table(before=before, after=after)
    assert table.loc[dataset, ["version, before", "version, after"]].tolist() == ["none", 2]
    assert table.loc[dataset, "answer, after"].startswith("class_")


def test_where_no_row_is_known_nothing_is_asked() -> None:
    empty = answers.table(now={})
    assert empty.empty
    assert "run notebook 3 first" in empty.attrs["instead"]


def late(*_: object) -> None:
    raise JobFailed("It is late.")


def test_a_drill_goes_back_and_forward_again_though_the_event_is_lost(
    session: Session, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "question", lambda *_: {})  # another test asks the URL, which takes seconds
    dataset = register(PENDING, PENDING)
    first = decide(session, "approve", dataset, versions={dataset: 1})
    deployments.wait(session, first, seconds=HANGS)
    shown = registry.versions(session, [dataset])
    chosen = decisions.candidates(session, shown)
    decided = decisions.decide(session, "approve", chosen, [dataset], "it knows more")
    deployments.wait(session, decided, seconds=HANGS)

    with monkeypatch.context() as failing:
        failing.setattr(deployments, "rollback", late)
        with pytest.raises(
            JobFailed, match=rf"^It is late\. .* APPROVE = {{'{dataset}': {{2: 'approve'}}}}\.$"
        ):
            drill.back(session, dataset, decided)

    drilled = drill.back(session, dataset, decided)
    assert drilled.table().to_numpy().tolist() == [[2, 2, "not asked"], [1, 1, "not asked"]]
    moments = drill.forward(session, drilled)
    assert moments.index.tolist()[2:] == ["version 2 approved, its event lost", "after a sweep"]
    assert moments.to_numpy().tolist()[2:] == [[2, 1, "not asked"], [2, 2, "not asked"]]
    assert told(server_of(session), "status")["deliveries"]["lost"] == 0.0

    described = registry.describe(session, registry.packages(session, dataset)[0])
    assert described["ApprovalDescription"] == "it knows more", "the person's reason, as before"
    history = deployments.history(session, [dataset])
    assert history[["from", "to"]].to_numpy().tolist() == [[1, 2], [2, 1], [1, 2], ["none", 1]]
    assert history["the deployer looked by"].tolist()[0] == "schedule", "a sweep"

    events = timeline.events(session, [dataset])
    assert [(what, version) for what, version in zip(events["what"], events["version"], strict=True)] == [
        *[("registered", 1), ("registered", 2), ("approved", 1), ("serves", 1), ("approved", 2)],
        *[("serves", 2), ("rejected", 2), ("serves", 1), ("approved", 2), ("serves", 2)],
    ]
    table = timeline.table(events)
    assert (table["what"].iloc[0], table["why"].iloc[1]) == ("serves", "it knows more")


@pytest.mark.parametrize(("step", "seen"), [("RegisterFailed", 1), ("EvaluateBestModel", 0)])
def test_an_approver_who_may_not_see_jobs_sees_what_the_steps_tell(
    session: Session, monkeypatch: pytest.MonkeyPatch, step: str, seen: int
) -> None:
    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not yours"}}, "Describe")

    now = datetime.now(UTC)
    evaluated = {"StepName": "EvaluateBestModel", "StepStatus": "Succeeded", "EndTime": now}
    evaluated |= {"Metadata": {"ProcessingJob": {"Arn": "arn:aws:sagemaker:x:1:processing-job/one"}}}
    steps = [evaluated, {"StepName": step, "StepStatus": "Failed", "EndTime": now}]
    monkeypatch.setattr(timeline, "steps_of", lambda *_: steps)
    monkeypatch.setattr(results, "steps_of", lambda *_: steps)
    status = "Failed" if seen else "Succeeded"
    execution = earlier.Earlier(
        "wine", "tonight", "0", "arn:aws:sagemaker:x:1:pipeline/p/execution/e", status, now
    )
    events = session.client("sagemaker").meta.events
    events.register("before-call.sagemaker.DescribeProcessingJob", deny)
    try:
        told = list(timeline._refusal(session, execution))
    finally:
        events.unregister("before-call.sagemaker.DescribeProcessingJob", deny)
    assert [event.why for event in told] == ["Worse than the threshold."] * seen


def test_nothing_is_rolled_back_that_this_run_did_not_approve(session: Session, register: Register) -> None:
    dataset = register("Approved", PENDING)
    (package, first) = registry.packages(session, dataset)
    waits = decisions.Decision(dataset, 2, PENDING, package.arn, "awaiting approval", holds=False)
    only = decisions.Decision(dataset, 1, "Approved", first.arn, "approved already")
    deployments.wait(session, [only], seconds=HANGS)
    for table, decision, why in (
        ("", waits, "ROLL_BACK names no table, so nothing is rolled back"),
        (dataset, waits, "This run has not approved what serves"),
        (dataset, only, "Version 1 is the only approved one of"),
    ):
        drilled = drill.back(session, table, [decision])
        for shown in (drilled.table(), drill.forward(session, drilled)):
            assert shown.empty
            assert shown.attrs["instead"].startswith(why)
    for refused in (lambda: drill.back(session, "x", [only]), lambda: drill.check("x", [dataset])):
        with pytest.raises(BadInput, match=f"ROLL_BACK is 'x'; it must be empty, or one of {dataset}"):
            refused()
    drill.check("", [dataset])
    drill.check(dataset, [dataset])
    assert [one.status for one in registry.packages(session, dataset)] == [PENDING, "Approved"]


def test_events_are_lost_on_purpose_on_a_laptop_alone(session: Session) -> None:
    with (
        pytest.raises(BadInput, match="Only local_aws loses events on purpose"),
        without_events(dataclasses.replace(session, environment="aws")),
    ):
        pass


def test_without_versions_there_is_a_sentence_instead_of_each_table(session: Session) -> None:
    nothing = ["never-registered"]
    for table in (
        timeline.events(session, nothing),
        registry.table(session, registry.versions(session, nothing)),
        decisions.table(session, []),
        registry.comparison({}),
        registry.side_by_side({}),
        registry.changes({}),
        deployments.history(session, nothing),
    ):
        assert table.empty
        assert "notebook" in table.attrs["instead"]
