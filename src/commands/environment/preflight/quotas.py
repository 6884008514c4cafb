"""Checks whether the account may run as much at the same time as the parameters require."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from commands.environment.preflight.check import Check, Place
from helpers.data import datasets

__all__ = ["WORKLOAD", "quotas"]

# The parameters that decide how much runs at the same time, and on which instances.
WORKLOAD = (
    "DATASETS",
    "MAX_PARALLEL_EXECUTIONS",
    "MAX_TUNING_JOBS",
    "MAX_TUNING_PARALLEL_JOBS",
    "SEARCH",
    "PREPROCESSING_INSTANCE",
    "TRAINING_INSTANCE",
    "EVALUATION_INSTANCE",
)
EXECUTIONS = "concurrent pipeline executions"
FILE = "parameters/aws.yaml"


@dataclass(frozen=True)
class Need:
    """What an environment or a run in it needs of a quota.

    Attributes:
        number: How many instances, or executions, at the same time.
        why: How that number comes about.
        less: What would lower the number, and where it is set.
        choice: What sets the instance type, and where; empty for executions.
    """

    number: int
    why: str
    less: str
    choice: str


def quotas(place: Place) -> Iterator[Check]:
    """A line for each quota that the environment and a run in it need.

    Follows https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
    """
    needs = _needs(place)
    found: dict[str, dict[str, Any]] = {}
    for page in (
        place.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    ):
        found |= {name: quota for quota in page["Quotas"] if (name := _known(quota["QuotaName"])) in needs}
        if len(found) == len(needs):
            break  # there are well over a thousand
    for name, need in needs.items():
        if name == EXECUTIONS and name not in found:
            continue  # an account that lists none has the default, which the parameters start from
        if name not in found:
            todo = f"Set {need.choice} to an instance type that {place.settings['region']} offers."
            yield Check("quota", False, f"there is no quota for {name}", todo)
            continue
        value, code = found[name]["Value"], found[name]["QuotaCode"]
        todo = (
            f"Request {need.number} with `aws service-quotas request-service-quota-increase --service-code "
            f"sagemaker --quota-code {code} --desired-value {need.number} "
            f"--region {place.settings['region']}`, or lower {need.less}."
        )
        seen = f"{name}: {value:g} allowed, {need.number} needed ({need.why})"
        yield Check("quota", value >= need.number, seen, todo if value < need.number else "")


def _known(quota: str) -> str:
    """The name of a quota here: AWS does not document how it names that of executions."""
    return EXECUTIONS if EXECUTIONS in quota.lower() else quota


def _needs(place: Place) -> dict[str, Need]:
    """What is needed, by the name of the quota."""
    values = place.parameters
    if not place.trains:
        return _of_the_endpoint(place)
    tables = min(len(datasets.names(values["DATASETS"])), values["MAX_PARALLEL_EXECUTIONS"])
    packed = values["SEARCH"] == "packed"
    trials = 1 if packed else min(values["MAX_TUNING_PARALLEL_JOBS"], values["MAX_TUNING_JOBS"])
    by_table = f"{tables} {'table' if tables == 1 else 'tables'}"
    needs = {
        f"{values['TRAINING_INSTANCE']} for training job usage": Need(
            tables * trials,
            by_table if packed else f"{by_table} x {trials} trials at a time",
            f"{'' if packed else 'MAX_TUNING_PARALLEL_JOBS or '}DATASETS in {FILE}",
            f"TRAINING_INSTANCE in {FILE}",
        )
    }
    # An execution cleans or evaluates, never both at the same time.
    processing = ("PREPROCESSING_INSTANCE", "EVALUATION_INSTANCE")
    for instance in dict.fromkeys(values[name] for name in processing):
        choices = " and ".join(name for name in processing if values[name] == instance)
        needs[f"{instance} for processing job usage"] = Need(
            tables, by_table, f"DATASETS in {FILE}", f"{choices} in {FILE}"
        )
    needs |= _of_the_endpoint(place)
    needs[EXECUTIONS] = Need(tables, by_table, f"MAX_PARALLEL_EXECUTIONS in {FILE}", "")
    return needs


def _of_the_endpoint(place: Place) -> dict[str, Need]:
    if not place.settings["endpoint_enabled"]:
        return {}
    endpoint, number = place.settings["endpoint"], place.settings["endpoints"]
    most, least = number * endpoint["max_instances"], number * endpoint["min_instances"]
    return {
        f"{endpoint['instance_type']} for endpoint usage": Need(
            most + least,
            f"up to {most}, plus {least} during an update",
            f"endpoint.max_instances{' or endpoints' if number > 1 else ''} in {place.environment.variables}",
            f"endpoint.instance_type in {place.environment.variables}",
        )
    }
