"""What is in service: the models map that the deployer keeps, and waiting for it to follow a decision."""

import datetime
import json
import time
from collections.abc import Iterable
from typing import Any

import pandas as pd

from helpers.errors import JobFailed
from helpers.registry import Decision, packages
from helpers.session import Session
from lambdas.contract import group_prefix, load

__all__ = ["in_service", "table", "wait"]

POLL_SECONDS = {True: 0.2, False: 5.0}


def in_service(session: Session) -> dict[str, dict[str, Any]]:
    """The entry of each data set in service: key, version, SHA-256 and time of approval."""
    s3 = session.client("s3")
    try:
        answer = s3.get_object(Bucket=session.bucket, Key=load().models_map_key)
    except s3.exceptions.NoSuchKey:
        return {}
    entries = json.load(answer["Body"])
    prefix = group_prefix(session.pipeline_name)
    return {group.removeprefix(prefix): entry for group, entry in entries.items() if group.startswith(prefix)}


def wait(session: Session, decisions: Iterable[Decision], seconds: float = 300) -> pd.DataFrame:
    """Wait until what is in service follows the decisions, and show it.

    Raises:
        JobFailed: the deployer did not follow in time.
    """
    waiting = {decision.package.dataset for decision in decisions}
    deadline = time.monotonic() + seconds
    while waiting:
        entries = in_service(session)
        waiting = {name for name in waiting if entries.get(name, {}).get("version") != _due(session, name)}
        if waiting and time.monotonic() > deadline:
            raise JobFailed(
                f"{', '.join(sorted(waiting))}: what is in service has not followed the decision in "
                f"{seconds:.0f} seconds; see the log of the function {session.deployer_function_name}, mend "
                "what it names and run 04 again."
            )
        if waiting:
            time.sleep(POLL_SECONDS[session.is_local])
    return table(session)


def table(session: Session) -> pd.DataFrame:
    """A row for each data set in service."""
    rows = {
        name: (entry["version"], _minute(entry["approved_at"]), entry["key"])
        for name, entry in sorted(in_service(session).items())
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["version", "approved at", "key"])
    return table.rename_axis("data set")


def _minute(moment: str) -> str:
    return f"{datetime.datetime.fromisoformat(moment):%Y-%m-%d %H:%M}"


def _due(session: Session, dataset: str) -> int | None:
    """The version that should serve: the newest approved one."""
    approved = [package.version for package in packages(session, dataset) if package.status == "Approved"]
    return max(approved, default=None)
