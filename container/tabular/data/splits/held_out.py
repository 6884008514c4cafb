"""Held-out rows as clients send them: the cells as written in the table, not the features made from them."""

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from tabular.data.decisions.arrow import is_text, seconds
from tabular.data.features import as_rows
from tabular.spec.columns import Column, Schema

__all__ = ["as_csv", "as_json", "as_texts", "cells_of", "plain_cells"]

Cells = list[list[Any]]
WHOLE = re.compile(r"-?[0-9]{1,15}")  # exact as a double, too


def cells_of(frame: pd.DataFrame, schema: Schema) -> pa.Table:
    """Cells from which the same features are read, for rows that do not stand in a file as they are."""
    names = [column.name for column in schema.columns]
    columns = zip(*as_rows(frame, schema), strict=True) if len(frame) else [[] for _ in names]
    return pa.table({name: pa.array(list(cells)) for name, cells in zip(names, columns, strict=True)})


def as_json(cells: pa.Table, schema: Schema) -> Cells:
    """The rows of a JSON request: plain numbers as numbers, moments as text, None for an empty cell."""
    columns = [_json_cells(cells[column.name], column) for column in schema.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def as_csv(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> str:
    """The body of a CSV request, with a header of these names if there are any."""
    body = io.StringIO(newline="")
    writer = csv.writer(body, lineterminator="\n")
    writer.writerows([names] if names else [])
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return body.getvalue()


def as_texts(cells: pa.Table, schema: Schema) -> Cells:
    """The rows of a CSV request, as written in the table."""
    columns = [plain_cells(cells[column.name]) for column in schema.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _json_cells(cells: pa.ChunkedArray, column: Column) -> list[Any]:
    found = plain_cells(cells)
    if column.kind != "numeric" or column.number is not None or not is_text(cells.type):
        return found
    return [_number(cell) for cell in found]


def plain_cells(cells: pa.ChunkedArray) -> list[Any]:
    """The cells of a column as clients send them: moments as text, durations as seconds."""
    if pa.types.is_timestamp(cells.type):
        return [moment and moment.isoformat() for moment in cells.to_pylist()]
    if pa.types.is_duration(cells.type):
        cells = seconds(cells)
    return cells.to_pylist()


def _number(cell: str | None) -> float | str | None:
    """The number that a cell contains, whole if it is written so; a word for a missing value stays a word."""
    if cell is None or "_" in cell:  # which Python takes between digits
        return cell
    try:
        return int(cell) if WHOLE.fullmatch(cell) else float(cell)
    except ValueError:
        return cell
