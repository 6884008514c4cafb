"""Which version the URL answers with, and what it predicts: a row of each table, asked at any moment."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import requests
from botocore.exceptions import ClientError

from contract.names import MODEL_VERSION
from helpers.deployment.asking import endpoint
from helpers.deployment.decisions import Decision
from helpers.deployment.deployments import in_service
from helpers.deployment.registry import ModelVersion, metadata
from helpers.errors import Interrupted, JobFailed
from helpers.session import Session

__all__ = ["Answer", "ask", "question", "table"]
__dir__ = __all__.copy

NONE = "none"
FORBIDDEN = (401, 403)  # of who may not call the URL
POLL_SECONDS = 0.2
INSTEAD = (
    "There is no held-out row to ask about: no version of these tables is in the registry, so run notebook 3 "
    "first, or their rows are in the account that trains."
)
# What was promoted has left its rows in the account in which it was trained.
UNREADABLE = ("AccessDenied", "NoSuchBucket", "NoSuchKey")


@dataclass(frozen=True)
class Answer:
    """What the URL answers to one row: the version in its header, and the prediction or the error."""

    status: int
    version: int | None
    text: str


def question(session: Session, chosen: Iterable[ModelVersion]) -> dict[str, dict[str, Any]]:
    """A row to ask about for each table: the first held-out row of its newest chosen version, by column.

    A table whose rows nobody may read here, or that somebody registered without any, is left out.
    """
    rows: dict[str, dict[str, Any]] = {}
    for package in chosen:
        if package.dataset in rows or "held-out-data" not in metadata(session, package):
            continue
        try:
            features = endpoint.held_out(session, package).features[:1]
        except ClientError as error:
            if error.response["Error"]["Code"] not in UNREADABLE:
                raise
            continue
        (cells,) = endpoint.rows_of(features)
        rows[package.dataset] = dict(zip(features.columns, cells, strict=True))
    return rows


def ask(
    session: Session, rows: Mapping[str, Mapping[str, Any]], decided: Iterable[Decision] = ()
) -> dict[str, Answer]:
    """Ask the URL about one row of each table.

    Args:
        session: where the URL is.
        rows: of `question`.
        decided: decisions that what is in service follows. Of their tables the URL is asked until it answers
            with the version in service: the invoker reads the models map every few seconds.

    Raises:
        JobFailed: the URL does not answer, or not with the version in service within a minute.
        Interrupted: somebody interrupted this.
    """
    try:
        return _asked(session, rows, decided)
    except KeyboardInterrupt:
        raise Interrupted("Interrupted. The decisions stand; run this cell again to ask.") from None


def _asked(
    session: Session, rows: Mapping[str, Mapping[str, Any]], decided: Iterable[Decision]
) -> dict[str, Answer]:
    settle = {decision.dataset for decision in decided if decision.holds}
    serving = {name: entry["version"] for name, entry in in_service(session).items()}
    deadline, found = time.monotonic() + endpoint.SETTLE_SECONDS, {}
    for dataset, row in rows.items():
        due = serving.get(dataset)
        if due is None and dataset not in settle:
            found[dataset] = Answer(0, None, "nothing is in service")
            continue
        while (answer := _ask(session, dataset, row)).version != due and dataset in settle:
            if answer.status in FORBIDDEN:
                break
            if time.monotonic() > deadline:
                raise JobFailed(
                    f"{dataset}: {_words(due)} is in service, but after {endpoint.SETTLE_SECONDS} seconds "
                    f"{_words(answer.version)} answers ({answer.text}); see the log of the function "
                    f"{session.invoker_function_name}."
                )
            time.sleep(POLL_SECONDS)
        found[dataset] = answer
    return found


def table(**moments: Mapping[str, Answer]) -> pd.DataFrame:
    """A row for each table and, for each moment, two columns: the version that answered, and what it said."""
    names = list(dict.fromkeys(name for answers in moments.values() for name in answers))
    columns: dict[str, list[Any]] = {}
    for moment, answers in moments.items():
        columns[f"version, {moment}"] = [answers[name].version or NONE for name in names]
        columns[f"answer, {moment}"] = [answers[name].text for name in names]
    frame = pd.DataFrame(columns, index=pd.Index(names, name="data set"))
    frame.attrs["instead"] = INSTEAD
    return frame


def _ask(session: Session, dataset: str, row: Mapping[str, Any]) -> Answer:
    try:
        answer = endpoint.invoke(session, {"model": dataset, "data": [row]})
    except requests.RequestException as error:
        raise JobFailed(
            f"{dataset}: no answer from {session.invoker_url} ({type(error).__name__}); run 04 again."
        ) from None
    version = answer.headers.get(MODEL_VERSION)
    return Answer(answer.status_code, int(version) if version else None, _said(answer))


def _said(answer: requests.Response) -> str:
    """The prediction with its probability, or the status and the sentence of an error."""
    try:
        body = answer.json()
    except ValueError:
        return f"{answer.status_code}: {answer.text[:200]}"
    if answer.status_code != 200:
        return f"{answer.status_code}: {body.get('error', body)}"
    (predicted,) = body["predictions"]
    if "probabilities" not in body:
        return f"{predicted:.6g}" if isinstance(predicted, float) else str(predicted)
    return f"{predicted} ({max(body['probabilities'][0]):.4f})"


def _words(version: int | None) -> str:
    return f"version {version}" if version else "no version"
