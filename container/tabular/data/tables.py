"""Read the user's tables, CSV or Parquet, and detect what their columns contain."""

import csv
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tabular.data.cells import FALSE, TRUE, is_gap
from tabular.data.csv_files import check_names, is_text, read_csv
from tabular.data.dates import ISO, find_dates
from tabular.data.numbers import FoundNumbers, find_numbers, read_number
from tabular.spec.columns import PLAIN, Column, Kind, Task
from tabular.spec.errors import BadInput
from tabular.spec.options import DEFAULTS, OPTIONS_FILE, Options

__all__ = ["MAX_CLASSES", "column_of", "kind_of", "read_table", "table_files", "task_of", "warning"]

MAX_CLASSES = 100
SAMPLE_CELLS = 100
FEW_NUMBERS = 20  # a target with more distinct integers is a quantity
Part = tuple[Path, pd.DataFrame]
UNREADABLE = (ValueError, OSError, EOFError, csv.Error, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def table_files(folder: Path) -> list[Path]:
    """The files in a folder that contain rows, without the options and the hidden files of a system.

    Raises:
        BadInput: if there is no such file.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] not in "._")
    files = [path for path in files if path.name != OPTIONS_FILE]
    if not files:
        raise BadInput("There is no table at InputDataUri; set it to a file, or to a folder of files.")
    return files


def read_table(files: Sequence[Path], options: Options = DEFAULTS) -> pd.DataFrame:
    """The rows of one file, or of several files with the same columns.

    Numbers are read however they are written; `attrs["numbers"]` says how. `attrs["files"]` says how each
    file was read, and `attrs["warnings"]` what the user should know.

    Raises:
        BadInput: if a file cannot be read, columns differ between files, or column names are empty or
            duplicated.
    """
    frames = [_read_file(path, options.categorical) for path in files]
    _check_same_columns(files, frames)
    reading = [frame.attrs["file"] for frame in frames]
    warnings = [warning(None, f"{one['name']}: {note}") for one in reading for note in one.pop("notes", ())]
    parts = [(path, frame) for path, frame in zip(files, frames, strict=True) if len(frame)]
    warnings += [
        warning(None, f"{path.name} has a header but no rows.")
        for path, frame in zip(files, frames, strict=True)
        if not len(frame) and parts
    ]
    if len(parts) > 1:
        parts, said = _of_one_type(parts, options.categorical)
        warnings += said
    frames = [frame for _, frame in parts] or frames
    for frame in frames:
        frame.attrs = {}
    table = pd.concat(frames, ignore_index=True)[list(frames[0])] if len(frames) > 1 else frames[0]
    decimal_comma = any(one.get("delimiter", ",") != "," for one in reading)
    numbers: dict[str, FoundNumbers] = {}
    for name in [name for name in table if name not in options.categorical and _is_all_text(table[name])]:
        if found := find_numbers(table[name].value_counts().to_dict(), decimal_comma):
            texts, table[name] = table[name], as_numbers(table[name], found)
            numbers[name] = found
            warnings = [one for one in warnings if one["column"] != name]
            warnings += [warning(name, said) for said in _how_read(texts, table[name], found)]
    table.attrs = {"files": reading, "warnings": warnings, "numbers": numbers}
    return table


def _is_all_text(values: pd.Series) -> bool:
    return (
        isinstance(values.dtype, pd.StringDtype) or pd.api.types.infer_dtype(values, skipna=True) == "string"
    )


def as_numbers(values: pd.Series, found: FoundNumbers) -> pd.Series:
    """A column of text as float64, NaN if a cell is missing."""
    known = {
        text: np.nan if is_gap(text.strip(), found.gaps) else read_number(text, found.format)
        for text in values.dropna().unique()
    }
    return values.map(known).astype(np.float64)


def _how_read(texts: pd.Series, values: pd.Series, found: FoundNumbers) -> Iterator[str]:
    """What was decided about a column of texts that are read as numbers."""
    keep = "name the column in categorical to keep the text."
    if found.format != PLAIN:
        first = values.first_valid_index()
        yield f"numbers; {texts[first].strip()!r} is read as {values[first]:g}; {keep}"
    if found.gaps:
        words = ", ".join(map(repr, list(found.gaps)[:5])) + (" and others" if len(found.gaps) > 5 else "")
        count = sum(found.gaps.values())
        yield f"numbers; {words} in {count} of {len(values)} rows are read as missing; {keep}"


def warning(column: str | None, said: str) -> dict[str, str | None]:
    """What the user should know about a table: a column (None: the whole table), and a sentence."""
    return {"column": column, "said": said}


def _of_one_type(parts: list[Part], forced: Sequence[str]) -> tuple[list[Part], list[dict[str, str | None]]]:
    """The parts with one type per column: text if any part has text; empty columns take the others' type."""
    warnings = []
    texts = []
    for name in parts[0][1]:
        filled = [(path, frame[name]) for path, frame in parts if frame[name].notna().any()]
        text = [path.name for path, values in filled if is_text(values)]
        if 0 < len(text) < len(filled):  # 007 is 7 in a file whose cells are all numbers
            texts.append(name)
            warnings.append(
                warning(
                    name,
                    f"{name!r} is text in {_first(text)} but not in the other files, so the whole column is "
                    "read as text; correct those files.",
                )
            )
    if texts:
        parts = [(path, _read_file(path, (*texts, *forced))) for path, _ in parts]
    for _, frame in parts:
        for name in [name for name in frame if not frame[name].notna().any()]:
            kind = next((other[name].dtype for _, other in parts if other[name].notna().any()), None)
            if kind is not None and kind != frame[name].dtype:
                frame[name] = pd.Series(None, frame.index, dtype=_with_gaps(kind))
    return parts, warnings


def _first(names: Sequence[str]) -> str:
    return f"{', '.join(names[:3])} and {len(names) - 3} more" if len(names) > 3 else ", ".join(names)


def _with_gaps(kind: Any) -> Any:
    """The type itself, or the closest type that has missing values."""
    return np.float64 if kind.kind in "iu" else object if kind.kind == "b" else kind


def kind_of(values: pd.Series) -> Kind:
    """The kind of a column, detected from its cells."""
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    if pd.api.types.is_numeric_dtype(values):
        return "numeric"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    present = values.dropna().unique()
    words = {str(cell).strip().lower() for cell in present[:SAMPLE_CELLS]}
    if len(words) == 2 and words & TRUE and words & FALSE:
        words = {str(cell).strip().lower() for cell in present}
        return "boolean" if len(words) == 2 else "categorical"
    return "date" if find_dates(values.value_counts().to_dict()) else "categorical"


def column_of(name: str, values: pd.Series, options: Options) -> Column:
    """A column and how its cells are read: the kind that the options set, otherwise the detected one.

    Raises:
        BadInput: if a cell does not fit the kind that the options set.
    """
    if name in options.categorical:
        return Column(name, "categorical")
    if name in options.numeric:
        numbers = pd.to_numeric(values, errors="coerce")
        _refuse(name, values, numbers.isna() & values.notna(), "a number, as the option numeric requires")
        return Column(name, "numeric")
    kind = "date" if name in options.date else kind_of(values)
    if kind != "date":
        return Column(name, kind)
    if pd.api.types.is_datetime64_any_dtype(values):
        return Column(name, "date", ISO)
    found = find_dates(values.value_counts().to_dict(), forced=name in options.date)
    if found is None:
        raise BadInput(
            f"The column {name!r} is in date, but no format fits all its cells, such as "
            f"{', '.join(map(repr, map(str, values.dropna().unique()[:3])))}; write them as 2024-01-31."
        )
    return Column(name, "date", found.format, missing=tuple(found.gaps) or None)


def task_of(target: pd.Series, options: Options) -> Task:
    """The task that the options name; with auto, the task is detected from the target's values.

    Text, booleans and two distinct numbers are classes, and so are a few integers that occur often. Other
    numbers are a quantity.
    """
    if options.task != "auto":
        return options.task
    values = target.dropna()
    distinct = values.nunique()
    if distinct <= 2:
        return "binary"
    if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
        return "multiclass"
    few = distinct <= min(FEW_NUMBERS, max(2, len(values) // 5))
    return "multiclass" if few and (values % 1 == 0).all() else "regression"


def _read_file(path: Path, texts: Sequence[str] = ()) -> pd.DataFrame:
    try:
        with path.open("rb") as file:
            magic = file.read(8)
        parquet = magic[:4] == b"PAR1" or path.suffix in (".parquet", ".pq")
        table = _read_parquet(path) if parquet else read_csv(path, magic, texts)
        check_names([str(name) for name in table.columns])
    except UNREADABLE as error:
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise BadInput(
            f"Cannot read the table {path.name}: {' '.join(reason.split())}. Give a CSV with a header line."
        ) from None
    table.columns = [str(name).strip() for name in table.columns]
    for name, value in _partition(path).items():
        if name not in table:
            table[name] = value
    table.attrs["file"] |= {"name": path.name, "rows": len(table)}
    return table


def _read_parquet(path: Path) -> pd.DataFrame:
    table = pq.read_table(path)
    check_names(table.column_names)
    for index, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(index, field.name, table[index].cast(pa.float64()))
        elif pa.types.is_date(field.type):
            table = table.set_column(index, field.name, table[index].cast(pa.timestamp("us")))
    # A file written by pandas may contain an index. An index with a name is a column, one without is not.
    frame = table.select([n for n in table.column_names if not n.startswith("__index_level_")])
    metadata = (table.schema.pandas_metadata or {}).get("index_columns", [])
    named = [n for n in metadata if isinstance(n, str) and n in frame.column_names]
    notes = [
        f"{n!r} was the index in pandas and is read as a column; name it in drop if it only identifies rows."
        for n in named
    ]
    frame = frame.replace_schema_metadata(None).to_pandas()
    frame.attrs = {"file": {"format": "parquet", "notes": notes}}
    return frame


def _partition(path: Path) -> dict[str, str]:
    """The columns in the names of a file's folders, as Hive and Spark write them: `region=eu`."""
    pairs = (part.partition("=") for part in path.parent.parts)
    return {name: unquote(value) for name, equals, value in pairs if name and equals}


def _check_same_columns(files: Sequence[Path], frames: Sequence[pd.DataFrame]) -> None:
    first = set(frames[0])
    for path, frame in zip(files, frames, strict=True):
        differing = sorted(first ^ set(frame))
        if not differing:
            continue
        one = differing[0]
        there = next((name for name in differing[1:] if name.casefold() == one.casefold()), None)
        seen = f"{one!r} and {there!r} differ in case" if there else f"only one of them has {one!r}"
        raise BadInput(
            f"The files {files[0].name} and {path.name} do not have the same columns: {seen} "
            f"({len(differing)} names differ: {', '.join(map(repr, differing[:6]))}); give files with the "
            "same header."
        )


def _refuse(name: str, values: pd.Series, wrong: pd.Series, wanted: str) -> None:
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise BadInput(
            f"Row {row + 1} of the column {name!r} is {str(values.iloc[row])!r}, which is not {wanted}; "
            "remove the column from the option, or fix the cell."
        )
