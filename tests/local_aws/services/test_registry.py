"""The model registry, and the events its changes become."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws, wait_for
from support.local_aws.pipeline import register

from local_aws.core.account import Account
from local_aws.core.errors import AwsError
from local_aws.core.store import Store
from local_aws.services.events import Events, check_pattern, matches
from local_aws.services.functions.functions import Functions, Invocation
from local_aws.services.registry import Registry

RECORDED = Path(__file__).parent / "model_package_state_change.json"
RULE = {
    "source": ["aws.sagemaker"],
    "detail-type": ["SageMaker Model Package State Change"],
    "detail": {"ModelPackageGroupName": [{"prefix": "toy--"}]},
}


@pytest.fixture(scope="module")
def sagemaker(aws: Aws) -> Any:
    return aws.client("sagemaker")


def package(sagemaker: Any, group: str, **more: Any) -> str:
    request = {**register("", group, "s3://toys/model.tar.gz")["Arguments"], **more}
    return sagemaker.create_model_package(**request)["ModelPackageArn"]


@pytest.fixture
def group(sagemaker: Any, name: str) -> str:
    sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=[{"Key": "team", "Value": "toys"}])
    return name


def test_versions_count_up_and_never_come_again(sagemaker: Any, group: str) -> None:
    arns = [package(sagemaker, group) for _ in range(3)]
    assert [arn.rsplit("/", 1)[-1] for arn in arns] == ["1", "2", "3"]
    sagemaker.delete_model_package(ModelPackageName=arns[2])
    assert package(sagemaker, group).endswith("/4")


def test_a_package_needs_its_group(sagemaker: Any, name: str) -> None:
    with pytest.raises(ClientError, match="does not exist"):
        package(sagemaker, name)


def test_a_package_has_the_tags_of_its_group_and_none_of_its_own(sagemaker: Any, group: str) -> None:
    with pytest.raises(ClientError, match="Tags cannot be given"):
        package(sagemaker, group, Tags=[{"Key": "team", "Value": "toys"}])


def test_a_package_is_described_by_its_arn(sagemaker: Any, group: str) -> None:
    arn = package(sagemaker, group, CustomerMetadataProperties={"algorithm": "toy"})
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["ModelPackageGroupName"] == group
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert described["ModelPackageStatus"] == "Completed"
    assert described["CustomerMetadataProperties"] == {"algorithm": "toy"}
    with pytest.raises(ClientError, match=r"ValidationException.*does not exist"):
        sagemaker.describe_model_package(ModelPackageName=arn.replace("/1", "/9"))


def test_an_update_changes_what_it_names_and_nothing_else(sagemaker: Any, group: str) -> None:
    arn = package(sagemaker, group, CustomerMetadataProperties={"kept": "1", "removed": "2"})
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="looks good"
    )
    sagemaker.update_model_package(
        ModelPackageArn=arn,
        CustomerMetadataProperties={"added": "3"},
        CustomerMetadataPropertiesToRemove=["removed"],
    )
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    assert described["ModelApprovalStatus"] == "Approved"
    assert described["ApprovalDescription"] == "looks good"
    assert described["CustomerMetadataProperties"] == {"kept": "1", "added": "3"}


def test_packages_are_listed_oldest_first_unless_asked_otherwise(sagemaker: Any, group: str) -> None:
    arns = [package(sagemaker, group) for _ in range(3)]
    sagemaker.update_model_package(ModelPackageArn=arns[1], ModelApprovalStatus="Approved")

    def listed(**options: Any) -> list[str]:
        answer = sagemaker.list_model_packages(ModelPackageGroupName=group, **options)
        return [item["ModelPackageArn"] for item in answer["ModelPackageSummaryList"]]

    assert listed() == arns
    assert listed(SortOrder="Descending", SortBy="CreationTime") == arns[::-1]
    assert listed(ModelApprovalStatus="Approved") == [arns[1]]
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=group, PaginationConfig={"PageSize": 2}
    )
    assert [len(page["ModelPackageSummaryList"]) for page in pages] == [2, 1]


def test_groups(sagemaker: Any, group: str) -> None:
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
    arn = package(sagemaker, group)
    listed = sagemaker.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    assert [item["ModelPackageGroupName"] for item in listed] == [group]
    with pytest.raises(ClientError, match="ConflictException"):
        sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    sagemaker.delete_model_package(ModelPackageName=arn)
    group_arn = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    assert sagemaker.list_tags(ResourceArn=group_arn)["Tags"] == [{"Key": "team", "Value": "toys"}]
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName=group)


def test_a_key_is_among_the_tags_once(sagemaker: Any, group: str) -> None:
    twice = [{"Key": "team", "Value": "toys"}, {"Key": "team", "Value": "books"}]
    with pytest.raises(ClientError, match=r"ValidationException.*Duplicate tag keys found: team"):
        sagemaker.create_model_package_group(ModelPackageGroupName=f"{group}-2", Tags=twice)
    assert len(sagemaker.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]) == 1


def test_a_resource_has_fifty_tags_and_none_of_aws(sagemaker: Any, group: str) -> None:
    arn = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    with pytest.raises(ClientError, match=r"cannot begin with aws:.*: aws:owner"):
        sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "aws:owner", "Value": "toys"}])
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
    with pytest.raises(ClientError, match="would have 51 tags; at most 50"):
        sagemaker.add_tags(ResourceArn=arn, Tags=many)  # beside the one it has
    assert len(sagemaker.list_tags(ResourceArn=arn)["Tags"]) == 1


def test_what_does_not_exist_has_no_tags(sagemaker: Any, group: str) -> None:
    arn = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    absent = [f"{arn}-absent", arn.replace(":1", ":2"), arn.replace("model-package-group", "model"), "x"]
    for resource in absent:
        for call, more in (
            (sagemaker.add_tags, {"Tags": [{"Key": "team", "Value": "toys"}]}),
            (sagemaker.list_tags, {}),
            (sagemaker.delete_tags, {"TagKeys": ["team"]}),
        ):
            with pytest.raises(ClientError, match="ValidationException"):
                call(ResourceArn=resource, **more)


def test_tags_go_with_their_resource(sagemaker: Any, group: str) -> None:
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    arn = sagemaker.create_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == []
    version = package(sagemaker, group)
    sagemaker.add_tags(ResourceArn=version, Tags=[{"Key": "team", "Value": "toys"}])
    assert sagemaker.list_tags(ResourceArn=version)["Tags"] == [{"Key": "team", "Value": "toys"}]


def test_a_groups_policy_is_kept_with_it(sagemaker: Any, group: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sagemaker:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with pytest.raises(ClientError, match="Cannot find a resource policy"):
        sagemaker.get_model_package_group_policy(ModelPackageGroupName=group)
    for bad in ("{", "[]", "{}"):
        with pytest.raises(ClientError, match="ResourcePolicy"):
            sagemaker.put_model_package_group_policy(ModelPackageGroupName=group, ResourcePolicy=bad)
    sagemaker.put_model_package_group_policy(ModelPackageGroupName=group, ResourcePolicy=policy)
    kept = sagemaker.get_model_package_group_policy(ModelPackageGroupName=group)
    assert kept["ResourcePolicy"] == policy
    sagemaker.delete_model_package_group_policy(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="Cannot find a resource policy"):
        sagemaker.delete_model_package_group_policy(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.get_model_package_group_policy(ModelPackageGroupName="absent")


@pytest.mark.parametrize("bad", ["under_score", "x" * 64])
def test_group_names_that_aws_refuses(sagemaker: Any, bad: str) -> None:
    with pytest.raises(ClientError, match="ModelPackageGroupName"):
        sagemaker.create_model_package_group(ModelPackageGroupName=bad)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "records.db")
    yield store
    store.close()


class FailingFunctions(Functions):
    """Functions of which each fails a number of times before it succeeds."""

    def __init__(self, failures: int) -> None:
        self.failures, self.seen = failures, []

    def invoke(self, name: str, event: Any) -> Invocation:
        self.seen.append((name, event))
        self.failures -= 1
        return Invocation("{}", None if self.failures < 0 else "Unhandled")


EventsOf = Callable[[FailingFunctions], Events]


@pytest.fixture
def events_of(account: Account, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventsOf]:
    monkeypatch.setattr("local_aws.services.events._RETRY_SECONDS", (0.01, 0.01, 0.01))
    made: list[Events] = []

    def make(functions: FailingFunctions) -> Events:
        made.append(Events(account, store, functions))
        made[-1].put_rule("toy", RULE, "toy-deployer")
        return made[-1]

    yield make
    for events in made:
        events.close()


def test_create_approve_and_delete_are_announced(account: Account, store: Store, events_of: EventsOf) -> None:
    functions = FailingFunctions(0)
    registry = Registry(account, store, events_of(functions).announce)
    request = register("", "toy--breast-cancer", "s3://toys/model.tar.gz")["Arguments"]
    registry.ensure_group("toy--breast-cancer")
    arn = registry.create_model_package(request)["ModelPackageArn"]
    registry.update_model_package({"ModelPackageArn": arn, "ModelApprovalStatus": "Approved"})
    registry.update_model_package({"ModelPackageArn": arn, "CustomerMetadataProperties": {"silent": "yes"}})
    registry.delete_model_package({"ModelPackageName": arn})
    wait_for(lambda: len(functions.seen) == 3)
    states = [
        (event["detail"]["ModelApprovalStatus"], event["detail"]["ModelPackageStatus"])
        for _, event in functions.seen
    ]
    assert states == [
        ("PendingManualApproval", "Completed"),
        ("Approved", "Completed"),
        ("Approved", "Deleting"),
    ]
    approved = functions.seen[1][1]
    assert shape(approved) == shape(json.loads(RECORDED.read_text()))
    assert approved["resources"] == [arn]


def shape(value: Any) -> Any:
    """Return names and types, without the values that differ each time."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


