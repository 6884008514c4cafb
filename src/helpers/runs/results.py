"""What came out of an execution: its steps, trials, report, and whether its model was registered."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from tabular.spec.documents import Gate, Report, quality, searched
from tabular.spec.metrics import direction

from helpers.errors import JobFailed
from helpers.runs import facts, tracking
from helpers.runs.executions.execution import Execution, name_of, steps_of
from helpers.runs.summary import Outcome
from helpers.session import Session
from helpers.storage import read, read_json

__all__ = [
    "evaluation",
    "evaluation_uri",
    "leaderboard",
    "metrics",
    "outcomes",
    "record",
    "registered_version",
    "steps",
]

_BOUND = {"higher is better": "at least ", "lower is better": "at most ", "": ""}


def steps(session: Session, execution: Execution) -> pd.DataFrame:
    """The steps of an execution: status and seconds, in the order they started."""
    rows = [
        {"step": step["StepName"], "status": step["StepStatus"], "seconds": _seconds(step)}
        for step in steps_of(session, execution)
    ]
    return pd.DataFrame(rows, columns=["step", "status", "seconds"]).set_index("step")


def leaderboard(session: Session, execution: Execution) -> pd.DataFrame:
    """The trials of an execution's tuning, best first: algorithm, score, seconds and hyperparameters."""
    tuning_job = _job_name(session, execution, "TuningWithCrossValidation")
    pages = (
        session.client("sagemaker")
        .get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
        .paginate(
            HyperParameterTuningJobName=tuning_job,
            SortBy="FinalObjectiveMetricValue",
            SortOrder="Descending",
        )
    )
    rows = []
    for trial in (trial for page in pages for trial in page["TrainingJobSummaries"]):
        objective = trial.get("FinalHyperParameterTuningJobObjectiveMetric", {})
        rows.append(
            {
                "algorithm": trial["TrainingJobDefinitionName"],
                "score": objective.get("Value", float("nan")),
                "status": trial["TrainingJobStatus"],
                "seconds": _elapsed(trial.get("TrainingStartTime"), trial.get("TrainingEndTime")),
                "hyperparameters": _listed(trial["TunedHyperParameters"]),
            }
        )
    table = pd.DataFrame(rows, columns=["algorithm", "score", "status", "seconds", "hyperparameters"])
    table.index = pd.RangeIndex(1, len(table) + 1, name="place")
    return table


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


def outcomes(session: Session, executions: Sequence[Execution]) -> pd.DataFrame:
    """A row for each execution: the winner, its score and metric, and whether it was registered."""
    rows = []
    for execution in executions:
        report = evaluation(session, execution)
        version = registered_version(session, execution)
        gate = report["gate"]
        rows.append(
            {
                "data set": execution.dataset,
                "algorithm": report["model"]["algorithm"],
                "cross-validation score": report["model"]["cross_validation"]["score"],
                "trials saw": searched(report["model"]) or "all training rows",
                gate["metric"]: gate["value"],
                "threshold": f"{_BOUND[direction(gate['metric'])]}{gate['threshold']:.6g}",
                "in service": "none" if gate["champion_value"] is None else gate["champion_value"],
                "outcome": _judged(gate, version)[1],
            }
        )
    return pd.DataFrame(rows).set_index("data set")


def registered_version(session: Session, execution: Execution) -> int | None:
    """The version that an execution registered, None if the gate refused it."""
    for step in steps_of(session, execution):
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


def record(session: Session, execution: Execution) -> None:
    """Leave the results of an execution in the notebook, for the summary of a headless run, and in MLflow."""
    report = evaluation(session, execution)
    model, gate, version = report["model"], report["gate"], registered_version(session, execution)
    held_out = {name: found["value"] for name, found in quality(report).items() if "value" in found}
    outcome, said = _judged(gate, version)
    table = steps(session, execution)
    page_uri = f"{evaluation_uri(session, execution)}/report.html"
    facts.record(
        execution.dataset,
        outcome=outcome,
        said=said,
        version=version,
        awaits_decision=bool(version),
        algorithm=model["algorithm"],
        hyperparameters=model["hyperparameters"],
        scores={
            "scorer": model["cross_validation"]["scorer"],
            "cross_validation": model["cross_validation"]["score"],
            "metric": gate["metric"],
            "value": gate["value"],
            "threshold": gate["threshold"],
            "held_out": held_out,
        },
        execution=execution.arn,
        seconds=round(table["seconds"].sum(), 1),
        steps=table["seconds"].astype(object).where(table["seconds"].notna(), None).to_dict(),
        links={"evaluation": page_uri, **_beside(session, page_uri, execution.dataset)},
    )
    if uri := tracking.tracking_uri(session):
        found = model["cross_validation"]
        page = read(session, page_uri).decode()
        tracked = tracking.Tracked(
            group=session.group(execution.dataset),
            name=name_of(execution.arn),
            execution=execution.arn,
            params={"algorithm": model["algorithm"], "scorer": found["scorer"], **model["hyperparameters"]},
            metrics={"cross_validation_score": found["score"], **held_out},
            trials=leaderboard(session, execution),
            page=page,
            tags={"dataset": execution.dataset, "outcome": said},
        )
        tracking.log(uri, tracked)


def _beside(session: Session, page_uri: str, dataset: str) -> dict[str, str]:
    """Copy the page about a model into the folder of a headless run, for the run's own page to link to."""
    folder = os.environ.get(facts.FOLDER)
    if not folder:
        return {}
    path = Path(folder, "evaluations", f"{dataset}.html")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(read(session, page_uri))
    return {"page": f"{path.parent.name}/{path.name}"}


def _judged(gate: Gate, version: int | None) -> tuple[Outcome, str]:
    """What became of a model that was evaluated, and why."""
    if version:
        return "registered", f"registered as version {version}"
    if gate["threshold_margin"] < 0:
        return "refused", "refused: worse than the threshold"
    if gate.get("same_model"):
        return "kept", f"kept: the same model as version {gate['champion_version']}"
    return "refused", f"refused: may be worse than version {gate['champion_version']}"


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


def _listed(hyperparameters: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={_rounded(value)}" for name, value in sorted(hyperparameters.items()))


def _rounded(value: str) -> str:
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value
