"""Options of several commands, and what completes them."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.shell_completion import split_arg_string

from commands.command_line.endings import Command
from commands.environment.terraform import CONFIGURATION, environments
from helpers import parameters

__all__ = [
    "as_json",
    "check_choice",
    "command",
    "environment",
    "given",
    "path",
    "what_to_run",
    "where",
    "yes",
]

command = partial(click.command, cls=Command)
path = click.Path(path_type=Path)


def _names_of_parameters(context: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
    """Completions of the NAME after -p."""
    typed = split_arg_string(os.environ.get("COMP_WORDS", ""))
    before = typed[:-1] if incomplete else typed
    if before[-1:] != ["-p"]:
        return []  # the VALUE comes next
    return [name for name in parameters.PARAMETERS if name.startswith(incomplete.upper())]


def _names_of_environments(context: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in environments() if name.startswith(incomplete)]


def environment(what: str, **options: Any) -> Callable:
    """The option --env: the name of an environment, or an empty string."""
    options = options or {"default": ""}
    return click.option("--env", metavar="NAME", shell_complete=_names_of_environments, help=what, **options)


def as_json(what: str) -> Callable:
    """The option --json."""
    return click.option("--json", "as_json", is_flag=True, help=what)


def _options(*options: Callable) -> Callable:
    """Options as one decorator, in the order in which the help lists them."""

    def decorate(function: Callable) -> Callable:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


given = click.option(
    "-p",
    "given",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    shell_complete=_names_of_parameters,
    help="Set a parameter of the notebooks; a list is read as YAML; may be repeated.",
)
what_to_run = _options(
    click.argument("file", type=path),
    click.option("--only", multiple=True, metavar="03", help="Only this notebook; may be repeated."),
    click.option("--from", "start", metavar="03", help="This notebook and those after it."),
    given,
)
where = _options(
    environment("The environment, such as dev: a file in terraform/environments.", required=True),
    click.option(
        "--terraform",
        "folder",
        type=path,
        default=CONFIGURATION,
        metavar="FOLDER",
        help="Another folder with the Terraform configuration.",
    ),
)
yes = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


def check_choice(only: Sequence[str], start: str | None) -> None:
    """Check that not both --only and --from of `what_to_run` were typed.

    Raises:
        click.UsageError: if they were.
    """
    if only and start:
        raise click.UsageError("--from is not allowed with --only; give one of them.")
