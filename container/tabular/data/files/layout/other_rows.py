"""Rows among those of a table that are not its own: headers that are repeated, totals, and its origin."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.style import UNKNOWN, FileStyle
from tabular.data.files.layout.footers import MOST_FOOTER, says_origin
from tabular.data.files.layout.lines import shown
from tabular.data.files.layout.totals import LAST_ROWS, find_totals, is_total, length, may_be_total
from tabular.data.values.names import as_written

__all__ = ["FoundRows", "find_other_rows", "may_find"]


class FoundRows(NamedTuple):
    """Rows, counted from 0, that are left out of a table, by the reason, and sentences for the user."""

    left_out: Mapping[str, Sequence[int]]
    notes: Sequence[str]


def find_other_rows(table: pa.Table, style: FileStyle = UNKNOWN) -> FoundRows:
    """Headers that are repeated among the rows, as in files that were put together, and totals at the end.

    A total is one of the last rows that has one of the words `totals.TOTALS` or an empty cell where others
    have a word, and sums or means of columns of numbers. Lines at the end that say where the table comes from
    may by chance have as many cells as its rows.

    Args:
        table: cells as text, null if a cell is empty.
        style: what the file says about its numbers.
    """
    if origins := _origins(table):
        said = shown([list(filter(None, row.values())) for row in table.take(origins).to_pylist()])
        found = find_other_rows(table.slice(0, origins[0]), style)
        are = "the last row says" if len(origins) == 1 else f"the last {len(origins)} rows say"
        note = (
            f"{are} where the table comes from and {'is' if len(origins) == 1 else 'are'} left out ({said})."
        )
        return FoundRows({**found.left_out, "origin": origins}, (*found.notes, note))
    left_out: dict[str, Sequence[int]] = {}
    headers, (totals, notes) = _repeated_headers(table), find_totals(table, style)
    if headers and (word := _word_of_rows(table, headers)):
        are = "is like the header and is" if len(headers) == 1 else "and others are like the header and are"
        notes.insert(
            0,
            f"row {headers[0] + 1} {are} kept, because {word!r} occurs in other rows, too; if the file has "
            "no header, write the names of its columns into the first line.",
        )
    elif headers:
        left_out["header repeated"] = headers
        rows = ", ".join(str(row + 1) for row in headers[:5]) + (" and others" if len(headers) > 5 else "")
        said = f"row {rows}, which is" if len(headers) == 1 else f"{len(headers)} rows ({rows}), which are"
        notes.insert(0, f"the header is repeated in {said} left out.")
    if totals:
        left_out["total"] = totals
    return FoundRows(left_out, notes)


def may_find(blocks: Iterable[pa.RecordBatch]) -> bool:
    """Whether `find_other_rows` may find any, or say something, in the table of which these are the rows.

    The blocks are read once, and only the first row and the last ones are kept.
    """
    first, last = {}, list[dict[str, str | None]]()
    nulls: Counter[str] = Counter()
    rows = empty = 0  # empty rows at the end are none above a total
    for block in blocks:
        table = pa.Table.from_batches([block])
        if _repeated_headers(table):
            return True
        end = length(table)
        first = first or next(iter(table.slice(0, 1).to_pylist()), {})
        if end:
            filled = table.slice(0, end)
            nulls.update({name: column.null_count + empty for name, column in _columns(filled)})
            rows += empty + end
            last = [*last, *filled.slice(max(0, end - LAST_ROWS)).to_pylist()][-LAST_ROWS:]
            empty = 0
        empty += len(table) - end
    if any(cell and is_total(cell) for cell in first.values()):
        return True
    nulls.subtract(name for row in last for name, cell in row.items() if cell is None)
    for place, row in enumerate(last, rows - len(last)):
        if says_origin(next(iter(row.values())) or "") or may_be_total(row, nulls, place):
            return True
        nulls.update(name for name, cell in row.items() if cell is None)  # an ordinary one is above the next
    return False


def _columns(table: pa.Table) -> Iterable[tuple[str, pa.ChunkedArray]]:
    return zip(table.column_names, table.columns, strict=True)


def _origins(table: pa.Table) -> list[int]:
    """The rows at the end that say where the table comes from, unless other rows begin like them."""
    if not table.num_columns:
        return []
    first, found = table.column(0), len(table)
    while found and len(table) - found < MOST_FOOTER and says_origin(first[found - 1].as_py() or ""):
        found -= 1
    if found == len(table) or any(
        says_origin(text or "") for text in first.slice(0, found).unique().to_pylist()
    ):
        return []
    return list(range(found, len(table)))


def _repeated_headers(table: pa.Table) -> list[int]:
    """The rows whose cells are the names of their columns, or empty, as a column may have no name."""
    rows = None
    for name in table.column_names:
        marked = f"\ufeff{name}"  # a file that was added may begin with a byte order mark
        if rows is None and not _any_as_long(table[name], (name, marked)):
            return []
        same = pc.coalesce(pc.equal(table[name], name), True)
        if (written := as_written(name)) != name:  # of another column, too
            same = pc.or_(same, pc.coalesce(pc.equal(table[name], written), True))
        if rows is None:
            same = pc.or_(same, pc.coalesce(pc.equal(table[name], marked), True))
        rows = same if rows is None else pc.and_(rows, same)
        if not pc.any(rows).as_py():
            return []
    found = [] if rows is None else pc.indices_nonzero(rows.combine_chunks()).to_pylist()
    filled = [sum(cell is not None for cell in one.values()) for one in table.take(found).to_pylist()]
    return [row for row, count in zip(found, filled, strict=True) if count * 2 > table.num_columns]


def _any_as_long(cells: pa.ChunkedArray, texts: Sequence[str]) -> bool:
    """Whether any cell is missing or as long as one of some texts, which takes a tenth of comparing them."""
    lengths = pc.binary_length(cells)
    as_long = (pc.any(pc.equal(lengths, len(text.encode()))).as_py() is True for text in texts)
    return bool(cells.null_count) or any(as_long)


def _word_of_rows(table: pa.Table, headers: Sequence[int]) -> str | None:
    """A name of a column that is also a cell of rows that do not repeat the header; None if there is none."""
    for name in table.column_names:
        if (pc.sum(pc.equal(table[name], name)).as_py() or 0) > len(headers):
            return name
    return None
