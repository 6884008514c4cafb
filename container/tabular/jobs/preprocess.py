"""PreprocessData: clean a raw table, detect the types of its columns and split it."""

import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np

from tabular.data.preparation.prepare import prepare
from tabular.data.preparation.prepared import Prepared, Splitting
from tabular.data.splits.files import write_split
from tabular.data.splits.partitions import Partitions
from tabular.data.splits.shards import digests, write_partitions, write_shards
from tabular.data.splits.statistics import baseline
from tabular.data.tables import read_table, table_files
from tabular.jobs.command import ArgumentParser, command
from tabular.monitoring.baseline import distributions
from tabular.spec import opt_ml
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import OPTIONS_FILE, Options

__all__ = ["main", "read_options"]


def main() -> None:
    """Read the raw table from the job's inputs and write the splits `train` and `test`, and a report.

    The training rows of a table with partitions are written as shards, see `tabular.data.splits.shards`.
    """
    arguments = _arguments()
    splitting = Splitting(arguments.test_size, arguments.stratify == "true", arguments.random_state)
    folder = opt_ml.processing("input/data")
    options = read_options(folder)
    raw = read_table(table_files(folder), options, arguments.target)
    _write(prepare(raw, arguments.target, options, arguments.family, splitting), opt_ml.processing("output"))


def read_options(folder: Path) -> Options:
    """The options stored next to the raw files, or the defaults if there is no such file.

    Raises:
        BadInput: if they are not JSON, or not valid options.
    """
    file = folder / OPTIONS_FILE
    if not file.exists():
        return Options()
    try:
        given = json.loads(file.read_bytes())
    except ValueError as error:
        raise BadInput(f"{OPTIONS_FILE} next to the table is not JSON: {error}. Fix the file.") from None
    return Options.from_dict(given)


def _write(prepared: Prepared, folder: Path) -> None:
    frame, groups, subgroups = prepared.frame, prepared.groups, prepared.subgroups
    training = frame.iloc[prepared.train]
    schema = replace(prepared.schema, baseline=baseline(training, prepared.schema))
    if prepared.partitions is not None:
        _write_shards(prepared, prepared.partitions, schema, folder)
    splits = {"train": (prepared.train, training), "test": (prepared.test, frame.iloc[prepared.test])}
    for name in ("test",) if prepared.partitions is not None else splits:
        rows, part = splits[name]
        write_split(
            folder / name,
            part,
            prepared.target[rows],
            schema,
            groups=None if groups is None else groups[rows],
            subgroups=None if subgroups is None else subgroups.iloc[rows],
            cells=prepared.held_out_cells if name == "test" else None,
            training=distributions(training, schema) if name == "test" else None,
        )
    (folder / "report").mkdir(parents=True, exist_ok=True)
    (folder / "report/preprocessing.json").write_text(json.dumps(prepared.report, indent=1))
    print(json.dumps(prepared.report))


def _write_shards(prepared: Prepared, partitions: Partitions, schema: Schema, folder: Path) -> None:
    """Write the training rows as shards, and beside the held-out rows which partition has which."""
    names = [column.name for column in schema.columns]
    held_out = np.bincount(partitions.number[prepared.test], minlength=partitions.count)
    also = (prepared.groups, prepared.times)
    sha = digests(partitions, prepared.hashes, prepared.train, prepared.test, names, *also)
    found = write_shards(
        folder / "train",
        prepared.frame,
        prepared.target,
        schema,
        partitions,
        prepared.train,
        held_out,
        sha,
        *also,
    )
    (folder / "test").mkdir(parents=True, exist_ok=True)
    write_partitions(folder / "test", found)


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="preprocess")
    parser.add_argument("--target", required=True)
    parser.add_argument("--family", choices=("classification", "regression"), required=True)
    parser.add_argument("--test-size", type=float, required=True)
    parser.add_argument("--stratify", choices=("true", "false"), required=True)
    parser.add_argument("--random-state", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    command(main)
