"""The policies of the roles as Terraform plans them, which local_aws judges by.

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

__all__ = ["FILE", "PIPELINE", "VARIABLES", "of_plan", "planned", "text"]

FILE = ROOT / "src/local_aws/gateway/policies.json"
PIPELINE, REGION, ACCOUNT = "pipeline-of-a-plan", "xx-plan-1", "123456789012"
VARIABLES = {"environment": "test", "region": REGION, "pipeline_name": PIPELINE}
ADDRESSES = {
    "jobs": "aws_iam_role_policy.jobs[0]",
    "endpoint": "aws_iam_role_policy.endpoint",
    "deployer": 'aws_iam_role_policy.function["deployer"]',
    "invoker": 'aws_iam_role_policy.function["invoker"]',
    "retrainer": 'aws_iam_role_policy.function["retrainer"]',
}


def planned(terraform: Terraform, file: Path) -> dict[str, Any]:
    """The planned values of every resource under these variables, by address."""
    file.write_text(json.dumps(VARIABLES))
    terraform("plan", "-input=false", f"-var-file={file}", "-out=policies.tfplan")
    shown = json.loads(terraform("show", "-json", "policies.tfplan").stdout)
    return {each["address"]: each["values"] for each in shown["planned_values"]["root_module"]["resources"]}


def of_plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Each role's policy, with placeholders for the names."""
    policies = json.dumps({role: json.loads(plan[address]["policy"]) for role, address in ADDRESSES.items()})
    for name, value in {"pipeline_name": PIPELINE, "region": REGION, "account_id": ACCOUNT}.items():
        policies = policies.replace(value, f"${{{name}}}")
    return json.loads(policies)


def text(policies: Mapping[str, Any]) -> str:
    """As the file has them."""
    return json.dumps(policies, indent=1) + "\n"


if __name__ == "__main__":
    with provider.environment() as variables, tempfile.TemporaryDirectory() as folder:
        configuration = prepare(Path(folder))
        (configuration / "local_override.tf").write_text('terraform {\n  backend "local" {}\n}\n')
        run = runner(configuration, variables)
        run("init", "-input=false", "-no-color")
        FILE.write_text(text(of_plan(planned(run, configuration / "policies.tfvars.json"))))
