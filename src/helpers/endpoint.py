"""Predictions through the invoker's Function URL, as any client of the endpoint gets them."""

import io
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from helpers.errors import JobFailed
from helpers.registry import Package, metadata, packages
from helpers.runs import read_json
from helpers.session import Session

__all__ = ["HeldOut", "check", "held_out", "invoke", "predict", "rows_of", "signed"]

TIMEOUT_SECONDS = 70
_connections = threading.local()


@dataclass(frozen=True)
class HeldOut:
    """Rows that a model has not seen: their features, and the labels they have."""

    features: pd.DataFrame
    truth: list[Any]


def signed(session: Session, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
    """Headers with a Signature Version 4, which a Function URL with IAM authentication asks for.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    """
    request = AWSRequest("POST", session.invoker_url, data=body, headers=dict(headers))
    request.headers["Host"] = urlsplit(session.invoker_url).netloc
    SigV4Auth(session.boto.get_credentials(), "lambda", session.region).add_auth(request)
    return dict(request.headers)


def invoke(session: Session, body: Mapping[str, Any], accept: str = "application/json") -> requests.Response:
    """One call of the Function URL, whatever it answers."""
    contents = json.dumps(body).encode()
    headers = signed(session, contents, {"Content-Type": "application/json", "Accept": accept})
    if not hasattr(_connections, "session"):
        _connections.session = requests.Session()  # one for each thread, kept alive between calls
    return _connections.session.post(
        session.invoker_url, data=contents, headers=headers, timeout=TIMEOUT_SECONDS
    )


def predict(session: Session, dataset: str, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Labels, and for a classification the classes and their probabilities.

    Raises:
        JobFailed: the endpoint refuses, with its own words.
    """
    answer = invoke(session, {"model": dataset, "data": rows})
    if answer.status_code != 200:
        raise JobFailed(f"{dataset}: the endpoint answers {answer.status_code}: {answer.text[:500]}")
    return answer.json()


def held_out(session: Session, package: Package) -> HeldOut:
    """The held-out rows that a package was evaluated on."""
    uri = metadata(session, package)["held-out-data"]
    schema = read_json(session, f"{uri}/schema.json")
    location = urlsplit(f"{uri}/data.parquet")
    contents = session.client("s3").get_object(Bucket=location.netloc, Key=location.path.lstrip("/"))["Body"]
    table = pd.read_parquet(io.BytesIO(contents.read()))
    names = [column["name"] for column in schema["columns"]]
    truth = table[schema["target"]].tolist()
    labels = [schema["classes"][position] for position in truth] if schema["classes"] else truth
    return HeldOut(table[names], labels)


def rows_of(features: pd.DataFrame) -> list[list[Any]]:
    """Rows as JSON carries them, an empty cell as null."""
    return features.astype(object).where(features.notna(), None).to_numpy().tolist()


def check(session: Session, dataset: str, version: int) -> pd.DataFrame:
    """Predict every held-out row of the version in service: its label, the prediction and the probability.

    Raises:
        JobFailed: the share of right answers is not the one that EvaluateBestModel measured.
    """
    package = next(package for package in packages(session, dataset) if package.version == version)
    rows = held_out(session, package)
    answer = predict(session, dataset, rows_of(rows.features))
    table = pd.DataFrame({"label": rows.truth, "prediction": answer["predictions"]})
    if "probabilities" in answer:
        table["probability"] = [max(shares) for shares in answer["probabilities"]]
        report = read_json(session, metadata(session, package)["evaluation"])
        quality = report.get("binary_classification_metrics") or report["multiclass_classification_metrics"]
        measured, expected = (table["label"] == table["prediction"]).mean(), quality["accuracy"]["value"]
        if abs(measured - expected) > 1e-9:
            raise JobFailed(
                f"{dataset}: {measured:.4f} of the held-out rows are right, but {expected:.4f} were "
                f"when version {version} was evaluated; reject it in 04 to bring back the one before."
            )
    return table
