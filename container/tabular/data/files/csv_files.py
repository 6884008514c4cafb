"""CSV of any dialect, encoding and compression, detected from the file itself and always in the same way.

Every cell is text as it was written. What it means is decided later, from the whole column.
"""

import bz2
import csv
import gzip
import io
import lzma
import mmap
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tabular.data.files.encodings import find_encoding
from tabular.data.files.json_files import read_json
from tabular.data.files.layout import DELIMITERS, find_header, find_other_rows, note_of_footer
from tabular.data.values.numbers import is_plain
from tabular.spec.errors import amount
from tabular.spec.options import DEFAULTS, Options

__all__ = ["check_names", "read_csv", "stream_csv"]

SAMPLE_CHARACTERS, SAMPLE_LINES = 1 << 20, 200
BLOCK = 1 << 20  # bytes that pyarrow reads at a time, which fit into a cache; a longer row is read by Python
BLOCK_ROWS = 10_000  # of what had to be read whole
COLUMNS_OF_BLOCK = 64  # of wider tables it reads more, or each column would be in too many pieces
COMPRESSIONS: dict[bytes, tuple[str, Callable[[Path], Any]]] = {
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bzip2", bz2.open),
    b"\xfd7zXZ": ("xz", lzma.open),
    b"\x28\xb5\x2f\xfd": ("zstd", partial(pa.input_stream, compression="zstd")),
    b"PK\x03\x04": ("zip", lambda path: _only_member(path)),
}
# Files that are not CSV, by their first bytes, and what the user can do with them.
FOREIGN = {
    b"\xd0\xcf\x11\xe0": "it is an Excel workbook; save its sheet as CSV UTF-8",
    b"%PDF": "it is a PDF; export the table as CSV from the program that created it",
    b"{\\rtf": "it is a document in RTF; save the table as CSV",
    b"Rar!": "it is a RAR archive; unpack it",
    b"7z\xbc\xaf": "it is a 7z archive; unpack it",
    b"HEADER R": "it is a transport file of SAS; save it as CSV",
    bytes(8): "it begins with zero bytes, so it is not text; export the table as CSV from its program",
    b"version ": "it is the pointer of Git LFS to a file; fetch the file with git lfs pull",
} | {
    start: f"it is {what}; read it with the library that wrote it, and save it as CSV or Parquet"
    for start, what in (
        *((b"\x80\x03", "a pickle of Python"), (b"\x80\x04", "a pickle of Python")),
        *(
            (b"\x80\x05", "a pickle of Python"),
            (b"\x93NUMPY", "an array of NumPy"),
            (b"ARROW1", "a Feather file"),
        ),
        *((b"Obj\x01", "an Avro file"), (b"ORC", "an ORC file"), (b"\x89HDF", "an HDF5 file")),
        *((b"SQLite f", "an SQLite database"), (b"<stata_d", "a Stata file"), (b"$FL2@", "an SPSS file")),
        *((b"$FL3@", "an SPSS file"), (b"\x89PNG", "an image"), (b"\xff\xd8\xff", "an image")),
    )
}
_HTML = re.compile(r"\s*<(!doctype html|html|\?xml|head|body|table|error|[a-z]+:[a-z]+[ >])", re.IGNORECASE)
_ARFF = re.compile(r"(\s|%.*\n)*@relation\s", re.IGNORECASE)
_JSON = re.compile(r"\s*[\[{]\s*[\[{\"]")
_SEPARATOR = re.compile(r"sep=(.)(?:\r\n?|\n)", re.IGNORECASE)  # a first line that only Excel knows
UNNAMED = re.compile(r"Unnamed: \d+")  # pandas' name for a column without a name
DOS_END = "\x1a"  # what DOS and some programs until today write behind the last line
MARK = "\ufeff"  # of which a file that was put together has several
JSON_NAMES = {".json", ".jsonl", ".ndjson"}
END = "\x1aend-of-file"  # a line of our own, which becomes part of a cell only if a quote is never closed
csv.field_size_limit(1 << 30)  # the limit of Python's own module is 128 KiB


