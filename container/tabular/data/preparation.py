"""From a raw table to typed columns and split rows: all that PreprocessData decides, without writing.

Nothing is fitted here. Imputation, scaling and encoding are part of the pipeline that is cross-validated, so
that no fold sees another.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.cleaning import check_cells, clean
from tabular.data.decisions.decide import column_of
from tabular.data.decisions.decision import Decision
from tabular.data.doubts.misleading import misleading
from tabular.data.doubts.repetitions import repetitions
from tabular.data.doubts.table import doubts
from tabular.data.features import features, texts
from tabular.data.figures import Figures, threads_for
from tabular.data.inference import as_labels, encode, infer_schema, labels_among_numbers
from tabular.data.splits.held_out import cells_of
from tabular.data.splits.partitioned import hold_out
from tabular.data.splits.partitions import FEWEST_ROWS, Partitions, facts, find_partitions, spellings
from tabular.data.splits.rows import Rows, sizes, split, without_outliers
from tabular.data.splits.statistics import row_hashes
from tabular.data.tables import Table, task_of, warning
from tabular.data.values.dates import ISO
from tabular.spec import own_steps
from tabular.spec.columns import Column, Family, Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import Options

__all__ = ["Prepared", "Splitting", "prepare"]


@dataclass(frozen=True)
class Splitting:
    """How the rows of every table are divided.

    `test_size` is the fraction of rows to hold out; `stratify` keeps the class frequencies in both splits;
    `random_state` is the seed.
    """

    test_size: float = 0.2
    stratify: bool = True
    random_state: int = 42


@dataclass(frozen=True)
class Prepared:
    """A table that can be trained on.

    `table` holds the rows that are used, `target` the encoded target of each (n_rows,). `divide` returns the
    numbers of the training rows and of those that are held out, and computes them once. `groups` numbers the
    group of each row (n_rows,). `report` says what was read, decided and left out. `raw` is the table as it
    was read, `rows` the place of each row in it (n_rows,); None if your own clean function changed the rows.

    With the option `partition`, `partitions` says which partition each row belongs to, `hashes` identifies
    each row (n_rows,), and `train` and `test` are ordered by partition. `times` are days since 1970, or the
    numbers in a numeric column (n_rows,).
    """

    table: pd.DataFrame
    target: np.ndarray
    schema: Schema
    divide: Callable[[], Rows]
    groups: np.ndarray | None
    report: dict[str, Any]
    raw: Table
    rows: np.ndarray | None
    times: np.ndarray | None = None
    partitions: Partitions | None = None
    hashes: np.ndarray | None = None

    @property
    def train(self) -> np.ndarray:
        """The numbers of the training rows."""
        return self.divide()[0]

    @property
    def test(self) -> np.ndarray:
        """The numbers of the rows that are held out."""
        return self.divide()[1]

    @property
    def is_drawn(self) -> bool:
        """Whether any row may be held out: no group, time, partition or outlier says which."""
        apart = (self.groups, self.times, self.partitions)
        return all(one is None for one in apart) and self.schema.options.outliers == "none"

    @property
    def pooled(self) -> np.ndarray:
        """The numbers of the training rows, in the order of time if there is one."""
        if self.partitions is None or self.times is None:
            return self.train
        return self.train[np.argsort(self.times[self.train], kind="stable")]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The features (n_rows, n_columns)."""
        return features(self.table, self.schema)

    @property
    def held_out_cells(self) -> pa.Table:
        """The held-out rows as written in the files, or as your own clean function left them."""
        if self.rows is None:
            return cells_of(self.frame.iloc[self.test], self.schema)
        names = [column.name for column in self.schema.columns]
        return self.raw.cells.select(names).take(self.rows[self.test])

    @cached_property
    def subgroups(self) -> pd.DataFrame | None:
        """The columns by which an evaluation is broken down: numbers as they are, everything else as text."""
        if not self.schema.options.subgroups:
            return None
        named = self.table[list(self.schema.options.subgroups)]
        return named.apply(lambda values: values if pd.api.types.is_numeric_dtype(values) else texts(values))


