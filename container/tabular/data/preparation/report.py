"""What the report of PreprocessData says was read, decided and left out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tabular.data.preparation.prepared import Splitting
from tabular.data.tables import Table
from tabular.spec.columns import Schema
from tabular.spec.options import Options

__all__ = ["as_read", "check_counts", "class_counts", "dropped", "how_divided"]


def as_read(raw: Table, options: Options) -> dict[str, Any]:
    """The beginning of the report: what the files contain."""
    return {
        "files": raw.files,
        "options": options.to_dict(),
        "warnings": list(raw.warnings),
        "evidence": {name: list(found.evidence) for name, found in raw.decisions.items()},
        "rows_read": len(raw.frame) + sum(raw.left_out.values()),
        "rows_not_data": dict(raw.left_out),
    }


def dropped(table: pd.DataFrame, schema: Schema) -> Mapping[str, str]:
    """The reason why each of the other columns of the raw table is not a feature."""
    options = schema.options
    used = {column.name for column in schema.columns} | {schema.target, *options.drop}
    why = dict.fromkeys(options.drop, "named in drop")
    for name in table.columns.tolist():
        if name in (options.group, options.time):
            why[name] = "the group of a row" if name == options.group else "the time of a row"
        elif name not in used:
            why[name] = "has only one value" if table[name].notna().any() else "is empty"
    return why


def how_divided(splitting: Splitting, schema: Schema) -> dict[str, Any]:
    """By what the rows are divided, how many are held out, and the seed."""
    stratified = "stratified" if splitting.stratify and schema.classes else "random"
    options = schema.options
    together = "duplicate rows together" if options.repeated == "together" else stratified
    by = "group" if options.group else "time" if options.time else together
    by = f"{by}, within each partition" if options.partition and not options.time else by
    return {"by": by, "test_size": splitting.test_size, "random_state": splitting.random_state}


def class_counts(target: np.ndarray, schema: Schema) -> dict[str, int]:
    """How many rows each class has, by its label as text."""
    counts = np.bincount(target, minlength=len(schema.classes)) if schema.classes else []
    return {str(label): int(count) for label, count in zip(schema.classes, counts, strict=True)}


def check_counts(report: Mapping[str, Any]) -> None:
    """Check that every row is either in a split or left out for a reported reason."""
    where = ("train", "test", "outliers", "repeated", "without_target", "without_time")
    found = sum(report[f"rows_{name}"] for name in where) + sum(report["rows_not_data"].values())
    if found != report["rows_read"]:
        raise RuntimeError(f"{report['rows_read']} rows were read, but {found} are accounted for: {report}.")
