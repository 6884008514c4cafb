"""The configuration as a whole: form, types, states, and that nothing in it is left over."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.notebooks.demo_run import RETRAINING
from support.terraform.stand_in import provider
from support.terraform.workspace import CONFIGURATION, HERE, ROOT, Terraform

from helpers.image.builders import NEEDED
from helpers.session.outputs import OUTPUTS, outputs_of

SOURCES = {path.name: path.read_text() for path in sorted(CONFIGURATION.glob("*.tf"))}
TEXT = "\n".join(SOURCES.values())
CODE = re.sub(r"(?m)(^|\s)(#|//).*$", "", TEXT)
MOST_SKIPS = 10
EVERYTHING = ("-input=false", "-no-color", "-var-file=everything.tfvars.json")


def test_formatted(terraform: Terraform) -> None:
    terraform("fmt", "-check", "-recursive", "-diff", str(CONFIGURATION), str(HERE))


def test_valid(terraform: Terraform) -> None:
    terraform("validate", "-no-color")


@pytest.mark.parametrize("file", sorted(HERE.glob("*.tftest.hcl")), ids=lambda path: path.name.split(".")[0])
def test_behaviour(terraform: Terraform, file: Path) -> None:
    terraform("test", "-no-color", f"-filter=tests/{file.name}")


@pytest.mark.parametrize(
    "file", sorted((CONFIGURATION / "environments").glob("*.tfvars")), ids=lambda p: p.stem
)
def test_every_environment_can_be_planned_and_has_a_state_of_its_own_that_is_locked(
    offline: Terraform, file: Path
) -> None:
    offline("plan", "-input=false", "-no-color", "-refresh=false", f"-var-file=environments/{file.name}")
    backend = tomllib.loads(file.with_suffix(".s3.tfbackend").read_text())  # flat, so TOML reads it as well
    assert backend["key"] == f"many-models/{file.stem}.tfstate"
    assert backend["use_lockfile"] is backend["encrypt"] is True


@pytest.fixture(scope="module")
def applied(offline: Terraform) -> Iterator[Terraform]:
    """Everything applied with the stand-in, and destroyed after."""
    offline("apply", "-auto-approve", *EVERYTHING)
    yield offline
    offline("destroy", "-auto-approve", *EVERYTHING)
    assert offline("state", "list").stdout == ""


def planned(terraform: Terraform, folder: Path, *options: str, **variables: object) -> dict[str, Any]:
    """A plan with other variables, as Terraform shows it."""
    file = folder / "other.tfvars.json"
    file.write_text(json.dumps(variables))
    terraform("plan", *EVERYTHING, *options, f"-var-file={file}", "-out=changes.tfplan")
    return json.loads(terraform("show", "-json", "changes.tfplan").stdout)


def changes(terraform: Terraform, folder: Path, **variables: object) -> dict[str, list[str]]:
    """What a plan with other variables would do, by address, without what stays as it is."""
    shown = planned(terraform, folder, **variables)
    actions = {change["address"]: change["change"]["actions"] for change in shown["resource_changes"]}
    return {address: done for address, done in actions.items() if done not in (["no-op"], ["read"])}


def test_a_second_plan_is_empty(applied: Terraform, tmp_path: Path) -> None:
    assert changes(applied, tmp_path) == {}


def test_a_schedule_sends_the_retrainer_what_it_is_sent_here(plan: dict[str, Any]) -> None:
    (target,) = plan['aws_scheduler_schedule.retraining["wine"]']["target"]
    assert json.loads(target["input"]) == RETRAINING | {"parameters": {}}


def test_the_notebooks_can_read_the_outputs_that_are_stored(applied: Terraform, tmp_path: Path) -> None:
    shown = json.loads(applied("show", "-json").stdout)["values"]["root_module"]["resources"]
    values = {resource["address"]: resource["values"] for resource in shown}
    stored = values["aws_ssm_parameter.outputs"]["value"]
    assert stored == values["aws_s3_object.outputs"]["content"]
    assert len(stored) < 4096, "free of charge"
    file = tmp_path / "outputs.json"
    file.write_text(stored)
    assert outputs_of(str(file)).keys() >= {*OUTPUTS, *NEEDED, "vpc", "kms_key_arn", "promote_from"}


def test_a_new_image_is_served_before_the_old_one_goes(applied: Terraform, tmp_path: Path) -> None:
    changed = changes(
        applied,
        tmp_path,
        image_uri="123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:2",
        pipeline_definition_file=None,
        pipeline_definition_regression_file=None,
    )
    assert changed['aws_sagemaker_model.this["demo"]'] == ["create", "delete"]
    assert changed['aws_sagemaker_endpoint_configuration.this["demo"]'] == ["create", "delete"]
    assert changed['aws_sagemaker_endpoint.this["demo"]'] == ["update"]
    assert not any("function" in address or "s3_bucket" in address for address in changed)


def apply(
    terraform: Terraform, folder: Path, expected: int = 0, **variables: object
) -> tuple[list[str], str]:
    """Apply other variables: what was done to the endpoint and its scaling, in order, and what was said."""
    file = folder / "other.tfvars.json"
    file.write_text(json.dumps(variables))
    provider.APPLIED.clear()
    done = terraform("apply", "-auto-approve", *EVERYTHING, f"-var-file={file}", expected=expected)
    kinds = ("aws_appautoscaling_", "aws_sagemaker_endpoint")
    changed = [f"{action} {kind}" for kind, action in provider.APPLIED if kind.startswith(kinds)]
    return changed, " ".join(done.stderr.split())


ANOTHER_TYPE = {"endpoint": {"instance_type": "ml.c5.large"}}
UNREGISTERED = [
    "delete aws_appautoscaling_policy",
    "delete aws_appautoscaling_target",
    "create aws_sagemaker_endpoint_configuration",
    "update aws_sagemaker_endpoint",
]
REGISTERED = ["create aws_appautoscaling_target", "create aws_appautoscaling_policy"]
OLD_ONE_GOES = "delete aws_sagemaker_endpoint_configuration"


def test_an_instance_type_changes_without_scaling_and_what_serves_is_kept_where_sagemaker_rolls_back(
    applied: Terraform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One test of all the ways from one instance type to another, because each apply takes a second."""
    serving = applied("output", "-json").stdout

    def rolled_back() -> tuple[list[str], str]:
        with monkeypatch.context() as patch:
            patch.setattr(provider, "ROLLED_BACK", {"aws_sagemaker_endpoint"})
            return apply(applied, tmp_path, expected=1, **ANOTHER_TYPE)

    done, said = rolled_back()
    assert done == UNREGISTERED, "nothing that serves is deleted"
    assert re.search(r"rolled the update of the endpoint demo back: demo-\w{8} serves and is kept", said)
    done, _ = rolled_back()
    assert OLD_ONE_GOES not in done
    # The same again ends well.
    done, _ = apply(applied, tmp_path, **ANOTHER_TYPE)
    assert done.index("update aws_sagemaker_endpoint") < done.index(OLD_ONE_GOES)

    done, _ = apply(applied, tmp_path, **ANOTHER_TYPE, serve_pickles=["ExtraTrees"])
    assert not [step for step in done if "appautoscaling" in step], "nothing else takes the scaling away"
    # Where nothing is rolled back, the variant is a scalable target before and after.
    done, _ = apply(applied, tmp_path)
    assert done[:4] == UNREGISTERED
    assert [step for step in done[4:] if step != OLD_ONE_GOES] == REGISTERED
    assert applied("output", "-json").stdout == serving

    # After one more such update, what serves is gone back to.
    done, _ = rolled_back()
    assert OLD_ONE_GOES not in done
    done, _ = apply(applied, tmp_path)
    assert done.index("update aws_sagemaker_endpoint") < done.index(OLD_ONE_GOES)
    assert applied("output", "-json").stdout == serving
    assert changes(applied, tmp_path) == {}


