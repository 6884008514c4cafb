"""Lambda steps: a function that a client created gets the arguments, and its result has the outputs."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws
from support.local_aws.pipeline import (
    ROLE,
    Step,
    compare,
    condition,
    create,
    fail,
    finish,
    get,
    processing,
    run_steps,
)

CODE = """
def answer(event, context):
    if event.get("fail"):
        raise ValueError("no model " + event["fail"])
    return {"name": event["name"] + "!", "count": event["count"] + 1, "share": 0.5, "good": True, "more": [1]}
"""
OUTPUTS = {"name": "String", "count": "Integer", "share": "Float", "good": "Boolean"}


def zipped(code: str, module: str = "toy_function") -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(f"{module}.py", code)
    return content.getvalue()


@pytest.fixture(scope="module")
def function(aws: Aws) -> Iterator[str]:
    """The ARN of a function with CODE."""
    client = aws.client("lambda")
    created = client.create_function(
        FunctionName="toy-answer",
        Runtime="python3.12",
        Role=ROLE,
        Handler="toy_function.answer",
        Code={"ZipFile": zipped(CODE)},
        Environment={"Variables": {"COLOR": "red"}},
    )
    assert (created["Timeout"], created["MemorySize"]) == (3, 128)
    yield created["FunctionArn"]
    client.delete_function(FunctionName="toy-answer")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName="toy-answer")


def step(function: str, outputs: dict[str, str] = OUTPUTS, **arguments: Any) -> Step:
    declared = [{"OutputName": name, "OutputType": kind} for name, kind in outputs.items()]
    return {
        "Name": "Ask",
        "Type": "Lambda",
        "Arguments": arguments,
        "FunctionArn": function,
        "OutputParameters": declared,
    }


def test_outputs_reach_later_steps_with_their_types(aws: Aws, bucket: str, function: str, name: str) -> None:
    output = "Steps.Ask.OutputParameters['{}']".format
    prepare = processing("Prepare", "pass")
    arn = get("Steps.Prepare.ProcessingJobArn")
    conditions = [
        compare("Equals", get(output("count")), 8),
        compare("Equals", get(output("good")), True),
        compare("LessThan", get(output("share")), 0.6),
    ]
    end = fail("End", get(output("name")))
    steps = [prepare, step(function, name=arn, count=7), condition("Check", conditions, [end])]
    execution, found = run_steps(aws.client("sagemaker"), name, steps)
    job = found["Prepare"]["Metadata"]["ProcessingJob"]["Arn"]
    assert found["End"]["FailureReason"] == f"{job}!", execution
    told = found["Ask"]["Metadata"]["Lambda"]
    assert told["Arn"] == function
    assert {each["Name"]: each["Value"] for each in told["OutputParameters"]} == {
        "name": f"{job}!",
        "count": "8",
        "share": "0.5",
        "good": "true",
    }


def test_a_retried_execution_keeps_the_outputs(aws: Aws, function: str, name: str) -> None:
    sagemaker = aws.client("sagemaker")
    output = "Steps.Ask.OutputParameters['{}']".format
    steps = [step(function, name="a", count=1), fail("End", get(output("name"))) | {"DependsOn": ["Ask"]}]
    execution, _ = run_steps(sagemaker, name, steps)
    arn = execution["PipelineExecutionArn"]
    sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="x" * 32)
    _, found = finish(sagemaker, arn)
    assert (found["Ask"]["AttemptCount"], found["End"]["FailureReason"]) == (1, "a!")


@pytest.mark.parametrize(
    ("outputs", "arguments", "reason"),
    [
        ({}, {"fail": "seven"}, "ValueError: no model seven"),
        ({"absent": "String"}, {"name": "a", "count": 1}, "no output 'absent'"),
        ({"more": "String"}, {"name": "a", "count": 1}, "not of type String"),
        ({"good": "Integer"}, {"name": "a", "count": 1}, "not of type Integer"),
        ({"name": "String"}, {"name": "a" * 1024, "count": 1}, "more than 1024 characters"),
    ],
)
def test_an_error_and_an_output_that_is_not_as_declared_fail_the_step(
    aws: Aws, function: str, name: str, outputs: dict[str, str], arguments: dict[str, Any], reason: str
) -> None:
    execution, found = run_steps(aws.client("sagemaker"), name, [step(function, outputs, **arguments)])
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert reason in found["Ask"]["FailureReason"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"FunctionArn": None}, "has no FunctionArn"),
        ({"OutputParameters": [{"OutputName": "a", "OutputType": "List"}]}, "OutputType 'List'"),
        ({"OutputParameters": [{"OutputType": "String"}]}, "needs an OutputName"),
        ({"RetryPolicies": [{"ExceptionType": ["Step.THROTTLING"]}]}, "cannot have RetryPolicies"),
    ],
)
def test_a_step_that_cannot_run_is_refused_when_created(
    aws: Aws, name: str, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(ClientError, match=told):
        create(aws.client("sagemaker"), name, [step("arn:x") | changed])


def test_a_function_is_given_new_code_from_s3_and_is_created_once(aws: Aws, bucket: str, name: str) -> None:
    client = aws.client("lambda")
    request = {
        "FunctionName": name,
        "Runtime": "python3.11",
        "Role": ROLE,
        "Handler": "code.answer",
        "Code": {"ZipFile": zipped("def answer(event, context): return 1", "code")},
    }
    client.create_function(**request)
    with pytest.raises(client.exceptions.ResourceConflictException):
        client.create_function(**request)
    assert client.invoke(FunctionName=name)["Payload"].read() == b"1"
    changed = zipped("def answer(event, context): return 2", "code")
    aws.client("s3").put_object(Bucket=bucket, Key="code.zip", Body=changed)
    client.update_function_code(FunctionName=name, S3Bucket=bucket, S3Key="code.zip")
    assert client.invoke(FunctionName=name)["Payload"].read() == b"2"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"Code": {"ZipFile": b"no zip"}}, "Could not unzip"),
        ({"Timeout": 901}, "less than or equal to 900"),
        ({"FunctionName": "f" * 65}, "less than or equal to 64"),
        ({"Code": {"ZipFile": bytes(50 * 2**20 + 1)}}, "at most 52428800 bytes"),
        ({"Environment": {"Variables": {"NAMES": "ü" * 2043}}}, "exceeded the 4KB limit"),
        ({"Environment": {"Variables": {"AWS_REGION": "x", "A_B": "x"}}}, "Reserved keys .*: AWS_REGION$"),
        ({"Runtime": "nodejs22.x"}, "the runtime nodejs22.x"),
        ({"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:a:1"]}, "Layers of a function"),
        ({"Code": {}}, "provide a source"),
    ],
)
def test_a_function_that_cannot_run_is_refused(
    aws: Aws, name: str, changed: dict[str, Any], told: str
) -> None:
    request = {"FunctionName": name, "Runtime": "python3.12", "Role": ROLE, "Handler": "a.b"}
    with pytest.raises(ClientError, match=told):
        aws.client("lambda").create_function(**{**request, "Code": {"ZipFile": zipped("")}, **changed})
