"""One stream: takes records within AWS's quota, keeps them on disk, and delivers them.

Records are on disk before a call is answered, so that they outlive the server. What the stream's role may not
write, or S3 cannot store, stays in the buffer, and the stream's log says so.
"""

import base64
import gzip
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from local_aws.core.errors import AwsError
from local_aws.core.store import Document
from local_aws.services.firehose.partitioning import Partitioning
from local_aws.services.s3 import Buckets

__all__ = ["MOST_BYTES_AT_ONCE", "Authorize", "Stream"]

MOST_BYTES_AT_ONCE = 4 << 20
_MOST_PARTITIONS = 500
_RETRY_SECONDS = 30
_ERROR_TYPE = "!{firehose:error-output-type}"
# Refuses what a role may not do: its name, the action, the resource and the context.
Authorize = Callable[[str, str, str, Mapping[str, str]], None]


class _Record(NamedTuple):
    arrived: float
    data: bytes


class Stream:
    """One stream's buffer, also on disk, and its delivery."""

    def __init__(
        self,
        document: Document,
        folder: Path,
        buckets: Buckets,
        authorize: Authorize,
        quota: tuple[int, int, int],
    ) -> None:
        self._name, self._destination = document["DeliveryStreamName"], document["Destination"]
        self._buckets, self._authorize = buckets, authorize
        self._role = self._destination["RoleARN"].rpartition("/")[2]
        self._bucket = self._destination["BucketARN"].rpartition(":")[2]
        hints = self._destination["BufferingHints"]
        self._seconds, self._bytes = hints["IntervalInSeconds"], hints["SizeInMBs"] << 20
        self._partitioning = Partitioning(self._destination)
        self._quota = _Quota(quota)
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self._spool, self._log = folder / "buffer.jsonl", folder / "log.txt"
        self._records = _spooled(self._spool)
        self._size = sum(len(record.data) for record in self._records)
        if self._records:
            self._wait(0)

    def put(self, records: list[bytes]) -> None:
        """Take records.

        Raises:
            AwsError: They are more than the quota of a second.
        """
        self._quota.take(1, len(records), sum(map(len, records)))
        now = time.time()
        lines = [json.dumps({"arrived": now, "data": base64.b64encode(data).decode()}) for data in records]
        with self._lock:
            with self._spool.open("a") as spool:
                spool.write("".join(f"{line}\n" for line in lines))
            self._records += [_Record(now, data) for data in records]
            self._size += sum(map(len, records))
            if self._size >= self._bytes:
                self.deliver()
            elif self._timer is None:
                self._wait(self._seconds)

    def deliver(self) -> None:
        """Store all records as objects, one for each folder; what cannot be stored is tried again later."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if not self._records:
                return
            objects = self._objects()
            try:
                for key in objects:
                    arn = f"arn:aws:s3:::{self._bucket}/{key}"
                    self._authorize(self._role, "s3:PutObject", arn, {})
                for key, content in objects.items():
                    self._buckets.put(f"s3://{self._bucket}/{key}", content)
            except (AwsError, OSError) as error:
                code = error.code if isinstance(error, AwsError) else type(error).__name__
                with self._log.open("a") as log:
                    log.write(json.dumps({"errorCode": f"S3.{code}", "errorMessage": str(error)}) + "\n")
                self._wait(_RETRY_SECONDS)
                return
            self._records, self._size = [], 0
            self._spool.unlink(missing_ok=True)

    def close(self) -> None:
        """Let no timer outlive the server."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()

    def _wait(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._deliver_unless_closed)
        self._timer.daemon = True
        self._timer.start()

    def _deliver_unless_closed(self) -> None:
        try:
            self.deliver()
        except Exception as error:  # nobody waits for this thread, so its end would go unseen
            sys.stderr.write(f"firehose {self._name}: {type(error).__name__}: {error}\n")

    def _objects(self) -> dict[str, bytes]:
        """Return the objects by key: of each folder, and of the records that have none."""
        folders: dict[str, list[bytes]] = defaultdict(list)
        for record in self._records:
            try:
                prefix, data = self._partitioning.folder(record.data), record.data
                if prefix not in folders and len(folders) >= _MOST_PARTITIONS:
                    raise ValueError("The limit of active partitions is reached.")
            except (ValueError, KeyError, TypeError) as error:
                prefix = self._destination["ErrorOutputPrefix"].replace(_ERROR_TYPE, "processing-failed")
                data = _failed(record, error)
            folders[prefix].append(data)
        stamp = time.strftime("%Y-%m-%d-%H-%M-%S", time.gmtime())
        extension = self._destination.get("FileExtension", ".gz")
        return {
            f"{prefix}{self._name}-1-{stamp}-{uuid4()}{extension}": gzip.compress(b"".join(lines), mtime=0)
            for prefix, lines in folders.items()
        }


class _Quota:
    """What may be sent in a second; a burst may take what one call takes at most."""

    def __init__(self, limits: tuple[int, int, int]) -> None:
        self._limits = limits
        self._most = (limits[0], limits[1], max(limits[2], MOST_BYTES_AT_ONCE))
        self._left: tuple[float, ...] = self._most
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self, *amounts: int) -> None:
        """Take requests, records and bytes.

        Raises:
            AwsError: ServiceUnavailableException, one of them is used up.
        """
        with self._lock:
            now = time.monotonic()
            passed, self._at = now - self._at, now
            left = tuple(
                min(most, left + passed * limit) - amount
                for most, left, limit, amount in zip(
                    self._most, self._left, self._limits, amounts, strict=True
                )
            )
            if min(left) < 0:
                self._left = tuple(rest + amount for rest, amount in zip(left, amounts, strict=True))
                raise AwsError("ServiceUnavailableException", "Slow down.", 503)
            self._left = left


def _failed(record: _Record, error: Exception) -> bytes:
    """Return a record that has no folder, as AWS stores it under the error prefix."""
    about = {
        "attemptsMade": 1,
        "arrivalTimestamp": round(1000 * record.arrived),
        "errorCode": "DynamicPartitioning.MetadataExtractionFailed",
        "errorMessage": f"{type(error).__name__}: {error}",
        "attemptEndingTimestamp": round(1000 * time.time()),
        "rawData": base64.b64encode(record.data).decode(),
    }
    return json.dumps(about).encode() + b"\n"


def _spooled(path: Path) -> list[_Record]:
    """Return what was taken and not delivered; half a line was never answered."""
    if not path.exists():
        return []
    lines = path.read_text().split("\n")[:-1]
    documents = [json.loads(line) for line in lines]
    return [_Record(document["arrived"], base64.b64decode(document["data"])) for document in documents]
