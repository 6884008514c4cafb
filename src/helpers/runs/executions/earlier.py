"""Executions that were started before: by a kernel that died, on another machine, or by a scheduler."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from tabular.spec.columns import Family

from helpers.runs.executions.execution import RUNNING, Execution
from helpers.session import Session
from helpers.session.patience import patiently

__all__ = ["Earlier", "earlier", "find"]

# How far back they are looked for; a training job may take at most 28 days.
WINDOW = timedelta(days=30)
# What `Request.arguments` writes into the description.
DESCRIPTION = re.compile(
    r"(?P<dataset>[a-z0-9-]+), run (?P<run_id>[a-z0-9-]+), request (?P<digest>[0-9a-f]+)"
)


@dataclass(frozen=True)
class Earlier:
    """An execution that `start` once started."""

    dataset: str
    run_id: str
    digest: str
    arn: str
    status: str
    started: datetime


def earlier(session: Session, pipelines: Iterable[str]) -> list[Earlier]:
    """The executions of these pipelines that `start` started, newest first; others are left out."""
    found = [
        Earlier(**match.groupdict(), arn=arn, status=status, started=summary["StartTime"])
        for pipeline in sorted(set(pipelines))
        for summary in patiently(session, lambda name=pipeline: list(_summaries(session, name)))
        if (match := DESCRIPTION.fullmatch(summary.get("PipelineExecutionDescription", "")))
        for arn, status in [(summary["PipelineExecutionArn"], summary["PipelineExecutionStatus"])]
    ]
    return sorted(found, key=lambda one: one.started, reverse=True)


def find(session: Session, run_id: str = "", developer: str = "") -> list[Execution]:
    """The executions of a run that have not ended; without a run id, those of all runs."""
    pipelines = {session.pipeline(family, developer) for family in get_args(Family)}
    return [
        Execution(one.dataset, one.arn, one.run_id)
        for one in earlier(session, pipelines)
        if one.status in RUNNING and run_id in ("", one.run_id)
    ]


def _summaries(session: Session, pipeline: str) -> Iterator[dict[str, Any]]:
    sagemaker = session.client("sagemaker")
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName=pipeline,
        CreatedAfter=datetime.now(UTC) - WINDOW,
        SortOrder="Descending",
        PaginationConfig={"PageSize": 100},
    )
    try:
        for page in pages:
            yield from page["PipelineExecutionSummaries"]
    except sagemaker.exceptions.ResourceNotFound:  # nothing was ever started on a pipeline that is not there
        return
