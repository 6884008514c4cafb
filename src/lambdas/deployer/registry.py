"""The model registry: the source of truth for which version of each model a person has approved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from contract import names as contract
from lambdas.errors import ArtifactError, code_of
from lambdas.ledger import Decision

__all__ = ["Package", "all_newest_approved", "decision", "newest_approved"]


@dataclass(frozen=True)
class Package:
    """An approved model package. Changes to the rest of its metadata make it no other package.

    Attributes:
        registered_at: When it was registered, in ISO 8601 (UTC), as all times.
        sha256: The digest of the model that was evaluated; empty if the registration did not record it.
        etag: The entity tag that the model had when it was registered; likewise.
        baseline_url: What its requests are compared with, empty if nothing was registered.
        approved_at: When it was approved, or last changed if the registry does not record that.
        recorded: Whether the registry records when it was approved.
        decision: The decision on it.
    """

    group: str
    version: int
    arn: str
    model_data_url: str
    registered_at: str
    sha256: str = ""
    etag: str = ""
    baseline_url: str = field(default="", compare=False)
    approved_at: str = field(default="", compare=False)
    recorded: bool = field(default=False, compare=False)
    decision: Decision = field(default_factory=lambda: Decision("Approved"), compare=False)


def all_newest_approved(sagemaker: BaseClient, prefix: str) -> dict[str, tuple[int, str]]:
    """Return the highest approved version of each group with a prefix, and when it was registered."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageType="Versioned", ModelApprovalStatus="Approved"
    )
    found: dict[str, tuple[int, str]] = {}
    for summary in (summary for page in pages for summary in page["ModelPackageSummaryList"]):
        group = summary["ModelPackageGroupName"]
        if group.startswith(prefix) and summary["ModelPackageStatus"] == "Completed":
            one = (summary["ModelPackageVersion"], _iso(summary["CreationTime"]))
            found[group] = max(one, found.get(group, one))
    return found


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
    return _decision(details)


def _decision(details: Mapping[str, Any]) -> Decision:
    by = details.get("LastModifiedBy", {})
    name = by.get("UserProfileName") or by.get("IamIdentity", {}).get("Arn", "")
    return Decision(details["ModelApprovalStatus"], name, details.get("ApprovalDescription", ""))


def _describe(sagemaker: BaseClient, group: str, version: int, arn: str) -> Package:
    details = sagemaker.describe_model_package(ModelPackageName=arn)
    containers = details.get("InferenceSpecification", {}).get("Containers", [])
    urls = [container["ModelDataUrl"] for container in containers if container.get("ModelDataUrl")]
    if len(urls) != 1:
        raise ArtifactError(arn, f"has {len(urls)} ModelDataUrl values; exactly one is needed")
    metadata = details.get("CustomerMetadataProperties", {})
    # What helpers/deployment/decisions/records.py keeps: the time of a decision, and its status first.
    last = max((key for key in metadata if key.startswith(contract.DECISION)), default="")
    recorded = bool(last) and metadata[last].startswith("Approved")
    baselines = details.get("DriftCheckBaselines", {}).get("ModelDataQuality", {})
    changed = details.get("LastModifiedTime") or details["CreationTime"]
    return Package(
        group,
        version,
        arn,
        urls[0],
        registered_at=_iso(details["CreationTime"]),
        sha256=metadata.get(contract.MODEL_SHA256, ""),
        etag=next((container.get("ModelDataETag", "") for container in containers), "").strip('"'),
        baseline_url=baselines.get("Statistics", {}).get("S3Uri", ""),
        approved_at=last.removeprefix(contract.DECISION).replace("Z", "+00:00")
        if recorded
        else _iso(changed),
        recorded=recorded,
        decision=_decision({"ModelApprovalStatus": "Approved", **details}),  # as the list says
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _is_missing(error: ClientError) -> bool:
    """Return whether the group was deleted, so that nothing in it is approved."""
    return code_of(error) in ("ValidationException", "ResourceNotFound") and (
        "does not exist" in error.response["Error"].get("Message", "")
    )
