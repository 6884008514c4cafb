"""The outcome of each table of a run, as facts for its summary and as a table to look at."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import display
from tabular.spec.documents.reports import Report, quality
from tabular.spec.documents.words import members, searched
from tabular.spec.metrics import direction

from helpers.cost.actual import billed
from helpers.cost.prices import Prices, load
from helpers.data.datasets import Dataset, LeftOut
from helpers.errors import BadInput
from helpers.runs import facts, searches
from helpers.runs.executions.execution import RUNNING, Execution, describe, name_of, refused_by_gate
from helpers.runs.results import (
    evaluation,
    evaluation_uri,
    registered_in,
    step_seconds,
)
from helpers.runs.summary import Fleet
from helpers.session import Session
from helpers.session.storage import read

__all__ = ["ended", "leave_out", "of_left_out", "sentences", "table", "verdict"]

# CloudWatch's log group for the job of a step, by the job's key in the step's metadata.
LOGS = {
    "ProcessingJob": "CloudWatch /aws/sagemaker/ProcessingJobs",
    "TuningJob": "CloudWatch /aws/sagemaker/TrainingJobs",
    "TrainingJob": "CloudWatch /aws/sagemaker/TrainingJobs",
}
BOUND = {"higher is better": "at least ", "lower is better": "at most ", "": ""}
LOG = re.compile(r"(?m)^Log: (.*)$")  # local_aws says in the reason where the log is; AWS does not
KILLED = re.compile(r"exit code:? 137\b")  # 128 and the number of SIGKILL
# The parameters that name the instance of a step; of all others it is TRAINING_INSTANCE.
INSTANCES = {"PreprocessData": "PREPROCESSING_INSTANCE", "EvaluateBestModel": "EVALUATION_INSTANCE"}
AGAIN = "Fix what the log names and run 03 again."
BELOW = (
    "Look at its evaluation. More rows or columns may help; if the threshold asks too much of this table, "
    "give its entry in DATASETS a min_metric."
)
TRAIN_AGAIN = 'Change its table or its parameters; RUN_ID = "new" trains all tables again as they are.'

Steps = Sequence[Mapping[str, Any]]


def leave_out(left_out: Mapping[str, LeftOut], tables: Sequence[Dataset]) -> None:
    """Record the tables that cannot be used, and show why.

    Raises:
        BadInput: no table is left; the message says why.
    """
    for name, one in left_out.items():
        facts.record(name, **of_left_out(one))
    if not tables:
        told = [f"{name}: {one.said} {one.advice}" for name, one in left_out.items()]
        raise BadInput("\n".join(["No data set is left to work on.", *told]))
    if left_out:
        rows = {name: (one.said, one.advice) for name, one in left_out.items()}
        columns = ["why it is left out", "what to do"]
        display(pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("data set"))


def of_left_out(one: LeftOut) -> dict[str, Any]:
    """The facts about a table that cannot be used."""
    return {"outcome": "failed" if one.failed else "not-started", "said": one.said, "advice": one.advice}


def ended(
    session: Session,
    execution: Execution,
    description: Mapping[str, Any],
    steps: Steps,
    prices: Prices | None = None,
) -> dict[str, Any]:
    """The facts about an execution that has ended: its outcome, its model, its times.

    Args:
        session: where it ran.
        execution: which one.
        description: what AWS says about it, see `executions.describe`.
        steps: its steps.
        prices: list prices, if not the project's own.
    """
    if execution.standing:
        return _standing(session, execution)
    seconds, cost = step_seconds(steps), billed(session, steps, prices or load())
    found = {
        **_nothing_failed(),
        "execution": execution.arn,
        "seconds": _elapsed(steps),
        "steps": seconds,
        "billable_seconds": cost["billable_seconds"],
        "billed": cost,
    }
    if _evaluated(steps):
        report = evaluation(session, execution)
        search = searches.of_steps(session, execution.dataset, steps)
        found |= {**_model(report), "search": search.facts(), "links": _pages(session, execution)}
    return found | verdict(session, execution, description, steps)


def verdict(
    session: Session, execution: Execution, description: Mapping[str, Any], steps: Steps
) -> dict[str, Any]:
    """The outcome of the model of an execution that has ended, or what failed, in few calls.

    The description may also be the execution's entry in a list.
    """
    judged = description["PipelineExecutionStatus"] == "Succeeded" or refused_by_gate(steps)
    if not (judged and _evaluated(steps)):
        return _failure(session, description, steps)
    if version := registered_in(steps):
        said = f"Registered as version {version}."
        return {"outcome": "registered", "said": said, "version": version, "awaits_decision": True}
    return _not_registered(evaluation(session, execution))


def sentences(dataset: str, found: Mapping[str, Any]) -> str:
    """The outcome of a data set, where the log is and what to do, for a terminal."""
    log = f"\nLog: {found['log']}" if found.get("log") else ""
    advice = f"\n{found['advice']}" if found.get("advice") else ""
    return f"{dataset}: {found['said']}{log}{advice}"


def table(
    session: Session, executions: Sequence[Execution], left_out: Mapping[str, LeftOut] | None = None
) -> pd.DataFrame:
    """A row for each table: its outcome, the reason, and how its model was judged.

    Args:
        session: where they ran.
        executions: what `start` returned.
        left_out: the tables that were not started, and why.
    """
    rows = {name: _row(of_left_out(one)) for name, one in (left_out or {}).items()}
    for execution in executions:
        if not execution.arn:
            given_up = {"outcome": "not-started", "said": "It was given up."}
            refused = {"outcome": "failed", "said": execution.refused}
            rows[execution.dataset] = _row(refused if execution.refused else given_up)
            continue
        description, steps = describe(session, execution)
        if description["PipelineExecutionStatus"] in RUNNING:
            rows[execution.dataset] = _row({"outcome": "running", "said": "Its execution goes on."})
            continue
        found = ended(session, execution, description, steps)
        report = evaluation(session, execution) if _evaluated(steps) else None
        rows[execution.dataset] = _row(found, report)
    whole = pd.DataFrame.from_dict(rows, orient="index").rename_axis("data set")
    return whole.loc[:, whole.notna().any()]


def _row(found: Mapping[str, Any], report: Report | None = None) -> dict[str, Any]:
    row = {"outcome": found["outcome"], "why": found["said"], "what to do": found.get("advice")}
    if report is None:
        return row
    gate = report["gate"]
    return row | {
        "algorithm": report["model"]["algorithm"],
        "cross-validation score": report["model"]["cross_validation"]["score"],
        "nested": report["model"]["cross_validation"].get("nested_score"),
        "trials saw": searched(report["model"]),
        "held out": f"{gate['metric']} {gate['value']:.4f}",
        "threshold": f"{BOUND[direction(gate['metric'])]}{gate['threshold']:.6g}",
        "in service": "none" if gate["champion_value"] is None else gate["champion_value"],
    }


def _nothing_failed() -> dict[str, None]:
    return {"step": None, "job": None, "log": None, "advice": None, "version": None, "awaits_decision": None}


def _pages(session: Session, execution: Execution) -> dict[str, str]:
    page = f"{evaluation_uri(session, execution)}/report.html"
    return {"evaluation": page, **_beside(session, page, execution.dataset)}


def _beside(session: Session, page_uri: str, dataset: str) -> dict[str, str]:
    """Copy the page about a model into the folder of a headless run, for the run's own page to link to."""
    folder = os.environ.get(facts.FOLDER)
    if not folder:
        return {}
    path = Path(folder, "evaluations", f"{dataset}.html")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(read(session, page_uri))
    return {"page": f"{path.parent.name}/{path.name}"}


