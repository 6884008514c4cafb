"""Pipeline executions: start them, watch them, and read their results.

An account may run a limited number of executions at the same time. `start` starts as many; `watch` starts the
others as earlier ones end.
"""

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from tabular.spec.documents import Gate, Report, quality, searched
from tabular.spec.metrics import METRICS, SCORERS, direction

from helpers.data.datasets import Dataset, inputs
from helpers.errors import BadInput, JobFailed
from helpers.runs import summary
from helpers.runs.progress import Progress
from helpers.session import Session
from helpers.storage import read_json

__all__ = [
    "MOST",
    "Run",
    "evaluation",
    "evaluation_uri",
    "leaderboard",
    "metrics",
    "outcomes",
    "record",
    "registered_version",
    "start",
    "steps",
    "watch",
]

# How a table is evaluated: the keys of its entry in DATASETS, and the parameters of the pipeline.
JUDGED = {
    "scorer": "CrossValidationScorer",
    "metric": "MetricForRegistrationThreshold",
    "min_metric": "MinThresholdForRegisterMetric",
}
RUNNING = ("Executing", "Stopping")
# How many executions an account may run at the same time, unless AWS has raised it:
# https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-feature-processor-quotas.html
MOST = 20
# What StartPipelineExecution answers if that many run already, if it is called too often, or if AWS fails.
LATER = ("ResourceLimitExceeded", "ThrottlingException", "InternalFailure", "ServiceUnavailable")
# CloudWatch's log group for the job of a step, by the job's key in the step's metadata.
LOGS = {
    "ProcessingJob": "CloudWatch /aws/sagemaker/ProcessingJobs",
    "TuningJob": "CloudWatch /aws/sagemaker/TrainingJobs",
    "TrainingJob": "CloudWatch /aws/sagemaker/TrainingJobs",
}
_BOUND = {"higher is better": "at least ", "lower is better": "at most ", "": ""}
POLL_SECONDS = {True: 0.5, False: 15.0}  # for a local session, and for AWS, which limits the rate of calls


@dataclass(eq=False)
class Run:
    """One execution of the pipeline on one data set; as long as it waits to be started, it has no ARN."""

    dataset: str
    arn: str = ""
    request: Mapping[str, Any] = field(default_factory=dict, repr=False)


def start(
    session: Session,
    tables: Sequence[Dataset],
    parameters: Mapping[str, object],
    judged: Mapping[str, Mapping[str, object]] | None = None,
    developer: str = "",
    most: int = MOST,
) -> list[Run]:
    """Upload each table and start the pipeline of its family on it; those beyond `most` wait for `watch`.

    Args:
        session: where to start them.
        tables: what to train on.
        parameters: for every execution, with the names that Studio shows.
        judged: by family, parameters for the evaluation; an entry of DATASETS may override them.
        developer: whose pipelines to start, if not Terraform's.
        most: how many executions may run at the same time.

    Raises:
        BadInput: there is no such pipeline, or it refuses a parameter or a name; the message says which
            executions have already started.
    """
    given = {}
    for table in tables:
        session.group(table.name)  # a name that is too long would otherwise be refused only at registration
        given[table.name] = {**parameters, **(judged or {}).get(table.family, {}), **_own_judgement(table)}
        _check_judgement(table, given[table.name])
    runs = [
        Run(table.name, request=_request(session, table, given[table.name], developer)) for table in tables
    ]
    _start_waiting(session, runs, most)
    return runs


def watch(session: Session, runs: Sequence[Run], most: int = MOST) -> None:
    """Show the progress of executions until the last one ends, and start those that wait.

    Args:
        session: where they run.
        runs: what `start` returned.
        most: how many executions may run at the same time.

    Raises:
        JobFailed: a step failed; a refusal by the quality gate does not count, it is a normal outcome.
    """
    progress, told = Progress(), 0
    while True:
        states = {run: _describe(session, run) for run in runs if run.arn}
        for run, (_, found) in states.items():
            progress.update(run.dataset, [_line(session, step) for step in found])
        busy = sum(about["PipelineExecutionStatus"] in RUNNING for about, _ in states.values())
        waiting = _start_waiting(session, [run for run in runs if not run.arn], most - busy)
        if waiting and waiting != told:
            print(f"{waiting} of {len(runs)} executions wait for others to end; {most} may run at a time.")
        told = waiting
        if not busy and len(states) == len(runs):
            break
        time.sleep(POLL_SECONDS[session.is_local])
    failures = [
        _why(session, run, description, found)
        for run, (description, found) in states.items()
        if description["PipelineExecutionStatus"] != "Succeeded" and not _refused(found)
    ]
    if failures:
        raise JobFailed("\n\n".join(failures))