def prepare(
    raw: Table,
    target: str,
    options: Options,
    family: Family | None = None,
    splitting: Splitting = Splitting(),
    steps: Path = own_steps.BESIDE,
    report: dict[str, Any] | None = None,
) -> Prepared:
    """Clean and type a table, and split its rows.

    Args:
        raw: the table as `tabular.data.tables.read_table` returns it.
        target: the column to predict.
        options: the user's settings for this table.
        family: the kind of pipeline that trains on it; None if the target decides.
        splitting: how the rows are divided.
        steps: the file of your own steps; it need not exist.
        report: is filled with what was decided, step by step, so that it is also known if the table is
            refused.

    Raises:
        BadInput: if the table cannot be trained on as it is; the sentence says why and what to do.
    """
    report = {} if report is None else report
    report |= _as_read(raw, options)
    table = own_steps.clean(raw.frame, steps)
    is_raw = table is raw.frame
    if not is_raw:
        before, after = ({"rows": len(one), "columns": len(one.columns)} for one in (raw.frame, table))
        report["custom_clean"] = {"before": before, "after": after}
    names = dict.fromkeys([*raw.frame.columns.tolist(), *raw.copies, *table.columns.tolist()])
    options.check_columns(table.columns.tolist(), target)
    if table[target].dtype == object:  # which may be nested cells, which cannot be counted
        check_cells(table[[target]], Figures(table[[target]]))
    counts = raw.decisions[target].counts if is_raw else None
    report["task"] = task_of(table[target], options, None if counts is None else len(counts))
    family = family or ("regression" if report["task"] == "regression" else "classification")
    if is_raw and family == "classification" and target not in options.merge_spellings:
        table = _with_labels(table, raw, target, options, report)
    known = {name: one.summary for name, one in raw.decisions.items() if one.summary is not None}
    figures = Figures(table, known if is_raw else {})
    table, found = clean(table, target, options, figures)
    figures = figures.of(table)
    report |= found
    report["rows_read"] += sum(raw.left_out.values())
    schema = infer_schema(table, target, family, options, raw.decisions, figures)
    rows = table.index.to_numpy() if is_raw else None
    table = table.reset_index(drop=True)
    used = {schema.target, *(column.name for column in schema.columns)}
    schema = replace(schema, others=tuple(name for name in names if name not in used))
    encoded = encode(table[schema.target], schema)
    report |= {
        "task": schema.task,
        "columns": schema.to_dict()["columns"],
        "columns_dropped": _dropped(table, schema),
        "classes": _class_counts(encoded, schema),
        "labels": list(schema.classes),
        "split": _how(splitting, schema),
        "positive": schema.positive,
    }
    decided = raw.decisions if rows is not None and len(rows) == len(raw.frame) else {}
    report["warnings"] += _doubts(table, encoded, schema, decided, figures, report)
    groups, times = _groups(table, options), _times(table, options, raw.decisions)
    report["groups"] = None if groups is None else len(np.unique(groups))
    report["warnings"] += _of_groups_and_times(table, options, raw.decisions, report["groups"])
    divide, groups, partitions, hashes = _division(table, encoded, schema, splitting, groups, times)
    if partitions is not None:
        report["warnings"] += spellings(partitions.names, "partitions")
    prepared = Prepared(
        table, encoded, schema, cache(divide), groups, report, raw, rows, times, partitions, hashes
    )
    return _counted(prepared, splitting)


def _as_read(raw: Table, options: Options) -> dict[str, Any]:
    """The beginning of the report: what the files contain."""
    return {
        "files": raw.files,
        "options": options.to_dict(),
        "warnings": list(raw.warnings),
        "evidence": {name: list(found.evidence) for name, found in raw.decisions.items()},
        "rows_read": len(raw.frame) + sum(raw.left_out.values()),
        "rows_not_data": dict(raw.left_out),
    }


