"""The cells of a CSV file whose dialect is known: by pyarrow, all at once or in blocks, or line by line."""

import csv
import io
import mmap
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tabular.data.files.dialects import Dialect
from tabular.data.files.formats import is_uncompressed
from tabular.data.files.layout.directives import is_directive
from tabular.data.files.layout.footers import note_of_footer
from tabular.data.files.layout.lines import lines_are
from tabular.spec.errors import amount

__all__ = [
    "has_letter",
    "needs_care",
    "read_blocks",
    "read_fast",
    "read_slowly",
    "without_formulas",
]

BLOCK = 1 << 20  # bytes that pyarrow reads at a time, which fit into a cache; a longer row is read by Python
COLUMNS_OF_BLOCK = 64  # of wider tables it reads more, or each column would be in too many pieces
# What DOS, some programs to this day, and PostgreSQL's COPY write after the last line.
ENDS = ("\x1a", "\\.")
END = "\x1aend-of-file"  # a line of our own, which becomes part of a cell only if a quote is never closed


def needs_care(dialect: Dialect) -> bool:
    """Whether only `read_slowly` can read such a file: blanks between its columns, or a sign beyond ASCII."""
    return dialect.delimiter == " " or not dialect.delimiter.isascii()


def read_fast(path: Path, dialect: Dialect) -> tuple[pa.Table, None] | None:
    """All cells, read by pyarrow; None if the file needs more care than pyarrow takes."""
    if needs_care(dialect):
        return None
    names, quoted = dialect.names, _may_have_quotes(path, dialect)
    try:
        with _opened(path, dialect) as file:
            table = pyarrow.csv.read_csv(file, *_settings(dialect, quoted))
    except pa.ArrowInvalid:
        return None
    last = table.column(len(names) - 1)
    if len(last) and "\n" in (last[-1].as_py() or ""):
        return None  # the last quote may never be closed
    for place, name in enumerate(names):
        cells = table.column(place)
        if not pc.any(pc.starts_with(cells, " ")).as_py():
            continue
        cells = pc.ascii_ltrim(cells, " ")
        if pc.any(pc.starts_with(cells, '"')).as_py():
            return None  # a quote after a blank
        empty = pc.equal(cells, "")
        table = table.set_column(place, name, pc.if_else(empty, pa.scalar(None, pa.string()), cells))
    return table, None


def read_blocks(path: Path, dialect: Dialect) -> Iterator[pa.RecordBatch]:
    """All cells in blocks, so that no more than one of them is in memory.

    Raises:
        ValueError: at a line that does not fit the header, or a quote after a blank.
    """
    quoted = _may_have_quotes(path, dialect)
    reading, *more = _settings(dialect, quoted)
    reading.use_threads = False  # threads do not always know the number of a line that does not fit
    with _opened(path, dialect) as file:
        try:
            blocks = map(_trimmed, pyarrow.csv.open_csv(file, reading, *more))
            yield from map(without_formulas, blocks) if dialect.has_formulas else blocks
        except pa.ArrowInvalid as error:
            said = str(error).removeprefix("CSV parse error: ").replace("Row #", "line ")
            raise ValueError(f"{said}; correct that line") from None