def steps(session: Session, run: Run) -> pd.DataFrame:
    """The steps of an execution: status and seconds, in the order they started."""
    rows = [
        {"step": step["StepName"], "status": step["StepStatus"], "seconds": _seconds(step)}
        for step in _steps(session, run)
    ]
    return pd.DataFrame(rows, columns=["step", "status", "seconds"]).set_index("step")


def leaderboard(session: Session, run: Run) -> pd.DataFrame:
    """The trials of an execution's tuning, best first: algorithm, score, seconds and hyperparameters."""
    tuning_job = _job_name(session, run, "TuningWithCrossValidation")
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


def evaluation(session: Session, run: Run) -> Report:
    """EvaluateBestModel's report: metrics on held-out rows, the gate, and facts about the model."""
    return read_json(session, f"{evaluation_uri(session, run)}/evaluation.json")


def evaluation_uri(session: Session, run: Run) -> str:
    """The S3 folder with EvaluateBestModel's report, the same report as an HTML page, and the model card."""
    job = session.client("sagemaker").describe_processing_job(
        ProcessingJobName=_job_name(session, run, "EvaluateBestModel")
    )
    return next(
        output["S3Output"]["S3Uri"]
        for output in job["ProcessingOutputConfig"]["Outputs"]
        if output["OutputName"] == "evaluation"
    )


def outcomes(session: Session, runs: Sequence[Run]) -> pd.DataFrame:
    """A row for each execution: the winner, its score and metric, and whether it was registered."""
    rows = []
    for run in runs:
        report = evaluation(session, run)
        version = registered_version(session, run)
        gate = report["gate"]
        rows.append(
            {
                "data set": run.dataset,
                "algorithm": report["model"]["algorithm"],
                "cross-validation score": report["model"]["cross_validation"]["score"],
                "trials saw": searched(report["model"]) or "all training rows",
                gate["metric"]: gate["value"],
                "threshold": f"{_BOUND[direction(gate['metric'])]}{gate['threshold']:.6g}",
                "in service": "none" if gate["champion_value"] is None else gate["champion_value"],
                "outcome": f"registered as version {version}" if version else _refusal(gate),
            }
        )
    return pd.DataFrame(rows).set_index("data set")


def registered_version(session: Session, run: Run) -> int | None:
    """The version that an execution registered, None if the gate refused it."""
    for step in _steps(session, run):
        if step["StepName"] == "RegisterBestModel" and "RegisterModel" in step.get("Metadata", {}):
            return int(_last(step["Metadata"]["RegisterModel"]["Arn"]))
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


def record(session: Session, run: Run) -> None:
    """Leave the results of an execution in the notebook, for the summary of a headless run."""
    report = evaluation(session, run)
    model, gate, version = report["model"], report["gate"], registered_version(session, run)
    summary.record(
        run.dataset,
        algorithm=model["algorithm"],
        hyperparameters=model["hyperparameters"],
        scorer=model["cross_validation"]["scorer"],
        cross_validation_score=model["cross_validation"]["score"],
        metric=gate["metric"],
        metric_value=gate["value"],
        held_out={name: found["value"] for name, found in quality(report).items() if "value" in found},
        outcome=f"registered as version {version}" if version else _refusal(gate),
        package_version=version,
        execution=run.arn,
        seconds=steps(session, run)["seconds"].to_dict(),
    )


def _request(
    session: Session, table: Dataset, parameters: Mapping[str, object], developer: str
) -> dict[str, Any]:
    """What StartPipelineExecution is asked; by its token, a repeated request starts nothing twice."""
    given = {**inputs(session, table), **parameters}
    return {
        "PipelineName": session.pipeline(table.family, developer),
        "PipelineExecutionDisplayName": f"{table.name}-{int(time.time())}",
        "PipelineParameters": [{"Name": name, "Value": _as_text(value)} for name, value in given.items()],
        "ClientRequestToken": uuid.uuid4().hex,
    }


def _start_waiting(session: Session, runs: Sequence[Run], room: int) -> int:
    """Start the first of these runs, as many as there is room for, and return how many still wait."""
    started: list[Run] = []
    for run in runs[: max(room, 0)]:
        try:
            if not _start(session, run):
                break
        except BadInput as error:
            raise BadInput(f"{error}{_also(started)}") from None
        started.append(run)
    return len(runs) - len(started)


