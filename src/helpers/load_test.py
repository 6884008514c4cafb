"""A short, bounded load test of the endpoint: many clients, one row at a time, all models in turn."""

import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from helpers.endpoint import invoke
from helpers.session import Session

__all__ = ["run", "summary"]


def run(
    session: Session, rows: Mapping[str, Sequence[Sequence[Any]]], seconds: int, clients: int
) -> pd.DataFrame:
    """Send single rows of every data set for some seconds, none for 0 seconds; a row for each answer.

    Columns: data set, second (since the start), milliseconds (of the answer), status (HTTP).
    """
    columns = ["data set", "second", "milliseconds", "status"]
    if not seconds or not rows:
        return pd.DataFrame(columns=columns)
    # Once around first, so that loading the models is not part of what is measured.
    for name, examples in rows.items():
        invoke(session, {"model": name, "data": [examples[0]]})
    questions = [{"model": name, "data": [row]} for name, examples in rows.items() for row in examples[:50]]
    begin = time.perf_counter()
    answers: list[tuple[str, float, float, int]] = []

    def client(number: int) -> None:
        for question in itertools.islice(itertools.cycle(questions), number, None):
            sent = time.perf_counter()
            if sent - begin >= seconds:
                return
            status = invoke(session, question).status_code
            answers.append((question["model"], sent - begin, 1000 * (time.perf_counter() - sent), status))

    threads = [threading.Thread(target=client, args=(7 * number,), daemon=True) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return pd.DataFrame(answers, columns=columns)


def summary(answers: pd.DataFrame, seconds: int) -> pd.DataFrame:
    """A row for each data set and one for all: requests per second, latency percentiles in ms, errors."""

    def row(part: pd.DataFrame) -> pd.Series:
        return pd.Series(
            {
                "requests per second": len(part) / seconds,
                "p50": part["milliseconds"].quantile(0.50),
                "p95": part["milliseconds"].quantile(0.95),
                "p99": part["milliseconds"].quantile(0.99),
                "errors": int((part["status"] != 200).sum()),
            }
        )

    parts = {name: row(part) for name, part in answers.groupby("data set")}
    return pd.DataFrame({**parts, "all": row(answers)}).T.round(1).astype({"errors": int})
