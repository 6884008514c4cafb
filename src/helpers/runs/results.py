"""What came out of an execution: its steps, trials, report, and whether its model was registered."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
from tabular.spec.documents.models import ModelFacts
from tabular.spec.documents.reports import Gate, Report, quality
from tabular.spec.documents.words import members

from helpers import display
from helpers.errors import JobFailed
from helpers.runs import searches, tracking
from helpers.runs.executions.execution import Execution, name_of, steps_of
from helpers.runs.searches import Search
from helpers.session import Session
from helpers.session.storage import read, read_json

__all__ = [
    "evaluation",
    "evaluation_uri",
    "last_seconds",
    "leaderboard",
    "metrics",
    "registered_in",
    "registered_version",
    "search",
    "step_seconds",
    "steps",
    "track",
]

LATEST = 5  # executions in which a step is looked for


def steps(session: Session, execution: Execution) -> pd.DataFrame:
    """The steps of an execution: status and seconds, in the order they started."""
    rows = [
        {"step": step["StepName"], "status": step["StepStatus"], "seconds": _seconds(step)}
        for step in steps_of(session, execution)
    ]
    return pd.DataFrame(rows, columns=["step", "status", "seconds"]).set_index("step")


def leaderboard(session: Session, execution: Execution) -> pd.DataFrame:
    """The trials of an execution, best first, with the columns of `searches.COLUMNS`."""
    return searches.of_steps(session, execution.dataset, steps_of(session, execution)).trials


def search(session: Session, execution: Execution) -> Search:
    """How an execution whose model was evaluated searched for it, and what its trials had to beat."""
    found = searches.of_steps(session, execution.dataset, steps_of(session, execution))
    scored = evaluation(session, execution)["model"]["cross_validation"]
    return replace(found, scorer=scored["scorer"], dummy_score=scored.get("dummy_score"))


def evaluation(session: Session, execution: Execution) -> Report:
    """EvaluateBestModel's report: metrics on held-out rows, the gate, and facts about the model."""
    return read_json(session, f"{evaluation_uri(session, execution)}/evaluation.json")


def evaluation_uri(session: Session, execution: Execution) -> str:
    """The S3 folder with EvaluateBestModel's report, the same report as an HTML page, and the model card."""
    job = session.client("sagemaker").describe_processing_job(
        ProcessingJobName=_job_name(session, execution, "EvaluateBestModel")
    )
    return next(
        output["S3Output"]["S3Uri"]
        for output in job["ProcessingOutputConfig"]["Outputs"]
        if output["OutputName"] == "evaluation"
    )


def registered_version(session: Session, execution: Execution) -> int | None:
    """The version that an execution registered, None if the gate refused it."""
    return registered_in(steps_of(session, execution))


def registered_in(steps: Iterable[Mapping[str, Any]]) -> int | None:
    """The version that one of these steps registered, if any did."""
    for step in steps:
        if step["StepName"] == "RegisterBestModel" and "RegisterModel" in step.get("Metadata", {}):
            return int(name_of(step["Metadata"]["RegisterModel"]["Arn"]))
    return None


def metrics(reports: Mapping[str, Report]) -> pd.DataFrame:
    """A row for each data set: every metric on its held-out rows."""
    return pd.DataFrame(
        {
            name: {
                metric: found["value"]
                for metric, found in quality(report).items()
                if isinstance(found, Mapping) and "value" in found
            }
            for name, report in reports.items()
        }
    ).T.rename_axis("data set")


def step_seconds(steps: Iterable[Mapping[str, Any]]) -> dict[str, float | None]:
    """The seconds of each step, null if it has not ended."""
    return {
        step["StepName"]: _elapsed(step["StartTime"], step["EndTime"])
        if "StartTime" in step and "EndTime" in step
        else None
        for step in steps
    }


def last_seconds(session: Session, pipeline: str) -> dict[str, float]:
    """The seconds of each step of a pipeline when it last ran, of those in its latest executions.

    A step whose result was taken from an earlier execution did not run. Nothing is known of a pipeline that
    does not exist yet.
    """
    sagemaker, found = session.client("sagemaker"), dict[str, float]()
    try:
        latest = sagemaker.list_pipeline_executions(
            PipelineName=pipeline, SortOrder="Descending", MaxResults=LATEST
        )
    except sagemaker.exceptions.ResourceNotFound:
        return found
    for summary in latest["PipelineExecutionSummaries"]:
        ran = [
            step
            for step in steps_of(session, Execution("", summary["PipelineExecutionArn"]))
            if step["StepStatus"] == "Succeeded" and "CacheHitResult" not in step
        ]
        found = {name: seconds for name, seconds in step_seconds(ran).items() if seconds is not None} | found
    return found


def track(session: Session, executions: Iterable[Execution]) -> None:
    """Record executions in MLflow, if there is a tracking server."""
    uri = tracking.tracking_uri(session)
    if not uri:
        display.say("MLFLOW_TRACKING_URI names no server, so nothing is recorded in MLflow.")
    for execution in executions if uri else ():
        report = evaluation(session, execution)
        model, gate = report["model"], report["gate"]
        version = registered_version(session, execution)
        held_out = {name: found["value"] for name, found in quality(report).items() if "value" in found}
        page = read(session, f"{evaluation_uri(session, execution)}/report.html").decode()
        tracked = tracking.Tracked(
            group=session.group(execution.dataset),
            name=name_of(execution.arn),
            execution=execution.arn,
            params={
                "algorithm": model["algorithm"],
                "scorer": model["cross_validation"]["scorer"],
                **model["hyperparameters"],
                **members(model),
            },
            metrics={**_scores(model), **held_out},
            trials=leaderboard(session, execution),
            page=page,
            tags={
                "dataset": execution.dataset,
                "outcome": f"registered as version {version}" if version else _refusal(gate),
            },
        )
        tracking.log(uri, tracked)


def _scores(model: ModelFacts) -> dict[str, float]:
    found = model["cross_validation"]
    nested = {"nested_cross_validation_score": found["nested_score"]} if "nested_score" in found else {}
    return {"cross_validation_score": found["score"], **nested}


def _refusal(gate: Gate) -> str:
    if gate["threshold_margin"] < 0:
        return "refused: worse than the threshold"
    if gate.get("same_model"):
        return f"kept: the same model as version {gate['champion_version']}"
    return f"refused: may be worse than version {gate['champion_version']}"


def _job_name(session: Session, execution: Execution, step_name: str) -> str:
    for step in steps_of(session, execution):
        if step["StepName"] == step_name:
            job = next(iter(step["Metadata"].values()))
            return name_of(job["Arn"])
    raise JobFailed(f"{execution.dataset}: the execution did not reach {step_name}.")


def _seconds(step: Mapping[str, Any]) -> float:
    return _elapsed(step.get("StartTime"), step.get("EndTime"))


def _elapsed(begin: Any, end: Any) -> float:
    return round((end - begin).total_seconds(), 1) if begin and end else float("nan")
