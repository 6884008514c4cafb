"""The model registry: the versions of each table, and what the evaluation says about them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from tabular.spec.metrics import direction

from helpers.session import Session
from helpers.session.patience import patiently
from helpers.session.storage import read_json

__all__ = [
    "PENDING",
    "ModelVersion",
    "changes",
    "comparison",
    "decided_at",
    "describe",
    "evaluations",
    "labels",
    "metadata",
    "packages",
    "side_by_side",
    "table",
    "versions",
]
__dir__ = __all__.copy

PENDING = "PendingManualApproval"
ROWS = 60  # that pandas shows of a table
# Instead of tables without a row.
UNREGISTERED = (
    "No version of these tables is in the registry yet; run notebook 3, which trains and registers them."
)
UNEVALUATED = "There is no version to compare; run notebook 3, or name versions in VERSIONS."
ALONE = "Nothing was in service when these versions were evaluated, so there is nothing to compare them with."


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


def versions(session: Session, datasets: Iterable[str]) -> dict[str, list[ModelVersion]]:
    """All versions of each data set's model, newest first."""
    return {dataset: patiently(session, lambda name=dataset: packages(session, name)) for dataset in datasets}


def table(session: Session, listed: Mapping[str, Sequence[ModelVersion]]) -> pd.DataFrame:
    """A row for each version, newest first, with its algorithm; of many tables, the newest versions only."""
    rows = []
    most = max(1, ROWS // max(1, len(listed)))
    for package in (package for found in listed.values() for package in found[:most]):
        described = patiently(session, lambda it=package: describe(session, it))
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
    return _table(rows, columns, ["data set", "version"], UNREGISTERED)


def decided_at(session: Session, package: ModelVersion) -> datetime:
    """When a version's status was last changed, by the registry's clock."""
    described = describe(session, package)
    return described.get("LastModifiedTime") or described["CreationTime"]


def labels(chosen: Sequence[ModelVersion]) -> dict[str, ModelVersion]:
    """The versions by data set; of several versions of a data set, each with its number."""
    names = [package.dataset for package in chosen]
    return {
        name if names.count(name) == 1 else f"{name} (version {package.version})": package
        for name, package in zip(names, chosen, strict=True)
    }


def evaluations(session: Session, chosen: Sequence[ModelVersion]) -> dict[str, dict[str, Any]]:
    """EvaluateBestModel's report on each version, by its label, if the pipeline registered it."""
    found = {label: metadata(session, package) for label, package in labels(chosen).items()}
    return {
        label: patiently(session, lambda uri=kept["evaluation"]: read_json(session, uri))
        for label, kept in found.items()
        if "evaluation" in kept
    }


def comparison(reports: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """A row for each data set: what its version is, the gate's metric of it, and the gate's verdict."""
    rows = [
        {
            "data set": dataset,
            "model": _model(report["model"]),
            "metric": f"{report['gate']['metric']} ({direction(report['gate']['metric'])})",
            "value": report["gate"]["value"],
            "in service": report["gate"]["champion_version"] or "none",
            "comparison": report["gate"]["comparison"],
        }
        for dataset, report in reports.items()
    ]
    columns = ["data set", "model", "metric", "value", "in service", "comparison"]
    return _table(rows, columns, "data set", UNEVALUATED)


def _model(facts: Mapping[str, Any]) -> str:
    """The algorithm; of an ensemble, those of its members with their weights."""
    found = facts["ensemble"]["members"] if "ensemble" in facts else []
    parts = ", ".join(f"{one['weight']:.0%} {one['algorithm']}" for one in found)
    return f"{facts['algorithm']}: {parts}" if parts else facts["algorithm"]


def side_by_side(reports: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Every metric of the new version and of the one in service, on rows that neither was trained on.

    A difference is positive if the new version is better, whatever the metric's direction.
    """
    rows = [
        {
            "data set": dataset,
            "metric": metric,
            "new": found["challenger"],
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
    columns = ["data set", "metric", "new", "in service", "difference", "at least", "at most", ""]
    return _table(rows, columns, ["data set", "metric"], ALONE if reports else UNEVALUATED)


def changes(reports: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """What differs between the new version and the one in service: data, columns, hyperparameters."""
    rows = [
        {
            "data set": dataset,
            "what": changed["what"],
            "in service": changed["champion"],
            "new": changed["challenger"],
        }
        for dataset, report in reports.items()
        if report.get("champion")
        for changed in report["champion"]["changed"]
    ]
    columns = ["data set", "what", "in service", "new"]
    return _table(rows, columns, ["data set", "what"], ALONE if reports else UNEVALUATED)


def _table(
    rows: Sequence[Mapping[str, Any]], columns: list[str], index: str | list[str], instead: str
) -> pd.DataFrame:
    """A table, and the sentence that is shown instead if it has no row."""
    table = pd.DataFrame(rows, columns=columns).set_index(index)
    table.attrs["instead"] = instead
    return table


def metadata(session: Session, package: ModelVersion) -> dict[str, str]:
    """What the pipeline wrote into a package: data set, algorithm, jobs and the URIs of its data."""
    described = patiently(session, lambda: describe(session, package))
    return described.get("CustomerMetadataProperties", {})


def describe(session: Session, package: ModelVersion) -> dict[str, Any]:
    """What the registry knows of a version."""
    return session.client("sagemaker").describe_model_package(ModelPackageName=package.arn)
