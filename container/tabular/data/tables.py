"""Read the user's tables, CSV, Parquet or JSON, and decide what their columns contain."""

import csv
import gzip
import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pyarrow as pa

from tabular.data.decisions.arrow import as_texts, is_text
from tabular.data.decisions.decide import decide
from tabular.data.decisions.decision import Decision
from tabular.data.decisions.style import FileStyle
from tabular.data.figures import threads_for
from tabular.data.files.csv_files import Block, numbered, read_csv, stream_csv
from tabular.data.files.dialects import check_names
from tabular.data.files.formats import MAGIC, is_parquet
from tabular.data.files.parquet_files import read_parquet, stream_parquet
from tabular.data.values.names import as_written
from tabular.data.values.numbers import is_plain
from tabular.spec.columns import Task
from tabular.spec.errors import BadInput
from tabular.spec.options import DEFAULTS, OPTIONS_FILE, Options

__all__ = [
    "MAX_CLASSES",
    "Table",
    "name_of",
    "read_table",
    "stream_rows",
    "table_files",
    "task_of",
    "warning",
]

MAX_CLASSES = 100
MANY_COLUMNS = 200
FEW_NUMBERS = 20  # a target with more distinct integers is a quantity
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
UNREADABLE = (ValueError, OSError, csv.Error, *DAMAGED)
COPY = "another column has this name and the same cells, and is left out."
COPIES = "{} other columns have this name and the same cells, and are left out."
Warning = dict[str, str | None]


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    `frame` holds its rows: numbers as numbers, everything else as it was written. `cells` holds the same rows
    as written in the files, without any interpretation. `decisions` says how the cells of each column are
    read. `files` says how each file was read, and `warnings` what the user should know. `left_out` counts
    rows of the files that are not rows of the table, by the reason. `copies` names columns that are not in
    the table, because another of the same name has the same cells.
    """

    frame: pd.DataFrame
    cells: pa.Table
    decisions: Mapping[str, Decision]
    files: Sequence[Mapping[str, Any]]
    warnings: Sequence[Warning]
    left_out: Mapping[str, int] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)


def table_files(folder: Path) -> list[Path]:
    """The files in a folder that contain rows, without the options and the hidden files of a system.

    Raises:
        BadInput: if there is no such file.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] not in "._")
    files = [path for path in files if path.name != OPTIONS_FILE]
    if not files:
        raise BadInput("There is no table at InputDataUri; set it to a file, or to a folder of files.")
    return files


def read_table(files: Sequence[Path], options: Options = DEFAULTS, target: str | None = None) -> Table:
    """The rows of one file, or of several files with the same columns.

    The target tells which line is the header if several could be.

    Raises:
        BadInput: if a file cannot be read, columns differ between files, a column has no name, two columns
            with different cells have the target's, or a cell does not fit the kind that the options set.
    """
    empty = [path for path in files if not path.stat().st_size]
    if 0 < len(empty) < len(files):  # as Spark writes the parts that no row fell into
        files = [path for path in files if path.stat().st_size]
    else:
        empty = []
    parts, reading = map(list, zip(*(_read_file(path, options, target) for path in files), strict=True))
    _check_same_columns(files, parts)
    warnings = [warning(None, f"{name_of(path)} is empty.") for path in empty]
    warnings += [warning(None, f"{one['name']}: {note}") for one in reading for note in one.pop("notes", ())]
    filled = [part for part in parts if len(part)]
    if filled:
        warnings += [
            warning(None, f"{name_of(path)} has a header but no rows.")
            for path, part in zip(files, parts, strict=True)
            if not len(part)
        ]
    cells = _joined(filled or parts[:1])
    repeated = dict.fromkeys(chain.from_iterable(one.pop("repeated", ()) for one in reading))
    cells, copies, said = _without_copies(cells, list(repeated), target, options)
    warnings += said
    cells = _with_words(cells, options)
    style = FileStyle(cells.columns, [one.get("delimiter", ",") for one in reading])
    decisions, frame = _decided(cells, options, style)
    warnings += [warning(name, doubt) for name, found in decisions.items() for doubt in found.doubts]
    left_out = sum((Counter(one.pop("left_out", {})) for one in reading), Counter())
    return Table(frame, cells, decisions, reading, warnings, left_out, copies)


