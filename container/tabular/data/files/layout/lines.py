"""The first lines of a file as cells, and how a note for the user shows lines."""

import csv
import io
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

__all__ = ["COMMENT", "Line", "first_lines", "is_rule", "lines_are", "shown"]

SAMPLE_LINES = 200
COMMENT = "#"


class Line(NamedTuple):
    """The cells of a line, and its number; of several lines if a cell in quotes goes on in the next."""

    cells: Sequence[str]
    number: int

    @property
    def filled(self) -> int:
        """The number of its cells that are not empty."""
        return sum(bool(cell.strip()) for cell in self.cells)

    @property
    def is_comment(self) -> bool:
        """Whether it begins with COMMENT."""
        return self.cells[0].lstrip().startswith(COMMENT)


def first_lines(text: str, delimiter: str) -> list[Line]:
    """The lines at the beginning of a text that are not empty."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    return list(islice((Line(cells, lines.line_num) for cells in lines if cells), SAMPLE_LINES))


def is_rule(cells: Sequence[str]) -> bool:
    """Whether a line is drawn, as below the header of what databases print, or above a footer."""
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(cell.strip() and not cell.strip("-=:+_ ") for cell in filled)


def lines_are(count: int, where: str) -> str:
    """The beginning of a sentence about a number of lines."""
    return f"1 line {where} is" if count == 1 else f"{count} lines {where} are"


def shown(rows: Sequence[Sequence[str]]) -> str:
    """The first rows, as far as a sentence can hold them."""
    said = [", ".join(cell.strip() for cell in row if cell.strip())[:40] for row in rows[:3]]
    return ", ".join(map(repr, said)) + (", ..." if len(rows) > len(said) else "")
