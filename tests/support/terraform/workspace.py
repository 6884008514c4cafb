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
        shutil.copytree(ROOT / "src" / room, folder / "src" / room, ignore=ignored, copy_function=_copy)
    tabular = folder / "container/tabular"
    shutil.copytree(ROOT / "container/tabular", tabular, ignore=ignored, copy_function=_copy)
    tests = folder / "terraform/tests"
    for name in ("definitions", "mocks"):
        shutil.copytree(HERE / name, tests / name)
    # Values that a variable refuses are tried on the variables alone: a plan of all the rest takes its time.
    (tests / "variables").mkdir()
    shutil.copy(CONFIGURATION / "variables.tf", tests / "variables")
    for file in HERE.glob("*.tftest.hcl"):
        shutil.copy(file, tests)
    return folder / "terraform"


def _copy(source: str, target: str) -> None:
    """Copy a file; of the functions' code, all but the text.

    What goes into the functions' zip is a set, whose members Terraform compares as text again and again: with
    all the code in them, a quarter of the time of every plan. No plan depends on it, and no zip is made here.
    """
    if source.endswith(".py"):
        Path(target).write_text(f"# {Path(source).name}\n")
    else:
        shutil.copy2(source, target)


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
