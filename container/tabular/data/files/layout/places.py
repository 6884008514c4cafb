"""Which of the first lines of a file is the header, and which lines below it belong to it."""

import re
from collections import Counter
from collections.abc import Sequence

from tabular.data.files.layout.lines import COMMENT, Line, is_rule
from tabular.data.values.cells import MARKS

__all__ = [
    "FEWEST_ROWS",
    "NEARLY_ALL",
    "end_of_header",
    "names_types",
    "place_of_header",
    "place_of_target",
]

MOST_TITLES = 30  # lines
MOST_FURTHER = 3  # lines of a header below its names
FEWEST_ROWS = 3  # below a header that is not in the first line
NEARLY_ALL = 0.95
MOSTLY = 0.8
_STARTS_A_NUMBER = re.compile(r"\s*[-+(]?\s*[$\u20ac\u00a3]?[.,]?\d")
_WIDTH = re.compile(r"\d+[sdn]")
_YEAR = re.compile(r"(19|20)\d\d")
# Types of columns, as databases, pandas, ClickHouse, Spark, SPSS and Orange call them, and Orange's roles.
_TYPE = re.compile(
    r"(?:(?:nullable|lowcardinality|array)\()*"
    r"(?:string|str|text|object|category|categorical|nominal|ordinal|discrete|continuous|numeric(?:al)?|number"
    r"|u?int(?:eger|\d+)?|(?:big|small|tiny|medium)int|float\d*|double(?: precision)?|real|decimal|money|bit"
    r"|date(?:32|64)?|datetime\S*|timestamp\S*|time|bool(?:ean)?|n?(?:var)?char2?"
    r"|character varying|clob|uuid)"
    r"(?:\([\d, ]+\))?\)*",
    re.IGNORECASE,
)
_ROLES = {"class", "meta", "ignore", "target", "feature", "label", "id", "i", "c", "m"}
MANY_ROWS = 30  # of which a word that comes nowhere else is hardly a level


def place_of_header(lines: Sequence[Line]) -> int:
    """The place of the header among the first lines: 0 unless there is evidence for another."""
    body = [line for line in lines if not line.is_comment]
    if not body:
        return 0
    width = Counter(len(line.cells) for line in body).most_common(1)[0][0]
    comments = lines.index(body[0])
    if comments and (found := _below_comments(lines, comments, width)) is not None:
        return found
    rows = [line for line in body[len(body) // 2 :] if len(line.cells) == width]
    used = sum(
        sum(map(bool, column)) > len(column) / 2 for column in zip(*(r.cells for r in rows), strict=True)
    )
    for place, line in enumerate(body[: MOST_TITLES + 1]):
        unnamed = not line.cells[0].strip()  # an index
        if len(line.cells) == width and line.filled + unnamed >= used:
            return lines.index(line) if place and _is_header(line, body[place + 1 :]) else 0
    return 0


def place_of_target(lines: Sequence[Line], place: int, target: str) -> int:
    """The place of the only header that names the target, if the line at `place` does not."""

    def names_it(line: Line) -> bool:
        return target in map(str.strip, line.cells)

    if names_it(lines[place]):
        return place
    width = Counter(len(line.cells) for line in lines).most_common(1)[0][0]
    found = [
        number
        for number, line in enumerate(lines[: MOST_TITLES + 1])
        if len(line.cells) == width and names_it(line) and _is_header(line, lines[number + 1 :])
    ]
    are_same = len({tuple(lines[number].cells) for number in found}) == 1  # as in files that were joined
    return found[0] if are_same else place


def _below_comments(lines: Sequence[Line], comments: int, width: int) -> int | None:
    """The place of the header in a file that begins with comments, one of which may be the header.

    None if they are not right above it, as titles may be.
    """
    if len(lines[comments].cells) == width and _is_header(lines[comments], lines[comments + 1 :]):
        return comments
    last = lines[comments - 1].cells
    if len(last) == width or (last[0] == COMMENT and len(last) == width + 1):
        return comments - 1
    return comments if len(lines[comments].cells) == width and comments < len(lines) - 1 else None


def _is_header(line: Line, below: Sequence[Line]) -> bool:
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


def end_of_header(lines: Sequence[Line], place: int) -> int:
    """The place of the last line of the header: units, labels, types, widths or a rule below its names."""
    width = len(lines[place].cells)
    end = place
    for line in lines[place + 1 : place + 1 + MOST_FURTHER]:
        below = [row.cells for row in lines[end + 1 + MOST_FURTHER :] if len(row.cells) == width]
        types = names_types(line.cells) or (names_types(lines[end].cells) and _has_roles(line.cells))
        if not (
            is_rule(line.cells)
            or _has_widths(line.cells)
            or _has_words_for_numbers(line.cells, below)
            or ((types or _has_words_for_one_number(line.cells, below)) and _is_new(line.cells, below))
        ):
            break
        end += 1
    return end


def names_types(cells: Sequence[str]) -> bool:
    """Whether a line has types of columns, and nothing else."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return len(filled) > 1 and len(filled) * 2 > len(cells) and all(map(_TYPE.fullmatch, filled))


def _has_roles(cells: Sequence[str]) -> bool:
    """Whether a line says what some columns are for, as Orange does below their types."""
    filled = {cell.strip().casefold() for cell in cells if cell.strip()}
    return bool(filled) and filled <= _ROLES


def _is_new(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether none of the words of a line comes again in its column."""
    if len(below) < FEWEST_ROWS or len(cells) != len(below[0]):
        return False
    columns = zip(map(str.strip, cells), zip(*below, strict=True), strict=True)
    return all(not cell or cell not in map(str.strip, column) for cell, column in columns)


def _has_widths(cells: Sequence[str]) -> bool:
    """Whether each cell is the width and the kind of a column, as in the RDB files of the USGS."""
    return all(map(_WIDTH.fullmatch, cells))


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


def _has_words_for_one_number(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether the only column of numbers or dates has a word, and all others have levels that are repeated.

    A gap of that column may be a word, but the row of a gap has no level of its own in every other column.
    """
    if len(below) < MANY_ROWS or len(cells) != len(below[0]) or not all(map(str.strip, cells)):
        return False
    if not any(_STARTS_A_NUMBER.match(cell) for row in below[:FEWEST_ROWS] for cell in row):
        return False  # found soon, as in a wide table of words
    numbers = levels = 0
    for cell, column in zip(map(str.strip, cells), zip(*below, strict=True), strict=True):
        filled = [one.strip() for one in column if one.strip().casefold() not in MARKS]
        if not filled or _STARTS_A_NUMBER.match(cell) or cell.casefold() in MARKS:
            return False
        if sum(map(bool, map(_STARTS_A_NUMBER.match, filled))) >= NEARLY_ALL * len(filled):
            numbers += 1
        elif len(set(filled)) * 4 <= len(filled):
            levels += 1
    return numbers == 1 and levels > 1 and levels + numbers == len(cells)
