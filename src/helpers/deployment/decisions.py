"""Decisions: which version of each table a person approves or rejects, and what the registry keeps of that.

A decision names a version, so taking it again does nothing. The registry keeps every decision in the metadata
of the version, under a key of its own: two people who decide at the same moment both find the other's.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError

from contract.names import DECISION
from helpers.deployment.registry import PENDING, ModelVersion, describe, packages
from helpers.deployment.wishes import LATEST, NONE, STATUS, by_version, named_versions, wishes
from helpers.display.progress import Line
from helpers.errors import BadInput, Interrupted, UserError, one_line
from helpers.runs import facts, summary
from helpers.runs.executions.earlier import Earlier, earlier
from helpers.runs.executions.execution import Execution
from helpers.runs.executions.starting import NEW
from helpers.runs.patience import hindrance, patiently
from helpers.runs.results import registered_version
from helpers.session import Session

__all__ = [
    "Candidate",
    "Decision",
    "candidates",
    "decide",
    "report",
    "set_status",
    "table",
]
__dir__ = __all__.copy

NOTEBOOK = "notebook 04"
VERB = {status: word for word, status in STATUS.items()}
# At most 50 keys of metadata are allowed, and the pipeline needs some of them.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
MOST_RECORDS = 20
# What the value of such a key may not contain, and its longest length.
_FORBIDDEN, _LONGEST = re.compile(r"[^\w .:/=+\-@]"), 256
NOTHING = "There is no version to decide on; run notebook 3, which registers one, or name one in VERSIONS."
MANY = 10  # data sets from which on progress is shown, each time after so many


@dataclass(frozen=True)
class Candidate(ModelVersion):
    """A version to decide on; if a person `named` it by its number, an earlier decision may be overturned."""

    named: bool = False


@dataclass(frozen=True)
class Decision(ModelVersion):
    """A version after a decision on it: its status, what became of the wish, and whether the wish holds."""

    outcome: str = ""
    holds: bool = True


def candidates(
    session: Session,
    shown: Mapping[str, Sequence[ModelVersion]],
    versions: object = "",
    run_id: str = "",
    approve: object = NONE,
) -> list[Candidate]:
    """The versions to decide on: a table's named ones, else the run's, else the newest that was shown.

    Args:
        session: Where the registry is.
        shown: The versions of each table, newest first; later ones are not decided on.
        versions: What a person named, as for `named_versions`; tables that it leaves out have no candidate.
        run_id: The run whose versions these are, if none are named; the newest of each table if empty.
        approve: A decision that may name versions itself, as for `by_version`.

    Raises:
        BadInput: there is no such version or run, or a table's versions are named twice.
    """
    decided = by_version(approve, list(shown))
    if twice := [name for name in decided if isinstance(versions, Mapping) and name in versions]:
        raise BadInput(f"APPROVE and VERSIONS both name versions of {', '.join(twice)}; leave them to one.")
    others = {name: listed for name, listed in shown.items() if name not in decided}
    chosen = {one.dataset: [one] for one in _chosen(session, shown, others, versions, run_id)}
    for name, each in decided.items():
        chosen[name] = [_the(shown[name], name, number, named=True) for number in sorted(each, reverse=True)]
    return [one for name in shown for one in chosen.get(name, [])]


def _chosen(
    session: Session,
    shown: Mapping[str, Sequence[ModelVersion]],
    others: Mapping[str, Sequence[ModelVersion]],
    versions: object,
    run_id: str,
) -> list[Candidate]:
    """The version of each table whose versions the decision itself does not name."""
    if (named := named_versions(versions, list(shown))) is not None:
        return [
            _the(shown[name], name, number, named=number != LATEST)
            for name, number in named.items()
            if name in others and (number != LATEST or shown[name])
        ]
    if run_id and run_id != NEW:
        made = _registered(session, run_id, list(others)) if others else {}
        return [_the(others[name], name, made[name]) for name in others if name in made]
    return [_the(listed, name, LATEST) for name, listed in others.items() if listed]


def table(session: Session, chosen: Sequence[Candidate]) -> pd.DataFrame:
    """A row for each version to decide on: its status, and who decided what, if anybody."""
    rows = [
        {
            "data set": one.dataset,
            "version": one.version,
            "status": one.status,
            "decision": _said(patiently(session, lambda it=one: describe(session, it))),
        }
        for one in chosen
    ]
    found = pd.DataFrame(rows, columns=["data set", "version", "status", "decision"]).set_index("data set")
    found.attrs["instead"] = NOTHING
    return found


def decide(
    session: Session,
    approve: object,
    chosen: Sequence[Candidate],
    datasets: Sequence[str],
    reason: str = "",
) -> list[Decision]:
    """Approve or reject the chosen versions, each at most once, and return what became of each data set.

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
        who = _who(session) if busy else ""
        while left:
            name, wish = left[0], named.get(left[0], {})
            own = [one for one in chosen if one.dataset == name]
            asked = [(one, wish.get(one.version, wanted.get(name, ""))) for one in own]
            for one, status in asked or [(None, wanted.get(name, ""))]:
                made.append(_decide(session, one, name, status, reason, who))
            _note(session, name, made[-max(1, len(asked)) :], [status for _, status in asked])
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


