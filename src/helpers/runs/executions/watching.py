"""Watches executions until the last one ends, and starts those that wait for room."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from helpers.errors import JobFailed
from helpers.runs.executions.execution import RUNNING, Execution, describe, name_of, refused_by_gate
from helpers.runs.executions.queue import MOST, start_waiting
from helpers.runs.executions.unattended import unattended
from helpers.runs.patience import patiently
from helpers.runs.progress import Progress
from helpers.session import Session

__all__ = ["watch"]

# CloudWatch's log group for the job of a step, by the job's key in the step's metadata.
LOGS = {
    "ProcessingJob": "CloudWatch /aws/sagemaker/ProcessingJobs",
    "TuningJob": "CloudWatch /aws/sagemaker/TrainingJobs",
    "TrainingJob": "CloudWatch /aws/sagemaker/TrainingJobs",
}
POLL_SECONDS = {True: 0.5, False: 15.0}  # for a local session, and for AWS, which limits the rate of calls

State = tuple[dict[str, Any], list[dict[str, Any]]]  # an execution's description and its steps


def watch(session: Session, executions: Sequence[Execution], most: int = MOST) -> None:
    """Show the progress of executions until the last one ends, and start those that wait.

    Args:
        session: where they run.
        executions: what `start` returned.
        most: how many executions may run at the same time.

    Raises:
        JobFailed: a step failed; a refusal by the quality gate does not count, it is a normal outcome.
        Interrupted: somebody interrupted this; the executions go on.
        UserError: AWS refused a call, or could not be called for 15 minutes; the executions go on.
    """
    with unattended(executions):
        states = _follow(session, executions, most)
    failures = [
        _why(session, execution, description, steps)
        for execution, (description, steps) in states.items()
        if description["PipelineExecutionStatus"] != "Succeeded" and not refused_by_gate(steps)
    ]
    if failures:
        raise JobFailed("\n\n".join(failures))


def _follow(session: Session, executions: Sequence[Execution], most: int) -> dict[Execution, State]:
    """The last state of each execution, after all have ended."""
    progress, told = Progress(), 0
    states: dict[Execution, State] = {}
    while True:
        for execution in executions:
            if execution.arn and _runs(states.get(execution)):
                states[execution], lines = patiently(session, lambda it=execution: _look(session, it))
                progress.update(execution.dataset, lines)
        busy = sum(_runs(state) for state in states.values())
        waiting = patiently(session, lambda room=most - busy: start_waiting(session, executions, room))
        if waiting and waiting != told:
            print(
                f"{waiting} of {len(executions)} executions wait for others to end; {most} may run at a time."
            )
        told = waiting
        if not waiting and not any(_runs(states.get(it)) for it in executions if it.arn):
            return states
        time.sleep(POLL_SECONDS[session.is_local])


def _runs(state: State | None) -> bool:
    """Whether an execution has not ended, as far as that is known."""
    return state is None or state[0]["PipelineExecutionStatus"] in RUNNING


def _look(session: Session, execution: Execution) -> tuple[State, list[tuple[str, str, str]]]:
    description, steps = describe(session, execution)
    return (description, steps), [_line(session, step) for step in steps]


def _line(session: Session, step: Mapping[str, Any]) -> tuple[str, str, str]:
    """Name, status and detail of a step, as the progress table shows them."""
    detail = ""
    if step["StepName"] == "TuningWithCrossValidation" and "TuningJob" in step.get("Metadata", {}):
        job = session.client("sagemaker").describe_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name_of(step["Metadata"]["TuningJob"]["Arn"])
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


def _why(
    session: Session,
    execution: Execution,
    description: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
) -> str:
    failed = [step for step in steps if step["StepStatus"] == "Failed"]
    if not failed:
        reason = description.get("FailureReason", description["PipelineExecutionStatus"])
        return f"{execution.dataset}: the execution ended without a result: {reason}. Run 03 again."
    step = failed[0]
    # local_aws says in the reason where the log is; AWS does not.
    kind, about = next(iter(step.get("Metadata", {}).items()), ("", {}))
    log = f"\nLog: {LOGS[kind]}, job {name_of(about['Arn'])}" if kind in LOGS and not session.is_local else ""
    return (
        f"{execution.dataset}: {step['StepName']} failed. {step.get('FailureReason', 'No reason is given.')}"
        f"{log}\nFix what the log names and run 03 again."
    )
