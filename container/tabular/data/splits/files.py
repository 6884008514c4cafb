"""The files of a split: features, encoded target and schema, and the columns that are not features."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tabular.spec.columns import Schema

__all__ = [
    "CELLS",
    "read_cells",
    "read_groups",
    "read_split",
    "read_subgroups",
    "read_training",
    "write_split",
]

FIRST = 1_000  # rows
SUBGROUPS, CELLS, TRAINING = "subgroups.parquet", "cells.parquet", "training.json"


def write_split(
    folder: Path,
    frame: pd.DataFrame,
    target: Sequence[float],
    schema: Schema,
    groups: np.ndarray | None = None,
    subgroups: pd.DataFrame | None = None,
    cells: pa.Table | None = None,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Write features, encoded target and schema of one split, and the others if they are given.

    Args:
        folder: where to write.
        frame: the features (n_rows, n_columns).
        target: the encoded target (n_rows,).
        schema: the schema of the columns.
        groups: the number of each row's group (n_rows,), which folds keep together.
        subgroups: the columns (n_rows, n) by which an evaluation is broken down.
        cells: the rows as written in the table (n_rows, n_columns), see `tabular.data.splits.held_out`.
        training: the distributions of the training rows, see `tabular.monitoring.baseline`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frame = frame.copy(deep=False)
    frame[schema.target] = target
    frame.to_parquet(folder / "data.parquet", index=False, use_dictionary=_repeating(frame))
    (folder / "schema.json").write_text(json.dumps(schema.to_dict(), indent=1))
    if groups is not None:
        pd.DataFrame({"group": groups}).to_parquet(folder / "groups.parquet", index=False)
    if subgroups is not None:
        subgroups.to_parquet(folder / SUBGROUPS, index=False)
    if cells is not None:
        pq.write_table(cells, folder / CELLS)
    if training is not None:
        (folder / TRAINING).write_text(json.dumps(training))


def _repeating(frame: pd.DataFrame) -> list[str]:
    """The columns whose cells repeat, which a dictionary makes shorter; to try it with others takes long."""
    first = frame.head(FIRST)
    numbers = first.select_dtypes(np.float64)
    ordered = np.sort(np.nan_to_num(numbers.to_numpy()), axis=0)  # thousands of columns at once
    distinct = dict(
        zip(numbers.columns.tolist(), (np.diff(ordered, axis=0) != 0).sum(axis=0) + 1, strict=True)
    )
    others = first.columns.difference(numbers.columns, sort=False).tolist()
    distinct |= {name: first[name].nunique() for name in others}
    return [name for name, count in distinct.items() if count * 2 <= len(first)]


def read_split(folder: Path) -> tuple[pd.DataFrame, np.ndarray, Schema]:
    """Features (n_rows, n_columns), encoded target (n_rows,) and schema, as `write_split` wrote them."""
    schema = Schema.from_dict(json.loads((folder / "schema.json").read_text()))
    frame = _read(folder / "data.parquet")
    for name in schema.of_kind("categorical"):
        frame[name] = frame[name].astype(object)
    return frame[[column.name for column in schema.columns]], frame[schema.target].to_numpy(), schema


def read_cells(folder: Path) -> pa.Table | None:
    """The rows of a split as written in the table; None if they were not written."""
    file = folder / CELLS
    return pq.read_table(file) if file.exists() else None


def read_training(folder: Path) -> dict[str, Any] | None:
    """The distributions of the training rows; None if they were not written."""
    file = folder / TRAINING
    return json.loads(file.read_text()) if file.exists() else None


def read_groups(folder: Path) -> np.ndarray | None:
    """The number of each row's group (n_rows,); None if the rows have no groups."""
    file = folder / "groups.parquet"
    return _read(file)["group"].to_numpy() if file.exists() else None


def read_subgroups(folder: Path) -> pd.DataFrame | None:
    """The subgroup columns that PreprocessData wrote next to a split, row by row; None without any."""
    path = folder / SUBGROUPS
    return _read(path) if path.exists() else None


def _read(file: Path) -> pd.DataFrame:
    """The rows of a file; pandas takes up to twice as long, because it looks for a whole data set."""
    with pq.ParquetFile(file) as opened:
        return opened.read().to_pandas()
