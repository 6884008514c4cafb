"""Cells to the features that the estimators get, by the kind of each column, and back to request cells."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import taken
from tabular.data.values.cells import BLANKS, BOOLEANS, category, folded, is_gap, numbers_among
from tabular.data.values.dates import PER_DAY, as_text, many_dates
from tabular.data.values.numbers import read_number, written
from tabular.spec.columns import PLAIN, Column, Schema

__all__ = ["as_rows", "features", "rows_of", "texts"]

MANY_COLUMNS = 200


def features(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The columns of a raw table as the estimators get them, converted row by row without fitting anything.

    Numbers and booleans become float64, with NaN for an empty cell. Dates become days since 1970. Categories
    become text, with the empty string for an empty cell, which is a level like any other.
    """
    kinds = {column.kind for column in schema.columns}
    if kinds == {"numeric"} and len(schema.columns) > MANY_COLUMNS:
        chosen = frame[[column.name for column in schema.columns]]
        if (chosen.dtypes == np.float64).all():
            return chosen
    columns = {}
    for column in schema.columns:
        values = frame[column.name]
        if column.kind == "numeric":
            columns[column.name] = _numbers(values, column)
        elif column.kind == "boolean":
            columns[column.name] = as_boolean(values)
        elif column.kind == "date":
            columns[column.name] = _days(values, column)
        else:
            columns[column.name] = texts(values, column)
    # One block for many columns; a copy of a few would be another table in memory.
    return pd.DataFrame(columns, index=frame.index, copy=len(columns) > MANY_COLUMNS)


def texts(values: pd.Series, column: Column | None = None) -> pd.Series:
    """Cells as text, with the empty string for a missing cell; as levels of a column if it is given."""
    missing = (column and column.missing) or ()
    spellings = {folded(level): level for level in (column and column.spellings) or ()}
    form = missing, spellings, column and column.whole, column is None or bool(column.blanks)
    if isinstance(values.dtype, pd.StringDtype):
        codes, distinct = pd.factorize(values)  # -1 if a cell is missing
        known = [*_levels(pa.array(distinct), form), ""]
        return pd.Series(np.array(known, dtype=object)[codes], values.index, dtype=object)
    present = values.astype(object).where(values.notna(), None)
    levels: dict[tuple[type, Any], str] = {}  # each level once; also by type, because True equals 1
    found = []
    for cell in present:
        if (key := (type(cell), cell)) not in levels:
            levels[key] = category(cell, *form)
        found.append(levels[key])
    return pd.Series(found, values.index, dtype=object)


def _levels(texts: pa.StringArray, form: tuple[Any, ...]) -> Iterable[str]:
    """The levels of texts by `category`, all at once if only the blanks around them do not count."""
    missing, spellings, whole, blanks = form
    if missing or spellings or whole is not None:
        return (category(text, *form) for text in texts.to_pylist())
    return (pc.utf8_ltrim(texts, BLANKS) if blanks else pc.utf8_trim(texts, BLANKS)).to_pylist()


def rows_of(values: pd.Series, rows: np.ndarray) -> pd.Series:
    """The cells of some rows (n,), which are in ascending order, numbered from 0.

    pandas copies all texts of a column in several parts before it takes some.
    """
    if not isinstance(values.dtype, pd.StringDtype) or values.dtype.storage != "pyarrow":
        return values.iloc[rows].reset_index(drop=True)
    cells = pa.Array.from_pandas(values)
    cells = cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([cells])
    return taken(cells, rows).to_pandas().astype(values.dtype).rename(values.name)


def as_boolean(values: pd.Series) -> pd.Series:
    """1.0 for true, 0.0 for false, NaN for an empty cell or any other word."""
    codes, words = pd.factorize(values)  # -1 if a cell is missing
    known = [BOOLEANS.get(str(word).strip().casefold(), np.nan) for word in words]
    return pd.Series(np.array([*known, np.nan])[codes], values.index)


def as_rows(frame: pd.DataFrame, schema: Schema) -> list[list[Any]]:
    """Features as the cells of a request: None if missing, dates and numbers in the format of the table."""
    cells = frame.astype(object).where(frame.notna(), None)
    for column in schema.columns:
        if column.kind == "date":
            texts = as_text(frame[column.name].to_numpy(), str(column.format))
            cells[column.name] = pd.Series(texts, frame.index, dtype=object)
        elif (form := column.number) is not None:
            texts = [None if cell is None else written(cell, form) for cell in cells[column.name]]
            cells[column.name] = pd.Series(texts, frame.index, dtype=object)
    return cells.to_numpy().tolist()


def _numbers(values: pd.Series, column: Column) -> pd.Series | np.ndarray:
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "fiu":
        return values.to_numpy(np.float64)  # a series for each of many columns takes long
    if pd.api.types.is_numeric_dtype(values):
        return values.astype(np.float64)
    form, missing = column.number or PLAIN, column.missing or ()
    known = {
        text: np.nan if is_gap(text.strip(), missing) else read_number(text, form)
        for text in values.dropna().unique()
    }
    numbers = values.map(known).astype(np.float64)
    return numbers.mask(numbers.isin(numbers_among(missing)))


def _days(values: pd.Series, column: Column) -> pd.Series:
    if not pd.api.types.is_datetime64_any_dtype(values):
        codes, cells = pd.factorize(values)
        days = many_dates(cells.tolist(), str(column.format), column.missing or ())
        return pd.Series(np.append(days, np.nan)[codes], values.index)
    if values.dt.tz is not None:
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    days = values.to_numpy().astype("datetime64[us]").astype(np.int64) / PER_DAY
    return pd.Series(days, values.index).where(values.notna())
