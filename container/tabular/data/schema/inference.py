"""The schema of a cleaned table: its task, its classes, and the kind of each column."""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pandas as pd

from tabular.data.decisions.arrow import as_arrow
from tabular.data.decisions.decide import column_of, decide
from tabular.data.decisions.decision import Decision
from tabular.data.figures import Figures, Summary
from tabular.data.schema.labels import Label, distinct
from tabular.data.schema.positive import positive_of
from tabular.data.tables import MAX_CLASSES
from tabular.data.values.dates import ISO
from tabular.data.values.many_dates import SEVERAL
from tabular.spec.columns import Column, Family, Schema, Task
from tabular.spec.errors import BadInput
from tabular.spec.options import DEFAULTS, Options

__all__ = ["NONE_DECIDED", "infer_schema"]

FIRST = 100  # rows
NONE_DECIDED: Mapping[str, Decision] = MappingProxyType({})


def infer_schema(
    table: pd.DataFrame,
    target: str,
    family: Family,
    options: Options = DEFAULTS,
    decisions: Mapping[str, Decision] = NONE_DECIDED,
    figures: Figures | None = None,
) -> Schema:
    """The schema of a table, without the columns that are constant or empty and without group and time.

    Args:
        table: the cleaned rows.
        target: the column to predict.
        family: whether labels or numbers are predicted.
        options: the user's settings.
        decisions: what was decided about the raw columns; a column that your own clean function added, or
            turned into another kind, is decided here.
        figures: what is known of the table's numbers, if it was found before.

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
    known = (figures or Figures(table)).summaries
    names = [
        name
        for name in table.columns.tolist()
        if name not in apart
        and not (known[name].is_constant(len(table)) if name in known else _is_constant(table[name]))
    ]
    if not names:
        raise BadInput(
            "No column except the target has more than one value; add columns from which the target can be "
            "predicted."
        )
    kinds = dict(zip(table.columns.tolist(), table.dtypes, strict=True))
    columns = tuple(
        found.column
        if (found := decisions.get(name)) is not None and found.read.dtype == kinds[name]
        else column_of(name, table[name], options)
        for name in names
    )
    columns = tuple(
        replace(column, flag=True) if _is_flag(column, table, known.get(column.name)) else column
        for column in columns
    )
    positive = positive_of(classes, target, options)
    return Schema(task, target, classes, columns, options, positive=positive)


def _is_flag(column: Column, table: pd.DataFrame, summary: Summary | None) -> bool:
    """Whether all numbers of a column are 1 and 0, however they are written; it then has both."""
    if column.kind != "numeric":
        return False
    if summary is not None:
        ends = summary.low, summary.high
        return ends == (0, 1) and summary.lows + summary.highs + summary.missing == len(table)
    values = table[column.name]
    return pd.api.types.is_integer_dtype(values) and (values.min(), values.max()) == (0, 1)


def _is_constant(values: pd.Series) -> bool:
    """Whether all cells are the same; most columns show within a few rows that they are not."""
    return values.head(FIRST).nunique(dropna=False) <= 1 and values.nunique(dropna=False) <= 1


def _task(target: pd.Series, family: Family, options: Options) -> tuple[Task, tuple[Label, ...]]:
    if options.task != "auto" and (options.task == "regression") != (family == "regression"):
        right = "regression" if options.task == "regression" else "classification"
        raise BadInput(
            f"The option task is {options.task}, but this is the {family} pipeline; start the {right} "
            "pipeline, or change the option."
        )
    if family == "regression":
        if not pd.api.types.is_numeric_dtype(target):
            numbers = pd.to_numeric(target.astype(str), errors="coerce")
            text = target[numbers.isna()].iloc[0] if numbers.isna().any() else target.iloc[0]
            _check_is_no_date(target, options)
            raise BadInput(
                f"The target {target.name!r} contains {str(text)!r}, which is not a number, and the task is "
                "regression; leave the option task out to predict labels, or fix the cell."
            )
        if target.nunique() < 2:
            raise BadInput(
                f"The target {target.name!r} contains only {target.iloc[0]}, so there is nothing to predict; "
                "choose another target."
            )
        return "regression", ()
    classes = _classes(target, options)
    task: Task = "binary" if len(classes) == 2 else "multiclass"
    if options.task not in ("auto", task):
        raise BadInput(
            f"The option task is {options.task}, but the target {target.name!r} has {len(classes)} classes; "
            "leave the option out."
        )
    return task, classes


def _classes(target: pd.Series, options: Options) -> tuple[Label, ...]:
    labels = sorted(distinct(target)[1])
    if len(labels) < 2:
        raise BadInput(
            f"The target {target.name!r} contains only {labels[0]!r}; classification needs two classes."
        )
    if len(labels) > MAX_CLASSES:
        _check_is_no_date(target, options)
        found = decide(str(target.name), as_arrow(target.astype(object)), options)
        telling = found.column.kind != "numeric" and not "".join(found.doubts).startswith("a category")
        looks = f" It looks like {found.doubts[0]}" if found.doubts and telling else ""
        raise BadInput(
            f"The target {target.name!r} has {len(labels)} distinct values, and at most {MAX_CLASSES} "
            f"classes are allowed; use the regression pipeline to predict a quantity.{looks}"
        )
    return tuple(labels)


def _check_is_no_date(target: pd.Series, options: Options) -> None:
    """Check that a target, which is neither a number nor a class, is not a date either.

    Raises:
        BadInput: if it is; the sentence says what to predict instead.
    """
    column = column_of(str(target.name), target.astype(object), options)
    if column.kind != "date":
        return
    of_days = column.format == ISO or re.search("%[yY]", str(column.format))
    form = "mixed" if SEVERAL in str(column.format) else column.format
    read = f"pd.to_datetime(frame[{target.name!r}], format={form!r})"
    number, classes = (
        (f"({read} - pd.Timestamp('2024-01-31')).dt.days", ".dt.month_name() or .dt.day_name()")
        if of_days
        else (f"{read}.dt.hour", ".dt.hour // 6")
    )
    durations = "" if of_days else "name it in numeric if these are durations; otherwise "
    raise BadInput(
        f"The target {target.name!r} is a {'date' if of_days else 'time of day'}, such as "
        f"{str(target.iloc[0])!r}, and only a number or a class can be predicted; {durations}make one from "
        f"it in the clean function of your own steps: frame[{target.name!r}] = {number} is a number, and "
        f"{read} followed by {classes} is a class (docs/tables/own-steps.md)."
    )
