"""The deploy ledger: one small numbered object for each change of what a group serves, never overwritten.

It follows the models map as the map follows the registry: if a deployer ends before it writes a record, the
next deployer writes it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from contract import names
from lambdas.errors import status_of
from lambdas.models_map import Entry

__all__ = ["Decision", "Record", "follow", "read"]


class Record(TypedDict):
    """One change: its time, the versions in service before and after (None: none), and the decision."""

    at: str
    from_version: int | None
    from_key: str | None
    to_version: int | None
    to_key: str | None
    decision: str
    decided_by: str
    comment: str
    cause: str


@dataclass(frozen=True)
class Decision:
    """The registry's current decision on a version, and who made it and why, if the registry records that."""

    status: str
    by: str = ""
    comment: str = ""


def follow(
    s3: BaseClient,
    bucket: str,
    group: str,
    entry: Entry | None,
    decide: Callable[[int], Decision],
    cause: str,
) -> Record | None:
    """Record that the entry is now in service for the group, unless the newest record already says so.

    The decision behind a change is the one on the higher of the two versions: its approval put it in service,
    or a later decision took it out. `decide` looks the decision up.
    """
    key, version = (entry["key"], entry["version"]) if entry else (None, None)
    while True:
        numbered = _keys(s3, bucket, group)
        before = _get(s3, bucket, numbered[-1]) if numbered else None
        if (before["to_key"] if before else None) == key:
            return None
        decision = decide(max(version or 0, (before["to_version"] if before else None) or 0))
        record = Record(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            from_version=before["to_version"] if before else None,
            from_key=before["to_key"] if before else None,
            to_version=version,
            to_key=key,
            decision=decision.status,
            decided_by=decision.by,
            comment=decision.comment,
            cause=cause,
        )
        try:
            s3.put_object(
                Bucket=bucket,
                Key=f"{_prefix(group)}{len(numbered) + 1:06d}.json",
                Body=json.dumps(record).encode(),
                ContentType="application/json",
                IfNoneMatch="*",
            )
        except ClientError as error:
            if status_of(error) not in (409, 412):  # another deployer took this number
                raise
        else:
            return record


def read(s3: BaseClient, bucket: str, group: str) -> list[Record]:
    """Return all records of a group, oldest first."""
    return [_get(s3, bucket, key) for key in _keys(s3, bucket, group)]


def _prefix(group: str) -> str:
    return f"{names.load().ledger_prefix}{group}/"


def _keys(s3: BaseClient, bucket: str, group: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_prefix(group))
    return sorted(found["Key"] for page in pages for found in page.get("Contents", []))


def _get(s3: BaseClient, bucket: str, key: str) -> Record:
    return json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
