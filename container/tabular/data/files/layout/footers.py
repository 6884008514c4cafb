"""Lines below the table: totals, counts of rows, and where the table comes from."""

import re
from collections.abc import Sequence

from tabular.data.files.layout.lines import is_rule, lines_are, shown
from tabular.data.files.layout.totals import is_total

__all__ = ["MOST_FOOTER", "note_of_footer", "says_origin"]

MOST_FOOTER, MOST_RULED = 5, 100  # lines, and those of notes below a line that is drawn
# How lines begin that say where a table comes from; their sentences may have commas and years.
_WORDS = (
    "sources?|notes?|remarks?|footnotes?|copyright|last updated?|as of|quellen?|stand|anmerkung(?:en)?|"
    "hinweise?|champ|lecture|fuentes?|notas?|nota bene|fontes?|fonti?|bron|noten?|kilde|källor?|"
    "источники?|примечани[ея]|джерело|注释?|資料|出典|出所|资料来源|数据来源|자료|출처"
)
_ORIGIN = re.compile(
    rf"\W*(?:{_WORDS})\s*[:\uff1a]|"
    r"\W*(?:generated|exported|downloaded|retrieved|prepared|updated|data)\s+(?:by|on|at|from|as of)\b|"
    r"\s*\u00a9",
    re.IGNORECASE,
)


def note_of_footer(rows: Sequence[Sequence[str]], width: int) -> str | None:
    """What to say of the last rows of a file if they are a footer; None if they are damaged rows.

    A footer is a line of words that has fewer cells than the table, such as a count of rows, or a total, or a
    line of any number of cells that says where the table comes from. A row that was cut off has numbers or
    dates. Below a line that is drawn, every line of one cell belongs to the footer, and so does every line
    below a header of footnotes that has as many cells as it.

    Args:
        rows: those at the end of the file whose cells are not as many as the header's.
        width: the number of cells of the header.
    """
    ruled = bool(rows) and len(rows[0]) < width and is_rule(rows[0])
    noted = bool(rows) and len(rows[0]) < width and rows[0][0].strip().casefold().startswith("footnote")
    if not 0 < len(rows) <= (MOST_RULED if ruled or noted else MOST_FOOTER):
        return None
    for row in rows:
        words = [cell.strip() for cell in row if cell.strip()]
        if ruled and len(row) < width and (len(words) <= 1 or is_rule(row)):
            continue
        if (words and says_origin(words[0])) or (noted and len(row) == len(rows[0])):
            continue
        if len(row) >= width or not (words and (is_total(words[0]) or all(map(_is_word, words)))):
            return None
    return f"{lines_are(len(rows), 'below the table')} left out ({shown(rows)})."


def says_origin(cell: str) -> bool:
    """Whether a line that begins like this says where the table comes from."""
    return _ORIGIN.match(cell) is not None


def _is_word(cell: str) -> bool:
    return sum(map(str.isalpha, cell)) > 1
