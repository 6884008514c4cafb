"""Tables: text to the left, numbers to the right, nothing cut off, and a sentence instead of an empty one."""

import html
import re
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["INSTEAD", "as_html", "as_text", "paragraph"]

INSTEAD = "instead"  # in the attrs of an empty table: what it is, and what to do to get rows
NOTHING = "This table has no rows."
MOST_ROWS = 500  # that a browser is sent
FOLDED_ROWS = 20  # a longer group, beside others, is one line until somebody opens it
MISSING = "\N{EN DASH}"
# A browser breaks a line only between words, so an address in S3 would squeeze all other columns.
LONG = re.compile(r"[^\s&;<>]{24}(?=[^\s&;<>]{8})")


def as_html(frame: "pd.DataFrame") -> str:
    """A DataFrame as an HTML table, or its sentence if it has no rows.

    Alignment is an attribute of each cell: a notebook that nobody has trusted yet, and pages of code hosts,
    leave out style sheets.
    """
    if frame.empty:
        return paragraph(_instead(frame))
    part = frame.head(MOST_ROWS)
    sides = ["right" if _is_number(part.iloc[:, place]) else "left" for place in range(part.shape[1])]
    head = [_cell("th", str(name or ""), "left") for name in part.index.names]
    head += [_cell("th", _words(name), side) for name, side in zip(part.columns, sides, strict=True)]
    # pandas formats the cells of a column together, so that their decimals are the same.
    found = re.findall(r"<td>(.*?)</td>", part.to_html(index=False, header=False, na_rep=MISSING), re.DOTALL)
    cells = iter(found)
    lines = []
    for labels in _labels(part.index):
        values = [_cell("td", next(cells), side, escaped=True) for side in sides]
        lines.append(f"<tr>{''.join([*labels, *values])}</tr>")
    tables = []
    for group, some in _shown_together(part.index):
        rows = "\n".join(lines[some])
        table = f"<table><thead><tr>{''.join(head)}</tr></thead><tbody>\n{rows}\n</tbody></table>"
        tables.append(table if group is None else _folded(f"{group}: {some.stop - some.start} rows", table))
    rest = f"<p>The first {MOST_ROWS} of {len(frame):,} rows.</p>" if len(frame) > len(part) else ""
    return "\n".join(tables) + rest


def paragraph(sentence: str) -> str:
    """A sentence as HTML; what stands between backticks is set as code."""
    words = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(sentence, quote=False))
    return f"<p>{words}</p>"


def as_text(frame: "pd.DataFrame") -> str:
    """A DataFrame as text, or its sentence if it has no rows."""
    return _instead(frame) if frame.empty else repr(frame)


def _instead(frame: "pd.DataFrame") -> str:
    return str(frame.attrs.get(INSTEAD, NOTHING))


def _is_number(column: "pd.Series") -> bool:
    from pandas.api.types import infer_dtype

    # Not by dtype: a column of numbers with a gap may be one of objects.
    return infer_dtype(column, skipna=True) in {"integer", "floating", "mixed-integer-float", "decimal"}


def _shown_together(index: "pd.Index") -> Iterator[tuple[str | None, slice]]:
    """The rows of each table that a browser shows: a long group with its name, the others together."""
    first = end = 0
    for name, same in groupby(index.get_level_values(0)):
        size = len(list(same))
        if index.nlevels > 1 and FOLDED_ROWS < size < len(index):
            if first < end:
                yield None, slice(first, end)
            yield str(name), slice(end, end + size)
            first = end + size
        end += size
    if first < end:
        yield None, slice(first, end)


def _folded(summary: str, contents: str) -> str:
    """What a click on its summary opens; without scripts, so that it also works on a code host."""
    return f"<details><summary>{html.escape(summary, quote=False)}</summary>{contents}</details>"


def _labels(index: "pd.Index") -> Iterator[list[str]]:
    """The cells that name each row; a label that many rows share stands once, beside all of them."""
    rows = [label if isinstance(label, tuple) else (label,) for label in index]
    spans: dict[tuple[int, int], int] = {}  # how many rows share a label, by its level and its first row
    for level in range(index.nlevels):
        innermost = level == index.nlevels - 1  # it names each row, also if two have the same name
        first = 0
        shared = [row if innermost else label[: level + 1] for row, label in enumerate(rows)]
        for _, same in groupby(shared):
            spans[level, first] = count = len(list(same))
            first += count
    for row, label in enumerate(rows):
        yield [
            _cell("th", _words(label[level]), "left", rows=spans[level, row])
            for level in range(index.nlevels)
            if (level, row) in spans
        ]


def _words(label: Any) -> str:
    return " ".join(str(part) for part in label) if isinstance(label, tuple) else str(label)


def _cell(tag: str, words: str, side: str, rows: int = 1, escaped: bool = False) -> str:
    span = f' rowspan="{rows}"' if rows > 1 else ""
    text = LONG.sub(r"\g<0><wbr>", words if escaped else html.escape(words, quote=False))
    return f'<{tag}{span} style="text-align: {side}; vertical-align: top">{text}</{tag}>'
