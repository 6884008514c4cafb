"""Lines below the table: totals, counts of rows, and where the table comes from."""

import re
from collections.abc import Sequence

from tabular.data.files.layout.lines import is_rule, lines_are, shown
from tabular.data.files.layout.totals import is_total

__all__ = ["note_of_footer"]

MOST_FOOTER, MOST_RULED = 5, 100  # lines, and those of notes below a line that is drawn
# How lines begin that say where a table comes from; their sentences may have commas and years.
_ORIGIN = re.compile(
    r"\W*(sources?|notes?|remarks?|footnotes?|copyright|last updated?|as of|quellen?|stand|anmerkung(en)?|"
    r"hinweise?|fuentes?|notas?|fontes?)\s*:|"
    r"\W*(generated|exported|downloaded|retrieved|prepared|updated|data)\s+(by|on|at|from|as of)\b|\s*\u00a9",
    re.IGNORECASE,
)


def note_of_footer(rows: Sequence[Sequence[str]], width: int) -> str | None:
    """What to say of the last rows of a file if they are a footer; None if they are damaged rows.

    A footer is a line of words that has fewer cells than the table, such as a count of rows, or a total, or a
    line of any number of cells that says where the table comes from. A row that was cut off has numbers or
    dates. Below a line that is drawn, every line of one cell belongs to the footer.

    Args:
        rows: those at the end of the file whose cells are not as many as the header's.
        width: the number of cells of the header.
    """
    ruled = bool(rows) and len(rows[0]) < width and is_rule(rows[0])
    if not 0 < len(rows) <= (MOST_RULED if ruled else MOST_FOOTER):
        return None
    for row in rows:
        words = [cell.strip() for cell in row if cell.strip()]
        if ruled and len(row) < width and (len(words) <= 1 or is_rule(row)):
            continue
        if words and _ORIGIN.match(words[0]):
            continue
        if len(row) >= width or not (words and (is_total(words[0]) or all(map(_is_word, words)))):
            return None
    return f"{lines_are(len(rows), 'below the table')} left out ({shown(rows)})."


def _is_word(cell: str) -> bool:
    return sum(map(str.isalpha, cell)) > 1
