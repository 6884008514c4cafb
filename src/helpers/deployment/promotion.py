"""Promotion: takes a model that another environment trained over into the registry of this one.

People of this environment read there and copy; nobody from there can write here. What an approver decides on
and the endpoint serves is the copy, so nothing that happens to the original can change it.
"""

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from botocore.exceptions import ClientError

from contract.names import DECISION, MODEL_SHA256, group_name, load
from helpers.deployment import registry
from helpers.deployment.registry import ModelVersion
from helpers.errors import BadInput, UserError
from helpers.session import Session

__all__ = ["ORIGIN", "Source", "promote"]

ORIGIN = "promoted-from"  # the key of the metadata with the ARN of the version that was promoted
# What is the same in both registries; status, times and people are each registry's own.
_KEPT = (
    "ModelPackageDescription",
    "InferenceSpecification",
    "ModelMetrics",
    "DriftCheckBaselines",
    "ModelCard",
    "CustomerMetadataProperties",
)
_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class Source:
    """The environment that trains, and how the people of this one call it.

    Attributes:
        account_id: Its account.
        region: Its region, which is also the region of this environment.
        pipeline_name: What all its names begin with.
        bucket: Its bucket.
        client: Returns the boto3 client of a service there.
    """

    account_id: str
    region: str
    pipeline_name: str
    bucket: str
    client: Callable[[str], Any]

    def group_arn(self, dataset: str, partition: str) -> str:
        """ARN of the model package group of a data set."""
        group = group_name(self.pipeline_name, dataset)
        return f"arn:{partition}:sagemaker:{self.region}:{self.account_id}:model-package-group/{group}"


def promote(session: Session, source: Source, dataset: str, version: int | None = None) -> ModelVersion:
    """Register a version of another environment here, where it awaits approval, and return it.

    Model card, metrics, metadata and image stay as they are. The model and its evaluation are copied to the
    same keys of this environment's bucket. All other addresses still name the source, and say where the model
    comes from. A version that was promoted before is returned as it is now.

    Args:
        session: The environment that takes the model over.
        source: The environment that trained it.
        dataset: The data set's name, the same in both.
        version: The version there; by default the newest approved one.

    Raises:
        BadInput: there is no such version, or it is not approved there.
        UserError: the source does not allow it, or another object has the key of the model here.
    """
    try:
        described = _describe(session, source, dataset, version)
        arn = described["ModelPackageArn"]
        for known in registry.packages(session, dataset):
            if registry.metadata(session, known).get(ORIGIN) == arn:
                return known
        kept = {key: described[key] for key in _KEPT if key in described}
        _check_unchanged(source, described)
        for key in sorted(_keys(source, kept)):
            _copy(session, source, key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "AccessDeniedException"):
            raise
        raise UserError(
            f"{error.response['Error']['Message']}. In the environment that trains, name this account and "
            f"{dataset} in promote_to, and apply; here, have the policy `promoter`."
        ) from None
    request = _moved(session, source, kept)
    request["CustomerMetadataProperties"] = {**request.get("CustomerMetadataProperties", {}), ORIGIN: arn}
    sagemaker, group = session.client("sagemaker"), session.group(dataset)
    _ensure_group(sagemaker, group)
    made = sagemaker.create_model_package(
        ModelPackageGroupName=group, ModelApprovalStatus=registry.PENDING, **request
    )["ModelPackageArn"]
    return ModelVersion(dataset, int(made.rpartition("/")[2]), registry.PENDING, made)


def _describe(session: Session, source: Source, dataset: str, version: int | None) -> dict[str, Any]:
    """The description of a version in the source's registry, by default of the newest approved one."""
    sagemaker = source.client("sagemaker")
    group = source.group_arn(dataset, session.boto.get_partition_for_region(session.region))
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    listed = {
        found["ModelPackageVersion"]: found for page in pages for found in page["ModelPackageSummaryList"]
    }
    approved = sorted(
        number for number, found in listed.items() if found["ModelApprovalStatus"] == "Approved"
    )
    chosen = version if version is not None else max(approved, default=None)
    if chosen not in approved:
        asked = "an approved version" if version is None else f"version {version} approved"
        raise BadInput(
            f"{source.pipeline_name} of account {source.account_id} does not have {asked} of {dataset}, but "
            f"{', '.join(map(str, approved)) or 'none'}; approve one there, or name another."
        )
    described = sagemaker.describe_model_package(ModelPackageName=listed[chosen]["ModelPackageArn"])
    for container in described["InferenceSpecification"]["Containers"]:
        if not _key(source, container.get("ModelDataUrl")):
            raise BadInput(
                f"The model of version {chosen} of {dataset} is at {container.get('ModelDataUrl')}; only one "
                f"under {' or '.join(load().promoted_prefixes)} of {source.bucket} can be promoted."
            )
    return described


def _check_unchanged(source: Source, described: dict[str, Any]) -> None:
    """Refuse a model that was replaced after it had been evaluated and registered."""
    known = described.get("CustomerMetadataProperties", {}).get(MODEL_SHA256)
    for container in described["InferenceSpecification"]["Containers"] if known else []:
        with tempfile.TemporaryFile() as file:
            url = container["ModelDataUrl"]
            digest = _download(source.client("s3"), source.bucket, _key(source, url), file)
        if digest != known:
            raise UserError(
                f"{url} is not the model that was evaluated and approved: its SHA-256 was {known} and is "
                f"{digest}; find out who replaced it, or promote another version."
            )


def _key(source: Source, value: object) -> str:
    """The key of a model or an evaluation that a text is the address of; empty for anything else."""
    root = f"s3://{source.bucket}/"
    key = value.removeprefix(root) if isinstance(value, str) and value.startswith(root) else ""
    return key if key.startswith(load().promoted_prefixes) else ""


def _keys(source: Source, value: Any) -> set[str]:
    """The keys of all models and evaluations that a document names."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return set().union(*(_keys(source, part) for part in parts))
    return {key} if (key := _key(source, value)) else set()


def _moved(session: Session, source: Source, value: Any) -> Any:
    """The same document, with the addresses that models and evaluations have here."""
    match value:
        case dict():
            # An entity tag is that of the object there, and a decision is about the version there.
            return {
                name: _moved(session, source, part)
                for name, part in value.items()
                if name != "ModelDataETag" and not name.startswith(DECISION)
            }
        case list():
            return [_moved(session, source, part) for part in value]
    return session.uri(key) if (key := _key(source, value)) else value


def _copy(session: Session, source: Source, key: str) -> None:
    """Copy an object of the source to the same key here; what is there already must be the same."""
    s3 = session.client("s3")
    with tempfile.TemporaryFile() as file:
        digest = _download(source.client("s3"), source.bucket, key, file)
        file.seek(0)
        try:
            s3.put_object(Bucket=session.bucket, Key=key, Body=file, IfNoneMatch="*")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 412:
                raise
            with tempfile.TemporaryFile() as present:
                if _download(s3, session.bucket, key, present) != digest:
                    raise UserError(
                        f"{session.uri(key)} is there already, is not the same as in {source.bucket}, and is "
                        "not overwritten; find out which was changed, or train and promote another version."
                    ) from None


def _download(s3: Any, bucket: str, key: str, file: IO[bytes]) -> str:
    """Download an object into a file, and return the SHA-256 of its bytes."""
    digest = hashlib.sha256()
    for chunk in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(_CHUNK):
        digest.update(chunk)
        file.write(chunk)
    return digest.hexdigest()


def _ensure_group(sagemaker: Any, group: str) -> None:
    """Create a model package group unless it exists."""
    try:
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
