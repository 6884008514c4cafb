"""Tables whose cells are separated by any number of blanks and tabs, as old programs write them."""

from collections.abc import Sequence

from tabular.data.files.layout.lines import Line, first_lines

__all__ = ["are_separated_by_blanks_and_tabs"]

OTHERS = ",;|~"  # delimiters; a header that has one of them is not separated by blanks


def are_separated_by_blanks_and_tabs(text: str, target: str | None = None) -> bool:
    """Whether a tab separates cells like any number of blanks, and two tabs separate no more than one.

    So it is if each line has as many cells as the header then, and if tabs alone give some rows another
    number of cells than others, or no header with the target.

    Args:
        text: the beginning of the file.
        target: the column to predict, if it is known.
    """
    header = text.lstrip().partition("\n")[0]
    if "\t" not in text or any(letter in header for letter in OTHERS):
        return False
    by_tabs = first_lines(text, "\t")
    names = list(map(str.strip, by_tabs[0].cells))
    is_named = target in names if target is not None else len(names) > 1
    if is_named and len({len(line.cells) for line in by_tabs[1:]}) == 1:
        return False
    widths = set(map(_width, first_lines(text.replace("\t", " "), " ")))
    return len(widths) == 1 and widths.pop() > 1


def _width(line: Line) -> int:
    cells: Sequence[str] = line.cells
    return len(cells) - (not cells[-1])  # blanks at the end of a line
