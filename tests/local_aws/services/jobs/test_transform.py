"""Transform jobs and the steps before them: the container's real `serve` over the files of a prefix."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws, wait_for
from support.local_aws.pipeline import (
    IMAGE,
    ROLE,
    fail,
    finish,
    get,
    join,
    model,
    run_steps,
    transform,
    transform_request,
)
from support.local_aws.toy_models import artifact

FILES = {"a.csv": b"x\n1\n2\n", "more/b.csv": b"x\n3\n"}


@pytest.fixture(scope="module")
def place(aws: Aws, bucket: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A prefix with the files, and beside it a model that says `here` for every row."""
    s3, folder = aws.client("s3"), tmp_path_factory.mktemp("model")
    for name, content in FILES.items():
        s3.put_object(Bucket=bucket, Key=f"batch/rows/{name}", Body=content)
    s3.put_object(Bucket=bucket, Key="batch/zipped/a.csv.gz", Body=gzip.compress(b"1\n"))
    s3.put_object(Bucket=bucket, Key="batch/bad/a.csv", Body=b"far,too,many\n")
    s3.put_object(Bucket=bucket, Key="batch/none.tar.gz", Body=b"no archive")
    s3.put_object(Bucket=bucket, Key="batch/model.tar.gz", Body=artifact("here", folder / "here"))
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/batch/model.tar.gz"}
    aws.client("sagemaker").create_model(ModelName="here", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    return f"s3://{bucket}/batch"


def run(aws: Aws, name: str, **request: Any) -> dict[str, Any]:
    """Run a job to its end and return its description."""
    sagemaker = aws.client("sagemaker")
    sagemaker.create_transform_job(TransformJobName=name, **request)
    wait_for(lambda: status(sagemaker, name) not in ("InProgress", "Stopping"))
    return sagemaker.describe_transform_job(TransformJobName=name)


def written(aws: Aws, prefix: str) -> dict[str, bytes]:
    """The objects under an address, by their names below it."""
    bucket, _, key = prefix.removeprefix("s3://").partition("/")
    s3 = aws.client("s3")
    return {
        item["Key"].removeprefix(f"{key}/"): s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
        for item in s3.list_objects_v2(Bucket=bucket, Prefix=f"{key}/").get("Contents", [])
    }


def test_a_model_step_and_a_transform_step_answer_every_file(aws: Aws, place: str, name: str) -> None:
    target = join(place, "out", get("Execution.PipelineExecutionId"))
    whole = transform("Batch", get("Steps.Make.ModelName"), f"{place}/rows/", target)
    whole["Arguments"]["TransformInput"]["SplitType"] = "None"
    execution, steps = run_steps(
        aws.client("sagemaker"), name, [model("Make", f"{place}/model.tar.gz"), whole]
    )
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    arn = steps["Batch"]["Metadata"]["TransformJob"]["Arn"]
    job = aws.client("sagemaker").describe_transform_job(TransformJobName=arn.rpartition("/")[2])
    assert (job["TransformJobArn"], job["TransformJobStatus"]) == (arn, "Completed")
    made = steps["Make"]["Metadata"]["Model"]["Arn"].rpartition("/")[2]
    assert job["ModelName"].lower() == made.lower()
    assert written(aws, job["TransformOutput"]["S3OutputPath"]) == {
        "a.csv.out": b"here\nhere\n",
        "more/b.csv.out": b"here\n",
    }


def test_a_retried_execution_keeps_its_model(aws: Aws, place: str, name: str) -> None:
    sagemaker = aws.client("sagemaker")
    steps = [model("Make", f"{place}/model.tar.gz"), fail("End", get("Steps.Make.ModelName"))]
    execution, first = run_steps(sagemaker, name, steps)
    arn = execution["PipelineExecutionArn"]
    sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="r" * 32)
    _, second = finish(sagemaker, arn)
    assert second["End"]["FailureReason"] == first["End"]["FailureReason"]
    assert second["Make"]["Metadata"] == first["Make"]["Metadata"]


