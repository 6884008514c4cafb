"""The workflows ask for little, and run nothing that can change under them."""

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.terraform.workspace import CONFIGURATION, ROOT

from commands.__main__ import many_models
from helpers import parameters

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
ON = True  # what YAML makes of the key `on`


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def file(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def workflow(file: Path) -> dict[Any, Any]:
    return yaml.safe_load(file.read_text())


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_there_are_six() -> None:
    assert [path.stem for path in FILES] == ["apply", "check", "destroy", "image", "plan", "retrain"]


def test_actions_are_pinned_by_commit(file: Path) -> None:
    used = re.findall(r"(?m)^\s+- uses: (.*)$", file.read_text())
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_one_action_has_one_version() -> None:
    used = {line for path in FILES for line in re.findall(r"uses: (.*)", path.read_text())}
    assert len(used) == len({line.split("@")[0] for line in used})


def test_permissions_are_the_least(workflow: dict[Any, Any], file: Path) -> None:
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for job in workflow["jobs"].values():
        assert set(job.get("permissions", {}).items()) <= {("contents", "read"), ("id-token", "write")}
        assert job["timeout-minutes"] <= 90
    assert ("id-token" in file.read_text()) == (file.stem != "check")
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_no_stored_secrets_and_no_strangers_code_with_credentials(file: Path) -> None:
    text = file.read_text()
    assert "secrets." not in text
    assert "pull_request_target" not in text


def test_inputs_reach_scripts_as_variables_only(workflow: dict[Any, Any]) -> None:
    assert not any("${{" in step.get("run", "") for step in steps(workflow))


def test_one_run_at_a_time_for_each_environment() -> None:
    for name in ("apply", "destroy"):
        workflow = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())
        assert workflow["concurrency"]["group"].startswith("terraform-${{ inputs.environment")
        assert workflow["concurrency"]["cancel-in-progress"] is False
        assert all("environment" in job for title, job in workflow["jobs"].items() if title != "plan")


def test_each_environment_may_have_a_role_and_a_region_of_its_own() -> None:
    """By the environment's own variables where a job has one, else by variables with its name."""
    for path in FILES:
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            for step in job["steps"]:
                if "configure-aws-credentials" not in step.get("uses", ""):
                    continue
                given = step["with"]["role-to-assume"], step["with"]["aws-region"]
                assert all("vars[format(" in value for value in given) != ("environment" in job), path.name


def test_environments_are_those_that_have_a_file() -> None:
    names = sorted(path.stem for path in (CONFIGURATION / "environments").glob("*.tfvars"))
    apply, destroy, image, plan, retrain = (
        yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())
        for name in ("apply", "destroy", "image", "plan", "retrain")
    )
    for workflow in (apply, destroy, image, retrain):
        assert workflow[ON]["workflow_dispatch"]["inputs"]["environment"]["options"] == names
    assert plan["jobs"]["plan"]["strategy"]["matrix"]["environment"] == names


def test_check_runs_what_ci_runs_for_forks_too() -> None:
    check = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text())
    assert set(check[ON]) == {"push", "pull_request"}
    assert check["jobs"]["check"]["steps"][-1]["run"] == ".ci/run"
    assert (ROOT / ".ci/run").exists()


def test_every_python_that_is_promised_is_checked() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/check.yml").read_text())["jobs"]
    oldest = jobs["check"]["steps"][1]["with"]["python-version"]
    for folder in (ROOT, ROOT / "container"):
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        assert project["requires-python"] == f">={oldest}"
    newer = jobs["newer"]
    assert newer["strategy"]["matrix"]["python"] == ["3.12", "3.13", "3.14"]
    assert newer["steps"][-1]["run"] == "make test"


def test_the_image_is_built_for_pull_requests_and_pushed_from_main_alone() -> None:
    image = yaml.safe_load((ROOT / ".github/workflows/image.yml").read_text())
    assert set(image[ON]) == {"pull_request", "push", "workflow_dispatch"}
    assert image[ON]["push"]["branches"] == ["main"]
    assert image[ON]["push"]["paths"] == image[ON]["pull_request"]["paths"]
    assert {"container/**", "constraints.txt"} <= set(image[ON]["push"]["paths"])
    build, push = image["jobs"]["build"], image["jobs"]["push"]
    assert build["permissions"] == {"contents": "read"}, "nothing to push with"
    assert not any("ENV=" in step.get("run", "") for step in build["steps"])
    assert "github.ref == 'refs/heads/main'" in push["if"]
    assert "'pull_request'" in push["if"]
    assert any("make image ENV=" in step.get("run", "") for step in push["steps"])


def test_retraining_is_scheduled_on_main_and_what_it_runs_is_a_command_with_known_parameters() -> None:
    retrain = yaml.safe_load((ROOT / ".github/workflows/retrain.yml").read_text())
    assert set(retrain[ON]) == {"schedule", "workflow_dispatch"}
    (job,) = retrain["jobs"].values()
    assert "github.ref == 'refs/heads/main'" in job["if"]
    assert job["timeout-minutes"] * 60 <= job["steps"][2]["with"]["role-duration-seconds"]
    (run,) = [step["run"] for step in job["steps"] if step.get("run", "").startswith("make ")]
    shown = subprocess.run(
        ["sh", "-c", run.replace("make ", "make --no-print-directory --just-print --old-file=install ", 1)],
        cwd=ROOT,
        env={**os.environ, "PIPELINE_NAME": "shop"},
        capture_output=True,
        text=True,
        check=True,
    )
    program, command, file, *options = shlex.split(shown.stdout.removeprefix("exec "))
    assert (program, command) == (".venv/bin/many-models", "run")
    typed = many_models.commands[command].make_context(command, [file, *options]).params
    assert typed["only"] == ("02", "03")
    given = parameters.parse(parameters.read(ROOT / typed["file"]) | dict(typed["given"]))
    assert (given["ENVIRONMENT"], given["APPROVE"]) == ("aws", "none")
    assert (given["PIPELINE_NAME"], given["TERRAFORM_OUTPUTS"]) == ("shop", "ssm:/shop/outputs")