def test_switching_the_endpoint_off_takes_nothing_else(applied: Terraform, tmp_path: Path) -> None:
    changed = changes(applied, tmp_path, endpoint_enabled=False)
    assert set(map(tuple, changed.values())) == {("delete",)}
    assert {address.split(".")[0] for address in changed} == {
        "aws_appautoscaling_policy",
        "aws_appautoscaling_target",
        "aws_cloudwatch_metric_alarm",
        "aws_sagemaker_endpoint",
        "aws_sagemaker_endpoint_configuration",
        "aws_sagemaker_model",
    }


def test_notebook_02_can_be_told_of_a_new_image_before_there_is_a_definition_for_it(
    applied: Terraform, tmp_path: Path
) -> None:
    newer = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo:2"
    shown = planned(applied, tmp_path, "-refresh-only", image_uri=newer)
    assert shown["output_changes"]["image_uri"]["after"] == newer
    assert {tuple(change["change"]["actions"]) for change in shown.get("resource_changes", [])} <= {
        ("no-op",)
    }


def test_outputs_are_what_the_notebooks_read() -> None:
    assert set(OUTPUTS) <= set(re.findall(r'(?m)^output "(\w+)"', TEXT))


def test_outputs_and_variables_are_described_and_typed() -> None:
    for kind, name, body in re.findall(r'(?ms)^(variable|output) "(\w+)" \{\n(.*?)^\}', TEXT):
        assert "  description = " in body, f"{kind} {name} has no description"
        assert kind == "output" or re.search(r"(?m)^  type += ", body), f"variable {name} has no type"


