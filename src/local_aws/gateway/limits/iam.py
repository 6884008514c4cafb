"""IAM's rules of roles.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import json
import re
from collections.abc import Callable
from typing import Any

from local_aws.core.errors import AwsError
from local_aws.gateway.limits.tags import tag_problem

__all__ = ["RULES"]

_TRUST_POLICY = 2048  # characters; IAM does not count white space


def _create_role(request: dict[str, Any]) -> None:
    text = request["AssumeRolePolicyDocument"]
    try:
        policy = json.loads(text)
    except ValueError:
        policy = None
    if not isinstance(policy, dict) or not policy.get("Statement"):
        raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json or no statement")
    if len(re.sub(r"\s", "", text)) > _TRUST_POLICY:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {_TRUST_POLICY}", 409)
    if problem := tag_problem(request.get("Tags", ())):
        raise AwsError("InvalidInput", problem)


RULES: dict[str, Callable[[dict[str, Any]], None]] = {"iam:CreateRole": _create_role}
