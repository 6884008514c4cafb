"""What is tried again: a step by its retry policies, an execution by RetryPipelineExecution."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws
from support.local_aws.pipeline import (
    ROLE,
    compare,
    condition,
    create,
    definition,
    fail,
    finish,
    get,
    processing,
    register,
    run,
    run_steps,
)

from local_aws.core.account import Account
from local_aws.core.errors import AwsError
from local_aws.core.store import Store
from local_aws.services.pipelines.executions import Execution
from local_aws.services.pipelines.expressions import Scope
from local_aws.services.pipelines.retries import check_policies, pause_before_retry

REPORT = "json.dump({'margin': 1}, open(base + '/processing/report/report.json', 'w'))"


@pytest.fixture
def sagemaker(aws: Aws) -> Any:
    return aws.client("sagemaker")


def policy(*types: str, **numbers: float) -> dict[str, Any]:
    return {"ExceptionType": list(types), **numbers}


def test_a_failed_execution_goes_on_after_what_has_succeeded(
    aws: Aws, sagemaker: Any, bucket: str, name: str
) -> None:
    fixed = aws.home / f"fixed-{name}"
    margin = {
        "Std:JsonGet": {"PropertyFile": get("Steps.Report.PropertyFiles.Report"), "Path": "margin"},
    }
    report = {"PropertyFileName": "Report", "OutputName": "report", "FilePath": "report.json"}
    model = get("Steps.Report.ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri")
    steps = [
        processing("Report", REPORT, outputs=["report"], PropertyFiles=[report]),
        condition(
            "IsGood",
            [compare("Equals", margin, 1)],
            [
                register("Register", f"{name}--data", model),
                processing(
                    "Flaky",
                    f"sys.exit(not os.path.exists(base + '/../../../{fixed.name}'))",
                    DependsOn=["Register"],
                ),
            ],
            [fail("Never", "never")],
        ),
        fail("End", join_margin(margin)) | {"DependsOn": ["Flaky"]},
    ]
    execution, first = run_steps(sagemaker, name, steps)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert first["Flaky"]["StepStatus"] == "Failed"
    fixed.touch()
    arn = execution["PipelineExecutionArn"]
    token = "t" * 32
    for _ in range(2):  # the same token retries once
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token)
    execution, second = finish(sagemaker, arn)
    assert execution["FailureReason"] == "Step failure: End: margin 1"
    for step in ("Report", "IsGood", "Register"):
        assert second[step] == first[step]
    assert (second["Flaky"]["StepStatus"], second["Flaky"]["AttemptCount"]) == ("Succeeded", 2)
    packages = sagemaker.list_model_packages(ModelPackageGroupName=f"{name}--data")
    assert len(packages["ModelPackageSummaryList"]) == 1


def test_a_retry_shows_nothing_of_the_failure_before(sagemaker: Any, name: str) -> None:
    execution, _ = run_steps(sagemaker, name, [fail("End", "x")])
    arn = execution["PipelineExecutionArn"]
    for attempt in range(2, 12):
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
        listed = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
        assert {step["AttemptCount"] for step in listed} <= {attempt}
        _, steps = finish(sagemaker, arn)
        assert steps["End"]["AttemptCount"] == attempt


def test_the_failure_before_is_gone_when_a_retry_begins(account: Account) -> None:
    store = Store(account.home / "records.db")
    records = [{"StepName": name, "StepStatus": name} for name in ("Succeeded", "Failed", "Stopped")]
    store.put("execution-steps", "arn", {"Steps": records})
    execution = Execution(
        store, {}, {"PipelineExecutionArn": "arn"}, {"Steps": []}, Scope({}, {}, lambda uri: b"")
    )
    execution.forget_failures()
    assert store.find("execution-steps", "arn") == {"Steps": records[:1]}
    store.close()


def join_margin(margin: Any) -> dict[str, Any]:
    return {"Std:Join": {"On": " ", "Values": ["margin", margin]}}


def test_what_has_succeeded_or_does_not_exist_cannot_be_retried(sagemaker: Any, name: str) -> None:
    create(sagemaker, name, [condition("Check", [compare("Equals", 1, 1)])])
    arn = run(sagemaker, name)[0]["PipelineExecutionArn"]
    with pytest.raises(ClientError, match="is in status Succeeded") as raised:
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
    assert raised.value.response["Error"]["Code"] == "ConflictException"
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn[:-1] + "-")


@pytest.mark.parametrize(
    ("types", "attempts"),
    [(["SageMaker.JOB_INTERNAL_ERROR"], 3), (["SageMaker.CAPACITY_ERROR"], 1)],
)
def test_a_step_is_retried_as_its_policy_says(
    aws: Aws, sagemaker: Any, bucket: str, name: str, types: list[str], attempts: int
) -> None:
    # The output's folder is a file from the input: not the command's fault, so it counts as an internal
    # error.
    aws.client("s3").put_object(Bucket=bucket, Key=f"{name}/taken", Body=b"x")
    step = processing("Step", "pass", {"in": f"s3://{bucket}/{name}"}, ["out"])
    (output,) = step["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    output["S3Output"]["LocalPath"] = "/opt/ml/processing/in/taken"
    step["RetryPolicies"] = [policy(*types, IntervalSeconds=0, MaxAttempts=2)]
    _, steps = run_steps(sagemaker, name, [step])
    assert "InternalServerError" in steps["Step"]["FailureReason"]
    assert (steps["Step"]["StepStatus"], steps["Step"]["AttemptCount"]) == ("Failed", attempts)


def test_the_fault_of_a_jobs_own_command_is_not_retried(sagemaker: Any, bucket: str, name: str) -> None:
    step = processing("Step", "sys.exit(1)", RetryPolicies=[policy("SageMaker.JOB_INTERNAL_ERROR")])
    _, steps = run_steps(sagemaker, name, [step])
    assert steps["Step"]["AttemptCount"] == 1


def test_the_pause_grows_until_attempts_or_minutes_are_used_up() -> None:
    def pause(attempts: int, seconds: float = 0, **numbers: float) -> float | None:
        step = {"RetryPolicies": [policy("Step.SERVICE_FAULT", **numbers)]}
        return pause_before_retry(step, "Step.SERVICE_FAULT", attempts, seconds)

    assert [pause(attempts) for attempts in range(1, 7)] == [1, 2, 4, 8, 16, None]
    assert pause(3, IntervalSeconds=10, BackoffRate=1.5) == 22.5
    assert pause(1, 59.5, ExpireAfterMin=1) is None
    assert pause(6, 100, ExpireAfterMin=3) == 32, "minutes stand in place of attempts"
    assert pause_before_retry({}, "Step.SERVICE_FAULT", 1, 0) is None


@pytest.mark.parametrize(
    ("policies", "complaint"),
    [
        ([policy("Step.NONSENSE")], "Step.NONSENSE"),
        ([{}], "ExceptionType"),
        ([policy("Step.THROTTLING", MaxAttempts=0.5, Nonsense=1)], "no field Nonsense"),
        ([policy("Step.THROTTLING", BackoffRate=0.5)], "BackoffRate"),
        ([policy("Step.THROTTLING", IntervalSeconds="1")], "IntervalSeconds"),
        ([policy("Step.THROTTLING", MaxAttempts=3, ExpireAfterMin=5)], "MaxAttempts or .*, not both"),
        ("all", "list of objects"),
    ],
)
def test_policies_that_are_refused(policies: Any, complaint: str) -> None:
    with pytest.raises(AwsError, match=complaint):
        check_policies(processing("Step", "pass", RetryPolicies=policies))


def test_a_condition_cannot_have_a_policy(sagemaker: Any, name: str) -> None:
    step = condition("Check", [compare("Equals", 1, 1)]) | {"RetryPolicies": [policy("Step.THROTTLING")]}
    with pytest.raises(ClientError, match="type Condition"):
        sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition([step]), RoleArn=ROLE)
