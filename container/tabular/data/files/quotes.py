"""Quotes in CSV that are not as they should be: stray, not doubled inside of cells, or only letters."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.files.csv_cells import has_letter
from tabular.data.files.dialects import SAMPLE_LINES, Dialect
from tabular.data.values.numbers import is_plain
from tabular.spec.errors import amount

__all__ = ["check_quotes", "may_not_be_doubled", "with_quotes_as_letters", "with_quotes_doubled"]

ESCAPED = "quotes inside of cells follow a backslash; they are read as part of the text, without it."
NOT_DOUBLED = (
    "some cells in quotes have quotes inside that are not doubled; they are read as part of the text."
)
MOST_IN_QUOTES = 0.1  # of the lines of a file that is not quoted; some texts begin and end with a quote
_IN_QUOTES = re.compile(r'(?:^|\t)"[^\t"]*"(?=\t|$)')
_END_OF_LINE = re.compile(r"\r\n?|\n")
LETTERS = "quotes are letters in it, because they are never closed, and tabs alone tell its cells apart."


def may_not_be_doubled(table: pa.Table) -> bool:
    """Whether a cell ends with a quote, as it does if readers took a quote inside of it for its end."""
    return any(
        has_letter(column, b'"') and pc.any(pc.ends_with(column, '"')).as_py()
        for column in table.itercolumns()
    )


def with_quotes_doubled(path: Path, dialect: Dialect) -> tuple[Dialect, str] | None:
    """How to read a file again in which cells in quotes have quotes inside that are not doubled, and a note.

    Readers take the first of them for the end of the cell. Some programs write a backslash before each. No
    cell may go on in the next line, because a line must begin with a cell. None if all quotes inside are
    doubled.
    """
    delimiter = re.escape(dialect.delimiter)
    begin, end = rf'(?:^|(?<={delimiter}))"', rf"(?= *(?:{delimiter}|[\r\n]|\Z))"
    with dialect.opened(path) as file:
        text = file.read().decode(dialect.encoding)
    quoted = "\n".join(line for line in text.split("\n") if '"' in line)  # which may be a few of many

    def has(pattern: str) -> bool:
        return re.search(begin + pattern, quoted, re.MULTILINE) is not None

    escaped = r'(?:[^"\\\r\n]|\\.|"")*+'
    is_escaped = has(rf'(?:[^"\\\r\n]|\\[^"\r\n]|"")*+\\"(?!{end})') and not has(rf'{escaped}"(?!"|{end})')
    if not is_escaped and not has(rf'(?:[^"\r\n]|"")*+"(?!"|{end})'):
        return None
    inside = escaped if is_escaped else rf'(?:[^"\r\n]|""|"(?!"|{end}))*+'

    def doubled(cell: re.Match[str]) -> str:
        bare = cell[1].replace('\\"', '"') if is_escaped else cell[1]
        return '"' + bare.replace('""', '"').replace('"', '""') + '"'

    content = re.sub(rf'{begin}({inside})"{end}', doubled, text, flags=re.MULTILINE).encode()
    read_so = dialect._replace(opened=lambda _: io.BytesIO(content), encoding="utf-8")
    return read_so, ESCAPED if is_escaped else NOT_DOUBLED


def with_quotes_as_letters(path: Path, dialect: Dialect) -> tuple[Dialect, str] | None:
    """How to read a file again in which quotes are letters, and a note.

    Programs that separate cells by tabs often write them as they are, since few texts contain a tab. None if
    another delimiter separates them, if some line then has not as many cells as the header, or if so many
    cells are in quotes that the file is quoted and only one quote is missing.
    """
    if dialect.delimiter != "\t":
        return None
    with dialect.opened(path) as file:
        lines = _END_OF_LINE.split(file.read().decode(dialect.encoding))
    rows = lines[dialect.lines_above :]
    if sum(_IN_QUOTES.search(row) is not None for row in rows) > len(rows) * MOST_IN_QUOTES:
        return None
    if any(line.count("\t") != len(dialect.names) - 1 for line in rows if line):
        return None

    def quoted(cell: re.Match[str]) -> str:
        return '"' + cell[0].replace('"', '""') + '"'

    content = "\n".join(
        [*lines[: dialect.lines_above], *(re.sub(r'[^\t]*"[^\t]*', quoted, row) for row in rows)]
    )
    return dialect._replace(opened=lambda _: io.BytesIO(content.encode()), encoding="utf-8"), LETTERS


def check_quotes(table: pa.Table, delimiter: str) -> None:
    """Check that no stray quote was read as the start of a cell and swallowed the lines up to the next quote.

    Raises:
        ValueError: if a cell contains lines of the table.
    """
    columns = table.columns
    for place, name in enumerate(table.column_names):
        if not (has_letter(table[name], b"\n") or has_letter(table[name], b"\r")):
            continue
        several = pc.match_substring_regex(table[name], r"[\r\n]")
        for row in pc.indices_nonzero(several.combine_chunks().fill_null(False)).to_pylist():
            cell = table[name][row].as_py()
            first, *inside, last = (line.split(delimiter) for line in _END_OF_LINE.split(cell))
            if inside:
                are_rows = sum(_fit(line, columns) for line in inside) * 2 >= len(inside)
            else:  # the end of one row, and the beginning of the next
                both = [*columns[place:], *columns[: place + 1]]
                as_many = (len(first), len(last)) == (len(columns) - place, place + 1)
                # A text may contain some commas, but hardly as many tabs.
                are_rows = as_many and len(columns) > 1 and (delimiter == "\t" or _fit([*first, *last], both))
            if are_rows:
                lines = amount(len(inside) or 1, "line")
                raise ValueError(
                    f"in row {row + 1}, the column {name!r} has a stray quote, which swallows {lines} up to "
                    f"the next quote (from {cell[:30]!r}); double it or remove it"
                )


def _fit(cells: Sequence[str], columns: Sequence[pa.ChunkedArray]) -> bool:
    """Whether these cells fit the columns: numbers in columns of numbers, and known words in the others."""
    if len(cells) != len(columns):
        return False
    evidence = 0
    for cell, column in zip(cells, columns, strict=True):
        text = cell.strip()
        if is_plain(text):
            evidence += any(is_plain(one) for one in column.slice(0, SAMPLE_LINES).to_pylist() if one)
        else:
            evidence += not text or pc.any(pc.equal(column, text)).as_py() is True
    return evidence * 2 >= len(cells)
