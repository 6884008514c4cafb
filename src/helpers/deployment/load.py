"""A short, bounded load test of the endpoint: many clients, one row at a time, all models in turn."""

import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import requests

from helpers.deployment.endpoint import invoke
from helpers.session import Session

__all__ = ["run", "summary"]


def run(
    session: Session, rows: Mapping[str, Sequence[Sequence[Any]]], seconds: int, clients: int
) -> pd.DataFrame:
    """Send single rows of every data set for a number of seconds; a row for each request, none for 0 seconds.

    Columns: data set, second (since the start), milliseconds (until the answer), status (HTTP; 0 if there was
    no answer).
    """
    columns = ["data set", "second", "milliseconds", "status"]
    if not seconds or not rows:
        return pd.DataFrame(columns=columns)
    # One request to each model first, so that loading the models is not measured.
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
            try:
                status = invoke(session, question).status_code
            except requests.RequestException:
                status = 0
            answers.append((question["model"], sent - begin, 1000 * (time.perf_counter() - sent), status))

    threads = [threading.Thread(target=client, args=(7 * number,), daemon=True) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return pd.DataFrame(answers, columns=columns)


def summary(answers: pd.DataFrame, seconds: int) -> pd.DataFrame:
    """A row for each data set and one for all: predictions per second, their latency in ms, and errors.

    An error is not a prediction and counts only in its own column. The last answers may arrive after the end.
    """
    ends = answers["second"] + answers["milliseconds"] / 1000
    lasted = max([seconds, *ends])

    def row(part: pd.DataFrame) -> pd.Series:
        good = part[part["status"] == 200]
        return pd.Series(
            {
                "requests per second": len(good) / lasted,
                "p50": good["milliseconds"].quantile(0.50),
                "p95": good["milliseconds"].quantile(0.95),
                "p99": good["milliseconds"].quantile(0.99),
                "errors": len(part) - len(good),
            }
        )

    parts = {name: row(part) for name, part in answers.groupby("data set")}
    return pd.DataFrame({**parts, "all": row(answers)}).T.round(1).astype({"errors": int})
