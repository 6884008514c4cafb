"""Which rows train and which are held out, by groups, times and partitions."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from hashlib import blake2b

import numpy as np
import pandas as pd

from tabular.data.decisions.decide import column_of
from tabular.data.decisions.decision import Decision
from tabular.data.features import features, texts
from tabular.data.preparation.prepared import Prepared, Splitting
from tabular.data.preparation.report import check_counts
from tabular.data.splits.partitioned import hold_out
from tabular.data.splits.partitions import FEWEST_ROWS, Partitions, facts, find_partitions, spellings
from tabular.data.splits.rows import Rows, sizes, split, without_outliers
from tabular.data.splits.statistics import row_hashes
from tabular.data.tables import warning
from tabular.data.values.dates import ISO
from tabular.spec.columns import Column, Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import Options

__all__ = ["counted", "division", "doubts_of_groups_and_times", "groups_of", "times_of"]


def groups_of(table: pd.DataFrame, options: Options) -> np.ndarray | None:
    """The number of each row's group (n_rows,); rows without a group form one group."""
    if options.group:
        return pd.factorize(texts(table[options.group]))[0]
    if options.repeated == "together":
        return table.groupby(list(table), dropna=False, sort=False).ngroup().to_numpy()
    return None


def times_of(table: pd.DataFrame, options: Options, decisions: Mapping[str, Decision]) -> np.ndarray | None:
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


def _column_of_time(table: pd.DataFrame, options: Options, decisions: Mapping[str, Decision]) -> Column:
    """How the times of the rows are read."""
    name = str(options.time)
    return decisions[name].column if name in decisions else column_of(name, table[name], options)


def doubts_of_groups_and_times(
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


def division(
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


def counted(prepared: Prepared, splitting: Splitting) -> Prepared:
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
    check_counts(report)
    return prepared


def _without_outliers(
    table: pd.DataFrame, target: np.ndarray, train: np.ndarray, schema: Schema
) -> np.ndarray:
    """The training rows that are left without outliers."""
    numeric = replace(schema, columns=tuple(one for one in schema.columns if one.kind == "numeric"))
    kept = train[without_outliers(features(table.iloc[train], numeric), target[train], schema)]
    _check_left(target[kept], schema, len(train))
    return kept


def _check_left(target: np.ndarray, schema: Schema, before: int) -> None:
    classes = set(range(len(schema.classes)))
    absent = sorted(classes - set(target.tolist()))
    if len(target) < before / 2 or absent:
        raise BadInput(
            f"Without outliers, {len(target)} of {before} training rows are left"
            f"{f', none of the class {schema.classes[absent[0]]!r}' if absent else ''}, which is too few; "
            "set outliers to none."
        )
