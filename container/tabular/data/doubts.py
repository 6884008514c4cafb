"""Warnings for the user about how a table was read, if the evidence leaves room for doubt."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import pandas as pd

from tabular.data.placeholders import placeholders
from tabular.data.tables import warning
from tabular.data.values.cells import MARKS, folded
from tabular.spec.columns import Column, Schema

__all__ = ["doubts"]

SHOWN = 3  # entries of a list in a sentence
MOST_LEVELS = 100  # that are compared with each other


def doubts(table: pd.DataFrame, schema: Schema) -> list[dict[str, str | None]]:
    """Warnings about a cleaned table: {"column", "said"}, in the order of its columns."""
    found = [warning(schema.target, said) for said in _of_labels(table[schema.target], schema)]
    for column in schema.columns:
        values = table[column.name]
        found += [
            warning(column.name, said)
            for said in (*_of_levels(values, column), *placeholders(values, column))
        ]
    return found


def _of_labels(target: pd.Series, schema: Schema) -> Iterator[str]:
    if schema.classes and not pd.api.types.is_numeric_dtype(target):
        yield from _alike(target.dropna().unique(), "labels")


def _of_levels(values: pd.Series, column: Column) -> Iterator[str]:
    if column.kind != "categorical":
        return
    levels = values.dropna().unique()
    if len(levels) <= MOST_LEVELS:
        yield from _alike(levels, "levels")
    if len(levels) > 1 and len(levels) == values.notna().sum() == len(values):
        yield "text that is different in every row, like an id; if it is one, name it in drop."
    if marks := [level for level in levels if str(level).strip().casefold() in MARKS]:
        yield f"a category with the levels {_listed(marks)}, which may mean a missing value."


def _alike(levels: Iterable[object], called: str) -> Iterator[str]:
    """Warn about levels that differ only in blanks, case or Unicode form."""
    groups = defaultdict(list)
    for level in map(str, levels):
        groups[folded(level)].append(level)
    for group in groups.values():
        if len(group) > 1:
            yield (
                f"the {called} {_listed(sorted(group))} differ only in blanks, case or Unicode form, and are "
                "kept apart; name the column in merge_spellings if they mean the same."
            )


def _listed(words: Iterable[object]) -> str:
    words = list(map(repr, words))
    return ", ".join(words[:SHOWN]) + (f" and {len(words) - SHOWN} more" if len(words) > SHOWN else "")
