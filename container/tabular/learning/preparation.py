"""From the files of a raw table to typed, split rows: all that PreprocessData decides, without writing.

Nothing is fitted here. Imputation, scaling and encoding are part of the pipeline that is cross-validated, so
that no fold sees another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tabular.data.cleaning import clean
from tabular.data.decisions import Decision, column_of
from tabular.data.doubts import doubts
from tabular.data.features import features, texts
from tabular.data.held_out import cells_of
from tabular.data.inference import as_labels, encode, infer_schema
from tabular.data.statistics import baseline
from tabular.data.tables import read_table
from tabular.learning.splits import split, without_outliers
from tabular.spec import own_steps
from tabular.spec.columns import Family, Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import Options

__all__ = ["Prepared", "Settings", "prepare"]


@dataclass(frozen=True)
class Settings:
    """What the pipeline says about every table: the kind of task, and how to hold out rows.

    `test_size` is the fraction of rows to hold out; `stratify` keeps the class frequencies in both splits.
    """

    family: Family
    test_size: float
    stratify: bool
    random_state: int


@dataclass(frozen=True)
class Prepared:
    """A table that can be trained on.

    `frame` holds the features (n_rows, n_columns), `target` the encoded target (n_rows,). `train` and `test`
    are row numbers. `groups` numbers the group of each row (n_rows,), `subgroups` holds the columns by which
    an evaluation is broken down. `report` says what was read, decided and left out. `cells` holds the
    held-out rows as they stand in the files, or as your own clean function left them. `evidence` says for
    each column of the raw table why it is read as it is.
    """

    frame: pd.DataFrame
    target: np.ndarray
    schema: Schema
    train: np.ndarray
    test: np.ndarray
    groups: np.ndarray | None = None
    subgroups: pd.DataFrame | None = None
    report: dict[str, Any] = field(default_factory=dict)
    cells: pa.Table | None = None
    evidence: Mapping[str, Sequence[str]] = field(default_factory=dict)


def prepare(
    files: Sequence[Path],
    target: str,
    options: Options,
    settings: Settings,
    steps: Path = own_steps.BESIDE,
) -> Prepared:
    """Read, clean and type a table, and split its rows.

    Args:
        files: the files of the table.
        target: the column to predict.
        options: the user's settings for this table.
        settings: the pipeline's settings.
        steps: the file of your own steps; it need not exist.

    Raises:
        BadInput: if the table cannot be trained on as it is; the sentence says why and what to do.
    """
    raw = read_table(files, options)
    report: dict[str, Any] = {
        "files": raw.files,
        "options": options.to_dict(),
        "warnings": list(raw.warnings),
    }
    table = own_steps.clean(raw.frame, steps)
    is_raw = table is raw.frame
    if not is_raw:
        before, after = ({"rows": len(one), "columns": len(one.columns)} for one in (raw.frame, table))
        report["custom_clean"] = {"before": before, "after": after}
    elif settings.family == "classification" and target in table and target not in options.merge_spellings:
        labels = as_labels(raw.cells[target], table[target].notna())
        table = table.copy(deep=False)
        table[target] = labels
    names = dict.fromkeys([*raw.frame, *table])
    table, counts = clean(table, target, options)
    schema = infer_schema(table, target, settings.family, options, raw.decisions)
    places = table.index.to_numpy()  # of the rows among the raw ones
    table = table.reset_index(drop=True)
    used = {schema.target, *(column.name for column in schema.columns)}
    schema = replace(schema, others=tuple(name for name in names if name not in used))
    encoded = encode(table[schema.target], schema)
    frame = features(table, schema)
    groups, times = _groups(table, options), _times(table, options, raw.decisions)
    train, test = split(
        encoded, schema, settings.test_size, settings.stratify, settings.random_state, groups, times
    )
    kept = train
    if options.outliers == "iqr":
        kept = train[without_outliers(frame.iloc[train], encoded[train], schema)]
        _check_left(encoded[kept], schema, len(train))
    schema = replace(schema, baseline=baseline(frame.iloc[kept], schema))
    report["warnings"] += counts.pop("warnings", []) + doubts(table, schema)
    report |= counts
    report |= {
        "rows_read": counts["rows_read"] + sum(raw.left_out.values()),
        "rows_not_data": dict(raw.left_out),
        "rows_outliers": len(train) - len(kept),
        "rows_train": len(kept),
        "rows_test": len(test),
        "split": _how(settings, schema),
        "columns": schema.to_dict()["columns"],
        "columns_dropped": _dropped(table, schema),
        "classes": _class_counts(encoded, schema),
    }
    _check_counts(report)
    features_alone = [column.name for column in schema.columns]
    cells = (
        raw.cells.select(features_alone).take(places[test]) if is_raw else cells_of(frame.iloc[test], schema)
    )
    evidence = {name: list(found.evidence) for name, found in raw.decisions.items()}
    return Prepared(
        frame, encoded, schema, kept, test, groups, _subgroups(table, options), report, cells, evidence
    )


def _groups(table: pd.DataFrame, options: Options) -> np.ndarray | None:
    """The number of each row's group (n_rows,); rows without a group form one group."""
    if options.group:
        return pd.factorize(texts(table[options.group]))[0]
    if options.repeated == "together":
        return table.groupby(list(table), dropna=False, sort=False).ngroup().to_numpy()
    return None


def _times(table: pd.DataFrame, options: Options, decisions: Mapping[str, Decision]) -> np.ndarray | None:
    """The time of each row (n_rows,): days since 1970, or the numbers in a numeric column."""
    if options.time is None:
        return None
    decided = decisions.get(options.time)
    column = decided.column if decided else column_of(options.time, table[options.time], options)
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
    found = sum(report[f"rows_{name}"] for name in where) + sum(report["rows_not_data"].values())
    if found != report["rows_read"]:
        raise RuntimeError(f"{report['rows_read']} rows were read, but {found} are accounted for: {report}.")


def _how(settings: Settings, schema: Schema) -> dict[str, Any]:
    stratified = "stratified" if settings.stratify and schema.classes else "random"
    options = schema.options
    together = "duplicate rows together" if options.repeated == "together" else stratified
    by = "group" if options.group else "time" if options.time else together
    return {"by": by, "test_size": settings.test_size, "random_state": settings.random_state}


def _class_counts(target: np.ndarray, schema: Schema) -> dict[str, int]:
    counts = np.bincount(target, minlength=len(schema.classes)) if schema.classes else []
    return {str(label): int(count) for label, count in zip(schema.classes, counts, strict=True)}
