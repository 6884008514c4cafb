"""The models map: one S3 object, changed by compare-and-swap, that names each group's artifact in service."""

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, NotRequired, TypedDict

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from contract import names
from lambdas.errors import MapError, code_of, status_of

__all__ = ["Change", "Entry", "ModelsMap", "Snapshot", "change", "read"]

# Writers that meet change the map one after the other, each in a fraction of a second, and who loses tries
# again: a thousand at a time have all had their turn after two or three minutes.
PATIENCE = 300.0  # seconds
LONGEST_PAUSE = 5.0  # seconds


class Entry(TypedDict):
    """A group's artifact in service; `registered_at` tells versions with the same number apart.

    `endpoint` is the name of the endpoint that serves it. Without one, it is the environment's first.
    """

    key: str
    version: int
    sha256: str
    approved_at: str
    registered_at: NotRequired[str]
    endpoint: NotRequired[str]


ModelsMap = dict[str, Entry]


@dataclass(frozen=True)
class Snapshot:
    """The map as it was at one moment; no ETag means that the object did not exist."""

    entries: ModelsMap
    etag: str | None


class Change(NamedTuple):
    """The map before and after an edit."""

    before: ModelsMap
    after: ModelsMap


def read(s3: BaseClient, bucket: str, known: Snapshot | None = None) -> Snapshot:
    """Read the map, or return `known` if the object has not changed since.

    A missing object is an empty map. An entry that names no artifact is left out, so that the deployer
    writes it again.

    Raises:
        MapError: the object is not a models map.
    """
    key = names.load().models_map_key
    condition = {"IfNoneMatch": known.etag} if known and known.etag else {}
    try:
        answer = s3.get_object(Bucket=bucket, Key=key, **condition)
    except ClientError as error:
        if known and status_of(error) == 304:
            return known
        if code_of(error) == "NoSuchKey":
            return Snapshot({}, None)
        raise
    return Snapshot(_parse(answer["Body"].read(), f"s3://{bucket}/{key}"), answer["ETag"])


def change(
    s3: BaseClient, bucket: str, edit: Callable[[ModelsMap], ModelsMap], known: Snapshot | None = None
) -> Change:
    """Apply `edit` to the current map and write the result, unless it changes nothing.

    If another writer is faster, the map is read again and `edit` is applied again, so `edit` must have no
    side effects. A MapError means that other writers were faster for PATIENCE seconds.
    """
    key = names.load().models_map_key
    deadline, attempt = time.monotonic() + PATIENCE, 0
    while time.monotonic() < deadline:
        known = snapshot = read(s3, bucket, known)
        edited = edit({group: {**entry} for group, entry in snapshot.entries.items()})
        if edited == snapshot.entries:
            return Change(snapshot.entries, edited)
        condition = {"IfMatch": snapshot.etag} if snapshot.etag else {"IfNoneMatch": "*"}
        try:
            s3.put_object(
                Bucket=bucket, Key=key, Body=_format(edited), ContentType="application/json", **condition
            )
        except ClientError as error:
            # 412: the map has changed; 409: it is being changed; NoSuchKey: it was deleted after it was read.
            if status_of(error) not in (409, 412) and code_of(error) != "NoSuchKey":
                raise
            time.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.05 * 2 ** min(attempt, 9))))  # noqa: S311
            attempt += 1
        else:
            return Change(snapshot.entries, edited)
    raise MapError(f"s3://{bucket}/{key}", f"was changed by others in each of {attempt} attempts; try again")


def _format(entries: ModelsMap) -> bytes:
    """Return the map with a line for each group, which is ten times as fast as json's own indentation."""
    lines = [
        f"{json.dumps(group)}: {json.dumps(entries[group], sort_keys=True)}" for group in sorted(entries)
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _parse(body: bytes, location: str) -> ModelsMap:
    try:
        entries = json.loads(body)
    except ValueError:
        entries = None
    if not isinstance(entries, dict):
        raise MapError(
            location,
            "is not a JSON object of groups; delete it and run the deployer, which writes it again from the "
            "model registry",
        )
    return {group: entry for group, entry in entries.items() if _is_entry(entry)}


def _is_entry(entry: Any) -> bool:
    types = {"key": str, "version": int, "sha256": str, "approved_at": str}
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(name), kind) for name, kind in types.items())
        and isinstance(entry.get("endpoint", ""), str)
    )
