"""A short, bounded load test: more and more clients, one row at a time, all models in turn."""

import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import urllib3

from helpers.deployment.asking.endpoint import TIMEOUT_SECONDS, invoke, signed
from helpers.deployment.performance.connections import pool
from helpers.display.frames import INSTEAD
from helpers.session import Session

__all__ = [
    "HEADERS",
    "Questions",
    "Sent",
    "by_clients",
    "by_model",
    "interleaved",
    "ramp",
    "step",
    "steps",
]
__dir__ = __all__.copy

COLUMNS = ["clients", "data set", "second", "milliseconds", "status"]
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
SIGNED_SECONDS = 60  # a signature is valid for five minutes
OFF = (
    "No load test was run, so there is nothing to show; set LOAD_TEST to True, have a model in service, and "
    "run again."
)

Rows = Mapping[str, Sequence[Sequence[Any]]]
Sent = tuple[str, str, bytes, Mapping[str, str]]  # data set, URL, body, headers


def steps(most: int) -> list[int]:
    """The numbers of clients of a ramp: 1, 2, 4 and so on, and the most at last."""
    return [
        *itertools.takewhile(lambda clients: clients < most, (2**power for power in itertools.count())),
        most,
    ]


def interleaved(rows: Rows) -> Iterator[tuple[str, Sequence[Any]]]:
    """All rows of all data sets, without end: the data sets in turn, and of each all rows in random order.

    So a short load reaches every model, and what each is asked looks like its table.
    """
    order = random.Random(0)  # noqa: S311 - a load, not a secret
    shuffled = {name: order.sample(list(some), len(some)) for name, some in rows.items()}
    for position in itertools.count():
        for name, some in shuffled.items():
            yield name, some[position % len(some)]


def ramp(session: Session, rows: Rows, seconds: float, most: int) -> pd.DataFrame:
    """Send single rows of all data sets by 1, 2, 4 and more clients; a row for each request.

    Requests are signed before their time is taken, and again when a signature is a minute old: signing is the
    client's work, and here the client shares the machine.

    Args:
        session: where the URL is.
        rows: held-out rows of each data set in service.
        seconds: of the whole ramp, in equal parts; 0 sends nothing.
        most: clients at the end.

    Returns:
        Columns: clients, data set, second (since the step's start), milliseconds (until the answer), status
        (HTTP; 0 if there was no answer).
    """
    if not seconds or not rows:
        answers = pd.DataFrame(columns=COLUMNS)
        answers.attrs[INSTEAD] = OFF
        return answers
    # One request to each model first, so that loading the models is not measured.
    for name, examples in rows.items():
        invoke(session, {"model": name, "data": [examples[0]]})
    questions, numbers = Questions(session, rows), steps(most)
    connections = pool(session.invoker_url, most, TIMEOUT_SECONDS, TIMEOUT_SECONDS)
    answers = [
        (clients, *answer)
        for clients in numbers
        for answer in step(connections, questions.next, seconds / len(numbers), clients)
    ]
    connections.close()
    return pd.DataFrame(answers, columns=COLUMNS)


def by_clients(answers: pd.DataFrame) -> pd.DataFrame:
    """A row for each step of a ramp: predictions per second, their latency in milliseconds, and errors.

    An error is not a prediction and counts only in its own column. A step lasts until its last answer.
    """
    return _rows(answers, "clients")


def by_model(answers: pd.DataFrame) -> pd.DataFrame:
    """The same for each data set, over all steps of a ramp."""
    return _rows(answers, "data set")


def _rows(answers: pd.DataFrame, column: str) -> pd.DataFrame:
    ends = answers["second"] + answers["milliseconds"] / 1000
    lasted = ends.groupby(answers["clients"]).max() if len(answers) else pd.Series(dtype=float)

    def row(part: pd.DataFrame) -> pd.Series:
        good = part[part["status"] == 200]
        values = {"predictions per second": len(good) / lasted[part["clients"].unique()].sum()}
        values |= {f"p{share} ms": good["milliseconds"].quantile(share / 100) for share in (50, 95, 99)}
        return pd.Series({**values, "errors": len(part) - len(good)})

    found = {name: row(part) for name, part in answers.groupby(column)}
    columns = ["predictions per second", "p50 ms", "p95 ms", "p99 ms", "errors"]
    table = pd.DataFrame.from_dict(found, orient="index", columns=columns).round(1).astype({"errors": int})
    table.attrs[INSTEAD] = OFF
    return table.rename_axis(column)


class Questions:
    """The signed requests of a load, one after another, for all clients."""

    def __init__(self, session: Session, rows: Rows) -> None:
        self._session, self._rows = session, interleaved(rows)
        self._lock = threading.Lock()
        self._signed: dict[bytes, tuple[float, Mapping[str, str]]] = {}

    def next(self) -> Sent:
        """The next request."""
        with self._lock:
            name, row = next(self._rows)
        body = json.dumps({"model": name, "data": [row]}).encode()
        since, headers = self._signed.get(body, (-SIGNED_SECONDS, {}))
        if time.monotonic() - since >= SIGNED_SECONDS:
            headers = signed(self._session, body, HEADERS)
            self._signed[body] = time.monotonic(), headers
        return name, self._session.invoker_url, body, headers


def step(
    connections: urllib3.HTTPConnectionPool, next_request: Callable[[], Sent], seconds: float, clients: int
) -> list[tuple[str, float, float, int]]:
    """Let a number of clients send one request after another for some seconds.

    Returns:
        For each request: data set, second, milliseconds and status, see `ramp`.
    """
    begin = time.perf_counter()
    answers: list[tuple[str, float, float, int]] = []

    def client() -> None:
        while True:
            name, url, body, headers = next_request()
            sent = time.perf_counter()
            if sent - begin >= seconds:
                return
            try:
                status = connections.urlopen("POST", url, body=body, headers=headers).status
            except urllib3.exceptions.HTTPError:
                status = 0
            answers.append((name, sent - begin, 1000 * (time.perf_counter() - sent), status))

    threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
