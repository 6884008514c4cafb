"""Parquet: typed columns, of which only the types that a decision is made about are left."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tabular.data.decisions.arrow import is_text
from tabular.data.files.dialects import check_names
from tabular.data.values.names import told_apart

__all__ = ["read_parquet", "stream_parquet"]

BLOCK_ROWS = 10_000
TEXTS = (
    *(pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()),
    *(pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")),
)


def read_parquet(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    """The rows of a file, and how it was read; its `notes` are for the user.

    Columns of the same name are told apart as in pandas; the names of all but the first are `repeated`.

    Raises:
        ValueError: if it is damaged or cannot be used.
    """
    with _whole():
        written_names = pq.read_schema(path).names
        own = _told_apart(written_names)
        if own == written_names:
            table = pq.read_table(path)
        else:
            with pq.ParquetFile(path) as file:
                table = file.read().rename_columns(own)
    check_names(table.column_names)
    # A file written by pandas may contain an index. An index with a name is a column, one without is not.
    metadata = (table.schema.pandas_metadata or {}).get("index_columns", [])
    named = [name for name in metadata if isinstance(name, str) and name in table.column_names]
    named = [name for name in named if not name.startswith("__index_level_")]
    notes = [
        f"{name!r} was the index in pandas and is read as a column; name it in drop if it only identifies "
        "rows."
        for name in named
    ]
    table = table.select([name for name in table.column_names if not name.startswith("__index_level_")])
    written = (table.schema.pandas_metadata or {}).get("columns", [])
    categories = {one.get("field_name") for one in written if one.get("pandas_type") == "categorical"}
    notes += [
        f"{column.name!r} is a category of numbers in pandas and is read as numbers; name it in categorical "
        "if they are codes."
        for column in table.schema
        if column.name in categories
        and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type))
    ]
    for place, column in enumerate(table.schema):
        table = table.set_column(place, column.name, _plain(table[place], column.name))
    repeated = [name for name, other in zip(own, written_names, strict=True) if name.strip() != other.strip()]
    facts = {"format": "parquet", "notes": notes, "repeated": repeated}
    return table.replace_schema_metadata(None), facts


def stream_parquet(path: Path) -> tuple[list[str], Iterator[pa.RecordBatch]]:
    """The names of a file's columns, and its rows in blocks, typed as by `read_parquet`.

    Raises:
        ValueError: if it is damaged or cannot be used. OSError and errors of pyarrow are raised, too.
    """
    with _whole():
        file = pq.ParquetFile(path)
    own = _told_apart(file.schema_arrow.names)
    are_apart = own == file.schema_arrow.names  # only then can some be read without the others
    names = [name for name in own if not name.startswith("__index_level_")]

    def blocks() -> Iterator[pa.RecordBatch]:
        with file:
            for read in file.iter_batches(BLOCK_ROWS, columns=names if are_apart else None):
                batch = read if are_apart else read.rename_columns(own)
                columns = [_plain(pa.chunked_array([batch[name]]), name) for name in names]
                yield from pa.table(columns, names=names).combine_chunks().to_batches()

    return names, blocks()


def _told_apart(names: Sequence[str]) -> list[str]:
    """The names, each once; as they are written if no two are the same."""
    return told_apart(names) if len({name.strip() for name in names}) < len(names) else list(names)


@contextmanager
def _whole() -> Iterator[None]:
    """Say of a file that begins like Parquet that the rest is not as it was written."""
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        if getattr(error, "errno", None):  # the system does not let it be read
            raise
        raise ValueError(
            "it begins like a Parquet file, but is damaged or incomplete; copy or download it again"
        ) from None


def _plain(cells: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Cells of one of the few types that are decided about; nested cells and bytes stay as they are.

    Raises:
        ValueError: if moments of a column are not in the years 1 to 9999.
    """
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return _plain(pc.cast(cells, kind.value_type), name)
    if isinstance(kind, pa.UuidType):
        texts = [one and str(one) for one in cells.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(cells.cast(kind.storage_type), name)
    if pa.types.is_floating(kind):  # NaN is a gap, as everywhere else
        gaps = pc.is_nan(cells)
        return pc.if_else(gaps, pa.scalar(None, kind), cells) if pc.any(gaps).as_py() else cells
    if pa.types.is_decimal(kind):
        try:
            return cells.cast(pa.int64())  # ids keep every digit
        except pa.ArrowInvalid:
            return _longer(cells)
    if pa.types.is_date(kind):
        return cells.cast(pa.timestamp("us"))
    if pa.types.is_timestamp(kind):
        years = pc.min_max(pc.year(cells.cast(pa.timestamp(kind.unit)))).as_py()
        if not (years["min"] or 1) >= 1 or not (years["max"] or 1) <= 9999:
            raise ValueError(
                f"the column {name!r} has a moment that is not in the years 1 to 9999; correct its unit, or "
                "write it as a number"
            )
        return cells.cast(pa.timestamp("us", tz=kind.tz and "UTC"), safe=False)
    if kind == pa.time64("ns"):  # of which no date has more than microseconds
        cells = cells.cast(pa.time64("us"), safe=False)
    if kind in TEXTS:
        try:
            return _plain(cells.cast(pa.string()), name)
        except pa.ArrowInvalid:  # bytes that are not UTF-8
            return cells
    if is_text(kind):
        empty = pc.equal(cells, "")
        return pc.if_else(empty, pa.scalar(None, kind), cells) if pc.any(empty).as_py() else cells
    return cells


def _longer(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals that are not whole numbers of 64 bits: as text if they are whole, otherwise as fractions."""
    widest = pa.decimal256(76, 0) if pa.types.is_decimal256(cells.type) else pa.decimal128(38, 0)
    try:
        return cells.cast(widest).cast(pa.string())
    except pa.ArrowInvalid:
        return cells.cast(pa.float64())
