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
    with_quotes_doubled,
    without_formulas,
)
from tabular.data.files.csv_parts import may_be_read, read_parts
from tabular.data.files.dialects import SAMPLE_LINES, Examined, examine, refusing
from tabular.data.files.json_files import read_json
from tabular.data.files.layout.other_rows import find_other_rows
from tabular.data.values.names import is_unnamed
from tabular.data.values.numbers import is_plain
from tabular.spec.options import DEFAULTS, Options

__all__ = ["read_csv", "stream_csv"]

BLOCK_ROWS = 10_000  # of what had to be read whole
QUOTES = "some cells in quotes have quotes inside that are not doubled; they are read as part of the text."
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
        with refusing(dialect.encoding):
            table, footer = read_fast(path, dialect) or read_slowly(path, dialect)
        _check_quotes(table, dialect.delimiter)
        if (doubled := with_quotes_doubled(path, dialect, table)) is not None:
            (table, footer), mended = read_fast(path, doubled) or read_slowly(path, doubled), QUOTES
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


def stream_csv(path: Path, magic: bytes) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    """The names of a file's columns, and its rows in blocks, all as text with null for an empty cell.

    Every line below the header is a row. Plain CSV takes as much memory as a block; JSON, and CSV whose
    delimiter is a blank, are read whole.

    Raises:
        ValueError: as `read_csv`, also while the blocks are read.
    """
    examined = examine(path, magic, DEFAULTS, None)
    dialect = examined.dialect
    if dialect is None:
        table = _read_json(path, examined)
        return table.column_names, iter(table.to_batches(BLOCK_ROWS))
    if needs_care(dialect):
        table, _ = read_slowly(path, dialect)
        return table.column_names, iter(table.to_batches(BLOCK_ROWS))
    return list(dialect.names), read_blocks(path, dialect)


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


def _check_quotes(table: pa.Table, delimiter: str) -> None:
    """Check that no stray quote was read as the start of a cell and swallowed the lines up to the next quote.

    Raises:
        ValueError: if a cell contains lines of the table.
    """
    for name in table.column_names:
        if not has_letter(table[name], b"\n"):
            continue
        several = pc.match_substring(table[name], "\n")
        for row in pc.indices_nonzero(several.combine_chunks().fill_null(False)).to_pylist():
            cell = table[name][row].as_py()
            inside = cell.split("\n")[1:-1]
            if inside and sum(_is_row(line.split(delimiter), table) for line in inside) * 2 >= len(inside):
                raise ValueError(
                    f"in row {row + 1}, the column {name!r} has a stray quote, which swallows "
                    f"{len(inside)} lines up to the next quote (from {cell[:30]!r}); double it or remove it"
                )


def _is_row(cells: Sequence[str], table: pa.Table) -> bool:
    """Whether these cells fit the columns: numbers in columns of numbers, and known words in the others."""
    if len(cells) != table.num_columns:
        return False
    evidence = 0
    for cell, column in zip(cells, table.itercolumns(), strict=True):
        text = cell.strip()
        if is_plain(text):
            evidence += any(is_plain(one) for one in column.slice(0, SAMPLE_LINES).to_pylist() if one)
        else:
            evidence += not text or pc.any(pc.equal(column, text)).as_py() is True
    return evidence * 2 >= len(cells)
