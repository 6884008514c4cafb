"""Terraform for one environment: its variables, its state, its plans and applies."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.errors import BadInput, UserError

__all__ = [
    "CONFIGURATION",
    "NOTHING_BUILT",
    "PROGRAM",
    "ROOT",
    "Environment",
    "announce",
    "call",
    "environments",
    "find",
    "same_environment",
]

ROOT = Path(__file__).parents[3]
CONFIGURATION = ROOT / "terraform"
# How to type it in the project's folder, even if the virtual environment is not activated.
PROGRAM = ".venv/bin/many-models"
# The variables of an environment that the commands need to know.
SETTINGS = (
    "base_image_tag",
    "endpoint",
    "endpoint_enabled",
    "endpoints",
    "image_uri",
    "kms_key_arn",
    "pipeline_definition_file",
    "pipeline_definition_regression_file",
    "pipeline_name",
    "promote_from",
    "region",
    "vpc",
)
BACKEND = ("bucket", "region")
# What a first apply does not have yet, and a destroy must not require: files and image may be gone by then.
NOTHING_BUILT = {
    "image_uri": None,
    "pipeline_definition_file": None,
    "pipeline_definition_regression_file": None,
}


@dataclass(frozen=True)
class Environment:
    """One environment: its files in the folder of the Terraform configuration, and the commands for it."""

    name: str
    folder: Path

    @property
    def variables(self) -> str:
        """The file of its variables, relative to the folder, as Terraform expects it."""
        return f"environments/{self.name}.tfvars"

    @property
    def definition(self) -> str:
        """The file of the classification pipeline's definition, also relative to the folder."""
        return f"environments/{self.name}.pipeline.json"

    @property
    def definitions(self) -> dict[str, str]:
        """The files of both definitions, by the variable that names each; they are in the same folder."""
        return {
            "pipeline_definition_file": self.definition,
            "pipeline_definition_regression_file": self.definition.replace(".json", "-regression.json"),
        }

    @property
    def outputs_file(self) -> Path:
        """The file from which the notebooks read what Terraform created."""
        return self.folder / f"environments/{self.name}.outputs.json"

    def parameters(self) -> dict[str, str]:
        """The parameters of the notebooks that say where it is.

        Raises:
            BadInput: It does not exist yet.
        """
        from helpers.session.outputs import outputs_of  # needs boto3

        file = self.outputs_file
        if not file.is_file():
            raise BadInput(f"{self.name} does not exist yet; `{PROGRAM} up --env {self.name}` creates it.")
        name = outputs_of(str(file))["pipeline_name"]
        return {"ENVIRONMENT": "aws", "PIPELINE_NAME": name, "TERRAFORM_OUTPUTS": str(file), "PRICES": ""}

    def settings(self) -> dict[str, Any]:
        """The values of SETTINGS, as Terraform reads them, including defaults.

        Raises:
            UserError: there is no Terraform, or it cannot read the file.
        """
        return _values(self.folder / self.variables, (self.folder / "variables.tf").read_text(), SETTINGS)

    def backend(self) -> dict[str, Any]:
        """Bucket and region of the state; None for what the backend's file does not set.

        Raises:
            UserError: there is no Terraform, or it cannot read the file.
        """
        declared = "".join(f'variable "{name}" {{\n  default = null\n}}\n' for name in BACKEND)
        return _values(self.folder / f"environments/{self.name}.s3.tfbackend", declared, BACKEND)

    def init(self) -> None:
        """Fetch the providers and find the state.

        Raises:
            UserError: Terraform failed, and says why.
        """
        # The folder may still be set up for another environment, whose backend must not be migrated.
        backend = f"-backend-config=environments/{self.name}.s3.tfbackend"
        self.terraform("init", "-input=false", "-reconfigure", backend)

    def state(self) -> tuple[dict[str, Any], list[str]]:
        """What exists: the outputs, as in `terraform output -json`, and the types of all managed resources.

        Raises:
            UserError: Terraform failed, and says why.
        """
        values = json.loads(self.terraform("show", "-json", quiet=True).stdout).get("values", {})
        resources = values.get("root_module", {}).get("resources", [])
        return values.get("outputs", {}), [item["type"] for item in resources if item["mode"] == "managed"]

    def apply(self, values: Mapping[str, Any], *options: str, yes: bool) -> bool:
        """Apply the configuration with these variables, and return whether that changed anything.

        Raises:
            UserError: Terraform failed, and says why, or its plan was not approved.
        """
        with self._planned(values, *options) as (arguments, plan, changed):
            if changed:
                # Terraform asks before it applies a plan that it has just made, but not before a saved one.
                self.terraform("apply", *([plan] if yes else arguments))
            else:
                print("Nothing to change.")
            return changed

    def deletions(self) -> dict[str, dict[str, Any]]:
        """What a destroy would delete, by address, with its current attributes.

        Raises:
            UserError: Terraform failed, and says why.
        """
        with self._planned(NOTHING_BUILT, "-destroy") as (_, plan, _):
            shown = json.loads(self.terraform("show", "-json", plan, quiet=True).stdout)
        return {
            change["address"]: change["change"]["before"]
            for change in shown.get("resource_changes", [])
            if "delete" in change["change"]["actions"]
        }

    def terraform(
        self, *arguments: str, expected: Sequence[int] = (0,), quiet: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run Terraform in the folder; if quiet, what it prints is returned instead of shown.

        Raises:
            UserError: there is no Terraform, or it ended with an unexpected exit code.
        """
        plain = [] if sys.stdout.isatty() and not quiet else ["-no-color"]
        command = ["terraform", arguments[0], *plain, *arguments[1:]]
        done = call(command, self.folder, quiet=quiet)
        if done.returncode not in expected:
            print(done.stderr, file=sys.stderr, end="")
            raise UserError(
                f"`terraform {arguments[0]}` ended with exit code {done.returncode}, and says why above; "
                "fix that and run this command again: it continues where it stopped."
            )
        return done

    @contextmanager
    def _planned(self, values: Mapping[str, Any], *options: str) -> Iterator[tuple[list[str], str, bool]]:
        """The arguments of a plan with these values of variables, its file, and whether it has changes."""
        with tempfile.TemporaryDirectory() as folder:
            file, plan = Path(folder) / "values.tfvars.json", f"{folder}/saved.tfplan"
            file.write_text(json.dumps(values))  # a file, because on the command line None would be a string
            arguments = [*options, f"-var-file={self.variables}", f"-var-file={file}"]
            saving = ("-input=false", "-detailed-exitcode", f"-out={plan}")
            done = self.terraform("plan", *saving, *arguments, expected=(0, 2), quiet=True)
            yield arguments, plan, done.returncode == 2


def environments(folder: Path = CONFIGURATION) -> list[str]:
    """The names of all environments."""
    return sorted(path.stem for path in (folder / "environments").glob("*.tfvars"))


def find(name: str, folder: Path = CONFIGURATION) -> Environment:
    """The environment with this name.

    Raises:
        BadInput: it does not exist; the message names those that do.
    """
    known = environments(folder)
    if name not in known:
        raise BadInput(
            f"There is no environment {name!r}; there {'are' if known else 'is'} "
            f"{', '.join(known) or 'none'} in {folder / 'environments'}, each with .tfvars and .s3.tfbackend."
        )
    return Environment(name, folder.resolve())


def same_environment(
    environment: Environment, settings: Mapping[str, Any], outputs: Mapping[str, Any]
) -> None:
    """Refuse, with a BadInput, variables that name another environment than the one that was created."""
    for name in ("pipeline_name", "region"):
        made = outputs.get(name, {}).get("value", settings[name])
        if made != settings[name]:
            raise BadInput(
                f"{environment.name} was created with {name} {made!r}, but {environment.variables} now says "
                f"{settings[name]!r}; change it back, or delete the environment before you rename it."
            )


def announce(number: int, title: str, why: str) -> None:
    """Print which step comes next, and why."""
    print(f"\n{number}. {title}: {why}", flush=True)


def _values(file: Path, declarations: str, names: Sequence[str]) -> dict[str, Any]:
    """Values in a file in Terraform's language, read by Terraform itself, before there is any state."""
    if not file.is_file():
        raise BadInput(f"{file} is missing; each environment has a .tfvars and an .s3.tfbackend.")
    expression = ", ".join(f"{name} = var.{name}" for name in names)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "variables.tf").write_text(declarations)
        command = ["terraform", "console", "-no-color", f"-var-file={file.resolve()}"]
        done = call(command, Path(folder), quiet=True, typed=f"jsonencode({{{expression}}})")
    try:
        # The last line, because Terraform first warns about values that are not declared.
        return json.loads(json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError):
        raise BadInput(f"{file} cannot be read; Terraform says: {' '.join(done.stderr.split())}") from None


