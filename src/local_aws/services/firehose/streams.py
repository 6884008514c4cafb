"""The operations on delivery streams."""

import threading
import time
from uuid import uuid4

from local_aws.core.account import Account
from local_aws.core.errors import AwsError, not_emulated
from local_aws.core.store import Document, Store
from local_aws.services.firehose.partitioning import Partitioning, invalid_argument
from local_aws.services.firehose.stream import MOST_BYTES_AT_ONCE, Authorize, Stream
from local_aws.services.s3 import Buckets

__all__ = ["Streams"]

_KIND = "delivery-stream"
_LEAST_MB, _LEAST_SECONDS = 64, 60  # of a buffer with dynamic partitioning
# What all producers of a stream together may send in a second: requests, records, bytes.
_QUOTA = (1_000, 100_000, 1 << 20)
_LARGE_QUOTA = (2_000, 500_000, 5 << 20)
_LARGE_REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
_EMULATED = {
    "RoleARN",
    "BucketARN",
    "Prefix",
    "ErrorOutputPrefix",
    "BufferingHints",
    "CompressionFormat",
    "FileExtension",
    "DynamicPartitioningConfiguration",
    "ProcessingConfiguration",
    "CloudWatchLoggingOptions",
    "EncryptionConfiguration",
}


class Streams:
    """The operations on delivery streams, and their delivery.

    Args:
        account: The local AWS account.
        store: Keeps the streams.
        buckets: Where they deliver to.
        authorize: Refuses what a role may not do: the role's name, action, resource and context.
    """

    def __init__(self, account: Account, store: Store, buckets: Buckets, authorize: Authorize) -> None:
        self._account, self._store, self._buckets = account, store, buckets
        self._authorize = authorize
        self._lock = threading.RLock()
        self._streams: dict[str, Stream] = {}

    def create_delivery_stream(self, request: Document) -> Document:
        """Create a stream, which is active at once."""
        name = request["DeliveryStreamName"]
        destination = _checked(request)
        arn = self._account.arn("firehose", f"deliverystream/{name}")
        stream = {"DeliveryStreamName": name, "DeliveryStreamARN": arn, "Destination": destination}
        if not self._store.add(_KIND, name, {**stream, "CreateTimestamp": time.time()}):
            raise AwsError("ResourceInUseException", f"Firehose {name} is already present")
        return {"DeliveryStreamARN": arn}

    def describe_delivery_stream(self, request: Document) -> Document:
        """Describe a stream."""
        stream = self._find(request["DeliveryStreamName"])
        return {
            "DeliveryStreamDescription": {
                **{
                    name: stream[name]
                    for name in ("DeliveryStreamName", "DeliveryStreamARN", "CreateTimestamp")
                },
                "DeliveryStreamStatus": "ACTIVE",
                "DeliveryStreamType": "DirectPut",
                "VersionId": "1",
                "HasMoreDestinations": False,
                "Destinations": [
                    {
                        "DestinationId": "destinationId-000000000001",
                        "ExtendedS3DestinationDescription": stream["Destination"],
                    }
                ],
            }
        }

    def delete_delivery_stream(self, request: Document) -> Document:
        """Delete a stream, after it has delivered what it holds."""
        name = self._find(request["DeliveryStreamName"])["DeliveryStreamName"]
        self._stream(name).deliver()
        with self._lock:
            self._store.delete(_KIND, name)
            self._streams.pop(name).close()
        return {}

    def put_record(self, request: Document) -> Document:
        """Take one record."""
        self._stream(request["DeliveryStreamName"]).put([request["Record"]["Data"]])
        return {"RecordId": _record_id(), "Encrypted": False}

    def put_record_batch(self, request: Document) -> Document:
        """Take up to 500 records of 4 MiB together."""
        records = [record["Data"] for record in request["Records"]]
        if sum(map(len, records)) > MOST_BYTES_AT_ONCE:
            raise invalid_argument("Records size exceeds 4 MB limit")
        self._stream(request["DeliveryStreamName"]).put(records)
        return {
            "FailedPutCount": 0,
            "Encrypted": False,
            "RequestResponses": [{"RecordId": _record_id()} for _ in records],
        }

    def names(self) -> list[str]:
        """Return the names of all streams."""
        return [stream["DeliveryStreamName"] for stream in self._store.list(_KIND)]

    def deliver(self) -> None:
        """Deliver what all streams hold, without waiting for their buffers to be full."""
        for name in self.names():
            self._stream(name).deliver()

    def recover(self) -> None:
        """Deliver what the last server had taken and not delivered."""
        for name in self.names():
            self._stream(name)

    def close(self) -> None:
        """Deliver what there is, and stop."""
        self.deliver()
        with self._lock:
            for stream in self._streams.values():
                stream.close()

    def _find(self, name: str) -> Document:
        stream = self._store.find(_KIND, name)
        if stream is None:
            raise AwsError(
                "ResourceNotFoundException",
                f"Firehose {name} under account {self._account.account_id} not found.",
            )
        return stream

    def _stream(self, name: str) -> Stream:
        with self._lock:
            document = self._find(name)
            if name not in self._streams:
                folder = self._account.home / "streams" / name
                quota = _LARGE_QUOTA if self._account.region in _LARGE_REGIONS else _QUOTA
                self._streams[name] = Stream(document, folder, self._buckets, self._authorize, quota)
            return self._streams[name]


def _checked(request: Document) -> Document:
    """Return a stream's destination with AWS's defaults.

    Raises:
        AwsError: AWS would refuse it, or it is not emulated.
    """
    if request.get("DeliveryStreamType", "DirectPut") != "DirectPut":
        raise not_emulated(f"streams of the type {request['DeliveryStreamType']}")
    destination = request.get("ExtendedS3DestinationConfiguration")
    if destination is None:
        raise not_emulated("streams to other destinations than ExtendedS3DestinationConfiguration")
    if others := sorted(destination.keys() - _EMULATED):
        raise not_emulated(f"{others[0]} of a stream")
    if destination.get("CompressionFormat") != "GZIP":
        raise not_emulated("streams without CompressionFormat GZIP")
    if not destination.get("DynamicPartitioningConfiguration", {}).get("Enabled"):
        raise not_emulated("streams without dynamic partitioning")
    hints = {"SizeInMBs": 5, "IntervalInSeconds": 300, **destination.get("BufferingHints", {})}
    if hints["SizeInMBs"] < _LEAST_MB:
        raise invalid_argument(
            f"BufferingHints.SizeInMBs must be at least {_LEAST_MB} when Dynamic Partitioning is enabled."
        )
    if not _LEAST_SECONDS <= hints["IntervalInSeconds"] <= 900:
        raise invalid_argument(
            "BufferingHints.IntervalInSeconds must be 60 to 900 when Dynamic Partitioning is enabled."
        )
    if not destination.get("ErrorOutputPrefix"):
        raise invalid_argument("ErrorOutputPrefix is required when Dynamic Partitioning is enabled.")
    Partitioning(destination)
    return {**destination, "BufferingHints": hints}


def _record_id() -> str:
    return str(uuid4())
