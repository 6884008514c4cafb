"""Rows at the end of a table that are sums or means of those above, or at its beginning, of those below."""

import math
import re
from collections.abc import Mapping, Sequence
from functools import partial, reduce
from itertools import takewhile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.style import FileStyle
from tabular.data.files.layout.summaries import find_summaries, is_summary, is_trailer, numbers_if_plain
from tabular.data.values.finding.numbers import find_numbers
from tabular.data.values.numbers import is_plain, read_number
from tabular.spec.columns import NumberFormat
from tabular.spec.errors import amount

__all__ = ["LAST_ROWS", "find_totals", "is_total", "length", "may_be_total"]

Row = Mapping[str, str | None]
LAST_ROWS = 2  # a total of sums, and one of means
MOST_TOTALS = 12  # rows, of all and of groups: Total: Campaigns, Total: Account
FEWEST_ROWS = 3  # above a total
FEWEST_GROUPS = 2  # and rows in each of them
MOSTLY = 0.8
TOTALS = frozenset(
    [
        *("total", "totals", "grand total", "overall total", "sum", "sums", "average", "mean"),
        *("summe", "gesamt", "gesamtsumme", "gesamtergebnis", "insgesamt", "endsumme", "mittelwert"),
        *("total general", "total g\u00e9n\u00e9ral", "somme", "ensemble", "moyenne", "suma", "totale"),
        *("somma", "totaal", "totalt", "i alt", "razem", "celkem", "\u00f6sszesen", "toplam", "summa"),
        *("\u0438\u0442\u043e\u0433\u043e", "\u5408\u8ba1", "\u5408\u8a08", "\u603b\u8ba1", "\ud569\uacc4"),
    ]
)  # what spreadsheets and reports write beside a sum or a mean
_DIGITS = frozenset("0123456789-")  # with which none of them begins
_WORD = "total|totals|sum|summe|ergebnis|somme|suma|totale|totaal|итог"
_OF_A_GROUP = rf"^((({_WORD})[ :]+\S.*)|(\S.*[ :]({_WORD})))$"
_SAYS_OF_A_GROUP = re.compile(_OF_A_GROUP, re.IGNORECASE)


def find_totals(table: pa.Table, style: FileStyle) -> tuple[list[int], list[str]]:
    """The rows that are totals, and what to say of them and of doubtful ones.

    They are at the end or the first row, unless the last one is only a sum without those above that say of
    what they are the total: `Berlin Total`, as Excel writes them below each group. Without a total of all
    rows, each of these has to be the sum of the rows between it and the one above.
    """
    top, said = _at_top(table, length(table), style)
    if not top:
        below, notes = _below(table, style)
        return below, [*said, *notes]
    below, _ = _below(table.slice(1), style)
    found = [row + 1 for row in below]
    more = f"{amount(len(found), 'further row is a total', 'further rows are totals')} and left out, such as"
    return [*top, *found], [*said, *(f"{more} row {row + 1}." for row in found[:1])]


def _below(table: pa.Table, style: FileStyle) -> tuple[list[int], list[str]]:
    """The same of the rows below the first."""
    end = length(table)
    # To ask each of thousands of columns for a row takes long, so the last rows are taken once.
    rows = table.slice(max(0, end - LAST_ROWS), min(end, LAST_ROWS)).to_pylist()
    last = rows[-1] if rows else {}
    if summaries := find_summaries(table, end, last, style):
        return summaries, [
            f"the last {len(summaries)} rows, from row {summaries[0] + 1} on, summarise those above them and "
            "are left out."
        ]
    if is_trailer(last, end - 1, next(iter(rows), None)):
        first = table.column(0)
        if not pc.any(pc.equal(first.slice(0, end - 1), first[end - 1])).as_py():
            return [end - 1], [f"row {end} is a trailer, which counts the rows above it: it is left out."]
    if groups := _of_each_group(table, end, last, style):
        return groups, [
            f"{amount(len(groups), 'row')}, such as row {groups[0] + 1}, say that they are totals and hold "
            "sums of the rows above them: they are left out."
        ]
    totals, notes = _at_end(table, end, rows, style)
    if totals or not (subtotals := _subtotals(table, end, last)):
        return totals, notes
    kept = sorted(set(range(len(table))).difference(subtotals))
    rest = table.take(pa.array(kept, pa.int64()))
    end = length(rest)
    others, _ = _at_end(rest, end, rest.slice(max(0, end - LAST_ROWS), LAST_ROWS).to_pylist(), style)
    if len(kept) < FEWEST_ROWS or not others:
        return totals, notes
    found = sorted([*subtotals, *(kept[row] for row in others)])
    some = f"{amount(len(subtotals), 'row')} above it, such as row {subtotals[0] + 1}, totals of some"
    return found, [f"row {found[-1] + 1} holds the total of all rows, and {some}: they are left out."]


