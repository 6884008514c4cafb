"""What a table's columns are: the types found by PreprocessData, which travel with the model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from tabular.cells import BOOLEANS, category
from tabular.dates import PER_DAY, as_text, day_number
from tabular.options import DEFAULTS, Options

__all__ = [
    "Column",
    "Schema",
    "as_rows",
    "features",
    "read_groups",
    "read_split",
    "texts",
    "write_split",
]

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
    this list. It is empty for a regression. `baseline` is what `tabular.baseline` found in the rows of
    training, by column.
    """

    task: Task
    target: str
    classes: tuple[str | int | float, ...]
    columns: tuple[Column, ...]
    options: Options = DEFAULTS
    baseline: Mapping[str, Any] = field(default_factory=dict)

    @property
    def family(self) -> Family:
        """Which estimators and tuning ranges apply."""
        return "regression" if self.task == "regression" else "classification"

    def of_kind(self, *kinds: Kind) -> list[str]:
        """Names of the columns of these kinds, in the order of the table."""
        return [column.name for column in self.columns if column.kind in kinds]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "task": self.task,
            "target": self.target,
            "classes": self.classes,
            "columns": [{k: v for k, v in vars(column).items() if v is not None} for column in self.columns],
            "options": self.options.to_dict(),
            "baseline": self.baseline,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Schema":
        """The inverse of `to_dict`."""
        return cls(
            values["task"],
            values["target"],
            tuple(values["classes"]),
            tuple(Column(**column) for column in values["columns"]),
            Options.from_dict(values.get("options", {})),
            values.get("baseline", {}),
        )


def features(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The columns of a raw table as the estimators get them, row by row and without anything fitted.

    Numbers and booleans become float64 with NaN where a cell is empty, dates the days since 1970;
    categories become text, in which an empty cell is the empty text, a level like any other.
    """
    columns = {}
    for column in schema.columns:
        values = frame[column.name]
        if column.kind == "numeric":
            columns[column.name] = pd.to_numeric(values).astype(np.float64)
        elif column.kind == "boolean":
            columns[column.name] = as_boolean(values)
        elif column.kind == "date":
            columns[column.name] = _days(values, str(column.format))
        else:
            columns[column.name] = texts(values)
    return pd.DataFrame(columns, index=frame.index)


def texts(values: pd.Series) -> pd.Series:
    """Cells as text, empty where one is missing."""
    present = values.astype(object).where(values.notna(), None)
    levels: dict[tuple[type, Any], str] = {}  # each once; by type, too, as True equals 1
    found = [levels.setdefault((type(cell), cell), category(cell)) for cell in present]
    return pd.Series(found, values.index, dtype=object)


def as_boolean(values: pd.Series) -> pd.Series:
    """1.0 for true, 0.0 for false, NaN for an empty cell or another word."""
    words = values.map(str, na_action="ignore").str.strip().str.lower()
    return words.map(BOOLEANS).astype(np.float64)


def as_rows(frame: pd.DataFrame, schema: Schema) -> list[list[Any]]:
    """Features as the cells of a request: None where one is missing, dates as texts of their format."""
    cells = frame.astype(object).where(frame.notna(), None)
    for column in schema.columns:
        if column.kind == "date":
            written = as_text(frame[column.name].to_numpy(), str(column.format))
            cells[column.name] = pd.Series(written, frame.index, dtype=object)
    return cells.to_numpy().tolist()


def write_split(
    folder: Path,
    frame: pd.DataFrame,
    target: Sequence[float],
    schema: Schema,
    groups: np.ndarray | None = None,
    subgroups: pd.DataFrame | None = None,
) -> None:
    """Write features, encoded target and schema of one split; beside them, if given, what is no feature.

    Args:
        folder: where to write.
        frame: the features (n_rows, n_columns).
        target: the encoded target (n_rows,).
        schema: what the columns are.
        groups: the number of each row's group (n_rows,), which folds keep together.
        subgroups: the columns (n_rows, n) by whose levels an evaluation is split, as texts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frame = frame.copy()
    frame[schema.target] = target
    frame.to_parquet(folder / "data.parquet", index=False)
    (folder / "schema.json").write_text(json.dumps(schema.to_dict(), indent=1))
    if groups is not None:
        pd.DataFrame({"group": groups}).to_parquet(folder / "groups.parquet", index=False)
    if subgroups is not None:
        subgroups.to_parquet(folder / "subgroups.parquet", index=False)


def read_split(folder: Path) -> tuple[pd.DataFrame, np.ndarray, Schema]:
    """Features (n_rows, n_columns), encoded target (n_rows,) and schema, as `write_split` left them."""
    schema = Schema.from_dict(json.loads((folder / "schema.json").read_text()))
    frame = pd.read_parquet(folder / "data.parquet")
    for name in schema.of_kind("categorical"):
        frame[name] = frame[name].astype(object)
    return frame[[column.name for column in schema.columns]], frame[schema.target].to_numpy(), schema


def read_groups(folder: Path) -> np.ndarray | None:
    """The number of each row's group (n_rows,), None where rows have none."""
    file = folder / "groups.parquet"
    return pd.read_parquet(file)["group"].to_numpy() if file.exists() else None


def _days(values: pd.Series, form: str) -> pd.Series:
    if not pd.api.types.is_datetime64_any_dtype(values):
        return values.map(lambda cell: day_number(cell, form)).astype(np.float64)
    if values.dt.tz is not None:
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    days = values.to_numpy().astype("datetime64[us]").astype(np.int64) / PER_DAY
    return pd.Series(days, values.index).where(values.notna())
