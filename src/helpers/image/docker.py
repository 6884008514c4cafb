"""The local Docker engine: builds and pushes, line by line, and says what to do if that fails."""

import base64
import os
import re
import subprocess
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from helpers.errors import BadInput, UserError
from helpers.image.contents import PLATFORM

__all__ = ["answers", "build", "image_id", "login", "push"]

OTHERWISE = "or build with IMAGE_BUILDER codebuild, which needs no Docker"
PLAIN_PROGRESS = {"BUILDKIT_PROGRESS": "plain"}
# SageMaker only runs images with Docker's own media types (see `ecr.MANIFEST`). With the containerd image
# store, the default since version 29, Docker would use OCI's, and push an index of the image and its
# attestations. Attestations make it ignore oci-mediatypes: https://github.com/moby/buildkit/issues/6070
DOCKER_MEDIA_TYPES = ("--provenance=false", "--sbom=false", "--output", "type=image,oci-mediatypes=false")
LINES_OF_A_FAILURE = 15
# What Docker prints, and what the user can do about it; the first match counts.
REMEDIES = {
    r"no space left on device": "The disk is full; `docker system prune` removes what Docker no longer uses.",
    r"(?i)no basic auth credentials|authorization token has expired|401 unauthorized": (
        "The registry does not accept this login; log in to AWS (`aws sso login` or `aws configure`), and "
        "run this again."
    ),
    r"(?i)manifest (unknown|for .* not found)|repository does not exist|pull access denied": (
        "There is no such base image, or you may not pull it; give the name of an existing one."
    ),
    r"3\.11 or newer is needed": "Choose a base image with Python 3.11 or newer.",
    r"(?i)temporary failure in name resolution|no such host|connection (refused|timed out)": (
        "A registry or package index cannot be reached; check whether Docker has access to the network."
    ),
    r"(?i)denied": "The registry refuses this; the operator policy in terraform/people.tf allows it.",
}


def answers() -> bool:
    """Whether there is a Docker engine on this machine."""
    try:
        _require()
    except BadInput:
        return False
    return True


def build(context: Path, base_image: str, name: str, options: Sequence[str] = ()) -> Iterator[str]:
    """Build the image from a folder; yield the lines that Docker prints.

    Raises:
        UserError: there is no Docker, or the build failed; the message says what to do.
    """
    _require()
    # Without its plugin buildx, Docker builds the old way, which has neither these options nor attestations.
    plain = () if _docker("buildx", "version").returncode else DOCKER_MEDIA_TYPES
    arguments = ("--platform", PLATFORM, "--build-arg", f"BASE_IMAGE={base_image}", "--tag", name)
    yield from _lines("build", *options, *plain, *arguments, str(context))


def image_id(name: str) -> str:
    """The ID of an image in the engine, which pulls the image if it does not have it yet.

    Raises:
        UserError: there is no Docker, or no such image.
    """
    _require()
    found = _docker("image", "inspect", "--format", "{{.Id}}", name)
    if found.returncode:
        _quiet("pull", "--platform", PLATFORM, name)
        found = _docker("image", "inspect", "--format", "{{.Id}}", name)
    return found.stdout.strip()


def login(ecr: Any, *registries: str) -> None:
    """Log the engine in to registries in ECR, for twelve hours.

    Raises:
        UserError: Docker refuses.
    """
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    user, _, password = base64.b64decode(token).decode().partition(":")
    for registry in dict.fromkeys(registries):
        _quiet("login", "--username", user, "--password-stdin", registry, typed=password)


def push(name: str) -> Iterator[str]:
    """Push an image; yield the lines that Docker prints.

    Raises:
        UserError: the registry refuses; the message says what to do.
    """
    yield from _lines("push", name)


def _require() -> None:
    done = _docker("version", "--format", "{{.Server.Version}}")
    if done.returncode:
        raise BadInput(f"Docker does not answer: {done.stderr.strip().rstrip('.')}. Start it, {OTHERWISE}.")


def _quiet(*arguments: str, typed: str = "") -> str:
    done = _docker(*arguments, typed=typed)
    if done.returncode:
        raise _failure(arguments[0], done.stderr.strip().splitlines())
    return done.stdout


def _docker(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = ["docker", *arguments]
    try:
        return subprocess.run(command, input=typed, capture_output=True, text=True, check=False)
    except OSError as error:
        raise _absent(error) from None


def _lines(*arguments: str) -> Iterator[str]:
    last: deque[str] = deque(maxlen=LINES_OF_A_FAILURE)
    command = ["docker", *arguments]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **PLAIN_PROGRESS},
        )
    except OSError as error:
        raise _absent(error) from None
    try:
        for line in process.stdout:
            if line.strip():
                last.append(line.rstrip())
                yield last[-1]
    except BaseException:  # the caller has stopped reading
        process.terminate()
        raise
    finally:
        process.stdout.close()
        process.wait()
    if process.returncode:
        raise _failure(arguments[0], last)


def _absent(error: OSError) -> BadInput:
    return BadInput(f"There is no Docker on this machine ({error.strerror}); install it, {OTHERWISE}.")


def _failure(verb: str, lines: Sequence[str]) -> UserError:
    said = "\n".join(lines)
    found = (remedy for pattern, remedy in REMEDIES.items() if re.search(pattern, said))
    remedy = next(found, "Fix what Docker says, and run this again.")
    return UserError(f"`docker {verb}` failed:\n{said}\n{remedy}")
