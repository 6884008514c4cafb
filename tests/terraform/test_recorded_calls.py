"""What jobs, functions and notebooks really call, recorded by local_aws, against Terraform's policies."""

import json
from typing import Any

import pytest
from support.notebooks.demo_run import Story

from local_aws.core.requests.iam import allows

pytestmark = pytest.mark.slow
ROLES = {
    "jobs": "aws_iam_role_policy.jobs[0]",
    "deployer": 'aws_iam_role_policy.function["deployer"]',
    "invoker": 'aws_iam_role_policy.function["invoker"]',
    "retrainer": 'aws_iam_role_policy.function["retrainer"]',
}
PEOPLE = ("aws_iam_policy.operator[0]", "aws_iam_policy.approver")
# What notebooks do only on a laptop: 02 in Terraform's place, and 01 to have a job to look into.
ON_A_LAPTOP = {"sagemaker:CreatePipeline", "sagemaker:UpdatePipeline", "sagemaker:CreateProcessingJob"}


@pytest.fixture(scope="module")
def calls(story: Story) -> list[dict[str, Any]]:
    """Those of a run of the notebooks, a second version, its rejection and a retraining."""
    assert (story.first.code, story.again.code, story.back.code) == (
        0,
        1,
        1,
    )  # two have a table that cannot be used
    return story.calls


def test_every_call_that_was_made_is_allowed(calls: list[dict[str, Any]], plan: dict[str, Any]) -> None:
    policies = {f"demo-{role}": json.loads(plan[address]["policy"]) for role, address in ROLES.items()}
    assert {call["role"] for call in calls} == policies.keys() | {"person"}
    by_roles = [call for call in calls if call["role"] != "person"]
    assert [call for call in by_roles if not permitted(policies[call["role"]], call)] == []


def test_every_call_of_the_notebooks_is_allowed_to_operator_or_approver(
    calls: list[dict[str, Any]], plan: dict[str, Any]
) -> None:
    policies = [json.loads(plan[address]["policy"]) for address in PEOPLE]
    made = [call for call in calls if call["role"] == "person" and call["action"] not in ON_A_LAPTOP]
    assert {call["action"] for call in made} >= {
        "cloudwatch:GetMetricData",
        "lambda:InvokeFunctionUrl",
        "s3:PutObject",
        "sagemaker:ListPipelineExecutionSteps",
        "sagemaker:StartPipelineExecution",
        "sagemaker:UpdateModelPackage",
    }
    refused = [call for call in made if not any(permitted(policy, call) for policy in policies)]
    assert refused == []


def permitted(policy: dict[str, Any], call: dict[str, Any]) -> bool:
    return allows(
        policy, call["action"], call["resource"], dict([call["context"]] if call["context"] else [])
    )


def test_the_run_used_what_the_policies_are_for(calls: list[dict[str, Any]]) -> None:
    made = {(call["role"].removeprefix("demo-"), call["action"]) for call in calls}
    assert made >= {
        ("jobs", "s3:GetObject"),
        ("deployer", "sagemaker:ListModelPackages"),
        ("deployer", "sagemaker:DescribeModelPackage"),
        ("deployer", "sagemaker:InvokeEndpoint"),
        ("deployer", "s3:ListBucket"),
        ("deployer", "s3:PutObject"),
        ("deployer", "s3:PutObjectTagging"),
        ("deployer", "s3:DeleteObjectTagging"),
        ("retrainer", "sagemaker:StartPipelineExecution"),
        ("retrainer", "sagemaker:DescribePipelineExecution"),
        ("retrainer", "s3:PutObject"),
        ("invoker", "s3:GetObject"),
        ("invoker", "sagemaker:InvokeEndpoint"),
    }
