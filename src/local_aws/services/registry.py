"""The model registry: groups, versions, approval."""

import hashlib
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local_aws.core.account import Account
from local_aws.core.errors import AwsError, invalid, not_emulated
from local_aws.core.requests.listing import listing
from local_aws.core.store import Document, Store

__all__ = ["GroupPolicies", "Registry", "state_change_event"]

_METADATA_LIMIT = 50
_PAGE_SIZE = 100
_UPDATABLE = {
    "ModelPackageArn",
    "ModelApprovalStatus",
    "ApprovalDescription",
    "CustomerMetadataProperties",
    "CustomerMetadataPropertiesToRemove",
}


class Registry:
    """The operations on model packages and their groups. State changes are announced."""

    def __init__(self, account: Account, store: Store, announce: Callable[[Document], None]) -> None:
        self._account, self._store, self._announce = account, store, announce
        self._lock = threading.RLock()

    # Groups

    def create_model_package_group(self, request: Document) -> Document:
        """Record a group."""
        name = request["ModelPackageGroupName"]
        arn = self.group_arn(name)
        document = {
            "ModelPackageGroupName": name,
            "ModelPackageGroupArn": arn,
            "ModelPackageGroupDescription": request.get("ModelPackageGroupDescription"),
            "ModelPackageGroupStatus": "Completed",
            "CreationTime": time.time(),
            "CreatedBy": {},
            "LastVersion": 0,
        }
        if not self._store.add("model-package-group", name, document):
            raise invalid(f"Model Package Group already exists: {arn}")
        return {"ModelPackageGroupArn": arn}

    def group_arn(self, name_or_arn: str) -> str:
        """Return a group's ARN, whether the group exists or not."""
        return self._account.arn("sagemaker", f"model-package-group/{name_or_arn.rsplit('/', 1)[-1]}")

    def has_group(self, name_or_arn: str) -> bool:
        """Return whether a group exists."""
        return self._store.find("model-package-group", name_or_arn.rsplit("/", 1)[-1]) is not None

    def ensure_group(self, name_or_arn: str) -> None:
        """Record a group unless it exists, as a RegisterModel step does."""
        name = name_or_arn.rsplit("/", 1)[-1]
        with self._lock:
            if self._store.find("model-package-group", name) is None:
                self.create_model_package_group({"ModelPackageGroupName": name})

    def describe_model_package_group(self, request: Document) -> Document:
        """Return a group's record."""
        return self._group(request["ModelPackageGroupName"])

    def list_model_package_groups(self, request: Document) -> Document:
        """List groups."""
        groups = self._store.list("model-package-group")
        chosen, following = listing(
            groups, request, name="ModelPackageGroupName", newest_first=False, size=_PAGE_SIZE
        )
        return {"ModelPackageGroupSummaryList": chosen, **following}

    def delete_model_package_group(self, request: Document) -> Document:
        """Delete a group, which must be empty. A new group of the same name starts at version 1 again."""
        with self._lock:
            group = self._group(request["ModelPackageGroupName"])
            name = group["ModelPackageGroupName"]
            if self._packages(name):
                raise AwsError(
                    "ConflictException",
                    f"Model Package Group {name} cannot be deleted: it has Model Packages.",
                )
            self._store.delete("model-package-group", name)
            self._store.delete("tags", group["ModelPackageGroupArn"])
        return {}

    # Packages

    def create_model_package(self, request: Document) -> Document:
        """Record the next version in a group; repeated requests with the same ClientToken record it once."""
        if request.get("ModelPackageName") or not request.get("ModelPackageGroupName"):
            raise not_emulated("model packages outside a group (ModelPackageName)")
        if not request.get("InferenceSpecification"):
            raise invalid("A versioned model package needs an InferenceSpecification.")
        if request.get("Tags"):
            raise invalid("A versioned model package has the tags of its group; Tags cannot be given.")
        with self._lock:
            group = self._group(request["ModelPackageGroupName"])
            if earlier := self._created_with(request.get("ClientToken")):
                return {"ModelPackageArn": earlier["ModelPackageArn"]}
            name, version, now = group["ModelPackageGroupName"], group["LastVersion"] + 1, time.time()
            arn = self._account.arn("sagemaker", f"model-package/{name}/{version}")
            # A deleted version's number is not used again: the group keeps the highest number so far.
            self._store.update("model-package-group", name, LastVersion=version)
            package = {
                "ModelApprovalStatus": "PendingManualApproval",
                **request,
                "InferenceSpecification": _with_digests(request["InferenceSpecification"]),
                "ModelPackageGroupName": name,
                "ModelPackageVersion": version,
                "ModelPackageArn": arn,
                "ModelPackageStatus": "Completed",
                "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
                "CreationTime": now,
                "LastModifiedTime": now,
            }
            self._store.put("model-package", arn, package)
        self._announce(state_change_event(self._account, package))
        return {"ModelPackageArn": arn}

    def describe_model_package(self, request: Document) -> Document:
        """Return a package's record, by its ARN or by `group/version`."""
        package = self._package(request["ModelPackageName"])
        return {**package, "ModelPackageName": package["ModelPackageGroupName"]}

    def update_model_package(self, request: Document) -> Document:
        """Change approval and metadata; the change is announced if the request has an approval status."""
        if unemulated := sorted(set(request) - _UPDATABLE):
            raise not_emulated(f"{', '.join(unemulated)} of UpdateModelPackage")
        with self._lock:
            package = self._package(request["ModelPackageArn"])
            metadata = {
                **package.get("CustomerMetadataProperties", {}),
                **request.get("CustomerMetadataProperties", {}),
            }
            for key in request.get("CustomerMetadataPropertiesToRemove", []):
                metadata.pop(key, None)
            if len(metadata) > _METADATA_LIMIT:
                raise invalid(
                    f"CustomerMetadataProperties would have {len(metadata)} keys; at most 50 are allowed."
                )
            changes = {
                field: request[field]
                for field in ("ModelApprovalStatus", "ApprovalDescription")
                if field in request
            }
            package = self._store.update(
                "model-package",
                package["ModelPackageArn"],
                CustomerMetadataProperties=metadata or None,
                LastModifiedTime=time.time(),
                LastModifiedBy={"IamIdentity": {"Arn": self._account.arn("iam", "user/local")}},
                **changes,
            )
        if "ModelApprovalStatus" in request:
            self._announce(state_change_event(self._account, package))
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def list_model_packages(self, request: Document) -> Document:
        """List versions, by default oldest first, as AWS does."""
        if group := request.get("ModelPackageGroupName"):
            packages = self._packages(self._group(group)["ModelPackageGroupName"])
        elif request.get("ModelPackageType", "Unversioned") == "Unversioned":
            packages = []  # all packages here are versioned
        else:
            packages = self._store.list("model-package")
        if status := request.get("ModelApprovalStatus"):
            packages = [package for package in packages if package["ModelApprovalStatus"] == status]
        chosen, following = listing(
            packages, request, name="ModelPackageGroupName", newest_first=False, size=_PAGE_SIZE
        )
        return {"ModelPackageSummaryList": chosen, **following}

    def delete_model_package(self, request: Document) -> Document:
        """Delete a version."""
        with self._lock:
            package = self._package(request["ModelPackageName"])
            for kind in ("model-package", "tags"):
                self._store.delete(kind, package["ModelPackageArn"])
        self._announce(state_change_event(self._account, {**package, "ModelPackageStatus": "Deleting"}))
        return {}

    # Inside

    def _group(self, name_or_arn: str) -> Document:
        name = name_or_arn.rsplit("/", 1)[-1]
        group = self._store.find("model-package-group", name)
        if group is None:
            raise invalid(f"ModelPackageGroup {self.group_arn(name)} does not exist.")
        return group

    def _package(self, name: str) -> Document:
        arn = name if name.startswith("arn:") else self._account.arn("sagemaker", f"model-package/{name}")
        package = self._store.find("model-package", arn)
        if package is None:
            raise invalid(f"ModelPackage {arn} does not exist.")
        return package

    def _created_with(self, token: str | None) -> Document | None:
        packages = self._store.list("model-package") if token else []
        return next((package for package in packages if package.get("ClientToken") == token), None)

    def _packages(self, group: str) -> list[Document]:
        return self._store.list("model-package", self._account.arn("sagemaker", f"model-package/{group}/"))


