"""Rows at the end of a table that summarise those above: means, deviations, least and greatest values."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice, takewhile

import numpy as np
import pyarrow as pa

from tabular.data.decisions.style import FileStyle
from tabular.data.values.finding.numbers import find_numbers
from tabular.data.values.numbers import read_number

__all__ = ["MOST_SUMMARIES", "find_summaries", "is_summary", "is_trailer", "numbers_if_plain"]

Row = Mapping[str, str | None]
MOST_SUMMARIES = 10  # rows; pandas' describe() has eight
FEWEST_SUMMARIES, FEWEST_ROWS = 2, 5
TRAILERS = frozenset(["T", "TR", "TRL", "TRLR", "TRAILER", "EOF", "END", "Z", "FTR", "FOOTER"])
MOST_COUNTED = 4  # besides the rows above
_FUNCTIONS: dict[Callable[..., float], tuple[str, ...]] = {
    np.mean: ("mean", "average", "avg", "mittelwert", "durchschnitt", "moyenne", "promedio", "media"),
    np.min: ("min", "minimum", "m\u00ednimo", "minimo"),
    np.max: ("max", "maximum", "m\u00e1ximo", "massimo"),
    np.median: ("median", "m\u00e9diane", "mediana", "50%"),
}
_BY_WORD = {word: function for function, words in _FUNCTIONS.items() for word in words}
_OTHERS = frozenset(
    [
        *("count", "sum", "total", "std", "stdev", "std dev", "std. dev.", "st. dev.", "standard deviation"),
        *("sd", "variance", "25%", "75%", "anzahl", "summe", "standardabweichung", "\u00e9cart type"),
        *("\u00e9cart-type", "desviaci\u00f3n est\u00e1ndar", "desv. est\u00e1ndar", "deviazione standard"),
    ]
)


def is_summary(cell: str) -> bool:
    """Whether a cell is a word for what a row at the end of a table may summarise."""
    return _word(cell) in _BY_WORD or _word(cell) in _OTHERS


def is_trailer(row: Row, rows: int, above: Row | None = None) -> bool:
    """Whether the last row begins as a trailer of a mainframe does, and counts the `rows` above it.

    The header, or a line above it, and the trailer itself may count, too. A column that counts them in the
    row `above`, too, numbers the rows: `Z,26` is the last letter.
    """
    first = next(iter(row.values()), None)
    if first is None or first.strip().upper() not in TRAILERS:
        return False
    return bool(_counting(row, rows) - _counting(above or {}, rows - 1))


def _counting(row: Row, rows: int) -> set[str]:
    """The columns but for the first in which a row counts the `rows` above it."""
    return {
        name
        for name, cell in islice(row.items(), 1, None)
        if cell and cell.strip().isdecimal() and 0 <= int(cell) - rows < MOST_COUNTED
    }


def _word(cell: str) -> str:
    return cell.strip(" :.").casefold()


def find_summaries(table: pa.Table, end: int, last: Row, style: FileStyle) -> list[int]:
    """The last rows before `end`, at least two, that all have such a word, if they tell the truth; or none.

    `last` is the last of them.

    Each mean, median, least and greatest value has to be that of its column in most columns of numbers, since
    a few are by chance; none of the rows above may have such a word in that place.
    """
    place = next((name for name, cell in last.items() if cell and is_summary(cell)), None)
    if place is None:
        return []
    start = max(0, end - MOST_SUMMARIES)
    words = table[place].slice(start, end - start).to_pylist()
    above = end - sum(1 for _ in takewhile(lambda cell: cell and is_summary(cell), reversed(words)))
    if end - above < FEWEST_SUMMARIES or above < FEWEST_ROWS:
        return []
    if any(is_summary(text) for text in table[place].slice(0, above).unique().to_pylist() if text):
        return []
    rows = table.slice(above, end - above).to_pylist()
    columns = {name: _numbers(table[name], above, style) for name in table.column_names if name != place}
    checked = [
        [_is(function, read, row[name]) for name, read in columns.items() if read and row[name]]
        for row in rows
        if (function := _BY_WORD.get(_word(row[place])))
    ]
    are_true = checked and all(sum(one) * 2 > len(one) for one in checked)
    return list(range(above, end)) if are_true else []


def _numbers(
    cells: pa.ChunkedArray, above: int, style: FileStyle
) -> tuple[Callable[[str], float], np.ndarray] | None:
    """How numbers are read, and those above a row, without gaps; None if the column has others, too."""
    if (numbers := numbers_if_plain(cells.slice(0, above), style.likely_decimal_comma)) is not None:
        return float, numbers
    texts: Sequence[str] = [text for text in cells.slice(0, above).to_pylist() if text]
    found = find_numbers(dict.fromkeys(texts, 1), style.likely_decimal_comma)
    if found is None:
        return None
    form = found.format
    return lambda text: read_number(text, form), np.array(
        [read_number(text, form) for text in texts if text.strip() not in found.gaps]
    )


def numbers_if_plain(cells: pa.ChunkedArray, decimal_comma: bool) -> np.ndarray | None:
    """The numbers of a column that has only such as 12.5 and gaps; None otherwise.

    To find out how numbers are written takes a hundred times as long.
    """
    try:
        numbers = cells.drop_null().cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    are_plain = not decimal_comma and len(numbers) > 0 and np.isfinite(numbers).all()
    return numbers if are_plain else None


def _is(function: Callable[..., float], read: tuple[Callable[[str], float], np.ndarray], cell: str) -> bool:
    """Whether a cell is what a function makes of the numbers, as far as it is rounded."""
    number, numbers = read
    try:
        value = number(cell)
    except ValueError:
        return False
    digits = len(match[1]) if (match := re.search(r"[.,](\d+)\D*$", cell)) else 0
    return len(numbers) > 0 and math.isclose(
        value, function(numbers), rel_tol=1e-9, abs_tol=0.51 * 0.1**digits
    )
