"""Who may do what: each role and person exactly enough for what is listed in grants.py."""

import json
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from support.helpers import checks
from support.terraform import policies as written
from support.terraform.grants import CODE, FORBIDDEN, PLATFORM, WITH_KEY, WITH_VPC, Call
from support.terraform.workspace import Terraform

from commands.environment.preflight import roles
from helpers.image import docker
from helpers.monitoring import reports
from local_aws.core.requests.iam import actions, allows, statements
from local_aws.core.requests.validation import validate

POLICIES = {
    **written.ADDRESSES,
    "checker": "aws_iam_policy.monitor",
    "build": "aws_iam_role_policy.build[0]",
    "scheduler": "aws_iam_role_policy.scheduler",
    "studio": "aws_iam_role_policy.studio[0]",
    "operator": "aws_iam_policy.operator[0]",
    "builder": "aws_iam_policy.builder[0]",
    "scorer": "aws_iam_policy.scorer[0]",
    "approver": "aws_iam_policy.approver",
    "developer": 'aws_iam_policy.developer["ana"]',
}
# Actions that AWS gives no resource; all others must name theirs.
WITHOUT_RESOURCE = {
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "logs:DescribeQueryDefinitions",
    "logs:GetQueryResults",
    "sagemaker:ListApps",
    "sagemaker:ListDomains",
    "sagemaker:ListModelPackageGroups",
    "sagemaker:ListModelPackages",
    "sagemaker:ListPipelines",
    "sagemaker:ListSpaces",
    "sagemaker:ListUserProfiles",
    "servicequotas:ListServiceQuotas",
}
# Actions that are not named like the API's operation.
OPERATIONS = {
    "lambda:InvokeFunction": "Invoke",
    "s3:GetObjectVersion": "GetObject",
    "s3:ListBucket": "ListObjectsV2",
    "s3:ListBucketMultipartUploads": "ListMultipartUploads",
}
# Services whose clients have another name than in a policy.
CLIENTS = {"sagemaker": ("sagemaker", "sagemaker-runtime"), "servicequotas": ("service-quotas",)}
# Those of SageMaker's MLflow are of no client of boto3: helpers.runs.tracking calls them through MLflow's.
TRACKING = {
    f"sagemaker-mlflow:{action}"
    for action in (
        "CreateExperiment",
        "CreateRun",
        "GetExperimentByName",
        "GetRun",
        "LogBatch",
        "SearchRuns",
        "SetTag",
        "UpdateRun",
    )
}
WITHOUT_OPERATION = {"iam:PassRole", "lambda:InvokeFunctionUrl", *TRACKING}
TRUSTED = {
    "jobs[0]": "sagemaker",
    "endpoint": "sagemaker",
    "build[0]": "codebuild",
    "scheduler": "scheduler",
    "studio[0]": "sagemaker",
    'function["deployer"]': "lambda",
    'function["invoker"]': "lambda",
    'function["retrainer"]': "lambda",
    'capture["capture"]': "firehose",
    "monitor": "sagemaker",
}
# What a policy allows and no call of grants.py needs: a step or a view that people and AWS may ask for.
SPARE = {
    "logs:DescribeLogStreams",
    "s3:AbortMultipartUpload",
    "s3:GetBucketLocation",
    "s3:ListBucketMultipartUploads",
    "sagemaker:DescribeModelPackage",
    "sagemaker:DescribeModelPackageGroup",
    "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
}
ON_DRIFT_KEY = "monitoring/on-drift.json"
LONGEST_PATH = f"/{'p' * 510}/"
PEOPLE = ("studio", "operator", "builder", "scorer", "approver", "developer", "checker")
OUTPUTS = {
    "account_id": "123456789012",
    "region": "eu-central-1",
    "bucket": "demo-123456789012-eu-central-1",
    "job_role_arn": "arn:aws:iam::123456789012:role/demo-jobs",
    "endpoint_name": "demo",
    "deployer_function_name": "demo-deployer",
}


