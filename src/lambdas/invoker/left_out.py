"""Bodies of requests without the cells of some columns: those cells are certainly gone, or the body is.

A body is read in the shapes that the model's server reads (`tabular.serving.rows`), and is written again from
the cells of the model's own columns alone. What else a client sent beside them (an index, a column that the
model does not use, other keys) goes too, because nobody knows what it contains. A body that cannot be read
without a doubt is not stored: UncertainError says why, without quoting it.
"""

import codecs
import csv
import io
import json
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from email.message import Message
from typing import Any

__all__ = ["Table", "UncertainError", "decoded", "without"]

# As the model's server knows them.
ENVELOPES = ("instances", "inputs", "features", "dataframe_records", "data", "input_data", "records", "rows")
DELIMITERS = ",;\t|"
UNNAMED = ("", "Unnamed: 0")
CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
ALIASES = dict.fromkeys(
    ("application/x-ndjson", "application/json-lines", "application/x-jsonlines"), JSON_LINES
) | {"application/csv": CSV}
PLAIN = (str, int, float, bool, type(None))


class UncertainError(ValueError):
    """It cannot be told where the cells of a column are; the sentence quotes nothing of the body."""


class Table:
    """The columns of a model, by the names that clients may write.

    Args:
        columns: The names of the model's columns, in its order.
        others: The names of the table's other columns, which clients may send as well.
    """

    def __init__(self, columns: Sequence[str], others: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._by_name = {name: place for place, name in enumerate(columns)}
        self._others = frozenset(others)
        folded = [_folded(name) for name in columns]
        self._folded_others = frozenset(map(_folded, others))
        count = Counter([*folded, *map(_folded, others)])
        self._by_folded = {name: place for place, name in enumerate(folded) if count[name] == 1}

    def place_of(self, name: str) -> int | None:
        """Return the position of the column that a client means by a name; None if it is none of these."""
        name = name.strip()
        place = self._by_name.get(name)
        if place is None and name not in self._others:
            place = self._by_folded.get(name.casefold())
        return place

    def is_ignored(self, name: str) -> bool:
        """Return whether a name is a column that the table has beside the model's, or an index."""
        return _folded(name) in self._folded_others or name.strip() in UNNAMED

    def has_all(self, names: Iterable[str]) -> bool:
        """Return whether every column of the model is among the names."""
        return {self.place_of(name) for name in names} >= set(range(len(self.columns)))

    def places_of(self, names: Collection[str]) -> frozenset[int]:
        """Return the positions of columns: of the exact name, or else of every name that looks the same.

        Those are the names that differ in case, in how an accent is composed, or in the width of letters:
        who leaves a column out cannot see such a difference, and too much left out does no harm.
        """
        found: set[int] = set()
        for name in names:
            if name in self._by_name:
                found.add(self._by_name[name])
            else:
                found.update(
                    place for place, other in enumerate(self.columns) if _alike(other) == _alike(name)
                )
        return frozenset(found)

    def knows(self, name: str) -> bool:
        """Return whether the table has a column of this name, whether or not the model uses it."""
        return bool(self.places_of([name])) or _folded(name) in self._folded_others


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
    message = Message()
    message["content-type"] = content_type.strip() or CSV
    media_type = content_type.partition(";")[0].strip().lower() or CSV
    charset = str(message.get_param("charset") or "utf-8")
    try:
        name = codecs.lookup(charset).name
        text = body.decode("utf-8-sig" if name in ("utf-8", "ascii") else name)
        text.encode()  # no half of a surrogate pair
    except (LookupError, ValueError) as error:
        raise UncertainError("The body is not text in the charset that it names.") from error
    return ALIASES.get(media_type, media_type), text


def _folded(name: str) -> str:
    return name.strip().casefold()


def _alike(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def _csv(text: str, places: frozenset[int], table: Table) -> str:
    width = len(table.columns)
    if width == 1:
        raise UncertainError("The model has one column, of which an empty line may be a row.")
    rows = _split(text, table)
    order: list[int | None] = [table.place_of(cell) for cell in rows[0]]
    has_header = sorted(place for place in order if place is not None) == list(range(width))
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
                for name, place in zip(rows[0], order, strict=True)
            ]
        )
    for row in rows[has_header:]:
        cells = zip(row, order, strict=True)
        writer.writerow(["" if place is None or place in places else cell for cell, place in cells])
    return out.getvalue()