class Dialect(NamedTuple):
    """How a file is written: what opens it, its encoding and delimiter, and where the rows begin."""

    opened: Callable[[Path], Any]
    encoding: str
    delimiter: str
    names: Sequence[str]
    lines_above: int  # before the first row, including the header
    is_valid: bool  # whether all bytes are known to be text in this encoding


class Examined(NamedTuple):
    """What the beginning of a file tells: no dialect means JSON; R's row names may be `numbered`."""

    dialect: Dialect | None
    opened: Callable[[Path], Any]
    compression: str
    numbered: bool
    notes: Sequence[str]


def read_csv(
    path: Path, magic: bytes, options: Options = DEFAULTS, target: str | None = None
) -> tuple[pa.Table, dict[str, Any]]:
    """The rows of a file that begins with `magic`, all as text with null for an empty cell.

    Of several lines that could be its header, it is the one with `target`. The second result says how the
    file was read; its `notes` are for the user.

    Raises:
        ValueError: if it is not a table. OSError and errors of the decompression libraries are raised, too.
    """
    examined = _examined(path, magic, options, target)
    if examined.dialect is None:
        with examined.opened(path) as file:
            return read_json(file), {"format": "json", "compression": examined.compression}
    dialect = examined.dialect
    with _refusing(dialect.encoding):
        table, footer = _read_fast(path, dialect) or _read_slowly(path, dialect)
    _check_quotes(table, dialect.delimiter)
    others = find_other_rows(table, decimal_comma=dialect.delimiter != ",")
    if others.left_out:
        kept = sorted(set(range(len(table))).difference(*others.left_out.values()))
        table = table.take(pa.array(kept, pa.int64()))
    table, notes = _without_unnamed(table, examined.numbered)
    facts = {
        "format": "csv",
        "compression": examined.compression,
        "encoding": dialect.encoding,
        "delimiter": dialect.delimiter,
        "notes": [said for said in (*examined.notes, *notes, *others.notes, footer) if said],
    }
    if others.left_out:
        facts["left_out"] = {reason: len(rows) for reason, rows in others.left_out.items()}
    return table, facts


def _examined(path: Path, magic: bytes, options: Options, target: str | None) -> Examined:
    """How a file is written, from its beginning.

    Raises:
        ValueError: as `read_csv`.
    """
    if said := next((said for start, said in FOREIGN.items() if magic.startswith(start)), None):
        raise ValueError(said)
    compression, opened = next(
        (found for start, found in COMPRESSIONS.items() if magic.startswith(start)), ("none", open)
    )
    open_binary = partial(open, mode="rb") if opened is open else opened
    if options.encoding is None:
        with open_binary(path) as file:
            encoding, _, note = find_encoding(file)
    else:
        encoding, note = options.encoding, None
    with (
        _refusing(encoding),
        open_binary(path) as file,
        io.TextIOWrapper(file, encoding, newline="") as text,
    ):
        sample = text.read(SAMPLE_CHARACTERS)
    if "\0" in sample:
        raise ValueError(
            "it is a tar archive; unpack it and give its files"
            if sample[257:262] == "ustar"
            else "it contains zero bytes, so it is not text"
        )
    _refuse_foreign(sample)
    if _JSON.match(sample) or (JSON_NAMES & set(path.suffixes) and sample.lstrip()[:1] in ("[", "{")):
        return Examined(None, open_binary, compression, False, ())
    named = _SEPARATOR.match(sample)
    sample = sample[named.end() :] if named else sample
    delimiters = options.delimiter or (named[1] if named else DELIMITERS)
    skip = options.skip_rows
    above = max(0, skip - bool(named)) if skip is not None else None
    found = find_header(sample, delimiters, above, target)
    if sample.startswith('"'):
        _refuse_lines_in_quotes(found.names)
    names = [name.strip(MARK) for name in found.names]
    header, numbered = _with_row_names(names, _first_rows(sample, found.delimiter, found.lines))
    check_names([name for name in header if name.strip()])
    above = bool(named) + found.lines
    is_valid = encoding == "utf-8" != options.encoding  # as find_encoding has seen
    dialect = Dialect(open_binary, encoding, found.delimiter, _names(header), above, is_valid)
    notes = tuple(said for said in (note, *found.notes) if said)
    return Examined(dialect, open_binary, compression, numbered, notes)


