"""How many instances an account may use at the same time, from Service Quotas if they may be read.

Follows https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
"""

import re
from collections.abc import Collection

from botocore.exceptions import BotoCoreError, ClientError

from helpers.session import Session

__all__ = ["quotas"]

NAME = re.compile(r"(?P<type>ml\.\S+) for (?P<kind>training|processing|transform) job usage")


def quotas(session: Session, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], float] | None:
    """The quotas of an account by kind of job and instance type; those that are not found are left out.

    Args:
        session: local_aws has no quotas, so here there are none.
        wanted: kinds and instance types.

    Returns:
        None if they may not be read, as with the operator's policy: the forecast then goes by the parameters.
    """
    if session.is_local:
        return {}
    found: dict[tuple[str, str], float] = {}
    try:
        pages = session.client("service-quotas").get_paginator("list_service_quotas")
        for page in pages.paginate(ServiceCode="sagemaker"):
            for quota in page["Quotas"]:
                name = NAME.fullmatch(quota["QuotaName"])
                if name and (key := (name["kind"], name["type"])) in wanted:
                    found[key] = quota["Value"]
            if len(found) == len(set(wanted)):
                break  # there are well over a thousand
    except (BotoCoreError, ClientError):
        return None
    return found
