"""Install what a purpose needs into .venv: `python -m commands.install demo`, or `lab` or `test`.

It runs before anything is installed and needs the standard library alone. uv does the work where it is on
PATH or can be had from the package index, several times as fast as pip. pip does it where there is no uv,
where uv fails, and where pip was given a setting that uv has no word for.
"""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

from helpers.image.pip_settings import pip_settings

__all__ = ["LEFT_OUT", "SDK", "install", "main", "requirements", "uv_settings"]

PYTHON = Path(".venv/bin/python")
CONSTRAINTS = ("--constraint", "constraints.txt")
PURPOSES = ("demo", "lab", "test")
# The parts of the SageMaker SDK beyond sagemaker-core, installed without what they ask for: with it come
# MLflow and PyIceberg, which no pipeline definition needs, and which are half of the packages.
SDK = ("sagemaker", "sagemaker-mlops", "sagemaker-serve", "sagemaker-train")
LEFT_OUT = ("mlflow", "pyiceberg", "s3fs", "sagemaker-mlflow")

# Settings of pip, and the variable by which uv is told the same.
VARIABLES = {
    "cert": "SSL_CERT_FILE",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "index-url": "UV_DEFAULT_INDEX",
    "proxy": "HTTP_PROXY HTTPS_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "trusted-host": "UV_INSECURE_HOST",
}
OPTIONS = {"constraint": "--constraint"}
# Settings of pip that do not change which packages come from where.
NOT_FOR_UV = {
    "cache-dir",
    "config-file",
    "disable-pip-version-check",
    "no-color",
    "no-compile",
    "no-input",
    "no-python-version-warning",
    "progress-bar",
    "quiet",
    "require-virtualenv",
    "retries",
    "root-user-action",
    "verbose",
}


def requirements(purpose: str) -> tuple[list[str], list[str]]:
    """What to install with all that it asks for, and what without."""
    project = "." if purpose == "demo" else f".[{purpose}]"
    return ["--editable", "./container", "--editable", project], ["--no-deps", *SDK]


def uv_settings(settings: Mapping[str, list[str]]) -> tuple[dict[str, str], list[str]] | None:
    """The same settings as variables and options for uv; None if there is one that uv has no word for."""
    variables, options = {}, []
    for name, values in settings.items():
        if name in VARIABLES:
            together = ("," if name == "find-links" else " ").join(values)
            variables |= dict.fromkeys(VARIABLES[name].split(), together)
        elif name in OPTIONS:
            options += [part for value in values for part in (OPTIONS[name], value)]
        elif name not in NOT_FOR_UV:
            return None
    if "UV_INDEX" in variables:  # pip takes the best version of all indexes, uv of the first that has any
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return variables, options


def install(purpose: str) -> None:
    """Install what a purpose needs and is not there yet.

    Raises:
        subprocess.CalledProcessError: pip could not.
    """
    settings = pip_settings(str(PYTHON))
    told = uv_settings(settings)
    uv = _uv() if told else None
    for required in requirements(purpose):
        if not (uv and told and _by_uv(uv, *told, required)):
            _pip("install", "--no-compile", *CONSTRAINTS, *required)  # Python compiles what it imports


def main() -> None:
    """Make .venv if there is none, and install."""
    purpose = sys.argv[-1]
    if len(sys.argv) != 2 or purpose not in PURPOSES:
        sys.exit(f"Say what to install for, one of {', '.join(PURPOSES)}.")
    print(f"Installing into .venv what `{purpose}` needs, once.", flush=True)
    if not PYTHON.with_name("pip").exists():
        venv.create(".venv", with_pip=True, symlinks=True, clear=not PYTHON.exists())
    try:
        install(purpose)
    except subprocess.CalledProcessError as error:
        sys.exit(f"pip could not install what `{purpose}` needs (exit code {error.returncode}); see above.")


def _uv() -> str | None:
    """Find uv on this machine, or get it into .venv; None where it cannot be had."""
    if found := shutil.which("uv"):
        return found
    uv = PYTHON.with_name("uv")
    if not uv.exists():
        try:
            _pip("install", *CONSTRAINTS, "uv", capture_output=True)
        except subprocess.CalledProcessError:
            print("uv cannot be had here; pip installs the same, which takes some minutes.", flush=True)
            return None
    return str(uv)


def _by_uv(uv: str, variables: Mapping[str, str], options: list[str], required: list[str]) -> bool:
    """Whether uv installed it; what a person told uv itself goes before what they told pip."""
    command = [uv, "pip", "install", "--quiet", "--python", str(PYTHON), *CONSTRAINTS, *options, *required]
    own = {name: value for name, value in os.environ.items() if name.startswith("UV_")}
    done = subprocess.run(
        command, env={**os.environ, **variables, **own}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(
            f"uv could not install; pip tries, which takes some minutes.\n{done.stderr.strip()}", flush=True
        )
    return done.returncode == 0


def _pip(*arguments: str, capture_output: bool = False) -> None:
    command = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, capture_output=capture_output)


if __name__ == "__main__":
    main()
