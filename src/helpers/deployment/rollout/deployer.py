"""What the deployer says about a decision, in its log, and how to ask it again."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from contract.names import group_prefix
from helpers.session import Session

__all__ = ["Word", "ask", "heard"]

# There is no log or function, or no permission for it.
UNKNOWN = ("ResourceNotFoundException", "AccessDeniedException")
# Errors of the deployer that trying again does not change: the package must not be served.
FINAL = ("ArtifactError",)


@dataclass(frozen=True)
class Word:
    """One word of the deployer on a data set.

    In order, they are `looking`, `warming`, `checked` and a last one of `deployed`, `removed`, `unchanged`,
    `postponed` and `failed`. `cause` is why it looks: an `event`, the `schedule` or a `request`; `rows` is
    how many sample rows were answered as expected; `version` is the one in question.
    """

    action: str
    reason: str
    at: datetime
    cause: str = ""
    rows: int = 0
    version: int | None = None

    @property
    def final(self) -> bool:
        """Whether it failed for a reason that trying again does not change."""
        return self.action == "failed" and self.reason.startswith(FINAL)

    def __str__(self) -> str:
        """The word and its reason on one line."""
        return f"{self.action}{f': {self.reason}' if self.reason else ''}".rstrip(".")


def heard(session: Session, since: Mapping[str, datetime]) -> dict[str, list[Word]]:
    """The deployer's words on each data set, oldest first, by calls that began after a time."""
    found: dict[str, list[Word]] = defaultdict(list)
    prefix = group_prefix(session.pipeline_name)
    for line in _lines(session, min(since.values())) if since else ():
        dataset = str(line.get("group", "")).removeprefix(prefix)
        if dataset not in since or "at" not in line:
            continue
        at = datetime.fromisoformat(line["at"])
        if at - timedelta(milliseconds=line.get("milliseconds", 0)) >= since[dataset]:
            found[dataset].append(_word(line, at))
    return {dataset: sorted(said, key=lambda word: word.at) for dataset, said in found.items()}


def ask(session: Session, datasets: Sequence[str]) -> None:
    """Ask the deployer to look at data sets now, without waiting for its answer.

    Whoever may not do that waits for the schedule, which asks it every 15 minutes.
    """
    event = {"groups": [session.group(dataset) for dataset in datasets]}
    try:
        session.client("lambda").invoke(
            FunctionName=session.deployer_function_name,
            InvocationType="Event",
            Payload=json.dumps(event).encode(),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] not in UNKNOWN:
            raise


def _word(line: Mapping[str, Any], at: datetime) -> Word:
    reason = line.get("reason") or line.get("error") or ""
    return Word(line["action"], reason, at, line.get("cause", ""), line.get("rows", 0), line.get("version"))


def _lines(session: Session, since: datetime) -> Iterator[dict]:
    """The deployer's own lines of the log, oldest first."""
    pages = (
        session.client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=f"/aws/lambda/{session.deployer_function_name}",
            startTime=int(since.timestamp() * 1000),
            filterPattern="deployer",
        )
    )
    try:
        for event in (event for page in pages for event in page["events"]):
            if event["message"].lstrip().startswith("{"):
                line = json.loads(event["message"])
                if line.get("function") == "deployer":
                    yield line
    except ClientError as error:
        if error.response["Error"]["Code"] not in UNKNOWN:
            raise