@pytest.mark.parametrize(
    ("kind", "pattern", "used_as"),
    [
        ("variable", r'(?m)^variable "(\w+)"', r"\bvar\.{}\b"),
        ("data source", r'(?m)^data "(\w+" "\w+)"', r"\bdata\.{}\b"),
    ],
)
def test_nothing_is_declared_and_not_used(kind: str, pattern: str, used_as: str) -> None:
    for name in re.findall(pattern, CODE):
        # A variable's own validation is no use of it.
        rest = re.sub(rf'(?ms)^variable "{name}" \{{.*?^\}}', "", CODE)
        used = used_as.format(name.replace('" "', r"\."))
        assert re.search(used, rest), f"the {kind} {name} is not used"


def test_no_local_is_declared_and_not_used() -> None:
    declared = [
        name
        for body in re.findall(r"(?ms)^locals \{\n(.*?)^\}", CODE)
        for name in re.findall(r"(?m)^  (\w+) += ", body)
    ]
    assert len(declared) == len(set(declared)) > 20
    for name in declared:
        assert re.search(rf"\blocal\.{name}\b", CODE), f"local.{name} is not used"


def test_nothing_differs_from_plan_to_plan_or_grants_everything() -> None:
    for forbidden in ("timestamp(", "uuid(", "FullAccess", "managed_policy_arns", "null_resource"):
        assert forbidden not in CODE


def test_nothing_of_a_run_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "terraform"], cwd=ROOT, capture_output=True, text=True).stdout
    assert not [
        name
        for name in listed.splitlines()
        if re.search(r"\.terraform/|tfstate|tfplan|/build/|outputs\.json", name)
    ]
    lock = CONFIGURATION / ".terraform.lock.hcl"
    # The stand-in leaves none; one of the real providers has the hashes of their zips.
    assert not lock.exists() or "zh:" in lock.read_text()


def test_checkov_finds_nothing() -> None:
    local = ROOT / ".venv-checkov/bin/checkov"
    checkov = str(local) if local.exists() else shutil.which("checkov")
    if checkov is None:
        pytest.skip("there is no checkov, neither on PATH nor in .venv-checkov")
    done = subprocess.run(
        [checkov, "-d", str(CONFIGURATION), "--framework", "terraform", "--skip-download", "-o", "json"],
        env={**os.environ, "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout)
    failed = [f"{check['check_id']} {check['resource']}" for check in report["results"]["failed_checks"]]
    assert not failed
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 50
    assert report["summary"]["skipped"] <= MOST_SKIPS


def test_the_readme_lists_every_skipped_check() -> None:
    skipped = re.findall(r"#checkov:skip=(\w+):(.+)", TEXT)
    assert all(len(reason) > 30 for _, reason in skipped)
    readme = (CONFIGURATION / "README.md").read_text()
    assert {name for name, _ in skipped} == set(re.findall(r"`(CKV2?_AWS_\d+)`", readme))


def test_the_readme_lists_every_file() -> None:
    readme = (CONFIGURATION / "README.md").read_text()
    assert [name for name in SOURCES if f"`{name}`" not in readme] == []
