"""What jobs and functions really call, recorded by local_aws in a run, against Terraform's policies."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from iam import allows
from workspace import ROOT

import local_aws

pytestmark = pytest.mark.slow
ROLES = {
    "jobs": "aws_iam_role_policy.jobs",
    "deployer": 'aws_iam_role_policy.function["deployer"]',
    "invoker": 'aws_iam_role_policy.function["invoker"]',
    "retrainer": 'aws_iam_role_policy.function["retrainer"]',
}
RETRAINING = {"dataset": "wine", "target": "cultivar", "family": "classification"}


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """A run of the notebooks, a second version, and its rejection: a switch and the way back."""
    home = tmp_path_factory.mktemp("recorded") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_AWS_HOME", str(home))
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        server = local_aws.start(owner=os.getpid())
        try:
            run(home, "approve")
            run(home, "approve", "--only", "03", "--only", "04")
            run(home, "reject", "--only", "04", "--only", "05")
            retrain(server.endpoint_url)
            with urllib.request.urlopen(f"{server.endpoint_url}/_local/calls") as answer:
                return json.load(answer)
        finally:
            local_aws.stop()


def run(home: Path, decision: str, *arguments: str) -> None:
    """Run notebooks with the names of the planned environment."""
    values = {"PIPELINE_NAME": "demo", "DATASETS": "[wine]", "MAX_TUNING_JOBS": "6", "APPROVE": decision}
    given = [
        text for name, value in (values | {"LOAD_TEST": "false"}).items() for text in ("-p", name, value)
    ]
    command = [sys.executable, "-m", "helpers.run", str(ROOT / "parameters/local.yaml")]
    done = subprocess.run(
        [*command, "--runs", str(home.with_name("runs")), *given, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def retrain(url: str) -> None:
    """Call the retrainer as a schedule does, twice: it starts an execution once, and stops there."""
    session = boto3.Session("local", "local", region_name="eu-central-1")
    functions, sagemaker = (session.client(name, endpoint_url=url) for name in ("lambda", "sagemaker"))
    for action in ("started", "unchanged"):
        event = json.dumps(RETRAINING | {"parameters": {"MaxTuningJobs": "6"}}).encode()
        answer = functions.invoke(FunctionName="demo-retrainer", Payload=event)
        outcome = json.load(answer["Payload"])
        assert outcome["action"] == action, outcome
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=outcome["execution"], ClientRequestToken="s" * 32)


def test_every_call_that_was_made_is_allowed(calls: list[dict[str, Any]], plan: dict[str, Any]) -> None:
    policies = {f"demo-{role}": json.loads(plan[address]["policy"]) for role, address in ROLES.items()}
    assert {call["role"] for call in calls} == policies.keys()
    refused = [
        call
        for call in calls
        if not allows(
            policies[call["role"]],
            call["action"],
            call["resource"],
            dict([call["context"]] if call["context"] else []),
        )
    ]
    assert refused == []


def test_the_run_used_what_the_policies_are_for(calls: list[dict[str, Any]]) -> None:
    made = {(call["role"].removeprefix("demo-"), call["action"]) for call in calls}
    assert made >= {
        ("jobs", "s3:GetObject"),
        ("jobs", "sagemaker:DescribeTrainingJob"),
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
