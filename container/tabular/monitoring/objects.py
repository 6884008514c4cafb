"""What a check reads from S3 for each model: its baseline, its captured requests and its labels.

Listing and reading wait for S3 nearly all the time, so threads do it for the next models while one is
compared. What is read of a model is bounded: of more objects than that, a random sample.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, NotRequired, TypedDict
from urllib.parse import urlsplit

import numpy as np
from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["Entry", "Fetched", "Folder", "Folders", "baseline_key", "fetched", "late_files"]

ARTIFACT, BASELINE = ".tar.gz", ".baseline.json.gz"
MOST_OBJECTS = 200  # of one model
MOST_BYTES = 32 << 20  # of one model, as they are stored
AHEAD = 8  # models
SEED = 20


class Entry(TypedDict):
    """A group's artifact in service, as the models map has it."""

    key: str
    version: int
    sha256: NotRequired[str]


class Folder(NamedTuple):
    """A bucket and the prefix of keys in it."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, uri: str) -> "Folder":
        """The folder that an S3 URI names."""
        parts = urlsplit(uri)
        return cls(parts.netloc, parts.path.lstrip("/"))


class Folders(NamedTuple):
    """Where models, captured requests and labels are."""

    models: Folder
    captured: Folder
    labels: Folder


class LateFile(NamedTuple):
    """An object with labels."""

    key: str
    size: int


@dataclass
class Fetched:
    """The objects of one model; `failure` says why they could not be read.

    Attributes:
        group: The model's group.
        entry: Its entry in the models map.
        baseline: The packed baseline, None if there is none beside the artifact.
        captured: Objects of captured requests, in no order, so that the first rows of them are a sample of
            the window.
        labels: Objects with labels, with their keys, oldest first.
        left_out: How many objects were not read, by reason.
        failure: Why nothing was read, or empty.
    """

    group: str
    entry: Entry
    baseline: bytes | None = None
    captured: list[bytes] = field(default_factory=list)
    labels: list[tuple[str, bytes]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    failure: str = ""


def baseline_key(artifact_key: str) -> str:
    """The key of the baseline beside an artifact."""
    return artifact_key.removesuffix(ARTIFACT) + BASELINE


def late_files(s3: Any, folder: Folder, since: datetime) -> dict[str, list[LateFile]]:
    """The objects with labels that were written since then, oldest first, by group."""
    found = defaultdict(list)
    for one in _listed(s3, folder.bucket, folder.prefix):
        group, _, name = one["Key"].removeprefix(folder.prefix).partition("/")
        if name and one["Size"] and one["LastModified"] >= since:
            found[group].append((one["LastModified"], one["Key"], one["Size"]))
    return {group: [LateFile(key, size) for _, key, size in sorted(files)] for group, files in found.items()}


def fetched(
    s3: Any,
    folders: Folders,
    models: Mapping[str, Entry],
    late: Mapping[str, Sequence[LateFile]],
    since: datetime,
    late_since: datetime,
) -> Iterator[Fetched]:
    """The objects of each model, in the order of their names, while the next ones are being read.

    Args:
        s3: a client.
        folders: where the objects are.
        models: the models in service, by group.
        late: the objects with labels, by group.
        since: from when requests are read.
        late_since: the same for a model that has labels.
    """

    def fetch(group: str) -> Fetched:
        first = late_since if group in late else since
        return _fetch(s3, folders, group, models[group], late.get(group, ()), first)

    groups = iter(sorted(models))
    with ThreadPoolExecutor(AHEAD, "fetch") as threads:
        waiting: list[Future[Fetched]] = [threads.submit(fetch, group) for group in islice(groups, AHEAD)]
        while waiting:
            one = waiting.pop(0).result()
            waiting += [threads.submit(fetch, group) for group in islice(groups, 1)]
            yield one


def _fetch(
    s3: Any, folders: Folders, group: str, entry: Entry, late: Sequence[LateFile], since: datetime
) -> Fetched:
    found = Fetched(group, entry)
    try:
        key = baseline_key(entry["key"])
        if key != entry["key"]:
            found.baseline = _read(s3, folders.models.bucket, key)
        bucket, prefix = folders.captured
        prefix = f"{prefix}{group}/version={entry['version']}/"
        # A day before: what writes the objects names the day on which it begins one.
        first = f"{prefix}date={(since - timedelta(days=1)).date().isoformat()}"
        listed = [
            (one["Key"], one["Size"]) for one in _listed(s3, bucket, prefix, StartAfter=first) if one["Size"]
        ]
        sampled = _sample(listed, found.left_out)
        for index in np.random.default_rng(SEED).permutation(len(sampled)):
            key = sampled[index][0]
            if (body := _read(s3, bucket, key)) is not None:
                found.captured.append(body)
        for key, _ in _sample([tuple(one) for one in late], found.left_out):
            if (body := _read(s3, folders.labels.bucket, key)) is not None:
                found.labels.append((key, body))
    except (ClientError, BotoCoreError) as error:
        found.failure = f"S3 did not answer as expected: {error}."
    return found


def _sample(listed: Sequence[tuple[str, int]], left_out: Counter[str]) -> list[tuple[str, int]]:
    """All objects, or of more than can be read a random part, in their order."""
    order = np.arange(len(listed))
    if len(listed) > MOST_OBJECTS or sum(size for _, size in listed) > MOST_BYTES:
        order = np.random.default_rng(SEED).permutation(len(listed))[:MOST_OBJECTS]
    kept, left = [], MOST_BYTES
    for index in order:
        if listed[index][1] <= left:
            kept.append(int(index))
            left -= listed[index][1]
    if len(kept) < len(listed):
        left_out["objects beyond what is read of one model"] += len(listed) - len(kept)
    return [listed[index] for index in sorted(kept)]


def _listed(s3: Any, bucket: str, prefix: str, **more: str) -> Iterator[dict[str, Any]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **more):
        yield from page.get("Contents", [])


def _read(s3: Any, bucket: str, key: str) -> bytes | None:
    """An object's bytes; None if it does not exist, or not any more."""
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return None
