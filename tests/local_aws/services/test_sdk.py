"""The SageMaker SDK, which local_aws was not written for, drives a pipeline from its creation to its end."""

import json
import os
import subprocess
from typing import Any

import pytest
from support import ROOT
from support.local_aws.aws import Aws
from support.local_aws.pipeline import TRUST
from support.local_aws.programs import sdk_program

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(aws: Aws, bucket: str) -> dict[str, Any]:
    """What the SDK was told in the program support/local_aws/sdk.py."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "tests"),  # it shares this folder's support
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": aws.server.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    aws.client("iam").create_role(RoleName="toy-jobs", AssumeRolePolicyDocument=TRUST)
    program = sdk_program(ROOT / "tests/support/local_aws/sdk.py", bucket, "toy-sdk")
    done = subprocess.run(program, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def by_name(steps: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {step["StepName"]: step for step in steps}


def test_upsert_creates_and_then_updates(told: dict[str, Any]) -> None:
    assert told["created"]["PipelineArn"] == told["updated"]["PipelineArn"]
    assert told["pipeline"]["PipelineDescription"] == "the second time"
    assert {tag["Key"] for tag in told["tags"]} >= {"team", "year"}
    assert told["deleted"]["PipelineArn"] == told["created"]["PipelineArn"]


def test_wait_ends_with_the_execution(told: dict[str, Any]) -> None:
    assert told["execution"]["PipelineExecutionStatus"] == "Succeeded"
    assert told["execution"]["PipelineExecutionDisplayName"] == "good"
    statuses = {name: step["StepStatus"] for name, step in by_name(told["steps"]).items()}
    assert statuses == dict.fromkeys(("Prepare", "Check", "Tune"), "Succeeded")
    assert by_name(told["steps"])["Check"]["Metadata"]["Condition"]["Outcome"] == "True"


def test_parameters_of_an_execution_start_another(told: dict[str, Any]) -> None:
    assert told["parameters"] == {"Least": 2.0, "Trials": "5"}
    assert "terminal failure state" in told["waiter"]
    assert told["failed"]["PipelineExecutionStatus"] == "Failed"
    assert "too little" in by_name(told["failed steps"])["TooLittle"]["FailureReason"]
    statuses = [item["PipelineExecutionStatus"] for item in told["executions"]["PipelineExecutionSummaries"]]
    assert statuses == ["Failed", "Succeeded"]


def test_the_tuners_analytics_are_a_table_of_its_trials(told: dict[str, Any]) -> None:
    jobs = told["jobs"]
    assert (jobs["status"], jobs["description"], jobs["processing"]) == ("Completed",) * 3
    assert len(jobs["trials"]) == 3
    for trial in jobs["trials"]:
        assert trial["TrainingJobStatus"] == "Completed"
        assert trial["FinalObjectiveValue"] == pytest.approx(trial["x"])
        assert trial["y"] in ("a", "b")
        assert trial["TrainingElapsedTimeSeconds"] > 0
    assert set(jobs["ranges"]) == {"x", "y"}
    assert set(jobs["listed"]) == {trial["TrainingJobName"] for trial in jobs["trials"]}
    best = max(jobs["trials"], key=lambda trial: trial["FinalObjectiveValue"])
    assert (jobs["best"], jobs["best x"]) == (best["TrainingJobName"], pytest.approx(best["x"]))
