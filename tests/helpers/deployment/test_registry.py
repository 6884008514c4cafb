"""The versions of each table, and what decisions put in service or take out of it."""

import dataclasses
import hashlib
import time
from collections.abc import Callable
from typing import Any

import pytest
from support import HANGS
from support.helpers.shared import decide, first_version
from tabular.monitoring.baseline import unpacked

from contract.names import MODEL_SHA256, load
from helpers.deployment import decisions, deployments, registry
from helpers.deployment.decisions import Decision
from helpers.deployment.registry import PENDING
from helpers.errors import JobFailed
from helpers.session import Session, storage

Register = Callable[..., str]


def follow(session: Session, decided: list[Decision]) -> dict[str, int]:
    deployments.wait(session, decided, seconds=HANGS)
    return {name: entry["version"] for name, entry in deployments.in_service(session).items()}


# What is there


def test_a_package_carries_what_made_it(session: Session, ran: Any) -> None:
    found = registry.metadata(session, first_version(session))
    assert found["dataset"] == "wine"
    assert found["pipeline-execution"] == ran.arn
    assert found["evaluation"].endswith("/evaluation.json")
    assert found["evaluation-job"].startswith("pipelines-")
    assert found["comparison"] == "no comparison"  # nothing was in service
    assert {"algorithm", "refit-training-job", "held-out-data", "input-data", "source"} <= set(found)
    described = session.client("sagemaker").describe_model_package(
        ModelPackageName=first_version(session).arn
    )
    model = storage.read(session, described["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
    assert found[MODEL_SHA256] == hashlib.sha256(model).hexdigest()
    baseline_uri = described["ModelMetrics"]["ModelDataQuality"]["Statistics"]["S3Uri"]
    assert 11 < storage.read_json(session, baseline_uri)["alcohol"]["mean"] < 15
    drift_uri = described["DriftCheckBaselines"]["ModelDataQuality"]["Statistics"]["S3Uri"]
    kept = unpacked(storage.read(session, drift_uri))
    assert kept["training"]["alcohol"]["rows"] + kept["held_out"]["rows"] == 178


def test_a_data_set_that_was_never_registered_has_no_versions(session: Session) -> None:
    assert registry.packages(session, "never-registered") == []
    shown = registry.versions(session, ["never-registered"])
    assert registry.table(session, shown).empty
    assert registry.evaluations(session, shown["never-registered"]) == {}
    assert registry.comparison({}).empty


def test_versions_are_listed_newest_first(session: Session, register: Register) -> None:
    dataset = register(*["Rejected"] * 11, PENDING)
    assert [package.version for package in registry.packages(session, dataset)] == list(range(12, 0, -1))


def test_the_table_shows_version_status_algorithm_and_what_was_said(
    session: Session, register: Register
) -> None:
    dataset = register("Rejected", PENDING)
    table = registry.table(session, registry.versions(session, [dataset, "never-registered"]))
    assert table.index.tolist() == [(dataset, 2), (dataset, 1)]
    assert table["status"].tolist() == [PENDING, "Rejected"]
    assert table["algorithm"].str.len().gt(0).all()
    (package, _) = registry.packages(session, dataset)
    decisions.set_status(session, package, "Rejected", "worse on the rows that matter")
    table = registry.table(session, registry.versions(session, [dataset]))
    assert table["reason"][dataset, 2] == "worse on the rows that matter"


def test_of_many_tables_only_as_many_versions_are_shown_as_a_notebook_shows(
    session: Session, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "ROWS", 4)
    versions = registry.packages(session, register(*[PENDING] * 3))
    listed = {"a": versions, "b": versions}
    assert (
        registry.table(session, listed).index.tolist()
        == [(versions[0].dataset, 3), (versions[0].dataset, 2)] * 2
    )


def test_a_version_that_somebody_registered_by_hand_is_listed_too(
    session: Session, register: Register
) -> None:
    dataset = register()
    sagemaker = session.client("sagemaker")
    described = sagemaker.describe_model_package(ModelPackageName=first_version(session).arn)
    sagemaker.create_model_package(
        ModelPackageGroupName=session.group(dataset),
        ModelApprovalStatus=PENDING,
        InferenceSpecification=described["InferenceSpecification"],
    )
    assert registry.table(session, registry.versions(session, [dataset]))["algorithm"].tolist() == [""]


def test_the_first_version_has_nothing_to_stand_beside(session: Session, ran: Any) -> None:
    reports = registry.evaluations(session, registry.packages(session, "wine")[:1])
    row = registry.comparison(reports).loc["wine"]
    assert (row["metric"], row["in service"]) == ("auc (higher is better)", "none")
    assert row["comparison"] == "No model of this data set is in service."
    assert row["value"] > 0.9
    assert registry.side_by_side(reports).empty
    assert registry.changes(reports).empty


def test_the_newest_version_stands_beside_the_one_in_service_with_what_changed() -> None:
    found = {"challenger": 0.2, "champion": 0.25, "difference": 0.05, "low": -0.01, "high": 0.1}
    changed = {"what": "algorithm", "champion": "NaiveBayes", "challenger": "XGBoost"}
    gate = {"metric": "log_loss", "value": 0.21, "champion_version": 3, "comparison": "It is not worse."}
    champion = {"version": 3, "metrics": {"log_loss": found}, "changed": [changed]}
    members = [{"algorithm": "XGBoost", "weight": 0.75}, {"algorithm": "NaiveBayes", "weight": 0.25}]
    ensemble = {"algorithm": "Ensemble", "ensemble": {"members": members}}
    reports = {
        "toys": {"gate": gate, "champion": champion, "model": ensemble},
        "old": {"gate": gate, "model": {"algorithm": "XGBoost"}},
    }
    compared = registry.comparison(reports)
    assert compared["in service"].tolist() == [3, 3]
    assert compared["model"].tolist() == ["Ensemble: 75% XGBoost, 25% NaiveBayes", "XGBoost"]
    table = registry.side_by_side(reports)
    assert table.loc[("toys", "log_loss")].tolist() == [0.2, 0.25, 0.05, -0.01, 0.1, "lower is better"]
    assert registry.changes(reports).loc[("toys", "algorithm")].tolist() == ["NaiveBayes", "XGBoost"]
    assert len(table) == len(registry.changes(reports)) == 1


# What follows


def test_what_is_in_service_follows_each_decision(session: Session, register: Register) -> None:
    dataset = register(PENDING)
    assert follow(session, decide(session, "approve", dataset))[dataset] == 1
    row = deployments.table(session).loc[dataset]
    assert row["key"].startswith(f"models/many-models--{dataset}/1-")
    assert time.strptime(row["approved at"], "%Y-%m-%d %H:%M")
    assert dataset not in follow(session, decide(session, "reject", dataset, versions={dataset: 1}))


def test_without_decisions_there_is_nothing_to_wait_for(session: Session) -> None:
    table = deployments.wait(session, [], seconds=0)
    assert table.columns.tolist() == ["version", "approved at", "key"]


def test_the_models_of_another_pipeline_are_not_ours(session: Session, register: Register) -> None:
    dataset = register(PENDING)
    follow(session, decide(session, "approve", dataset))
    assert deployments.in_service(dataclasses.replace(session, pipeline_name="many")) == {}


def test_a_bucket_without_a_models_map_has_nothing_in_service(session: Session) -> None:
    session.client("s3").create_bucket(Bucket="an-empty-bucket")
    empty = dataclasses.replace(session, bucket="an-empty-bucket")
    assert deployments.in_service(empty) == {}
    assert deployments.table(empty).empty


def test_a_models_map_that_is_none_is_named_with_what_to_do(session: Session) -> None:
    s3, bucket = session.client("s3"), "a-bucket-with-a-broken-map"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=load().models_map_key, Body=b"[]")
    with pytest.raises(JobFailed, match=r"is not a JSON object of groups; delete it and run the deployer"):
        deployments.in_service(dataclasses.replace(session, bucket=bucket))


def test_a_deployer_that_does_not_follow_is_named_with_what_to_do(
    session: Session, register: Register
) -> None:
    package = registry.packages(session, register(PENDING))[0]
    # Approved in the registry of a pipeline, looked for in the map of a bucket that no deployer writes to.
    session.client("s3").create_bucket(Bucket="a-bucket-of-nobody")
    elsewhere = dataclasses.replace(session, bucket="a-bucket-of-nobody")
    (decision,) = decide(elsewhere, "approve", package.dataset)
    with pytest.raises(JobFailed) as raised:
        deployments.wait(elsewhere, [decision], seconds=0.5)
    assert str(raised.value).startswith(
        f"{package.dataset}: what is in service has not followed the decision"
    )
    assert "See the log of the function many-models-deployer and fix what it names" in str(raised.value)
