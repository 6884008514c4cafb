"""The commands about the image and an environment on AWS."""

from collections.abc import Sequence
from pathlib import Path

import click

from commands.command_line.options import command, environment, given, where, yes
from commands.environment.terraform import find
from helpers import parameters

__all__ = ["down", "image", "preflight", "promote", "up"]

CONTINUES = "run the same command again to continue."
PREFLIGHT = (
    "Fix that (`many-models preflight --env {env}` checks the usual causes) and run this command again: it "
    "continues where it stopped."
)


@command()
@environment("Push to the registry of this environment, such as dev; without it, the image stays here.")
@click.option(
    "--builder",
    type=click.Choice(parameters.BUILDERS),
    default="auto",
    show_default=True,
    help="With --env: what builds the image.",
)
@click.option(
    "--base",
    default="python:3.12-slim",
    metavar="IMAGE",
    show_default=True,
    help="Without --env: the image to extend.",
)
def image(env: str, builder: str, base: str) -> None:
    """Build the image for jobs and endpoint, unless it exists."""
    from commands import image

    image.push(find(env), builder) if env else image.build(base)


@command(interrupted="nothing was changed.")
@where
@given
def preflight(env: str, folder: Path, given: Sequence[tuple[str, str]]) -> int:
    """Check whether AWS will allow an environment to work.

    A line for each check says what was seen and what to do. Nothing is changed.
    """
    from commands.environment.preflight.report import report

    return report(find(env, folder), dict(given))


@command(interrupted=CONTINUES, refused=PREFLIGHT)
@where
@click.option("--image-uri", default="", metavar="URI", help="An image in ECR, instead of container/'s.")
@yes
def up(env: str, folder: Path, image_uri: str, yes: bool) -> None:
    """Create an environment on AWS, or update it.

    Applies Terraform, looks for the image, compiles the definition, applies again; asks before each change.
    """
    from commands.environment import deploy

    deploy.up(find(env, folder), image_uri, yes=yes)


@command(interrupted=CONTINUES)
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET...")
@environment("The environment that takes the models over, such as prod; without it, a second account here.")
@click.option(
    "--version",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="A version where the model was trained, instead of the newest approved one.",
)
def promote(datasets: Sequence[str], env: str, version: int | None) -> None:
    """Take models over from the environment that trains.

    Copies the newest approved version of each data set into another environment's registry, where an approver
    decides on it; see docs/models/promotion.md.
    """
    from commands.environment import promote

    promote.take_over(find(env) if env else None, datasets, version)


@command(interrupted=CONTINUES, refused=PREFLIGHT)
@where
@yes
def down(env: str, folder: Path, yes: bool) -> None:
    """Delete an environment on AWS.

    Lists what it will delete and what would still cost money, and asks, before it deletes anything.
    """
    from commands.environment import teardown

    teardown.down(find(env, folder), yes=yes)
