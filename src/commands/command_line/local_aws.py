"""The command local-aws, whose own commands are those of `python -m local_aws`."""

import click

from commands.command_line.endings import CommandLine
from commands.command_line.options import yes

__all__ = ["local_aws"]


@click.group("local-aws", cls=CommandLine)
def local_aws() -> None:
    """Start, stop and inspect local_aws, which stands in for AWS.

    It runs on this machine; `run` starts and stops it automatically.
    """


@local_aws.command()
@click.option(
    "--port", type=int, default=0, metavar="NUMBER", help="Listen on this port instead of any free one."
)
@click.option(
    "--idle-minutes",
    type=float,
    default=60,
    metavar="NUMBER",
    show_default=True,
    help="Stop after this long without work.",
)
def start(port: int, idle_minutes: float) -> int:
    """Start it, unless it is running."""
    return _local_aws("start", "--port", str(port), "--idle-minutes", str(idle_minutes))


@local_aws.command()
def stop() -> int:
    """Stop it and every process that it started."""
    return _local_aws("stop")


@local_aws.command()
def status() -> int:
    """Show its address, its disk use, what is running, and its endpoints."""
    return _local_aws("status")


@local_aws.command()
@click.option(
    "--days",
    type=click.FloatRange(min=0),
    default=7,
    metavar="NUMBER",
    show_default=True,
    help="How long ago they must have ended.",
)
def prune(days: float) -> int:
    """Delete what old executions left and nothing needs.

    What serves, is registered or is running stays. Says how much was freed.
    """
    return _local_aws("prune", "--days", str(days))


@local_aws.command()
@yes
def reset(yes: bool) -> int:
    """Stop it and delete all its state, after asking."""
    return _local_aws("reset", *(["--yes"] if yes else []))


def _local_aws(*arguments: str) -> int:
    """Run its own command line, `python -m local_aws`, the only part of it that the commands use."""
    from local_aws.__main__ import main

    return main(arguments)
