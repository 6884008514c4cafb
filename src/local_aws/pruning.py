"""Deletes what old executions have left, unless something needs it.

An execution is needed if a record that stays mentions it: a version in the registry, a model, a newer
execution that took a step from its cache. What serves is a version, and the deployer's ledger mentions it. Of
an execution that is needed, only what Terraform lets expire on AWS goes. Captured requests expire in a state
of any size, because they contain what people sent.
"""

import json
import re
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import NamedTuple

from contract.names import load
from local_aws.core.account import Account
from local_aws.core.errors import invalid
from local_aws.core.faults import log_exception
from local_aws.core.files import disk_use
from local_aws.core.store import Document, Store
from local_aws.services.jobs.sharing import SharedFolders
from local_aws.services.s3 import Buckets

__all__ = ["INTERMEDIATES", "Pruning", "Record", "needed"]

DAYS = 7
CAPTURED_DAYS = 30  # `retention_days.captured` in terraform/variables.tf
LARGE = 150 * 2**20  # bytes: a larger state is pruned when a server starts
# What expires of every execution; `intermediates` in terraform/storage.tf.
INTERMEDIATES = ("PreprocessData/train/", "TuningWithCrossValidation/", "SearchAndRefit/checkpoints/")
_DAY = 24 * 3600
_ENDED = ("Failed", "Stopped", "Succeeded")
_JOBS = ("hyper-parameter-tuning-job", "processing-job", "training-job", "transform-job")
# Records that are an execution's own: these name it in their name, those in their body.
_BY_NAME = ("execution", "execution-definition", "execution-steps", "request", "tags", *_JOBS)
_BY_BODY = ("step-cache", "token")
_WORD = re.compile(r"[A-Za-z0-9]+")
_HASH = re.compile(r"[0-9a-f]{64}")


class Record(NamedTuple):
    """A record of the store."""

    kind: str
    name: str
    document: Document

    def words(self) -> set[str]:
        """Every word in it; the id of an execution is one, wherever it is mentioned."""
        return set(_WORD.findall(f"{self.name} {json.dumps(self.document)}"))


@dataclass
class _Freed:
    """How much was deleted."""

    executions: int = 0
    needed: int = 0
    jobs: int = 0
    objects: int = 0
    bytes: int = 0


