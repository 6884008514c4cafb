"""The requests of one model that were captured, as the server reads them, with the answers they got.

Whoever wrote the objects may have written anything: a line that cannot be used is counted under its reason,
and the others go on.
"""

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from tabular.data.values.names import as_written
from tabular.monitoring.baseline import Baseline, boolean_levels
from tabular.portable.table_model import Table
from tabular.serving.codec import BadRequest, decode
from tabular.serving.rows.media_types import without_charset

__all__ = ["Answer", "Captured", "Window", "lines", "moment", "table_of"]

FORMAT = 1
LONGEST_LINE = 8 << 20  # bytes
MOST_TEXT = 256 << 20  # bytes of one object, unpacked
MOST_ROWS = 100_000  # of a model; more say nothing more, and take memory


class Window(NamedTuple):
    """The time in which a request must have arrived: from the first moment, and before the second."""

    since: datetime
    until: datetime


class Answer(NamedTuple):
    """What a request was answered: a label as text for each row, and probabilities (n_rows, n_classes)."""

    labels: list[str]
    probabilities: list[list[float]] | None


@dataclass
class Captured:
    """The rows of requests of one model, and their answers.

    Attributes:
        table: How rows are read.
        group: The model's group.
        version: The model's version.
        window: When a request must have arrived.
        requests: How many requests are in it.
        left_out: How many lines were not used, by reason.
        answers: Every answer since the first line, also from before the window, by its request's id; the
            newest if several requests have it.
    """

    table: Table
    group: str
    version: int
    window: Window
    requests: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Answer] = field(default_factory=dict)
    _numbers: list[np.ndarray] = field(default_factory=list)
    _levels: list[list[list[str]]] = field(default_factory=list)
    _without: list[frozenset[str]] = field(default_factory=list)
    _answered: list[Answer] = field(default_factory=list)
    _answered_at: dict[str, datetime] = field(default_factory=dict)
    _seen: set[tuple[str, datetime]] = field(default_factory=set)
    _rows: int = 0

    def add(self, line: bytes) -> None:
        """Add what a line says, or count why it is not used."""
        if not line.strip():
            return
        try:
            self._add(line)
        except (_Unusable, BadRequest) as error:
            self.left_out[_reason(error)] += 1

    @property
    def rows(self) -> int:
        """The number of rows of the window."""
        return self._rows

    def columns(self) -> Iterator[tuple[str, str, Any, np.ndarray]]:
        """Each column with its kind, its values (n_rows,), and the number of the request of each row.

        Numbers and dates are floats, and all others levels. Rows of requests whose cells of the column were
        left out are not among them.
        """
        sizes = [len(block) for block in self._numbers]
        requests = np.repeat(np.arange(len(sizes)), sizes)
        numbers = np.concatenate(self._numbers) if sizes else np.empty((0, len(self.table.numeric)))
        for position, column in enumerate(self.table.columns):
            name, kind = column["name"], column["kind"]
            # Who leaves a column out leaves all of its name out, which are told apart by a number.
            called = {Table.fold(name), Table.fold(as_written(name))}
            keep = np.repeat(
                np.array([called.isdisjoint(names) for names in self._without], dtype=bool), sizes
            )
            if kind == "categorical":
                place = self.table.categorical.index(position)
                whole = np.array([cell for block in self._levels for cell in block[place]], dtype=object)
                values: Any = whole[keep].tolist()
            else:
                values = numbers[keep, self.table.numeric.index(position)]
                values = boolean_levels(values) if kind == "boolean" else values
            yield name, kind, values, requests[keep]

    def predictions(self) -> tuple[list[str], np.ndarray]:
        """The labels of all answers of the window, as text, and the number of the request of each."""
        labels = [label for answer in self._answered for label in answer.labels]
        sizes = [len(answer.labels) for answer in self._answered]
        return labels, np.repeat(np.arange(len(sizes)), sizes)

    def _add(self, line: bytes) -> None:
        found = _parsed(line)
        if (found.get("group"), found.get("version")) != (self.group, self.version):
            raise _Unusable("of another model or version")
        request_id, at = found["request_id"], moment(found["at"])
        if at is None:
            raise _Unusable("its time is not a time")
        if at >= self.window.until:
            raise _Unusable("after the window")
        if (request_id, at) in self._seen:
            raise _Unusable("written twice")
        self._seen.add((request_id, at))
        answer = _answer(found["answer"])
        if answer and at >= self._answered_at.get(request_id, at):
            self.answers[request_id], self._answered_at[request_id] = answer, at
        if at < self.window.since:
            return
        self.requests += 1
        if answer is None:
            self.left_out["an answer without predictions"] += 1
        else:
            self._answered.append(answer)
        self._add_request(found, answer)

    def _add_request(self, found: Mapping[str, Any], answer: Answer | None) -> None:
        request = found["request"]
        if request is None:
            raise _Unusable("captured without its rows")
        if self._rows >= MOST_ROWS:
            raise _Unusable(f"more than {MOST_ROWS:,} rows")
        # The text is Unicode by now, in whatever charset it was sent.
        content_type = without_charset(str(request.get("content_type") or ""))
        body = request.get("body")
        if not isinstance(body, str):
            raise _Unusable("a request without a body")
        numbers, levels = decode(body.encode("utf-8", "surrogatepass"), content_type, self.table)
        if answer is not None and len(answer.labels) != len(numbers):
            raise _Unusable("as many answers as rows are needed")
        self._numbers.append(numbers)
        self._levels.append(levels)
        left_out = found.get("left_out")
        names = left_out if isinstance(left_out, list) else []
        self._without.append(frozenset(Table.fold(str(name)) for name in names))
        self._rows += len(numbers)


