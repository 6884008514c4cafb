"""Search: filters on properties, metrics, hyperparameters and tags, sorted and in pages."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws, wait_for
from support.local_aws.pipeline import ROLE, channel, create, fail, training_request

Filter = dict[str, str]
ENDED = ("Completed", "Failed")


@pytest.fixture(scope="module")
def found(aws: Aws, bucket: str) -> Any:
    """Search for the training jobs s-0, s-1 and s-2, of which the last has failed; return the numbers."""
    sagemaker = aws.client("sagemaker")
    aws.client("s3").put_object(Bucket=bucket, Key="search/rows.csv", Body=b"1")
    aws.client("s3").put_object(Bucket=bucket, Key="rows/rows.csv", Body=b"1")
    for number, code in enumerate(("print('score=0.25')", "print('score=0.75')", "sys.exit(1)")):
        request = training_request(
            code,
            HyperParameters={"depth": str(number), "kind": ("forest", "linear", "2")[number]},
            InputDataConfig=[
                channel("train", f"s3://{bucket}/search/"),
                channel("other", f"s3://{bucket}/rows/"),
            ],
            EnableNetworkIsolation=number == 1,
            Tags=[{"Key": "team", "Value": f"team-{number}"}],
        )
        sagemaker.create_training_job(TrainingJobName=f"s-{number}", **request)
    wait_for(
        lambda: all(
            sagemaker.describe_training_job(TrainingJobName=f"s-{number}")["TrainingJobStatus"] in ENDED
            for number in range(3)
        )
    )

    def search(*filters: Filter, **expression: Any) -> str:
        mine = {"Name": "TrainingJobName", "Operator": "In", "Value": "s-0,s-1,s-2"}
        inner = {"Filters": list(filters)} if filters else {}
        answer = sagemaker.search(
            Resource="TrainingJob",
            SearchExpression={"Filters": [mine], "SubExpressions": [inner | expression]},
            SortBy="TrainingJobName",
            SortOrder="Ascending",
        )
        assert answer["TotalHits"] == {"Value": len(answer["Results"]), "Relation": "EqualTo"}
        return "".join(each["TrainingJob"]["TrainingJobName"][-1] for each in answer["Results"])

    return search


def on(name: str, how: str = "", value: str = "") -> Filter:
    given = {"Name": name, "Operator": how, "Value": value}
    return {key: text for key, text in given.items() if text}


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (on("TrainingJobStatus", "Equals", "Completed"), "01"),
        (on("TrainingJobStatus", "", "Failed"), "2"),
        (on("TrainingJobStatus", "NotEquals", "Failed"), "01"),
        (on("FailureReason"), "2"),
        (on("FailureReason", "NotExists"), "01"),
        (on("FailureReason", "Contains", "exit code 1"), "2"),
        (on("Metrics.score", "GreaterThan", "0.5"), "1"),
        (on("Metrics.score", "LessThanOrEqualTo", "0.75"), "01"),
        (on("HyperParameters.depth", "GreaterThanOrEqualTo", "1"), "12"),
        (on("HyperParameters.kind", "Equals", "forest"), "0"),
        (on("HyperParameters.kind", "LessThan", "3"), "2"),
        (on("HyperParameters.absent", "Exists"), ""),
        (on("Tags.team", "Equals", "team-1"), "1"),
        (on("EnableNetworkIsolation", "Equals", "true"), "1"),
        (on("ResourceConfig.InstanceCount", "Equals", "1"), "012"),
        (on("CreationTime", "GreaterThan", "2020-01-31T12:00:00"), "012"),
        (on("InputDataConfig.ChannelName", "Equals", "train"), "012"),
    ],
)
def test_a_filter_compares_a_property_by_its_type(found: Any, wanted: Filter, numbers: str) -> None:
    assert found(wanted) == numbers


def test_filters_are_combined_by_and_or_or(found: Any) -> None:
    failed, low = on("TrainingJobStatus", "Equals", "Failed"), on("Metrics.score", "LessThan", "0.5")
    assert found(failed, low) == ""
    assert found(failed, low, Operator="Or") == "02"
    nested = {
        "NestedPropertyName": "InputDataConfig",
        "Filters": [
            on("InputDataConfig.ChannelName", "Equals", "train"),
            on("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", "/search"),
        ],
    }
    assert found(NestedFilters=[nested]) == "012"
    other = {
        **nested,
        "Filters": [on("InputDataConfig.ChannelName", "Equals", "other"), nested["Filters"][1]],
    }
    assert found(NestedFilters=[other]) == ""


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ([on("Colour", "Equals", "red")], "Unknown property name: Colour"),
        ([on("TrainingJobName", "LessThan", "z")], "not supported for the text property"),
        ([on("CreationTime", "Contains", "2026")], "only supported for text"),
        ([on("CreationTime", "LessThan", "soon")], "not a time"),
        ([on("TrainingTimeInSeconds", "Equals", "long")], "not a number"),
        ([on("TrainingJobName", "Equals")], "needs a Value"),
        (
            [on("TrainingJobName", "Contains", "a"), on("RoleArn", "Contains", "b")],
            "usage limit of 1 exceeded",
        ),
        ([], "at least one"),
    ],
)
def test_an_expression_that_aws_refuses_is_refused(found: Any, wanted: list[Filter], told: str) -> None:
    with pytest.raises(ClientError, match=told):
        found(*wanted)


def test_what_is_not_emulated_is_refused_by_name(aws: Aws) -> None:
    with pytest.raises(ClientError, match="Search of Experiment; it supports Endpoint"):
        aws.client("sagemaker").search(Resource="Experiment")


def test_other_resources_come_sorted_and_in_pages(aws: Aws, name: str) -> None:
    sagemaker = aws.client("sagemaker")
    for suffix in "abc":
        create(sagemaker, name + suffix, [fail("End", "x")])
    pages = sagemaker.get_paginator("search").paginate(
        Resource="Pipeline",
        SearchExpression={"Filters": [on("PipelineName", "Contains", name)]},
        SortBy="CreationTime",
        PaginationConfig={"PageSize": 2},
    )
    listed = [each["Pipeline"] for page in pages for each in page["Results"]]
    assert [each["PipelineName"][-1] for each in listed] == ["c", "b", "a"]
    assert listed[0]["RoleArn"] == ROLE
    sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=[{"Key": "for", "Value": name}])
    groups = sagemaker.search(
        Resource="ModelPackageGroup", SearchExpression={"Filters": [on("Tags.for", "Equals", name)]}
    )["Results"]
    assert [each["ModelPackageGroup"]["ModelPackageGroupName"] for each in groups] == [name]
