"""Runs commands in containers instead of processes, if LOCAL_AWS_IMAGE names an image.

The image is run as SageMaker runs it: `docker run IMAGE train`, with the job's folder as /opt/ml. The
containers use the host's network to reach the local AWS, so the Docker engine must run on this machine.
"""

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from local_aws.compute.guard import OPT_ML
from local_aws.compute.workers import CORES_FILE, ONE_THREAD, Command, GuardedWorker, Worker, Workers
from local_aws.core.account import INHERITED

__all__ = ["ContainerWorkers", "workers"]

# Everybody can see a command's words, but only its user its environment, from which Docker takes these.
_SECRET = ("AWS_SECRET_ACCESS_KEY", "SERVE_TOKEN")
COMPILED = "compiled"  # of the folder with all state
_OF_THE_LAPTOP = {*INHERITED, CORES_FILE, "PATH", "SAGEMAKER_BASE_DIR"}


def workers(home: Path, preload: bool = True) -> Workers:
    """Return what starts commands for the server of a folder: in containers if LOCAL_AWS_IMAGE is set."""
    image = os.environ.get("LOCAL_AWS_IMAGE")
    return ContainerWorkers(image, home) if image else Workers(preload, home / COMPILED)


class ContainerWorkers(Workers):
    """Starts every command in a new container."""

    has_private_opt_ml = True

    def __init__(self, image: str, home: Path) -> None:
        super().__init__()
        self._image, self._label = image, f"local_aws={home}"
        self._remove()  # containers that a killed server has left behind

    def warm_up(self) -> None:
        """Do nothing: a container's command starts its own Python."""

    def close(self) -> None:
        """Remove the remaining containers."""
        super().close()
        self._remove()

    def start(self, command: Command) -> Worker:
        """Start a command in a container; `docker run` passes SIGTERM on to it."""
        environment = {**ONE_THREAD, **command.environment}
        inside = {name: value for name, value in environment.items() if name not in _OF_THE_LAPTOP}
        secret = {name: inside[name] for name in _SECRET if name in inside}
        run = [
            *("docker", "run", "--rm", "--name", f"local-aws-{uuid4().hex[:12]}", "--label", self._label),
            *("--network", "host", "--user", f"{os.getuid()}:{os.getgid()}"),
            *("--volume", f"{command.opt_ml}:{OPT_ML}"),
            *(text for name, value in inside.items() for text in ("--env", _variable(name, value))),
            self._image,
            *command.words,
        ]
        return GuardedWorker(replace(command, words=run, environment=os.environ | secret, opt_ml=None))

    def _remove(self) -> None:
        found = _docker("ps", "--all", "--quiet", "--filter", f"label={self._label}").split()
        if found:
            _docker("rm", "--force", *found)


def _variable(name: str, value: str) -> str:
    """Return a variable as an option of Docker's has it."""
    return name if name in _SECRET else f"{name}={value}"


def _docker(*arguments: str) -> str:
    command = ["docker", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise RuntimeError(f"LOCAL_AWS_IMAGE is set, but Docker cannot be run: {error}") from None
    if done.returncode:
        raise RuntimeError(f"LOCAL_AWS_IMAGE is set, but Docker failed: {done.stderr.strip()}")
    return done.stdout
