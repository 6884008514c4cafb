"""The commands about models in service: monitor, status and score; and capacity, which simulates them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from commands.command_line.options import as_json, command, environment, given, path
from commands.environment.terraform import ROOT, find
from helpers import parameters
from helpers.errors import refusing

__all__ = ["capacity", "monitor", "score", "status"]


@command(interrupted="on AWS, a check goes on, and --latest shows its report; here, run it again.")
@click.argument("file", type=path)
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
    type=path,
    default=ROOT / "runs",
    metavar="FOLDER",
    help="Folder for the pages, and the results of --retrain.",
)
@as_json("Print the report, see docs/operations/monitoring.md.")
@given
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


@command()
@click.argument("file", type=path, required=False)
@environment("The environment, such as dev, instead of FILE.")
@given
@as_json("Print a JSON document, see docs/operations/monitoring.md.")
@click.option("--out", type=path, default=ROOT / "runs/status", metavar="FOLDER", help="Folder for the page.")
def status(file: Path | None, env: str, given: Sequence[tuple[str, str]], as_json: bool, out: Path) -> None:
    """Write a page about all models, the worst first.

    FILE says where they are, as for `run`; without it and --env, they are those of parameters/local.yaml. The
    page, index.html, and the same as status.json are left in a folder and in the bucket.
    """
    if env and (file or given):
        raise click.UsageError("--env is not allowed with FILE or -p; give one of them.")
    from commands.reporting import status

    values = {} if env else parameters.read(file or ROOT / "parameters/local.yaml") | dict(given)
    status.show(values, find(env) if env else None, out, as_json)


@command(interrupted="no output was written.")
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
@environment("The environment, such as dev, instead of local_aws.")
@given
def score(
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


def _positive(name: str, default: float, unit: str, what: str) -> Callable:
    """An option for a number that cannot be negative, with what it is and where the default comes from."""
    return click.option(
        name, type=click.FloatRange(min=0), default=default, show_default=True, metavar=unit, help=what
    )


@command()
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
@click.option(
    "--requests",
    type=click.IntRange(1000, 10_000_000),
    default=100_000,
    show_default=True,
    metavar="NUMBER",
    help="How many requests are simulated.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="NUMBER",
    help="Of the simulation: the same one gives the same result.",
)
@as_json("Print a JSON document, see docs/operations/cost.md.")
def capacity(
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
