"""Watches executions until the last one ends, and starts those that wait for room."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from helpers.cost.prices import Prices, load
from helpers.display.progress import Progress
from helpers.errors import JobFailed
from helpers.runs import facts, outcome, searches
from helpers.runs.executions.execution import RUNNING, Execution, describe, name_of, statuses
from helpers.runs.executions.queue import MOST, start_waiting
from helpers.runs.executions.unattended import unattended
from helpers.session import Session
from helpers.session.patience import patiently

__all__ = ["watch"]

POLL_SECONDS = {True: 0.5, False: 15.0}  # for a local session, and for AWS, which limits the rate of calls
# Executions that are looked at each time. Of more, one list tells which have ended, and a few others show how
# far they are; otherwise the looks would take more than the jobs.
AT_A_TIME = 4
POLL_MANY_SECONDS = {True: 1.0, False: 15.0}

GOES_ON = "Its execution has started and not ended."

State = tuple[dict[str, Any], list[dict[str, Any]]]  # an execution's description and its steps

STANDS: State = ({"PipelineExecutionStatus": "Succeeded"}, [])  # of an earlier run, which has told its steps


def watch(
    session: Session, executions: Sequence[Execution], most: int = MOST, prices: str = ""
) -> list[Execution]:
    """Show the progress of executions until the last one ends, and start those that wait.

    The outcome of each is recorded as soon as it ends; one that fails does not stop the others.

    Args:
        session: where they run.
        executions: what `start` returned.
        most: how many executions may run at the same time.
        prices: a file with other prices than the list's, as PRICES names it.

    Returns:
        Those whose model was evaluated, whether the gate let it pass or not.

    Raises:
        BadInput: the prices cannot be used.
        JobFailed: no model was evaluated; the message says why for each.
        Interrupted: somebody interrupted this; the executions go on.
        UserError: AWS refused a call, or could not be called for 15 minutes; the executions go on.
    """
    listed = load(prices)
    with unattended(executions):
        found = _follow(session, executions, most, listed)
    evaluated = [execution for execution in executions if found.get(execution, {}).get("scores")]
    failed = {it.dataset: found[it] for it in executions if it in found and found[it]["outcome"] == "failed"}
    told = [outcome.sentences(name, each) for name, each in failed.items()]
    if not evaluated:
        raise JobFailed("\n\n".join(told) or "Nothing was started, so there is nothing to inspect.")
    for each in told:
        print(f"\n{each}")
    return evaluated


def _follow(
    session: Session, executions: Sequence[Execution], most: int, prices: Prices
) -> dict[Execution, dict[str, Any]]:
    """The facts about each execution, after all have ended."""
    progress, told, turn = Progress(), 0, 0
    states: dict[Execution, State] = {}
    found: dict[Execution, dict[str, Any]] = {}
    for execution in (each for each in executions if each.standing):
        states[execution] = STANDS
        found[execution] = patiently(session, lambda it=execution: outcome.ended(session, it, *STANDS))
        facts.record(execution.dataset, **found[execution])
    while True:
        running = [it for it in executions if it.arn and _runs(states.get(it))]
        for execution in patiently(session, lambda them=running, now=turn: _due(session, them, now)):
            begins = execution not in states
            states[execution], lines = patiently(session, lambda it=execution: _look(session, it))
            progress.update(execution.dataset, lines)
            if not _runs(states[execution]):
                found[execution] = patiently(
                    session, lambda it=execution: outcome.ended(session, it, *states[it], prices)
                )
                facts.record(execution.dataset, **found[execution])
            elif begins:
                facts.record(execution.dataset, outcome="running", said=GOES_ON, execution=execution.arn)
        turn += 1
        busy = sum(_runs(states.get(it)) for it in running)
        waiting = patiently(session, lambda room=most - busy: start_waiting(session, executions, room))
        if waiting and waiting != told:
            wait = f"{'waits' if waiting == 1 else 'wait'} for others to end"
            print(f"{waiting} of {len(executions)} executions {wait}; {most} may run at a time.")
        told = waiting
        if not waiting and not any(_runs(states.get(it)) for it in executions if it.arn):
            return found
        pauses = POLL_SECONDS if busy <= AT_A_TIME else POLL_MANY_SECONDS
        time.sleep(pauses[session.is_local])


def _due(session: Session, running: Sequence[Execution], turn: int) -> list[Execution]:
    """Which executions to look at now: all, or of many those that have ended, and a few others in turn."""
    if len(running) <= AT_A_TIME:
        return list(running)
    status = statuses(session, running)
    start = turn * AT_A_TIME % len(running)
    others = [*running, *running][start : start + AT_A_TIME]
    return [it for it in running if it in others or status.get(it.arn) not in RUNNING]


def _runs(state: State | None) -> bool:
    """Whether an execution has not ended, as far as that is known."""
    return state is None or state[0]["PipelineExecutionStatus"] in RUNNING


def _look(session: Session, execution: Execution) -> tuple[State, list[tuple[str, str, str]]]:
    description, steps = describe(session, execution)
    return (description, steps), [_line(session, step) for step in steps]


def _line(session: Session, step: Mapping[str, Any]) -> tuple[str, str, str]:
    """Name, status and detail of a step, as the progress table shows them."""
    detail = ""
    if step["StepName"] == searches.TUNING and "TuningJob" in step.get("Metadata", {}):
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
    if step["StepName"] == searches.PACKED and "TrainingJob" in step.get("Metadata", {}):
        detail = searches.progress(session, name_of(step["Metadata"]["TrainingJob"]["Arn"]))
    if "CacheHitResult" in step:
        detail = "taken from an earlier execution"
    return step["StepName"], step["StepStatus"], detail
