"""Capture: a sample of requests and their answers, as lines of JSON, for the check of drift and quality.

It is off unless CAPTURE_RATE is more than 0. A request is only put into a bounded buffer, which takes
microseconds; `extension` does the rest after the response: a line without the columns that CAPTURE_LEAVES_OUT
names (`left_out`), sent to a Firehose stream, which stores it under `captured/` of the bucket. What cannot be
sent waits for a later invocation, what does not fit into the buffer is dropped and counted, and no request
ever waits or fails because of it. docs/operations/monitoring.md describes the lines.
"""

import functools
import json
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from contract import names
from lambdas import clients, columns, log
from lambdas.errors import code_of
from lambdas.invoker import left_out
from lambdas.invoker.endpoint import Answer
from lambdas.invoker.extension import Extension
from lambdas.invoker.left_out import Table, UncertainError
from lambdas.invoker.question import Question
from lambdas.models_map import Entry

__all__ = ["ALL", "Capture", "CaptureError", "Captured", "current", "line", "settings"]

SCHEMA = 1
ALL = "*"  # in CAPTURE_LEAVES_OUT: of every data set
# Firehose's limits: https://docs.aws.amazon.com/firehose/latest/dev/limits.html
MOST_LINE = 1000 * 1024  # bytes
MOST_AT_ONCE = 500  # lines
MOST_BYTES_AT_ONCE = 4 << 20
# The buffer's: the function has 512 MB of memory.
MOST_WAITING = 1000  # requests
MOST_BYTES_WAITING = 16 << 20
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0  # seconds after a failure
MOST_TABLES = 500  # whose columns are kept in memory
TOO_LARGE = f"It would make a line of more than {MOST_LINE:,} bytes."
NO_COLUMNS = (
    "The columns of this version are not recorded, so that it is unknown which cells to leave out; approve a "
    "later version, or this one again."
)


class CaptureError(ValueError):
    """CAPTURE_RATE or CAPTURE_LEAVES_OUT cannot be used."""


class Captured(NamedTuple):
    """One request that a model has answered; `body` and `answer` are None if they are too large to store."""

    request_id: str
    at: float  # seconds since 1970
    group: str
    entry: Entry
    rows: int
    content_type: str
    body: bytes | None
    answer_type: str
    answer: bytes | None

    @property
    def size(self) -> int:
        """The bytes that it holds."""
        return len(self.body or b"") + len(self.answer or b"")


def settings(environ: Mapping[str, str]) -> tuple[float, dict[str, list[str]]]:
    """Return CAPTURE_RATE, and CAPTURE_LEAVES_OUT: columns by data set, or by `*` for all.

    Raises:
        CaptureError: One of them has another form.
    """
    text = environ.get("CAPTURE_RATE") or "0"
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise CaptureError(f"CAPTURE_RATE is {text!r}; it must be a share of the requests from 0 to 1.")
    text = environ.get("CAPTURE_LEAVES_OUT") or "{}"
    try:
        leaves_out = json.loads(text)
    except ValueError:
        leaves_out = None
    if not isinstance(leaves_out, dict) or not all(map(_leaves_out, leaves_out, leaves_out.values())):
        raise CaptureError(
            f"CAPTURE_LEAVES_OUT is {text[:200]!r}; it must be a JSON object of data sets (or * for all) and "
            'their columns, such as {"*": ["name"], "churn": ["email"]}.'
        )
    return rate, leaves_out


def _leaves_out(dataset: str, columns: object) -> bool:
    """Return whether it can be meant: under a name that no data set can have, nothing would be left out."""
    return (
        (dataset == ALL or names.NAME.fullmatch(dataset) is not None)
        and isinstance(columns, list)
        and all(isinstance(name, str) and name.strip() for name in columns)
    )


