"""Summaries of tables before training: what is in each column, and what may mislead."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from tabular.data.features import features
from tabular.data.values.dates import as_text
from tabular.spec.columns import Column, Schema

from helpers.data.datasets import Dataset
from helpers.data.findings import of_dataset, partitions_said

__all__ = ["columns", "first_rows", "overview", "warnings"]
__dir__ = __all__.copy

SAMPLE_ROWS = 50_000  # a longer table is sampled


def overview(tables: Iterable[Dataset]) -> pd.DataFrame:
    """A row for each table: its shape, its task, its target, and how many rows have an empty cell."""
    rows = []
    for dataset in tables:
        table = dataset.read()
        rows.append(
            {
                "data set": dataset.name,
                "rows": len(table),
                "columns": table.shape[1] - 1,
                "task": dataset.task,
                "target": dataset.target,
                "values": _values(dataset),
                "rows with an empty cell": int(table.isna().any(axis=1).sum()),
                **_partitions(dataset),
            }
        )
    return pd.DataFrame(rows).set_index("data set").fillna("")


def first_rows(tables: Iterable[Dataset], rows: int = 5) -> pd.DataFrame:
    """The first rows of each table as written in the file, side by side: a line for each column."""
    shown = {}
    for dataset in tables:
        cells = dataset.table.cells.slice(0, rows)
        columns = {
            name: ["" if cell is None else cell for cell in cells[name].to_pylist()]
            for name in cells.column_names
        }
        shown[dataset.name] = pd.DataFrame.from_dict(columns, orient="index", dtype=object)
    table = pd.concat(shown, names=["data set", "column"])
    return table.rename(columns=lambda number: f"row {number + 1}")


def columns(tables: Iterable[Dataset]) -> pd.DataFrame:
    """A row for each column of each table: how it is read and why, and what is in it.

    The decisions are those of PreprocessData; for a long table, the contents are from a sample.
    """
    rows = []
    for dataset in tables:
        table = _sample(dataset)
        used = _unused(dataset)
        found = of_dataset(dataset)["columns"]
        for name in table:
            values = _single(table[name])
            column = dataset.columns[name]
            common = values.value_counts()
            rows.append(
                {
                    "data set": dataset.name,
                    "column": name,
                    "type": f"{column.kind}, {used[name]}" if name in used else column.kind,
                    "empty": f"{values.isna().mean():.0%}",
                    "distinct": values.nunique(),
                    "range": _range(values, column),
                    "most frequent": f"{_short(common.index[0])} ({common.iloc[0] / len(values):.0%})"
                    if len(common)
                    else "",
                    "evidence": "; ".join(one.rstrip(".") for one in found[name]["evidence"]),
                }
            )
    return pd.DataFrame(rows).set_index(["data set", "column"])


def warnings(tables: Iterable[Dataset]) -> pd.DataFrame:
    """What may mislead, one row each: the column, the finding, and what to do about it.

    PreprocessData will report the same, and so does `many-models check`.
    """
    rows = [
        (dataset.name, found["column"] or "(table)", found["said"])
        for dataset in tables
        for found in dataset.checked.report["warnings"]
    ]
    found = pd.DataFrame(rows, columns=["data set", "column", "finding"]).set_index(["data set", "column"])
    found.attrs["instead"] = "The check found nothing in these tables that may mislead."
    return found


def _partitions(dataset: Dataset) -> dict[str, str]:
    """What the partitions of a table are like, for the overview; empty for a table without."""
    found = dataset.checked.report.get("partitions")
    return {"partitions": partitions_said(found)} if found else {}


def _unused(dataset: Dataset) -> dict[str, str]:
    """The use of each column that is not a feature."""
    options = dataset.options
    named = {dataset.target: "target", options.group: "group", options.time: "time"}
    used = {**named, **dict.fromkeys(options.partition, "partition")}
    return dict.fromkeys(options.drop, "dropped") | {name: use for name, use in used.items() if name}


def _sample(dataset: Dataset) -> pd.DataFrame:
    table = dataset.read()
    return table if len(table) <= SAMPLE_ROWS else table.sample(SAMPLE_ROWS, random_state=0)


def _single(values: pd.Series) -> pd.Series:
    """The cells of a column, as text if they are lists or objects, which cannot be counted."""
    if pd.api.types.infer_dtype(values) != "mixed":
        return values
    return values.map(lambda cell: str(cell) if isinstance(cell, list | dict | np.ndarray) else cell)


def _values(dataset: Dataset) -> str:
    target = dataset.read()[dataset.target]
    if dataset.family == "regression":
        return f"{_range(target, dataset.columns[dataset.target])}, mean {target.mean():.4g}"
    counts = target.value_counts().sort_index()
    more = f" and {len(counts) - 5} more" if len(counts) > 5 else ""
    positive = dataset.checked.report.get("positive")
    shown = [
        f"{label}: {count}{' (positive)' if positive is not None and label == positive else ''}"
        for label, count in counts.head(5).items()
    ]
    return ", ".join(shown) + more


def _range(values: pd.Series, column: Column) -> str:
    present = values.dropna()
    if column.kind == "numeric":
        numbers = pd.to_numeric(present)
        return f"{numbers.min():.4g} to {numbers.max():.4g}" if len(numbers) else ""
    if column.kind == "date":
        days = features(present.to_frame(), Schema("regression", "", (), (column,)))[column.name].dropna()
        ends = as_text(np.array([days.min(), days.max()]), "%Y-%m-%d")
        return f"{ends[0]} to {ends[1]}" if len(days) else ""
    return ""


def _short(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 30 else f"{text[:27]}..."
