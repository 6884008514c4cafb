"""How every command ends: the one place that turns an exception into a sentence and an exit code."""

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from helpers.errors import ExitCode, UserError, full_disk, one_line

__all__ = ["Command", "CommandLine", "end", "outlive_reader"]

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)  # a person's way to interrupt, and a scheduler's


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
        with _interruptible():
            return self._end(ctx)

    def _end(self, ctx: click.Context) -> ExitCode:
        try:
            return super().invoke(ctx) or ExitCode.DONE
        except UserError as error:
            return end(error.exit_code, str(error))
        except _errors_of_aws() as error:
            remedy = self._refused.format(**ctx.params)
            return end(ExitCode.FAILED, f"AWS refused: {one_line(error)}. {remedy}")
        except OSError as error:
            if not (said := full_disk(error)):
                raise
            return end(ExitCode.FAILED, said)
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


def outlive_reader() -> None:
    """Let a command go on to its end, and to its own exit code, after whoever read its output has gone.

    `many-models monitor FILE | head` still tells whoever NOTIFY names.
    """
    if sys.stdout is sys.__stdout__ and not sys.stdout.isatty():
        sys.stdout.flush()
        before, output = sys.stdout, _Output(sys.stdout.fileno(), "w", closefd=False)
        buffer = output if before.write_through else io.BufferedWriter(output)
        sys.stdout = io.TextIOWrapper(
            buffer,
            before.encoding,
            before.errors,
            line_buffering=before.line_buffering,
            write_through=before.write_through,
        )


class _Output(io.FileIO):
    """Standard output, which becomes /dev/null when nobody reads it any more."""

    def write(self, data: Any) -> int | None:
        """Write, and from the first failure on, to nowhere."""
        try:
            return super().write(data)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return super().write(data)


def _write_exit_codes(formatter: click.HelpFormatter) -> None:
    with formatter.section("Exit codes"):
        formatter.write_dl([(str(code.value), code.meaning) for code in ExitCode])


def _errors_of_aws() -> tuple[type[Exception], ...]:
    """What boto3 raises; if it was not imported, it has raised nothing."""
    found = sys.modules.get("botocore.exceptions")
    return (found.BotoCoreError, found.ClientError) if found else ()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn the first signal into a KeyboardInterrupt; no other ends the clean-up that it has begun."""

    def interrupt(number: int, frame: object) -> None:
        for each in before:
            signal.signal(each, _be_patient)
        raise KeyboardInterrupt

    # A shell's background jobs ignore SIGINT, and go on doing so.
    heard = [each for each in _INTERRUPTS if signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _be_patient(number: int, frame: object) -> None:
    os.write(sys.__stderr__.fileno(), b"\nStill ending what was started; this takes a few seconds.\n")