class Capture:
    """The sample, the buffer, and the way to the stream.

    Args:
        rate: The share of requests, from 0 to 1.
        leaves_out: Columns by data set, or by `*` for all.
        bucket: Where the columns of models are recorded.
        pipeline_name: The name of stream and groups.
        clock: Seconds that only ever increase.
    """

    def __init__(
        self,
        rate: float,
        leaves_out: Mapping[str, Sequence[str]],
        bucket: str,
        pipeline_name: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is sent until `drain` is called."""
        self.rate = rate
        self._leaves_out, self._bucket, self._pipeline = leaves_out, bucket, pipeline_name
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: deque[Captured] = deque()
        self._bytes = self._dropped = self._failures = 0
        self._resumes = float("-inf")
        self._tables: dict[str, Table | None] = {}
        self.extension: Extension | None = None

    def offer(
        self, request_id: str, group: str, entry: Entry, asked: Question, answer: Answer, rows: int
    ) -> None:
        """Put a request into the buffer, if it is in the sample and there is room."""
        if self.rate <= 0 or (self.rate < 1 and random.random() >= self.rate):  # noqa: S311 - a sample
            return
        captured = Captured(
            request_id,
            time.time(),
            group,
            entry,
            rows,
            asked.content_type,
            asked.body if len(asked.body) <= MOST_LINE else None,
            answer.content_type,
            answer.body if len(answer.body) <= MOST_LINE else None,
        )
        with self._lock:
            if len(self._waiting) >= MOST_WAITING or self._bytes + captured.size > MOST_BYTES_WAITING:
                self._dropped += 1
                return
            self._waiting.append(captured)
            self._bytes += captured.size

    def drain(self) -> None:
        """Send what is waiting now, unless an attempt has failed a moment ago; never raises."""
        left = len(self._waiting)
        if not left or self._clock() < self._resumes:
            return
        batch: list[tuple[Captured, bytes]] = []
        try:
            while left > 0 and self._clock() >= self._resumes:
                left -= self._fill(batch, left)
                if batch:
                    self._send(batch)
                batch = []
        except Exception as error:  # whatever it is, the extension must ask for the next event
            self._drop(len(batch))
            self._failed(type(error).__name__)

    def _fill(self, batch: list[tuple[Captured, bytes]], most: int) -> int:
        """Take requests out of the buffer, as lines that one call may send, and return how many."""
        room, taken, cause = MOST_BYTES_AT_ONCE, 0, None
        while taken < min(most, MOST_AT_ONCE) and room >= MOST_LINE:
            with self._lock:
                captured = self._waiting.popleft()
                self._bytes -= captured.size
            taken += 1
            try:
                content = line(captured, self._names(captured), self._table)
            except Exception as error:  # what nobody has thought of, in one request of many
                self._drop(1)
                cause = type(error).__name__
                continue
            batch.append((captured, content))
            room -= len(content)
        if cause:
            self._report(cause)
        return taken

    def _drop(self, requests: int) -> None:
        with self._lock:
            self._dropped += requests

    def _send(self, batch: list[tuple[Captured, bytes]]) -> None:
        records = [{"Data": content} for _, content in batch]
        refused: list[Captured] = []
        cause = None
        try:
            answer = clients.client("firehose").put_record_batch(
                DeliveryStreamName=names.load(self._pipeline).capture.stream, Records=records
            )
        except ClientError as error:
            refused, cause = [captured for captured, _ in batch], code_of(error)
        except BotoCoreError as error:
            refused, cause = [captured for captured, _ in batch], type(error).__name__
        else:
            for (captured, _), sent in zip(batch, answer["RequestResponses"], strict=True):
                if "ErrorCode" in sent:
                    refused.append(captured)
                    cause = sent["ErrorCode"]
        if cause is None:
            self._failures = 0
            if self._dropped:
                self._report(None)
            return
        with self._lock:  # they were the oldest
            for captured in reversed(refused):
                if self._bytes + captured.size > MOST_BYTES_WAITING:
                    self._dropped += 1
                    continue
                self._waiting.appendleft(captured)
                self._bytes += captured.size
        self._failed(cause)

    def _failed(self, cause: str) -> None:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures)
        self._failures += 1
        self._resumes = self._clock() + pause
        self._report(cause)

    def _report(self, cause: str | None) -> None:
        """Log what was dropped since the last report, also as a metric, and why nothing is sent."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        log.line(
            function="invoker",
            action="capture",
            waiting=len(self._waiting),
            dropped=dropped,
            cause=cause,
            **log.metrics(
                names.load().metrics_namespace,
                [{"PipelineName": self._pipeline}],
                {"CaptureDropped": dropped},
                {},
            ),
        )

    def _names(self, captured: Captured) -> list[str]:
        """Return the columns to leave out of a request."""
        dataset = captured.group.removeprefix(names.group_prefix(self._pipeline))
        return sorted({*self._leaves_out.get(ALL, ()), *self._leaves_out.get(dataset, ())})

    def _table(self, captured: Captured) -> Table:
        """Return the columns of the model that has answered.

        Raises:
            UncertainError: They are not known, or CAPTURE_LEAVES_OUT names others for this data set.
        """
        key = captured.entry["key"]
        table = self._tables.get(key)
        if table is None:
            try:
                found = columns.read(clients.client("s3"), self._bucket, captured.entry)
            except ClientError as error:
                raise UncertainError(
                    f"The columns of this version cannot be read ({code_of(error)})."
                ) from error
            except BotoCoreError as error:
                raise UncertainError(
                    f"The columns of this version cannot be read ({type(error).__name__})."
                ) from error
            except ValueError as error:
                raise UncertainError("The record of this version's columns cannot be read.") from error
            if found is None:
                raise UncertainError(NO_COLUMNS)
            if len(self._tables) >= MOST_TABLES:
                self._tables.clear()
            table = self._tables[key] = Table(found["columns"], found["others"])
        dataset = captured.group.removeprefix(names.group_prefix(self._pipeline))
        if unknown := [name for name in self._leaves_out.get(dataset, ()) if not table.knows(name)]:
            raise UncertainError(
                f"CAPTURE_LEAVES_OUT names {unknown[0]!r}, which is not a column of {dataset}."
            )
        return table


