"""schema.json next to a split, which PreprocessData writes; it is part of every manifest."""

from typing import Any, NotRequired, TypedDict

from tabular.spec.columns import Kind, Task

__all__ = ["ColumnDocument", "Label", "NumberFormatDocument", "SchemaDocument"]

Label = str | int | float


class NumberFormatDocument(TypedDict):
    """How the numbers of a column are written."""

    decimal: str
    thousands: str
    affixes: list[str]
    scales: NotRequired[dict[str, float]]
    offsets: NotRequired[dict[str, float]]
    notations: NotRequired[list[str]]


class ColumnDocument(TypedDict):
    """A feature, and how its cells are read if they are not plain."""

    name: str
    kind: Kind
    format: NotRequired[str]
    number: NotRequired[NumberFormatDocument]
    missing: NotRequired[list[str]]
    time: NotRequired[bool]
    spellings: NotRequired[list[str]]
    whole: NotRequired[str]
    blanks: NotRequired[bool]
    flag: NotRequired[bool]


class SchemaDocument(TypedDict):
    """`tabular.spec.columns.Schema` as JSON."""

    task: Task
    target: str
    classes: list[Label]
    positive: NotRequired[Label]
    columns: list[ColumnDocument]
    options: dict[str, Any]
    baseline: dict[str, Any]
    others: NotRequired[list[str]]
    copies: NotRequired[dict[str, str]]
