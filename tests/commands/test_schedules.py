"""What docs/operations holds for systemd, cron, SageMaker's notebook jobs and Studio."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest
from support import HANGS, ROOT
from support.helpers.shared import Connected, settings

FOLDER = ROOT / "docs/operations/schedules"
UNITS = {"run": "many-models", "monitor": "many-models-monitor"}  # of systemd, by command
SCRIPTS = (FOLDER / "notebook_job.sh", ROOT / "docs/operations/studio/on_start.sh")
# What the driver in Studio's image does: sagemaker-headless-execution-driver 0.0.13, notebookrunner.py.
DRIVER = """
import json, os, sys, papermill
folder, notebook, output, kernel, parameters = sys.argv[1:]
os.chdir(folder)
papermill.execute_notebook(notebook, output, parameters=json.loads(parameters), kernel_name=kernel)
"""


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of somebody who has the project in many-models/, as the crontab expects it."""
    if not (ROOT / ".venv/bin/many-models").exists():
        pytest.skip("the project is not installed in .venv, where a schedule calls it")
    home = tmp_path_factory.mktemp("person")
    (home / "many-models").symlink_to(ROOT)
    return home


def bare(home: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command as cron does, in the home folder and with cron's environment."""
    given = {"HOME": str(home), "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin", **more}
    return subprocess.run(command, cwd=home, env=given, capture_output=True, text=True, timeout=HANGS)


def cron_command(command: str = "run") -> str:
    lines = [line for line in (FOLDER / "crontab").read_text().splitlines() if line[:1].isdigit()]
    assert len(lines) == len(UNITS)
    (line,) = [line for line in lines if f" many-models {command} " in line.replace("/", " ")]
    return line.split(maxsplit=5)[5]


@pytest.mark.slow
def test_crons_command_finds_everything_in_crons_bare_environment(person: Path) -> None:
    assert "%" not in cron_command(), "which ends a command in a crontab"
    here = cron_command().replace(" run ", " check ") + " -p ENVIRONMENT local -p DATASETS '[wine]'"
    done = bare(person, "/bin/sh", "-c", here)
    assert done.returncode == 0, done.stderr
    assert "02_define_pipeline, 03_run_and_inspect" in done.stdout
    assert "wine" in done.stdout


@pytest.mark.slow
def test_systemds_units_are_valid_and_run_what_cron_runs(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze on this machine; install systemd")
    units = [f"{unit}.{kind}" for unit in UNITS.values() for kind in ("service", "timer")]
    for name in units:  # it looks whether the command exists
        (tmp_path / name).write_text((FOLDER / name).read_text().replace("/opt/many-models", str(ROOT)))
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / name) for name in units)],
        capture_output=True,
        text=True,
        timeout=HANGS,
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "many-models" in line]) == (0, [])
    for command, unit in UNITS.items():
        lines = (FOLDER / f"{unit}.service").read_text().splitlines()
        service = dict(line.split("=", 1) for line in lines if "=" in line[:24])
        run = service["ExecStart"].removeprefix(f"{service['WorkingDirectory']}/")
        assert cron_command(command) == f'cd "$HOME/many-models" && {run}'