def _evaluated(steps: Steps) -> bool:
    return any(s["StepName"] == "EvaluateBestModel" and s["StepStatus"] == "Succeeded" for s in steps)


def _model(report: Report) -> dict[str, Any]:
    model, gate, fleet = report["model"], report["gate"], report.get("fleet")
    return {
        "algorithm": model["algorithm"],
        "hyperparameters": model["hyperparameters"] | members(model),
        "fleet": fleet and {name: fleet.get(name, 0) for name in Fleet.__annotations__},
        "scores": {
            "scorer": model["cross_validation"]["scorer"],
            "cross_validation": model["cross_validation"]["score"],
            "nested_cross_validation": model["cross_validation"].get("nested_score"),
            "metric": gate["metric"],
            "value": gate["value"],
            "threshold": gate["threshold"],
            "held_out": {name: found["value"] for name, found in quality(report).items() if "value" in found},
        },
    }


def _not_registered(report: Report) -> dict[str, Any]:
    """The outcome of a model that was evaluated and not registered, and why."""
    gate = report["gate"]
    if gate["threshold_margin"] < 0:
        bound = f"{BOUND[direction(gate['metric'])]}{gate['threshold']:.6g}"
        said = f"Worse than the threshold: {gate['metric']} {gate['value']:.6g}, must be {bound}."
        return {"outcome": "refused", "said": said, "advice": BELOW}
    outcome = "kept" if gate.get("same_model") else "refused"
    kept = f" Version {gate['champion_version']} stays in service."
    return {"outcome": outcome, "said": gate["comparison"] + kept, "in_service": gate["champion_version"]}


