"""What jobs print, read through CloudWatch Logs, and what endpoints did, through CloudWatch."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support import PATIENCE
from support.local_aws.aws import Aws, wait_for
from support.local_aws.pipeline import training_request

import local_aws

GROUP = "/aws/sagemaker/TrainingJobs"


@pytest.fixture
def logs(aws: Aws) -> Any:
    return aws.client("logs")


@pytest.fixture
def stream(aws: Aws, bucket: str, name: str, logs: Any) -> str:
    """The log stream of a job that has printed the lines 0 to 9."""
    sagemaker = aws.client("sagemaker")
    request = training_request("[print('line', i) for i in range(10)]")
    sagemaker.create_training_job(TrainingJobName=name, **request)
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=name, WaiterConfig=PATIENCE
    )
    (found,) = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")["logStreams"]
    assert found["logStreamName"].startswith(f"{name}/algo-1-")
    return found["logStreamName"]


def lines(answer: dict[str, Any]) -> list[int]:
    return [int(event["message"].split()[-1]) for event in answer["events"]]


def test_a_jobs_log_is_read_in_both_directions(logs: Any, stream: str) -> None:
    place = {"logGroupName": GROUP, "logStreamName": stream, "limit": 4}
    first = logs.get_log_events(**place, startFromHead=True)
    assert lines(first) == [0, 1, 2, 3]
    second = logs.get_log_events(**place, nextToken=first["nextForwardToken"])
    assert lines(second) == [4, 5, 6, 7]
    third = logs.get_log_events(**place, nextToken=second["nextForwardToken"])
    assert lines(third) == [8, 9]
    end = logs.get_log_events(**place, nextToken=third["nextForwardToken"])
    assert (end["events"], end["nextForwardToken"]) == ([], third["nextForwardToken"])
    assert lines(logs.get_log_events(**place, nextToken=second["nextBackwardToken"])) == [0, 1, 2, 3]
    assert lines(logs.get_log_events(**place)) == [6, 7, 8, 9]


def test_a_line_keeps_its_id_while_its_job_prints_more(aws: Aws, bucket: str, name: str, logs: Any) -> None:
    prints = "import time; print('line 0', flush=True); time.sleep(1); print('line 1')"
    aws.client("sagemaker").create_training_job(TrainingJobName=name, **training_request(prints))

    def ids(count: int) -> list[str]:
        found = logs.filter_log_events(
            logGroupName=GROUP, logStreamNamePrefix=f"{name}/", filterPattern="line"
        )
        return [event["eventId"] for event in found["events"]] if len(found["events"]) == count else []

    (first,) = wait_for(lambda: ids(1))
    assert wait_for(lambda: ids(2))[0] == first


def test_lines_are_found_by_their_words(logs: Any, stream: str) -> None:
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, logStreamNames=[stream], filterPattern="line", PaginationConfig={"PageSize": 3}
    )
    assert [number for page in pages for number in lines(page)] == list(range(10))
    found = logs.filter_log_events(logGroupName=GROUP, logStreamNames=[stream], filterPattern='"line 7"')
    assert lines(found) == [7]
    past = logs.filter_log_events(logGroupName=GROUP, logStreamNames=[stream], endTime=1)
    assert past["events"] == []
    with pytest.raises(ClientError, match="filter pattern"):
        logs.filter_log_events(logGroupName=GROUP, filterPattern="{ $.level = 1 }")


def test_there_is_a_group_for_each_source(aws: Aws, logs: Any, stream: str) -> None:
    local_aws.ensure_environment(aws.server, "toy-shop")
    aws.client("lambda").invoke(FunctionName="toy-shop-invoker", Payload=b"{}")
    pages = logs.get_paginator("describe_log_groups").paginate()
    groups = {group["logGroupName"] for page in pages for group in page["logGroups"]}
    assert {GROUP, "/aws/lambda/toy-shop-invoker", "/aws/sagemaker/Endpoints/toy-shop"} <= groups


def test_what_is_not_there(logs: Any, stream: str) -> None:
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="log group"):
        logs.describe_log_streams(logGroupName="/absent")
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="log stream"):
        logs.get_log_events(logGroupName=GROUP, logStreamName="absent")
    with pytest.raises(ClientError, match="CreateLogGroup"):
        logs.create_log_group(logGroupName="mine")


def test_invocations_of_an_endpoint_are_metrics(aws: Aws) -> None:
    local_aws.ensure_environment(aws.server, "toy-shop")
    sagemaker, cloudwatch = aws.client("sagemaker"), aws.client("cloudwatch")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="toy-shop", WaiterConfig=PATIENCE)

    def total() -> float:
        names = (("EndpointName", "toy-shop"), ("VariantName", "AllTraffic"))
        metric = {
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocation4XXErrors",
            "Dimensions": [{"Name": name, "Value": value} for name, value in names],
        }
        query = {"Id": "errors", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
        now = datetime.now(UTC)
        times = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=1)}
        (result,) = cloudwatch.get_metric_data(MetricDataQueries=[query], **times)["MetricDataResults"]
        return sum(result["Values"])

    before = total()
    for _ in range(3):
        with pytest.raises(ClientError, match="Failed to download"):
            aws.client("sagemaker-runtime").invoke_endpoint(
                EndpointName="toy-shop", TargetModel="absent.tar.gz", Body=b"1"
            )
    wait_for(lambda: total() == before + 3)
