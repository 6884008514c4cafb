"""What IAM says to a call under a policy of an identity or a resource, as far as this project's policies go.

moto's own access control (5.2.5) does not fit: there, a condition that does not hold denies the call, even in
a statement that allows, and no other statement can allow it any more.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["actions", "allows", "permits", "statements"]


def statements(policy: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The statements of a policy, actions and resources always as lists; ECR's policies name no resource."""
    for statement in policy["Statement"]:
        resources = _list(statement.get("Resource", "*"))
        yield {**statement, "Action": _list(statement["Action"]), "Resource": resources}


def actions(policy: Mapping[str, Any]) -> set[str]:
    """Every action that a policy names."""
    return {action for statement in statements(policy) for action in statement["Action"]}


def allows(
    policy: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str] | None = None
) -> bool:
    """Whether an identity policy allows an action on a resource, given the request's condition keys."""
    keys = context or {}
    effects = {
        statement["Effect"]
        for statement in statements(policy)
        if any(_like(pattern.lower(), action.lower()) for pattern in statement["Action"])
        and any(_like(_filled(pattern, keys), resource) for pattern in statement["Resource"])
        and _holds(statement.get("Condition", {}), keys)
    }
    return effects == {"Allow"}


def permits(policy: Mapping[str, Any], account_id: str, action: str, resource: str) -> bool:
    """Whether a resource's policy allows an action to another account, whose own policies must allow it too.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
    """
    everyone, account = "*", f":iam::{account_id}:root"
    about = [
        statement
        for statement in policy["Statement"]
        if statement["Principal"] == everyone
        or any(
            principal == everyone or principal.endswith(account)
            for principal in _list(statement["Principal"].get("AWS", []))
        )
    ]
    return allows({"Statement": about}, action, resource)


def _holds(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    return all(
        _holds_one(operator, context.get(key), [_filled(one, context) for one in _list(wanted)])
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds_one(operator: str, value: str | None, wanted: list[str]) -> bool:
    if value is None:
        return operator.endswith("IfExists")
    if operator.removesuffix("IfExists") in ("StringEquals", "Bool", "ArnEquals"):
        return value in wanted
    if operator.removesuffix("IfExists") in ("StringLike", "ArnLike"):
        return any(_like(pattern, value) for pattern in wanted)
    raise NotImplementedError(f"The condition operator {operator} is not known here; add it.")


def _filled(pattern: str, context: Mapping[str, str]) -> str:
    """The pattern with its policy variables, such as `${sagemaker:DomainId}`; one without a value stays.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    return re.sub(r"\$\{([\w:]+)\}", lambda found: context.get(found[1], found[0]), pattern)


def _like(pattern: str, value: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value) is not None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