class Pruning:
    """Deletes old executions of one account."""

    def __init__(self, account: Account, store: Store, buckets: Buckets, shared: SharedFolders) -> None:
        self._account, self._store, self._buckets, self._shared = account, store, buckets, shared
        self._lock = threading.Lock()

    def prune_if_large(self) -> None:
        """Prune a state that takes more than LARGE bytes, and write what was freed to the log.

        Captured requests expire in any case.
        """
        try:
            self.expire_captured()
            if disk_use(self._account.home) > LARGE:
                print(json.dumps({"pruned": self.prune()}), flush=True)
        except Exception:  # a server without it is of more use than none
            log_exception()

    def prune(self, days: float = DAYS) -> Document:
        """Delete what ended more than some days ago and nothing needs; return how much that was.

        Raises:
            AwsError: The number is negative.
        """
        if days < 0:
            raise invalid(f"days is {days}; it must be 0 or more.")
        before = disk_use(self._account.home)
        freed = _Freed(objects=self.expire_captured())
        with self._lock:
            limit = time.time() - days * _DAY
            with self._store.transaction():
                records = [Record(*item) for item in self._store.items()]
                old = {
                    _id(record.name)
                    for record in records
                    if record.kind == "execution" and _ended_before(record.document, limit)
                }
                kept, own = needed(records, self._mentioned(), old)
                gone = old - kept
                jobs = self._forget(own, gone, kept & old)
                left = [record for id, some in own.items() if id not in gone for record in some]
            self._remove_objects(limit, gone, kept & old, left, freed)
            for name, whole in jobs.items():
                job = self._account.home / "jobs" / name
                for folder in [job] if whole else [job / "ml", *job.glob("algo-*/ml")]:
                    shutil.rmtree(folder, ignore_errors=True)
            self._shared.remove_unused()
            self._store.compact()
        after = disk_use(self._account.home)
        freed.executions, freed.needed, freed.jobs = len(gone), len(kept & old), sum(jobs.values())
        freed.bytes = max(0, before - after)
        return {**asdict(freed), "left_bytes": after, "days": days}

    def expire_captured(self) -> int:
        """Delete the requests that were captured too long ago, and return how many objects that were."""
        contract = load("any")
        prefixes = (contract.captured_prefix, contract.capture.error_prefix.partition("!")[0])
        with self._lock:
            expired = [
                (bucket, key)
                for bucket, key in self._buckets.older(time.time() - CAPTURED_DAYS * _DAY)
                if key.startswith(prefixes)
            ]
            for bucket, key in expired:
                self._buckets.remove(bucket, key)
        return len(expired)

    def _mentioned(self) -> set[str]:
        """The words of what the deployer has written: what serves."""
        words: set[str] = set()
        for environment in self._store.list("environment"):
            contract = load(environment["pipeline_name"])
            for prefix in (contract.ledger_prefix, contract.models_map_key):
                for key in self._buckets.keys(environment["bucket"], prefix):
                    text = self._buckets.read(f"s3://{environment['bucket']}/{key}")
                    words |= set(_WORD.findall(text.decode(errors="replace")))
        return words

    def _forget(
        self, own: Mapping[str, Sequence[Record]], gone: Set[str], thinned: Set[str]
    ) -> dict[str, bool]:
        """Delete records; return the jobs whose files go, and whether all of them do, also the log."""
        jobs: dict[str, bool] = {}
        for id in gone:
            for record in own[id]:
                self._store.delete(record.kind, record.name)
                if record.kind in _JOBS:
                    jobs[record.name] = True
        for id in thinned:
            for record in own[id]:
                if record.kind == "step-cache":  # its step would be taken to have what goes
                    self._store.delete(record.kind, record.name)
                elif record.kind == "training-job" and "TuningJobArn" in record.document:
                    jobs[record.name] = False
        return jobs

    def _remove_objects(
        self, limit: float, gone: Set[str], thinned: Set[str], left: Iterable[Record], freed: _Freed
    ) -> None:
        prefixes = load("any").prefixes
        intermediates = tuple(f"{prefixes.executions}{folder}" for folder in INTERMEDIATES)
        words = set().union(*(record.words() for record in left))
        for bucket, key in self._buckets.older(limit):
            named = set(_WORD.findall(key))
            if key.startswith(prefixes.executions):
                goes = bool(named & gone) or (key.startswith(intermediates) and bool(named & thinned))
            else:  # tables and code, in a folder that their contents name
                by_contents = {word for word in named if _HASH.fullmatch(word)}
                goes = (
                    key.startswith((prefixes.raw, prefixes.code))
                    and bool(by_contents)
                    and not by_contents & words
                )
            if goes:
                self._buckets.remove(bucket, key)
                freed.objects += 1


def needed(
    records: Iterable[Record], mentioned: Set[str], old: Set[str]
) -> tuple[set[str], dict[str, list[Record]]]:
    """Find out which executions something needs.

    Args:
        records: All records.
        mentioned: Further words that count as mentions.
        old: The ids of executions that may go, unless they are needed.

    Returns:
        The ids of executions that stay, and the records of each; those of none have the id "".
    """
    everything = list(records)
    ids = {_id(record.name) for record in everything if record.kind == "execution"}
    own: dict[str, list[Record]] = defaultdict(list)
    for record in everything:
        own[_owner(record, ids)].append(record)
    kept, waiting, words = set[str](), {"", *(ids - old)}, set(mentioned)
    while waiting:
        kept |= waiting
        words |= set().union(*(record.words() for id in waiting for record in own[id]))
        waiting = (old & words) - kept
    return kept - {""}, own


def _owner(record: Record, ids: Set[str]) -> str:
    """Return the id of the execution that a record belongs to, or an empty text."""
    text = ""
    if record.kind in _BY_NAME:
        text = record.name
    elif record.kind in _BY_BODY:
        text = record.document.get("PipelineExecutionArn", "")
    return next((word for word in _WORD.findall(text) if word in ids), "")


def _id(arn: str) -> str:
    return arn.rpartition("/")[2]


def _ended_before(execution: Document, limit: float) -> bool:
    return execution["PipelineExecutionStatus"] in _ENDED and execution["LastModifiedTime"] < limit
