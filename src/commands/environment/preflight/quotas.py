"""Checks whether the account may run as much at the same time as the parameters require."""

from collections.abc import Iterator
from typing import Any

from commands.environment.preflight.check import Check, Place
from helpers.data import datasets

__all__ = ["WORKLOAD", "quotas"]

# The parameters that decide how much runs at the same time, and on which instances.
WORKLOAD = (
    "DATASETS",
    "MAX_TUNING_JOBS",
    "MAX_TUNING_PARALLEL_JOBS",
    "PREPROCESSING_INSTANCE",
    "TRAINING_INSTANCE",
    "EVALUATION_INSTANCE",
)


def quotas(place: Place) -> Iterator[Check]:
    """A line for each quota that the environment and a run in it need.

    Follows https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
    """
    needs = _needs(place)
    found: dict[str, dict[str, Any]] = {}
    for page in (
        place.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    ):
        found |= {quota["QuotaName"]: quota for quota in page["Quotas"] if quota["QuotaName"] in needs}
        if len(found) == len(needs):
            break  # there are well over a thousand
    for name, (needed, why, less) in needs.items():
        if name not in found:
            todo = f"Choose an instance type that {place.settings['region']} offers: {less}."
            yield Check("quota", False, f"there is no quota for {name}", todo)
            continue
        value, code = found[name]["Value"], found[name]["QuotaCode"]
        todo = (
            f"Request {needed} with `aws service-quotas request-service-quota-increase --service-code "
            f"sagemaker --quota-code {code} --desired-value {needed} --region {place.settings['region']}`, "
            f"or lower {less}."
        )
        seen = f"{name}: {value:g} allowed, {needed} needed ({why})"
        yield Check("quota", value >= needed, seen, todo if value < needed else "")


def _needs(place: Place) -> dict[str, tuple[int, str, str]]:
    """For each quota: how much is needed, why, and what would reduce it."""
    values, settings = place.parameters, place.settings
    tables = len(datasets.names(values["DATASETS"]))
    trials = min(values["MAX_TUNING_PARALLEL_JOBS"], values["MAX_TUNING_JOBS"])
    by_table = f"{tables} {'table' if tables == 1 else 'tables'}"
    file = "in parameters/aws.yaml"
    needs = {
        f"{values['TRAINING_INSTANCE']} for training job usage": (
            tables * trials,
            f"{by_table} x {trials} trials at a time",
            f"MAX_TUNING_PARALLEL_JOBS or DATASETS {file}",
        )
    }
    # An execution cleans or evaluates, never both at the same time.
    for name in ("PREPROCESSING_INSTANCE", "EVALUATION_INSTANCE"):
        needs[f"{values[name]} for processing job usage"] = (tables, by_table, f"DATASETS {file}")
    if settings["endpoint_enabled"]:
        endpoint = settings["endpoint"]
        most, least = endpoint["max_instances"], endpoint["min_instances"]
        needs[f"{endpoint['instance_type']} for endpoint usage"] = (
            most + least,
            f"up to {most}, plus {least} during an update",
            f"endpoint.max_instances in {place.environment.variables}",
        )
    return needs
