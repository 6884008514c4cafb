"""What an environment's roles may do: what Terraform's policies say, conditions and resources included."""

import dataclasses
import re
from collections.abc import Callable
from threading import Event
from typing import Any

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws
from support.local_aws.pipeline import definition, processing, register, run

import local_aws
from local_aws.core.account import Account
from local_aws.core.store import Store
from local_aws.services.pipelines.expressions import Scope
from local_aws.services.pipelines.step import Services, StepRun
from local_aws.services.pipelines.steps.register_model import RegisterModel
from local_aws.services.registry import Registry

PIPELINE = "toy-judged"
BUCKET = f"{PIPELINE}-123456789012-us-east-1"
SAGEMAKER = "arn:aws:sagemaker:us-east-1:123456789012"
MAP = "deployments/models-map.json"
Client = Callable[[str, str], Any]


@pytest.fixture(scope="module")
def client(aws: Aws) -> Client:
    """A client of a service that calls as one of the environment's roles."""
    assert local_aws.ensure_environment(aws.server, PIPELINE)["bucket"] == BUCKET

    def make(role: str, service: str) -> Any:
        session = boto3.session.Session(f"role.{PIPELINE}-{role}", aws.server.secret, region_name="us-east-1")
        return session.client(service, endpoint_url=aws.endpoint_url)

    return make


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    answer = raised.value.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return answer["Error"]["Code"], answer["Error"]["Message"], status


def test_a_role_may_do_what_its_policy_allows(client: Client) -> None:
    s3 = client("deployer", "s3")
    s3.put_object(Bucket=BUCKET, Key=MAP, Body=b"{}")
    assert client("invoker", "s3").get_object(Bucket=BUCKET, Key=MAP)["Body"].read() == b"{}"
    s3.list_objects_v2(Bucket=BUCKET, Prefix="models/")


def test_a_denied_call_fails_as_on_aws_and_does_nothing(client: Client, aws: Aws) -> None:
    put = client("invoker", "s3").put_object
    code, message, status = refused(put, Bucket=BUCKET, Key="deployments/denied", Body=b"1")
    assert (code, status) == ("AccessDenied", 403)
    assert message == (
        "User: arn:aws:sts::123456789012:assumed-role/toy-judged-invoker/local is not authorized to perform: "
        f"s3:PutObject on resource: arn:aws:s3:::{BUCKET}/deployments/denied because no identity-based "
        "policy allows the s3:PutObject action"
    )
    listed = aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="deployments/denied")
    assert listed["KeyCount"] == 0


def test_what_a_role_of_no_environment_did_is_no_reason_to_allow_it_once_there_is_one(aws: Aws) -> None:
    session = boto3.session.Session("role.toy-later-invoker", aws.server.secret, region_name="us-east-1")
    list_groups = session.client("sagemaker", endpoint_url=aws.endpoint_url).list_model_package_groups
    for _ in range(2):
        assert list_groups()["ModelPackageGroupSummaryList"] is not None
    local_aws.ensure_environment(aws.server, "toy-later")
    for _ in range(2):
        assert refused(list_groups)[::2] == ("AccessDeniedException", 403)


def test_a_call_that_was_allowed_allows_no_other(client: Client) -> None:
    def status(role: str, endpoint: str, model: str) -> int:
        ask = client(role, "sagemaker-runtime").invoke_endpoint
        return refused(ask, EndpointName=endpoint, TargetModel=model, Body=b"1")[2]

    for _ in range(2):  # the second time, the decision is known
        assert status("invoker", PIPELINE, f"{PIPELINE}--x") != 403, "there is no such model"
        assert status("invoker", PIPELINE, "another--x") == 403
        assert status("invoker", "another", f"{PIPELINE}--x") == 403
        assert status("retrainer", PIPELINE, f"{PIPELINE}--x") == 403


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_address_opens_no_more_than_who_signed_it_may(
    client: Client, aws: Aws, version: str
) -> None:
    aws.client("s3").put_object(Bucket=BUCKET, Key="executions/secret", Body=b"1")
    aws.client("s3").put_object(Bucket=BUCKET, Key=MAP, Body=b"{}")
    session = boto3.session.Session(f"role.{PIPELINE}-invoker", aws.server.secret, region_name="us-east-1")
    signer = session.client("s3", endpoint_url=aws.endpoint_url, config=Config(signature_version=version))
    for key, status in ((MAP, 200), ("executions/secret", 403)):
        url = signer.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": key})
        answer = urllib3.request("GET", url)
        assert answer.status == status, answer.data
    assert b"invoker/local is not authorized to perform: s3:GetObject" in answer.data


APPROVAL = {"ModelPackageArn": f"{SAGEMAKER}:model-package/{PIPELINE}--wine/1"} | {
    "ModelApprovalStatus": "Approved"
}
CODES = {"s3": "AccessDenied", "sns": "AuthorizationError"}
SNS = "arn:aws:sns:us-east-1:123456789012"
METRICS = [{"MetricName": "DriftedModels", "Value": 1.0}]
ANOTHERS = {"EndpointName": PIPELINE, "TargetModel": "another--wine/1.tar.gz", "Body": b"1"}


