"""All that is decided about a raw table before anything is fitted, in order."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.cleaning import check_cells, clean
from tabular.data.decisions.codes.spellings import DIGITS
from tabular.data.decisions.decision import AS_MISSING, Decision
from tabular.data.decisions.looks.doubts import IN_QUOTES
from tabular.data.doubts.misleading import misleading
from tabular.data.doubts.repetitions import repetitions
from tabular.data.doubts.table import doubts
from tabular.data.figures import Figures, threads_for
from tabular.data.preparation.division import (
    counted,
    division,
    doubts_of_groups_and_times,
    groups_of,
    times_of,
)
from tabular.data.preparation.prepared import DEFAULT_SPLIT, Prepared, Splitting
from tabular.data.preparation.report import as_read, class_counts, dropped, how_divided
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import as_labels, encode, labels_among_numbers
from tabular.data.splits.partitions import spellings
from tabular.data.tables import Table, task_of, warning
from tabular.spec import own_steps
from tabular.spec.columns import Family, Schema
from tabular.spec.options import Options

__all__ = ["prepare"]


def prepare(
    raw: Table,
    target: str,
    options: Options,
    family: Family | None = None,
    splitting: Splitting = DEFAULT_SPLIT,
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
    report |= as_read(raw, options)
    table = own_steps.clean(raw.frame, steps)
    is_raw = table is raw.frame
    if not is_raw:
        before, after = ({"rows": len(one), "columns": len(one.columns)} for one in (raw.frame, table))
        report["custom_clean"] = {"before": before, "after": after}
    names = dict.fromkeys([*raw.frame.columns.tolist(), *raw.copies, *table.columns.tolist()])
    options.check_columns(table.columns.tolist(), target, raw.copies)
    if table[target].dtype == object:  # which may be nested cells, which cannot be counted
        check_cells(table[[target]], Figures(table[[target]]))
    counts = raw.decisions[target].counts if is_raw else None
    report["task"] = task_of(table[target], options, None if counts is None else len(counts))
    family = family or ("regression" if report["task"] == "regression" else "classification")
    if is_raw and family == "classification" and target not in options.merge_spellings:
        table = _with_labels(table, raw, target, options, report)
    known = {name: one.summary for name, one in raw.decisions.items() if one.summary is not None}
    figures = Figures(table, known if is_raw else {})
    table, found = clean(
        table, target, options, figures, partial(times_of, options=options, decisions=raw.decisions)
    )
    figures = figures.of(table)
    report |= found
    report["rows_read"] += sum(raw.left_out.values())
    schema = infer_schema(table, target, family, options, raw.decisions, figures)
    rows = table.index.to_numpy() if is_raw else None
    table = table.reset_index(drop=True)
    used = {schema.target, *(column.name for column in schema.columns)}
    others = tuple(name for name in names if name not in used)
    features = {column.name for column in schema.columns}
    copies = {own: name for own, name in raw.copies.items() if own in others and name in features}
    schema = replace(schema, others=others, copies=copies)
    encoded = encode(table[schema.target], schema)
    report |= {
        "task": schema.task,
        "columns": schema.to_dict()["columns"],
        "columns_dropped": dropped(table, schema),
        "classes": class_counts(encoded, schema),
        "labels": list(schema.classes),
        "split": how_divided(splitting, schema),
        "positive": schema.positive,
    }
    decided = raw.decisions if rows is not None and len(rows) == len(raw.frame) else {}
    report["warnings"] += _doubts(table, encoded, schema, decided, figures, report)
    groups, times = groups_of(table, options), times_of(table, options, raw.decisions)
    report["groups"] = None if groups is None else len(np.unique(groups))
    report["warnings"] += doubts_of_groups_and_times(table, options, raw.decisions, report["groups"])
    divide, groups, partitions, hashes = division(table, encoded, schema, splitting, groups, times)
    if partitions is not None:
        report["warnings"] += spellings(partitions.names, "partitions")
    prepared = Prepared(
        table, encoded, schema, cache(divide), groups, report, raw, rows, times, partitions, hashes
    )
    return counted(prepared, splitting)


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
    elif decided.column.number is not None:  # nothing but the gaps counts of how they were read as numbers
        report["warnings"] = [
            one for one in raw.warnings if one["column"] != target or AS_MISSING in str(one["said"])
        ]
        report["evidence"][target] = ["labels, kept as they are written"]
    else:  # the quotes are part of the labels, and so are all digits
        report["warnings"] = [
            one
            for one in report["warnings"]
            if one["column"] != target or not str(one["said"]).startswith((IN_QUOTES, DIGITS))
        ]
        said_of_it = report["evidence"][target]
        report["evidence"][target] = [one for one in said_of_it if not one.startswith(DIGITS)]
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
