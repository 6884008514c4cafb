"""Terraform for the tests: with the real providers or the stand-in, always in a copy of the configuration."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from support.terraform import states
from support.terraform.stand_in import provider
from support.terraform.workspace import Terraform, prepare, runner

EVERYTHING = {
    "environment": "test",
    "region": "eu-central-1",
    "pipeline_name": "demo",
    "image_uri": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:1",
    "pipeline_definition_file": "tests/definitions/classification.json",
    "pipeline_definition_regression_file": "tests/definitions/regression.json",
    "developers": ["ana"],
    "studio": True,
    "capture_rate": 0.5,
    "capture_leaves_out": {"wine": ["proline"]},
    "retraining": {"wine": {"target": "cultivar", "expression": "cron(0 3 ? * MON *)", "on_drift": True}},
    "drift_check": {"expression": "rate(1 day)", "window": "7d"},
}
# What of it is another with a key, a VPC, and an account that may take models over.
GUARDED = {
    "pipeline_definition_file": "tests/definitions/in_a_network.json",
    "pipeline_definition_regression_file": None,
    "kms_key_arn": "arn:aws:kms:eu-central-1:123456789012:key/k",
    "vpc": {"subnet_ids": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1"]},
    "mlflow_tracking_server_arn": "arn:aws:sagemaker:eu-central-1:123456789012:mlflow-tracking-server/models",
    "promote_to": {"account_ids": ["222222222222", "333333333333"], "datasets": ["churn", "wine"]},
    "retraining": {
        "wine": {"target": "cultivar", "expression": "cron(0 3 ? * MON *)", "on_drift": True},
        "d" * 51: {"target": "class", "expression": "rate(7 days)"},  # the longest name of a schedule
    },
}
# An environment that takes over what another one, in another account, has trained.
PROMOTED = {
    "environment": "prod",
    "region": "eu-central-1",
    "pipeline_name": "demo-prod",
    "image_uri": f"111111111111.dkr.ecr.eu-central-1.amazonaws.com/demo@sha256:{'0' * 64}",
    "kms_key_arn": "arn:aws:kms:eu-central-1:123456789012:key/k",
    "promote_from": {
        "account_id": "111111111111",
        "pipeline_name": "demo",
        "kms_key_arn": "arn:aws:kms:eu-central-1:111111111111:key/k",
    },
}
# The most of everything that policies list, under the longest names and path.
LARGEST = {
    "region": "ap-southeast-1",
    "pipeline_name": "n" * 32,
    "pipeline_definition_file": None,
    "pipeline_definition_regression_file": None,
    "image_uri": None,
    "iam_path": f"/{'p' * 510}/",
    "permissions_boundary_arn": "arn:aws:iam::123456789012:policy/ml/boundary",
    "developers": [f"{number:02}{'d' * 30}" for number in range(30)],
    "kms_key_arn": f"arn:aws:kms:ap-southeast-1:123456789012:key/mrk-{'0' * 32}",
    "mlflow_tracking_server_arn": (
        f"arn:aws:sagemaker:ap-southeast-1:123456789012:mlflow-tracking-server/{'m' * 64}"
    ),
    "vpc": {
        "subnet_ids": [f"subnet-{number:017}" for number in range(16)],
        "security_group_ids": [f"sg-{number:017}" for number in range(5)],
    },
}
NEEDS_TERRAFORM = {"terraform", "plan", "guarded_plan", "promoted_plan", "largest_plan", "offline"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if shutil.which("terraform") is None:
        skip = pytest.mark.skip(
            reason="there is no terraform on this machine; install Terraform 1.11 or newer"
        )
        for item in items:
            if item.nodeid.startswith("tests/terraform/") and NEEDS_TERRAFORM & set(item.fixturenames):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def providers() -> Iterator[dict[str, str]]:
    with provider.environment() as variables:
        yield variables


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory, providers: dict[str, str]) -> Terraform:
    """Terraform with the real providers where a registry answers, else with the stand-in."""
    configuration = prepare(tmp_path_factory.mktemp("terraform"))
    init = ("init", "-backend=false", "-input=false", "-no-color")
    impatient = {"TF_REGISTRY_CLIENT_TIMEOUT": "3", "TF_REGISTRY_DISCOVERY_RETRY": "0"}
    try:
        runner(configuration, impatient)(*init)
    except AssertionError:
        shutil.rmtree(configuration / ".terraform", ignore_errors=True)
    else:
        return runner(configuration, {})
    offline = runner(configuration, providers)
    offline(*init)
    return offline


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory, providers: dict[str, str]) -> Iterator[Terraform]:
    """Terraform with the stand-in and a state on this machine, to plan and apply without mocks."""
    configuration = prepare(tmp_path_factory.mktemp("offline"))
    (configuration / "everything.tfvars.json").write_text(json.dumps(EVERYTHING))
    (configuration / "guarded.tfvars.json").write_text(json.dumps(GUARDED))
    (configuration / "promoted.tfvars.json").write_text(json.dumps(PROMOTED))
    (configuration / "largest.tfvars.json").write_text(json.dumps(LARGEST))
    run = runner(configuration, providers)
    with states.override() as override:
        (configuration / "local_override.tf").write_text(override)
        run("init", "-input=false", "-no-color")
        yield run


@pytest.fixture(scope="session")
def plan(offline: Terraform) -> dict[str, Any]:
    """The planned values of every resource with image and definitions, by address."""
    return planned_values(offline, "everything")


@pytest.fixture(scope="session")
def guarded_plan(offline: Terraform) -> dict[str, Any]:
    """The same with your own key, a VPC and promotion to other accounts."""
    return planned_values(offline, "everything", "guarded")


@pytest.fixture(scope="session")
def promoted_plan(offline: Terraform) -> dict[str, Any]:
    """An environment that trains nothing and takes over what another has trained."""
    return planned_values(offline, "promoted")


@pytest.fixture(scope="session")
def largest_plan(offline: Terraform) -> dict[str, Any]:
    """With as much as possible in every policy."""
    return planned_values(offline, "everything", "largest")


def planned_values(terraform: Terraform, *variables: str) -> dict[str, Any]:
    files = [f"-var-file={name}.tfvars.json" for name in variables]
    terraform("plan", "-input=false", *files, "-out=values.tfplan")
    shown = json.loads(terraform("show", "-json", "values.tfplan").stdout)
    resources = shown["planned_values"]["root_module"]["resources"]
    return {resource["address"]: resource["values"] for resource in resources}