def _with_labels(
    table: pd.DataFrame, raw: Table, target: str, options: Options, report: dict[str, Any]
) -> pd.DataFrame:
    """The table with the classes as they are written, and what the report says of them."""
    present, decided = table[target].notna(), raw.decisions[target]
    words = labels_among_numbers(raw.cells[target], decided.column, options)
    if words:
        cells = pc.utf8_trim_whitespace(raw.cells[target])
        present |= pc.is_in(cells, pa.array(words, cells.type)).to_numpy()
    labels = as_labels(raw.cells[target], present)
    table = table.copy(deep=False)
    table[target] = labels
    if decided.column.kind == "date":
        said = (
            "dates, each of which is taken as a class; to predict a quantity, such as the days until "
            "then, or their months or weekdays, write these in the clean function of your own steps."
        )
        report["warnings"].append(warning(target, said))
    if words or decided.column.kind == "boolean":  # any word is a label
        report["warnings"] = [one for one in raw.warnings if one["column"] != target]
        report["evidence"][target] = ["labels, kept as they are written"]
    return table


def _doubts(
    table: pd.DataFrame,
    target: np.ndarray,
    schema: Schema,
    decisions: Mapping[str, Decision],
    figures: Figures,
    report: Mapping[str, Any],
) -> list[dict[str, str | None]]:
    """Warnings about the rows that are used."""
    with threads_for(table.size) as threads:  # NumPy and pyarrow leave Python's lock to each other
        again = threads.submit(repetitions, table, schema.options)
        more = threads.submit(misleading, table, target, schema, report, figures)
        said = doubts(table, schema, decisions, figures)
        return again.result() + said + more.result()


def _division(
    table: pd.DataFrame,
    target: np.ndarray,
    schema: Schema,
    splitting: Splitting,
    groups: np.ndarray | None,
    times: np.ndarray | None,
) -> tuple[Callable[[], Rows], np.ndarray | None, Partitions | None, np.ndarray | None]:
    """What divides the rows, and their groups, partitions and hashes, which it needs."""
    how = (splitting.test_size, splitting.stratify, splitting.random_state)
    if not schema.options.partition:
        return partial(split, target, schema, *how, groups, times), groups, None, None
    partitions, hashes = find_partitions(table, schema), _hashes(table, target, schema)
    if groups is not None:
        groups = _in_order_of_hashes(table, groups, hashes, schema.options)
    divide = partial(hold_out, partitions, target, schema, hashes, *how, groups, times)
    return divide, groups, partitions, hashes


def _counted(prepared: Prepared, splitting: Splitting) -> Prepared:
    """The table without outliers, if they are left out; the report says how many rows each split has.

    Rows of which any may be held out are counted without being divided.
    """
    target, schema, report = prepared.target, prepared.schema, prepared.report
    counts, left_out = None, 0
    if prepared.is_drawn:
        counts = sizes(target, schema, splitting.test_size, splitting.stratify)
    if counts is None:
        train, test = prepared.divide()
        without = schema.options.outliers == "iqr"
        kept = _without_outliers(prepared.table, target, train, schema) if without else train
        counts, left_out = (len(kept), len(test)), len(train) - len(kept)
        prepared = replace(prepared, divide=partial(tuple, (kept, test)))
    report |= {"rows_outliers": left_out, "rows_train": counts[0], "rows_test": counts[1]}
    if (partitions := prepared.partitions) is not None:
        found = facts(partitions, target, schema.classes, prepared.train, prepared.test)
        report["partitions"] = found
        if found["few_rows"] == partitions.count:
            said = f"no partition has {FEWEST_ROWS} training rows, so none gets a model of its own."
            report["warnings"].append(warning(None, said))
    _check_counts(report)
    return prepared


def _without_outliers(
    table: pd.DataFrame, target: np.ndarray, train: np.ndarray, schema: Schema
) -> np.ndarray:
    """The training rows that are left without outliers."""
    numeric = replace(schema, columns=tuple(one for one in schema.columns if one.kind == "numeric"))
    kept = train[without_outliers(features(table.iloc[train], numeric), target[train], schema)]
    _check_left(target[kept], schema, len(train))
    return kept


def _groups(table: pd.DataFrame, options: Options) -> np.ndarray | None:
    """The number of each row's group (n_rows,); rows without a group form one group."""
    if options.group:
        return pd.factorize(texts(table[options.group]))[0]
    if options.repeated == "together":
        return table.groupby(list(table), dropna=False, sort=False).ngroup().to_numpy()
    return None


