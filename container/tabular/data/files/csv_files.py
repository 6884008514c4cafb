"""CSV of any dialect, encoding and compression, detected from the file itself and always in the same way.

Every cell is text as it was written. What it means is decided later, from the whole column.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.style import FileStyle
from tabular.data.files.csv_cells import (
    has_letter,
    needs_care,
    read_blocks,
    read_fast,
    read_slowly,
    without_formulas,
)
from tabular.data.files.csv_parts import may_be_read, read_parts
from tabular.data.files.dialects import Dialect, Examined, examine, refusing
from tabular.data.files.json_files import read_json
from tabular.data.files.layout.other_rows import find_other_rows
from tabular.data.files.quotes import check_quotes, may_not_be_doubled, with_quotes_doubled
from tabular.data.values.names import is_unnamed
from tabular.spec.options import DEFAULTS, Options

__all__ = ["read_csv", "stream_csv"]

BLOCK_ROWS = 10_000  # of what had to be read whole
FORMULAS = 'some cells are formulas that only show a text (="00123"); they are read as that text.'


def read_csv(
    path: Path, magic: bytes, options: Options = DEFAULTS, target: str | None = None
) -> tuple[pa.Table, dict[str, Any]]:
    """The rows of a file that begins with `magic`, all as text with null for an empty cell.

    Of several lines that could be its header, it is the one with `target`. The second result says how the
    file was read; its `notes` are for the user.

    Raises:
        ValueError: if it is not a table. OSError and errors of the decompression libraries are raised, too.
    """
    examined, table = _read_plain(path, magic, options, target)
    if examined.dialect is None:
        facts = {"format": "json", "compression": examined.compression, "notes": list(examined.notes)}
        return _read_json(path, examined, target), facts
    dialect, footer, mended = examined.dialect, None, None
    if table is None:
        table, footer, mended = _read_with_quotes(path, dialect)
    formulas = table
    if dialect.has_formulas and (table := without_formulas(table)) is not formulas:
        mended = " ".join(filter(None, (mended, FORMULAS)))
    others = find_other_rows(table, FileStyle(table.columns, [dialect.delimiter]))
    if others.left_out:
        kept = sorted(set(range(len(table))).difference(*others.left_out.values()))
        table = table.take(pa.array(kept, pa.int64()))
    table, notes = _without_unnamed(table, examined.numbered)
    facts = {
        "format": "csv",
        "compression": examined.compression,
        "encoding": dialect.encoding,
        "delimiter": dialect.delimiter,
        "notes": [said for said in (*examined.notes, mended, *notes, *others.notes, footer) if said],
    }
    if others.left_out:
        facts["left_out"] = {reason: len(rows) for reason, rows in others.left_out.items()}
    return table, facts


def _read_plain(
    path: Path, magic: bytes, options: Options, target: str | None
) -> tuple[Examined, pa.Table | None]:
    """How a file is written, and its cells if they can be read in parts, which also tells its encoding."""
    if may_be_read(magic):
        try:
            examined = examine(path, magic, options, target, whole=False)
            if examined.dialect is not None and (table := read_parts(path, examined.dialect)) is not None:
                return examined, table
        except ValueError:
            return examine(path, magic, options, target), None  # the rest may tell another reason
    return examine(path, magic, options, target), None


def _read_with_quotes(path: Path, dialect: Dialect) -> tuple[pa.Table, str | None, str | None]:
    """The cells, a note on the lines below the table, and a note if quotes inside of cells are not doubled.

    Raises:
        ValueError: if a line does not fit the header, or a quote is stray.
    """
    try:
        with refusing(dialect.encoding):
            table, footer = read_fast(path, dialect) or read_slowly(path, dialect)
        check_quotes(table, dialect.delimiter)
    except ValueError:  # perhaps at a delimiter behind a quote inside of a cell
        mended = _read_doubled(path, dialect)
        if mended is None:
            raise
    else:
        mended = _read_doubled(path, dialect) if may_not_be_doubled(table) else None
        if mended is None:
            return table, footer, None
    return mended


def _read_doubled(path: Path, dialect: Dialect) -> tuple[pa.Table, str | None, str] | None:
    """What `read_fast` or `read_slowly` finds with all quotes inside of cells doubled, and a note on these.

    None if they are, if the lines do not fit then either, or if a cell goes on in the next line, so that a
    line need not begin with a cell.
    """
    try:
        found = with_quotes_doubled(path, dialect)
        if found is None:
            return None
        doubled, note = found
        table, footer = read_fast(path, doubled) or read_slowly(path, doubled)
    except ValueError:
        return None
    return None if any(has_letter(cells, b"\n") for cells in table.itercolumns()) else (table, footer, note)


def stream_csv(
    path: Path, magic: bytes, options: Options = DEFAULTS
) -> tuple[list[str], Iterator[pa.RecordBatch], Sequence[str]]:
    """The names of a file's columns, its rows in blocks, all as text with null for an empty cell, and notes.

    Every line below the header is a row. Plain CSV takes as much memory as a block; JSON, CSV whose delimiter
    is a blank, and CSV with quotes that are not doubled are read whole.

    Raises:
        ValueError: as `read_csv`, also while the blocks are read.
    """
    examined = examine(path, magic, options, None)
    dialect = examined.dialect
    if dialect is None:
        table = _read_json(path, examined)
        return table.column_names, iter(table.to_batches(BLOCK_ROWS)), examined.notes
    if needs_care(dialect):
        table, _ = read_slowly(path, dialect)
        return table.column_names, iter(table.to_batches(BLOCK_ROWS)), examined.notes
    return list(dialect.names), _stream_with_quotes(path, dialect), examined.notes


def _stream_with_quotes(path: Path, dialect: Dialect) -> Iterator[pa.RecordBatch]:
    """All cells in blocks; from the first quote that is not doubled on, out of the whole table.

    Raises:
        ValueError: as `read_blocks`.
    """
    seen, are_doubled = 0, False
    try:
        for block in read_blocks(path, dialect):
            if not are_doubled and may_not_be_doubled(pa.Table.from_batches([block])):
                if (rest := _doubled_from(seen, path, dialect)) is not None:
                    yield from rest
                    return
                are_doubled = True
            yield block
            seen += len(block)
    except ValueError:
        if (rest := _doubled_from(seen, path, dialect)) is None:
            raise
        yield from rest


def _doubled_from(row: int, path: Path, dialect: Dialect) -> list[pa.RecordBatch] | None:
    """The rows from one on, as `_read_doubled` finds them; None if it finds none, or lines below them."""
    table, footer, _ = _read_doubled(path, dialect) or (None, None, None)
    if table is None or footer is not None:
        return None
    table = without_formulas(table) if dialect.has_formulas else table
    return table.slice(row).to_batches(BLOCK_ROWS)


def _read_json(path: Path, examined: Examined, target: str | None = None) -> pa.Table:
    with refusing(examined.encoding), examined.opened(path) as file:
        return read_json(file, examined.encoding, target)


def _without_unnamed(table: pa.Table, numbered: bool) -> tuple[pa.Table, list[str]]:
    """Leave out columns without a name: empty ones, and the row names that pandas and R write.

    Args:
        table: its unnamed columns have pandas' names.
        numbered: the header has no cell at all for the first column, which must then number the rows.

    Raises:
        ValueError: if an unnamed column contains anything else.
    """
    notes, left = [], 0  # how many columns at the left are left out
    for place, name in enumerate(table.column_names):
        if not is_unnamed(name):
            continue
        cells = table[name]
        if numbered and place == 0 and not _counts(cells):
            raise ValueError(
                "its rows have more cells than its header; if the first are row names, name their column"
            )
        if cells.null_count == len(cells):
            notes.append(f"column {place + 1} has no name and is empty: it is left out.")
        elif place == left and not cells.null_count and _identifies(cells):
            notes.append(
                f"column {place + 1} has no name and only identifies the rows (an index): it is left out."
            )
        else:
            raise ValueError(f"column {place + 1} of its header has no name")
        left += place == left
        table = table.drop_columns([name])
    return table, notes


def _identifies(cells: pa.ChunkedArray) -> bool:
    """Whether the cells differ in every row, or number the rows and restart where tables were joined."""
    if pc.count_distinct(cells).as_py() == len(cells):
        return True
    texts = cells.to_pylist()
    first = texts[0]
    follows = (
        cell == first or (one.isdecimal() and cell == str(int(one) + 1)) for one, cell in pairwise(texts)
    )
    return first in ("0", "1") and all(follows)


def _counts(cells: pa.ChunkedArray) -> bool:
    """Whether the cells are 0, 1, 2, ... or 1, 2, 3, ..."""
    return any(
        all(cell == str(number) for number, cell in enumerate(cells.to_pylist(), start)) for start in (0, 1)
    )
