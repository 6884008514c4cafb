"""A copy of terraform/ to work in, so that no lock file or state reaches the repository."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from support import ROOT

__all__ = ["CONFIGURATION", "HERE", "QUIET", "ROOT", "Terraform", "prepare", "runner"]

HERE = ROOT / "tests/terraform"
CONFIGURATION = ROOT / "terraform"
Terraform = Callable[..., subprocess.CompletedProcess[str]]
QUIET = {
    "TF_IN_AUTOMATION": "1",
    "CHECKPOINT_DISABLE": "1",
    "TF_CLI_CONFIG_FILE": os.devnull,
}


def prepare(folder: Path) -> Path:
    """Copy what Terraform reads and give the copy's configuration folder."""
    ignored = shutil.ignore_patterns(".terraform*", "build", "__pycache__", "outputs.json")
    shutil.copytree(CONFIGURATION, folder / "terraform", ignore=ignored)
    for room in ("contract", "lambdas"):
        shutil.copytree(ROOT / "src" / room, folder / "src" / room, ignore=ignored)
    tests = folder / "terraform/tests"
    for name in ("definitions", "mocks"):
        shutil.copytree(HERE / name, tests / name)
    # Values that a variable refuses are tried on the variables alone: a plan of all the rest takes its time.
    (tests / "variables").mkdir()
    shutil.copy(CONFIGURATION / "variables.tf", tests / "variables")
    for file in HERE.glob("*.tftest.hcl"):
        shutil.copy(file, tests)
    return folder / "terraform"


def runner(configuration: Path, variables: dict[str, str]) -> Terraform:
    """A function that runs Terraform in a folder and fails with what it printed."""

    def run(*arguments: str, expected: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=configuration,
            env={**os.environ, **QUIET, **variables},
            capture_output=True,
            text=True,
        )
        assert done.returncode == expected, f"terraform {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done

    return run