def _decided(cells: pa.Table, options: Options, style: FileStyle) -> tuple[dict[str, Decision], pd.DataFrame]:
    """What was decided about each column, and the columns as they are read."""
    names = cells.column_names
    # Columns of numbers beside each other are one block, with which pandas takes one step and not thousands.
    many = len(names) > MANY_COLUMNS
    matrix = np.empty((len(names), len(cells))) if many else None

    def decided(places: range) -> list[Decision]:
        return [
            decide(names[place], cells.column(place), options, style, matrix[place] if many else None)
            for place in places
        ]

    step = 1 + len(names) // MANY_COLUMNS
    parts = [range(start, min(start + step, len(names))) for start in range(0, len(names), step)]
    order = parts if many else [parts[place] for place in _in_order(cells)]
    # pyarrow and C leave Python's lock to other threads while they compute.
    with threads_for(len(cells)) as threads:
        deciding = {part: threads.submit(decided, part) for part in order}
        found = list(chain.from_iterable(deciding[part].result() for part in parts))
    frames: list[pd.DataFrame] = []
    for is_block, run in groupby(range(len(names)), lambda place: _is_part(found[place], matrix)):
        places = list(run)
        chosen = slice(places[0], places[-1] + 1)
        if is_block:
            frames.append(pd.DataFrame(matrix[chosen].T, columns=names[chosen], copy=False))
        else:  # arrays, not Series, whose indexes pandas would compare with each other
            arrays = (one.array for one in found[chosen])
            frames.append(pd.DataFrame(dict(zip(names[chosen], arrays, strict=True)), copy=False))
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, axis=1)
    return dict(zip(names, found, strict=True)), frame


def _in_order(cells: pa.Table) -> list[int]:
    """The columns in the order in which several threads are done at the same time: the longest first.

    Columns that do not begin with a number come before all others.
    """

    def takes(column: pa.ChunkedArray) -> tuple[bool, int]:
        first = column.slice(0, FEW_NUMBERS).drop_null()
        return not (len(first) and is_plain(str(first[0].as_py()))), column.nbytes

    return sorted(range(cells.num_columns), key=lambda place: takes(cells.column(place)), reverse=True)


def _is_part(decision: Decision, matrix: np.ndarray | None) -> bool:
    return matrix is not None and isinstance(decision.read, np.ndarray) and decision.read.base is matrix


def warning(column: str | None, said: str) -> Warning:
    """What the user should know about a table: a column (None: the whole table), and a sentence."""
    return {"column": column, "said": said}


