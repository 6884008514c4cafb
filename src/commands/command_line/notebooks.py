"""The commands that run the notebooks, and those about runs."""

from collections.abc import Sequence
from pathlib import Path

import click

from commands.command_line.options import as_json, check_choice, command, given, path, what_to_run, yes
from commands.environment.terraform import ROOT
from helpers import parameters

__all__ = ["check", "run", "runs", "stop", "store"]


@command(interrupted="nothing that this run started is left running here.")
@what_to_run
@click.option("--runs", type=path, default=ROOT / "runs", metavar="FOLDER", help="Folder for the results.")
@click.option(
    "--resume",
    metavar="RUN",
    help="Go on with what this run has not finished: a folder's name under --runs, or latest.",
)
@click.option("--only-failed", is_flag=True, help="With --resume: leave finished tables alone.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MINUTES",
    help="End after this long; local executions are stopped, those on AWS go on.",
)
@click.option("--no-wait", is_flag=True, help="Fail if another run is going on, instead of waiting for it.")
def run(
    file: Path,
    only: Sequence[str],
    start: str | None,
    given: Sequence[tuple[str, str]],
    runs: Path,
    resume: str | None,
    only_failed: bool,
    timeout: float | None,
    no_wait: bool,
) -> int:
    """Run the notebooks in order.

    FILE contains their parameters, such as parameters/local.yaml. The executed notebooks, summary.json and
    index.html, a page about the run, are left under runs/<time>/; runs/latest is a link to it. With --resume,
    the parameters are the run's; -p replaces some, and FILE gives only what its summary does not repeat.
    """
    check_choice(only, start)
    if resume and (only or start):
        raise click.UsageError("--resume chooses the notebooks; leave out --only and --from.")
    if only_failed and not resume:
        raise click.UsageError("--only-failed needs a run; name one with --resume, such as --resume latest.")
    from commands.running import perform, planning

    values, own = parameters.read(file), dict(given)
    limits = perform.Limits(not no_wait, timeout)
    if resume:
        return perform.resume(resume, values, own, runs, only_failed, limits)
    return perform.run(planning.chosen(only, start), values | own, runs, limits)


@command(interrupted="what it has asked to stop goes on stopping; run it again.")
@click.argument("file", type=path)
@given
@yes
def stop(file: Path, given: Sequence[tuple[str, str]], yes: bool) -> None:
    """Stop executions that notebook 03 started.

    FILE and -p say where, as for `run`: those of RUN_ID, or all if it is empty. They are listed first.
    """
    from commands.running import stop

    stop.stop(parameters.read(file) | dict(given), yes=yes)


@command()
@what_to_run
@as_json("Print a JSON document, see docs/tables/check.md.")
def check(
    file: Path, only: Sequence[str], start: str | None, given: Sequence[tuple[str, str]], as_json: bool
) -> int:
    """Check parameters and tables, and say what was decided.

    FILE is checked as `run` does before its first cell. Nothing is uploaded or started.
    """
    check_choice(only, start)
    from commands.running import check, planning

    values = parameters.read(file) | dict(given)
    return check.check(planning.chosen(only, start), values, as_json)


@command(interrupted="the stored notebooks are unchanged.")
def store() -> int:
    """Run the notebooks here and store their outputs in notebooks/."""
    from commands.notebooks import store

    return store.store()


@command(interrupted="run it again, and it removes the rest.")
@click.option(
    "--runs", "folder", type=path, default=ROOT / "runs", metavar="FOLDER", help="Folder with the runs."
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Remove all but this many of the latest runs.",
)
def runs(folder: Path, keep: int | None) -> None:
    """List the runs, the latest first, or remove old ones.

    A run that goes on is never removed, nor is a folder that is not known to be a run.
    """
    from commands.reporting import history

    history.show(folder) if keep is None else history.keep(folder, keep)