def stream_csv(path: Path, magic: bytes) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    """The names of a file's columns, and its rows in blocks, all as text with null for an empty cell.

    Every line below the header is a row. Plain CSV takes as much memory as a block; JSON, and CSV whose
    delimiter is a blank, are read whole.

    Raises:
        ValueError: as `read_csv`, also while the blocks are read.
    """
    examined = _examined(path, magic, DEFAULTS, None)
    dialect = examined.dialect
    if dialect is None:
        with examined.opened(path) as file:
            table = read_json(file)
        return table.column_names, iter(table.to_batches(BLOCK_ROWS))
    if dialect.delimiter == " " or not dialect.delimiter.isascii():
        table, _ = _read_slowly(path, dialect)
        return table.column_names, iter(table.to_batches(BLOCK_ROWS))
    return list(dialect.names), _blocks(path, dialect)


def _blocks(path: Path, dialect: Dialect) -> Iterator[pa.RecordBatch]:
    quoted = _may_have_quotes(path, dialect)
    reading, *more = _settings(dialect, quoted)
    reading.use_threads = False  # threads do not always know the number of a line that does not fit
    with _opened(path, dialect) as file:
        try:
            yield from map(_trimmed, pyarrow.csv.open_csv(file, reading, *more))
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


@contextmanager
def _refusing(encoding: str) -> Iterator[None]:
    """Say which bytes are not text in an encoding."""
    try:
        yield
    except UnicodeDecodeError as error:
        wrong = error.object[max(0, error.start - 10) : error.end + 10]
        raise ValueError(f"{wrong!r} is not text in {encoding}; name another encoding") from None
    except UnicodeError as error:  # UTF-16 without its mark
        raise ValueError(f"it is not text in {encoding} ({error}); name another encoding") from None


def _first_rows(sample: str, delimiter: str, lines: int) -> list[list[str]]:
    """The first rows below the header; `lines` end with it."""
    text = islice(io.StringIO(sample, newline=""), lines, None)
    return list(
        islice(filter(None, csv.reader(text, delimiter=delimiter, skipinitialspace=True)), SAMPLE_LINES)
    )


def _read_fast(path: Path, dialect: Dialect) -> tuple[pa.Table, None] | None:
    """All cells, read by pyarrow; None if the file needs more care than pyarrow takes."""
    if dialect.delimiter == " " or not dialect.delimiter.isascii():
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
    return pa.OSFile(str(path)) if _is_uncompressed(dialect) else dialect.opened(path)


def _is_uncompressed(dialect: Dialect) -> bool:
    return isinstance(dialect.opened, partial) and dialect.opened.func is open


def _may_have_quotes(path: Path, dialect: Dialect) -> bool:
    """Whether there may be quotes, which may contain the ends of lines; most files have one soon, or none."""
    if not _is_uncompressed(dialect):
        return True
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return text.find(b'"') >= 0


def _read_slowly(path: Path, dialect: Dialect) -> tuple[pa.Table, str | None]:
    """All cells, read line by line, and a note on the lines below the table."""
    with dialect.opened(path) as file, io.TextIOWrapper(file, dialect.encoding, newline="") as text:
        for _ in range(dialect.lines_above):
            text.readline()
        columns: list[list[str | None]] = [[] for _ in dialect.names]
        width = len(columns)
        below: list[tuple[int, list[str]]] = []
        whole = chain(text, [END])
        lines = csv.reader(whole, delimiter=dialect.delimiter, skipinitialspace=True)
        for row in lines:
            if not row or row in ([END], [DOS_END]) or (len(row) == 1 < width and not row[0].strip()):
                continue
            if END in row[-1]:
                raise ValueError("a quote is never closed, so the rest of the file would be one cell")
            if len(row) != width:
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
        raise ValueError(f"line {line} has {amount(len(cells), 'cell')}, but the header has {width}")
    arrays = [pa.chunked_array([pa.array(cells, pa.string())]) for cells in columns]
    return pa.Table.from_arrays(arrays, names=list(dialect.names)), footer


