"""Build the image: for this machine only, or for the registry of an environment."""

import os

from commands.environment.terraform import PROGRAM, Environment
from helpers.errors import BadInput
from helpers.image import builders
from helpers.session import connect
from helpers.session.outputs import outputs_of

__all__ = ["build", "push"]


def build(base_image: str) -> None:
    """Build the image on any base with this machine's Docker, and print its name.

    Raises:
        UserError: there is no Docker, or the build failed; the message says what to do.
    """
    print(builders.build_here(base_image))


def push(environment: Environment, builder: str) -> None:
    """Build the image with the given builder and push it to an environment's registry, unless it is there.

    Raises:
        BadInput: the environment does not exist yet.
        UserError: the build failed; the message says what to do.
    """
    if not environment.outputs_file.is_file():
        raise BadInput(
            f"{environment.name} has no registry yet; `{PROGRAM} up --env {environment.name}` creates it."
        )
    file = str(environment.outputs_file)
    outputs = outputs_of(file)
    if source := outputs.get("promote_from"):
        raise BadInput(
            f"{environment.name} builds no image: its endpoint runs the one of {source['pipeline_name']} in "
            f"account {source['account_id']}, which image_uri names."
        )
    os.environ.setdefault("AWS_DEFAULT_REGION", outputs["region"])
    builders.build(connect("aws", outputs["pipeline_name"], file), builder, file)
