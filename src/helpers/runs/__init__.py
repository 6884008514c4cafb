"""Notebook 03: executions of the pipelines, from the request to the results.

- `executions`: attaches to them or starts them, watches them, stops them.
- `searches`, `results`, `evaluations`: what came out of them; `tracking`: the same, in MLflow.
- `outcome`: what became of each table.
- `forecasts`: what a run will take and cost, and what it has cost; `samples`: what a fleet takes here.
- `facts`, `summary`: the same for a headless run, left in the notebook and kept as the state of the run.
"""

from helpers.runs.executions.earlier import find
from helpers.runs.executions.execution import RUNNING, Execution
from helpers.runs.executions.queue import MOST
from helpers.runs.executions.starting import start
from helpers.runs.executions.stopping import stop
from helpers.runs.executions.watching import watch
from helpers.runs.forecasts import billed, forecast
from helpers.runs.outcome import leave_out
from helpers.runs.outcome import table as outcomes
from helpers.runs.results import (
    evaluation,
    evaluation_uri,
    last_seconds,
    leaderboard,
    metrics,
    registered_version,
    search,
    steps,
    track,
)
from helpers.runs.searches import by_algorithm, members, searched

__all__ = [
    "MOST",
    "RUNNING",
    "Execution",
    "billed",
    "by_algorithm",
    "evaluation",
    "evaluation_uri",
    "find",
    "forecast",
    "last_seconds",
    "leaderboard",
    "leave_out",
    "members",
    "metrics",
    "outcomes",
    "registered_version",
    "search",
    "searched",
    "start",
    "steps",
    "stop",
    "track",
    "watch",
]
__dir__ = __all__.copy
