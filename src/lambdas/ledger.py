"""The deploy ledger: one small numbered object for each change of what a group serves, never overwritten.

It follows the models map as the map follows the registry: if a deployer ends before it writes a record, the
next deployer writes it.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NotRequired, TypedDict

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from contract import names
from lambdas.errors import code_of, status_of
from lambdas.models_map import Entry

__all__ = ["SETTLED", "Decision", "Record", "follow", "newest", "read", "refuse"]

SETTLED = "settled.json"  # beside the groups' folders: what the sweep need not look at again
REFUSED = "Refused"
_NUMBER = re.compile(r"/(\d{6,})\.json$")


class Record(TypedDict):
    """One change: its time, the versions in service before and after (None: none), and the decision.

    If the deployer refused to serve a version, that is `refused_version`, and before and after are the same.
    """

    at: str
    from_version: int | None
    from_key: str | None
    to_version: int | None
    to_key: str | None
    decision: str
    decided_by: str
    comment: str
    cause: str
    refused_version: NotRequired[int]


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
        number, before = _last(s3, bucket, group)
        if (before["to_key"] if before else None) == key:
            return None
        decision = decide(max(version or 0, (before["to_version"] if before else None) or 0))
        record = Record(
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            from_version=before["to_version"] if before else None,
            from_key=before["to_key"] if before else None,
            to_version=version,
            to_key=key,
            decision=decision.status,
            decided_by=decision.by,
            comment=decision.comment,
            cause=cause,
        )
        if _add(s3, bucket, group, number + 1, record):
            return record


def refuse(s3: BaseClient, bucket: str, group: str, version: int, reason: str, cause: str) -> Record | None:
    """Record that a version is not served for a reason, unless the newest record already says so."""
    while True:
        number, before = _last(s3, bucket, group)
        if before and (before.get("refused_version"), before["comment"]) == (version, reason):
            return None
        serving, key = (before["to_version"], before["to_key"]) if before else (None, None)
        record = Record(
            at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            from_version=serving,
            from_key=key,
            to_version=serving,
            to_key=key,
            decision=REFUSED,
            decided_by="deployer",
            comment=reason,
            cause=cause,
            refused_version=version,
        )
        if _add(s3, bucket, group, number + 1, record):
            return record


def read(s3: BaseClient, bucket: str, group: str) -> list[Record]:
    """Return all records of a group, oldest first."""
    found = [_get(s3, bucket, key) for _, key in _keys(s3, bucket, group)]
    return [record for record in found if record is not None]


def newest(s3: BaseClient, bucket: str, group: str) -> Record | None:
    """Return the newest record of a group, or None without any."""
    return _last(s3, bucket, group)[1]


def _last(s3: BaseClient, bucket: str, group: str) -> tuple[int, Record | None]:
    """Return the highest number of a group's records, 0 without any, and the newest record that is whole."""
    keys = _keys(s3, bucket, group)
    found = (_get(s3, bucket, key) for _, key in reversed(keys))
    return (keys[-1][0] if keys else 0), next((record for record in found if record is not None), None)


def _add(s3: BaseClient, bucket: str, group: str, number: int, record: Record) -> bool:
    """Write a record, and return whether it was written: another deployer may have taken its number."""
    try:
        s3.put_object(
            Bucket=bucket,
            Key=f"{_prefix(group)}{number:06d}.json",
            Body=json.dumps(record).encode(),
            ContentType="application/json",
            IfNoneMatch="*",
        )
    except ClientError as error:
        if status_of(error) not in (409, 412):
            raise
        return False
    return True


def _prefix(group: str) -> str:
    return f"{names.load().ledger_prefix}{group}/"


def _keys(s3: BaseClient, bucket: str, group: str) -> list[tuple[int, str]]:
    """Return the numbers and keys of a group's records; some may be missing, or other objects be there."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_prefix(group))
    keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
    return sorted((int(match[1]), key) for key in keys if (match := _NUMBER.search(key)))


def _get(s3: BaseClient, bucket: str, key: str) -> Record | None:
    """Return a record, or None if the object is none, or has been deleted meanwhile."""
    try:
        record = json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
    except ClientError as error:
        if code_of(error) != "NoSuchKey":
            raise
        return None
    except ValueError:
        return None
    return record if isinstance(record, dict) and Record.__required_keys__ <= record.keys() else None
