"""A disk that is full ends what it breaks, with a sentence, and breaks nothing else."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws
from support.local_aws.disk import full_disk, needs_prlimit
from support.local_aws.pipeline import create, finish, processing, run

import local_aws

pytestmark = needs_prlimit
WAITS = "[time.sleep(0.02) for _ in iter(lambda: os.path.exists(os.environ['GATE']), True)]; "


def test_an_execution_on_a_full_disk_fails_and_says_why(
    aws: Aws, bucket: str, name: str, tmp_path: Path
) -> None:
    sagemaker, server = aws.client("sagemaker"), local_aws.status(aws.home)["pid"]
    aws.client("s3").put_object(Bucket=bucket, Key=f"{name}/old", Body=b"old")
    step = processing(
        "Prepare", WAITS + "open(base + '/processing/out/rows.csv', 'w').write('1,2')", outputs=["out"]
    )
    step["Arguments"]["Environment"] = {"GATE": str(tmp_path / "gate")}
    create(sagemaker, name, [step])
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    while "processing-job/" not in steps_of(aws, arn):  # then the job has a record, and soon a process
        pass
    with full_disk(server):
        (tmp_path / "gate").touch()
        execution, steps = finish(sagemaker, arn)
        assert execution["PipelineExecutionStatus"] == "Failed"
        assert steps["Prepare"]["StepStatus"] == "Failed"
        assert "No space is left on the disk for" in steps["Prepare"]["FailureReason"]
        job = steps["Prepare"]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[1]
        assert job not in local_aws.status(aws.home)["jobs"], "it no longer runs; those of other tests may"

        with pytest.raises(ClientError):
            sagemaker.start_pipeline_execution(PipelineName=name)
        with pytest.raises(ClientError, match="No space is left"):
            aws.client("s3").put_object(Bucket=bucket, Key=f"{name}/old", Body=b"new")
        with pytest.raises(ClientError, match="No space is left"):
            aws.client("s3").put_object(Bucket=bucket, Key=f"{name}/new", Body=b"new")
        found = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{name}/")["Contents"]
        assert [item["Key"] for item in found] == [f"{name}/old"]
        assert aws.client("s3").get_object(Bucket=bucket, Key=f"{name}/old")["Body"].read() == b"old"
    assert len(sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]) == 1
    execution, _ = run(sagemaker, name)
    assert execution["PipelineExecutionStatus"] == "Succeeded"
    assert (
        sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Failed"
    )


def steps_of(aws: Aws, arn: str) -> str:
    """Return the steps' records as text."""
    return str(aws.client("sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=arn))
