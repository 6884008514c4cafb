"""Columns of pyarrow as text, as whole numbers, and text by text."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "LARGEST_EXACT",
    "LARGEST_LEARNED",
    "MOST_IN_C",
    "are_days",
    "as_arrow",
    "as_counts",
    "as_series",
    "as_texts",
    "chunks_of",
    "counts_of",
    "first_texts",
    "is_text",
    "letters_of",
    "mapped",
    "seconds",
    "taken",
    "whole_numbers",
    "without",
]

LARGEST_EXACT = 2**53  # of the whole numbers that a float64 holds
LARGEST_LEARNED = float(np.finfo(np.float32).max)  # most estimators calculate in single precision
MOST_IN_C = 2**31 - 1  # rows of a column that an extension reads
SAMPLE_ROWS = 20_000


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of this type are text."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def as_arrow(values: pd.Series) -> pa.ChunkedArray:
    """The cells of a column; cells of mixed types become text."""
    try:
        cells = pa.Array.from_pandas(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        cells = pa.Array.from_pandas(values.map(str, na_action="ignore"))
    cells = cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([cells])
    return without(cells, ("",)) if is_text(cells.type) else cells


def as_series(cells: pa.ChunkedArray) -> pd.Series:
    """Cells for pandas.

    pandas wants the ends of texts in 64 bits. Those of all chunks are in one piece of memory here, which
    takes half as long as a piece for each.
    """
    if cells.type != pa.string():
        return cells.to_pandas()
    ends, start = np.empty(len(cells) + cells.num_chunks, np.int64), 0
    chunks = []
    for chunk in cells.chunks:
        if chunk.offset or not len(chunk):
            chunks.append(pc.cast(chunk, pa.large_string()))
            continue
        valid, places, letters = chunk.buffers()
        own = ends[start : start + len(chunk) + 1]
        own[:] = np.frombuffer(places, np.int32, len(own))
        start += len(own)
        texts = pa.LargeStringArray.from_buffers(
            len(chunk), pa.py_buffer(own), letters, valid, chunk.null_count
        )
        chunks.append(texts)
    texts = pa.chunked_array(chunks, pa.large_string())
    return pd.Series(pd.StringDtype(na_value=np.nan).__from_arrow__(texts))


def as_texts(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Typed cells as a person writes them: days without a time, and 1, not 1.0, if only gaps made it so."""
    kind = cells.type
    if pa.types.is_floating(kind) and cells.null_count and _are_whole(cells):
        cells = pc.cast(cells, pa.int64())
    elif pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return pa.chunked_array(
            [pa.array([None if one is None else str(one) for one in cells.to_pylist()], pa.string())]
        )
    elif pa.types.is_timestamp(kind):
        midnight = are_days(cells.drop_null())
        texts = [one and (one.date() if midnight else one).isoformat() for one in cells.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return cells if pa.types.is_nested(kind) else pc.cast(cells, pa.string())


def whole_numbers(cells: pa.ChunkedArray) -> pd.Series:
    """Whole numbers as int64; with gaps as float64 if it holds them exactly, otherwise as pandas' Int64."""
    if not cells.null_count:
        return cells.to_pandas()
    ends = pc.min_max(cells).as_py()
    if max(abs(ends["min"] or 0), abs(ends["max"] or 0)) <= LARGEST_EXACT:
        return pc.cast(cells, pa.float64()).to_pandas()
    return cells.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


def seconds(durations: pa.ChunkedArray) -> pa.ChunkedArray:
    """Durations as seconds, to the microsecond."""
    whole = pc.cast(pc.cast(durations, pa.duration("us"), safe=False), pa.int64())
    return pc.divide(pc.cast(whole, pa.float64()), 1e6)


def as_counts(found: pa.StructArray) -> dict[str, int]:
    """The result of pyarrow's `value_counts` as a dictionary."""
    texts, counts = found.field("values").to_pylist(), found.field("counts").to_pylist()
    return dict(zip(texts, counts, strict=True))


def are_days(moments: pa.ChunkedArray) -> bool:
    """Whether all moments are midnight."""
    return pc.all(pc.equal(pc.floor_temporal(moments, unit="day"), moments)).as_py() is not False


def _are_whole(cells: pa.ChunkedArray) -> bool:
    numbers = pc.cast(cells.drop_null(), pa.float64())  # float32 cannot be compared with 2**53
    if not len(numbers) or not pc.all(pc.is_finite(numbers)).as_py():
        return False
    small = pc.all(pc.less(pc.abs(numbers), LARGEST_EXACT)).as_py()
    return small and pc.all(pc.equal(pc.floor(numbers), numbers)).as_py()


def without(cells: pa.ChunkedArray, words: Sequence[str]) -> pa.ChunkedArray:
    """The cells with null for those that mean a missing value."""
    missing = pc.is_in(pc.utf8_trim_whitespace(cells), pa.array(words, cells.type))
    return pc.if_else(missing, pa.scalar(None, cells.type), cells) if pc.any(missing).as_py() else cells


def first_texts(cells: pa.ChunkedArray, most: int) -> pa.Array:
    """The first different texts among the first SAMPLE_ROWS cells, without missing ones."""
    for rows in (2 * most, SAMPLE_ROWS):  # fewer rows are enough where nearly all texts differ
        found = cells.slice(0, rows).drop_null().unique()
        if len(found) >= most:
            break
    return found[:most]


def counts_of(cells: pa.ChunkedArray) -> dict[str, int]:
    """How often each text occurs, without missing cells."""
    return as_counts(pc.value_counts(cells.drop_null()))


def mapped(cells: pa.ChunkedArray, read: Callable[[str], float]) -> np.ndarray:
    """Texts (n_rows,) as numbers, each distinct text read once; NaN if a cell is missing."""
    coded = cells.combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    known = np.array([*map(read, coded.dictionary.to_pylist()), np.nan])
    return known[coded.indices.fill_null(len(known) - 1).to_numpy()]


def taken(cells: pa.ChunkedArray, rows: np.ndarray) -> pa.Array:
    """The cells of some rows (n,), which are in ascending order; pyarrow would copy all cells before."""
    ends = np.cumsum([0, *map(len, cells.chunks)])
    cuts = np.searchsorted(rows, ends)
    parts = [
        chunk.take(pa.array(rows[first:last] - start))
        for chunk, start, first, last in zip(cells.chunks, ends, cuts, cuts[1:], strict=False)
        if first < last
    ]
    return pa.concat_arrays(parts) if parts else pa.array([], cells.type)


def chunks_of(
    texts: pa.Array | pa.ChunkedArray,
) -> list[tuple[pa.Buffer | None, pa.Buffer, pa.Buffer | None, int, int]]:
    """The buffers of texts of `pa.string()`, chunk by chunk, as an extension takes a column.

    One call for all chunks waits for Python's lock once, and not while other columns are decided.
    """
    chunks = texts.chunks if isinstance(texts, pa.ChunkedArray) else [texts]
    return [(*chunk.buffers(), chunk.offset, len(chunk)) for chunk in filter(len, chunks)]


def letters_of(cells: pa.ChunkedArray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The bytes of texts in UTF-8, chunk by chunk: where each begins and ends (n_texts,), and all letters."""
    for chunk in filter(len, cells.chunks):
        _, offsets, letters = chunk.buffers()
        kind = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
        ends = np.frombuffer(offsets, kind, chunk.offset + len(chunk) + 1)[chunk.offset :]
        yield ends[:-1], ends[1:], np.frombuffer(letters or b"", np.uint8)
