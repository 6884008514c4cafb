"""The columns of an artifact in service, beside the models map: the deployer writes them, the invoker reads.

The map, which every invoker reads again and again, would grow by all names of all models.
"""

import json
from collections.abc import Mapping
from typing import Any, TypedDict

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from contract import names
from lambdas.errors import code_of
from lambdas.models_map import Entry

__all__ = ["Columns", "read", "write"]


class Columns(TypedDict):
    """The names of a model's columns in its order, and of the table's other columns, target included."""

    columns: list[str]
    others: list[str]


def write(s3: BaseClient, bucket: str, entry: Entry, manifest: Mapping[str, Any]) -> None:
    """Record what an artifact's manifest says about its columns; one without columns gets no record."""
    columns = [column["name"] for column in manifest.get("columns", ())]
    if columns:
        others = [*manifest.get("others", ()), *filter(None, [manifest.get("target")])]
        body = json.dumps(Columns(columns=columns, others=others)).encode()
        s3.put_object(Bucket=bucket, Key=_key(entry), Body=body, ContentType="application/json")


def read(s3: BaseClient, bucket: str, entry: Entry) -> Columns | None:
    """Return an artifact's columns, or None if the deployer that put it into service recorded none.

    Raises:
        ValueError: The record is none that `write` writes.
    """
    try:
        found = json.loads(s3.get_object(Bucket=bucket, Key=_key(entry))["Body"].read())
    except ClientError as error:
        if code_of(error) == "NoSuchKey":
            return None
        raise
    lists = [found.get(name) for name in Columns.__annotations__] if isinstance(found, dict) else [None]
    if not all(isinstance(one, list) and all(isinstance(name, str) for name in one) for one in lists):
        raise ValueError("The record of a model's columns has another form.")
    return found


def _key(entry: Entry) -> str:
    contract = names.load()
    name = entry["key"].removeprefix(contract.prefixes.models).removesuffix(".tar.gz")
    return f"{contract.columns_prefix}{name}.json"
