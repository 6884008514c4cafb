"""What a table's columns are: the types found by PreprocessData, which travel with the model."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from tabular.cells import BOOLEANS, category

__all__ = ["Column", "Schema", "features", "read_split", "write_split"]

Family = Literal["classification", "regression"]
Kind = Literal["numeric", "boolean", "categorical", "date"]
Task = Literal["binary", "multiclass", "regression"]


@dataclass(frozen=True)
class Column:
    """A feature: its name in the table and how its cells are read; a date's by its strptime format."""

    name: str
    kind: Kind
    format: str | None = None


@dataclass(frozen=True)
class Schema:
    """The features in the order of the table, and what is to be predicted.

    `classes` are the target's labels in their own type and spelling; the splits hold their positions in
    this list. It is empty for a regression.
    """

    task: Task
    target: str
    classes: tuple[str | int | float, ...]
    columns: tuple[Column, ...]

    @property
    def family(self) -> Family:
        """Which estimators and tuning ranges apply."""
        return "regression" if self.task == "regression" else "classification"

    def of_kind(self, *kinds: Kind) -> list[str]:
        """Names of the columns of these kinds, in the order of the table."""
        return [column.name for column in self.columns if column.kind in kinds]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        columns = [{k: v for k, v in asdict(c).items() if v is not None} for c in self.columns]
        return {**asdict(self), "columns": columns}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Schema":
        """The inverse of `to_dict`."""
        columns = tuple(Column(**column) for column in values["columns"])
        return cls(values["task"], values["target"], tuple(values["classes"]), columns)


def features(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The columns of a raw table as the estimators get them, row by row and without anything fitted.

    Numbers and booleans become float64 with NaN where a cell is empty; categories become text, in which an
    empty cell is the empty text, a level like any other.
    """
    columns = {}
    for column in schema.columns:
        values = frame[column.name]
        if column.kind == "numeric":
            columns[column.name] = pd.to_numeric(values).astype(np.float64)
        elif column.kind == "boolean":
            columns[column.name] = as_boolean(values)
        else:
            present = values.astype(object).where(values.notna(), None)
            columns[column.name] = pd.Series(map(category, present), values.index, dtype=object)
    return pd.DataFrame(columns, index=frame.index)


def as_boolean(values: pd.Series) -> pd.Series:
    """1.0 for true, 0.0 for false, NaN for an empty cell or another word."""
    words = values.map(str, na_action="ignore").str.strip().str.lower()
    return words.map(BOOLEANS).astype(np.float64)


def write_split(folder: Path, frame: pd.DataFrame, target: Sequence[float], schema: Schema) -> None:
    """Write features, encoded target and schema of one split."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = frame.copy()
    frame[schema.target] = target
    frame.to_parquet(folder / "data.parquet", index=False)
    (folder / "schema.json").write_text(json.dumps(schema.to_dict(), indent=1))


def read_split(folder: Path) -> tuple[pd.DataFrame, np.ndarray, Schema]:
    """Features (n_rows, n_columns), encoded target (n_rows,) and schema, as `write_split` left them."""
    schema = Schema.from_dict(json.loads((folder / "schema.json").read_text()))
    frame = pd.read_parquet(folder / "data.parquet")
    for name in schema.of_kind("categorical"):
        frame[name] = frame[name].astype(object)
    return frame[[column.name for column in schema.columns]], frame[schema.target].to_numpy(), schema
