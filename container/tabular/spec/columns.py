"""What a table's columns are: the types found by PreprocessData, which travel with the model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tabular.spec.options import DEFAULTS, Options

__all__ = ["Column", "Family", "Kind", "Schema", "Task"]

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
    this list. It is empty for a regression. `others` are the table's columns that are neither a feature nor
    the target, which clients may send all the same. `baseline` is what `tabular.data.statistics` found in the
    rows of training, by column.
    """

    task: Task
    target: str
    classes: tuple[str | int | float, ...]
    columns: tuple[Column, ...]
    options: Options = DEFAULTS
    baseline: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()

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
            "others": self.others,
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
            tuple(values.get("others", ())),
        )
