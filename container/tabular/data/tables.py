"""Tables as people have them, CSV or Parquet, and what is found in their columns."""

import csv
import lzma
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tabular.data.cells import FALSE, TRUE
from tabular.data.csv_files import check_names, is_text, read_csv
from tabular.data.dates import ISO, date_format
from tabular.spec.columns import Column, Kind, Task
from tabular.spec.errors import BadInput
from tabular.spec.options import OPTIONS_FILE, Options

__all__ = ["MAX_CLASSES", "column_of", "kind_of", "read_table", "table_files", "task_of"]

MAX_CLASSES = 100
SAMPLE_CELLS = 100
FEW_NUMBERS = 20  # a target of more different whole numbers is a quantity
UNREADABLE = (ValueError, OSError, EOFError, csv.Error, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def table_files(folder: Path) -> list[Path]:
    """The files of a folder that hold rows: neither the options nor what a system leaves behind.

    Raises:
        BadInput: there is none.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] not in "._")
    files = [path for path in files if path.name != OPTIONS_FILE]
    if not files:
        raise BadInput("There is no table at InputDataUri; point it at a file, or at a folder of files.")
    return files


def read_table(files: Sequence[Path]) -> pd.DataFrame:
    """The rows of one file or of several with the same columns; `attrs["files"]` tells how each was read.

    Raises:
        BadInput: a file that cannot be read, columns that differ between files, or names that are empty or
            come twice.
    """
    frames = [_read_file(path) for path in files]
    _check_same_columns(files, frames)
    texts = [name for name in frames[0] if len({is_text(frame[name]) for frame in frames}) > 1]
    if texts:  # 007 is 7 in the file where all are numbers
        frames = [_read_file(path, texts) for path in files]
    reading = [frame.attrs["file"] for frame in frames]
    for frame in frames:
        frame.attrs = {}
    table = pd.concat(frames, ignore_index=True)[list(frames[0])] if len(frames) > 1 else frames[0]
    table.attrs = {"files": reading}
    return table


def kind_of(values: pd.Series) -> Kind:
    """What the cells of a column are, if nobody says so."""
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
    return "date" if date_format(present) else "categorical"


def column_of(name: str, values: pd.Series, options: Options) -> Column:
    """A column as its cells are read: of the kind that the options force, else of that which is found.

    Raises:
        BadInput: a cell that the forced kind does not have, or that is no single value.
    """
    if name in options.categorical:
        return Column(name, "categorical")
    if name in options.numeric:
        numbers = pd.to_numeric(values, errors="coerce")
        _refuse(name, values, numbers.isna() & values.notna(), "a number, as the option numeric says")
        return Column(name, "numeric")
    kind = "date" if name in options.date else kind_of(values)
    if kind != "date":
        return Column(name, kind)
    if pd.api.types.is_datetime64_any_dtype(values):
        return Column(name, "date", ISO)
    form = date_format(values.dropna().unique(), forced=name in options.date)
    if form is None:
        raise BadInput(
            f"The column {name!r} is in date, and no format fits all its cells, such as "
            f"{', '.join(map(repr, map(str, values.dropna().unique()[:3])))}; write them as 2024-01-31."
        )
    return Column(name, "date", form)


def task_of(target: pd.Series, options: Options) -> Task:
    """The task that the options name; by the target's values where they say auto.

    Texts, booleans and two numbers are classes, and so are few whole numbers that come often; other numbers
    are a quantity.
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
    # A file that pandas wrote may keep an index, which is no column.
    frame = table.select([n for n in table.column_names if not n.startswith("__index_level_")])
    frame = frame.replace_schema_metadata(None).to_pandas()
    frame.attrs = {"file": {"format": "parquet"}}
    return frame


def _check_same_columns(files: Sequence[Path], frames: Sequence[pd.DataFrame]) -> None:
    first = set(frames[0])
    for path, frame in zip(files, frames, strict=True):
        if differing := sorted(first ^ set(frame)):
            where = files[0].name if differing[0] in first else path.name
            raise BadInput(
                f"The files {files[0].name} and {path.name} do not hold the same columns: {differing[0]!r} "
                f"is in {where} alone; give files with the same header."
            )


def _refuse(name: str, values: pd.Series, wrong: pd.Series, wanted: str) -> None:
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise BadInput(
            f"Row {row + 1} of the column {name!r} is {str(values.iloc[row])!r}, which is not {wanted}; "
            "leave the column out of it, or mend the cell."
        )
