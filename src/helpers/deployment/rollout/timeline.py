"""All that has happened to the versions of a table, from four places that each know a part.

The registry knows when a version was registered, and who decided what; the ledger knows what served when, and
what the deployer refused; the executions of the pipeline know which models the gate refused, which never
became versions.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, get_args

import pandas as pd
from botocore.exceptions import ClientError
from tabular.spec.columns import Family

from contract.names import DECISION
from helpers.deployment.registry import PENDING, ModelVersion, describe, packages
from helpers.plots.history import NOWHERE, Kind
from helpers.plots.many import FEW
from helpers.runs import outcome
from helpers.runs.executions.earlier import Earlier, earlier
from helpers.runs.executions.execution import RUNNING, Execution, refused_by_gate, steps_of
from helpers.session import Session
from helpers.session.patience import patiently
from lambdas import ledger

__all__ = ["events", "table"]
__dir__ = __all__.copy

MOST = 10  # executions of a table that are looked into, the newest
WITHIN = timedelta(seconds=0.999)
DENIED = ("AccessDenied", "AccessDeniedException")
COLUMNS = ["data set", "at", "version", "what", "by", "why"]
INSTEAD = "Nothing has happened to these tables yet; run notebook 3, which trains and registers versions."
RECORD = re.compile(r"(?P<status>\w+) by (?P<by>.+?) through (?P<through>.+)")


class Event(NamedTuple):
    """One thing that happened; a model that the gate refused has no version."""

    at: datetime
    version: int | None
    what: Kind
    by: str = ""
    why: str = ""


def events(session: Session, datasets: Iterable[str]) -> pd.DataFrame:
    """A row for each thing that happened to the versions of each table, oldest first; see `plots.history`.

    Of many tables, only the first ones are looked at, because each takes some calls.
    """
    names = list(datasets)[:FEW]
    executions = _executions(session)
    rows = [
        (name, *event)
        for name in names
        for event in sorted(_of(session, name, executions), key=lambda event: event.at)
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS).set_index("data set")
    frame.attrs["instead"] = INSTEAD
    return frame


def table(happened: pd.DataFrame) -> pd.DataFrame:
    """The same to read: the newest first, with the minute of each."""
    shown = happened.sort_values("at", ascending=False, kind="stable").sort_index(kind="stable")
    shown["at"] = [f"{at:%Y-%m-%d %H:%M}" for at in shown["at"]]
    shown["version"] = [NOWHERE if pd.isna(version) else int(version) for version in shown["version"]]
    return shown


def _of(session: Session, dataset: str, executions: Iterable[Earlier]) -> Iterator[Event]:
    for package in patiently(session, lambda: packages(session, dataset)):
        described = patiently(session, lambda it=package: describe(session, it))
        yield Event(described["CreationTime"].astimezone(UTC), package.version, "registered")
        yield from _decisions(package, described)
    group = session.group(dataset)
    for record in patiently(session, lambda: ledger.read(session.client("s3"), session.bucket, group)):
        yield _switch(record)
    own = [one for one in executions if one.dataset == dataset and one.status not in RUNNING]
    for one in own[:MOST]:
        yield from patiently(session, lambda it=one: list(_refusal(session, it)))


def _decisions(package: ModelVersion, described: Mapping[str, Any]) -> Iterator[Event]:
    """The decisions on a version; the registry keeps the reason of the last one only."""
    metadata = described.get("CustomerMetadataProperties", {})
    records = sorted(key for key in metadata if key.startswith(DECISION))
    last, why = records[-1] if records else "", described.get("ApprovalDescription", "")
    for key in records:
        found = RECORD.fullmatch(metadata[key])
        if found and found["status"] != PENDING:
            at = datetime.fromisoformat(key.removeprefix(DECISION))
            by = found["by"].rpartition("/")[2]
            yield Event(at, package.version, found["status"].lower(), by, why if key == last else "")
    status = described["ModelApprovalStatus"]
    if status != PENDING and not metadata.get(last, "").startswith(status):  # decided elsewhere, as in Studio
        by = described.get("LastModifiedBy", {})
        name = by.get("UserProfileName") or by.get("IamIdentity", {}).get("Arn", "").rpartition("/")[2]
        at = (described.get("LastModifiedTime") or described["CreationTime"]).astimezone(UTC)
        yield Event(at, package.version, status.lower(), name or "somebody", why)


def _switch(record: ledger.Record) -> Event:
    """A change of what serves, or the deployer's refusal of a version."""
    at = datetime.fromisoformat(record["at"])
    if not at.microsecond:  # an older record, of whole seconds: what it follows may be of the same second
        at += WITHIN
    if refused := record.get("refused_version"):
        return Event(at, refused, "not served", "deployer", record["comment"])
    if record["to_version"] is None:
        return Event(at, record["from_version"], "out of service", "deployer", f"by {record['cause']}")
    return Event(at, record["to_version"], "serves", "deployer", f"by {record['cause']}")


def _refusal(session: Session, one: Earlier) -> Iterator[Event]:
    """That the gate refused the model of an execution, if it did.

    An approver may see the steps of executions and not their jobs; the steps tell only of the threshold.
    """
    execution = Execution(one.dataset, one.arn, one.run_id)
    steps: list[dict[str, Any]] = []
    try:
        steps = steps_of(session, execution)
        found = outcome.verdict(session, execution, {"PipelineExecutionStatus": one.status}, steps)
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        found = {"outcome": "refused" if refused_by_gate(steps) else "", "said": "Worse than the threshold."}
    if found["outcome"] == "refused":
        ended = max((step["EndTime"] for step in steps if "EndTime" in step), default=one.started)
        yield Event(ended.astimezone(UTC), None, "refused by the gate", "gate", found["said"])


def _executions(session: Session) -> list[Earlier]:
    """The executions of both pipelines; none for who may not see them."""
    try:
        return earlier(session, [session.pipeline(family) for family in get_args(Family)])
    except ClientError as error:
        if error.response["Error"]["Code"] not in DENIED:
            raise
        return []
