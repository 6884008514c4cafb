"""Builds the image with this machine's Docker, with CodeBuild, or not at all.

The image is named by its contents, so an image that exists is not built again.
"""

import json
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from contract.names import load
from helpers.display.progress import Progress
from helpers.errors import BadInput, UserError
from helpers.image import codebuild, contents, docker, ecr
from helpers.parameters import BUILDERS
from helpers.session import Session
from helpers.session.outputs import is_file, outputs_of
from helpers.session.storage import put_once, write_whole

__all__ = ["build", "build_here", "wanted"]
__dir__ = __all__.copy

NEEDED = ("repository_url", "build_project_name", "base_image")
# How Docker's two builders number their steps: `Step 3/23 : RUN ...` and `#7 [libraries 2/3] RUN ...`.
STEP = re.compile(r"^(?:Step (\d+/\d+)|#\d+ \[([\w-]+ \d+/\d+)\])")


def build(session: Session, builder: str = "auto", terraform_outputs: str = "") -> str:
    """Build the image and push it, unless it exists; return its URI by digest, empty if there is none.

    Args:
        session: Where to push it; for a local session, nothing is built.
        builder: `docker`; `codebuild`; `auto`: Docker if there is one, else CodeBuild; `none`: only look.
        terraform_outputs: Where Terraform's outputs are. If that is a file, the URI is written into it.

    Raises:
        BadInput: the builder is unknown, or the outputs cannot be used.
        UserError: the build failed, or SageMaker would refuse the image; the message says what to do.
    """
    if builder not in BUILDERS:
        raise BadInput(f"IMAGE_BUILDER is {builder!r}; choose one of {', '.join(BUILDERS)}.")
    if session.is_local:
        if given := os.environ.get("LOCAL_AWS_IMAGE"):
            print(f"Nothing to build: jobs and endpoint run in containers of {given} (LOCAL_AWS_IMAGE).")
        else:
            print(
                "Nothing to build: jobs and endpoint run as processes of this machine, with the same "
                "commands `train`, `process` and `serve` that the image would have."
            )
        return session.image_uri
    outputs = outputs_of(terraform_outputs)
    if missing := [name for name in NEEDED if not outputs.get(name)]:
        raise BadInput(
            f"{terraform_outputs} has no {', '.join(missing)}; apply Terraform and write it again."
        )
    client, repository = session.client("ecr"), outputs["repository_url"]
    name, base = wanted(client, repository, outputs["base_image"])
    digest = ecr.usable_digest(client, name)
    if digest:
        print(f"Unchanged: {name} exists, nothing to build.")
    elif builder == "none":
        print(f"There is no {name} yet; set IMAGE_BUILDER to docker or codebuild to build it.")
        return session.image_uri
    else:
        chosen = builder if builder != "auto" else "docker" if docker.answers() else "codebuild"
        digest = _built(session, chosen, base, name, outputs)
    uri = f"{repository}@{digest}"
    print(f"Jobs and endpoint run in {uri}")
    if is_file(terraform_outputs):
        _record(Path(terraform_outputs).expanduser(), uri)
    elif outputs.get("image_uri") != uri:
        print(f"Set image_uri to it in Terraform's variables and apply; {terraform_outputs} then names it.")
    return uri


def build_here(base_image: str, options: Sequence[str] = ()) -> str:
    """Build the image on any base with this machine's Docker, without pushing it; return its name.

    Raises:
        UserError: there is no Docker, or the build failed; the message says what to do.
    """
    name = f"many-models:{contents.tag(docker.image_id(base_image))}"
    with tempfile.TemporaryDirectory() as context:
        contents.write_context(Path(context))
        _show("docker", docker.build(Path(context), base_image, name, options))
    return name


def wanted(client: Any, repository: str, base_image: str) -> tuple[str, str]:
    """The name of the image of the current container/ in a repository, and its base image by digest.

    With the digest, the build uses the base that the name stands for, even if the base's tag is moved.

    Raises:
        UserError: the base image does not exist.
    """
    digest = ecr.digest(client, base_image)
    if not digest:
        raise UserError(
            f"There is no base image {base_image}; set base_image_tag in the environment's .tfvars to an "
            "existing tag, and apply."
        )
    return f"{repository}:{contents.tag(digest)}", f"{ecr.repository_of(base_image)}@{digest}"


def _built(session: Session, builder: str, base: str, name: str, outputs: Mapping[str, str]) -> str:
    """Build and push, and return the digest, even if someone else has pushed the same image first."""
    client = session.client("ecr")
    try:
        _show(builder, BUILD[builder](session, base, name, outputs))
    except UserError:
        if digest := ecr.usable_digest(client, name):
            return digest
        raise
    if digest := ecr.usable_digest(client, name):
        return digest
    raise UserError(f"The build succeeded, but {name} is missing; its log above says where it was pushed.")


def _by_docker(session: Session, base: str, name: str, outputs: Mapping[str, str]) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as context:
        contents.write_context(Path(context))
        docker.login(session.client("ecr"), ecr.registry_of(base), ecr.registry_of(name))
        yield from docker.build(Path(context), base, name)
    yield from docker.push(name)


def _by_codebuild(session: Session, base: str, name: str, outputs: Mapping[str, str]) -> Iterator[str]:
    source = put_once(session, load().prefixes.code, "container.zip", contents.archive())
    variables = {"IMAGE_TAG": name.rpartition(":")[2], "BASE_IMAGE": base}
    client = session.client("codebuild")
    started = codebuild.start(client, outputs["build_project_name"], source.removeprefix("s3://"), variables)
    yield from codebuild.follow(client, session.client("logs"), started)


BUILD = {"docker": _by_docker, "codebuild": _by_codebuild}


def _show(builder: str, lines: Iterable[str]) -> None:
    """Print what a builder prints, and show its progress in one line."""
    progress, begin, step = Progress(), time.monotonic(), "started"
    for line in lines:
        print(line, flush=True)
        if found := STEP.match(line):
            step = next(filter(None, found.groups()))
        elif line.startswith("CodeBuild: "):
            step = line.removeprefix("CodeBuild: ")
        else:
            continue
        progress.update("image", [(builder, "Executing", step)])
    progress.update("image", [(builder, "Succeeded", f"{time.monotonic() - begin:.0f} s")])


def _record(file: Path, uri: str) -> None:
    """Write the image into the outputs, so that notebook 02 compiles for it before Terraform applies it."""
    outputs = json.loads(file.read_text())
    if outputs.get("image_uri", {}).get("value") == uri:
        return
    with write_whole(file) as part:
        part.write_text(json.dumps({**outputs, "image_uri": {"value": uri}}, indent=1, sort_keys=True))
