"""Where in a file the table is: lines above its header, lines below it, and rows that are not its own.

People and programs put titles, comments, totals and second headers around a table. They are left out on
evidence alone and never without a note; where there is a doubt, the note says so and the row is kept.
"""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial, reduce
from itertools import islice
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.style import UNKNOWN, FileStyle
from tabular.data.values.cells import MARKS
from tabular.data.values.finding.numbers import find_numbers
from tabular.data.values.numbers import read_number

__all__ = ["FoundHeader", "FoundRows", "find_header", "find_other_rows", "note_of_footer"]

DELIMITERS = ",;\t|~ "  # if several fit equally well, the first one wins
RARE_DELIMITERS = (
    ":^\x01\x1f!#\u00a6\u00ac\u00a7\uff0c\uff1b\u3001"  # only where no line has another number of cells
)
SAMPLE_LINES = 200
MOST_TITLES, MOST_FOOTER = 30, 5  # lines
MOST_FURTHER = 3  # lines of a header below its names
NEARLY_ALL = 0.95
FEWEST_ROWS = 3  # below a header that is not in the first line
MOSTLY = 0.8
LAST_ROWS = 2  # a total of sums, and one of means
COMMENT = "#"
TOTALS = frozenset(
    [
        *("total", "totals", "grand total", "overall total", "sum", "sums", "average", "mean"),
        *("summe", "gesamt", "gesamtsumme", "gesamtergebnis", "insgesamt", "endsumme", "mittelwert"),
        *("total general", "total g\u00e9n\u00e9ral", "somme", "ensemble", "moyenne", "suma", "totale"),
        *("somma", "totaal", "totalt", "i alt", "razem", "celkem", "\u00f6sszesen", "toplam", "summa"),
        *("\u0438\u0442\u043e\u0433\u043e", "\u5408\u8ba1", "\u5408\u8a08", "\u603b\u8ba1", "\ud569\uacc4"),
    ]
)  # what spreadsheets and reports write beside a sum or a mean
# How lines begin that say where a table comes from; their sentences may have commas and years.
_ORIGIN = re.compile(
    r"\W*(sources?|notes?|remarks?|footnotes?|copyright|last updated?|as of|quellen?|stand|anmerkung(en)?|"
    r"hinweise?|fuentes?|notas?|fontes?)\s*:|"
    r"\W*(generated|exported|downloaded|retrieved|prepared|updated|data)\s+(by|on|at|from|as of)\b|\s*\u00a9",
    re.IGNORECASE,
)
_STARTS_A_NUMBER = re.compile(r"\s*[-+(]?\s*[$\u20ac\u00a3]?[.,]?\d")
_YEAR = re.compile(r"(19|20)\d\d")


class FoundHeader(NamedTuple):
    """The header of a file, the delimiter between its cells, and what the user should know about both.

    `lines` counts the lines up to the first row: those above the header, its own, and those below it that are
    no rows.
    """

    names: Sequence[str]
    delimiter: str
    lines: int
    notes: Sequence[str] = ()


class FoundRows(NamedTuple):
    """Rows, counted from 0, that are left out of a table, by the reason, and sentences for the user."""

    left_out: Mapping[str, Sequence[int]]
    notes: Sequence[str]


class _Line(NamedTuple):
    """The cells of a line, and its number; of several lines if a cell in quotes goes on in the next."""

    cells: Sequence[str]
    number: int

    @property
    def filled(self) -> int:
        return sum(bool(cell.strip()) for cell in self.cells)

    @property
    def is_comment(self) -> bool:
        return self.cells[0].lstrip().startswith(COMMENT)


