"""Script mode: run a person's own script as SageMaker's framework containers do.

A script gets the hyperparameters as arguments (`--max-depth 3`), the folders and the rest of its surroundings
as `SM_*` variables, and the packages that a requirements.txt names.

Follows https://github.com/aws/sagemaker-training-toolkit#environment-variables
"""

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["plain", "run_script", "set_variables"]

REQUIREMENTS = "requirements.txt"
_OF_SAGEMAKER = ("sagemaker_", "_tuning_objective_metric")  # what these begin with is not for the script


def plain(value: str) -> Any:
    """A hyperparameter's value: version 2 of the SageMaker SDK writes it as JSON, version 3 as plain text."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def set_variables(base: Path, program: str, hyperparameters: Mapping[str, str]) -> None:
    """Set the `SM_*` variables that describe a training job to its script."""
    config = base / "input" / "config"
    given = _of_the_script(hyperparameters)
    resources = _read(config / "resourceconfig.json")
    channels = _read(config / "inputdataconfig.json")
    variables: dict[str, Any] = {
        "CHANNELS": sorted(channels),
        "CURRENT_HOST": resources.get("current_host", "algo-1"),
        "HOSTS": resources.get("hosts", ["algo-1"]),
        "HPS": given,
        "INPUT_CONFIG_DIR": str(config),
        "INPUT_DATA_CONFIG": channels,
        "INPUT_DIR": str(base / "input"),
        "MODEL_DIR": str(base / "model"),
        "MODULE_DIR": str(base / "code"),
        "MODULE_NAME": program.removesuffix(".py"),
        "NETWORK_INTERFACE_NAME": resources.get("network_interface_name", "eth0"),
        "NUM_CPUS": os.cpu_count() or 1,
        "NUM_GPUS": 0,
        "OUTPUT_DATA_DIR": str(base / "output" / "data"),
        "OUTPUT_DIR": str(base / "output"),
        "RESOURCE_CONFIG": resources,
        "USER_ARGS": _arguments(given),
        "USER_ENTRY_POINT": program,
        **{f"CHANNEL_{name.upper()}": str(base / "input/data" / name) for name in channels},
        **{f"HP_{name.replace('-', '_').upper()}": value for name, value in given.items()},
    }
    for name, value in variables.items():
        os.environ[f"SM_{name}"] = value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def run_script(code: Path, program: str, hyperparameters: Mapping[str, str]) -> None:
    """Run a script in the folder of its code: Python in this process, anything else by the shell.

    Raises:
        SystemExit: The script failed, or what it requires cannot be installed.
    """
    arguments = _arguments(_of_the_script(hyperparameters))
    os.chdir(code)
    installed = _install(code)
    if program.endswith(".py") and not installed:
        sys.path.insert(0, str((code / program).parent))
        sys.argv = [program, *arguments]
        runpy.run_path(program, run_name="__main__")
        return
    # What was installed may be another version of a module that this process has imported already.
    path = [*installed, str(code), os.environ.get("PYTHONPATH", "")]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))}
    if program.endswith(".py"):
        command = [sys.executable, program, *arguments]
    else:
        (code / program).chmod(0o755)
        command = ["/bin/sh", "-c", '"$0" "$@"', f"./{program}", *arguments]
    sys.stdout.flush()
    status = subprocess.run(command, env=variables, check=False).returncode
    if status:
        raise SystemExit(status)


def _install(code: Path) -> list[str]:
    """Install what is required and not there yet into a folder of this job; return the folder, if any.

    The environment that runs the job stays as it is: on a laptop, all jobs share it.
    """
    requirements = code / REQUIREMENTS
    if not requirements.is_file():
        return []
    report, packages = code.parent / "requirements.json", code.parent / "packages"
    _pip("--dry-run", "--quiet", "--report", str(report), "--requirement", str(requirements))
    missing = [_address(each["download_info"]) for each in _read(report)["install"]]
    if not missing:
        return []
    _pip("--no-deps", "--target", str(packages), *missing)
    return [str(packages)]


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(
            f"pip cannot install what {REQUIREMENTS} names, and the job's log says why; without a way to a "
            "package index, only what the image has can be required."
        )


def _address(download: Mapping[str, Any]) -> str:
    """Where pip found a package: an archive's URL, or a commit of a repository."""
    if repository := download.get("vcs_info"):
        return f"{repository['vcs']}+{download['url']}@{repository['commit_id']}"
    return download["url"]


def _of_the_script(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: plain(value)
        for name, value in sorted(hyperparameters.items())
        if not name.startswith(_OF_SAGEMAKER)
    }


def _arguments(given: Mapping[str, Any]) -> list[str]:
    """Hyperparameters as command-line arguments: `--depth 3`, or `-C 0.5` for a name of one letter."""
    words = []
    for name, value in given.items():
        pairs = sorted(value.items()) if isinstance(value, dict) else []
        text = ",".join(f"{key}={inner}" for key, inner in pairs) if pairs else str(value)
        words += [f"--{name}" if len(name) > 1 else f"-{name}", text]
    return words


def _read(path: Path) -> Any:
    return json.loads(path.read_text()) if path.is_file() else {}
