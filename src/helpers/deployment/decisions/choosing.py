"""The versions to decide on: those that a person names, those of a run, or the newest that were shown."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from helpers.deployment.decisions.wishes import LATEST, NONE, by_version, named_versions
from helpers.deployment.registry import ModelVersion
from helpers.errors import BadInput
from helpers.runs import facts, summary
from helpers.runs.executions.earlier import Earlier, earlier
from helpers.runs.executions.execution import Execution
from helpers.runs.executions.starting import NEW
from helpers.runs.results import registered_version
from helpers.session import Session
from helpers.session.patience import patiently

__all__ = ["Candidate", "candidates"]


@dataclass(frozen=True)
class Candidate(ModelVersion):
    """A version to decide on; if a person `named` it by its number, an earlier decision may be overturned."""

    named: bool = False


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
        raise BadInput(
            f"APPROVE and VERSIONS both name versions of {', '.join(twice)}; name them in one of the two."
        )
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
            f"RUN_ID is {run_id!r}, but there is no such run of the last 30 days that you may see; name "
            "another, or the versions themselves in VERSIONS."
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