def _split(text: str, table: Table) -> list[list[str]]:
    """Return the cells of each line, split at the first delimiter with which all lines fit."""
    for delimiter in DELIMITERS:
        lines = csv.reader(
            io.StringIO(text, newline=""), strict=True, skipinitialspace=True, delimiter=delimiter
        )
        rows = [row for row in lines if row and (len(row) > 1 or row[0].strip())]
        if not rows or {len(row) for row in rows} != {len(rows[0])}:
            continue
        if len(rows[0]) == len(table.columns) or table.has_all(rows[0]):
            return rows
    raise UncertainError("The lines do not have as many cells as the model has columns.")


def _json(text: str, places: frozenset[int], table: Table) -> str:
    return _dumped(_emptied(_rows(json.loads(text), table), places, table))


def _json_lines(text: str, places: frozenset[int], table: Table) -> str:
    rows = [json.loads(line) for line in text.split("\n") if line.strip()]
    if len(rows) == 1 and isinstance(rows[0], list) and isinstance((rows[0] or [None])[0], list | dict):
        rows = rows[0]  # all rows in one line
    return "".join(f"{_dumped(row)}\n" for row in _emptied(rows, places, table))


def _rows(content: Any, table: Table) -> list[Any]:
    """Return the rows of a JSON document, each a list in the model's order or an object."""
    if isinstance(content, dict):
        content = _rows_of_object(content, table)
    if not isinstance(content, list):
        raise UncertainError("The document contains no list of rows.")
    return [content] if content and not isinstance(content[0], list | dict) else content


def _rows_of_object(content: dict[str, Any], table: Table) -> Any:
    if (rows := _of_columns(content, table)) is not None:
        return rows
    if content.keys() >= set(table.columns):
        return [content]
    split = content.get("dataframe_split", content)
    if isinstance(split, dict) and {"columns", "data"} <= split.keys():
        return [dict(zip(split["columns"], row, strict=True)) for row in split["data"]]
    if isinstance(content.get("schema"), dict) and isinstance(content.get("data"), list):
        return content["data"]
    inner = next((content[name] for name in ENVELOPES if name in content), content)
    if isinstance(inner, dict):
        return found if (found := _of_columns(inner, table)) is not None else [inner]
    return inner


def _of_columns(content: dict[str, Any], table: Table) -> list[Any] | None:
    """Return the rows of an object of columns, or of rows by their index; None if it is neither."""
    kinds = set(map(type, content.values()))
    if kinds == {dict} and not table.has_all(content):
        rows = list(content.values())
        known = all(table.place_of(name) is not None or table.is_ignored(name) for name in rows[0])
        return rows if known and not any(isinstance(cell, list | dict) for cell in rows[0].values()) else None
    if not table.has_all(content) or kinds not in ({list}, {dict}):
        return None
    columns = [column if isinstance(column, list) else list(column.values()) for column in content.values()]
    return [dict(zip(content, row, strict=True)) for row in zip(*columns, strict=True)]


def _emptied(rows: Sequence[Any], places: frozenset[int], table: Table) -> list[Any]:
    """Return the rows with null in some columns, and without what is in no column of the model."""
    return [_emptied_row(row, places, table) for row in rows]


def _emptied_row(row: Any, places: frozenset[int], table: Table) -> Any:
    if isinstance(row, dict) and row.keys() == {"features"} and "features" not in table.columns:
        row = row["features"]
    if isinstance(row, dict):
        found = [(place, name) for name in row if (place := table.place_of(name)) is not None]
        emptied: Any = {name: None if place in places else row[name] for place, name in found}
        seen, cells = sorted(place for place, _ in found), emptied.values()
    elif isinstance(row, list):
        emptied = cells = [None if place in places else cell for place, cell in enumerate(row)]
        seen = list(range(len(row)))
    else:
        raise UncertainError("A row is neither a list nor an object.")
    if seen != list(range(len(table.columns))) or not all(isinstance(cell, PLAIN) for cell in cells):
        raise UncertainError("A row does not have one plain cell for each of the model's columns.")
    return emptied


def _dumped(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


WRITERS: Mapping[str, Callable[[str, frozenset[int], Table], str]] = {
    CSV: _csv,
    JSON: _json,
    JSON_LINES: _json_lines,
}
