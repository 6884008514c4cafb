"""Judges what the roles of an environment do, by the policies that Terraform gives them.

policies.json has these policies as Terraform plans them, with placeholders for names; tests/terraform
compares the file with the plan. Roles that belong to no environment may do everything. Another account may do
what a resource's policy allows it; what its own policies allow, local_aws does not judge.
"""

import functools
import json
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from local_aws.core.account import Account, other_account
from local_aws.core.errors import AwsError
from local_aws.core.requests.iam import allows, permits
from local_aws.core.requests.wire import Reply, Request
from local_aws.gateway.calls import Call, Calls

__all__ = ["Access"]

# How services call a refusal, if not as most do.
_CODES = {"s3": "AccessDenied", "sns": "AuthorizationError"}
_MOST_ALLOWED = 4096


class Access:
    """Refuses calls that a role's policy does not allow, and answers what it would allow.

    Args:
        account: The local AWS account.
        calls: Finds the actions of a request, and who makes it.
        environments: Returns the pipeline names of all environments.
        policy_of: Returns the policy of a resource, by its ARN; None if it has none.
    """

    def __init__(
        self,
        account: Account,
        calls: Calls,
        environments: Callable[[], list[str]],
        policy_of: Callable[[str], Mapping[str, Any] | None],
    ) -> None:
        self._account, self._calls, self._environments = account, calls, environments
        self._policy_of = policy_of
        self._known: frozenset[str] = frozenset()
        self._allowed: set[Call] = set()  # for good

    def refuse(self, request: Request) -> None:
        """Refuse what the caller's role does not allow, or to another account, what the resource does not."""
        for call in self._calls.judged(request):
            if call in self._allowed:
                continue
            if account_id := other_account(call.role):
                self._authorize_other(account_id, call.action, call.resource)
                continue
            context = dict([call.context] if call.context else [])
            self.authorize(call.role, call.action, call.resource, context)
            if self._is_lasting(call.role):
                if len(self._allowed) >= _MOST_ALLOWED:
                    self._allowed.clear()
                self._allowed.add(call)

    def authorize(self, role: str, action: str, resource: str, context: Mapping[str, str]) -> None:
        """Refuse an action that a role's policy does not allow.

        Raises:
            AwsError: It is refused, in AWS's words.
        """
        if not self._allows(role, action, resource, context):
            caller = f"arn:aws:sts::{self._account.account_id}:assumed-role/{role}/local"
            raise _denied(caller, action, resource, "identity-based")

    def _authorize_other(self, account_id: str, action: str, resource: str) -> None:
        policy = self._policy_of(resource)
        if policy is None or not permits(policy, account_id, action, resource):
            raise _denied(f"arn:aws:iam::{account_id}:user/local", action, resource, "resource-based")

    def simulate(self, request: Request) -> Reply | None:
        """Answer iam:SimulatePrincipalPolicy, which moto does not have.

        https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
        """
        if request.operation != "iam:SimulatePrincipalPolicy":
            return None
        form = dict(parse_qsl(request.body.decode(errors="replace")))
        role = form.get("PolicySourceArn", "").rpartition("/")[2]
        context = {
            value: form.get(f"{name.removesuffix('Name')}Values.member.1", "")
            for name, value in form.items()
            if name.startswith("ContextEntries.") and name.endswith(".ContextKeyName")
        }
        results = "".join(
            f"<member><EvalActionName>{escape(action)}</EvalActionName>"
            f"<EvalResourceName>{escape(resource)}</EvalResourceName>"
            f"<EvalDecision>{'allowed' if self._allows(role, action, resource, context) else 'implicitDeny'}"
            "</EvalDecision></member>"
            for action in _members(form, "ActionNames")
            for resource in _members(form, "ResourceArns") or ["*"]
        )
        content = (
            '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
            "<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated>"
            f"<EvaluationResults>{results}</EvaluationResults></SimulatePrincipalPolicyResult>"
            "<ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></SimulatePrincipalPolicyResponse>"
        )
        return Reply(content.encode(), 200, {"Content-Type": "text/xml"})

    def _allows(self, role: str, action: str, resource: str, context: Mapping[str, str]) -> bool:
        pipeline, _, purpose = role.rpartition("-")
        if purpose not in _policies():
            return True
        if pipeline not in self._known:
            self._known = frozenset(self._environments())
        if pipeline not in self._known:
            return True
        place = (pipeline, self._account.region, self._account.account_id)
        return _decision(purpose, place, action, resource, tuple(context.items()))

    def _is_lasting(self, role: str) -> bool:
        """Whether what a role may do stays as it is: a role of no environment may belong to one later."""
        pipeline, _, purpose = role.rpartition("-")
        return purpose not in _policies() or pipeline in self._known


def _denied(caller: str, action: str, resource: str, kind: str) -> AwsError:
    return AwsError(
        _CODES.get(action.partition(":")[0], "AccessDeniedException"),
        f"User: {caller} is not authorized to perform: {action} on resource: {resource} because no "
        f"{kind} policy allows the {action} action",
        403,
    )


def _members(form: Mapping[str, str], name: str) -> list[str]:
    return [value for key, value in form.items() if key.startswith(f"{name}.member.")]


@functools.cache
def _policies() -> dict[str, str]:
    """The policy of each of an environment's roles, as JSON."""
    policies = json.loads((resources.files(__package__) / "policies.json").read_text())
    return {purpose: json.dumps(policy) for purpose, policy in policies.items()}


@functools.cache
def _policy(purpose: str, place: tuple[str, str, str]) -> dict[str, Any]:
    """The policy of a role, under the names of its environment: pipeline, region and account."""
    text = _policies()[purpose]
    for name, value in zip(("pipeline_name", "region", "account_id"), place, strict=True):
        text = text.replace(f"${{{name}}}", value)
    return json.loads(text)


@functools.lru_cache(4096)
def _decision(
    purpose: str,
    place: tuple[str, str, str],
    action: str,
    resource: str,
    context: tuple[tuple[str, str], ...],
) -> bool:
    return allows(_policy(purpose, place), action, resource, dict(context))