def _standing(session: Session, execution: Execution) -> dict[str, Any]:
    """The outcome of a table about which nothing is new; the earlier run has counted what it cost."""
    report, version, awaits = evaluation(session, execution), *astuple(execution.standing)
    stands = "already awaited a decision" if awaits else "was rejected"
    return {
        **_nothing_failed(),
        **_model(report),
        "outcome": "kept",
        "said": f"Version {version} of run {execution.run_id} {stands}, and nothing is new since then.",
        "advice": None if awaits else TRAIN_AGAIN,
        "version": version if awaits else None,
        "awaits_decision": awaits,
        "in_service": report["gate"]["champion_version"],
        "execution": execution.arn,
        "billable_seconds": 0.0,
        "billed": None,
        "links": _pages(session, execution),
    }


def _failure(session: Session, description: Mapping[str, Any], steps: Steps) -> dict[str, Any]:
    """What failed, where its log is and what to do."""
    failed = [step for step in steps if step["StepStatus"] == "Failed"]
    if not failed:
        if description["PipelineExecutionStatus"] == "Stopped":
            said = "The execution was stopped before it had a result."
            return {"outcome": "failed", "said": said, "advice": "Run 03 again."}
        named = description.get("FailureReason") or description.get("PipelineExecutionFailureReason")
        reason = named or description["PipelineExecutionStatus"]
        said = f"The execution ended without a result: {reason.rstrip('.')}."
        return {"outcome": "failed", "said": said, "advice": "Run 03 again."}
    step = failed[0]
    reason = step.get("FailureReason", "No reason is given.")
    kind, about = next(iter(step.get("Metadata", {}).items()), ("", {}))
    job = name_of(about["Arn"]) if kind in LOGS else None
    log = f"{LOGS[kind]}, job {job}" if job else None
    if session.is_local and (found := LOG.search(reason)):
        log, reason = found[1], reason[: found.start()]
    said = f"{step['StepName']} failed. {' '.join(reason.split())}"
    advice = AGAIN if log else "Fix that and run 03 again."
    return {
        "outcome": "failed",
        "said": said,
        "step": step["StepName"],
        "job": job,
        "log": log,
        "advice": _more_memory(session, step["StepName"]) if KILLED.search(reason) else advice,
    }


def _more_memory(session: Session, step: str) -> str:
    """What to do about a job that was killed, which SageMaker and local_aws say with the exit code alone."""
    instance = INSTANCES.get(step, "TRAINING_INSTANCE")
    room = (
        "close other programs or lower MAX_PARALLEL_EXECUTIONS"
        if session.is_local
        else f"name a larger {instance}"
    )
    fewer = "" if step in INSTANCES else ", or let the trials see fewer rows (SEARCH_ROWS)"
    return f"It may have run out of memory: {room}{fewer}; then run 03 again."


def _elapsed(steps: Iterable[Mapping[str, Any]]) -> float | None:
    """Seconds from the start of the first step to the end of the last."""
    begins = [step["StartTime"] for step in steps if "StartTime" in step]
    ends = [step["EndTime"] for step in steps if "EndTime" in step]
    return round((max(ends) - min(begins)).total_seconds(), 1) if begins and ends else None
