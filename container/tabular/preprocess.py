"""PreprocessData: clean a raw table, type its columns and split it.

Nothing is fitted here but the split itself: imputation, scaling and encoding live in the pipeline that is
cross-validated, so that no fold sees another.
"""

import csv
import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from tabular import paths
from tabular.cells import FALSE, TRUE
from tabular.errors import ArgumentParser, BadInput, command, unknown
from tabular.schema import Column, Family, Schema, Task, features, write_split

__all__ = ["clean", "infer_schema", "main", "read_table", "split"]

MIN_ROWS = 20
MAX_CLASSES = 100


def main() -> None:
    """Read the raw table among the job's inputs and write the splits `train` and `test`."""
    arguments = _arguments()
    table = read_table(paths.processing("input/data"))
    cleaned, report = clean(table, arguments.target)
    schema = infer_schema(cleaned, arguments.target, arguments.family)
    report["columns_dropped"] = sorted(
        set(table.columns) - {c.name for c in schema.columns} - {schema.target}
    )
    target = encode(cleaned[schema.target], schema)
    stratify = arguments.stratify == "true"
    train, test = split(target, schema, arguments.test_size, stratify, arguments.random_state)
    frame = features(cleaned, schema)
    for name, rows in (("train", train), ("test", test)):
        write_split(paths.processing("output") / name, frame.iloc[rows], target[rows], schema)
        report[f"rows_{name}"] = len(rows)
    (paths.processing("output/report")).mkdir(parents=True, exist_ok=True)
    (paths.processing("output/report") / "preprocessing.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report))


def read_table(folder: Path) -> pd.DataFrame:
    """The one CSV or Parquet file of a folder.

    Raises:
        BadInput: no file or several, one that cannot be read, column names that are empty or come twice.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if len(files) != 1:
        raise BadInput(f"Expected one table at InputDataUri, found {len(files)} files; point it at one file.")
    try:
        if files[0].suffix == ".parquet":
            table = pd.read_parquet(files[0])
        else:
            with files[0].open(newline="", encoding="utf-8-sig") as text:
                lines = csv.reader(text, skipinitialspace=True)
                header, first = next(lines, []), next(filter(None, lines), [])
            _check_names(header)
            if len(first) > len(header):  # pandas would take the first cells for an index
                raise ValueError("its rows have more cells than its header.")
            # low_memory would type a column chunk by chunk: 007 is 7 in one chunk and text in another.
            table = pd.read_csv(files[0], encoding="utf-8-sig", skipinitialspace=True, low_memory=False)
        _check_names([str(name) for name in table.columns])
    except (ValueError, OSError, csv.Error) as error:
        raise BadInput(
            f"Cannot read the table {files[0].name}: {str(error).strip()} Give a CSV with a header line."
        ) from None
    table.columns = [str(name).strip() for name in table.columns]
    return table


def clean(table: pd.DataFrame, target: str) -> tuple[pd.DataFrame, dict[str, object]]:
    """Drop rows without a target and repeated rows, and report how many of each.

    Raises:
        BadInput: no such target column, an infinite number, or too few rows are left.
    """
    if target not in table.columns:
        raise unknown("target column", target, table.columns)
    labelled = table.dropna(subset=[target])
    cleaned = labelled.drop_duplicates(ignore_index=True)
    report: dict[str, object] = {
        "rows_read": len(table),
        "rows_without_target": len(table) - len(labelled),
        "rows_repeated": len(labelled) - len(cleaned),
    }
    if len(cleaned) < MIN_ROWS:
        raise BadInput(
            f"Only {len(cleaned)} rows are left after cleaning ({report}); at least {MIN_ROWS} are needed."
        )
    for name in cleaned.columns[[pd.api.types.is_float_dtype(kind) for kind in cleaned.dtypes]]:
        if np.isinf(cleaned[name].to_numpy(dtype=np.float64, na_value=np.nan)).any():
            raise BadInput(
                f"The column {name!r} holds an infinite number; leave cells empty whose number is unknown."
            )
    return cleaned, report


def infer_schema(table: pd.DataFrame, target: str, family: Family) -> Schema:
    """Type the columns; those that are empty or hold one value alone are left out.

    Raises:
        BadInput: a target that does not fit the task family, or no usable column.
    """
    names = [name for name in table.columns if name != target and table[name].nunique(dropna=False) > 1]
    if not names:
        raise BadInput(
            "No column besides the target holds more than one value; there is nothing to learn from."
        )
    columns = tuple(Column(name, _kind(table[name])) for name in names)
    if family == "regression":
        if not pd.api.types.is_numeric_dtype(table[target]):
            raise BadInput(
                f"The target {target!r} is not numeric; use the classification pipeline for labels."
            )
        if table[target].nunique() < 2:
            raise BadInput(
                f"The target {target!r} holds only {table[target].iloc[0]}; there is nothing to predict."
            )
        return Schema("regression", target, (), columns)
    classes = _classes(table[target])
    task: Task = "binary" if len(classes) == 2 else "multiclass"
    return Schema(task, target, classes, columns)


def encode(target: pd.Series, schema: Schema) -> np.ndarray:
    """Labels as their positions in `schema.classes`; the numbers themselves for a regression. (n_rows,)."""
    if schema.task == "regression":
        return target.to_numpy(dtype=np.float64)
    positions = {label: position for position, label in enumerate(schema.classes)}
    return np.array([positions[label] for label in _labels(target)], dtype=np.int64)


def split(
    target: np.ndarray, schema: Schema, test_size: float, stratify: bool, random_state: int
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the training split and of the held-out split.

    Raises:
        BadInput: a class too rare to be in both splits, or a share that leaves a split empty.
    """
    labelled = schema.task != "regression"
    try:
        train, test = train_test_split(
            np.arange(len(target)),
            test_size=test_size,
            random_state=random_state,
            stratify=target if stratify and labelled else None,
        )
        for part, rows in (("training", train), ("held-out", test)) if labelled else ():
            if absent := sorted(set(range(len(schema.classes))) - set(target[rows].tolist())):
                raise ValueError(f"The {part} split would have no row of {schema.classes[absent[0]]!r}.")
    except ValueError as error:
        raise BadInput(
            f"Cannot split {len(target)} rows with TestSetSize={test_size}: {error} "
            "Give more rows of the rarest class, or change StratifySplit or TestSetSize."
        ) from None
    return np.sort(train), np.sort(test)


def _check_names(names: Sequence[str]) -> None:
    stripped = [name.strip() for name in names]
    repeated = sorted({name for name in stripped if stripped.count(name) > 1})
    if repeated:
        raise ValueError(f"the column names {repeated} come more than once.")
    if not stripped:
        raise ValueError("it is empty.")
    if not all(stripped):
        raise ValueError(f"column {stripped.index('') + 1} of its header has no name.")


def _kind(values: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    if pd.api.types.is_numeric_dtype(values):
        return "numeric"
    words = set(values.dropna().map(str).str.strip().str.lower())
    return "boolean" if len(words) == 2 and words & TRUE and words & FALSE else "categorical"


def _classes(target: pd.Series) -> tuple[str | int | float, ...]:
    labels = sorted(set(_labels(target)))
    if len(labels) < 2:
        raise BadInput(
            f"The target {target.name!r} holds only {labels[0]!r}; a classification needs two classes."
        )
    if len(labels) > MAX_CLASSES:
        raise BadInput(
            f"The target {target.name!r} holds {len(labels)} different values; at most {MAX_CLASSES} classes "
            "are allowed. Use the regression pipeline for a quantity."
        )
    return tuple(labels)


def _labels(target: pd.Series) -> list[str | int | float]:
    """The labels in their own type and spelling."""
    if pd.api.types.is_bool_dtype(target) or not pd.api.types.is_numeric_dtype(target):
        return [str(label) for label in target]
    labels = target.tolist()
    # A column of whole numbers that had a gap is read as floats.
    return [int(label) for label in labels] if all(float(label).is_integer() for label in labels) else labels


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="preprocess")
    parser.add_argument("--target", required=True)
    parser.add_argument("--family", choices=("classification", "regression"), required=True)
    parser.add_argument("--test-size", type=float, required=True)
    parser.add_argument("--stratify", choices=("true", "false"), required=True)
    parser.add_argument("--random-state", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    command(main)
