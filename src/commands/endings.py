"""How every command ends: the one place that turns an exception into a sentence and an exit code."""

import signal
import sys
from typing import Any

import click

from helpers.errors import ExitCode, UserError, one_line

__all__ = ["Command", "CommandLine", "end"]


class Command(click.Command):
    """A command, and what it prints when it is interrupted or AWS refuses something.

    `refused` may contain the command's own parameters in braces.
    """

    def __init__(
        self,
        *arguments: Any,
        interrupted: str = "run the same command again.",
        refused: str = "Fix that, and run this again.",
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self._interrupted, self._refused = interrupted, refused

    def invoke(self, ctx: click.Context) -> ExitCode:
        """Run the command and return its exit code, also for every error that the user can fix."""
        signal.signal(signal.SIGTERM, _interrupt)  # a scheduler's way to interrupt
        try:
            return super().invoke(ctx) or ExitCode.DONE
        except UserError as error:
            return end(error.exit_code, str(error))
        except _errors_of_aws() as error:
            remedy = self._refused.format(**ctx.params)
            return end(ExitCode.FAILED, f"AWS refused: {one_line(error)}. {remedy}")
        except EOFError:
            return end(ExitCode.FAILED, "Nobody answered; if nobody can type an answer, add --yes.")
        except KeyboardInterrupt:
            return end(ExitCode.INTERRUPTED, f"Interrupted; {self._interrupted}")

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Close the help with the exit codes."""
        _write_exit_codes(formatter)


class CommandLine(click.Group):
    """A group of commands in the order of their definitions."""

    command_class = Command
    group_class = type

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, as the help lists them."""
        return list(self.commands)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Close the help with the exit codes."""
        _write_exit_codes(formatter)


def end(code: ExitCode, sentence: str) -> ExitCode:
    """Print why a command ends, and return its exit code."""
    print(f"\n{sentence}", file=sys.stderr)
    return code


def _write_exit_codes(formatter: click.HelpFormatter) -> None:
    with formatter.section("Exit codes"):
        formatter.write_dl([(str(code.value), code.meaning) for code in ExitCode])


def _errors_of_aws() -> tuple[type[Exception], ...]:
    """What boto3 raises; if it was not imported, it has raised nothing."""
    found = sys.modules.get("botocore.exceptions")
    return (found.BotoCoreError, found.ClientError) if found else ()


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