def find_header(
    sample: str,
    delimiters: Sequence[str] = DELIMITERS,
    above: int | None = None,
    target: str | None = None,
) -> FoundHeader:
    """The header of a table and its delimiter, from the beginning of the file.

    The delimiter is the one that gives most lines as many cells as the header; if several tie, the most
    cells win. On 144 generated tables (four delimiters, decimal commas, quoted text containing the other
    delimiters), this rule and clevercsv detect all delimiters, and csv.Sniffer 129 of them. It takes 0.01 s
    per table, and clevercsv 0.1 s.

    The header is the first line. Only if that has fewer cells than the table, or is a comment, is it the
    first line with a word for each of the table's columns, some of which hold numbers or dates. Lines right
    below it that rule it off, or that have words in all of those columns, such as units, are no rows.
    Of several lines that could be the header, it is the one that names the target.

    Args:
        sample: the first lines of the file.
        delimiters: the possible ones, the likeliest first.
        above: the number of lines above the header, if it is known.
        target: the column to predict, if it is known.
    """
    text = "".join(islice(io.StringIO(sample, newline=""), above, None)) if above else sample
    best: tuple[float, bool, int] = (0.0, True, 1)
    first = _lines(text, delimiters[0])
    found: tuple[str, list[_Line], int] = (delimiters[0], first, 0)
    for delimiter in delimiters:
        if delimiter not in text:
            continue  # each line is one cell
        lines = first if delimiter == delimiters[0] else _lines(text, delimiter)
        if delimiter == " " and any(cell in DELIMITERS for line in lines[:1] for cell in line.cells):
            continue  # it only stands beside another
        place = 0 if above is not None else _place_of_header(lines)
        width = len(lines[place].cells) if lines else 0
        alike = sum(len(line.cells) == width for line in lines[place:]) / max(1, len(lines))
        if width > 1 and (alike, place == 0, width) > best:
            best, found = (alike, place == 0, width), (delimiter, lines, place)
    if best[2] == 1 and delimiters == DELIMITERS:
        for delimiter in filter(text.__contains__, RARE_DELIMITERS):
            lines = _lines(text, delimiter)
            widths = {len(line.cells) for line in lines}
            if len(lines) > FEWEST_ROWS and len(widths) == 1 and widths.pop() > 1:
                found = (delimiter, lines, 0)
                break
    delimiter, lines, place = found
    if not lines:
        return FoundHeader([], delimiter, above or 0)
    if above is None and target is not None:
        place = _place_of_target(lines, place, target)
    names = list(lines[place].cells)
    if names[0] == COMMENT and len(names) == len(lines[-1].cells) + 1:
        names = names[1:]
    elif place and lines[place].is_comment and names[0] != COMMENT:
        names[0] = names[0].lstrip(f"{COMMENT} ")
    end = _end_of_header(lines, place)
    notes = (_note_of_titles(lines[:place]), _note_of_further(lines[place + 1 : end + 1]))
    return FoundHeader(names, delimiter, (above or 0) + lines[end].number, tuple(filter(None, notes)))


def note_of_footer(rows: Sequence[Sequence[str]], width: int) -> str | None:
    """What to say of the last rows of a file if they are a footer; None if they are damaged rows.

    A footer is a line of words that has fewer cells than the table, such as a count of rows, or a total, or a
    line of any number of cells that says where the table comes from. A row that was cut off has numbers or
    dates.

    Args:
        rows: those at the end of the file whose cells are not as many as the header's.
        width: the number of cells of the header.
    """
    if not 0 < len(rows) <= MOST_FOOTER:
        return None
    for row in rows:
        words = [cell.strip() for cell in row if cell.strip()]
        if words and _ORIGIN.match(words[0]):
            continue
        if len(row) >= width or not (words and (_is_total(words[0]) or all(map(_is_word, words)))):
            return None
    return f"{_lines_are(len(rows), 'below the table')} left out ({_shown(rows)})."