def _start(session: Session, run: Run) -> bool:
    """Start a run; return False if it must be tried again later."""
    sagemaker, pipeline = session.client("sagemaker"), run.request["PipelineName"]
    try:
        run.arn = sagemaker.start_pipeline_execution(**run.request)["PipelineExecutionArn"]
    except sagemaker.exceptions.ResourceNotFound:
        raise BadInput(f"There is no pipeline {pipeline!r}; run 02_define_pipeline first.") from None
    except sagemaker.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in LATER:
            return False
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        raise BadInput(
            f"The pipeline {pipeline!r} refuses the parameters of {run.dataset}: "
            f"{error.response['Error']['Message']} Fix them, or run 02_define_pipeline again."
        ) from None
    return True


def _also(started: Sequence[Run]) -> str:
    if not started:
        return ""
    return f" These have started and go on: {', '.join(run.arn for run in started)}."


def _own_judgement(table: Dataset) -> dict[str, object]:
    return {JUDGED[key]: value for key, value in table.judged.items()}


def _check_judgement(table: Dataset, parameters: Mapping[str, object]) -> None:
    """Refuse a scorer or a metric that does not fit the task, before anything starts."""
    for key, by_task in (("scorer", SCORERS), ("metric", METRICS)):
        value, allowed = parameters.get(JUDGED[key]), by_task[table.task]
        if value is not None and value not in allowed:
            raise BadInput(
                f"The {key} {value!r} does not fit {table.name}, which is a {table.task} table; allowed are "
                f"{', '.join(allowed)}. Give its entry in DATASETS its own {key}."
            )


def _refusal(gate: Gate) -> str:
    if gate["threshold_margin"] < 0:
        return "refused: worse than the threshold"
    if gate.get("same_model"):
        return f"refused: the same model as version {gate['champion_version']}"
    return f"refused: may be worse than version {gate['champion_version']}"


def _describe(session: Session, run: Run) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    # Described before its steps are listed, so that the list is complete if the execution has ended.
    description = session.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=run.arn)
    return description, _steps(session, run)


def _steps(session: Session, run: Run) -> list[dict[str, Any]]:
    pages = (
        session.client("sagemaker")
        .get_paginator("list_pipeline_execution_steps")
        .paginate(PipelineExecutionArn=run.arn, SortOrder="Ascending")
    )
    return [step for page in pages for step in page["PipelineExecutionSteps"]]


def _line(session: Session, step: Mapping[str, Any]) -> tuple[str, str, str]:
    """Name, status and detail of a step, as the progress table shows them."""
    detail = ""
    if step["StepName"] == "TuningWithCrossValidation" and "TuningJob" in step.get("Metadata", {}):
        name = _last(step["Metadata"]["TuningJob"]["Arn"])
        job = session.client("sagemaker").describe_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name
        )
        counts = job["TrainingJobStatusCounters"]
        total = job["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"]
        failed = counts.get("NonRetryableError", 0) + counts.get("RetryableError", 0)
        detail = f"{counts.get('Completed', 0)} of {total} trials" + (f", {failed} failed" if failed else "")
        if best := job.get("BestTrainingJob"):
            score = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
            detail += f", best {score:.4f} by {best['TrainingJobDefinitionName']}"
    if "CacheHitResult" in step:
        detail = "taken from an earlier execution"
    return step["StepName"], step["StepStatus"], detail


def _refused(found: Sequence[Mapping[str, Any]]) -> bool:
    return any(step["StepName"] == "RegisterFailed" and step["StepStatus"] == "Failed" for step in found)


def _why(
    session: Session, run: Run, description: Mapping[str, Any], found: Sequence[Mapping[str, Any]]
) -> str:
    failed = [step for step in found if step["StepStatus"] == "Failed"]
    if not failed:
        reason = description.get("FailureReason", description["PipelineExecutionStatus"])
        return f"{run.dataset}: the execution ended without a result: {reason}. Run 03 again."
    step = failed[0]
    # local_aws says in the reason where the log is; AWS does not.
    kind, about = next(iter(step.get("Metadata", {}).items()), ("", {}))
    log = f"\nLog: {LOGS[kind]}, job {_last(about['Arn'])}" if kind in LOGS and not session.is_local else ""
    return (
        f"{run.dataset}: {step['StepName']} failed. {step.get('FailureReason', 'No reason is given.')}{log}\n"
        "Fix what the log names and run 03 again."
    )


def _job_name(session: Session, run: Run, step_name: str) -> str:
    for step in _steps(session, run):
        if step["StepName"] == step_name:
            job = next(iter(step["Metadata"].values()))
            return _last(job["Arn"])
    raise JobFailed(f"{run.dataset}: the execution did not reach {step_name}.")


def _last(arn: str) -> str:
    return arn.rsplit("/", 1)[1]


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


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
