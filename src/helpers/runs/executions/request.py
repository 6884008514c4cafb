"""What an execution is asked for: its pipeline, parameters and data, and a digest that tells two apart."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tabular.spec.metrics import METRICS, SCORERS

from contract.seeds import RANDOM_STATE, tuner_seed
from helpers.data.datasets import Dataset, inputs
from helpers.errors import BadInput
from helpers.session import Session
from helpers.session.patience import patiently

__all__ = ["Request", "definition_of", "requests"]

# How a table is evaluated: the keys of its entry in DATASETS, and the parameters of the pipeline.
JUDGED = {
    "scorer": "CrossValidationScorer",
    "metric": "MetricForRegistrationThreshold",
    "min_metric": "MinThresholdForRegisterMetric",
}
DIGITS = 16  # of a digest, in hexadecimal


@dataclass(frozen=True)
class Request:
    """An execution that somebody asks for. Its digest covers definition, parameters and data."""

    dataset: str
    pipeline: str
    parameters: Mapping[str, str]
    digest: str

    def arguments(self, run_id: str, attempt: int) -> dict[str, Any]:
        """The arguments of StartPipelineExecution.

        The token is the same whenever the same run asks for the same attempt, so it starts nothing twice.
        """
        token = hashlib.sha256(f"{run_id} {self.dataset} {self.digest} {attempt}".encode()).hexdigest()
        return {
            "PipelineName": self.pipeline,
            "PipelineExecutionDisplayName": f"{self.dataset}-{run_id}",
            "PipelineExecutionDescription": f"{self.dataset}, run {run_id}, request {self.digest}",
            "PipelineParameters": [{"Name": name, "Value": value} for name, value in self.parameters.items()],
            "ClientRequestToken": token,
        }


def requests(
    session: Session,
    tables: Sequence[Dataset],
    parameters: Mapping[str, object],
    judged: Mapping[str, Mapping[str, object]],
    developer: str,
) -> tuple[list[Request], dict[str, str]]:
    """Check what is asked for each table, upload the tables, and return the requests.

    Returns:
        The requests, and for each table that cannot be asked for why not.

    Raises:
        BadInput: there is no such pipeline, or a name is too long.
    """
    for table in tables:
        session.group(table.name)  # a name that is too long would otherwise be refused only at registration
    pipelines = {session.pipeline(table.family, developer) for table in tables}
    definitions = {name: definition_of(session, name) for name in sorted(pipelines)}
    made, refused = [], {}
    for table in tables:
        pipeline = session.pipeline(table.family, developer)
        own = {JUDGED[key]: value for key, value in table.judged.items()}
        seed = tuner_seed(table.name, parameters.get("RandomState", RANDOM_STATE))
        given = {"TunerSeed": seed, **parameters, **judged.get(table.family, {}), **own}
        if not table.options.partition and "FleetInstances" in given:
            given["FleetInstances"] = 1  # its one file cannot be shared among instances
        try:
            _check_partitions(table, given)
            _check_judgement(table, given)
            asked = {**inputs(session, table), **given}
        except BadInput as error:
            refused[table.name] = str(error)
            continue
        values = {name: _as_text(value) for name, value in asked.items()}
        whole = json.dumps([pipeline, definitions[pipeline], values], sort_keys=True)
        digest = hashlib.sha256(whole.encode()).hexdigest()[:DIGITS]
        made.append(Request(table.name, pipeline, values, digest))
    return made, refused


def _check_partitions(table: Dataset, parameters: Mapping[str, object]) -> None:
    """Refuse a table with partitions if its models would be searched by jobs of their own."""
    search = parameters.get("Search", "jobs")
    if table.options.partition and search != "packed":
        raise BadInput(
            f"The data set {table.name} has the option partition, and SEARCH is {search!r}; set SEARCH to "
            "'packed', in which one job searches all partitions, or leave the option out."
        )


def definition_of(session: Session, pipeline: str) -> str:
    """The compiled definition of a pipeline.

    Raises:
        BadInput: there is no such pipeline.
    """
    sagemaker = session.client("sagemaker")
    try:
        return patiently(
            session, lambda: session.client("sagemaker").describe_pipeline(PipelineName=pipeline)
        )["PipelineDefinition"]
    except sagemaker.exceptions.ResourceNotFound:
        raise BadInput(f"There is no pipeline {pipeline!r}; run 02_define_pipeline first.") from None


def _check_judgement(table: Dataset, parameters: Mapping[str, object]) -> None:
    """Refuse a scorer or a metric that does not fit the task, before anything starts."""
    for key, by_task in (("scorer", SCORERS), ("metric", METRICS)):
        value, allowed = parameters.get(JUDGED[key]), by_task[table.task]
        if value is not None and value not in allowed:
            raise BadInput(
                f"The {key} {value!r} does not fit {table.name}, which is a {table.task} table; allowed are "
                f"{', '.join(allowed)}. Give its entry in DATASETS its own {key}."
            )


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