@pytest.fixture(scope="module")
def policies(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {role: json.loads(plan[address]["policy"]) for role, address in POLICIES.items()}


@pytest.fixture(scope="module")
def guarded(guarded_plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """With your own key and a VPC."""
    return {role: json.loads(guarded_plan[address]["policy"]) for role, address in POLICIES.items()}


def permitted(policy: dict[str, Any], call: Call) -> bool:
    return allows(policy, call.action, call.resource, dict(call.context))


@pytest.mark.parametrize("role", POLICIES)
def test_may_do_what_its_work_needs(policies: dict[str, Any], role: str) -> None:
    needed = PLATFORM.get(role, []) + CODE.get(role, [])
    assert [call for call in needed if not permitted(policies[role], call)] == []


def test_preflight_asks_about_every_role_what_it_is_allowed(policies: dict[str, Any]) -> None:
    asked = roles.calls("demo", OUTPUTS)
    assert asked.keys() == POLICIES.keys() - {*PEOPLE, "capture", "monitor"}  # without which everything works
    for role, calls in asked.items():
        for action, resource, context in calls:
            assert allows(policies[role], action, resource, context), f"{role}: {action} on {resource}"


@pytest.mark.parametrize("role", POLICIES)
def test_may_not_do_more(policies: dict[str, Any], role: str) -> None:
    assert [call for call in FORBIDDEN[role] if permitted(policies[role], call)] == []


@pytest.mark.parametrize("role", POLICIES)
def test_a_key_and_a_vpc_ask_for_what_is_listed_and_for_no_more(guarded: dict[str, Any], role: str) -> None:
    listed = WITH_KEY.get(role, []) + WITH_VPC.get(role, [])
    needed = PLATFORM.get(role, []) + CODE.get(role, []) + listed
    assert [call for call in needed if not permitted(guarded[role], call)] == []
    assert [call for call in FORBIDDEN[role] if permitted(guarded[role], call)] == []
    added = {action for action in actions(guarded[role]) if action.startswith(("ec2:", "kms:"))}
    assert added == {call.action for call in listed}


def test_only_operators_may_record_executions_and_only_on_the_named_tracking_server(
    policies: dict[str, Any], guarded: dict[str, Any]
) -> None:
    recording = {
        role: [one for one in statements(policy) if TRACKING & set(one["Action"])]
        for role, policy in guarded.items()
    }
    (statement,) = recording.pop("operator")
    assert recording.pop("studio") == [statement], "who works there is an operator"
    assert not any(recording.values())
    assert set(statement["Action"]) == TRACKING
    assert statement["Resource"] == [
        "arn:aws:sagemaker:eu-central-1:123456789012:mlflow-tracking-server/models"
    ]
    assert not TRACKING & actions(policies["operator"])


@pytest.mark.parametrize("role", [role for role in POLICIES if role not in PEOPLE])
def test_is_allowed_no_action_without_a_reason(policies: dict[str, Any], role: str) -> None:
    reasons = {call.action for call in PLATFORM.get(role, []) + CODE.get(role, [])}
    assert actions(policies[role]) - reasons - SPARE == set()


@pytest.mark.parametrize("role", POLICIES)
def test_names_actions_and_resources(policies: dict[str, Any], role: str) -> None:
    for statement in statements(policies[role]):
        assert not any("*" in action for action in statement["Action"])
        if "*" in statement["Resource"]:
            assert set(statement["Action"]) <= WITHOUT_RESOURCE
    identifiers = [statement["Sid"] for statement in policies[role]["Statement"]]
    assert len(identifiers) == len(set(identifiers))
    most = 6144 if POLICIES[role].startswith("aws_iam_policy.") else 10240
    assert len(json.dumps(policies[role], separators=(",", ":"))) < most


def test_every_action_exists(guarded: dict[str, Any]) -> None:
    operations: dict[str, set[str]] = {}
    for action in sorted(set().union(*map(actions, guarded.values())) - WITHOUT_OPERATION):
        service, name = action.split(":")
        if service not in operations:
            names = CLIENTS.get(service, (service,))
            operations[service] = {
                operation
                for client in names
                for operation in boto3.client(
                    client, region_name="eu-central-1", aws_access_key_id="none", aws_secret_access_key="none"
                ).meta.service_model.operation_names
            }
        assert OPERATIONS.get(action, name) in operations[service], f"there is no {action}"


def test_roles_trust_one_service_each(plan: dict[str, Any]) -> None:
    for role, service in TRUSTED.items():
        (statement,) = json.loads(plan[f"aws_iam_role.{role}"]["assume_role_policy"])["Statement"]
        assert statement["Principal"] == {"Service": f"{service}.amazonaws.com"}
        # Lambda does not say for which account it acts, and Firehose says it in a way of its own.
        key = "sts:ExternalId" if service == "firehose" else "aws:SourceAccount"
        confined = {"StringEquals": {key: "123456789012"}}
        assert statement.get("Condition") == (None if service == "lambda" else confined)


def test_no_role_has_another_policy(plan: dict[str, Any]) -> None:
    kinds = [address.split(".")[0] for address in plan]
    assert kinds.count("aws_iam_role") == kinds.count("aws_iam_role_policy") == len(TRUSTED)
    assert "aws_iam_role_policy_attachment" not in kinds


def test_roles_have_the_names_that_the_stand_in_of_aws_uses(plan: dict[str, Any]) -> None:
    names = {values["name"] for address, values in plan.items() if address.startswith("aws_iam_role.")}
    assert names == {
        f"demo-{role}"
        for role in POLICIES.keys() - {"operator", "builder", "scorer", "approver", "developer", "checker"}
    }


def test_every_role_and_policy_has_the_path_and_every_role_the_boundary(largest_plan: dict[str, Any]) -> None:
    made = {
        kind: [values for address, values in largest_plan.items() if address.startswith(f"{kind}.")]
        for kind in ("aws_iam_role", "aws_iam_policy")
    }
    assert len(made["aws_iam_role"]) == len(TRUSTED)
    assert {values["path"] for values in [*made["aws_iam_role"], *made["aws_iam_policy"]]} == {LONGEST_PATH}
    boundaries = {values["permissions_boundary"] for values in made["aws_iam_role"]}
    assert boundaries == {"arn:aws:iam::123456789012:policy/ml/boundary"}


def test_a_role_is_passed_on_by_its_whole_arn(largest_plan: dict[str, Any]) -> None:
    passed = {
        arn
        for address, values in largest_plan.items()
        if address.startswith(("aws_iam_policy.", "aws_iam_role_policy."))
        for statement in statements(json.loads(values["policy"]))
        if "iam:PassRole" in statement["Action"]
        for arn in statement["Resource"]
    }
    assert passed == {
        f"arn:aws:iam::123456789012:role{LONGEST_PATH}{'n' * 32}-{role}"
        for role in ("jobs", "monitor", "studio")
    }


def test_the_schedule_asks_for_the_same_check_as_a_person(plan: dict[str, Any]) -> None:
    asked = json.loads(plan['aws_scheduler_schedule.drift["drift"]']["target"][0]["input"])
    name = asked["ProcessingJobName"]
    assert name == f"{reports.job_prefix('demo')}<aws.scheduler.execution-id>"
    validate("sagemaker", "CreateProcessingJob", {**asked, "ProcessingJobName": name.partition("<")[0] + "0"})
    application = asked["AppSpecification"]
    assert application["ContainerEntrypoint"] == reports.PROGRAM
    given = application["ContainerArguments"]
    own = checks.scheduled("demo", "eu-central-1", "123456789012", "7d")
    pairs = [sorted(zip(one[::2], one[1::2], strict=True)) for one in (given, own)]
    assert pairs[0] == pairs[1]
    assert plan["aws_s3_object.on_drift[0]"]["key"] == ON_DRIFT_KEY
    assert plan["aws_iam_role.monitor"]["name"] == "demo-monitor"


def test_without_a_wish_there_is_no_path_and_no_boundary(plan: dict[str, Any]) -> None:
    roles = [values for address, values in plan.items() if address.startswith("aws_iam_role.")]
    assert {(role["path"], role["permissions_boundary"]) for role in roles} == {("/", None)}


def test_the_build_is_a_script_that_a_shell_can_read(plan: dict[str, Any]) -> None:
    (source,) = plan["aws_codebuild_project.this[0]"]["source"]
    (phase,) = yaml.safe_load(source["buildspec"])["phases"].values()
    for command in phase["commands"]:
        subprocess.run(["bash", "-n", "-c", command], check=True)
    assert "${REPOSITORY%%/*}" in phase["commands"][1]
    # SageMaker refuses OCI's media types, and an index of an image and its attestations.
    (plain,) = [command for command in phase["commands"] if command.startswith("PLAIN=")]
    assert " ".join(docker.DOCKER_MEDIA_TYPES) in plain


def test_local_aws_judges_by_these_policies(offline: Terraform, tmp_path: Path) -> None:
    file = tmp_path / "variables.tfvars.json"
    plan = written.planned(offline, file, written.VARIABLES)
    assert written.FILE.read_text() == written.text(written.of_plan(plan)), written.__doc__
    plan = written.planned(offline, file, written.OPEN)
    assert written.RESOURCES_FILE.read_text() == written.text(written.of_resources(plan)), written.__doc__


def test_no_policy_is_longer_than_iam_keeps(largest_plan: dict[str, Any]) -> None:
    """Whitespace does not count: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""
    most = {
        "aws_iam_policy": ("policy", 6144),
        "aws_iam_role_policy": ("policy", 10240),
        "aws_iam_role": ("assume_role_policy", 2048),
    }
    lengths = {
        address: len(json.dumps(json.loads(values[field]), separators=(",", ":"))) - allowed
        for address, values in largest_plan.items()
        for field, allowed in [most.get(address.split(".")[0], ("", 0))]
        if allowed
    }
    assert len([address for address in lengths if ".developer[" in address]) == 30
    assert {address: over for address, over in lengths.items() if over > 0} == {}
    assert lengths["aws_iam_policy.operator[0]"] < -600, "the next permission of operators has room"
