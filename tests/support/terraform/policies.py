"""The policies of roles and resources as Terraform plans them, which local_aws judges by.

`../.venv/bin/python -m support.terraform.policies`, in the folder tests, writes them again.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support import ROOT
from support.terraform.stand_in import provider
from support.terraform.workspace import Terraform, prepare, runner

__all__ = ["FILE", "OPEN", "RESOURCES_FILE", "VARIABLES", "of_plan", "of_resources", "planned", "text"]

FILE = ROOT / "src/local_aws/gateway/policies.json"
RESOURCES_FILE = FILE.with_name("resource_policies.json")
PIPELINE, REGION, ACCOUNT = "pipeline-of-a-plan", "xx-plan-1", "123456789012"
DATASET = "data-set-of-a-plan"
# With a stream for captured requests, which local_aws makes only if it is asked to, and with a data set that
# is retrained on drift, without which no check may call the retrainer.
VARIABLES = {
    "environment": "test",
    "region": REGION,
    "pipeline_name": PIPELINE,
    "capture_rate": 1,
    "retraining": {DATASET: {"target": "label", "expression": "rate(7 days)", "on_drift": True}},
}
OPEN = {
    **VARIABLES,
    "kms_key_arn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k",
    "promote_to": {"account_ids": ["000000000000"], "datasets": [DATASET]},
}
ADDRESSES = {
    "jobs": "aws_iam_role_policy.jobs[0]",
    "endpoint": "aws_iam_role_policy.endpoint",
    "deployer": 'aws_iam_role_policy.function["deployer"]',
    "invoker": 'aws_iam_role_policy.function["invoker"]',
    "retrainer": 'aws_iam_role_policy.function["retrainer"]',
    "capture": 'aws_iam_role_policy.capture["capture"]',
    "monitor": "aws_iam_role_policy.monitor",
}


def planned(terraform: Terraform, file: Path, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The planned values of every resource under these variables, by address."""
    file.write_text(json.dumps(variables))
    terraform("plan", "-input=false", f"-var-file={file}", "-out=policies.tfplan")
    shown = json.loads(terraform("show", "-json", "policies.tfplan").stdout)
    return {each["address"]: each["values"] for each in shown["planned_values"]["root_module"]["resources"]}


def of_plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Each role's policy, with placeholders for the names."""
    return _without_names({role: json.loads(plan[address]["policy"]) for role, address in ADDRESSES.items()})


def of_resources(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The policies of resources that are open to another account, with placeholders for the names."""
    group = plan[f'aws_sagemaker_model_package_group_policy.promotion["{DATASET}"]']["resource_policy"]
    bucket = plan["aws_s3_bucket_policy.this"]["policy"]
    return _without_names({"bucket": json.loads(bucket), "group": json.loads(group)})


def _without_names(policies: Mapping[str, Any]) -> dict[str, Any]:
    found = json.dumps(policies)
    names = {"pipeline_name": PIPELINE, "region": REGION, "account_id": ACCOUNT, "dataset": DATASET}
    for name, value in names.items():
        found = found.replace(value, f"${{{name}}}")
    return json.loads(found)


def text(policies: Mapping[str, Any]) -> str:
    """As the file has them."""
    return json.dumps(policies, indent=1) + "\n"


if __name__ == "__main__":
    with provider.environment() as variables, tempfile.TemporaryDirectory() as folder:
        configuration = prepare(Path(folder))
        (configuration / "local_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        run = runner(configuration, variables)
        run("init", "-input=false", "-no-color")
        file = configuration / "policies.tfvars.json"
        FILE.write_text(text(of_plan(planned(run, file, VARIABLES))))
        RESOURCES_FILE.write_text(text(of_resources(planned(run, file, OPEN))))