def find_other_rows(table: pa.Table, style: FileStyle = UNKNOWN) -> FoundRows:
    """Headers that are repeated among the rows, as in files that were put together, and totals at the end.

    A total is one of the last rows that has one of the words TOTALS or an empty cell where others have a
    word, and sums or means of columns of numbers.

    Args:
        table: cells as text, null if a cell is empty.
        style: what the file says about its numbers.
    """
    left_out: dict[str, Sequence[int]] = {}
    headers, (totals, notes) = _repeated_headers(table), _totals(table, style)
    if headers and (word := _word_of_rows(table, headers)):
        are = "is like the header and is" if len(headers) == 1 else "and others are like the header and are"
        notes.insert(
            0,
            f"row {headers[0] + 1} {are} kept, because {word!r} stands in other rows, too; if the file has "
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


def _lines(text: str, delimiter: str) -> list[_Line]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    return list(islice((_Line(cells, lines.line_num) for cells in lines if cells), SAMPLE_LINES))


def _place_of_header(lines: Sequence[_Line]) -> int:
    """The place of the header among the first lines: 0 unless there is evidence for another."""
    body = [line for line in lines if not line.is_comment]
    if not body:
        return 0
    width = Counter(len(line.cells) for line in body).most_common(1)[0][0]
    comments = lines.index(body[0])
    if comments:
        return _below_comments(lines, comments, width)
    rows = [line for line in body[len(body) // 2 :] if len(line.cells) == width]
    used = sum(
        sum(map(bool, column)) > len(column) / 2 for column in zip(*(r.cells for r in rows), strict=True)
    )
    for place, line in enumerate(body[: MOST_TITLES + 1]):
        unnamed = not line.cells[0].strip()  # an index
        if len(line.cells) == width and line.filled + unnamed >= used:
            return place if place and _is_header(line, body[place + 1 :]) else 0
    return 0


def _place_of_target(lines: Sequence[_Line], place: int, target: str) -> int:
    """The place of the only header that names the target, if the line at `place` does not."""

    def names_it(line: _Line) -> bool:
        return target in map(str.strip, line.cells)

    if names_it(lines[place]):
        return place
    width = Counter(len(line.cells) for line in lines).most_common(1)[0][0]
    found = [
        number
        for number, line in enumerate(lines[: MOST_TITLES + 1])
        if len(line.cells) == width and names_it(line) and _is_header(line, lines[number + 1 :])
    ]
    return found[0] if len(found) == 1 else place


def _below_comments(lines: Sequence[_Line], comments: int, width: int) -> int:
    """The place of the header in a file that begins with comments, one of which may be the header."""
    if len(lines[comments].cells) == width and _is_header(lines[comments], lines[comments + 1 :]):
        return comments
    last = lines[comments - 1].cells
    if len(last) == width or (last[0] == COMMENT and len(last) == width + 1):
        return comments - 1
    return comments if len(lines[comments].cells) == width and comments < len(lines) - 1 else 0


def _is_header(line: _Line, below: Sequence[_Line]) -> bool:
    """Whether a line has names only, years perhaps, and lines below it have numbers or dates."""
    names = [cell.strip() for cell in line.cells if cell.strip()]
    if len(set(names)) < len(names) or any(name.casefold() in MARKS for name in names):
        return False
    if any(_STARTS_A_NUMBER.match(cell) and not _YEAR.fullmatch(cell.strip()) for cell in line.cells):
        return False
    rows = [row.cells for row in below if len(row.cells) == len(line.cells)]
    if len(rows) < FEWEST_ROWS:
        return False
    for column in zip(*rows, strict=True):
        filled = [cell for cell in column if cell.strip()]
        if filled and sum(map(bool, map(_STARTS_A_NUMBER.match, filled))) >= MOSTLY * len(filled):
            return True
    return False


def _end_of_header(lines: Sequence[_Line], place: int) -> int:
    """The place of the last line that belongs to the header at a place: units, labels or a rule below it."""
    width = len(lines[place].cells)
    end = place
    for line in lines[place + 1 : place + 1 + MOST_FURTHER]:
        below = [row.cells for row in lines[end + 1 + MOST_FURTHER :] if len(row.cells) == width]
        if not (_is_rule(line) or _has_words_for_numbers(line.cells, below)):
            break
        end += 1
    return end


def _is_rule(line: _Line) -> bool:
    """Whether a line is drawn, as below the header of what databases print."""
    filled = [cell for cell in line.cells if cell]
    return bool(filled) and all(cell.strip() and not cell.strip("-=:+ ") for cell in filled)


def _has_words_for_numbers(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether the columns of numbers or dates have words in a line that come nowhere else, or nothing."""
    if len(below) < FEWEST_ROWS or len(cells) != len(below[0]):
        return False
    words = columns = 0
    for cell, column in zip(map(str.strip, cells), zip(*below, strict=True), strict=True):
        filled = [one.strip() for one in column if one.strip().casefold() not in MARKS]
        if not filled or sum(map(bool, map(_STARTS_A_NUMBER.match, filled))) < NEARLY_ALL * len(filled):
            continue
        columns += 1
        if not cell:
            continue
        if _STARTS_A_NUMBER.match(cell) or cell.casefold() in MARKS or cell in filled:
            return False
        words += 1
    return words > 1 and words * 2 >= columns


def _note_of_further(lines: Sequence[_Line]) -> str | None:
    if not lines:
        return None
    shown = _shown([line.cells for line in lines])
    where = _lines_are(len(lines), "below the header")
    return f"{where} left out ({shown}): no numbers where the rows have some."


def _note_of_titles(titles: Sequence[_Line]) -> str | None:
    titles = [line for line in titles if line.filled]
    if not titles:
        return None
    shown = _shown([line.cells for line in titles])
    return (
        f"{_lines_are(len(titles), 'above the header')} left out ({shown}); set skip_rows to say otherwise."
    )


def _lines_are(count: int, where: str) -> str:
    return f"1 line {where} is" if count == 1 else f"{count} lines {where} are"


def _shown(rows: Sequence[Sequence[str]]) -> str:
    """The first rows, as far as a sentence can hold them."""
    said = [", ".join(cell.strip() for cell in row if cell.strip())[:40] for row in rows[:3]]
    return ", ".join(map(repr, said)) + (", ..." if len(rows) > len(said) else "")


def _repeated_headers(table: pa.Table) -> list[int]:
    """The rows whose cells are the names of their columns, or empty, as a column may have no name."""
    rows = None
    for name in table.column_names:
        same = pc.coalesce(pc.equal(table[name], name), True)
        if rows is None:  # a file that was added may begin with a byte order mark
            same = pc.or_(same, pc.coalesce(pc.equal(table[name], f"\ufeff{name}"), True))
        rows = same if rows is None else pc.and_(rows, same)
        if not pc.any(rows).as_py():
            return []
    found = [] if rows is None else pc.indices_nonzero(rows.combine_chunks()).to_pylist()
    filled = [sum(cell is not None for cell in one.values()) for one in table.take(found).to_pylist()]
    return [row for row, count in zip(found, filled, strict=True) if count * 2 > table.num_columns]


def _word_of_rows(table: pa.Table, headers: Sequence[int]) -> str | None:
    """A name of a column that is also a cell of rows that do not repeat the header; None if there is none."""
    for name in table.column_names:
        if (pc.sum(pc.equal(table[name], name)).as_py() or 0) > len(headers):
            return name
    return None


def _end(table: pa.Table) -> int:
    """How many rows there are without the empty ones at the end, which Excel writes."""
    if table.num_rows and all(column[-1].as_py() is None for column in table.itercolumns()):
        filled = reduce(pc.or_, map(pc.is_valid, table.itercolumns()))
        places = pc.indices_nonzero(filled.combine_chunks())
        return places[-1].as_py() + 1 if len(places) else 0
    return table.num_rows


def _totals(table: pa.Table, style: FileStyle) -> tuple[list[int], list[str]]:
    """The rows at the end that are totals, and what to say of them and of doubtful ones."""
    end = _end(table)
    above = max(FEWEST_ROWS, end - LAST_ROWS)
    totals, notes = [], []
    for row in range(above, end):
        found = _total(table.slice(0, above), table.slice(row, 1).to_pylist()[0], style)
        if found and found[0]:
            totals.append(row)
        else:  # what stands above an ordinary row is one, too
            totals, notes, above = [], [], row + 1
        notes += [f"row {row + 1} {found[1]}"] if found else []
    return totals, notes


def _total(above: pa.Table, row: Mapping[str, str | None], style: FileStyle) -> tuple[bool, str] | None:
    """Whether it is certain that a row is a total, and what to say of it; None if it is like those above.

    Only a row is looked at that has one of the words, or gaps in a third of the columns that others fill.
    """
    cells = {name: cell for name, cell in row.items() if cell}
    usual = [name for name in row if above[name].null_count <= (1 - MOSTLY) * above.num_rows]
    gaps = [name for name in usual if name not in cells]
    place = next((name for name, cell in cells.items() if _is_total(cell)), None)
    if place is None and (not gaps or len(gaps) * 3 < len(usual)):
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


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    return {one["values"]: one["counts"] for one in pc.value_counts(column).to_pylist() if one["values"]}


def _sum(column: pa.ChunkedArray, cell: str, decimal_comma: bool) -> str | None:
    """Whether a cell is the sum or the mean of the numbers above it: its name."""
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


def _is_total(cell: str) -> bool:
    return cell.strip(" :.").casefold() in TOTALS


def _is_word(cell: str) -> bool:
    return sum(map(str.isalpha, cell)) > 1
