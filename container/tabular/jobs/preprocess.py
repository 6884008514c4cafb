"""PreprocessData: clean a raw table, detect the types of its columns and split it.

Nothing is fitted here. Imputation, scaling and encoding are part of the pipeline that is cross-validated, so
that no fold sees another.
"""

import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tabular.data.cleaning import clean
from tabular.data.doubts import doubts
from tabular.data.features import features, texts
from tabular.data.inference import encode, infer_schema
from tabular.data.split_files import write_split
from tabular.data.statistics import baseline
from tabular.data.tables import column_of, read_table, table_files
from tabular.jobs.command import ArgumentParser, command
from tabular.learning.splits import split, without_outliers
from tabular.spec import opt_ml, own_steps
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import OPTIONS_FILE, Options

__all__ = ["main", "read_options"]


def main() -> None:
    """Read the raw table from the job's inputs and write the splits `train` and `test`."""
    arguments = _arguments()
    folder = opt_ml.processing("input/data")
    options = read_options(folder)
    raw = read_table(table_files(folder), options)
    # pandas copies attrs whenever a column is accessed
    report: dict[str, Any] = {
        "files": raw.attrs.pop("files"),
        "options": options.to_dict(),
        "warnings": raw.attrs.pop("warnings"),
    }
    numbers = raw.attrs.pop("numbers")
    table = own_steps.clean(raw)
    if table is not raw:
        before, after = ({"rows": len(one), "columns": len(one.columns)} for one in (raw, table))
        report["custom_clean"] = {"before": before, "after": after}
    names = dict.fromkeys([*raw, *table])
    del raw
    table, counts = clean(table, arguments.target, options)
    schema = infer_schema(table, arguments.target, arguments.family, options, numbers)
    used = {schema.target, *(column.name for column in schema.columns)}
    schema = replace(schema, others=tuple(name for name in names if name not in used))
    target = encode(table[schema.target], schema)
    frame = features(table, schema)
    groups, times = _groups(table, options), _times(table, options)
    stratify = arguments.stratify == "true"
    train, test = split(target, schema, arguments.test_size, stratify, arguments.random_state, groups, times)
    kept = train
    if options.outliers == "iqr":
        kept = train[without_outliers(frame.iloc[train], target[train], schema)]
        _check_left(target[kept], schema, len(train))
    schema = replace(schema, baseline=baseline(frame.iloc[kept], schema))
    subgroups = _subgroups(table, options)
    for name, rows in (("train", kept), ("test", test)):
        write_split(
            opt_ml.processing("output") / name,
            frame.iloc[rows],
            target[rows],
            schema,
            groups=None if groups is None else groups[rows],
            subgroups=None if subgroups is None else subgroups.iloc[rows],
        )
    report["warnings"] += counts.pop("warnings", []) + doubts(table, schema)
    report |= counts
    report |= {
        "rows_outliers": len(train) - len(kept),
        "rows_train": len(kept),
        "rows_test": len(test),
        "split": _how(arguments, schema),
        "columns": schema.to_dict()["columns"],
        "columns_dropped": _dropped(table, schema),
        "classes": _class_counts(target, schema),
    }
    _check_counts(report)
    output = opt_ml.processing("output/report")
    output.mkdir(parents=True, exist_ok=True)
    (output / "preprocessing.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report))


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


def _groups(table: pd.DataFrame, options: Options) -> np.ndarray | None:
    """The number of each row's group (n_rows,); rows without a group form one group."""
    if options.group:
        return pd.factorize(texts(table[options.group]))[0]
    if options.repeated == "together":
        return table.groupby(list(table), dropna=False, sort=False).ngroup().to_numpy()
    return None


def _times(table: pd.DataFrame, options: Options) -> np.ndarray | None:
    """The time of each row (n_rows,): days since 1970, or the numbers in a numeric column."""
    if options.time is None:
        return None
    column = column_of(options.time, table[options.time], options)
    if column.kind not in ("numeric", "date"):
        raise BadInput(
            f"The time column {column.name!r} is {column.kind}, but it must contain numbers, or dates in one "
            "format; write its dates as 2024-01-31."
        )
    return features(table, Schema("regression", "", (), (column,)))[column.name].to_numpy()


def _subgroups(table: pd.DataFrame, options: Options) -> pd.DataFrame | None:
    """The columns by which an evaluation is broken down: numbers as they are, everything else as text."""
    if not options.subgroups:
        return None
    named = table[list(options.subgroups)]
    return named.apply(lambda values: values if pd.api.types.is_numeric_dtype(values) else texts(values))


def _check_left(target: np.ndarray, schema: Schema, before: int) -> None:
    classes = set(range(len(schema.classes)))
    absent = sorted(classes - set(target.tolist()))
    if len(target) < before / 2 or absent:
        raise BadInput(
            f"Without outliers, {len(target)} of {before} training rows are left"
            f"{f', none of the class {schema.classes[absent[0]]!r}' if absent else ''}, which is too few; "
            "set outliers to none."
        )


def _dropped(table: pd.DataFrame, schema: Schema) -> Mapping[str, str]:
    """The reason why each of the other columns of the raw table is not a feature."""
    options = schema.options
    used = {column.name for column in schema.columns} | {schema.target}
    why = dict.fromkeys(options.drop, "named in drop")
    for name in table.columns:
        if name in (options.group, options.time):
            why[name] = "the group of a row" if name == options.group else "the time of a row"
        elif name not in used | why.keys():
            why[name] = "has only one value" if table[name].notna().any() else "is empty"
    return why


def _check_counts(report: Mapping[str, Any]) -> None:
    """Check that every row is either in a split or left out for a reported reason."""
    where = ("train", "test", "outliers", "repeated", "without_target", "without_time")
    if (found := sum(report[f"rows_{name}"] for name in where)) != report["rows_read"]:
        raise RuntimeError(f"{report['rows_read']} rows were read, but {found} are accounted for: {report}.")


def _how(arguments: Namespace, schema: Schema) -> dict[str, Any]:
    stratified = "stratified" if arguments.stratify == "true" and schema.classes else "random"
    options = schema.options
    together = "duplicate rows together" if options.repeated == "together" else stratified
    by = "group" if options.group else "time" if options.time else together
    return {"by": by, "test_size": arguments.test_size, "random_state": arguments.random_state}


def _class_counts(target: np.ndarray, schema: Schema) -> dict[str, int]:
    counts = np.bincount(target, minlength=len(schema.classes)) if schema.classes else []
    return {str(label): int(count) for label, count in zip(schema.classes, counts, strict=True)}


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
