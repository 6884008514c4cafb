"""Bodies of requests without the cells of some columns: those cells are certainly gone, or the body is.

A body is read as the model's server reads it, by the same modules, and is written again from the cells of
the model's own columns alone. What else a client sent beside them (an index, a column that the model does
not use, other keys) goes too, because nobody knows what it contains. A body that cannot be read without a
doubt is not stored: UncertainError says why, without quoting it.
"""

import codecs
import csv
import io
import json
import unicodedata
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from tabular.data.values.names import Names, as_written
from tabular.serving.rows.lines import lines_of
from tabular.serving.rows.media_types import (
    CSV,
    JSON,
    JSON_LINES,
    MARK,
    charset_of,
    is_headless,
    named,
    without_charset,
)
from tabular.serving.rows.shapes import Rows, rows_of, rows_of_lines, unwrapped

__all__ = ["Table", "UncertainError", "decoded", "without", "without_charset"]

PLAIN = (str, int, float, bool, type(None))


class UncertainError(ValueError):
    """It cannot be told where the cells of a column are; the sentence quotes nothing of the body."""


class Table(Names):
    """The columns of a model, by the names that clients may write.

    Args:
        names: The names of the model's columns, in its order.
        others: The names of the table's other columns, which clients may send as well.
    """

    def places_of(self, names: Collection[str]) -> frozenset[int]:
        """Return the positions of columns: of the exact name, or else of every name that looks the same.

        Those are the names that differ in case, in how an accent is composed, or in the width of letters:
        who leaves a column out cannot see such a difference, and too much left out does no harm. Columns
        of the same name, which are told apart by a number, are all meant.
        """
        found: set[int] = set()
        for name in names:
            alike = _alike(name)
            for place, other in enumerate(self.names):
                if (written := as_written(other)) != other and _alike(written) == alike:
                    found.add(place)
            if name in self._by_name:
                found.add(self._by_name[name])
            else:
                found.update(place for place, other in enumerate(self.names) if _alike(other) == alike)
        return frozenset(found)

    def knows(self, name: str) -> bool:
        """Return whether the table has a column of this name, whether or not the model uses it."""
        return bool(self.places_of([name])) or self.fold(name) in self.others


def without(body: bytes, content_type: str, names: Collection[str], table: Table) -> str:
    """Return the text of a body in which the cells of some columns are empty.

    Args:
        body: What the model's server has read and answered.
        content_type: Its content type, with its charset.
        names: The columns whose cells are to be empty.
        table: The model's columns.

    Raises:
        UncertainError: It cannot be told where these cells are.
    """
    media_type, text = decoded(body, content_type)
    places = table.places_of(names)
    write = WRITERS.get(media_type)
    if write is None:
        raise UncertainError("The content type is not one in which rows are sent.")
    if media_type == CSV and is_headless(content_type):
        write = partial(_csv, headless=True)
    try:
        written = write(text, places, table)
        written.encode()  # an escape in JSON may be half of a surrogate pair
        return written
    except UncertainError:
        raise
    except (ValueError, TypeError, AttributeError, RecursionError, csv.Error) as error:
        raise UncertainError("The body has none of the shapes in which rows are sent.") from error


def decoded(body: bytes, content_type: str) -> tuple[str, str]:
    """Return a body's media type and text, as the model's server decodes it.

    Raises:
        UncertainError: The body is not text in its charset.
    """
    media_type, charset = named(content_type)
    try:
        name = codecs.lookup(charset).name
        name = charset_of(body, "utf-8" if name == "ascii" else name)
        text = body.decode(name).removeprefix(MARK)
        text.encode()  # no half of a surrogate pair
    except (LookupError, ValueError) as error:
        raise UncertainError("The body is not text in the charset that it names.") from error
    return media_type, text


def _alike(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def _csv(text: str, places: frozenset[int], table: Table, headless: bool = False) -> str:
    width = len(table.names)
    if width == 1:
        raise UncertainError("The model has one column, of which an empty line may be a row.")
    rows = list(lines_of(text, table, _uncertain)[0])
    widths = {len(row) for row in rows}
    if len(widths) != 1 or (widths != {width} and not table.are_among(rows[0])):
        raise UncertainError("The lines do not have as many cells as the model has columns.")
    header = table.names_of(rows[0])
    order: list[int | None] = [table.place_of(name) for name in header]
    named_once = sorted(place for place in order if place is not None) == list(range(width))
    has_header = named_once and not headless
    if not has_header:
        order = list(range(width))
    out = io.StringIO(newline="")
    # Every cell in quotes, because a reader drops the blanks before one that has none; with commas whatever
    # the client wrote, because the server looks for other delimiters only if there are no quotes.
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    if has_header:
        writer.writerow(
            [
                name if place is not None or table.is_ignored(name) else ""
                for name, place in zip(header, order, strict=True)
            ]
        )
    for row in rows[has_header:]:
        cells = zip(row, order, strict=True)
        writer.writerow(["" if place is None or place in places else cell for cell, place in cells])
    return out.getvalue()


def _uncertain(_: object, __: object) -> bool:
    raise UncertainError("Its lines have as many cells with another delimiter, and it has no header.")


def _json(text: str, places: frozenset[int], table: Table) -> str:
    return _dumped(_emptied(rows_of(json.loads(text), table, table.are_among), places, table))


def _json_lines(text: str, places: frozenset[int], table: Table) -> str:
    documents = [json.loads(line) for line in text.split("\n") if line.strip()]
    rows = _emptied(rows_of_lines(documents, table, table.are_among), places, table)
    return "".join(f"{_dumped(row)}\n" for row in rows)


def _emptied(given: Rows, places: frozenset[int], table: Table) -> list[Any]:
    """Return the rows with null in some columns, and without what is in no column of the model."""
    rows = given.rows
    if given.header is not None:
        header = table.names_of(given.header)
        rows = [dict(zip(header, row, strict=True)) for row in rows]
    return [_emptied_row(row, places, table) for row in rows]


def _emptied_row(row: Any, places: frozenset[int], table: Table) -> Any:
    row = unwrapped(row, table)
    if isinstance(row, dict):
        found = [(place, name) for name in row if (place := table.place_of(name)) is not None]
        emptied: Any = {name: None if place in places else row[name] for place, name in found}
        seen, cells = sorted(place for place, _ in found), emptied.values()
    elif isinstance(row, list):
        emptied = cells = [None if place in places else cell for place, cell in enumerate(row)]
        seen = list(range(len(row)))
    else:
        raise UncertainError("A row is neither a list nor an object.")
    if seen != list(range(len(table.names))) or not all(isinstance(cell, PLAIN) for cell in cells):
        raise UncertainError("A row does not have one plain cell for each of the model's columns.")
    return emptied


def _dumped(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


WRITERS: Mapping[str, Callable[[str, frozenset[int], Table], str]] = {
    CSV: _csv,
    JSON: _json,
    JSON_LINES: _json_lines,
}
