"""One execution of a pipeline, and what AWS says about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from helpers.display import AsCard, Card, card
from helpers.session import Session

__all__ = [
    "RUNNING",
    "Execution",
    "Standing",
    "describe",
    "name_of",
    "refused_by_gate",
    "statuses",
    "steps_of",
]

RUNNING = ("Executing", "Stopping")


@dataclass(frozen=True)
class Standing:
    """A version that stands as it is: it still awaits a decision, or it was rejected."""

    version: int
    awaits: bool


@dataclass(eq=False, repr=False)
class Execution(AsCard):
    """One execution of the pipeline on one data set.

    As long as it waits to be started, it has no ARN; its `request` says how to start it. If it has neither,
    it was `refused`, which says why, or given up. `run_id` names the run that it belongs to: all executions
    that `start` was asked for at the same time. One that was taken over from an earlier run has the version
    that it registered then.
    """

    dataset: str
    arn: str = ""
    run_id: str = ""
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)
    standing: Standing | None = None
    refused: str = ""

    def card(self) -> Card:
        """What is known of it without asking AWS."""
        waits = self.refused or ("waits to be started" if self.waits else "not started")
        return card(f"Execution of {self.dataset}", {"run": self.run_id or "none", "ARN": self.arn or waits})

    @property
    def waits(self) -> bool:
        """Whether it is still to be started."""
        return bool(self.request) and not self.arn


def describe(session: Session, execution: Execution) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What AWS says about an execution, and its steps so far."""
    # Described before its steps are listed, so that the list is complete if the execution has ended.
    description = session.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=execution.arn)
    return description, steps_of(session, execution)


def statuses(session: Session, executions: Sequence[Execution]) -> dict[str, str]:
    """The status of each execution by its ARN, from the lists of their pipelines, the newest page first."""
    sagemaker, found = session.client("sagemaker"), {}
    for pipeline in sorted({execution.arn.split("/")[1] for execution in executions}):
        left = {execution.arn for execution in executions if execution.arn.split("/")[1] == pipeline}
        pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
            PipelineName=pipeline, SortOrder="Descending", PaginationConfig={"PageSize": 100}
        )
        for page in pages:
            for summary in page["PipelineExecutionSummaries"]:
                found[summary["PipelineExecutionArn"]] = summary["PipelineExecutionStatus"]
            left -= found.keys()
            if not left:
                break
    return found


def steps_of(session: Session, execution: Execution) -> list[dict[str, Any]]:
    """The steps of an execution so far, in the order they started."""
    pages = (
        session.client("sagemaker")
        .get_paginator("list_pipeline_execution_steps")
        .paginate(PipelineExecutionArn=execution.arn, SortOrder="Ascending")
    )
    return [step for page in pages for step in page["PipelineExecutionSteps"]]


def refused_by_gate(steps: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the quality gate ended an execution, which is a result and no failure."""
    return any(step["StepName"] == "RegisterFailed" and step["StepStatus"] == "Failed" for step in steps)


def name_of(arn: str) -> str:
    """The last part of an ARN."""
    return arn.rsplit("/", 1)[1]