def _hashes(table: pd.DataFrame, target: np.ndarray, schema: Schema) -> np.ndarray:
    """A hash of each row (n_rows,): of its features and its label."""
    frame = features(table, schema)
    labels = [schema.classes[place] for place in target] if schema.classes else target
    return row_hashes(frame, labels, list(frame))


def _in_order_of_hashes(
    table: pd.DataFrame, groups: np.ndarray, hashes: np.ndarray, options: Options
) -> np.ndarray:
    """The hash of each row's group (n_rows,): of its name, or, if equal rows are a group, of these rows."""
    if not options.group:
        return hashes[np.unique(groups, return_index=True)[1]][groups]
    names = texts(table[options.group])
    codes, distinct = pd.factorize(names)
    digests = b"".join(
        blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in distinct
    )
    return np.frombuffer(digests, dtype="<u8")[codes]


def _of_groups_and_times(
    table: pd.DataFrame, options: Options, decisions: Mapping[str, Decision], groups: int | None
) -> Iterator[dict[str, str | None]]:
    """Warnings about the column by which rows are split, of which there are so many groups."""
    if options.group:
        if ungrouped := int(table[options.group].isna().sum()):
            said = f"{ungrouped} of {len(table)} rows have no group, and stay together as if they were one."
            yield warning(options.group, said)
        elif groups == len(table):
            said = "different in every row, so that no rows belong together; name another column in group."
            yield warning(options.group, said)
        names = texts(pd.Series(table[options.group].dropna().unique()))
        yield from spellings({options.group: set(names)}, "groups")
    if options.time:
        form = _column_of_time(table, options, decisions).format
        if form not in (None, ISO) and not re.search("%[yY]", form):
            said = f"read as {form}, without a year, so that rows of different years or days are mixed."
            yield warning(options.time, said)


def _column_of_time(table: pd.DataFrame, options: Options, decisions: Mapping[str, Decision]) -> Column:
    """How the times of the rows are read."""
    name = str(options.time)
    return decisions[name].column if name in decisions else column_of(name, table[name], options)


def _times(table: pd.DataFrame, options: Options, decisions: Mapping[str, Decision]) -> np.ndarray | None:
    """The time of each row (n_rows,): days since 1970, or the numbers in a numeric column."""
    if options.time is None:
        return None
    column = _column_of_time(table, options, decisions)
    if column.kind not in ("numeric", "date"):
        raise BadInput(
            f"The time column {column.name!r} is {column.kind}, but it must contain numbers, or dates in one "
            "format; write its dates as 2024-01-31."
        )
    return features(table, Schema("regression", "", (), (column,)))[column.name].to_numpy()


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
    used = {column.name for column in schema.columns} | {schema.target, *options.drop}
    why = dict.fromkeys(options.drop, "named in drop")
    for name in table.columns.tolist():
        if name in (options.group, options.time):
            why[name] = "the group of a row" if name == options.group else "the time of a row"
        elif name not in used:
            why[name] = "has only one value" if table[name].notna().any() else "is empty"
    return why


def _check_counts(report: Mapping[str, Any]) -> None:
    """Check that every row is either in a split or left out for a reported reason."""
    where = ("train", "test", "outliers", "repeated", "without_target", "without_time")
    found = sum(report[f"rows_{name}"] for name in where) + sum(report["rows_not_data"].values())
    if found != report["rows_read"]:
        raise RuntimeError(f"{report['rows_read']} rows were read, but {found} are accounted for: {report}.")


def _how(splitting: Splitting, schema: Schema) -> dict[str, Any]:
    stratified = "stratified" if splitting.stratify and schema.classes else "random"
    options = schema.options
    together = "duplicate rows together" if options.repeated == "together" else stratified
    by = "group" if options.group else "time" if options.time else together
    by = f"{by}, within each partition" if options.partition and not options.time else by
    return {"by": by, "test_size": splitting.test_size, "random_state": splitting.random_state}


def _class_counts(target: np.ndarray, schema: Schema) -> dict[str, int]:
    counts = np.bincount(target, minlength=len(schema.classes)) if schema.classes else []
    return {str(label): int(count) for label, count in zip(schema.classes, counts, strict=True)}
