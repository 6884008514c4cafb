"""A person's decisions, and what they put in service or take out of it."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import pytest
from support import HANGS
from support.helpers.shared import first_version

from contract.names import load
from helpers import storage
from helpers.deployment import deployments, registry
from helpers.deployment.registry import PENDING, ModelVersion
from helpers.errors import BadInput, JobFailed
from helpers.session import Session

Register = Callable[..., str]


def statuses(session: Session, dataset: str) -> list[str]:
    return [package.status for package in registry.packages(session, dataset)]


def follow(session: Session, decisions: list[ModelVersion]) -> dict[str, int]:
    deployments.wait(session, decisions, seconds=HANGS)
    return {name: entry["version"] for name, entry in deployments.in_service(session).items()}


# What is there


def test_undecided_is_the_newest_version_where_nobody_has_decided(
    session: Session, register: Register
) -> None:
    waiting, decided = register("Approved", PENDING), register(PENDING, "Rejected")
    (package,) = registry.undecided(session, [waiting, decided, "never-registered"])
    assert package == ModelVersion(waiting, 2, PENDING, package.arn)


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
    baseline_uri = described["ModelMetrics"]["ModelDataQuality"]["Statistics"]["S3Uri"]
    assert 11 < storage.read_json(session, baseline_uri)["alcohol"]["mean"] < 15


def test_a_data_set_that_was_never_registered_has_no_versions(session: Session) -> None:
    assert registry.packages(session, "never-registered") == []
    assert registry.table(session, ["never-registered"]).empty
    assert registry.evaluations(session, ["never-registered"]) == {}
    assert registry.comparison({}).empty


def test_versions_are_listed_newest_first(session: Session, register: Register) -> None:
    dataset = register(*["Rejected"] * 11, PENDING)
    assert [package.version for package in registry.packages(session, dataset)] == list(range(12, 0, -1))


def test_the_table_shows_version_status_algorithm_and_what_was_said(
    session: Session, register: Register
) -> None:
    dataset = register("Rejected", PENDING)
    table = registry.table(session, [dataset, "never-registered"])
    assert table.index.tolist() == [(dataset, 2), (dataset, 1)]
    assert table["status"].tolist() == [PENDING, "Rejected"]
    assert table["algorithm"].str.len().gt(0).all()
    registry.decide(session, "reject", [dataset], "worse on the rows that matter")
    assert registry.table(session, [dataset])["reason"][dataset, 2] == "worse on the rows that matter"


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
    assert registry.table(session, [dataset])["algorithm"].tolist() == [""]


def test_the_first_version_has_nothing_to_stand_beside(session: Session, ran: Any) -> None:
    reports = registry.evaluations(session, ["wine"])
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
    reports = {"toys": {"gate": gate, "champion": champion}, "old": {"gate": gate}}
    assert registry.comparison(reports)["in service"].tolist() == [3, 3]
    table = registry.side_by_side(reports)
    assert table.loc[("toys", "log_loss")].tolist() == [0.2, 0.25, 0.05, -0.01, 0.1, "lower is better"]
    assert registry.changes(reports).loc[("toys", "algorithm")].tolist() == ["NaiveBayes", "XGBoost"]
    assert len(table) == len(registry.changes(reports)) == 1


# Deciding


def test_none_decides_nothing(session: Session, register: Register) -> None:
    dataset = register(PENDING)
    assert registry.decide(session, "none", [dataset]) == []
    assert statuses(session, dataset) == [PENDING]
    assert registry.report(session, [], [dataset]).loc[dataset].tolist() == [1, "awaiting approval"]


@pytest.mark.parametrize("word", ["yes", "Approve", "", True])
def test_another_word_is_refused_and_decides_nothing(session: Session, register: Register, word: Any) -> None:
    dataset = register(PENDING)
    with pytest.raises(BadInput, match=r"APPROVE is .*; it must be one of none, approve, reject\."):
        registry.decide(session, word, [dataset])
    assert statuses(session, dataset) == [PENDING]


def test_approving_touches_the_newest_version_alone(session: Session, register: Register) -> None:
    dataset = register(PENDING, PENDING)
    (decision,) = registry.decide(session, "approve", [dataset, "never-registered"])
    assert (decision.version, decision.status) == (2, "Approved")
    assert statuses(session, dataset) == ["Approved", PENDING]
    assert registry.table(session, [dataset])["reason"][dataset, 2] == "Approved in notebook 04"
    report = registry.report(session, [decision], [dataset])
    assert report.loc[dataset].tolist() == [2, "Approved"]


@pytest.mark.parametrize("newest", ["Approved", "Rejected"])
def test_approving_leaves_an_older_version_alone_whose_successor_is_decided_on(
    session: Session, register: Register, newest: str
) -> None:
    dataset = register(PENDING, newest)
    assert registry.decide(session, "approve", [dataset]) == []
    assert statuses(session, dataset) == [newest, PENDING]


def test_rejecting_what_was_rejected_already_rejects_the_one_before(
    session: Session, register: Register
) -> None:
    dataset = register("Approved", PENDING)
    for expected in (["Rejected", "Approved"], ["Rejected", "Rejected"]):
        registry.decide(session, "reject", [dataset])
        assert statuses(session, dataset) == expected
    assert registry.decide(session, "reject", [dataset]) == []


# What follows


def test_what_is_in_service_follows_each_decision(session: Session, register: Register) -> None:
    dataset = register(PENDING)
    assert follow(session, registry.decide(session, "approve", [dataset]))[dataset] == 1
    row = deployments.table(session).loc[dataset]
    assert row["key"].startswith(f"models/many-models--{dataset}/1-")
    assert time.strptime(row["approved at"], "%Y-%m-%d %H:%M")
    assert dataset not in follow(session, registry.decide(session, "reject", [dataset]))


def test_without_decisions_there_is_nothing_to_wait_for(session: Session) -> None:
    table = deployments.wait(session, [], seconds=0)
    assert table.columns.tolist() == ["version", "approved at", "key"]


def test_the_models_of_another_pipeline_are_not_ours(session: Session, register: Register) -> None:
    dataset = register(PENDING)
    follow(session, registry.decide(session, "approve", [dataset]))
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
    with pytest.raises(JobFailed, match=r"is not a JSON object of groups .* delete it and run the deployer"):
        deployments.in_service(dataclasses.replace(session, bucket=bucket))


def test_a_deployer_that_does_not_follow_is_named_with_what_to_do(
    session: Session, register: Register
) -> None:
    package = registry.packages(session, register(PENDING))[0]
    # Approved in the registry of a pipeline, looked for in the map of a bucket that no deployer writes to.
    session.client("s3").create_bucket(Bucket="a-bucket-of-nobody")
    elsewhere = dataclasses.replace(session, bucket="a-bucket-of-nobody")
    (decision,) = registry.decide(elsewhere, "approve", [package.dataset])
    with pytest.raises(JobFailed) as raised:
        deployments.wait(elsewhere, [decision], seconds=0.5)
    assert str(raised.value).startswith(
        f"{package.dataset}: what is in service has not followed the decision"
    )
    assert "See the log of the function many-models-deployer and fix what it names" in str(raised.value)