def test_another_environments_group_is_not_delivered(
    account: Account, store: Store, events_of: EventsOf
) -> None:
    functions = FailingFunctions(0)
    events = events_of(functions)
    registry = Registry(account, store, events.announce)
    for group in ("toy-staging--data", "toy--data"):
        registry.ensure_group(group)
        registry.create_model_package(register("", group, "s3://toys/model.tar.gz")["Arguments"])
    wait_for(lambda: not events.waiting())
    assert [event["detail"]["ModelPackageGroupName"] for _, event in functions.seen] == ["toy--data"]


def test_a_failed_delivery_is_tried_again(events_of: EventsOf) -> None:
    functions = FailingFunctions(2)
    events = events_of(functions)
    events.announce(json.loads(RECORDED.read_text()))
    wait_for(lambda: len(functions.seen) == 3)
    wait_for(lambda: not events.waiting())
    assert events.dead_letters() == []


def test_deliveries_are_lost_and_duplicated_when_asked(events_of: EventsOf) -> None:
    functions = FailingFunctions(0)
    events = events_of(functions)
    event = json.loads(RECORDED.read_text())

    def delivered(**shares: float) -> int:
        functions.seen.clear()
        events.set_deliveries(**shares)
        for _ in range(100):
            events.announce(event)
        wait_for(lambda: not events.waiting())
        return len(functions.seen)

    assert delivered(lost=1.0) == 0
    assert delivered(duplicated=1.0) == 200
    assert 60 < delivered(lost=0.25, seed=1) < 90
    assert delivered(lost=0.25, seed=1) == delivered(lost=0.25, seed=1)
    assert delivered() == 100
    with pytest.raises(AwsError, match="must be fractions"):
        events.set_deliveries(lost=0.6, duplicated=0.6)


