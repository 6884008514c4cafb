"""CSV of any dialect, encoding and compression, detected from the file itself and always in the same way.

Every cell is text as it was written. What it means is decided later, from the whole column.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

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
from tabular.data.files.layout.other_rows import FoundRows, find_other_rows, may_find
from tabular.data.files.quotes import (
    check_quotes,
    may_not_be_doubled,
    with_quotes_as_letters,
    with_quotes_doubled,
)
from tabular.data.values.names import is_unnamed
from tabular.spec.errors import amount
from tabular.spec.options import DEFAULTS, Options

__all__ = ["Block", "numbered", "read_csv", "stream_csv"]

BLOCK_ROWS = 10_000  # of what had to be read whole
FORMULAS = 'some cells are formulas that only show a text (="00123"); they are read as that text.'


class Block(NamedTuple):
    """Some rows of a file, and the number of each among all rows of the file, from 1 (n_rows,).

    `last` is the number of the last row that was read for them, also if that row is left out.
    """

    rows: pa.RecordBatch
    numbers: pa.Int64Array
    last: int


def numbered(parts: Iterable[pa.RecordBatch]) -> Iterator[Block]:
    """The parts of a file with the numbers of their rows."""
    last = 0
    for rows in parts:
        first, last = last + 1, last + len(rows)
        yield Block(rows, pa.array(range(first, last + 1), pa.int64()), last)


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
        return _read_json(path, examined, target, options.drop), facts
    table, others, around = _read_whole(path, examined.dialect, table)
    if others.left_out:
        kept = sorted(set(range(len(table))).difference(*others.left_out.values()))
        table = table.take(pa.array(kept, pa.int64()))
    table, notes = _without_unnamed(table, examined.numbered, examined.dialect.delimiter.isspace())
    facts = {
        "format": "csv",
        "compression": examined.compression,
        "encoding": examined.dialect.encoding,
        "delimiter": examined.dialect.delimiter,
        "notes": [*examined.notes, *notes, *around],
        "repeated": examined.repeated,
    }
    if others.left_out:
        facts["left_out"] = {reason: len(rows) for reason, rows in others.left_out.items()}
    return table, facts


def _read_whole(
    path: Path, dialect: Dialect, table: pa.Table | None = None
) -> tuple[pa.Table, FoundRows, list[str]]:
    """All cells, unless `table` has them, which rows are not the table's, and notes for the user.

    Raises:
        ValueError: if a line does not fit the header, or a quote is stray.
    """
    footer = mended = formulas = None
    if table is None:
        table, footer, mended = _read_with_quotes(path, dialect)
    if dialect.has_formulas and (without := without_formulas(table)) is not table:
        table, formulas = without, FORMULAS
    others = find_other_rows(table, FileStyle(table.columns, [dialect.delimiter]))
    return table, others, [said for said in (mended, formulas, *others.notes, footer) if said]


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
    """The cells, a note on the lines below the table, and a note if quotes are not as they should be.

    Raises:
        ValueError: if a line does not fit the header, or a quote is stray.
    """
    try:
        with refusing(dialect.encoding):
            table, footer = read_fast(path, dialect) or read_slowly(path, dialect)
        check_quotes(table, dialect.delimiter)
    except ValueError:  # perhaps at a delimiter behind a quote inside of a cell
        mended = _read_again(path, dialect, with_quotes_doubled) or _read_again(
            path, dialect, with_quotes_as_letters
        )
        if mended is None:
            raise
    else:
        mended = _read_again(path, dialect, with_quotes_doubled) if may_not_be_doubled(table) else None
        if mended is None:
            return table, footer, None
    return mended


def _read_again(
    path: Path, dialect: Dialect, mend: Callable[[Path, Dialect], tuple[Dialect, str] | None]
) -> tuple[pa.Table, str | None, str] | None:
    """Rewrite the quotes of a file with `mend`, and read it again.

    The result is the cells, a note on the lines below the table, and one on the quotes. None if
    the quotes were as they should be, if the lines still do not fit, or if a cell goes on in the next line,
    so that a line need not begin with a cell.
    """
    try:
        found = mend(path, dialect)
        if found is None:
            return None
        mended, note = found
        table, footer = read_fast(path, mended) or read_slowly(path, mended)
    except ValueError:
        return None
    ends = any(has_letter(cells, end) for cells in table.itercolumns() for end in (b"\n", b"\r"))
    return None if ends else (table, footer, note)


def stream_csv(
    path: Path, magic: bytes, options: Options = DEFAULTS, named: str | None = None
) -> tuple[list[str], Iterator[Block], Sequence[str]]:
    """The names of a file's columns, its rows in blocks, all as text with null for an empty cell, and notes.

    The rows are those of `read_csv`, without those that are empty in every one of several columns: such rows
    have no target, either. The memory is that of a few blocks, for which the file is read twice. Only if the
    first time shows that it may hold other lines than rows, or quotes that are not doubled, it is read whole,
    as are JSON, and CSV whose delimiter is a blank.

    Args:
        path: the file.
        magic: its first bytes.
        options: how it is written, where the user says so.
        named: a column; of several lines that could be the header, it is the one with this name.

    Raises:
        ValueError: as `read_csv`.
    """
    examined = examine(path, magic, options, named)
    dialect, notes = examined.dialect, list(examined.notes)
    if examined.repeated:
        own = ", ".join(map(repr, examined.repeated))
        notes.append(f"columns with the name of another column are called {own}, as in pandas.")
    if dialect is None:
        table = _read_json(path, examined, None, options.drop)
        return table.column_names, numbered(table.to_batches(BLOCK_ROWS)), notes
    empty = None if needs_care(dialect) or examined.numbered else _count_empty(path, dialect)
    if empty is not None:
        blocks = _filled(numbered(read_blocks(path, dialect)))
    else:
        table, others, around = _read_whole(path, dialect)
        notes += around
        if examined.numbered:  # or the header may lack the name of another column
            _without_unnamed(table, True, dialect.delimiter.isspace())
        batches = table.to_batches(BLOCK_ROWS)
        empty = sum(_are_filled(rows).false_count for rows in batches)
        blocks = _filled(numbered(batches), list(chain.from_iterable(others.left_out.values())))
    if empty:
        notes.append(f"{amount(empty, 'empty row is', 'empty rows are')} left out.")
    return list(dialect.names), blocks, notes


def _count_empty(path: Path, dialect: Dialect) -> int | None:
    """How many rows are empty; None if what the rows are can only be told from the whole file."""
    empty = 0

    def rows() -> Iterator[pa.RecordBatch]:
        nonlocal empty
        last = None
        for block in read_blocks(path, dialect):
            table = pa.Table.from_batches([block])
            if may_not_be_doubled(table):
                raise ValueError("some quotes may not be doubled")
            check_quotes(table, dialect.delimiter)
            empty += _are_filled(block).false_count
            last = block[-1][-1].as_py() if len(block) else last
            yield block
        if {"\n", "\r"} & {*(last or "")}:
            raise ValueError("the last quote may never be closed")

    try:
        return None if may_find(rows()) else empty
    except ValueError:  # who reads the whole file knows more
        return None


def _filled(blocks: Iterable[Block], left_out: Sequence[int] = ()) -> Iterator[Block]:
    """The rows that are not empty, and not at the places `left_out` in the file."""
    others = pa.array([place + 1 for place in left_out], pa.int64())
    for rows, numbers, last in blocks:
        kept = _are_filled(rows)
        if left_out:
            kept = pc.and_(kept, pc.invert(pc.is_in(numbers, others)))
        yield Block(rows.filter(kept), numbers.filter(kept), last)


def _are_filled(rows: pa.RecordBatch) -> pa.BooleanArray:
    """Which rows have a cell that is not empty; all, if there is one column."""
    if rows.num_columns > 1 and all(column.null_count for column in rows.columns):
        return reduce(pc.or_, map(pc.is_valid, rows.columns))
    return pa.repeat(pa.scalar(True), len(rows))


def _read_json(path: Path, examined: Examined, target: str | None, drop: Sequence[str]) -> pa.Table:
    with refusing(examined.encoding), examined.opened(path) as file:
        return read_json(file, examined.encoding, target, drop)


def _without_unnamed(table: pa.Table, numbered: bool, by_blanks: bool) -> tuple[pa.Table, list[str]]:
    """Leave out columns without a name: empty ones, and the row names that pandas and R write.

    Args:
        table: its unnamed columns have pandas' names.
        numbered: the header has no cell at all for the first column, which must then number the rows, or name
            each of them in words.
        by_blanks: blanks or tabs separate the cells, as R writes by itself. Otherwise, words are not enough,
            since it could be the last column that lacks a name.

    Raises:
        ValueError: if an unnamed column contains anything else.
    """
    notes, left = [], 0  # how many columns at the left are left out
    for place, name in enumerate(table.column_names):
        if not is_unnamed(name):
            continue
        cells = table[name]
        if numbered and place == 0 and not (_counts(cells) or (by_blanks and _are_words(cells))):
            raise ValueError(
                "its rows have more cells than its header; if the first are row names, name their column, "
                "and if cells contain the delimiter, as numbers with decimal commas may, put them in quotes"
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


def _are_words(cells: pa.ChunkedArray) -> bool:
    return not cells.null_count and pc.all(pc.match_substring_regex(cells, r"\p{L}")).as_py() is True