def test_lines_are_joined_with_their_answers(aws: Aws, place: str, name: str) -> None:
    request = transform_request("here", f"{place}/zipped/", f"{place}/{name}")
    request["TransformInput"]["CompressionType"] = "Gzip"
    job = run(aws, name, **request, BatchStrategy="SingleRecord", DataProcessing={"JoinSource": "Input"})
    assert job["TransformJobStatus"] == "Completed", job
    assert written(aws, f"{place}/{name}") == {"a.csv.gz.out": b"1,here\n"}
    listed = aws.client("sagemaker").list_transform_jobs(NameContains=name)["TransformJobSummaries"]
    assert [each["TransformJobName"] for each in listed] == [name]


def test_a_request_that_the_model_refuses_fails_the_job(aws: Aws, place: str, name: str) -> None:
    job = run(aws, name, **transform_request("here", f"{place}/bad/", f"{place}/{name}"))
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: the model answered 400: ")
    assert not written(aws, f"{place}/{name}")


def test_a_model_that_does_not_start_fails_the_job(aws: Aws, place: str, name: str) -> None:
    container = {"Image": IMAGE, "ModelDataUrl": f"{place}/none.tar.gz"}
    aws.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    job = run(aws, name, **transform_request(name, f"{place}/rows/", f"{place}/{name}"))
    assert "Failed to extract model data" in job["FailureReason"]
    container = {"Image": IMAGE}  # `serve` needs a model
    aws.client("sagemaker").create_model(
        ModelName=f"{name}-0", ExecutionRoleArn=ROLE, PrimaryContainer=container
    )
    job = run(aws, f"{name}-0", **transform_request(f"{name}-0", f"{place}/rows/", f"{place}/{name}"))
    assert "did not pass its ping" in job["FailureReason"]


def test_a_job_is_stopped_while_its_model_answers(aws: Aws, place: str, name: str, tmp_path: Path) -> None:
    """A server of another project: `serve` is whatever the image has under this name."""
    serve = tmp_path / "serve"
    serve.write_text(f"#!/usr/bin/env python3\nGATE = {str(tmp_path / 'asked')!r}\n{SLOW}")
    serve.chmod(0o755)
    sagemaker = aws.client("sagemaker")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin:/usr/local/bin"}
    sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "Environment": environment}
    )
    request = transform_request(name, f"{place}/rows/", f"{place}/{name}")
    sagemaker.create_transform_job(TransformJobName=name, **request)
    wait_for((tmp_path / "asked").exists)
    assert (tmp_path / "asked").read_text() == "true MULTI_RECORD 6 1 false"
    sagemaker.stop_transform_job(TransformJobName=name)
    assert wait_for(lambda: status(sagemaker, name) == "Stopped")


SLOW = """
import http.server, os, time
NAMES = ("BATCH", "BATCH_STRATEGY", "MAX_PAYLOAD_IN_MB", "MAX_CONCURRENT_TRANSFORMS", "MULTI_MODEL")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        open(GATE + ".part", "w").write(" ".join(os.environ["SAGEMAKER_" + name] for name in NAMES))
        os.rename(GATE + ".part", GATE)
        time.sleep(600)
http.server.HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def status(sagemaker: Any, name: str) -> str:
    return sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2}, "must not exceed 100 MB"),
        ({"MaxPayloadInMB": 0}, "MaxPayloadInMB 0"),
        ({"ModelName": "absent"}, "Could not find model"),
        (
            {"TransformResources": {"InstanceCount": 2, "InstanceType": "ml.m5.large"}},
            "more than one instance",
        ),
        ({"BatchStrategy": "Several"}, "enum value set"),
        (
            {
                "BatchStrategy": "MultiRecord",
                "TransformInput": {
                    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://a/b"}}
                },
            },
            "BatchStrategy needs a SplitType",
        ),
    ],
)
def test_what_aws_or_local_aws_refuses_starts_no_job(
    aws: Aws, place: str, name: str, changed: dict[str, Any], told: str
) -> None:
    request = transform_request("here", f"{place}/rows/", f"{place}/{name}") | changed
    with pytest.raises(ClientError, match=told):
        aws.client("sagemaker").create_transform_job(TransformJobName=name, **request)