def _at_top(table: pa.Table, end: int, style: FileStyle) -> tuple[list[int], list[str]]:
    """The same of the first row, where YouTube writes a total; nothing if it is like those below."""
    first = next(iter(table.slice(0, 1).to_pylist()), {})
    place = next((name for name, cell in first.items() if cell and is_total(cell)), None)
    if place is None or end <= FEWEST_ROWS:
        return [], []
    at_end = table[place][end - 1].as_py() == first[place]  # too
    below = table.slice(1, end - 1 - at_end)
    if pc.any(pc.equal(below[place], first[place])).as_py():
        return [], []
    seen = f"row 1 says {first[place]!r}"
    for name, cell in first.items():
        if cell and name != place and _sum(below[name], cell, style.likely_decimal_comma) == "sum":
            return [0], [f"{seen} and holds the sum of {name!r}: it is left out as a total."]
    if at_end:
        return [], []
    return [], [f"{seen}, as no other row does, but holds no sum: it is kept; delete it if it is a total."]


def _of_each_group(table: pa.Table, end: int, last: Row, style: FileStyle) -> list[int]:
    """Rows such as `Berlin Total`, of which the last row is one, if all hold a sum of their group."""
    place = next((name for name, cell in last.items() if cell and _SAYS_OF_A_GROUP.search(cell)), None)
    if place is None:
        return []
    said = pc.match_substring_regex(table[place].slice(0, end), _OF_A_GROUP, ignore_case=True)
    rows = pc.indices_nonzero(said.combine_chunks().fill_null(False)).to_pylist()
    groups = list(zip([0, *(row + 1 for row in rows)], rows, strict=False))
    if len(groups) < FEWEST_GROUPS or end < FEWEST_ROWS * len(groups) or any(a == b for a, b in groups):
        return []
    columns = (table[name] for name, cell in last.items() if cell and name != place)
    return rows if any(_are_sums(cells, groups, style) for cells in columns) else []


def _are_sums(cells: pa.ChunkedArray, groups: Sequence[tuple[int, int]], style: FileStyle) -> bool:
    """Whether the cell below each group, from one row to another, is the sum of its numbers, not all of 0."""
    for some in (groups[:1], groups):  # the first one shows of most columns that it is not
        end = some[-1][1] + 1
        found = find_numbers(_counts(cells.slice(0, end)), style.likely_decimal_comma)
        if found is None:
            return False
        numbers = [_number(text, found.format) for text in cells.slice(0, end).to_pylist()]
        if not all(math.isclose(math.fsum(numbers[a:b]), numbers[b], rel_tol=1e-9) for a, b in some):
            return False
    return sum(numbers[row] != 0 for _, row in groups) >= FEWEST_GROUPS


def _number(text: str | None, form: NumberFormat) -> float:
    """The number in a cell, 0 if there is none, as in a sum."""
    try:
        return read_number(text or "", form)
    except ValueError:
        return 0.0


def _subtotals(table: pa.Table, end: int, last: Row) -> list[int]:
    """The rows with words such as `Berlin Total` in the column in which the last row has one for all rows."""
    place = next((name for name, cell in last.items() if cell and is_total(cell)), None)
    if place is None:
        return []
    found = pc.match_substring_regex(table[place].slice(0, end - 1), _OF_A_GROUP, ignore_case=True)
    return pc.indices_nonzero(found.combine_chunks().fill_null(False)).to_pylist()


def _at_end(table: pa.Table, end: int, rows: Sequence[Row], style: FileStyle) -> tuple[list[int], list[str]]:
    """The same of the last rows before `end`, which are `rows`."""
    above = max(FEWEST_ROWS, end - LAST_ROWS)
    several = _several(table, end, rows[-1] if rows else {})
    if several and (found := _of_several(table, several, end, style)):
        return found
    totals, notes = [], []
    for row, cells in enumerate(rows, end - len(rows)):
        if row < FEWEST_ROWS:
            continue
        found = _total(table, above, cells, style)
        if found and found[0]:
            totals.append(row)
        else:  # what stands above an ordinary row is one, too
            totals, notes, above = [], [], row + 1
        notes += [f"row {row + 1} {found[1]}"] if found else []
    return totals, notes


def _several(table: pa.Table, end: int, last: Row) -> int:
    """Where more than `LAST_ROWS` rows begin, up to the end, that all say of what they are totals; or 0."""
    place = next((name for name, cell in last.items() if cell and _says_total(cell)), None)
    if place is None:
        return 0
    start = max(FEWEST_ROWS, end - MOST_TOTALS)
    above = table[place].slice(start, max(0, end - start)).to_pylist()
    count = sum(1 for _ in takewhile(lambda cell: cell and _says_total(cell), reversed(above)))
    return end - count if LAST_ROWS < count < len(above) else 0


def _of_several(
    table: pa.Table, start: int, end: int, style: FileStyle
) -> tuple[list[int], list[str]] | None:
    """The totals from a row on, of all and of groups, and what to say of them, if one holds a sum of all."""
    rows = table.slice(start, end - start).to_pylist()
    found = (_total(table, start, cells, style) for cells in rows)
    if not any(one and one[0] for one in found):
        return None
    return list(range(start, end)), [
        f"the last {end - start} rows say that they are totals and are left out."
    ]


