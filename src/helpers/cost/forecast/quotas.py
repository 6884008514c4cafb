"""How many instances the account may use at a time: AWS's Service Quotas, as far as they may be read."""

import re
from collections.abc import Collection, Iterable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from helpers.cost.forecast.estimate import Work

__all__ = ["quotas", "wanted"]

QUOTA = re.compile(r"(?P<type>ml\.\S+) for (?P<kind>training|processing|transform) job usage")


def wanted(work: Iterable[Work]) -> set[tuple[str, str]]:
    """The kinds of jobs and the instance types of all steps."""
    return {(step.kind, name) for it in work for step in it.steps for name in step.types}


def quotas(client: Any, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], float] | None:
    """How many instances an account may use at a time, by kind of job and instance type, where it is known.

    Follows https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html

    Args:
        client: of Service Quotas, in the region of the jobs.
        wanted: kinds and instance types.

    Returns:
        None if they may not be read.
    """
    found: dict[tuple[str, str], float] = {}
    try:
        for page in client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker"):
            for quota in page["Quotas"]:
                name = QUOTA.fullmatch(quota["QuotaName"])
                if name and (key := (name["kind"], name["type"])) in wanted:
                    found[key] = quota["Value"]
            if len(found) == len(set(wanted)):
                break  # there are well over a thousand
    except (BotoCoreError, ClientError):
        return None
    return found