def test_what_cannot_be_delivered_becomes_a_dead_letter(events_of: EventsOf) -> None:
    events = events_of(FailingFunctions(99))
    events.announce(json.loads(RECORDED.read_text()))
    (letter,) = wait_for(events.dead_letters)
    assert letter["Function"] == "toy-deployer"
    assert letter["Event"]["detail"]["ModelPackageGroupName"] == "toy--breast-cancer"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (RULE, True),
        ({"detail": {"ModelPackageGroupName": [{"prefix": "toy-staging--"}]}}, False),
        ({"detail": {"ModelApprovalStatus": ["Rejected", "Approved"]}}, True),
        ({"detail": {"ModelPackageVersion": [1]}}, True),
        ({"detail": {"ModelPackageVersion": ["1"]}}, False),
        ({"resources": [{"suffix": "/1"}]}, True),
        ({"detail": {"Absent": [{"exists": False}]}}, True),
        ({"detail": {"Absent": [{"prefix": ""}]}}, False),
        ({"source": [{"anything-but": ["aws.ec2"]}]}, True),
        ({"detail": {"ModelApprovalStatus": [{"equals-ignore-case": "APPROVED"}]}}, True),
        ({"source": {"nested": ["x"]}}, False),
    ],
)
def test_patterns(pattern: dict[str, Any], expected: bool) -> None:
    check_pattern(pattern)
    assert matches(pattern, json.loads(RECORDED.read_text())) is expected


@pytest.mark.parametrize(
    "pattern", [{"source": "aws.sagemaker"}, {"source": []}, {"x": [{"cidr": "10.0.0.0/8"}]}]
)
def test_patterns_that_are_none(pattern: dict[str, Any]) -> None:
    with pytest.raises(AwsError, match="InvalidEventPatternException"):
        check_pattern(pattern)
