"""The command line `many-models`: everything that a person or a scheduler types.

`command_line` defines how commands are typed. What they do is in the other modules, each imported only by the
command that needs it, so that help and completion answer immediately.
"""

import atexit
import gc
import sys
from collections.abc import Sequence

import click

from commands.command_line import environment, local_aws, models, notebooks
from commands.command_line.endings import CommandLine, end, outlive_reader
from helpers.errors import ExitCode

__all__ = ["main", "many_models"]

NAME = "many-models"
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
# As the help lists them.
COMMANDS = [notebooks.run, notebooks.stop, models.capacity, models.monitor, notebooks.check, notebooks.store]
COMMANDS += [notebooks.runs, models.status, models.score, environment.image, environment.preflight]
COMMANDS += [environment.up, environment.promote, environment.down, local_aws.local_aws]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that was typed, and return the exit code."""
    gc.set_threshold(50_000)  # by default, a fifth of the time of large imports is collections
    atexit.register(gc.freeze)  # or Python would look for garbage in all imports before it ends
    outlive_reader()
    try:
        return many_models.main(arguments, prog_name=NAME, standalone_mode=False) or ExitCode.DONE
    except click.ClickException as error:  # an unknown command, or options that it does not accept
        error.show()
        return ExitCode.BAD_INPUT
    except click.Abort:
        return end(ExitCode.INTERRUPTED, "Interrupted.")


@click.group(NAME, cls=CommandLine, commands=COMMANDS, context_settings=SETTINGS)
def many_models() -> None:
    """Many tabular models on one endpoint: the notebooks, here or on AWS, and what they need."""


if __name__ == "__main__":
    sys.exit(main())