def line(captured: Captured, left_out_names: Collection[str], table_of: Callable[[Captured], Table]) -> bytes:
    """Return a captured request as one line of JSON, whose cells of some columns are empty.

    Args:
        captured: The request and its answer.
        left_out_names: The columns whose cells are not stored.
        table_of: Returns the model's columns, which only leaving out needs; an UncertainError says why they
            are unknown.
    """
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "request_id": captured.request_id,
        "at": datetime.fromtimestamp(captured.at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
        "group": captured.group,
        "version": captured.entry["version"],
        "rows": captured.rows,
        "request": None,
        "answer": None,
        "left_out": sorted(left_out_names),
    }
    try:
        document["answer"] = _body(captured.answer, captured.answer_type)
    except UncertainError as error:
        document["why"] = f"The answer is not here. {error}"
    try:
        document["request"] = _body(captured.body, captured.content_type)
        if left_out_names:
            text = left_out.without(captured.body, captured.content_type, left_out_names, table_of(captured))
            # A parameter of the content type is the client's, too, and the text has no charset any more.
            content_type = left_out.without_charset(captured.content_type)
            document["request"] = {"content_type": content_type, "body": text}
    except UncertainError as error:
        document["request"], document["why"] = None, f"The request is not here. {error}"
    content = _dumped(document)
    for part in ("request", "answer"):
        if len(content) > MOST_LINE:
            document[part], document["why"] = None, f"The {part} is not here. {TOO_LARGE}"
            content = _dumped(document)
    return content


def _body(content: bytes | None, content_type: str) -> dict[str, str]:
    if content is None:
        raise UncertainError(TOO_LARGE)
    return {"content_type": content_type, "body": left_out.decoded(content, content_type)[1]}


def _dumped(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


@functools.cache
def current() -> Capture:
    """Return the process's capture, as the function's environment asks for it.

    The first call must come while Lambda initialises the function: later it registers no extension.
    """
    try:
        rate, leaves_out = settings(os.environ)
    except CaptureError as error:  # no request fails because of it
        log.line(function="invoker", action="capture is off", cause=str(error))
        rate, leaves_out = 0.0, {}
    capture = Capture(rate, leaves_out, os.environ.get("BUCKET", ""), os.environ.get("PIPELINE_NAME", ""))
    if rate:
        capture.extension = Extension(capture.drain)
        if not capture.extension.start():
            capture.rate, capture.extension = 0.0, None
    return capture