def check_names(names: Sequence[str]) -> None:
    """Check that every column has a unique name.

    Raises:
        ValueError: if a column has no name, or two have the same.
    """
    stripped = [name.strip() for name in names]
    repeated = sorted(name for name, count in Counter(stripped).items() if count > 1)
    if repeated:
        raise ValueError(f"the column names {repeated} occur more than once")
    if not stripped:
        raise ValueError("it is empty")
    if not all(stripped):
        raise ValueError(f"column {stripped.index('') + 1} of its header has no name")


def _refuse_foreign(sample: str) -> None:
    if _HTML.match(sample):
        raise ValueError("it is an HTML or XML page, probably an error message; open it in a browser")
    if _ARFF.match(sample):
        raise ValueError("it is an ARFF file of Weka; save it as CSV, or give openml:<number> if it is there")


def _refuse_lines_in_quotes(names: Sequence[str]) -> None:
    if len(names) == 1 and len(next(csv.reader([names[0]]), [])) > 1:
        raise ValueError(
            f"each of its lines is one cell in quotes ({names[0][:40]!r} is the first); remove the quotes "
            "around the lines"
        )


def _names(header: Sequence[str]) -> list[str]:
    """The header's names; a column without a name gets pandas' name for it, so that it can be recognised."""
    numbers = (one for one in range(len(header) * 2) if f"Unnamed: {one}" not in header)
    return [name if name.strip() else f"Unnamed: {next(numbers)}" for name in header]


def _with_row_names(header: list[str], rows: Sequence[Sequence[str]]) -> tuple[list[str], bool]:
    """The header with an empty name for each cell that it lacks, and whether R's row names lack theirs.

    Raises:
        ValueError: if the rows have more cells than the header for any other reason.
    """
    widths = {len(row) for row in rows[:1]}
    if not rows or widths == {len(header)}:
        return header, False
    if all(len(row) == len(header) + 1 and not row[-1] for row in rows):
        return [*header, ""], False  # every row ends with a delimiter
    if not header[-1].strip() and all(len(row) == len(header) - 1 for row in rows):
        return header[:-1], False  # the header ends with a delimiter, and no row does
    if len(rows[0]) == len(header) + 1:  # R's write.table writes no header for its row names
        return ["", *header], True
    if len(rows[0]) > len(header):
        raise ValueError("its rows have more cells than its header")
    return header, False


def _without_unnamed(table: pa.Table, numbered: bool) -> tuple[pa.Table, list[str]]:
    """Leave out columns without a name: empty ones, and the row names that pandas and R write.

    Args:
        table: its unnamed columns have pandas' names.
        numbered: the header has no cell at all for the first column, which must then number the rows.

    Raises:
        ValueError: if an unnamed column contains anything else.
    """
    notes, indexes = [], 0
    for place, name in enumerate(table.column_names):
        if not UNNAMED.fullmatch(name):
            continue
        cells = table[name]
        if numbered and place == 0 and not _counts(cells):
            raise ValueError(
                "its rows have more cells than its header; if the first are row names, name their column"
            )
        if cells.null_count == len(cells):
            notes.append(f"column {place + 1} has no name and is empty: it is left out.")
        elif place == indexes and not cells.null_count and pc.count_distinct(cells).as_py() == len(cells):
            indexes += 1
            notes.append(
                f"column {indexes} has no name and only identifies the rows (an index): it is left out."
            )
        else:
            raise ValueError(f"column {place + 1} of its header has no name")
        table = table.drop_columns([name])
    return table, notes


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
        texts = filter(None, (chunk.buffers()[2] for chunk in table[name].chunks))
        if not any(b"\n" in text.to_pybytes() for text in texts):
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


def _only_member(path: Path) -> BinaryIO:
    archive = zipfile.ZipFile(path)
    if "[Content_Types].xml" in archive.namelist():
        raise ValueError("it is an Excel workbook; save its sheet as CSV UTF-8")
    if "mimetype" in archive.namelist():
        raise ValueError("it is an OpenDocument spreadsheet; save its sheet as CSV UTF-8")
    members = [one for one in archive.namelist() if not one.endswith("/") and "__MACOSX" not in one]
    if len(members) != 1:
        raise ValueError(f"it is a zip archive of {len(members)} files instead of one; unpack it")
    return archive.open(members[0])