def call(
    command: Sequence[str],
    folder: Path,
    *,
    quiet: bool = False,
    typed: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, even after Ctrl-C.

    Terraform receives a Ctrl-C too, finishes what it is doing and saves its state. If it were killed, the
    state would be wrong and locked.
    """
    with (
        tempfile.TemporaryFile("w+") as given,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        if typed is not None:
            given.write(typed)
            given.seek(0)
        sys.stdout.flush()  # so that earlier lines come before the command's
        # From before it starts: an interrupt between its start and the wait would leave it behind.
        with _interrupts_after():
            try:
                process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env={**os.environ, "TF_IN_AUTOMATION": "1", **(environment or {})},
                    stdin=None if typed is None else given,
                    stdout=out if quiet else None,
                    stderr=err if quiet else None,
                    text=True,
                )
            except FileNotFoundError:
                raise UserError(
                    f"There is no {command[0]} on PATH; install Terraform 1.11 or newer."
                ) from None
            process.wait()
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(command, process.returncode, out.read(), err.read())


@contextmanager
def _interrupts_after() -> Iterator[None]:
    """Raise KeyboardInterrupt for signals that ask to stop, but only at the end of what is under way."""
    if threading.current_thread() is not threading.main_thread():  # which alone gets signals
        yield
        return
    received: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: received.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        raise KeyboardInterrupt
