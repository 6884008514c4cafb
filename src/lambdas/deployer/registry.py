"""The model registry: the source of truth for which version of each model a person has approved."""

from dataclasses import dataclass
from datetime import UTC

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from contract import names as contract
from lambdas.errors import ArtifactError, code_of
from lambdas.ledger import Decision

__all__ = ["Package", "decision", "groups", "newest_approved"]


@dataclass(frozen=True)
class Package:
    """An approved model package; `approved_at` is when the registry last changed it, in ISO 8601 (UTC)."""

    group: str
    version: int
    arn: str
    model_data_url: str
    approved_at: str


def groups(sagemaker: BaseClient, pipeline_name: str) -> set[str]:
    """Return the names of all model package groups of a pipeline."""
    prefix = contract.group_prefix(pipeline_name)
    pages = sagemaker.get_paginator("list_model_package_groups").paginate(NameContains=prefix)
    names = (
        group["ModelPackageGroupName"] for page in pages for group in page["ModelPackageGroupSummaryList"]
    )
    return {name for name in names if name.startswith(prefix)}


def newest_approved(sagemaker: BaseClient, group: str) -> Package | None:
    """Return the approved package of a group with the highest version, or None.

    This does not rely on the list's order: by default, SageMaker sorts by creation time, ascending.
    """
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved"
    )
    try:
        approved = [
            summary
            for page in pages
            for summary in page["ModelPackageSummaryList"]
            if summary["ModelPackageStatus"] == "Completed"
        ]
    except ClientError as error:
        if _is_missing(error):
            return None
        raise
    if not approved:
        return None
    newest = max(approved, key=lambda summary: summary["ModelPackageVersion"])
    return _describe(sagemaker, group, newest["ModelPackageVersion"], newest["ModelPackageArn"])


def decision(sagemaker: BaseClient, group: str, version: int) -> Decision:
    """Return the decision on a version; the status is `Deleted` if the registry no longer has the version."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    try:
        found = [
            summary["ModelPackageArn"]
            for page in pages
            for summary in page["ModelPackageSummaryList"]
            if summary["ModelPackageVersion"] == version
        ]
        if not found:
            return Decision("Deleted")
        details = sagemaker.describe_model_package(ModelPackageName=found[0])
    except ClientError as error:
        if _is_missing(error):
            return Decision("Deleted")
        raise
    by = details.get("LastModifiedBy", {})
    name = by.get("UserProfileName") or by.get("IamIdentity", {}).get("Arn", "")
    return Decision(details["ModelApprovalStatus"], name, details.get("ApprovalDescription", ""))


def _describe(sagemaker: BaseClient, group: str, version: int, arn: str) -> Package:
    details = sagemaker.describe_model_package(ModelPackageName=arn)
    containers = details.get("InferenceSpecification", {}).get("Containers", [])
    urls = [container["ModelDataUrl"] for container in containers if container.get("ModelDataUrl")]
    if len(urls) != 1:
        raise ArtifactError(arn, f"has {len(urls)} ModelDataUrl values; exactly one is needed")
    changed = details.get("LastModifiedTime") or details["CreationTime"]
    return Package(group, version, arn, urls[0], changed.astimezone(UTC).isoformat())


def _is_missing(error: ClientError) -> bool:
    """Return whether the group was deleted, so that nothing in it is approved."""
    return code_of(error) in ("ValidationException", "ResourceNotFound") and (
        "does not exist" in error.response["Error"].get("Message", "")
    )
