"""Other people's projects run here as on AWS: their pipelines end registered."""

import io
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from support import HANGS, ROOT
from support.local_aws.aws import Aws
from support.local_aws.pipeline import ROLE, TRUST, finish
from support.local_aws.programs import sdk_program
from support.local_aws.projects import data

PROJECTS = ROOT / "tests/support/local_aws/projects"
OLDER = PROJECTS / "older"
SDK_2 = ROOT / ".venv-sdk2/bin/python"  # `make test-sdk2` installs it
BUCKET = "older-project"


def stored_definition() -> dict[str, Any]:
    return json.loads((OLDER / "definition.json").read_text())


def archive(folder: Path) -> bytes:
    """A tarball as `tar` makes it: with entries for the folders."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name in ("common", "estimators"):
            tar.add(folder / name, name, filter=lambda it: None if "__pycache__" in it.name else it)
    return content.getvalue()


def put_older(aws: Aws) -> None:
    """Put on S3 what its author and the SDK would: the table, the archive and the steps' scripts."""
    s3, definition = aws.client("s3"), json.dumps(stored_definition())
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="older/raw/customers.csv", Body=data.customers())
    s3.put_object(Bucket=BUCKET, Key="older/code/sourcedir.tar.gz", Body=archive(OLDER))
    for key, name in re.findall(rf"s3://{BUCKET}/(older/code/\w+/(\w+\.py))", definition):
        s3.put_object(Bucket=BUCKET, Key=key, Body=(OLDER / "steps" / name).read_bytes())


@pytest.mark.slow
def test_a_pipeline_by_version_2_of_the_sdk_ends_registered(aws: Aws) -> None:
    put_older(aws)
    sagemaker = aws.client("sagemaker")
    sagemaker.create_pipeline(
        PipelineName="older", PipelineDefinition=json.dumps(stored_definition()), RoleArn=ROLE
    )
    started = sagemaker.start_pipeline_execution(
        PipelineName="older", PipelineParameters=[{"Name": "Trials", "Value": "2"}]
    )
    execution, steps = finish(sagemaker, started["PipelineExecutionArn"])
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    assert steps["Check"]["Metadata"]["Condition"]["Outcome"] == "True"

    tuning = steps["Tune"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    described = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning)
    best = described["BestTrainingJob"]
    assert described["TrainingJobStatusCounters"]["Completed"] == 2
    assert best["TrainingJobDefinitionName"] == "LightGBM"
    assert set(best["TunedHyperParameters"]) == {"num-leaves", "learning-rate"}

    package = sagemaker.describe_model_package(
        ModelPackageName=steps["Register-RegisterModel"]["Metadata"]["RegisterModel"]["Arn"]
    )
    assert (package["ModelPackageGroupName"], package["ModelPackageVersion"]) == ("older", 1)
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    (container,) = package["InferenceSpecification"]["Containers"]
    assert f"/{best['TrainingJobName']}/" in container["ModelDataUrl"]


@pytest.mark.slow
@pytest.mark.skipif(not SDK_2.exists(), reason="version 2 of the SDK is not in .venv-sdk2: make test-sdk2")
def test_version_2_of_the_sdk_compiles_the_stored_definition(aws: Aws) -> None:
    aws.client("s3").create_bucket(Bucket=BUCKET)
    # The SDK names scripts after contents and paths, so it gets paths that are the same everywhere.
    compiled = run(aws, str(SDK_2), "definition.py", BUCKET, folder=OLDER)
    # The SDK names each estimator after the time; nothing refers to that name.
    definition = re.sub(r"older-\d{4}(-\d\d){5}-\d{3}", "older-TIME", compiled.splitlines()[-1])
    assert json.loads(definition) == stored_definition()


