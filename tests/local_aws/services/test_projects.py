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
from support.local_aws.pipeline import ROLE, finish
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
    compiled = run(aws, str(SDK_2), str(OLDER / "definition.py"), BUCKET)
    # The SDK names each estimator after the time; nothing refers to that name.
    definition = re.sub(r"older-\d{4}(-\d\d){5}-\d{3}", "older-TIME", compiled.splitlines()[-1])
    assert json.loads(definition) == stored_definition()


def run(aws: Aws, *command: str) -> str:
    """Run another project's program against local_aws; return what it printed."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANGS)
    assert done.returncode == 0, done.stderr
    return done.stdout
