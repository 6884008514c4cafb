"""A decision names a version, is kept with who, when, why and through what, and run again does nothing."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.helpers.shared import decide

from contract.names import DECISION
from helpers import runs
from helpers.deployment import decisions, registry
from helpers.deployment.decisions import deciding, records, wishes
from helpers.deployment.registry import PENDING, ModelVersion
from helpers.errors import BadInput, Interrupted, UserError
from helpers.runs import facts
from helpers.session import Session

Register = Callable[..., str]


def statuses(session: Session, dataset: str) -> list[str]:
    return [package.status for package in registry.packages(session, dataset)]


def choose(session: Session, *datasets: str, **named: Any) -> list[decisions.Candidate]:
    return decisions.candidates(session, registry.versions(session, datasets), **named)


def kept(session: Session, package: ModelVersion) -> list[str]:
    found = registry.metadata(session, package)
    return [found[key] for key in sorted(found) if key.startswith(DECISION)]


# What is asked for


@pytest.mark.parametrize(
    ("approve", "wanted"),
    [
        ("none", {}),
        ("approve", {"wine": "Approved", "churn": "Approved"}),
        ("reject", {"wine": "Rejected", "churn": "Rejected"}),
        ({"wine": "approve"}, {"wine": "Approved"}),
        ({"wine": "none", "default": "reject"}, {"churn": "Rejected"}),
        ({"churn": "reject", "default": "approve"}, {"wine": "Approved", "churn": "Rejected"}),
    ],
)
def test_one_word_is_for_all_tables_and_a_mapping_for_each(approve: object, wanted: dict[str, str]) -> None:
    assert wishes.wishes(approve, ["wine", "churn"]) == wanted


@pytest.mark.parametrize("word", ["yes", "Approve", "", True, None, {"wine": "accept"}])
def test_another_word_is_refused(word: Any) -> None:
    with pytest.raises(BadInput, match=r"APPROVE is .*; it must be one of none, approve, reject\."):
        wishes.wishes(word, ["wine"])


def test_one_parameter_decides_on_several_versions_of_a_table(session: Session, register: Register) -> None:
    one, other = register("Approved", PENDING, PENDING), register(PENDING)
    approve = {one: {3: "approve", 2: "reject"}, "default": "none"}
    assert wishes.wishes(approve, [one, other]) == {}
    assert wishes.by_version({one: {"3": "approve"}}, [one]) == {one: {3: "Approved"}}, "as JSON says it"
    chosen = choose(session, one, other, approve=approve)
    made = decisions.decide(session, approve, chosen, [one, other], "the third is better")
    assert [(each.version, each.status, each.holds) for each in made] == [
        (3, "Approved", True),
        (2, "Rejected", True),
        (1, PENDING, False),
    ]
    assert statuses(session, one) == ["Approved", "Rejected", "Approved"]
    with pytest.raises(BadInput, match=f"APPROVE and VERSIONS both name versions of {one}"):
        choose(session, one, approve=approve, versions={one: 2})
    with pytest.raises(BadInput, match=r"There is no version 7 of"):
        choose(session, one, approve={one: {7: "approve"}})


@pytest.mark.parametrize(
    "versions", [{"three": "approve"}, {3: "yes"}, {0: "approve"}, {3: "approve", "3": "reject"}]
)
def test_a_decision_on_what_is_no_version_or_in_another_word_is_refused(versions: Any) -> None:
    with pytest.raises(BadInput, match=r"APPROVE (names (the|a) version|is 'yes' for version 3 of wine)"):
        wishes.by_version({"wine": versions}, ["wine"])


@pytest.mark.parametrize("versions", [3, "newest", {"wine": 0}, {"wine": "3"}, {"wine": True}, ["wine"]])
def test_another_version_is_refused(versions: Any) -> None:
    with pytest.raises(BadInput, match=r"VERSIONS is .*; it must be"):
        wishes.named_versions(versions, ["wine"])


def test_a_mapping_that_names_nothing_leaves_nothing_to_decide_on(session: Session) -> None:
    shown = {"wine": [ModelVersion("wine", 1, PENDING, "arn")]}
    assert decisions.candidates(session, shown, {}) == []
    assert [one.version for one in decisions.candidates(session, shown, "")] == [1]


def test_a_table_that_is_not_there_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadInput, match="APPROVE names 'wein', which is not one of DATASETS: did you mean"):
        wishes.wishes({"wein": "approve"}, ["wine", "churn"])
    with pytest.raises(BadInput, match=r"VERSIONS names 'x', which is .* DATASETS: DATASETS has wine"):
        wishes.named_versions({"x": 3}, ["wine", "churn"])


# On which versions


def test_without_a_name_the_newest_that_was_shown_is_decided_on_and_none_that_came_later(
    session: Session, register: Register
) -> None:
    dataset = register(PENDING)
    chosen = choose(session, dataset, "never-registered")
    add(session, dataset)
    made = decisions.decide(session, "approve", chosen, [dataset, "never-registered"])
    assert statuses(session, dataset) == [PENDING, "Approved"]
    report = decisions.report(made)
    assert report.loc[dataset].tolist() == [1, "Approved", "approved now", ""]
    assert report.loc["never-registered", "outcome"] == "there is no version to decide on"
    assert report.loc["never-registered", "what to do"] == "run notebook 3, which registers one"


def add(session: Session, dataset: str) -> None:
    """Register another version of a data set, as the pipeline would."""
    described = registry.describe(session, registry.packages(session, dataset)[0])
    session.client("sagemaker").create_model_package(
        ModelPackageGroupName=session.group(dataset),
        ModelApprovalStatus=PENDING,
        InferenceSpecification=described["InferenceSpecification"],
    )


def test_named_versions_alone_are_decided_on(session: Session, register: Register) -> None:
    one, other, third = register(PENDING, PENDING), register(PENDING, PENDING), register(PENDING)
    decide(session, "approve", one, other, third, versions={one: 1, other: "latest"})
    assert [statuses(session, it) for it in (one, other, third)] == [
        [PENDING, "Approved"],
        ["Approved", PENDING],
        [PENDING],
    ]
    with pytest.raises(BadInput, match=rf"There is no version 7 of {one} in the registry; there is 2, 1\."):
        decide(session, "approve", one, versions={one: 7})


def test_a_table_without_a_version_to_decide_on_says_what_still_awaits_approval(
    session: Session, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, waiting, served = register(PENDING), register(PENDING), register("Approved")
    found: dict[str, dict[str, Any]] = {}
    monkeypatch.setattr(facts, "record", lambda name, **each: found.update({name: each}))
    decide(session, "approve", one, waiting, served, versions={one: 1})
    assert {name: (each["outcome"], each["said"]) for name, each in found.items()} == {
        one: ("registered", "Version 1: approved now."),
        waiting: (
            "registered",
            "Version 1: awaiting approval; it was not among those to decide on.",
        ),
        served: ("kept", "There is no new version to decide on, so what is in service stays."),
    }
    assert [found[name].get("awaits_decision") for name in (one, waiting, served)] == [False, True, None]


@pytest.mark.parametrize(
    ("approve", "outcome"),
    [("approve", "failed"), ({"default": "none"}, "not-started"), ("none", "not-started")],
)
def test_a_table_without_any_version_fails_only_if_it_is_decided_on(
    session: Session, monkeypatch: pytest.MonkeyPatch, approve: object, outcome: str
) -> None:
    found: dict[str, dict[str, Any]] = {}
    monkeypatch.setattr(facts, "record", lambda name, **each: found.update({name: each}))
    decisions.decide(session, approve, [], ["refused-by-the-gate"])
    assert found["refused-by-the-gate"]["outcome"] == outcome
    assert found["refused-by-the-gate"]["said"].startswith("No version of it is in the registry")


def test_of_a_run_the_version_that_it_registered_is_decided_on(session: Session, ran: runs.Execution) -> None:
    registered = runs.registered_version(session, ran)
    shown = registry.versions(session, ["wine", "iris"])
    newer = ModelVersion("wine", 999, PENDING, "arn")  # arrived while the run went on
    (found,) = decisions.candidates(session, {**shown, "wine": [newer, *shown["wine"]]}, run_id=ran.run_id)
    assert (found.dataset, found.version, found.named) == ("wine", registered, False)
    with pytest.raises(
        BadInput, match="RUN_ID is 'a-run', but there is no such run of the last 30 days that you may see"
    ):
        decisions.candidates(session, shown, run_id="a-run")


# Once


def test_none_decides_nothing(session: Session, register: Register) -> None:
    dataset = register(PENDING)
    assert decide(session, "none", dataset) == []
    assert statuses(session, dataset) == [PENDING]


def test_rejecting_twice_rejects_one_version(session: Session, register: Register) -> None:
    dataset = register("Approved", PENDING)
    for outcome in ("rejected now", "rejected already: Rejected by "):
        (decision,) = decide(session, "reject", dataset)
        assert (decision.version, decision.outcome[: len(outcome)]) == (2, outcome)
        assert statuses(session, dataset) == ["Rejected", "Approved"]
    assert len(kept(session, registry.packages(session, dataset)[0])) == 1


@pytest.mark.parametrize(("word", "before"), [("approve", "Rejected"), ("reject", "Approved")])
def test_what_was_decided_otherwise_stands_unless_the_version_is_named(
    session: Session, register: Register, monkeypatch: pytest.MonkeyPatch, word: str, before: str
) -> None:
    recorded: list[dict[str, Any]] = []
    monkeypatch.setattr(facts, "record", lambda name, **each: recorded.append(each))
    dataset = register(PENDING, before)  # as in Studio: without a record
    for versions in ("", "latest"):
        chosen = choose(session, dataset, versions=versions)
        (told,) = decisions.decide(session, word, chosen, [dataset])
        assert not told.holds
        assert told.outcome.startswith(f"not decided, because it has been {before.lower()} already: by ")
        assert told.outcome.endswith(f"name it: VERSIONS = {{{dataset!r}: 2}}")
        wanted = wishes.STATUS[word].lower()
        assert recorded[-1]["outcome"] == "failed", "a scheduler is told"
        assert recorded[-1]["said"].startswith(f"Version 2 should be {wanted} now, but is not: not decided,")
        assert (recorded[-1]["version"], recorded[-1].get("unless_known")) == (2, None)
    assert statuses(session, dataset) == [before, PENDING]
    (decision,) = decide(session, word, dataset, versions={dataset: 2})
    assert statuses(session, dataset) == [decision.status, PENDING] != [before, PENDING]


def test_who_decided_when_why_and_through_what_is_kept(session: Session, register: Register) -> None:
    dataset = register(PENDING)
    chosen = choose(session, dataset)
    decisions.decide(session, "approve", chosen, [dataset], "better on the rows that matter")
    (record,) = kept(session, chosen[0])
    who = session.client("sts").get_caller_identity()["Arn"]
    assert record == f"Approved by {who} through notebook 04"
    said = decisions.table(session, choose(session, dataset)).loc[dataset, "decision"]
    assert said.startswith("Approved by local through notebook 04 on 20")
    assert said.endswith("(better on the rows that matter)")


def test_the_oldest_of_many_decisions_are_forgotten(
    session: Session, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "MOST_RECORDS", 2)
    package = registry.packages(session, register(PENDING))[0]
    for status in ("Approved", "Rejected", "Approved"):
        decisions.set_status(session, package, status, "")
    assert [record.split()[0] for record in kept(session, package)] == ["Rejected", "Approved"]


def test_two_people_who_decide_at_the_same_moment_are_both_told(session: Session, register: Register) -> None:
    dataset, made = register(PENDING), {}
    together = threading.Barrier(2)  # both have looked before either decides

    def wait(**_: Any) -> None:
        together.wait(20)

    def person(word: str) -> None:
        made[word] = decisions.decide(session, word, choose(session, dataset), [dataset])[0]

    events = session.client("sagemaker").meta.events
    events.register("before-call.sagemaker.UpdateModelPackage", wait)
    events.register("after-call.sagemaker.UpdateModelPackage", wait)
    try:
        people = [threading.Thread(target=person, args=(word,)) for word in ("approve", "reject")]
        for one in people:
            one.start()
        for one in people:
            one.join()
    finally:
        events.unregister("before-call.sagemaker.UpdateModelPackage", wait)
        events.unregister("after-call.sagemaker.UpdateModelPackage", wait)
    (status,) = statuses(session, dataset)
    assert {one.status for one in made.values()} == {status}
    assert [one.holds for one in made.values()].count(True) == 1
    for word, other in (("approve", "Rejected"), ("reject", "Approved")):
        assert f"while somebody else decided on it: {other} by " in made[word].outcome


# Many


def test_what_was_decided_when_an_error_came_is_said(session: Session, register: Register) -> None:
    tables = [register(PENDING) for _ in range(3)]
    calls: list[int] = []

    def refuse(**_: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            answer = {"Error": {"Code": "AccessDeniedException", "Message": "not yours"}}
            raise ClientError(answer, "UpdateModelPackage")

    def stop(**_: Any) -> None:
        raise KeyboardInterrupt

    chosen, events = choose(session, *tables), session.client("sagemaker").meta.events
    for kind, handler in ((UserError, refuse), (Interrupted, stop)):
        events.register("before-call.sagemaker.UpdateModelPackage", handler)
        try:
            with pytest.raises(kind) as raised:
                decisions.decide(session, "approve", chosen, tables)
        finally:
            events.unregister("before-call.sagemaker.UpdateModelPackage", handler)
        told = f"Decided on until then: {tables[0]} 1 Approved; not reached: {tables[1]}, {tables[2]}. Run 04"
        assert told in str(raised.value)
    assert [statuses(session, table)[0] for table in tables] == ["Approved", PENDING, PENDING]


def test_progress_is_shown_and_all_rows_of_the_report(
    session: Session, register: Register, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(deciding, "MANY", 2)
    tables = [register(PENDING) for _ in range(2)]
    made = decisions.decide(session, "reject", choose(session, *tables), tables)
    assert f"2 of 2 data sets looked at; the last is {tables[1]}." in capsys.readouterr().out
    report = decisions.report(made * 50)
    assert "..." not in report.to_string().splitlines()
    assert len(repr(report).splitlines()) > 100