def test_make_retrain_is_the_same_command() -> None:
    # Without what a `make test ARGS=...` that runs this test hands on.
    alone = {name: value for name, value in os.environ.items() if name not in ("ARGS", "MAKEFLAGS")}
    shown = subprocess.run(
        ["make", "--no-print-directory", "--just-print", "--old-file=install", "retrain"],
        env=alone,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    command = shown.stdout.removeprefix("exec ")
    assert command != shown.stdout, "a stop of make would end a shell, and not the command, with some ARGS"
    assert cron_command().endswith(f" {command.strip()}")


def test_the_shell_scripts_are_clean() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("there is no shellcheck on this machine; install it")
    done = subprocess.run(["shellcheck", *map(str, SCRIPTS)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_space_starts_even_if_the_project_cannot_be_cloned(tmp_path: Path) -> None:
    done = bare(tmp_path, "bash", str(SCRIPTS[1]), REPOSITORY="file:///nowhere/many-models")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    log, deadline = tmp_path / "many-models.log", time.monotonic() + HANGS
    while "nowhere" not in (said := log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "'/nowhere/many-models' does not" in said
    assert not (tmp_path / "many-models").exists()


def test_a_lifecycle_configuration_is_not_longer_than_sagemaker_keeps() -> None:
    """In base64: https://docs.aws.amazon.com/sagemaker/latest/dg/jl-lcc.html."""
    assert SCRIPTS[1].stat().st_size * 4 / 3 < 16384


@pytest.fixture(scope="module")
def notebook_job() -> ModuleType:
    spec = importlib.util.spec_from_file_location("notebook_job", FOLDER / "notebook_job.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def jobs(
    connected: Connected, notebook_job: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """The requests of the notebook jobs, by step, compiled for the local_aws of these tests."""
    project = notebook_job.pack(tmp_path_factory.mktemp("project") / "project.tar.gz")
    values = {
        "ENVIRONMENT": "local",
        "PIPELINE_NAME": "nightly",
        "USE_SPOT": False,
        "DATASETS": ["wine"],
        "MAX_TUNING_JOBS": 6,
        "RUN_ID": "",
    }
    with settings(connected.settings):
        session = connected.session
        image = f"885854791233.dkr.ecr.{session.region}.amazonaws.com/sagemaker-distribution-prod:3-cpu"
        made = notebook_job.pipeline(session, session.job_role_arn, image, values, project)
        definition = made.definition()
        session.client("sagemaker").create_pipeline(  # local_aws validates each step's request
            PipelineName=made.name, PipelineDefinition=definition, RoleArn=session.job_role_arn
        )
    steps = json.loads(definition)["Steps"]
    assert [(step["Name"], step["Type"], step.get("DependsOn")) for step in steps] == [
        ("DefinePipeline", "Training", None),
        ("RunPipeline", "Training", ["DefinePipeline"]),
    ]
    return {step["Name"]: step["Arguments"] for step in steps}


@pytest.mark.slow
def test_a_notebook_job_gets_its_parameters_as_text(jobs: dict[str, dict[str, Any]]) -> None:
    common = {"ENVIRONMENT": "local", "PIPELINE_NAME": "nightly"}
    assert jobs["DefinePipeline"]["HyperParameters"] == common | {"USE_SPOT": "false"}
    assert jobs["RunPipeline"]["HyperParameters"] == common | {"DATASETS": '["wine"]', "MAX_TUNING_JOBS": "6"}


@pytest.mark.slow
def test_a_notebook_job_runs_the_notebook_in_another_folder_with_the_kernel_that_make_registers(
    connected: Connected, person: Path, jobs: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    made = bare(person, "make", "-C", str(ROOT), "--old-file=install", "kernel")
    assert made.returncode == 0, made.stderr
    registered = json.loads((person / ".local/share/jupyter/kernels/many-models/kernel.json").read_text())
    assert Path(registered["argv"][0]).parent == ROOT / ".venv/bin"
    job = jobs["DefinePipeline"]
    (channel,) = job["InputDataConfig"]
    bucket, _, prefix = channel["DataSource"]["S3DataSource"]["S3Uri"].removeprefix("s3://").partition("/")
    notebook = job["Environment"]["SM_INPUT_NOTEBOOK_NAME"]
    with settings(connected.settings):
        s3 = connected.session.client("s3")
        found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
        s3.download_file(bucket, f"{prefix}/{notebook}", str(tmp_path / notebook))
    names = {each["Key"].removeprefix(f"{prefix}/") for each in found}
    assert names == {notebook, job["Environment"]["SM_INIT_SCRIPT"], "project.tar.gz"}
    output = tmp_path / job["Environment"]["SM_OUTPUT_NOTEBOOK_NAME"]
    kernel, texts = job["Environment"]["SM_KERNEL_NAME"], json.dumps(job["HyperParameters"])
    done = bare(
        person,
        *(sys.executable, "-c", DRIVER, str(tmp_path), notebook, str(output), kernel, texts),
        LOCAL_AWS_HOME=connected.settings["LOCAL_AWS_HOME"],
    )
    assert done.returncode == 0, done.stderr
    executed = nbformat.read(output, as_version=4)
    assert all(cell.execution_count for cell in executed.cells if cell.cell_type == "code")
    with settings(connected.settings):
        names = connected.session.client("sagemaker").list_pipelines()["PipelineSummaries"]
    assert "nightly" in {each["PipelineName"] for each in names}
