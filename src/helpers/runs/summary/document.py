"""The document: what a summary says of a run and of each of its data sets.

docs/operations/summary.md describes it; docs/schemas/summary.schema.json is its JSON Schema.
"""

import os
import socket
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict

import psutil

from helpers.cost.actual import Accuracy, Billed
from helpers.cost.forecast.estimate import ForecastFacts

__all__ = [
    "NOT_YET",
    "VERSION",
    "Cost",
    "DataSet",
    "Ensemble",
    "Fleet",
    "Member",
    "Notebook",
    "Notification",
    "Outcome",
    "Process",
    "Scores",
    "Search",
    "Status",
    "Summary",
    "data_set",
    "new",
    "now",
    "this_process",
]

VERSION = 1
NOT_YET = "This run has not started it yet."  # of a table, while the run goes on

Status = Literal["running", "done", "failed", "refused", "interrupted", "killed"]
Outcome = Literal["registered", "kept", "refused", "failed", "interrupted", "not-started", "running"]


class Process(TypedDict):
    """The process that wrote a summary: its id, machine, and start in seconds since 1970."""

    pid: int
    host: str
    began: float


class Notebook(TypedDict):
    """One notebook of a run; the path is relative to the run's folder."""

    status: Literal["not-started", "running", "done", "failed", "interrupted"]
    seconds: float | None
    error: str | None
    path: str | None


class Scores(TypedDict):
    """How a model was judged; `value` is that of `metric`, by which the gate decides.

    `cross_validation` is the best of many, so it is too optimistic; in nested cross-validation, no fold
    scores what it has helped to select.
    """

    scorer: str
    cross_validation: float
    nested_cross_validation: float | None
    metric: str
    value: float
    threshold: float
    held_out: dict[str, float]


class Member(TypedDict):
    """A member of an ensemble, and its weight in it; the weights add up to 1."""

    algorithm: str
    weight: float


class Ensemble(TypedDict):
    """The ensemble of a search's trials: whether it was fitted, and why, or why not.

    `gain` is how much better it is than the best trial in nested cross-validation, and `gain_low` to
    `gain_high` are the range of 90% of the draws.
    """

    chosen: bool
    reason: str
    score: float
    nested_score: float
    gain: float
    gain_low: float
    gain_high: float
    members: list[Member]


class Search(TypedDict):
    """How the model of a data set was searched for.

    Attributes:
        way: `jobs`, a job for each trial, or `packed`, all in one.
        trials: How many there were; and of them:
        complete: Those that have a score.
        pruned: Those that were given up.
        failed: Those that failed.
        stopped: Of a packed search, whether it ended by the number of `trials` or by the `time`.
        warm_started_from: The version whose trials it began with.
        ensemble: Null if none was made.
    """

    way: Literal["jobs", "packed"]
    trials: int
    complete: int
    pruned: int
    failed: int
    stopped: Literal["trials", "time"] | None
    warm_started_from: int | None
    ensemble: Ensemble | None


class Fleet(TypedDict):
    """Of a table with partitions: how many there are, and what serves them.

    Attributes:
        partitions: How many there are; and of them:
        own: Those served by a model of their own.
        pooled: Those served by the model of all partitions.
        kept: Those that keep the model of an earlier version, because the new one may be worse.
        taken_over: Those that were not searched, because their rows have not changed.
        unfinished: Those whose search failed or had too little time.
    """

    partitions: int
    own: int
    pooled: int
    kept: int
    taken_over: int
    unfinished: int


class Cost(TypedDict):
    """What a run cost, and what had been forecast; null is unknown.

    Attributes:
        billable_seconds: Of all jobs, as SageMaker bills them.
        dollars: What they cost at list prices; null on a laptop, where nothing is billed.
        saved_seconds: What spot capacity saved of the seconds that jobs ran.
        cap: What MAX_COST_USD allows.
        forecast: What the run would take on AWS.
        forecast_here: Of a run on a laptop, what it would take here.
        earlier: How far off the forecasts of earlier runs were.
    """

    billable_seconds: float | None
    dollars: float | None
    saved_seconds: float | None
    cap: float | None
    forecast: ForecastFacts | None
    forecast_here: ForecastFacts | None
    earlier: Accuracy | None


