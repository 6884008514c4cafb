"""Notebook 03: executions of the pipelines, from the request to the results.

- `executions`: attaches to them or starts them, watches them, stops them.
- `results`, `evaluations`: what came out of them; `summary`: the same, for a headless run;
  `tracking`: the same, in MLflow.
- `progress`, `patience`: what is shown meanwhile, and how long it waits for AWS to answer.
"""

from helpers.runs.executions.earlier import find
from helpers.runs.executions.execution import RUNNING, Execution
from helpers.runs.executions.queue import MOST
from helpers.runs.executions.starting import start
from helpers.runs.executions.stopping import stop
from helpers.runs.executions.watching import watch
from helpers.runs.results import (
    evaluation,
    evaluation_uri,
    leaderboard,
    metrics,
    outcomes,
    record,
    registered_version,
    steps,
)

__all__ = [
    "MOST",
    "RUNNING",
    "Execution",
    "evaluation",
    "evaluation_uri",
    "find",
    "leaderboard",
    "metrics",
    "outcomes",
    "record",
    "registered_version",
    "start",
    "steps",
    "stop",
    "watch",
]
