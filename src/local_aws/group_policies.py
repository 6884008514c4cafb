"""Resource policies of model package groups: kept with the group, and without effect."""

import json

from local_aws.errors import invalid
from local_aws.registry import Registry
from local_aws.store import Document, Store

__all__ = ["GroupPolicies"]


class GroupPolicies:
    """The operations on the policies that let other accounts use a group.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_PutModelPackageGroupPolicy.html
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store, self._registry = store, registry

    def put_model_package_group_policy(self, request: Document) -> Document:
        """Record a group's policy, which takes the place of an earlier one."""
        try:
            policy = json.loads(request["ResourcePolicy"])
        except ValueError as error:
            raise invalid(f"The ResourcePolicy is not JSON: {error}") from None
        if not (isinstance(policy, dict) and policy.get("Statement")):
            raise invalid("The ResourcePolicy has no Statement.")
        group = self._change(request, request["ResourcePolicy"])
        return {"ModelPackageGroupArn": group["ModelPackageGroupArn"]}

    def get_model_package_group_policy(self, request: Document) -> Document:
        """Return a group's policy."""
        return {"ResourcePolicy": self._group_with_policy(request)["ResourcePolicy"]}

    def delete_model_package_group_policy(self, request: Document) -> Document:
        """Forget a group's policy."""
        self._group_with_policy(request)
        self._change(request, None)
        return {}

    def _change(self, request: Document, policy: str | None) -> Document:
        name = self._registry.describe_model_package_group(request)["ModelPackageGroupName"]
        return self._store.update("model-package-group", name, ResourcePolicy=policy)

    def _group_with_policy(self, request: Document) -> Document:
        group = self._registry.describe_model_package_group(request)
        if not group.get("ResourcePolicy"):
            raise invalid(f"Cannot find a resource policy for {group['ModelPackageGroupArn']}.")
        return group