@pytest.mark.parametrize(
    ("role", "service", "operation", "arguments"),
    [
        ("retrainer", "sagemaker", "start_pipeline_execution", {"PipelineName": "another"}),
        ("deployer", "sagemaker", "update_model_package", APPROVAL),
        ("jobs", "sagemaker", "list_model_packages", {"ModelPackageGroupName": f"{PIPELINE}--wine"}),
        ("invoker", "lambda", "invoke", {"FunctionName": f"{PIPELINE}-deployer"}),
        ("invoker", "sagemaker-runtime", "invoke_endpoint", ANOTHERS),
        ("deployer", "s3", "list_objects_v2", {"Bucket": BUCKET, "Prefix": "raw/"}),
        ("monitor", "cloudwatch", "put_metric_data", {"Namespace": "Another", "MetricData": METRICS}),
        ("monitor", "sns", "publish", {"TopicArn": f"{SNS}:another", "Message": "1"}),
        ("monitor", "lambda", "invoke", {"FunctionName": f"{PIPELINE}-deployer"}),
    ],
    ids=[
        *("resource", "action", "list", "function", "condition", "prefix"),
        *("namespace", "topic", "another-function"),
    ],
)
def test_what_no_policy_allows_is_denied(
    client: Client, role: str, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    code, message, status = refused(getattr(client(role, service), operation), **arguments)
    assert (code, status) == (CODES.get(service, "AccessDeniedException"), 403)
    assert f"assumed-role/{PIPELINE}-{role}/local is not authorized" in message


def approved(step: dict[str, Any]) -> dict[str, Any]:
    return {**step, "Arguments": {**step["Arguments"], "ModelApprovalStatus": "Approved"}}


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("step", "denied"),
    [
        (approved(register("Register", f"{PIPELINE}--wine", "s3://b/m")), "sagemaker:CreateModelPackage on"),
        (register("Register", "another--wine", "s3://b/m"), "sagemaker:CreateModelPackage on"),
        (processing("Prepare", "pass"), "iam:PassRole on resource: .*role/toy-jobs"),
    ],
    ids=["condition", "resource", "role"],
)
def test_a_step_may_do_what_the_pipelines_role_may(
    aws: Aws, name: str, step: dict[str, Any], denied: str
) -> None:
    sagemaker = aws.client("sagemaker")
    role = f"arn:aws:iam::123456789012:role/{PIPELINE}-jobs"
    sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=definition([step]), RoleArn=role)
    execution, _ = run(sagemaker, name)
    assert execution["PipelineExecutionStatus"] == "Failed"
    caller = f"assumed-role/{PIPELINE}-jobs/local"
    wanted = rf"AccessDeniedException: .*{caller} is not authorized to perform: {denied}"
    assert re.search(wanted, execution["FailureReason"])


def test_a_new_group_needs_its_own_permission(account: Account) -> None:
    """Pipelines creates the group as the pipeline's role, once."""
    store = Store(account.home / "records.db")
    asked: list[tuple[str, ...]] = []
    unused = dict.fromkeys(field.name for field in dataclasses.fields(Services))
    used = {
        "store": store,
        "registry": Registry(account, store, lambda event: None),
        "authorize": lambda role, action, resource, context: asked.append((role, action, resource)),
    }
    services = Services(**(unused | used))
    for step in ("First", "Second"):
        scope = Scope({}, {}, lambda uri: b"")
        record: dict[str, Any] = {}
        arn = f"{SAGEMAKER}:pipeline/p/execution/e"
        RegisterModel(services).execute(
            StepRun(register(step, "g", "s3://b/m"), scope, arn, record, lambda: None, Event(), "jobs")
        )
    group = f"{SAGEMAKER}:model-package-group/g"
    assert asked.count(("jobs", "sagemaker:CreateModelPackageGroup", group)) == 1
    assert asked.count(("jobs", "sagemaker:CreateModelPackage", group)) == 2
    store.close()


@pytest.mark.usefixtures("client")
def test_a_simulation_says_what_the_policies_say(aws: Aws) -> None:
    simulate = aws.client("iam").simulate_principal_policy
    role = f"arn:aws:iam::123456789012:role/{PIPELINE}-jobs"

    def decisions(*actions: str, resource: str | None = None, **context: str) -> list[str]:
        entries = [
            {"ContextKeyName": f"sagemaker:{key}", "ContextKeyType": "string", "ContextKeyValues": [value]}
            for key, value in context.items()
        ]
        more = {"ResourceArns": [resource]} if resource else {}
        asked = simulate(PolicySourceArn=role, ActionNames=actions, ContextEntries=entries, **more)
        return [result["EvalDecision"] for result in asked["EvaluationResults"]]

    group = f"{SAGEMAKER}:model-package-group/{PIPELINE}--wine"
    register = "sagemaker:CreateModelPackage"
    # As the SDK's ModelTrainer asks, without resources: a scoped policy allows nothing then.
    assert decisions("ecr:GetAuthorizationToken", "s3:GetObject") == ["allowed", "implicitDeny"]
    assert decisions(register, resource=group) == ["implicitDeny"]
    assert decisions(register, resource=group, ModelApprovalStatus="PendingManualApproval") == ["allowed"]
    assert decisions(register, resource=group, ModelApprovalStatus="Approved") == ["implicitDeny"]