def length(table: pa.Table) -> int:
    """How many rows there are without the empty ones at the end, which Excel writes."""
    if table.num_rows and all(column[-1].as_py() is None for column in table.itercolumns()):
        filled = reduce(pc.or_, map(pc.is_valid, table.itercolumns()))
        places = pc.indices_nonzero(filled.combine_chunks())
        return places[-1].as_py() + 1 if len(places) else 0
    return table.num_rows


def _total(table: pa.Table, rows: int, row: Row, style: FileStyle) -> tuple[bool, str] | None:
    """Whether it is certain that a row is a total, and what to say of it; None if it is like those above.

    Those are the first `rows` of the table. Only a row is looked at that has one of the words, or a gap in a
    column that all others fill, or gaps in a third of the columns that most fill.
    """
    cells = {name: cell for name, cell in row.items() if cell}
    place = next((name for name, cell in cells.items() if _says_total(cell)), None)
    if place is None and len(cells) == len(row):  # as most rows
        return None
    above = table.slice(0, rows)
    gaps, are_many = _gaps(row, {name: above[name].null_count for name in row}, rows)
    if place is None and not are_many:
        return None
    if place is not None and pc.any(pc.equal(above[place], cells[place])).as_py():
        return None  # a word of this column
    found = {name: _sum(above[name], cell, style.likely_decimal_comma) for name, cell in cells.items()}
    # A cell is close to the mean by chance more easily than to the sum.
    sums = [f"the {what} of {name!r}" for name, what in found.items() if what == "sum" or (what and place)]
    if place is None:
        return (True, f"holds {' and '.join(sums[:3])}: it is left out as a total.") if sums else None
    seen = f"says {cells[place]!r}"
    if sums:
        return True, f"{seen} and holds {' and '.join(sums[:3])}: it is left out as a total."
    if gaps and find_numbers(_counts(above[place]), style.likely_decimal_comma):
        return True, f"{seen} where the others have a number, and has gaps: it is left out as a total."
    if gaps:
        return False, f"{seen} and has gaps, but no sums: it is kept; delete it if it is a total."
    return None


def _gaps(row: Row, nulls: Mapping[str, int], rows: int) -> tuple[list[str], bool]:
    """The columns in which a row has gaps and most of the rows above have none, and whether these are many.

    `nulls` counts the gaps in each column of the rows above. One is as good as many where they have none.
    """
    usual = [name for name in row if nulls[name] <= (1 - MOSTLY) * rows]
    gaps = [name for name in usual if not row[name]]
    return gaps, bool(gaps) and (len(gaps) * 3 >= len(usual) or not all(nulls[name] for name in gaps))


def may_be_total(row: Row, nulls: Mapping[str, int], rows: int) -> bool:
    """Whether one of the last rows of a table is worth being looked at by `find_totals`.

    `nulls` counts the gaps in each column of the rows above, of which there are `rows`.
    """
    if is_trailer(row, rows):
        return True
    says = (is_total, is_summary, _SAYS_OF_A_GROUP.search)
    return any(cell and any(one(cell) for one in says) for cell in row.values()) or _gaps(row, nulls, rows)[1]


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    return {one["values"]: one["counts"] for one in pc.value_counts(column).to_pylist() if one["values"]}


def _sum(column: pa.ChunkedArray, cell: str, decimal_comma: bool) -> str | None:
    """Whether a cell is the sum or the mean of the numbers above it: its name."""
    plain = numbers_if_plain(column, decimal_comma)
    if plain is not None and is_plain(cell) and not _may_be(cell, plain):
        return None  # as in most columns
    counts = _counts(column)
    found = find_numbers(counts, decimal_comma)
    if found is None:
        return None
    form, present = found.format, {text: n for text, n in counts.items() if text.strip() not in found.gaps}
    try:
        value = read_number(cell, form)
        numbers = {text: read_number(text, form) for text in present}
    except ValueError:
        return None
    total = math.fsum(number * present[text] for text, number in numbers.items())
    decimals = re.search(rf"{re.escape(form.decimal)}(\d*)", cell)
    digits = len(decimals[1] if decimals else "")
    same = partial(math.isclose, value, rel_tol=1e-9, abs_tol=0.51 * 0.1**digits)
    if same(total) and abs(total) > max(map(abs, numbers.values())):
        return "sum"
    return "mean" if digits > 1 and len(numbers) > 1 and same(total / sum(present.values())) else None


def _may_be(cell: str, numbers: np.ndarray) -> bool:
    """Whether a cell is about the sum or the mean of some numbers."""
    near = 0.1 ** len(cell.partition(".")[2])
    sums = float(numbers.sum()), float(numbers.mean())
    return "e" in cell.casefold() or any(
        math.isclose(float(cell), one, rel_tol=1e-6, abs_tol=near) for one in sums
    )


def _says_total(cell: str) -> bool:
    """Whether a cell is such a word, or says of which rows it is the total: Total: Campaigns."""
    return cell[0] not in _DIGITS and (is_total(cell) or _SAYS_OF_A_GROUP.search(cell) is not None)


def is_total(cell: str) -> bool:
    """Whether a cell is one of the words that stand beside a sum or a mean."""
    return cell[:1] not in _DIGITS and cell.strip(" :.").casefold() in TOTALS
