"""What is planned, held to botocore's models of the operations with which the provider creates it.

Neither `terraform validate` nor the stand-in checks lengths, patterns, ranges and enumerations.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore import xform_name
from botocore.model import ListShape, Shape, StructureShape

from local_aws.core.requests.validation import problems, service_model

CREATED_BY = {
    "aws_appautoscaling_policy": ("application-autoscaling", "PutScalingPolicy"),
    "aws_appautoscaling_target": ("application-autoscaling", "RegisterScalableTarget"),
    "aws_cloudwatch_dashboard": ("cloudwatch", "PutDashboard"),
    "aws_cloudwatch_event_rule": ("events", "PutRule"),
    "aws_cloudwatch_event_target": ("events", "PutTargets"),
    "aws_cloudwatch_log_group": ("logs", "CreateLogGroup"),
    "aws_cloudwatch_log_stream": ("logs", "CreateLogStream"),
    "aws_cloudwatch_metric_alarm": ("cloudwatch", "PutMetricAlarm"),
    "aws_cloudwatch_query_definition": ("logs", "PutQueryDefinition"),
    "aws_codebuild_project": ("codebuild", "CreateProject"),
    "aws_ecr_repository": ("ecr", "CreateRepository"),
    "aws_iam_policy": ("iam", "CreatePolicy"),
    "aws_iam_role": ("iam", "CreateRole"),
    "aws_iam_role_policy": ("iam", "PutRolePolicy"),
    "aws_kinesis_firehose_delivery_stream": ("firehose", "CreateDeliveryStream"),
    "aws_lambda_function": ("lambda", "CreateFunction"),
    "aws_lambda_function_event_invoke_config": ("lambda", "PutFunctionEventInvokeConfig"),
    "aws_lambda_function_url": ("lambda", "CreateFunctionUrlConfig"),
    "aws_lambda_permission": ("lambda", "AddPermission"),
    "aws_s3_object": ("s3", "PutObject"),
    "aws_sagemaker_endpoint": ("sagemaker", "CreateEndpoint"),
    "aws_sagemaker_endpoint_configuration": ("sagemaker", "CreateEndpointConfig"),
    "aws_sagemaker_model": ("sagemaker", "CreateModel"),
    "aws_sagemaker_pipeline": ("sagemaker", "CreatePipeline"),
    "aws_scheduler_schedule": ("scheduler", "CreateSchedule"),
    "aws_sns_topic": ("sns", "CreateTopic"),
    "aws_sqs_queue": ("sqs", "CreateQueue"),
    "aws_ssm_parameter": ("ssm", "PutParameter"),
}
NUMBERS = ("integer", "long", "float", "double")
# What the operation calls otherwise than the provider.
OTHERWISE = {
    "assume_role_policy": "AssumeRolePolicyDocument",
    "authorization_type": "AuthType",
    "build_timeout": "timeoutInMinutes",
    "extended_s3_configuration": "ExtendedS3DestinationConfiguration",
    "kms_key_arn": "KmsKeyId",
    "log_group": "LogGroup",
    "maximum_event_age_in_seconds": "MaximumEventAgeInSeconds",
    "policy": "PolicyDocument",
}


def as_request(value: Any, shape: Shape) -> Any:
    """What the provider makes of a planned value, as far as names and types tell; None if they do not."""
    if isinstance(shape, StructureShape):
        block = value[0] if isinstance(value, list) and value else value
        return members_of(block, shape) if isinstance(block, dict) else None
    if isinstance(shape, ListShape):
        items = [as_request(item, shape.member) for item in value] if isinstance(value, list) else []
        return [item for item in items if item is not None] or None
    if isinstance(value, str) and shape.type_name == "string":
        return value
    return value if isinstance(value, int | float) and shape.type_name in NUMBERS else None


def members_of(attributes: Mapping[str, Any], shape: StructureShape) -> dict[str, Any]:
    names = {xform_name(name): name for name in shape.members}
    found = {}
    for attribute, value in attributes.items():
        name = names.get(attribute) or names.get(xform_name(OTHERWISE.get(attribute, "")))
        if name is None and attribute == "name":  # of the resource's kind, such as RoleName
            name = next((one for one in shape.required_members if one.lower().endswith("name")), None)
        if name and value not in (None, "") and (made := as_request(value, shape.members[name])) is not None:
            found[name] = made
    return found


def test_a_value_deep_in_a_resource_is_compared_too() -> None:
    shape = service_model("scheduler").operation_model("CreateSchedule").input_shape
    planned = {"name": "n" * 65, "target": [{"retry_policy": [{"maximum_retry_attempts": 186}]}], "id": None}
    where = [problem.partition(" failed")[0] for problem in problems(members_of(planned, shape), shape)]
    assert where == [
        f"Value '{'n' * 65}' at 'Name'",
        "Value '186' at 'Target.RetryPolicy.MaximumRetryAttempts'",
    ]


@pytest.mark.parametrize("state", ["plan", "guarded_plan", "promoted_plan", "largest_plan"])
def test_no_name_or_number_is_one_that_aws_refuses(state: str, request: pytest.FixtureRequest) -> None:
    refused = []
    for address, values in request.getfixturevalue(state).items():
        kind = address.split(".")[0]
        if kind in CREATED_BY:
            service, operation = CREATED_BY[kind]
            shape = service_model(service).operation_model(operation).input_shape
            refused += [f"{address}: {problem}" for problem in problems(members_of(values, shape), shape)]
    assert not refused
