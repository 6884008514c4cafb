"""The command line `many-models`: everything that a person or a scheduler types.

This module defines how commands are typed. What they do is in the other modules, each imported only by the
command that needs it, so that help and completion answer immediately.
"""

import atexit
import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import split_arg_string

from commands.endings import CommandLine, end, outlive_reader
from commands.environment.terraform import CONFIGURATION, ROOT, environments, find
from helpers import parameters
from helpers.errors import ExitCode, refusing

__all__ = ["main", "many_models"]

NAME = "many-models"
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
CONTINUES = "run the same command again to continue."
PREFLIGHT = (
    "Fix that (`many-models preflight --env {env}` checks the usual causes) and run this command again: it "
    "continues where it stopped."
)


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


@click.group(NAME, cls=CommandLine, context_settings=SETTINGS)
def many_models() -> None:
    """Many tabular models on one endpoint: the notebooks, here or on AWS, and what they need."""


# Options of several commands


def _names_of_parameters(context: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
    """Completions of the NAME after -p."""
    typed = split_arg_string(os.environ.get("COMP_WORDS", ""))
    before = typed[:-1] if incomplete else typed
    if before[-1:] != ["-p"]:
        return []  # the VALUE comes next
    return [name for name in parameters.PARAMETERS if name.startswith(incomplete.upper())]


def _names_of_environments(context: click.Context, option: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in environments() if name.startswith(incomplete)]


def _path(**options: Any) -> click.Path:
    return click.Path(path_type=Path, **options)


def _options(*options: Callable) -> Callable:
    """Options as one decorator, in the order in which the help lists them."""

    def decorate(function: Callable) -> Callable:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_given = click.option(
    "-p",
    "given",
    nargs=2,
    multiple=True,
    metavar="NAME VALUE",
    shell_complete=_names_of_parameters,
    help="Set a parameter of the notebooks; a list is read as YAML; may be repeated.",
)
_what_to_run = _options(
    click.argument("file", type=_path()),
    click.option("--only", multiple=True, metavar="03", help="Only this notebook; may be repeated."),
    click.option("--from", "start", metavar="03", help="This notebook and those after it."),
    _given,
)
_where = _options(
    click.option(
        "--env",
        required=True,
        metavar="NAME",
        shell_complete=_names_of_environments,
        help="The environment, such as dev: a file in terraform/environments.",
    ),
    click.option(
        "--terraform",
        "folder",
        type=_path(),
        default=CONFIGURATION,
        metavar="FOLDER",
        help="Another folder with the Terraform configuration.",
    ),
)
_yes = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


# The notebooks


@many_models.command(interrupted="nothing that this run started is left running here.")
@_what_to_run
@click.option("--runs", type=_path(), default=ROOT / "runs", metavar="FOLDER", help="Folder for the results.")
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
    _one_choice(only, start)
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


@many_models.command("stop", interrupted="what it has asked to stop goes on stopping; run it again.")
@click.argument("file", type=_path())
@_given
@_yes
def stop_executions(file: Path, given: Sequence[tuple[str, str]], yes: bool) -> None:
    """Stop executions that notebook 03 started.

    FILE and -p say where, as for `run`: those of RUN_ID, or all if it is empty. They are listed first.
    """
    from commands.running import stop

    stop.stop(parameters.read(file) | dict(given), yes=yes)


def _positive(name: str, default: float, unit: str, what: str) -> Callable:
    """An option for a number that cannot be negative, with what it is and where the default comes from."""
    return click.option(
        name, type=click.FloatRange(min=0), default=default, show_default=True, metavar=unit, help=what
    )


@many_models.command("capacity")
@click.option(
    "--models", type=click.IntRange(1, 1_000_000), required=True, help="The number of models in service."
)
@click.option("--rate", type=float, required=True, metavar="NUMBER", help="Requests a second, to all models.")
@click.option(
    "--zipf", type=float, default=1.0, show_default=True, help="Exponent of their popularity; 0: all equal."
)
@_positive("--p99-ms", 250, "MS", "What the 99th percentile of the latency may be.")
@click.option(
    "--instance", "types", multiple=True, metavar="TYPE", help="Only this instance type; may be repeated."
)
@_positive("--memory-mb", 1.0, "MB", "Memory of a loaded model.")
@_positive("--answer-ms", 0.5, "MS", "An answer of the endpoint's container to a request.")
@_positive("--load-ms", 1.5, "MS", "Loading a model from the instance's disk.")
@_positive("--download-ms", 150.0, "MS", "Downloading a model to the instance.")
@_positive("--path-ms", 20.0, "MS", "The rest of a request's path: the network and the function.")
@_positive("--disk-gb", 20, "GB", "What an instance has for the files of models.")
@click.option("--region", default="us-east-1", show_default=True, help="The region whose prices are used.")
@click.option("--prices", default="", metavar="FILE", help="A file with other prices, as for PRICES.")
@click.option("--requests", type=click.IntRange(1000, 10_000_000), default=100_000, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document, see docs/operations/cost.md.")
def find_capacity(
    models: int,
    rate: float,
    zipf: float,
    p99_ms: float,
    types: Sequence[str],
    memory_mb: float,
    answer_ms: float,
    load_ms: float,
    download_ms: float,
    path_ms: float,
    disk_gb: float,
    region: str,
    prices: str,
    requests: int,
    seed: int,
    as_json: bool,
) -> int:
    """Simulate an endpoint, and say which instances it needs.

    Notebook 05 measures what a model takes at an endpoint. Nothing is called and nothing is started.
    """
    from commands import capacity
    from helpers.cost.capacity import Demand, Model

    demand = Demand(models, rate, zipf, p99_ms / 1000)
    seconds = (answer_ms / 1000, load_ms / 1000, download_ms / 1000, path_ms / 1000)
    model = Model(1e6 * memory_mb, *seconds)
    return capacity.find(demand, model, types, region, prices, 1e9 * disk_gb, requests, seed, as_json)


@many_models.command(
    "monitor", interrupted="on AWS, a check goes on, and --latest shows its report; here, run it again."
)
@click.argument("file", type=_path())
@click.option(
    "--window",
    default="7d",
    metavar="TIME",
    show_default=True,
    help="How far back requests are read: a number of hours or days, such as 24h.",
)
@click.option("--only", multiple=True, metavar="DATASET", help="Check only this data set; may be repeated.")
@click.option(
    "--labels",
    "given_labels",
    nargs=2,
    multiple=True,
    metavar="DATASET PATH",
    help="First upload late labels of a data set, a CSV or JSON lines file; may be repeated.",
)
@click.option("--latest", is_flag=True, help="Show the newest report about all models, and start nothing.")
@click.option(
    "--evidently",
    default="",
    metavar="DATASET",
    help="Instead of a check, let Evidently make a page about this model; see docs/operations/monitoring.md.",
)
@click.option(
    "--retrain",
    is_flag=True,
    help="Then run notebooks 02 and 03 for the drifted tables of FILE, once for each drift.",
)
@click.option(
    "--runs",
    type=_path(),
    default=ROOT / "runs",
    metavar="FOLDER",
    help="Folder for the pages, and the results of --retrain.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report, see docs/operations/monitoring.md.")
@_given
def monitor(
    file: Path,
    window: str,
    only: Sequence[str],
    given_labels: Sequence[tuple[str, str]],
    latest: bool,
    evidently: str,
    retrain: bool,
    runs: Path,
    as_json: bool,
    given: Sequence[tuple[str, str]],
) -> int:
    """Check the models in service for drift.

    FILE and -p say where, as for `run`. A job compares the captured requests of all models with training, and
    writes one report. Pages about the models that have drifted are left in runs/monitoring. Exits with 3 if a
    model has drifted. Whoever NOTIFY names is told so, if all models are checked.
    """
    from tabular.monitoring.durations import duration

    with refusing("--window"):
        length = duration(window)
    if latest and (
        only or click.get_current_context().get_parameter_source("window") is ParameterSource.COMMANDLINE
    ):
        raise click.UsageError("--latest shows the last check of all models; leave out --only and --window.")
    if retrain and (latest or only or as_json):
        raise click.UsageError(
            "--retrain follows a new check of all models; leave out --latest, --only and --json."
        )
    if evidently and (only or given_labels or latest or retrain or as_json):
        raise click.UsageError("--evidently makes no check; give only --window, --runs and -p with it.")
    from commands import monitor

    values = parameters.read(file) | dict(given)
    if evidently:
        return monitor.evidently(values, length, evidently, runs)
    return monitor.monitor(values, window, only, given_labels, latest, as_json, runs, retrain)


@many_models.command()
@_what_to_run
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document, see docs/tables/check.md.")
def check(
    file: Path, only: Sequence[str], start: str | None, given: Sequence[tuple[str, str]], as_json: bool
) -> int:
    """Check parameters and tables, and say what was decided.

    FILE is checked as `run` does before its first cell. Nothing is uploaded or started.
    """
    _one_choice(only, start)
    from commands.running import check, planning

    values = parameters.read(file) | dict(given)
    return check.check(planning.chosen(only, start), values, as_json)


@many_models.command(interrupted="the stored notebooks are unchanged.")
def store() -> int:
    """Run the notebooks here and store their outputs in notebooks/."""
    from commands.notebooks import store

    return store.store()


@many_models.command("runs", interrupted="run it again, and it removes the rest.")
@click.option(
    "--runs", "folder", type=_path(), default=ROOT / "runs", metavar="FOLDER", help="Folder with the runs."
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Remove all but this many of the latest runs.",
)
def list_runs(folder: Path, keep: int | None) -> None:
    """List the runs, the latest first, or remove old ones.

    A run that goes on is never removed, nor is a folder that is not known to be a run.
    """
    from commands.reporting import history

    history.show(folder) if keep is None else history.keep(folder, keep)


@many_models.command("status")
@click.argument("file", type=_path(), required=False)
@click.option(
    "--env",
    default="",
    metavar="NAME",
    shell_complete=_names_of_environments,
    help="The environment, such as dev, instead of FILE.",
)
@_given
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON document, see docs/operations/monitoring.md."
)
@click.option(
    "--out", type=_path(), default=ROOT / "runs/status", metavar="FOLDER", help="Folder for the page."
)
def status_of_models(
    file: Path | None, env: str, given: Sequence[tuple[str, str]], as_json: bool, out: Path
) -> None:
    """Write a page about all models, the worst first.

    FILE says where they are, as for `run`; without it and --env, they are those of parameters/local.yaml. The
    page, index.html, and the same as status.json are left in a folder and in the bucket.
    """
    if env and (file or given):
        raise click.UsageError("--env is not allowed with FILE or -p; give one of them.")
    from commands.reporting import status

    values = {} if env else parameters.read(file or ROOT / "parameters/local.yaml") | dict(given)
    status.show(values, find(env) if env else None, out, as_json)


@many_models.command("score", interrupted="no output was written.")
@click.argument("table")
@click.option("--model", required=True, metavar="GROUP", help="The model's data set, or its group.")
@click.option(
    "--version",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="A registered version, instead of the one in service.",
)
@click.option(
    "--output",
    default="",
    metavar="PATH",
    help="Where to write, a path or an S3 URI ending in .csv or .parquet; by default beside the table.",
)
@click.option(
    "--id",
    "ids",
    multiple=True,
    metavar="COLUMN",
    help="A column that identifies a row, instead of its number; may be repeated.",
)
@click.option("--encoding", metavar="NAME", help="The table's encoding, such as cp1250, if not detected.")
@click.option(
    "--delimiter", metavar="SIGN", help="The character between its cells, such as ';', if not detected."
)
@click.option(
    "--skip-rows", type=int, metavar="NUMBER", help="How many lines are above its header, if not detected."
)
@click.option(
    "--env",
    default="",
    metavar="NAME",
    shell_complete=_names_of_environments,
    help="The environment, such as dev, instead of local_aws.",
)
@_given
def score_table(
    table: str,
    model: str,
    version: int | None,
    output: str,
    ids: Sequence[str],
    encoding: str | None,
    delimiter: str | None,
    skip_rows: int | None,
    env: str,
    given: Sequence[tuple[str, str]],
) -> None:
    """Predict every row of a table.

    TABLE is a path, a glob or a URI, as in DATASETS. Its columns may be more than the model's, in any order.
    Here, a model server of its own answers; with --env, SageMaker's batch transform; see
    docs/models/scoring.md.
    """
    if env and given:
        raise click.UsageError("--env is not allowed with -p; give one of them.")
    from commands import score

    values = {} if env else parameters.read(ROOT / "parameters/local.yaml") | dict(given)
    written = {"encoding": encoding, "delimiter": delimiter, "skip_rows": skip_rows}
    score.score(values, find(env) if env else None, table, model, version, output, ids, written)


def _one_choice(only: Sequence[str], start: str | None) -> None:
    if only and start:
        raise click.UsageError("--from is not allowed with --only; give one of them.")


# An environment on AWS


@many_models.command()
@click.option(
    "--env",
    default="",
    metavar="NAME",
    shell_complete=_names_of_environments,
    help="Push to the registry of this environment, such as dev; without it, the image stays here.",
)
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


@many_models.command(interrupted="nothing was changed.")
@_where
@_given
def preflight(env: str, folder: Path, given: Sequence[tuple[str, str]]) -> int:
    """Check whether AWS will allow an environment to work.

    A line for each check says what was seen and what to do. Nothing is changed.
    """
    from commands.environment.preflight.report import report

    return report(find(env, folder), dict(given))


@many_models.command(interrupted=CONTINUES, refused=PREFLIGHT)
@_where
@click.option("--image-uri", default="", metavar="URI", help="An image in ECR, instead of container/'s.")
@_yes
def up(env: str, folder: Path, image_uri: str, yes: bool) -> None:
    """Create an environment on AWS, or update it.

    Applies Terraform, looks for the image, compiles the definition, applies again; asks before each change.
    """
    from commands.environment import deploy

    deploy.up(find(env, folder), image_uri, yes=yes)


@many_models.command(interrupted=CONTINUES)
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET...")
@click.option(
    "--env",
    default="",
    metavar="NAME",
    shell_complete=_names_of_environments,
    help="The environment that takes the models over, such as prod; without it, a second account here.",
)
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


@many_models.command(interrupted=CONTINUES, refused=PREFLIGHT)
@_where
@_yes
def down(env: str, folder: Path, yes: bool) -> None:
    """Delete an environment on AWS.

    Lists what it will delete and what would still cost money, and asks, before it deletes anything.
    """
    from commands.environment import teardown

    teardown.down(find(env, folder), yes=yes)


# local_aws


@many_models.group("local-aws")
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
@_yes
def reset(yes: bool) -> int:
    """Stop it and delete all its state, after asking."""
    return _local_aws("reset", *(["--yes"] if yes else []))


def _local_aws(*arguments: str) -> int:
    """Run its own command line, `python -m local_aws`, the only part of it that the commands use."""
    from local_aws.__main__ import main

    return main(arguments)


if __name__ == "__main__":
    sys.exit(main())
