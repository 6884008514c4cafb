"""Approves or rejects versions, each at most once, and leaves the outcome as facts about a data set.

A decision names a version, so taking it again does nothing.
"""

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from helpers.deployment.decisions.choosing import Candidate
from helpers.deployment.decisions.records import NOTEBOOK, Decision, caller, outcome_of, record, who_decided
from helpers.deployment.decisions.wishes import STATUS, by_version, wishes
from helpers.deployment.registry import PENDING, describe, packages
from helpers.display.progress import Line
from helpers.errors import Interrupted, UserError, one_line
from helpers.runs import facts
from helpers.session import Session
from helpers.session.patience import hindrance, patiently

__all__ = ["decide"]

VERB = {status: word for word, status in STATUS.items()}
MANY = 10  # data sets from which on progress is shown, each time after so many


def decide(
    session: Session,
    approve: object,
    chosen: Sequence[Candidate],
    datasets: Sequence[str],
    reason: str = "",
) -> list[Decision]:
    """Approve or reject the chosen versions, each at most once, and return the outcome for each data set.

    What has been decided otherwise stands, unless a person named the version by its number.

    Args:
        session: Where the registry is.
        approve: As for `wishes` and `by_version`.
        chosen: The versions to decide on.
        datasets: The names of all data sets.
        reason: Why, for the registry.

    Raises:
        BadInput: another word than `none`, `approve` and `reject`, or another data set.
        UserError: AWS refused a call; the message says what was decided before.
        Interrupted: somebody interrupted this; likewise.
    """
    wanted, named = wishes(approve, datasets), by_version(approve, datasets)
    made: list[Decision] = []
    busy = len(wanted) + len(named)
    line, left = Line() if busy >= MANY else None, list(datasets)
    try:
        who = caller(session) if busy else ""
        while left:
            name, wish = left[0], named.get(left[0], {})
            own = [one for one in chosen if one.dataset == name]
            asked = [(one, wish.get(one.version, wanted.get(name, ""))) for one in own]
            for one, status in asked or [(None, wanted.get(name, ""))]:
                made.append(_decide(session, one, name, status, reason, who))
            decided = name in wanted or bool(wish)
            _note(session, name, made[-max(1, len(asked)) :], [status for _, status in asked], decided)
            left.remove(name)
            done = len(datasets) - len(left)
            if line and (done % MANY == 0 or not left):
                line.update(f"{done} of {len(datasets)} data sets looked at; the last is {name}.")
    except KeyboardInterrupt:
        raise Interrupted(f"Interrupted. {_so_far(made, left)}") from None
    except (BotoCoreError, ClientError) as error:
        why = hindrance(error) or f"AWS refused: {one_line(error)}"
        raise UserError(f"{why}. {_so_far(made, left)}") from None
    return made


def _decide(
    session: Session, one: Candidate | None, dataset: str, status: str, reason: str, who: str
) -> Decision:
    if one is None:
        return Decision(dataset, 0, "", "", "there is no version to decide on", holds=False)
    if not status:
        waits = one.status == PENDING
        return outcome_of(one, one.status, "awaiting approval" if waits else "not to be decided", holds=False)
    before = patiently(session, lambda: describe(session, one))
    current, said = before["ModelApprovalStatus"], who_decided(before)
    if current == status:
        return outcome_of(one, current, f"{current.lower()} already: {said}")
    if current != PENDING and not one.named:
        outcome = (
            f"not decided, because it has been {current.lower()} already: {said}. To {VERB[status]} it "
            f"anyway, name it: VERSIONS = {{{dataset!r}: {one.version}}}"
        )
        return outcome_of(one, current, outcome, holds=False)
    return record(session, one, before, status, reason, who, NOTEBOOK)


def _note(session: Session, name: str, made: Sequence[Decision], asked: Sequence[str], decided: bool) -> None:
    """Leave what was decided about a data set as facts: what does not hold, or else the newest version's.

    `decided` says whether somebody decides on the data set at all, even if it has no version.
    """
    for one, status in zip(made, asked, strict=False):  # nothing was asked for where there is no version
        if status and not one.holds:
            facts.record(name, **_not_followed(one, status))
            return
    facts.record(name, unless_known=True, **_facts(session, made[0], decided))


def _facts(session: Session, one: Decision, decided: bool) -> dict[str, Any]:
    """What a decision says about a data set; in a run that trains nothing, that is its outcome."""
    if one.version:
        return {
            "outcome": "registered",
            "said": f"Version {one.version}: {one.outcome}.",
            "version": one.version,
            "awaits_decision": one.status == PENDING,
            "decision": VERB[one.status] if one.holds else None,
        }
    if listed := patiently(session, lambda: packages(session, one.dataset)):
        if listed[0].status == PENDING:
            newest = listed[0].version
            return {
                "outcome": "registered",
                "said": f"Version {newest}: awaiting approval; it was not among those to decide on.",
                "version": newest,
                "awaits_decision": True,
            }
        return {
            "outcome": "kept",
            "said": "There is no new version to decide on, so what is in service stays.",
        }
    said = "No version of it is in the registry, so there is nothing to decide on."
    return {
        "outcome": "failed" if decided else "not-started",
        "said": said,
        "advice": "Run notebook 03, which trains and registers one.",
    }


def _not_followed(one: Decision, status: str) -> dict[str, Any]:
    """What is said of a data set whose version does not have the status that it should have got."""
    return {
        "outcome": "failed",
        "said": f"Version {one.version} should be {status.lower()} now, but is not: {one.outcome}.",
        "advice": None,
        "version": one.version,
        "awaits_decision": one.status == PENDING,
        "decision": None,
    }


def _so_far(made: Sequence[Decision], left: Sequence[str]) -> str:
    done = [f"{one.dataset} {one.version} {one.status}" for one in made if one.holds]
    return (
        f"Decided on until then: {', '.join(done) or 'none'}; not reached: {', '.join(left)}. Run 04 again: "
        "what has been decided stays as it is."
    )