def set_status(
    session: Session, package: ModelVersion, status: str, reason: str, through: str = NOTEBOOK
) -> Decision:
    """Decide on a version, whatever was decided before; the registry keeps who, when, why and through what.

    Another person's decision at the same moment is not lost: whichever the registry received last stands,
    and the outcome names the other.
    """
    before = patiently(session, lambda: describe(session, package))
    return _record(session, package, before, status, reason, _who(session), through)


def report(decisions: Iterable[Decision]) -> pd.DataFrame:
    """A row for each version: its status, what became of the wish, and how to approve what still waits.

    Those that do not hold come first.
    """
    rows = [
        {
            "data set": one.dataset,
            "version": one.version or "none",
            "status": one.status,
            "outcome": one.outcome,
            "what to do": _to_do(one),
        }
        for one in sorted(decisions, key=lambda one: one.holds)
    ]
    # A notebook would leave out rows in the middle, and this is the only record of some of them.
    pd.set_option("display.max_rows", max(len(rows), pd.get_option("display.max_rows")))
    columns = ["data set", "version", "status", "outcome", "what to do"]
    table = pd.DataFrame(rows, columns=columns).set_index("data set")
    return table if table["what to do"].any() else table.drop(columns="what to do")


def _to_do(one: Decision) -> str:
    if not one.version:
        return "run notebook 3, which registers one"
    if one.status != PENDING:
        return ""
    return f"to approve it, APPROVE = {{{one.dataset!r}: {{{one.version}: 'approve'}}}}"


def _the(listed: Sequence[ModelVersion], table: str, number: int | str, named: bool = False) -> Candidate:
    found = listed[0] if number == LATEST else next((it for it in listed if it.version == number), None)
    if found is None:
        known = ", ".join(str(package.version) for package in listed[:10]) or "none"
        raise BadInput(f"There is no version {number} of {table} in the registry; there is {known}.")
    return Candidate(found.dataset, found.version, found.status, found.arn, named)


def _registered(session: Session, run_id: str, tables: Sequence[str]) -> dict[str, int]:
    """The version that a run registered, or found awaiting a decision, by table; there may be none."""
    sagemaker = session.client("sagemaker")
    pages = sagemaker.get_paginator("list_pipelines").paginate(PipelineNamePrefix=session.pipeline_name)
    pipelines = [found["PipelineName"] for page in pages for found in page["PipelineSummaries"]]
    own = [one for name in pipelines for one in _earlier(session, name) if one.run_id == run_id]
    made = {name: version for name, version in _taken_over(run_id).items() if name in tables}
    if not own and not made:
        raise BadInput(
            f"RUN_ID is {run_id!r}, but you may see no such run of the last 30 days; name another, or the "
            "versions themselves in VERSIONS."
        )
    for one in own:  # newest first: a run may have started the same table again after a failure
        if one.dataset in tables and one.dataset not in made:
            execution = Execution(one.dataset, one.arn, one.run_id)
            if version := patiently(session, lambda it=execution: registered_version(session, it)):
                made[one.dataset] = version
    return made


def _taken_over(run_id: str) -> dict[str, int]:
    """The versions of earlier runs that this headless run found awaiting a decision, by table."""
    folder = os.environ.get(facts.FOLDER)
    document = summary.read(Path(folder)) if folder else None
    if document is None or document["run_id"] != run_id:
        return {}
    found = document["data_sets"].items()
    return {name: each["version"] for name, each in found if each["outcome"] == "kept" and each["version"]}


def _earlier(session: Session, pipeline: str) -> list[Earlier]:
    """The executions of a pipeline; none of one that may not be seen, such as a developer's."""
    try:
        return earlier(session, [pipeline])
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
            raise
        return []