class _Unusable(ValueError):
    """A line that cannot be used; the message is the reason under which it is counted."""


def table_of(baseline: Baseline) -> Table:
    """How rows are read, as the model reads them.

    Raises:
        LookupError, TypeError, ValueError: if the baseline does not describe a table.
    """
    seen = [
        baseline["training"][column["name"]]
        for column in baseline["columns"]
        if column["kind"] == "categorical"
    ]
    known = [{"levels": [*one.get("levels", ()), *([""] if one["missing"] else [])]} for one in seen]
    return Table({**baseline, "encodings": known})


def lines(body: bytes) -> Iterator[bytes]:
    """The lines of an object, which may be gzipped; one that is too long is cut, and then no JSON.

    Raises:
        ValueError: if it cannot be unpacked, or is too large.
    """
    file = io.BytesIO(body)
    unpacked = gzip.GzipFile(fileobj=file) if body.startswith(b"\x1f\x8b") else file
    left = MOST_TEXT
    try:
        while line := unpacked.readline(min(left, LONGEST_LINE)):
            yield line
            left -= len(line)
            if left <= 0:
                raise ValueError("an object of more than 256 MB")
    except (OSError, EOFError, zlib.error):
        raise ValueError("an object that cannot be unpacked") from None


def moment(text: object) -> datetime | None:
    """A time in ISO 8601; None if it is not one, or names no time zone."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
        return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise _Unusable("no JSON") from None
    if not isinstance(found, dict) or found.get("schema") != FORMAT:
        raise _Unusable("another schema")
    if not isinstance(found.get("request_id"), str) or not isinstance(found.get("request"), dict | None):
        raise _Unusable("another schema")
    return {"answer": None, "request": None, "at": None, **found}


def _answer(document: object) -> Answer | None:
    """The predictions of an answer; None if it has none, or is not one that the server gives."""
    if not isinstance(document, dict) or not isinstance(document.get("body"), str):
        return None
    body = document["body"]
    try:
        if str(document.get("content_type")).startswith("application/json"):
            found = json.loads(body)
            labels, probabilities = found["predictions"], found.get("probabilities")
            return Answer([str(label) for label in labels], probabilities) if labels else None
        rows = [row for row in csv.reader(io.StringIO(body, newline="")) if row]
        with_probabilities = bool(rows) and len(rows[0]) > 1
        probabilities = [[float(cell) for cell in row[1:]] for row in rows] if with_probabilities else None
        return Answer([row[0] for row in rows], probabilities) if rows else None
    except (ValueError, LookupError, TypeError, csv.Error, RecursionError):
        return None


def _reason(error: Exception) -> str:
    """A few words to count under; a codec's sentence would be another for each row."""
    return "rows that the model cannot read" if isinstance(error, BadRequest) else str(error)