def _joined(parts: Sequence[pa.Table]) -> pa.Table:
    """The rows of all parts, in the columns' order of the first; columns of different types become text."""
    if len(parts) == 1:
        return parts[0]
    names = parts[0].column_names
    parts = [part.select(names) for part in parts]
    for place, name in enumerate(names):
        kinds = {part.schema.field(name).type for part in parts} - {pa.null()}
        if len(kinds) > 1 and any(map(is_text, kinds)):
            parts = [part.set_column(place, name, as_texts(part[name])) for part in parts]
    try:
        return pa.concat_tables(parts, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        raise BadInput(_different_types(parts)) from None


def _without_copies(
    cells: pa.Table, repeated: Sequence[str], target: str | None, options: Options
) -> tuple[pa.Table, dict[str, str], list[Warning]]:
    """The cells without columns that repeat another of the same name, which each repeats, and warnings.

    Args:
        cells: all columns.
        repeated: the names of columns that have the name of another, as they were told apart.
        target: the column to predict, if it is known.
        options: columns with the target's name may be named in drop.

    Raises:
        BadInput: if columns with different cells have the target's name.
    """
    copies: dict[str, str] = {}
    said = []
    alike: dict[str, list[str]] = {}  # the columns with different cells, by the name that all have
    for own in repeated:
        name = as_written(own)
        others = alike.setdefault(name, [name])
        original = next((other for other in others if cells[own].equals(cells[other])), None)
        if original is not None:
            copies[own] = original
            continue
        others.append(own)
        if name == target and own not in options.drop:
            raise BadInput(
                f"Several columns have the name of the target, {name!r}, and their cells differ; name "
                f"{own!r} in drop, or take it as the target and name {name!r} in drop."
            )
        differs = f"another column named {name!r}, with other cells; it is called {own!r}, as in pandas."
        said.append(warning(own, differs))
    count = Counter(copies.values())
    said += [warning(name, COPY if many == 1 else COPIES.format(many)) for name, many in count.items()]
    return cells.drop_columns(list(copies)), copies, said


def _different_types(parts: Sequence[pa.Table]) -> str:
    """Which column has types in these parts that cannot be joined."""
    for name in parts[0].column_names:
        fields = [part.schema.field(name) for part in parts]
        try:
            pa.unify_schemas([pa.schema([one]) for one in fields], promote_options="permissive")
        except (pa.ArrowTypeError, pa.ArrowInvalid):
            kinds = " and ".join(dict.fromkeys(str(one.type) for one in fields if one.type != pa.null()))
            return (
                f"The column {name!r} is {kinds} in different files; write it with one type in all of them."
            )
    return "The files have columns of different types; write each column with one type in all of them."


def task_of(target: pd.Series, options: Options, distinct: int | None = None) -> Task:
    """The task that the options name; with auto, the task is detected from the target's values.

    Text, booleans and two distinct numbers are classes, and so are a few integers that occur often. Other
    numbers are a quantity. `distinct` is how many different values there are, if they were counted before.
    """
    if options.task != "auto":
        return options.task
    distinct = target.nunique() if distinct is None else distinct
    if distinct <= 2:
        return "binary"
    if pd.api.types.is_bool_dtype(target) or not pd.api.types.is_numeric_dtype(target):
        return "multiclass"
    values = target.dropna()
    few = distinct <= min(FEW_NUMBERS, max(2, len(values) // 5))
    return "multiclass" if few and (values % 1 == 0).all() else "regression"


def _with_words(cells: pa.Table, options: Options) -> pa.Table:
    """The cells with text in the columns that the user calls words or dates, as clients have to send it.

    Raises:
        BadInput: if the cells of such a column cannot be text.
    """
    named = {*options.categorical, *options.text, *options.partition, options.group, *options.date}
    for name in [one for one in cells.column_names if one in named]:
        if name in options.date and pa.types.is_temporal(cells[name].type):
            continue
        try:
            texts = as_texts(cells[name])
        except pa.ArrowInvalid:  # bytes that are not UTF-8
            texts = cells[name]
        if not is_text(texts.type):
            raise BadInput(
                f"The column {name!r} holds {texts.type}, which cannot be read as text; name it in drop "
                "instead of categorical, text, group, partition or date."
            )
        cells = cells.set_column(cells.column_names.index(name), name, texts)
    return cells


def _read_file(path: Path, options: Options, target: str | None) -> tuple[pa.Table, dict[str, Any]]:
    with _reading(path):
        magic, of_parquet = _kind(path)
        table, facts = read_parquet(path) if of_parquet else read_csv(path, magic, options, target)
        check_names(table.column_names)
    names = [name.strip() for name in table.column_names]
    if names != table.column_names:
        table = table.rename_columns(names)
    for name, value in _partition(path, names).items():
        table = table.append_column(name, pa.chunked_array([_repeated(value, len(table))]))
    return table, facts | {"name": name_of(path), "rows": len(table)}


def stream_rows(
    path: Path, options: Options = DEFAULTS, known: Sequence[str] = ()
) -> tuple[list[str], Iterator[Block], Sequence[str]]:
    """The names of a file's columns, its rows in blocks, with its order and its cells, and notes on reading.

    Nothing is decided about columns. What `read_table` finds around and among the rows is none here, either;
    the others keep their numbers, so that each can be found again. The memory is that of a few blocks,
    whatever the file's size, unless there is anything to leave out, see `stream_csv`. Of several lines that
    could be the header, it is the one that has the first of the `known` columns.

    Raises:
        BadInput: if the file cannot be read, also while the blocks are read.
    """
    named = next((name for name in known if name not in _partition(path, ())), None)
    with _reading(path):
        magic, of_parquet = _kind(path)
        if of_parquet:
            names, parts = stream_parquet(path)
            blocks, notes = numbered(parts), ()
        else:
            names, blocks, notes = stream_csv(path, magic, options, named)
        check_names(names)
    stripped = [name.strip() for name in names]
    of_folders = _partition(path, stripped)
    all_names = [*stripped, *of_folders]

    def renamed() -> Iterator[Block]:
        with _reading(path):
            for rows, numbers, last in blocks:
                more = [_repeated(value, len(rows)) for value in of_folders.values()]
                yield Block(pa.RecordBatch.from_arrays([*rows.columns, *more], all_names), numbers, last)

    return all_names, renamed(), notes


def _kind(path: Path) -> tuple[bytes, bool]:
    """The first bytes of a file, and whether it is Parquet, whatever its name says."""
    with path.open("rb") as file:
        magic = file.read(MAGIC)
    return magic, is_parquet(magic)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say which file cannot be read."""
    try:
        yield
    except UNREADABLE as error:
        reason = str(error).strip().rstrip(".") or type(error).__name__
        if isinstance(error, DAMAGED):
            reason = f"it is damaged or incomplete ({reason}); copy or download it again"
        advice = "" if ";" in reason else " Give a CSV with a header line."
        raise BadInput(
            f"Cannot read the table {name_of(path)}: {' '.join(reason.split())}.{advice}"
        ) from None


def name_of(path: Path) -> str:
    """A file's name, with the folders that tell it from other parts: `region=eu/part-0.csv`."""
    return "/".join([*(part for part in path.parent.parts if "=" in part), path.name])


def _partition(path: Path, names: Sequence[str]) -> dict[str, str | None]:
    """The columns in the names of a file's folders, as Hive and Spark write them: `region=eu`.

    Without those that are in the file. None if the folder is that of rows without a value.
    """
    pairs = (part.partition("=") for part in path.parent.parts)
    found = {name: unquote(value) for name, equals, value in pairs if name and equals}
    return {name: None if value == HIVE_NULL else value for name, value in found.items() if name not in names}


def _repeated(text: str | None, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)


def _check_same_columns(files: Sequence[Path], parts: Sequence[pa.Table]) -> None:
    first = set(parts[0].column_names)
    for path, part in zip(files, parts, strict=True):
        differing = sorted(first ^ set(part.column_names))
        if not differing:
            continue
        one = differing[0]
        there = next((name for name in differing[1:] if name.casefold() == one.casefold()), None)
        seen = f"{one!r} and {there!r} differ in case" if there else f"only one of them has {one!r}"
        raise BadInput(
            f"The files {name_of(files[0])} and {name_of(path)} do not have the same columns: {seen} "
            f"({len(differing)} names differ: {', '.join(map(repr, differing[:6]))}); give files with the "
            "same header."
        )