def _trimmed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Cells without blanks before them, as in `read_csv`.

    Raises:
        ValueError: a quote follows a blank, so that its cell cannot be told.
    """
    for place, name in enumerate(batch.schema.names):
        cells = batch.column(place)
        if pc.any(pc.starts_with(cells, " ")).as_py():
            cells = pc.ascii_ltrim(cells, " ")
            if pc.any(pc.starts_with(cells, '"')).as_py():
                raise ValueError(f"the column {name!r} has a quote after a blank; remove that blank")
            empty = pc.equal(cells, "")
            cells = pc.if_else(empty, pa.scalar(None, pa.string()), cells)
            batch = batch.set_column(place, name, cells)
    return batch


def has_letter(cells: pa.ChunkedArray, letter: bytes) -> bool:
    """Whether a letter is in any of the cells."""
    texts = filter(None, (chunk.buffers()[2] for chunk in cells.chunks))
    return any(letter in text.to_pybytes() for text in texts)


def without_formulas(table: Any) -> Any:
    """The cells of a table or a batch without the formulas in which some programs write texts for Excel."""
    for place, name in enumerate(table.schema.names):
        cells = table.column(place)
        if pc.any(pc.starts_with(cells, '="')).as_py():
            cells = pc.replace_substring_regex(cells, '(?s)^="(.*)"$', r"\1")
            cells = pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)
            table = table.set_column(place, name, cells)
    return table


def read_slowly(path: Path, dialect: Dialect) -> tuple[pa.Table, str | None]:
    """All cells, read line by line, and a note on the lines below the table."""
    with dialect.opened(path) as file, io.TextIOWrapper(file, dialect.encoding, newline="") as text:
        for _ in range(dialect.lines_above):
            text.readline()
        columns: list[list[str | None]] = [[] for _ in dialect.names]
        width = len(columns)
        below: list[tuple[int, list[str]]] = []
        directives = 0
        whole = chain(text, [END])
        lines = csv.reader(whole, delimiter=dialect.delimiter, skipinitialspace=True)
        for row in lines:
            if (
                not row
                or row == [END]
                or (len(row) == 1 and row[0] in ENDS)
                or (len(row) == 1 < width and not row[0].strip())
            ):
                continue
            if END in row[-1]:
                first = dialect.lines_above + lines.line_num - sum(cell.count("\n") for cell in row)
                raise ValueError(
                    f"a quote is never closed, so the rest of the file from line {first} on would be one "
                    "cell; double it or remove it"
                )
            odd = len(row) != width
            if (odd or dialect.delimiter == " ") and row[0][:1] == "#" and is_directive(row, dialect.names):
                directives += 1
                continue
            if odd:
                if dialect.delimiter == " " and len(row) == width + 1 and not row[-1]:
                    row = row[:-1]  # blanks at the end of a line
                else:
                    below.append((dialect.lines_above + lines.line_num, row))
                    continue
            if below:
                break
            for cells, cell in zip(columns, row, strict=True):
                cells.append(cell.lstrip(" ") or None)
    footer = note_of_footer([cells for _, cells in below], width) if row == [END] else None
    if below and footer is None:
        line, cells = below[0]
        if len(cells) == 1 < width and cells[0].count(dialect.delimiter) >= width - 1:
            raise ValueError(f"line {line} is one cell in quotes; remove the quotes around such lines")
        raise ValueError(
            f"line {line} has {amount(len(cells), 'cell')}, but the header has {width}; correct that line"
        )
    if directives:
        said = f"{lines_are(directives, 'among or below the rows')} left out: directives of a log."
        footer = f"{said} {footer}" if footer else said
    arrays = [pa.chunked_array([pa.array(cells, pa.string())]) for cells in columns]
    return pa.Table.from_arrays(arrays, names=list(dialect.names)), footer


def _settings(dialect: Dialect, quoted: bool) -> tuple[Any, Any, Any]:
    """How pyarrow reads a file: as text, with null for an empty cell."""
    names = dialect.names
    return (
        pyarrow.csv.ReadOptions(
            column_names=names,
            skip_rows=dialect.lines_above,
            encoding="utf8" if dialect.encoding.startswith("utf-8") else dialect.encoding,
            use_threads=not quoted,  # with newlines in values, they take half as much CPU again
            block_size=BLOCK * (1 + len(names) // COLUMNS_OF_BLOCK),
        ),
        pyarrow.csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=quoted),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            check_utf8=not dialect.is_valid,
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            null_values=[""],
        ),
    )


def _opened(path: Path, dialect: Dialect) -> Any:
    """The file for pyarrow, which reads a plain one without a detour through Python."""
    return pa.OSFile(str(path)) if is_uncompressed(dialect.opened) else dialect.opened(path)


def _may_have_quotes(path: Path, dialect: Dialect) -> bool:
    """Whether there may be quotes, which may contain the ends of lines; most files have one soon, or none."""
    if not is_uncompressed(dialect.opened):
        return True
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return text.find(b'"') >= 0
