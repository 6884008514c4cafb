"""Predictions through the invoker's Function URL, as any client of the endpoint gets them."""

import io
import json
import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pyarrow.parquet as pq
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from tabular.data.splits.files import CELLS
from tabular.data.splits.held_out import as_json, cells_of
from tabular.spec.columns import Schema
from tabular.spec.documents.reports import quality

from contract.names import MODEL_VERSION
from helpers.deployment.deployments import in_service
from helpers.deployment.registry import ModelVersion, metadata, packages
from helpers.display.frames import INSTEAD
from helpers.errors import JobFailed
from helpers.runs import facts
from helpers.session import Session
from helpers.session.storage import read, read_json

__all__ = [
    "NOTHING",
    "HeldOut",
    "accuracy",
    "check",
    "check_all",
    "first_predictions",
    "held_out",
    "held_out_rows",
    "invoke",
    "mistakes",
    "predict",
    "rows_of",
    "schema_of",
    "signed",
]
__dir__ = __all__.copy

NOTHING = "No model is in service yet, so there is nothing to ask; approve a version in notebook 4."
TIMEOUT_SECONDS = 70
# The invoker keeps the models map for a few seconds, and a model may have to be loaded first.
SETTLE_SECONDS, POLL_SECONDS = 60, 0.5
_connections = threading.local()


@dataclass(frozen=True)
class HeldOut:
    """Rows that a model has not seen: their features, as in a request, and their true labels."""

    features: pd.DataFrame
    truth: list[Any]


