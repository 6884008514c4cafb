"""A second record of executions, in MLflow: a run for each, and its trials as the run's children.

Only if MLFLOW_TRACKING_URI, or Terraform's mlflow_tracking_server_arn, says where; without either, nothing
of MLflow is imported. It is written once an execution has ended, from what SageMaker and the report say: jobs
need neither MLflow nor its server, and a server that does not answer costs a sentence.
"""

import logging
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from helpers.errors import one_line
from helpers.session import Session

__all__ = ["Tracked", "log", "tracking_uri"]

PAGE = "report.html"
# The tag with the ARN of an execution, set last: a run without it was interrupted, and is written again.
_EXECUTION = "execution"
_SETTINGS = {
    # MLflow's own patience is minutes: 120 seconds for each of 8 attempts.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # two lines for each trial
}
# The plugin for SageMaker's servers warns at every request to any other server.
_NOISY = "mlflow.tracking.request_header.registry"


# How a trial ended, in MLflow's words.
ENDS = {"complete": "FINISHED", "pruned": "KILLED", "stopped": "KILLED", "failed": "FAILED"}


@dataclass(frozen=True)
class Tracked:
    """What is kept of an execution.

    Attributes:
        group: The name of its model package group, which is also that of the experiment.
        name: What the run is called.
        execution: Its ARN.
        params: The winner and how it was found.
        metrics: The winner's score and its metrics on held-out rows.
        tags: What else one may want to search for.
        trials: As in `results.leaderboard`.
        page: The evaluation as a page of HTML.
    """

    group: str
    name: str
    execution: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    trials: pd.DataFrame
    page: str
    tags: Mapping[str, str] = field(default_factory=dict)


def tracking_uri(session: Session) -> str:
    """Where MLflow keeps runs: MLFLOW_TRACKING_URI, else the environment's tracking server, else empty."""
    return os.environ.get("MLFLOW_TRACKING_URI") or session.mlflow_tracking_server_arn


def log(uri: str, tracked: Tracked) -> None:
    """Write an execution to MLflow, unless it is there; if that fails, warn in a sentence."""
    before = {name: os.environ.get(name) for name in _SETTINGS}
    os.environ |= {name: value for name, value in _SETTINGS.items() if before[name] is None}
    try:
        _log(uri, tracked)
    except ModuleNotFoundError:
        warnings.warn(
            f"MLflow is not installed, so {tracked.name} is not recorded at {uri}; "
            "docs/operations/mlflow.md says how to.",
            stacklevel=3,
        )
    except Exception as error:  # whatever a server or a client may raise: the execution has ended well
        warnings.warn(
            f"MLflow at {uri} does not have {tracked.name}: {one_line(error)}. The execution itself is not "
            "affected; run 03 again to write it.",
            stacklevel=3,
        )
    finally:
        for name in (name for name, value in before.items() if value is None):
            os.environ.pop(name)


def _log(uri: str, tracked: Tracked) -> None:
    import mlflow

    logging.getLogger(_NOISY).setLevel(logging.ERROR)
    mlflow.set_tracking_uri(uri)  # which the plugin for SageMaker's servers asks for
    client = mlflow.MlflowClient()
    found = client.get_experiment_by_name(tracked.group)
    experiment = found.experiment_id if found else client.create_experiment(tracked.group)
    if client.search_runs([experiment], f"tags.{_EXECUTION} = '{tracked.execution}'", max_results=1):
        return
    run = client.create_run(experiment, run_name=tracked.name, tags=dict(tracked.tags)).info.run_id
    _log_batch(client, run, tracked.params, tracked.metrics)
    for place, trial in tracked.trials.iterrows():
        tags = {"mlflow.parentRunId": run}
        child = client.create_run(experiment, run_name=f"{tracked.name}-{place}", tags=tags).info.run_id
        params = {"algorithm": trial["algorithm"], "hyperparameters": trial["hyperparameters"]}
        _log_batch(client, child, params, {"score": trial["score"], "seconds": trial["seconds"]})
        client.set_terminated(child, ENDS[trial["state"]])
    client.log_text(run, tracked.page, PAGE)
    client.set_tag(run, _EXECUTION, tracked.execution)
    client.set_terminated(run)


def _log_batch(client: Any, run: str, params: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
    from mlflow.entities import Metric, Param

    # A trial that failed has no score.
    values = [Metric(name, float(value), 0, 0) for name, value in metrics.items() if pd.notna(value)]
    client.log_batch(run, values, [Param(name, str(value)) for name, value in params.items()])
