"""What the roles did, as IAM would judge it."""

import contextlib
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws, wait_for
from support.local_aws.pipeline import processing


class Role:
    """Clients that call as a role does, and what was written down of it."""

    def __init__(self, aws: Aws, name: str) -> None:
        self._session = boto3.session.Session(f"role.{name}", aws.server.secret, region_name="us-east-1")
        self._aws, self._url, self._name = aws, aws.endpoint_url, name

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self._url)

    def calls(self) -> list[tuple[str, ...]]:
        calls = self._aws.told("calls")
        return [
            (call["action"], call["resource"], *(call["context"] or ()))
            for call in calls
            if call["role"] == self._name
        ]


@pytest.fixture
def role(aws: Aws, bucket: str, name: str) -> Role:
    return Role(aws, name)


def test_s3_is_judged_by_action_and_object(role: Role, name: str) -> None:
    s3, key = role.client("s3"), {"Bucket": "toys", "Key": f"{name}/a b.txt"}
    copy = {"Bucket": "toys", "Key": f"{name}/copy.txt", "CopySource": key}
    tagging = {"TagSet": [{"Key": "retired", "Value": "true"}]}
    s3.put_object(**key, Body=b"1")
    s3.get_object(**key)
    s3.head_object(**key)
    s3.put_object_tagging(**key, Tagging=tagging)
    s3.get_object_tagging(**key)
    s3.delete_object_tagging(**key)
    s3.list_objects_v2(Bucket="toys", Prefix=name)
    s3.copy_object(**copy)
    s3.copy_object(**copy, TaggingDirective="REPLACE", Tagging="retired=true")
    s3.get_object(**key, VersionId="null")
    s3.delete_object(**key)
    one, two = f"arn:aws:s3:::toys/{name}/a b.txt", f"arn:aws:s3:::toys/{name}/copy.txt"
    assert role.calls() == [
        ("s3:PutObject", one),
        ("s3:GetObject", one),
        ("s3:PutObjectTagging", one),
        ("s3:GetObjectTagging", one),
        ("s3:DeleteObjectTagging", one),
        ("s3:ListBucket", "arn:aws:s3:::toys", "s3:prefix", name),
        ("s3:PutObject", two),
        ("s3:PutObjectTagging", two),
        ("s3:GetObjectVersion", one),
        ("s3:DeleteObject", one),
    ]


def test_sagemaker_is_judged_by_operation_and_arn(role: Role, name: str) -> None:
    sagemaker, arn = role.client("sagemaker"), "arn:aws:sagemaker:us-east-1:123456789012"
    with contextlib.suppress(ClientError):
        sagemaker.list_model_packages(ModelPackageGroupName=name)
    with contextlib.suppress(ClientError):
        sagemaker.describe_model_package(ModelPackageName=f"{arn}:model-package/{name}/3")
    with contextlib.suppress(ClientError):
        sagemaker.describe_training_job(TrainingJobName=name)
    sagemaker.list_model_package_groups()
    with contextlib.suppress(ClientError):
        role.client("sagemaker-runtime").invoke_endpoint(EndpointName=name, TargetModel="a", Body=b"1")
    assert role.calls() == [
        ("sagemaker:ListModelPackages", f"{arn}:model-package-group/{name}"),
        ("sagemaker:DescribeModelPackage", f"{arn}:model-package/{name}/3"),
        ("sagemaker:DescribeTrainingJob", f"{arn}:training-job/{name}"),
        ("sagemaker:ListModelPackageGroups", "*"),
        ("sagemaker:InvokeEndpoint", f"{arn}:endpoint/{name}", "sagemaker:TargetModel", "a"),
    ]


def test_what_a_person_does_is_written_down_as_a_persons(aws: Aws, bucket: str, name: str) -> None:
    person = Role(aws, "person")
    person._session = boto3.session.Session("local", aws.server.secret, region_name="us-east-1")
    person.client("s3").put_object(Bucket="toys", Key=name, Body=b"1")
    person.client("sts").get_caller_identity()
    metric = {"Namespace": "toys", "MetricName": "x"}
    query = {"Id": "x", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    person.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime="2026-01-01", EndTime="2026-01-02"
    )
    assert ("s3:PutObject", f"arn:aws:s3:::toys/{name}") in person.calls()
    assert ("cloudwatch:GetMetricData", "*") in person.calls()
    assert not [call for call in person.calls() if call[0].startswith("sts:")]


def test_a_job_calls_as_its_role(aws: Aws, bucket: str, role: Role, name: str) -> None:
    code = f"import boto3; boto3.client('s3').put_object(Bucket='toys', Key='{name}/from-a-job', Body=b'1')"
    arguments = processing("Step", code)["Arguments"]
    for output in arguments["ProcessingOutputConfig"]["Outputs"]:
        output["S3Output"]["S3Uri"] = f"s3://toys/{name}/{output['OutputName']}"
    arguments["RoleArn"] = f"arn:aws:iam::123456789012:role/{name}"
    sagemaker = aws.client("sagemaker")
    sagemaker.create_processing_job(ProcessingJobName=name, **arguments)
    wait_for(
        lambda: (
            sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "Completed"
        )
    )
    assert role.calls() == [("s3:PutObject", f"arn:aws:s3:::toys/{name}/from-a-job")]
