"""How a CSV file is written, from its beginning: encoding, delimiter, header, and where the rows begin."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from tabular.data.files.encodings import find_encoding
from tabular.data.files.formats import opener, refuse_foreign, refuse_inside
from tabular.data.files.layout.blanks import are_separated_by_blanks_and_tabs
from tabular.data.files.layout.headers import DELIMITERS, find_header, refuse_stray_quote
from tabular.data.values.cells import without_formula
from tabular.data.values.names import told_apart
from tabular.spec.options import Options

__all__ = ["SAMPLE_LINES", "Dialect", "Examined", "check_names", "examine", "refusing"]

SAMPLE_CHARACTERS, SAMPLE_LINES = 1 << 20, 200
_JSON = re.compile(r"\s*[\[{]\s*[\[{\"]")
_SEPARATOR = re.compile(r"sep=(.)(?:\r\n?|\n)", re.IGNORECASE)  # a first line that only Excel knows
MARK = "\ufeff"  # of which a file that was put together has several
JSON_NAMES = {".json", ".jsonl", ".ndjson"}
BLANKS_AND_TABS = "its cells are separated by any number of blanks and tabs."
csv.field_size_limit(1 << 30)  # the limit of Python's own module is 128 KiB


class Dialect(NamedTuple):
    """How a file is written: what opens it, its encoding and delimiter, and where the rows begin.

    `has_formulas` says that some cells are written as formulas for Excel, see `cells.without_formula`.
    """

    opened: Callable[[Path], Any]
    encoding: str
    delimiter: str
    names: Sequence[str]
    lines_above: int  # before the first row, including the header
    is_valid: bool  # whether all bytes are known to be text in this encoding
    has_formulas: bool = False


class Examined(NamedTuple):
    """What the beginning of a file tells: no dialect means JSON; R's row names may be `numbered`.

    `repeated` are the names of columns that have the name of another, as they were told apart.
    """

    encoding: str
    dialect: Dialect | None
    opened: Callable[[Path], Any]
    compression: str
    numbered: bool
    notes: Sequence[str]
    repeated: Sequence[str] = ()


def examine(path: Path, magic: bytes, options: Options, target: str | None, whole: bool = True) -> Examined:
    """How a file is written, from its beginning; that it is UTF-8 also from all others if it is `whole`.

    Raises:
        ValueError: if it is not a table, or `options` do not fit it.
    """
    compression, opened = opener(magic)
    if compression != "none":
        with opened(path) as file:
            refuse_inside(file.read(len(magic)))
    if options.encoding is None:
        with opened(path) as file:
            encoding, _, note = find_encoding(file, whole)
    else:
        encoding, note = options.encoding, None
    with (
        refusing(encoding),
        opened(path) as file,
        io.TextIOWrapper(file, encoding, newline="") as text,
    ):
        sample = text.read(SAMPLE_CHARACTERS)
    refuse_foreign(sample)
    if _JSON.match(sample) or (JSON_NAMES & set(path.suffixes) and sample.lstrip()[:1] in ("[", "{")):
        return Examined(encoding, None, opened, compression, False, (note,) if note else ())
    named = _SEPARATOR.match(sample)
    sample = sample[named.end() :] if named else sample
    delimiters = options.delimiter or (named[1] if named else DELIMITERS)
    skip = options.skip_rows
    above = max(0, skip - bool(named)) if skip is not None else None
    notes = [note] if note else []
    if delimiters == DELIMITERS and above is None and are_separated_by_blanks_and_tabs(sample, target):
        sample, notes = sample.replace("\t", " "), [*notes, BLANKS_AND_TABS]
        opened, encoding = partial(_with_blanks_for_tabs, opened=opened, encoding=encoding), "utf-8"
    found = find_header(sample, delimiters, above, target)
    if skip and not found.names and sample:
        raise ValueError(f"it has no line below the {skip} that skip_rows leaves out; correct skip_rows")
    refuse_stray_quote(sample, found)
    if sample.startswith('"') or (len(found.names) > 1 and not any(map(str.strip, found.names[1:]))):
        _refuse_lines_in_cells(found.names, target)
    names = [without_formula(name.strip(MARK)) for name in found.names]
    header, numbered = _with_row_names(names, partial(_first_rows, sample, found.delimiter, found.lines))
    own = told_apart(header)
    repeated = {name: written for name, written in zip(own, header, strict=True) if name != written.strip()}
    if not repeated or any(map(_is_of_a_row, repeated.values())):
        check_names([name for name in header if name.strip()])
    above = bool(named) + found.lines
    is_valid = whole and encoding == "utf-8" != options.encoding  # as find_encoding has seen
    has_formulas = '="' in sample
    dialect = Dialect(opened, encoding, found.delimiter, _names(own), above, is_valid, has_formulas)
    return Examined(encoding, dialect, opened, compression, numbered, (*notes, *found.notes), tuple(repeated))


@contextmanager
def refusing(encoding: str) -> Iterator[None]:
    """Say which bytes are not text in an encoding."""
    try:
        yield
    except UnicodeDecodeError as error:
        wrong = error.object[max(0, error.start - 10) : error.end + 10]
        raise ValueError(f"{wrong!r} is not text in {encoding}; name another encoding") from None
    except UnicodeError as error:  # UTF-16 without its mark
        raise ValueError(f"it is not text in {encoding} ({error}); name another encoding") from None


def check_names(names: Sequence[str]) -> None:
    """Check that every column has a unique name.

    Raises:
        ValueError: if a column has no name, or two have the same.
    """
    stripped = [name.strip() for name in names]
    repeated = sorted(name for name, count in Counter(stripped).items() if count > 1)
    if repeated:
        said = f"the column names {repeated} occur more than once"
        is_row = any(map(_is_of_a_row, repeated))
        raise ValueError(said if is_row else f"{said}; rename or remove all but one of each")
    if not stripped:
        raise ValueError("it is empty")
    if not all(stripped):
        raise ValueError(f"column {stripped.index('') + 1} of its header has no name")


def _is_of_a_row(name: str) -> bool:
    return name.strip().lstrip("-").replace(".", "").isdigit()


def _with_blanks_for_tabs(path: Path, opened: Callable[[Path], Any], encoding: str) -> BinaryIO:
    """The content of a file in UTF-8, with a blank for each tab."""
    with refusing(encoding), opened(path) as file:
        return io.BytesIO(file.read().decode(encoding).replace("\t", " ").encode())


def _first_rows(sample: str, delimiter: str, lines: int, most: int = SAMPLE_LINES) -> list[list[str]]:
    """The first rows below the header, of which `lines` is the last one."""
    text = islice(io.StringIO(sample, newline=""), lines, None)
    return list(islice(filter(None, csv.reader(text, delimiter=delimiter, skipinitialspace=True)), most))


def _refuse_lines_in_cells(names: Sequence[str], target: str | None) -> None:
    """Refuse lines that are one cell, as programs write them whose delimiter is another one."""
    first, *others = names
    if any(map(str.strip, others)) or first == target:
        return
    if not set(DELIMITERS.strip(" ")) & set(first):
        return
    how = "in front of empty ones" if others else "in quotes"
    rest = "what stands behind it, and the quotes around it" if others else "the quotes around the lines"
    raise ValueError(f"each of its lines is one cell {how} ({first[:40]!r} is the first); remove {rest}")


def _names(header: Sequence[str]) -> list[str]:
    """The header's names; a column without a name gets pandas' name for it, so that it can be recognised."""
    numbers = (one for one in range(len(header) * 2) if f"Unnamed: {one}" not in header)
    return [name if name.strip() else f"Unnamed: {next(numbers)}" for name in header]


def _with_row_names(header: list[str], first_rows: Callable[..., list[list[str]]]) -> tuple[list[str], bool]:
    """The header with an empty name for each cell that it lacks, and whether R's row names lack theirs.

    Args:
        header: its names.
        first_rows: returns the first rows, which are looked at only if the very first one does not fit.

    Raises:
        ValueError: if the rows have more cells than the header for any other reason.
    """
    if all(len(row) == len(header) for row in first_rows(most=1)):
        return header, False
    rows = first_rows()
    if all(len(row) == len(header) + 1 and not row[-1] for row in rows):
        return [*header, ""], False  # every row ends with a delimiter
    if not header[-1].strip() and all(len(row) == len(header) - 1 for row in rows):
        return header[:-1], False  # the header ends with a delimiter, and no row does
    longer = [len(row) for row in rows if len(row) > len(header)]
    if 2 * len(longer) <= len(rows):  # whoever reads all rows says which lines do not fit
        return header, False
    if set(longer) == {len(header) + 1}:  # R's write.table writes no header for its row names
        return ["", *header], True
    raise ValueError("its rows have more cells than its header")
