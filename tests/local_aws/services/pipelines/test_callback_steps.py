"""Callback steps: a message in a queue, and an answer with its token."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws, wait_for
from support.local_aws.pipeline import Step, create, fail, finish, get

from local_aws.core.account import ACCOUNT_ID

OUTPUTS = {"uri": "String", "count": "Integer"}
REQUEST_TOKEN = "t" * 32


@pytest.fixture
def queue(aws: Aws, name: str) -> str:
    return aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]


def step(queue: str, **arguments: Any) -> Step:
    declared = [{"OutputName": name, "OutputType": kind} for name, kind in OUTPUTS.items()]
    return {
        "Name": "Wait",
        "Type": "Callback",
        "Arguments": arguments,
        "SqsQueueUrl": queue,
        "OutputParameters": declared,
    }


def start(aws: Aws, name: str, queue: str) -> str:
    """Start a pipeline whose last step fails with what the callback has answered."""
    sagemaker = aws.client("sagemaker")
    values = [get(f"Steps.Wait.OutputParameters['{output}']") for output in OUTPUTS]
    told = {"Std:Join": {"On": " ", "Values": values}}
    create(sagemaker, name, [step(queue, rows=7), fail("End", told)])
    return sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]


def message(aws: Aws, queue: str) -> dict[str, Any]:
    """Take the next message from a queue."""
    sqs = aws.client("sqs")
    (received,) = wait_for(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=received["ReceiptHandle"])
    return json.loads(received["Body"])


def outputs(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def test_an_answer_with_the_token_gives_the_outputs(aws: Aws, name: str, queue: str) -> None:
    sagemaker = aws.client("sagemaker")
    arn = start(aws, name, queue)
    asked = message(aws, queue)
    token = asked.pop("token")
    assert asked == {"pipelineExecutionArn": arn, "arguments": {"rows": 7}, "status": "Executing"}
    answer = {"CallbackToken": token, "OutputParameters": outputs(uri="s3://a/b", count="8")}
    for _ in range(2):  # a repeated request is the same request
        answered = sagemaker.send_pipeline_execution_step_success(**answer, ClientRequestToken=REQUEST_TOKEN)
        assert answered["PipelineExecutionArn"] == arn
    _, steps = finish(sagemaker, arn)
    assert steps["End"]["FailureReason"] == "s3://a/b 8"
    assert steps["Wait"]["Metadata"]["Callback"] == {
        "CallbackToken": token,
        "SqsQueueUrl": queue,
        "OutputParameters": answer["OutputParameters"],
    }
    with pytest.raises(ClientError, match="already answered"):
        sagemaker.send_pipeline_execution_step_failure(CallbackToken=token)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"FailureReason": "no room"}, "no room"),
        ({"OutputParameters": outputs(uri="a")}, "no output 'count'"),
        ({"OutputParameters": outputs(uri="a", count="many")}, "not of type Integer"),
    ],
)
def test_a_failure_and_an_output_that_is_not_as_declared_fail_the_step(
    aws: Aws, name: str, queue: str, answer: dict[str, Any], reason: str
) -> None:
    sagemaker = aws.client("sagemaker")
    arn = start(aws, name, queue)
    kind = "failure" if "FailureReason" in answer else "success"
    send = getattr(sagemaker, f"send_pipeline_execution_step_{kind}")
    send(CallbackToken=message(aws, queue)["token"], **answer)
    execution, steps = finish(sagemaker, arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert reason in steps["Wait"]["FailureReason"]


def test_an_execution_stops_only_after_the_answer(aws: Aws, name: str, queue: str) -> None:
    sagemaker = aws.client("sagemaker")
    arn = start(aws, name, queue)
    token = message(aws, queue)["token"]
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=REQUEST_TOKEN)
    asked = message(aws, queue)
    assert (asked["token"], asked["status"]) == (token, "Stopping")
    assert (
        sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]
        == "Stopping"
    )
    sagemaker.send_pipeline_execution_step_failure(CallbackToken=token, FailureReason="cleaned up")
    execution, _ = finish(sagemaker, arn)
    assert execution["PipelineExecutionStatus"] == "Stopped"


def test_a_queue_that_is_not_there_fails_the_step_and_a_step_without_one_is_refused(
    aws: Aws, name: str
) -> None:
    sagemaker = aws.client("sagemaker")
    absent = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT_ID}/absent"
    _, steps = finish(sagemaker, start(aws, name, absent))
    assert "NonExistentQueue" in steps["Wait"]["FailureReason"]
    with pytest.raises(ClientError, match="has no SqsQueueUrl"):
        create(sagemaker, f"{name}-b", [step("")])
    with pytest.raises(ClientError, match="No step waits"):
        sagemaker.send_pipeline_execution_step_success(CallbackToken="a" * 10)