def run(aws: Aws, *command: str, folder: Path = ROOT) -> str:
    """Run another project's program against local_aws; return what it printed."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": aws.server.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def abalone(aws: Aws) -> dict[str, Any]:
    """What the program of the abalone project was told, which version 3 of the SDK drives."""
    s3, bucket = aws.client("s3"), "abalone-project"
    aws.client("iam").create_role(RoleName="abalone-jobs", AssumeRolePolicyDocument=TRUST)
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="abalone/raw/shells.csv", Body=data.shells())
    batch = [
        f"shell-{number}," + ",".join(row.split(",")[1:3] + row.split(",")[:1])
        for number, row in enumerate(data.shells(6).splitlines())
    ]
    s3.put_object(Bucket=bucket, Key="abalone/batch/new.csv", Body="\n".join(batch))
    program = sdk_program(PROJECTS / "abalone/definition.py", bucket)
    return json.loads(run(aws, *program).splitlines()[-1])


def statuses(told: dict[str, Any]) -> dict[str, str]:
    return {name: step["StepStatus"] for name, step in told["steps"].items()}


@pytest.mark.slow
def test_a_pipeline_as_the_sdks_documentation_builds_it_ends_registered(
    aws: Aws, abalone: dict[str, Any]
) -> None:
    told = abalone["good"]
    assert told["execution"]["PipelineExecutionStatus"] == "Succeeded", told
    names = {"Split", "Train", "Evaluate", "Check", "Register", "Create", "Transform"}
    assert statuses(told) == dict.fromkeys(names, "Succeeded")
    arn = told["steps"]["Register"]["Metadata"]["RegisterModel"]["Arn"]
    package = aws.client("sagemaker").describe_model_package(ModelPackageName=arn)
    assert (package["ModelPackageGroupName"], package["ModelPackageVersion"]) == ("abalone", 1)


@pytest.mark.slow
def test_the_created_model_transforms_the_batch(aws: Aws, abalone: dict[str, Any]) -> None:
    body = aws.client("s3").get_object(Bucket="abalone-project", Key="abalone/predicted/new.csv.out")["Body"]
    lines = body.read().decode().splitlines()
    rings = [int(row.rpartition(",")[2]) for row in data.shells(6).splitlines()]
    for number, (line, truth) in enumerate(zip(lines, rings, strict=True)):
        name, predicted = line.split(",")
        assert name == f"shell-{number}"
        assert float(predicted) == pytest.approx(truth, abs=5)


@pytest.mark.slow
def test_a_second_execution_reuses_the_steps_and_ends_by_its_fail_step(abalone: dict[str, Any]) -> None:
    told, first = abalone["bad"], abalone["good"]["execution"]["PipelineExecutionArn"]
    for name in ("Split", "Train", "Evaluate"):
        assert told["steps"][name]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    assert told["execution"]["PipelineExecutionStatus"] == "Failed"
    assert told["steps"]["TooInexact"]["FailureReason"] == "The error is more than 0.001"
    assert not {"Register", "Create", "Transform"} & set(told["steps"])


@pytest.mark.slow
def test_the_sdks_resources_are_listed(abalone: dict[str, Any]) -> None:
    listed = abalone["listed"]
    assert {each["model_package_group_name"] for each in listed["ModelPackage"]} == {"abalone"}
    for kind in ("ProcessingJob", "TrainingJob", "TransformJob", "Model", "ModelPackageGroup"):
        assert listed[kind], kind
    assert {each["pipeline_name"] for each in listed["Pipeline"]} >= {"abalone", "abalone-tuned"}
    statuses = [each["pipeline_execution_status"] for each in listed["PipelineExecution"]]
    assert sorted(statuses) == ["Failed", "Succeeded"]


@pytest.mark.slow
def test_the_sdks_tuner_searches_with_a_script_of_its_own(aws: Aws, abalone: dict[str, Any]) -> None:
    told = abalone["tuned"]
    assert statuses(told) == dict.fromkeys(("Split", "Tune"), "Succeeded"), told
    name = told["steps"]["Tune"]["Metadata"]["TuningJob"]["Arn"].rpartition("/")[2]
    sagemaker = aws.client("sagemaker")
    job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    trials = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    scores = [
        trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        for trial in trials["TrainingJobSummaries"]
    ]
    assert len(scores) == 3
    best = job["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == min(scores)
    assert set(best["TunedHyperParameters"]) == {"column", "shrinkage"}
