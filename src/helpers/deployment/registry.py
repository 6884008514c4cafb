"""The model registry: the versions that await a decision, and the decisions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import pandas as pd
from tabular.spec.metrics import direction

from helpers.errors import BadInput
from helpers.session import Session
from helpers.storage import read_json

__all__ = [
    "ModelVersion",
    "changes",
    "comparison",
    "decide",
    "decided_at",
    "evaluations",
    "metadata",
    "packages",
    "report",
    "set_status",
    "side_by_side",
    "table",
    "undecided",
]

PENDING = "PendingManualApproval"
STATUS = {"approve": "Approved", "reject": "Rejected"}


@dataclass(frozen=True)
class ModelVersion:
    """One version of a data set's model: a model package in its group."""

    dataset: str
    version: int
    status: str
    arn: str


def packages(session: Session, dataset: str) -> list[ModelVersion]:
    """All versions of a data set's model, newest first; none if it was never registered."""
    sagemaker = session.client("sagemaker")
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=session.group(dataset), SortBy="CreationTime", SortOrder="Descending"
    )
    try:
        listed = [summary for page in pages for summary in page["ModelPackageSummaryList"]]
    except sagemaker.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise
        return []  # the group is created with the first version
    found = [
        ModelVersion(
            dataset, entry["ModelPackageVersion"], entry["ModelApprovalStatus"], entry["ModelPackageArn"]
        )
        for entry in listed
    ]
    return sorted(found, key=lambda package: package.version, reverse=True)


def undecided(session: Session, datasets: Iterable[str]) -> list[ModelVersion]:
    """The newest version of each data set, if it awaits a decision."""
    newest = [versions[0] for dataset in datasets if (versions := packages(session, dataset))]
    return [package for package in newest if package.status == PENDING]


def table(session: Session, datasets: Iterable[str]) -> pd.DataFrame:
    """A row for each version of each data set, newest first, with its algorithm."""
    rows = []
    for package in (package for dataset in datasets for package in packages(session, dataset)):
        described = _describe(session, package)
        rows.append(
            {
                "data set": package.dataset,
                "version": package.version,
                "status": package.status,
                "algorithm": described.get("CustomerMetadataProperties", {}).get("algorithm", ""),
                "reason": described.get("ApprovalDescription", ""),
            }
        )
    columns = ["data set", "version", "status", "algorithm", "reason"]
    return pd.DataFrame(rows, columns=columns).set_index(["data set", "version"])


def decide(
    session: Session,
    decision: Literal["none", "approve", "reject"],
    datasets: Iterable[str],
    reason: str = "",
) -> list[ModelVersion]:
    """Approve or reject the newest version of each data set; `none` leaves the decision to Studio.

    Approval affects only a version that awaits a decision. Rejection affects one that awaits it or is
    approved; the previous approved version then serves again.

    Raises:
        BadInput: the decision is not one of these three.
    """
    if decision == "none":
        return []
    if decision not in STATUS:
        raise BadInput(f"APPROVE is {decision!r}; it must be one of none, {', '.join(STATUS)}.")
    if decision == "approve":
        candidates = undecided(session, datasets)
    else:
        touched = [[p for p in packages(session, d) if p.status in (PENDING, "Approved")] for d in datasets]
        candidates = [versions[0] for versions in touched if versions]
    said = reason or f"{STATUS[decision]} in notebook 04"
    return [set_status(session, package, STATUS[decision], said) for package in candidates]


def decided_at(session: Session, package: ModelVersion) -> datetime:
    """When a version's status was last changed, by the registry's clock."""
    described = _describe(session, package)
    return described.get("LastModifiedTime") or described["CreationTime"]


def set_status(session: Session, package: ModelVersion, status: str, reason: str) -> ModelVersion:
    """Set a version's approval status, with a reason that the registry keeps, and return the version."""
    session.client("sagemaker").update_model_package(
        ModelPackageArn=package.arn, ModelApprovalStatus=status, ApprovalDescription=reason
    )
    return replace(package, status=status)


def report(session: Session, decisions: Sequence[ModelVersion], datasets: Iterable[str]) -> pd.DataFrame:
    """What was decided, and what still waits for a person."""
    decided = [(package.dataset, package.version, package.status) for package in decisions]
    waiting = [(p.dataset, p.version, "awaiting approval") for p in undecided(session, datasets)]
    columns = ["data set", "version", "decision"]
    return pd.DataFrame(decided + waiting, columns=columns).set_index("data set")


def evaluations(session: Session, datasets: Iterable[str]) -> dict[str, dict[str, Any]]:
    """EvaluateBestModel's report on the newest version of each data set that the pipeline registered."""
    newest = [versions[0] for dataset in datasets if (versions := packages(session, dataset))]
    described = {p.dataset: _describe(session, p).get("CustomerMetadataProperties", {}) for p in newest}
    return {
        dataset: read_json(session, found["evaluation"])
        for dataset, found in described.items()
        if "evaluation" in found
    }


def comparison(reports: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """A row for each data set: the gate's metric of its newest version, and the gate's verdict."""
    rows = {
        dataset: {
            "metric": f"{report['gate']['metric']} ({direction(report['gate']['metric'])})",
            "value": report["gate"]["value"],
            "in service": report["gate"]["champion_version"] or "none",
            "comparison": report["gate"]["comparison"],
        }
        for dataset, report in reports.items()
    }
    columns = ["metric", "value", "in service", "comparison"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("data set")


def side_by_side(reports: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Every metric of the newest version and of the one in service, on rows that neither was trained on.

    A difference is positive if the newest version is better, whatever the metric's direction.
    """
    rows = [
        {
            "data set": dataset,
            "metric": metric,
            "newest": found["challenger"],
            "in service": found["champion"],
            "difference": found["difference"],
            "at least": found["low"],
            "at most": found["high"],
            "": direction(metric),
        }
        for dataset, report in reports.items()
        if report.get("champion")
        for metric, found in report["champion"]["metrics"].items()
    ]
    columns = ["data set", "metric", "newest", "in service", "difference", "at least", "at most", ""]
    return pd.DataFrame(rows, columns=columns).set_index(["data set", "metric"])


def changes(reports: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """What differs between the newest version and the one in service: data, columns, hyperparameters."""
    rows = [
        {
            "data set": dataset,
            "what": changed["what"],
            "in service": changed["champion"],
            "newest": changed["challenger"],
        }
        for dataset, report in reports.items()
        if report.get("champion")
        for changed in report["champion"]["changed"]
    ]
    columns = ["data set", "what", "in service", "newest"]
    return pd.DataFrame(rows, columns=columns).set_index(["data set", "what"])


def metadata(session: Session, package: ModelVersion) -> dict[str, str]:
    """What the pipeline wrote into a package: data set, algorithm, jobs and the URIs of its data."""
    return _describe(session, package)["CustomerMetadataProperties"]


def _describe(session: Session, package: ModelVersion) -> dict[str, Any]:
    return session.client("sagemaker").describe_model_package(ModelPackageName=package.arn)
