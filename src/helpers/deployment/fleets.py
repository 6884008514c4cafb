"""Fleets in the registry, against the version in service, and in service, asked about several partitions."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from tabular.spec.columns import Schema

from helpers.deployment.asking import endpoint
from helpers.deployment.deployments import in_service
from helpers.deployment.registry import ModelVersion, labels, metadata, packages
from helpers.display.frames import INSTEAD
from helpers.errors import JobFailed
from helpers.runs.evaluations import fleets
from helpers.session import Session
from helpers.session.storage import read_json

__all__ = ["ATTRIBUTES", "UNKNOWN", "ask", "chosen", "compared"]
__dir__ = __all__.copy

ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"  # such as own=1,pooled=1,unknown=1
UNKNOWN = "seen by nobody"
MOST = 3

Rows = Mapping[str, Sequence[Sequence[Any]]]


def compared(
    session: Session, chosen: Sequence[ModelVersion], reports: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """How many partitions of registered fleets gain and lose against the version in service.

    Args:
        session: where the registry is.
        chosen: the versions.
        reports: EvaluateBestModel's reports on them.

    Returns:
        A row for each fleet, see `runs.fleets.compared`.
    """
    found = {}
    for label, package in labels(chosen).items():
        report = reports.get(label, {})
        if "fleet" in report:
            folder = metadata(session, package)["evaluation"].rpartition("/")[0]
            found[label] = fleets.read(session, folder, report)
    return fleets.compared(found)


def ask(session: Session, rows: Rows, most: int = MOST) -> pd.DataFrame:
    """Ask each fleet in service about several partitions, and one that it does not know, in one request.

    Args:
        session: where the endpoint is.
        rows: held-out rows of each data set, see `endpoint.held_out_rows`.
        most: partitions to ask about, a row of each.

    Returns:
        A row for each row of the request, in its order, with the prediction. The other columns say of the
        whole answer how many rows were answered by models of their partition, by the pooled model, and by the
        pooled model because their partition is not known.

    Raises:
        JobFailed: the endpoint refuses, or does not say which models have answered.
    """
    parts = {}
    for dataset, places in _fleets(session, rows).items():
        some = chosen(rows[dataset], places, most)
        answer = endpoint.invoke(session, {"model": dataset, "data": some})
        if answer.status_code != 200 or ATTRIBUTES not in answer.headers:
            raise JobFailed(
                f"{dataset}: the endpoint answers {answer.status_code}, and does not say which of its models "
                f"have answered: {answer.text[:500]}"
            )
        parts[dataset] = pd.DataFrame(
            {
                "partition": [fleets.words([str(row[place]) for place in places]) for row in some],
                "prediction": answer.json()["predictions"],
                "the answer says": answer.headers[ATTRIBUTES],
            }
        ).set_index("partition")
    table = pd.concat(parts, names=["data set", "partition"]) if parts else pd.DataFrame()
    table.attrs[INSTEAD] = "No fleet is in service, so there are no partitions to ask about."
    return table


def chosen(rows: Sequence[Sequence[Any]], places: Sequence[int], most: int = MOST) -> list[list[Any]]:
    """The first row of partitions that are spread over a table, and the first of them with an unknown name.

    Args:
        rows: the rows of a table.
        places: where in a row the partition columns are.
        most: partitions, besides the unknown one.
    """
    first: dict[tuple[Any, ...], Sequence[Any]] = {}
    for row in rows:
        first.setdefault(tuple(row[place] for place in places), row)
    known = list(first.values())
    step = max(1, len(known) // most)
    some = [list(row) for row in known[::step][:most]]
    unknown = list(some[0])
    for place in places:
        unknown[place] = UNKNOWN
    return [*some, unknown]


def _fleets(session: Session, rows: Rows) -> dict[str, list[int]]:
    """The data sets in service that have partitions, and where in a row their columns are."""
    found = {}
    for dataset, entry in in_service(session).items():
        package = next((it for it in packages(session, dataset) if it.version == entry["version"]), None)
        if package is None or dataset not in rows:
            continue
        uri = f"{metadata(session, package)['held-out-data']}/schema.json"
        schema = Schema.from_dict(read_json(session, uri))
        if partition := schema.options.partition:
            names = [column.name for column in schema.columns]
            found[dataset] = [names.index(name) for name in partition]
    return found