class Notification(TypedDict):
    """Who was told how a run ended, without a secret, and why not, if it failed."""

    to: str
    error: str | None


class DataSet(TypedDict):
    """The outcome of one data set; null is unknown, or does not apply.

    Attributes:
        outcome: The one word for it.
        said: Why, in a sentence.
        advice: What to do, in a sentence.
        version: The version that the run registered or found awaiting a decision; of a run that trains
            nothing, the newest one.
        awaits_decision: Whether that version awaits approval.
        decision: What this run decided about it, `approve` or `reject`.
        in_service: The version in service when it was last looked at.
        step: The step that failed.
        job: The name of its job.
        log: Where its log is: a path, or a log group and stream of CloudWatch.
        algorithm: The algorithm that won.
        hyperparameters: Its hyperparameters.
        search: How it was searched for.
        fleet: Of a table with partitions, what serves them.
        scores: How its model was judged.
        seconds: From the execution's start to its end.
        steps: The seconds of each step.
        billable_seconds: Of all its jobs, as SageMaker bills them.
        billed: The same for each step, with dollars.
        forecast: What it would take on AWS.
        forecast_here: Of a run on a laptop, what it would take here.
        execution: The execution's ARN.
        predictions: The check of the endpoint's predictions, in words.
        links: Addresses by name, such as `evaluation`, the page about its model.
    """

    outcome: Outcome
    said: str
    advice: str | None
    version: int | None
    awaits_decision: bool | None
    decision: str | None
    in_service: int | None
    step: str | None
    job: str | None
    log: str | None
    algorithm: str | None
    hyperparameters: dict[str, Any] | None
    search: Search | None
    fleet: Fleet | None
    scores: Scores | None
    seconds: float | None
    steps: dict[str, float | None]
    billable_seconds: float | None
    billed: Billed | None
    forecast: ForecastFacts | None
    forecast_here: ForecastFacts | None
    execution: str | None
    predictions: str | None
    links: dict[str, str]


class Summary(TypedDict):
    """The state of a run; times are UTC in ISO 8601.

    `run_id` is that of its executions: with it as RUN_ID, notebook 03 attaches to them. `killed` are the runs
    before it that were found to have been killed.
    """

    schema: int
    run: str
    status: Status
    exit_code: int | None
    error: str | None
    started: str
    updated: str
    ended: str | None
    seconds: float
    resumed: list[str]
    killed: list[str]
    process: Process
    environment: str
    pipeline: str
    parameters: dict[str, Any]
    run_id: str | None
    notebooks: dict[str, Notebook]
    cost: Cost
    notification: Notification | None
    data_sets: dict[str, DataSet]


def now() -> str:
    """This moment, as a summary has it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new(
    run: str,
    parameters: Mapping[str, Any],
    environment: str,
    pipeline: str,
    notebooks: Iterable[str],
    data_sets: Iterable[str],
) -> Summary:
    """The summary of a run of this process that begins now."""
    begin = now()
    return {
        "schema": VERSION,
        "run": run,
        "status": "running",
        "exit_code": None,
        "error": None,
        "started": begin,
        "updated": begin,
        "ended": None,
        "seconds": 0.0,
        "resumed": [],
        "killed": [],
        "process": this_process(),
        "environment": environment,
        "pipeline": pipeline,
        "parameters": dict(parameters),
        "run_id": None,
        "notebooks": {
            stem: {"status": "not-started", "seconds": None, "error": None, "path": None}
            for stem in notebooks
        },
        "cost": dict.fromkeys(Cost.__annotations__),  # type: ignore[typeddict-item]
        "notification": None,
        "data_sets": {name: data_set(NOT_YET) for name in data_sets},
    }


def data_set(said: str, outcome: Outcome = "not-started", **facts: Any) -> DataSet:
    """What is known about a data set, with null for all that is not given."""
    unknown: dict[str, Any] = dict.fromkeys(DataSet.__annotations__)
    return unknown | {"outcome": outcome, "said": said, "steps": {}, "links": {}} | facts  # type: ignore[return-value]


def this_process() -> Process:
    """The process that writes a summary."""
    return {"pid": os.getpid(), "host": socket.gethostname(), "began": psutil.Process().create_time()}