def _decide(
    session: Session, one: Candidate | None, dataset: str, status: str, reason: str, who: str
) -> Decision:
    if one is None:
        return Decision(dataset, 0, "", "", "there is no version to decide on", holds=False)
    if not status:
        waits = one.status == PENDING
        return _after(one, one.status, "awaiting approval" if waits else "not to be decided", holds=False)
    before = patiently(session, lambda: describe(session, one))
    current, said = before["ModelApprovalStatus"], _said(before)
    if current == status:
        return _after(one, current, f"{current.lower()} already: {said}")
    if current != PENDING and not one.named:
        outcome = (
            f"not decided, because it has been {current.lower()} already: {said}. To {VERB[status]} it all "
            f"the same, name it: VERSIONS = {{{dataset!r}: {one.version}}}"
        )
        return _after(one, current, outcome, holds=False)
    return _record(session, one, before, status, reason, who, NOTEBOOK)


def _record(
    session: Session,
    package: ModelVersion,
    before: Mapping[str, Any],
    status: str,
    reason: str,
    who: str,
    through: str,
) -> Decision:
    key = f"{DECISION}{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    record, known = _FORBIDDEN.sub("-", f"{status} by {who} through {through}")[:_LONGEST], _records(before)
    surplus = sorted(known)[: max(0, len(known) + 1 - MOST_RECORDS)]
    patiently(
        session,
        lambda: session.client("sagemaker").update_model_package(
            ModelPackageArn=package.arn,
            ModelApprovalStatus=status,
            ApprovalDescription=reason or f"{status} in {through}",
            CustomerMetadataProperties={key: record},
            **({"CustomerMetadataPropertiesToRemove": surplus} if surplus else {}),
        ),
    )
    after = patiently(session, lambda: describe(session, package))
    current, records = after["ModelApprovalStatus"], _records(after)
    outcome = f"{status.lower()} now{f': {reason}' if reason else ''}"
    if others := sorted(records.keys() - known.keys() - {key}):
        rivals = "; ".join(_shown(other, records[other]) for other in others)
        outcome += f", while somebody else decided on it: {rivals}; the registry has {current}"
    elif current != status:
        outcome += f", but somebody has decided on it since: the registry has {current}"
    return _after(package, current, outcome, holds=current == status)


def _note(session: Session, name: str, made: Sequence[Decision], asked: Sequence[str]) -> None:
    """Leave what was decided about a data set as facts: what does not hold, or else the newest version's."""
    for one, status in zip(made, asked, strict=False):  # nothing was asked for where there is no version
        if status and not one.holds:
            facts.record(name, **_not_followed(one, status))
            return
    facts.record(name, unless_known=True, **_facts(session, made[0]))


def _facts(session: Session, one: Decision) -> dict[str, Any]:
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
    return {"outcome": "failed", "said": said, "advice": "Run notebook 03, which trains and registers one."}


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


def _after(package: ModelVersion, status: str, outcome: str, holds: bool = True) -> Decision:
    return Decision(package.dataset, package.version, status, package.arn, outcome, holds)


def _records(described: Mapping[str, Any]) -> dict[str, str]:
    metadata = described.get("CustomerMetadataProperties", {})
    return {key: value for key, value in metadata.items() if key.startswith(DECISION)}


def _said(described: Mapping[str, Any]) -> str:
    """Who decided on a version, when, through what and why; empty if nobody did."""
    if described["ModelApprovalStatus"] == PENDING:
        return ""
    records, reason = _records(described), described.get("ApprovalDescription", "")
    last = max(records, default="")
    if last and records[last].startswith(described["ModelApprovalStatus"]):
        who = _shown(last, records[last])
    else:  # decided elsewhere, such as in SageMaker Studio
        by = described.get("LastModifiedBy", {})
        name = by.get("UserProfileName") or by.get("IamIdentity", {}).get("Arn", "").rpartition("/")[2]
        who = f"by {name or 'somebody'}"
    return f"{who}{f' ({reason})' if reason else ''}"


def _shown(key: str, record: str) -> str:
    """One record in words: the ARN of who decided is cut to the name."""
    at = datetime.fromisoformat(key.removeprefix(DECISION))
    return f"{re.sub(r'arn:[^ ]*/', '', record)} on {at:%Y-%m-%d %H:%M}"


def _who(session: Session) -> str:
    return patiently(session, lambda: session.client("sts").get_caller_identity()["Arn"])


def _so_far(made: Sequence[Decision], left: Sequence[str]) -> str:
    done = [f"{one.dataset} {one.version} {one.status}" for one in made if one.holds]
    return (
        f"Decided on until then: {', '.join(done) or 'none'}; not reached: {', '.join(left)}. Run 04 again: "
        "what has been decided stays as it is."
    )
