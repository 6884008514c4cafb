"""The scope: what the demo and the tests ask for, in scope.json, and whether boto3 can work with it."""

from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import WaiterError
from support import PATIENCE
from support.local_aws.aws import SCOPE, Aws
from support.local_aws.pipeline import create, fail, processing, run

from local_aws.core.requests.validation import service_model
from local_aws.gateway.handlers import MOTO_SERVICES
from local_aws.services.cloudwatch.insights import Insights
from local_aws.services.cloudwatch.logs import Logs
from local_aws.services.endpoints.endpoints import Endpoints
from local_aws.services.firehose.streams import Streams
from local_aws.services.jobs.processing import ProcessingJobs
from local_aws.services.jobs.training.jobs import TrainingJobs
from local_aws.services.jobs.transform import TransformJobs
from local_aws.services.jobs.tuning import TuningJobs
from local_aws.services.pipelines.callbacks import Callbacks
from local_aws.services.pipelines.pipelines import Pipelines
from local_aws.services.registry import GroupPolicies, Registry
from local_aws.services.search import Finder
from local_aws.services.tags import Tags

FAMILIES = {
    "firehose": (Streams,),
    "logs": (Insights, Logs),
    "sagemaker": (
        Callbacks,
        Endpoints,
        Finder,
        GroupPolicies,
        Pipelines,
        ProcessingJobs,
        Registry,
        Tags,
        TrainingJobs,
        TransformJobs,
        TuningJobs,
    ),
}


@pytest.mark.parametrize("service", FAMILIES)
def test_the_list_of_what_is_emulated_is_true(service: str) -> None:
    offered = {
        f"{service}:{operation}"
        for operation in service_model(service).operation_names
        if any(hasattr(family, xform_name(operation)) for family in FAMILIES[service])
    }
    listed = {operation for operation in SCOPE["emulated"] if operation.startswith(f"{service}:")}
    assert listed - {"sagemaker:InvokeEndpoint"} == offered


def test_what_the_demo_asks_for_is_there() -> None:
    assert set(SCOPE["demo"]) <= {*SCOPE["emulated"], *SCOPE["recorded"]}


def test_each_operation_is_one_thing() -> None:
    kinds = [SCOPE[kind] for kind in ("emulated", "recorded", "refused")]
    operations = [operation for kind in kinds for operation in kind]
    assert len(operations) == len(set(operations))
    assert all(listed == sorted(listed) for listed in SCOPE.values())
    assert {operation.partition(":")[0] for operation in SCOPE["recorded"]} == MOTO_SERVICES


def _period(operation: str) -> str | None:
    """Return what the filter for older records is called, if a list has one."""
    members = service_model("sagemaker").operation_model(operation).input_shape.members
    return next((name for name in ("CreationTimeBefore", "CreatedBefore") if name in members), None)


def paginated() -> list[str]:
    """The emulated lists that need no argument."""
    client = boto3.client("sagemaker", region_name="us-east-1")
    model = service_model("sagemaker")
    names = [
        operation.partition(":")[2]
        for operation in SCOPE["emulated"]
        if operation.startswith("sagemaker:List")
    ]
    return [
        name
        for name in names
        if client.can_paginate(xform_name(name))
        and _period(name)
        and not model.operation_model(name).input_shape.required_members
    ]


@pytest.mark.parametrize("operation", paginated())
def test_a_list_is_the_same_in_pages_of_any_size(aws: Aws, bucket: str, name: str, operation: str) -> None:
    sagemaker = aws.client("sagemaker")
    for suffix in "abc":
        create(sagemaker, name + suffix, [fail("End", "x")])
        sagemaker.create_model_package_group(ModelPackageGroupName=name + suffix)
        arguments = processing("Step", "pass")["Arguments"]
        sagemaker.create_processing_job(ProcessingJobName=name + suffix, **arguments)
    paginator, older = sagemaker.get_paginator(xform_name(operation)), _period(operation)
    until = sagemaker.describe_processing_job(ProcessingJobName=f"{name}c")["CreationTime"]
    key = paginator.result_keys[0].expression

    def names(size: int) -> list[Any]:
        pages = paginator.paginate(**{older: until}, PaginationConfig={"PageSize": size})
        return [
            next(value for field, value in item.items() if field.endswith("Arn"))
            for page in pages
            for item in page[key]
        ]

    assert names(1) == names(2) == names(100)
    if operation in ("ListPipelines", "ListModelPackageGroups", "ListProcessingJobs"):
        assert len(names(1)) >= 2


def test_waiters_wait_and_say_what_has_failed(aws: Aws, bucket: str, name: str) -> None:
    sagemaker = aws.client("sagemaker")
    waiter = sagemaker.get_waiter("processing_job_completed_or_stopped")
    for code, suffix in (("pass", "good"), ("sys.exit(1)", "bad")):
        arguments = processing("Step", code)["Arguments"]
        sagemaker.create_processing_job(ProcessingJobName=f"{name}-{suffix}", **arguments)
    waiter.wait(ProcessingJobName=f"{name}-good", WaiterConfig=PATIENCE)
    with pytest.raises(WaiterError, match="Failed"):
        waiter.wait(ProcessingJobName=f"{name}-bad", WaiterConfig=PATIENCE)
    with pytest.raises(WaiterError, match="terminal failure state"):
        waiter.wait(ProcessingJobName=f"{name}-absent", WaiterConfig=PATIENCE)


def test_executions_and_steps_come_in_pages(aws: Aws, name: str) -> None:
    sagemaker = aws.client("sagemaker")
    create(sagemaker, name, [fail("One", "x"), fail("Two", "x")])
    arns = {run(sagemaker, name)[0]["PipelineExecutionArn"] for _ in range(3)}
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(
        PipelineName=name, PaginationConfig={"PageSize": 2}
    )
    listed = [item["PipelineExecutionArn"] for page in pages for item in page["PipelineExecutionSummaries"]]
    assert len(listed) == 3
    assert set(listed) == arns