def signed(session: Session, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with a Signature Version 4, which a Function URL with IAM authentication requires.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    request = AWSRequest("POST", session.invoker_url, data=body, headers=dict(headers))
    request.headers["Host"] = urlsplit(session.invoker_url).netloc
    SigV4Auth(session.boto.get_credentials(), "lambda", session.region).add_auth(request)
    return dict(request.headers)


def invoke(session: Session, body: Mapping[str, Any], accept: str = "application/json") -> requests.Response:
    """Call the Function URL once, and return whatever it answers."""
    contents = json.dumps(body).encode()
    headers = signed(session, contents, {"Content-Type": "application/json", "Accept": accept})
    if not hasattr(_connections, "session"):
        _connections.session = requests.Session()  # one for each thread, kept alive between calls
    return _connections.session.post(
        session.invoker_url, data=contents, headers=headers, timeout=TIMEOUT_SECONDS
    )


def predict(session: Session, dataset: str, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Labels and, for classification, the classes and their probabilities.

    Raises:
        JobFailed: the endpoint refuses, and the message quotes it, or it does not answer.
    """
    answer = _asked(session, dataset, rows)
    if answer.status_code != 200:
        raise JobFailed(f"{dataset}: the endpoint answers {answer.status_code}: {answer.text[:500]}")
    return answer.json()


def held_out(session: Session, package: ModelVersion) -> HeldOut:
    """The held-out rows that a package was evaluated on."""
    uri = metadata(session, package)["held-out-data"]
    schema = _schema(session, package)
    table = pd.read_parquet(io.BytesIO(read(session, f"{uri}/data.parquet")))
    truth = table[schema.target].tolist()
    labels = [schema.classes[position] for position in truth] if schema.classes else truth
    names = [column.name for column in schema.columns]
    try:
        cells = pq.read_table(io.BytesIO(read(session, f"{uri}/{CELLS}")))
    except session.client(
        "s3"
    ).exceptions.NoSuchKey:  # evaluated before these rows were kept as written in the table
        cells = cells_of(table, schema)
    return HeldOut(pd.DataFrame(as_json(cells, schema), columns=names, dtype=object), labels)


def schema_of(session: Session, dataset: str, version: int) -> Schema:
    """The columns and classes of a version in service."""
    return _schema(session, _version(session, dataset, version))


def _schema(session: Session, package: ModelVersion) -> Schema:
    uri = metadata(session, package)["held-out-data"]
    return Schema.from_dict(read_json(session, f"{uri}/schema.json"))


def rows_of(features: pd.DataFrame) -> list[list[Any]]:
    """Rows as JSON values, an empty cell as null."""
    return features.astype(object).where(features.notna(), None).to_numpy().tolist()


def held_out_rows(session: Session) -> dict[str, list[list[Any]]]:
    """Held-out rows of each data set in service as JSON values, once the URL answers for each."""
    rows = {}
    for dataset, entry in in_service(session).items():
        rows[dataset] = rows_of(held_out(session, _version(session, dataset, entry["version"])).features)
        _settle(session, dataset, entry["version"], rows[dataset][:1])
    return rows


def first_predictions(session: Session, rows: Mapping[str, Sequence[Sequence[Any]]]) -> pd.DataFrame:
    """The prediction for the first row of each data set, with the probability of each class."""
    answers = {dataset: predict(session, dataset, examples[:1]) for dataset, examples in rows.items()}
    table = {
        dataset: {
            "prediction": answer["predictions"][0],
            "probabilities": _shares(answer),
        }
        for dataset, answer in answers.items()
    }
    shown = pd.DataFrame.from_dict(table, orient="index").rename_axis("data set")
    shown.attrs[INSTEAD] = NOTHING
    return shown


def mistakes(session: Session, rows: Mapping[str, Sequence[Sequence[Any]]]) -> pd.DataFrame:
    """What the URL answers to three invalid requests, two of them to the first model in service."""
    questions: dict[str, dict[str, Any]] = {
        "a model that does not exist": {"model": "nowhere", "data": [[1]]}
    }
    for dataset, examples in list(rows.items())[:1]:
        questions["a row with one cell"] = {"model": dataset, "data": [[1.5]]}
        questions["text instead of a number"] = {"model": dataset, "data": [["many", *examples[0][1:]]]}
    answers = {name: invoke(session, question) for name, question in questions.items()}
    table = {name: (answer.status_code, _said(answer)) for name, answer in answers.items()}
    return pd.DataFrame.from_dict(table, orient="index", columns=["status", "answer"]).rename_axis("request")


def check_all(session: Session) -> dict[str, pd.DataFrame]:
    """`check` every data set in service, and record the result for the summary of a headless run.

    Raises:
        JobFailed: what is served is not what was evaluated, after all have been checked.
    """
    checked, failed = {}, []
    for dataset, entry in in_service(session).items():
        links = {"artifact": session.uri(entry["key"])}
        facts.record(dataset, in_service=entry["version"], links=links)
        try:
            checked[dataset] = table = check(session, dataset, entry["version"])
        except JobFailed as error:
            failed.append(str(error))
            said = failed[-1].removeprefix(f"{dataset}: ")
            facts.record(dataset, outcome="failed", said=said, advice="Reject it, or run 05 again.")
        else:
            facts.record(dataset, predictions=f"{len(table)} rows, {_in_words(table)}")
    if failed:
        raise JobFailed("\n\n".join(failed))
    return checked


def check(session: Session, dataset: str, version: int) -> pd.DataFrame:
    """Predict every held-out row with the version in service: its label, the prediction and the probability.

    Raises:
        JobFailed: the URL keeps answering with another version, or the accuracy (for regression, the mean
            absolute error) is not the one that EvaluateBestModel measured.
    """
    package = _version(session, dataset, version)
    rows = held_out(session, package)
    _settle(session, dataset, version, rows_of(rows.features[:1]))
    answer = predict(session, dataset, rows_of(rows.features))
    table = pd.DataFrame({"label": rows.truth, "prediction": answer["predictions"]})
    if "probabilities" in answer:
        table["probability"] = [max(shares) for shares in answer["probabilities"]]
    ((name, measured),) = _measured(table).items()
    found = quality(read_json(session, metadata(session, package)["evaluation"]))
    expected = found[{"accuracy": "accuracy", "mean absolute error": "mae"}[name]]["value"]
    if not math.isclose(measured, expected, rel_tol=1e-6):
        raise JobFailed(
            f"{dataset}: {name} {measured:.6g} on the held-out rows, but {expected:.6g} when version "
            f"{version} was evaluated; reject it in 04 to go back to the one before."
        )
    return table


def accuracy(checked: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row for each data set: how many held-out rows were predicted, and how well.

    For classification, that is the accuracy; for regression, the mean absolute error.
    """
    rows = {dataset: {"rows": len(table), **_measured(table)} for dataset, table in checked.items()}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("data set")
    table.attrs[INSTEAD] = NOTHING
    return table


def _measured(table: pd.DataFrame) -> dict[str, float]:
    if "probability" in table:
        return {"accuracy": float((table["label"] == table["prediction"]).mean())}
    return {"mean absolute error": float((table["label"] - table["prediction"]).abs().mean())}


def _in_words(table: pd.DataFrame) -> str:
    ((name, measured),) = _measured(table).items()
    return f"accuracy {measured:.4f}" if name == "accuracy" else f"{name} {measured:.4g}"


def _version(session: Session, dataset: str, version: int) -> ModelVersion:
    for package in packages(session, dataset):
        if package.version == version:
            return package
    raise JobFailed(
        f"{dataset}: version {version} is in service but no longer in the registry; the deployer takes it "
        "out of service when it next runs."
    )


def _asked(session: Session, dataset: str, rows: Sequence[Sequence[Any]]) -> requests.Response:
    try:
        return invoke(session, {"model": dataset, "data": rows})
    except requests.RequestException as error:
        raise JobFailed(
            f"{dataset}: no answer from {session.invoker_url} ({type(error).__name__}); connect again, or "
            f"see the log of the function {session.invoker_function_name}."
        ) from None


def _settle(session: Session, dataset: str, version: int, row: Sequence[Sequence[Any]]) -> None:
    """Wait until the URL answers with the version that is in service."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (answer := _asked(session, dataset, row)).headers.get(MODEL_VERSION) != str(version):
        if time.monotonic() > deadline:
            raise JobFailed(
                f"{dataset}: version {version} is in service, but the URL has not answered with it for "
                f"{SETTLE_SECONDS} seconds; its last answer was {answer.status_code}: {answer.text[:500]}"
            )
        time.sleep(POLL_SECONDS)


def _said(answer: requests.Response) -> str:
    """The message of an error; the answer itself if the request was valid for this model."""
    try:
        return answer.json()["error"]
    except (ValueError, KeyError):
        return answer.text


def _shares(answer: Mapping[str, Any]) -> str:
    if "probabilities" not in answer:
        return ""
    shares = zip(answer["classes"], answer["probabilities"][0], strict=True)
    return ", ".join(f"{label}: {share:.4f}" for label, share in shares)
