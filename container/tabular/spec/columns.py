"""The columns of a table and their types, which PreprocessData detects and the model carries with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tabular.spec.options import DEFAULTS, Options

__all__ = ["PLAIN", "Column", "Family", "Kind", "NumberFormat", "Schema", "Task", "as_read"]

Family = Literal["classification", "regression"]


Kind = Literal["numeric", "boolean", "categorical", "date"]


Task = Literal["binary", "multiclass", "regression"]


class NumberFormat(NamedTuple):
    """How numbers are written: the decimal and thousands separators, and what stands around the digits.

    `affixes` are the currency, the units and the marks, such as `<`. `scales` says by how much a number is
    multiplied that has one of several units, such as 0.001 for g in a column of kg, and `offsets` what is
    then added, as for °F in a column of °C. `notations` are those of numbers in several parts, such as
    1h 30min, see `tabular.data.values.composed`.
    """

    decimal: str = "."
    thousands: str = ""
    affixes: tuple[str, ...] = ()
    scales: tuple[tuple[str, float], ...] = ()
    offsets: tuple[tuple[str, float], ...] = ()
    notations: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; scales, offsets and notations only where there are any."""
        plain = {"decimal": self.decimal, "thousands": self.thousands, "affixes": list(self.affixes)}
        further = {
            "scales": dict(self.scales),
            "offsets": dict(self.offsets),
            "notations": list(self.notations),
        }
        return plain | {name: value for name, value in further.items() if value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "NumberFormat":
        """The inverse of `to_dict`."""
        scales, offsets = (tuple(values.get(name, {}).items()) for name in ("scales", "offsets"))
        notations = tuple(values.get("notations", ()))
        return cls(
            values["decimal"], values["thousands"], tuple(values["affixes"]), scales, offsets, notations
        )


PLAIN = NumberFormat()


@dataclass(frozen=True)
class Column:
    """A feature: its name in the table and how its cells are read.

    `format` is the strptime format of dates. `number` is the format of numbers, if they are not plain.
    `missing` lists the strings that mean a missing value in this column, in addition to the empty cell and,
    unless it is categorical, the usual words. `time` says whether dates have a time of day.
    `spellings` lists the levels of a category, if texts that differ from them only in blanks, case or Unicode
    form mean the same. `whole` says how a category writes its levels if all are numbers: whole ones with
    nothing after them, any with as many decimals as in `.00`, or with zeros at their beginning, such as `05`
    for five digits. A number that is written in another of these ways is the same level. `blanks` is
    true if blanks at the end of a level count, because some levels differ in nothing else. `flag` is true if
    all numbers are 1 and 0, so that true and false mean them in a request.
    """

    name: str
    kind: Kind
    format: str | None = None
    number: NumberFormat | None = None
    missing: tuple[str, ...] | None = None
    time: bool | None = None
    spellings: tuple[str, ...] | None = None
    whole: str | None = None
    blanks: bool | None = None
    flag: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values, without the fields that are not set."""
        said = {name: value for name, value in vars(self).items() if value is not None}
        return said | ({"number": self.number.to_dict()} if self.number else {})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Column":
        """The inverse of `to_dict`."""
        given = dict(values)
        if number := given.pop("number", None):
            given["number"] = NumberFormat.from_dict(number)
        for name in ("missing", "spellings"):
            if name in given:
                given[name] = tuple(given[name])
        return cls(**given)


def as_read(columns: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What decides how the cells of columns, as documents, are read.

    It is all but `flag`, which only lets requests write two numbers as words, and which earlier models lack.
    """
    return [{field: value for field, value in column.items() if field != "flag"} for column in columns]


@dataclass(frozen=True)
class Schema:
    """The features in the order of the table, and the target to predict.

    `classes` lists the target's labels in their own type and spelling; the splits contain their positions in
    this list. It is empty for regression. `positive` is the class of two whose precision, recall and curves
    are reported; it is None for other targets, and in an older model, for which it is the second. `others`
    lists the table's columns that are neither features nor the target; clients may send them, too. `baseline`
    holds the statistics of the training rows by column, see `tabular.data.splits.statistics`. `copies` names,
    for each of the others that was left out because its cells are those of a feature of the same name, this
    feature; where a request has both, they must have the same cells, too.
    """

    task: Task
    target: str
    classes: tuple[str | int | float, ...]
    columns: tuple[Column, ...]
    options: Options = DEFAULTS
    baseline: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    positive: str | int | float | None = None
    copies: Mapping[str, str] = field(default_factory=dict)

    @property
    def family(self) -> Family:
        """Which estimators and tuning ranges apply."""
        return "regression" if self.task == "regression" else "classification"

    def of_kind(self, *kinds: Kind) -> list[str]:
        """The names of the columns of these kinds, in the order of the table."""
        return [column.name for column in self.columns if column.kind in kinds]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "task": self.task,
            "target": self.target,
            "classes": self.classes,
            "columns": [column.to_dict() for column in self.columns],
            "options": self.options.to_dict(),
            "baseline": self.baseline,
            "others": self.others,
            **({} if self.positive is None else {"positive": self.positive}),
            **({"copies": dict(self.copies)} if self.copies else {}),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Schema":
        """The inverse of `to_dict`."""
        return cls(
            values["task"],
            values["target"],
            tuple(values["classes"]),
            tuple(map(Column.from_dict, values["columns"])),
            Options.from_dict(values.get("options", {})),
            values.get("baseline", {}),
            tuple(values.get("others", ())),
            values.get("positive"),
            values.get("copies", {}),
        )
