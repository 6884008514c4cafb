"""What is and was in service: reads the deployer's models map and ledger, and waits for both to follow."""

import datetime
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pandas as pd

from contract.names import group_prefix
from helpers.deployment.decisions import Decision, set_status
from helpers.deployment.registry import decided_at, packages
from helpers.deployment.rollout import deployer
from helpers.deployment.rollout.following import LIMIT, Following
from helpers.display.frames import INSTEAD
from helpers.errors import BadInput, JobFailed
from helpers.runs import facts
from helpers.session import Session
from helpers.session.patience import patiently
from lambdas import ledger, models_map
from lambdas.errors import MapError

__all__ = ["history", "in_service", "rollback", "table", "wait"]
__dir__ = __all__.copy


SIDE_BY_SIDE = 8  # data sets that are asked about at the same time
REFUSED = "Reject that version, or train again."


def in_service(session: Session) -> dict[str, models_map.Entry]:
    """The entry of each data set in service: key, version, SHA-256 and time of approval.

    Raises:
        JobFailed: what the deployer wrote is not a models map.
    """
    try:
        entries = models_map.read(session.client("s3"), session.bucket).entries
    except MapError as error:
        raise JobFailed(str(error)) from None
    prefix = group_prefix(session.pipeline_name)
    return {group.removeprefix(prefix): entry for group, entry in entries.items() if group.startswith(prefix)}


def wait(session: Session, decisions: Iterable[Decision], seconds: float = LIMIT) -> pd.DataFrame:
    """Wait until what is in service follows the decisions that hold, and return a table of it.

    A version that the deployer will never serve does not keep the others from being waited for. If the
    number of endpoints has changed, this also waits for the models that move to another one.

    Meanwhile, a line shows the deployer's last word. If it has postponed a deployment, it is asked again as
    soon as the endpoint is in service; if it has said nothing for two minutes, its event is taken for lost.

    Raises:
        JobFailed: the deployer did not follow in time, or says that it cannot; or the endpoint will not come
            into service by itself.
        Interrupted: somebody interrupted this.
        UserError: AWS cannot be called.
    """
    decided = {
        decision.dataset: patiently(session, lambda it=decision: decided_at(session, it))
        for decision in decisions
        if decision.holds
    }

    moving = dict.fromkeys(_moving(session), datetime.datetime.now(datetime.UTC))
    if moving:
        deployer.ask(session, list(moving))

    open_of = partial(_not_followed, session)
    refused = Following(session, {**moving, **decided}, open_of, seconds).wait()
    serving = in_service(session)
    for dataset in decided:
        facts.record(dataset, in_service=serving[dataset]["version"] if dataset in serving else None)
    for dataset, word in refused.items():
        said = f"The deployer does not serve what was approved: {word}."
        facts.record(dataset, outcome="failed", said=said, advice=REFUSED)
    if refused:
        told = "; ".join(f"{dataset} {word}" for dataset, word in refused.items())
        raise JobFailed(f"The deployer does not serve what was approved: {told}. {REFUSED}")
    return table(session)


def rollback(session: Session, dataset: str, version: int, reason: str) -> pd.DataFrame:
    """Reject a version that is in service, so that the approved one before it serves again; wait for that.

    Run again, it does nothing more than wait: it never rejects another version than the named one.

    Raises:
        BadInput: another version or none is in service, or no approved version comes before it.
        JobFailed: the deployer did not follow in time.
    """
    entry = in_service(session).get(dataset)
    serving = entry["version"] if entry else None
    listed = packages(session, dataset)
    named = next((package for package in listed if package.version == version), None)
    if named and named.status == "Rejected":
        print(f"Version {version} of {dataset} has been rejected already.")
        return wait(session, [Decision(dataset, version, named.status, named.arn)])
    if named is None or serving != version:
        raise BadInput(
            f"Of {dataset}, {f'version {serving}' if serving else 'nothing'} is in service, and not version "
            f"{version}; there is nothing to roll back."
        )
    if not any(package.version < version for package in listed if package.status == "Approved"):
        raise BadInput(
            f"Version {version} of {dataset} is the only approved one; to take the model out of service, "
            f"reject it in notebook 04, with VERSIONS = {{{dataset!r}: {version}}}."
        )
    return wait(session, [set_status(session, named, "Rejected", reason, through="rollback")])


def history(session: Session, datasets: Iterable[str]) -> pd.DataFrame:
    """A row for each change of the version in service, newest first: when, by whose decision, and why."""
    rows = [
        {
            "data set": dataset,
            "at": _minute(record["at"]),
            "from": record["from_version"] or "none",
            "to": record["to_version"] or "none",
            "decision": record["decision"],
            "by": record["decided_by"].rpartition("/")[2],
            "reason": record["comment"],
            "the deployer looked by": record["cause"],
        }
        for dataset in datasets
        for record in reversed(_records(session, dataset))
    ]
    columns = ["data set", "at", "from", "to", "decision", "by", "reason", "the deployer looked by"]
    frame = pd.DataFrame(rows, columns=columns).set_index("data set")
    frame.attrs["instead"] = "No version of these tables was ever in service; set `APPROVE` in notebook 4."
    return frame


def table(session: Session) -> pd.DataFrame:
    """A row for each data set in service; with its endpoint, if there are several."""
    rows = {
        name: (
            entry["version"],
            _minute(entry["approved_at"]),
            entry["key"],
            _place(session, entry),
        )
        for name, entry in sorted(in_service(session).items())
    }
    columns = ["version", "approved at", "key", "endpoint"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("data set")
    table.attrs[INSTEAD] = "No model is in service yet; set `APPROVE` in notebook 4."
    return table if session.endpoints > 1 else table.drop(columns="endpoint")


def _moving(session: Session) -> list[str]:
    """The data sets in service at another endpoint than the one that should serve them."""
    return [
        dataset
        for dataset, entry in in_service(session).items()
        if _place(session, entry) != session.endpoint_of(dataset)
    ]


def _place(session: Session, entry: models_map.Entry) -> str:
    """The endpoint that serves a data set."""
    return entry.get("endpoint", session.endpoint_name)


def _minute(moment: str) -> str:
    return f"{datetime.datetime.fromisoformat(moment):%Y-%m-%d %H:%M}"


def _not_followed(session: Session, datasets: Sequence[str]) -> list[str]:
    """Those of some data sets whose version in service does not follow the registry."""
    serving = in_service(session)
    session.client("sagemaker")  # clients are made by one thread
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        followed = pool.map(lambda dataset: _followed(session, dataset, serving.get(dataset)), datasets)
        return [dataset for dataset, done in zip(datasets, followed, strict=True) if not done]


def _followed(session: Session, dataset: str, entry: models_map.Entry | None) -> bool:
    """Whether map and ledger, which the deployer writes in this order, show the version that should serve.

    The map also says where, which the ledger does not.
    """
    serving, due = entry["version"] if entry else None, _due(session, dataset)
    record = ledger.newest(session.client("s3"), session.bucket, session.group(dataset))
    recorded = record["to_version"] if record else None
    is_placed = entry is None or _place(session, entry) == session.endpoint_of(dataset)
    return serving == due == recorded and is_placed


def _records(session: Session, dataset: str) -> list[ledger.Record]:
    return ledger.read(session.client("s3"), session.bucket, session.group(dataset))


def _due(session: Session, dataset: str) -> int | None:
    """The version that should serve: the newest approved one."""
    approved = [package.version for package in packages(session, dataset) if package.status == "Approved"]
    return max(approved, default=None)
