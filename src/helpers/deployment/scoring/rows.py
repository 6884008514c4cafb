"""The requests of a table: the columns that a model needs, with the cells as written in the table.

CSV wherever the cells are text or plain numbers, which the server's C reader takes; JSON for typed cells that
CSV would not tell apart, such as the level 1 and the number 1.0.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from tabular.data.decisions.arrow import is_text
from tabular.data.files.csv_files import Block
from tabular.data.splits.held_out import plain_cells

from helpers.deployment.scoring.model import Model
from helpers.errors import BadInput

__all__ = ["Request", "as_csv", "columns_of", "identified", "line_break", "plain_rows", "requests"]

CSV, JSON = "text/csv; header=absent", "application/json"  # a row may be called as the columns are
TARGET_BYTES = 1 << 20  # of a request: large enough to cost little, small enough for little memory
MOST_BYTES = 6_000_000  # the server refuses more than SageMaker's 6,291,456
WITHOUT_HEADER = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")


@dataclass(frozen=True)
class Request:
    """Some rows: what is sent, and what identifies them in the output.

    Attributes:
        ids: The row's number in the table, from 1, or the columns that identify it (n_rows, n_ids).
        numbers: The number of each of its rows in the table (n_rows,).
        body: The rows.
        content_type: How they are written.
    """

    ids: pa.RecordBatch
    numbers: pa.Int64Array
    body: bytes
    content_type: str


def requests(
    blocks: Iterable[Block], places: Sequence[int], model: Model, ids: Sequence[str] = ()
) -> Iterator[Request]:
    """The requests for the blocks of a table, in its order.

    Args:
        blocks: the rows.
        places: the positions of the columns that the model needs, see `Model.places`.
        model: the model.
        ids: the columns that identify a row; without any, its number does.

    Raises:
        BadInput: a row is too large for a request.
    """
    for rows, numbers, last in blocks:
        step = max(1, int(len(rows) * TARGET_BYTES / max(1, rows.nbytes)))
        for start in range(0, len(rows), step):
            some = Block(rows.slice(start, step), numbers.slice(start, step), last)
            yield from _requests_of(some, places, model, ids)


def _requests_of(block: Block, places: Sequence[int], model: Model, ids: Sequence[str]) -> Iterator[Request]:
    rows, numbers, last = block
    chosen = columns_of(rows, places, model)
    body, content_type = _written(chosen, model)
    if len(body) > MOST_BYTES:
        if len(rows) == 1:
            raise BadInput(f"Row {numbers[0]} has {len(body):,} bytes; a request holds {MOST_BYTES:,}.")
        half = len(rows) // 2
        yield from _requests_of(Block(rows.slice(0, half), numbers.slice(0, half), last), places, model, ids)
        yield from _requests_of(Block(rows.slice(half), numbers.slice(half), last), places, model, ids)
        return
    yield Request(identified(block, ids), numbers, body, content_type)


def columns_of(rows: pa.RecordBatch, places: Sequence[int], model: Model) -> pa.RecordBatch:
    """The columns that a model needs, in its order and under its names."""
    return pa.RecordBatch.from_arrays([rows.column(place) for place in places], names=model.names)


def identified(block: Block, ids: Sequence[str]) -> pa.RecordBatch:
    """What identifies rows in the output: some of their columns, or their numbers in the table."""
    if ids:
        return block.rows.select(list(ids))
    return pa.RecordBatch.from_arrays([block.numbers], ["row"])


def _written(rows: pa.RecordBatch, model: Model) -> tuple[bytes, str]:
    plain = plain_rows(rows, model)
    # An empty line may be the end of a body as well as a row with one empty cell.
    if plain is None or len(model.columns) == 1:
        return _as_json(rows), JSON
    return as_csv(plain), CSV


def plain_rows(rows: pa.RecordBatch, model: Model) -> pa.RecordBatch | None:
    """Rows that CSV can hold without loss; None if there are typed cells of which it would lose the type."""
    cells = [_plain(found, column) for found, column in zip(rows.columns, model.columns, strict=True)]
    return None if None in cells else pa.RecordBatch.from_arrays(cells, names=model.names)


def _plain(cells: pa.Array, column: Mapping[str, Any]) -> pa.Array | None:
    kind = cells.type
    if is_text(kind) or pa.types.is_null(kind) or pa.types.is_integer(kind):
        return cells
    if pa.types.is_floating(kind) and column["kind"] == "numeric":
        return cells
    if pa.types.is_boolean(kind) and column["kind"] == "boolean":
        return cells
    if pa.types.is_timestamp(kind) and column["kind"] == "date":
        return pa.array(plain_cells(pa.chunked_array([cells])), pa.string())
    return None


def as_csv(rows: pa.RecordBatch) -> bytes:
    """Rows without a header."""
    out = io.BytesIO()
    pyarrow.csv.write_csv(rows, out, WITHOUT_HEADER)
    return out.getvalue()


def _as_json(rows: pa.RecordBatch) -> bytes:
    columns = [plain_cells(pa.chunked_array([cells])) for cells in rows.columns]
    return orjson.dumps([list(row) for row in zip(*columns, strict=True)])


def line_break(rows: pa.RecordBatch) -> tuple[int, str] | None:
    """The first cell that holds a line break: the place of its row in the block, and its column."""
    for name, cells in zip(rows.schema.names, rows.columns, strict=True):
        if is_text(cells.type):
            found = pc.indices_nonzero(pc.match_substring_regex(cells, "[\r\n]").fill_null(False))
            if len(found):
                return found[0].as_py(), name
    return None
