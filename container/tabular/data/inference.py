"""The schema of a cleaned table: its task, its classes, and the kind of each column."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from tabular.data.numbers import FoundNumbers
from tabular.data.tables import MAX_CLASSES, column_of
from tabular.spec.columns import PLAIN, Column, Family, Schema, Task
from tabular.spec.errors import BadInput
from tabular.spec.options import DEFAULTS, Options

__all__ = ["encode", "infer_schema"]

NOTHING_FOUND: Mapping[str, FoundNumbers] = MappingProxyType({})


def infer_schema(
    table: pd.DataFrame,
    target: str,
    family: Family,
    options: Options = DEFAULTS,
    numbers: Mapping[str, FoundNumbers] = NOTHING_FOUND,
) -> Schema:
    """The schema of a table, without the columns that are constant or empty and without group and time.

    Raises:
        BadInput: if the target does not fit the task family or the options, or no column is usable.
    """
    task, classes = _task(table[target], family, options)
    if options.log_target and (task != "regression" or table[target].min() <= -1):
        seen = f"the smallest is {table[target].min()}" if task == "regression" else f"the task is {task}"
        raise BadInput(f"log_target needs a target of numbers greater than -1, and {seen}; leave it out.")
    if options.class_weight != "none" and task == "regression":
        raise BadInput("class_weight is only for classification, and the target is a number; leave it out.")
    apart = {target, options.group, options.time, *options.drop}
    names = [name for name in table.columns if name not in apart and table[name].nunique(dropna=False) > 1]
    if not names:
        raise BadInput(
            "No column except the target has more than one value; add columns from which the target can be "
            "predicted."
        )
    columns = tuple(_written(column_of(name, table[name], options), numbers) for name in names)
    return Schema(task, target, classes, columns, options)


def _written(column: Column, numbers: Mapping[str, FoundNumbers]) -> Column:
    """The column with the format of its numbers, if one was detected in the raw table."""
    found = numbers.get(column.name)
    if found is None or column.kind != "numeric":
        return column
    return replace(
        column,
        number=None if found.format == PLAIN else found.format,
        missing=tuple(found.gaps) or None,
    )


def encode(target: pd.Series, schema: Schema) -> np.ndarray:
    """Labels as their positions in `schema.classes`, or the numbers themselves for regression: (n_rows,)."""
    if schema.task == "regression":
        return target.to_numpy(dtype=np.float64)
    positions = {label: position for position, label in enumerate(schema.classes)}
    return np.array([positions[label] for label in _labels(target)], dtype=np.int64)


def _task(target: pd.Series, family: Family, options: Options) -> tuple[Task, tuple[str | int | float, ...]]:
    if options.task != "auto" and (options.task == "regression") != (family == "regression"):
        right = "regression" if options.task == "regression" else "classification"
        raise BadInput(
            f"The option task is {options.task}, but this is the {family} pipeline; start the {right} "
            "pipeline, or change the option."
        )
    if family == "regression":
        if not pd.api.types.is_numeric_dtype(target):
            raise BadInput(
                f"The target {target.name!r} is not numeric; use the classification pipeline for labels."
            )
        if target.nunique() < 2:
            raise BadInput(
                f"The target {target.name!r} contains only {target.iloc[0]}, so there is nothing to predict; "
                "choose another target."
            )
        return "regression", ()
    classes = _classes(target)
    task: Task = "binary" if len(classes) == 2 else "multiclass"
    if options.task not in ("auto", task):
        raise BadInput(
            f"The option task is {options.task}, but the target {target.name!r} has {len(classes)} classes; "
            "leave the option out."
        )
    return task, classes


def _classes(target: pd.Series) -> tuple[str | int | float, ...]:
    labels = sorted(set(_labels(target)))
    if len(labels) < 2:
        raise BadInput(
            f"The target {target.name!r} contains only {labels[0]!r}; classification needs two classes."
        )
    if len(labels) > MAX_CLASSES:
        raise BadInput(
            f"The target {target.name!r} has {len(labels)} distinct values, and at most {MAX_CLASSES} "
            "classes are allowed; use the regression pipeline to predict a quantity."
        )
    return tuple(labels)


def _labels(target: pd.Series) -> list[str | int | float]:
    """The labels in their own type and spelling."""
    if pd.api.types.is_bool_dtype(target) or not pd.api.types.is_numeric_dtype(target):
        return [str(label) for label in target]
    labels = target.tolist()
    # A column of integers with a missing value is read as floats.
    whole = all(float(label).is_integer() for label in labels)
    return [int(label) for label in labels] if whole else labels