def _with_digests(specification: Document) -> Document:
    """Add to each container the image digest that AWS would look up; here, the digest of the image's name."""
    containers = [
        {"ImageDigest": f"sha256:{hashlib.sha256(container['Image'].encode()).hexdigest()}", **container}
        for container in specification["Containers"]
    ]
    return {**specification, "Containers": containers}


def state_change_event(account: Account, package: Document) -> dict[str, Any]:
    """Return the EventBridge event of a package's state.

    https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
    """

    def shown(seconds: float) -> str:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    detail = {
        "ModelPackageGroupName": package["ModelPackageGroupName"],
        "ModelPackageVersion": package["ModelPackageVersion"],
        "ModelPackageArn": package["ModelPackageArn"],
        "ModelPackageDescription": package.get("ModelPackageDescription", ""),
        "CreationTime": shown(package["CreationTime"]),
        "LastModifiedTime": shown(package["LastModifiedTime"]),
        "InferenceSpecification": package["InferenceSpecification"],
        "ModelPackageStatus": package["ModelPackageStatus"],
        "ModelPackageStatusDetails": package["ModelPackageStatusDetails"],
        "CertifyForMarketplace": package.get("CertifyForMarketplace", False),
        "ModelApprovalStatus": package["ModelApprovalStatus"],
        "MetadataProperties": package.get("MetadataProperties", {}),
        "ModelMetrics": package.get("ModelMetrics", {}),
    }
    return {
        "source": "aws.sagemaker",
        "detail-type": "SageMaker Model Package State Change",
        "time": shown(time.time()),
        "resources": [package["ModelPackageArn"]],
        "detail": detail,
    }


class GroupPolicies:
    """The operations on the policies that let other accounts use a group.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_PutModelPackageGroupPolicy.html
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store, self._registry = store, registry

    def put_model_package_group_policy(self, request: Document) -> Document:
        """Record a group's policy, which replaces any earlier one."""
        try:
            policy = json.loads(request["ResourcePolicy"])
        except ValueError as error:
            raise invalid(f"The ResourcePolicy is not JSON: {error}") from None
        if not (isinstance(policy, dict) and policy.get("Statement")):
            raise invalid("The ResourcePolicy has no Statement.")
        group = self._change(request, request["ResourcePolicy"])
        return {"ModelPackageGroupArn": group["ModelPackageGroupArn"]}

    def of(self, arn: str) -> Document | None:
        """Return the policy of the group that an ARN names, or of the group of the package that it names."""
        kind, name = arn.split(":")[5].split("/")[:2]
        group = self._store.find("model-package-group", name) if kind.startswith("model-package") else None
        policy = group.get("ResourcePolicy") if group else None
        return json.loads(policy) if policy else None

    def get_model_package_group_policy(self, request: Document) -> Document:
        """Return a group's policy."""
        return {"ResourcePolicy": self._group_with_policy(request)["ResourcePolicy"]}

    def delete_model_package_group_policy(self, request: Document) -> Document:
        """Delete a group's policy."""
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
