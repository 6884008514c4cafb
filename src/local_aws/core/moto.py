"""The only module that uses moto. Most of what it uses is not a public interface; checked on version SEEN_ON.

moto answers for S3 and for the services that are only recorded. In addition to moto's HTTP interface, the
local AWS needs its internals: parts of its server, its objects in memory, which are saved to disk, and its
metrics. `tests/local_aws/core/test_moto.py` tests each of these, so that it notices a version that has
changed them.
"""

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from botocore.utils import parse_timestamp
from moto.cloudwatch.models import MetricAggregatedDatum, cloudwatch_backends
from moto.core.parse import QueryParser
from moto.core.request import environ_key_for_header, should_preserve_original_header_name
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    DomainDispatcherApplication,
    create_backend_app,
)
from moto.s3.models import FakeKey, S3Backend, s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from local_aws.core.account import ACCOUNT_ID
from local_aws.core.errors import AwsError
from local_aws.core.requests.wire import Reply, Request

__all__ = [
    "SEEN_ON",
    "Metric",
    "Moto",
    "Objects",
    "alarm_state",
    "environ",
    "keeping_alarm_states",
    "published",
    "read_form",
    "send_message",
]

SEEN_ON = "5.2.5"
_PAGE = (b"<!doctype", b"<html lan", b"<html>")
_PLAIN_FIELDS = (
    "bucket_key_enabled",
    "checksum_parts",
    "checksum_type",
    "checksum_value",
    "encryption",
    "kms_key_id",
)


class _Application(DomainDispatcherApplication):
    """moto's application, which lists all its services and tries their patterns once for a host.

    moto does so for each request, which takes about as long as all the rest of a small one.
    """

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self.get_backend_for_host = lru_cache(maxsize=100)(super().get_backend_for_host)


class Moto:
    """moto's server, without its sockets."""

    def __init__(self) -> None:
        self._application: Callable[..., Iterable[bytes]] = _Application()

    def answer(self, request: Request) -> Reply:
        """Answer a request.

        Raises:
            AwsError: moto answered with an HTML page instead of the service's protocol.
        """
        started: list[Any] = []
        chunks = self._application(
            environ(request), lambda line, headers, _error=None: started.append((line, headers))
        )
        body = b"".join(chunks)
        line, headers = started[-1]
        status = int(line.split(maxsplit=1)[0])
        if status == 500 and body.lstrip()[:9].lower() in _PAGE:
            raise AwsError(
                "InternalFailure", "moto failed on this request; the server's log has the reason.", 500
            )
        return Reply.verbatim(body, status, headers)


def environ(request: Request) -> dict[str, Any]:
    """Return a request as a WSGI environ, whose texts are bytes in Latin-1.

    WSGI cannot tell a name with an underscore from one with a dash, so the former are left out; those of
    S3's metadata moto wants, too.
    """
    host, _, port = request.headers.get("host", "127.0.0.1").partition(":")
    found: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "SCRIPT_NAME": "",
        "REMOTE_ADDR": request.client[0],
        "REMOTE_PORT": request.client[1],
        "SERVER_NAME": host,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "local_aws",
        "REQUEST_METHOD": request.method,
        "RAW_URI": request.target,
        "REQUEST_URI": request.target,
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        **{environ_key_for_header(name): value for name, value in request.headers.items() if "_" not in name},
        **_underscored(request.fields),
        "CONTENT_LENGTH": str(len(request.body)),
    }
    found.pop("HTTP_TRANSFER_ENCODING", None)  # the body is complete
    return found


def _underscored(fields: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return what moto wants of headers with an underscore in their names."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    dashed = {environ_key_for_header(name) for name, _ in fields if "_" not in name}
    for name, value in fields:
        key = environ_key_for_header(name)
        if should_preserve_original_header_name(name) and key not in dashed:
            names.setdefault(key, name)
            values[key] = f"{values[key]},{value}" if key in values else value
    return {**values, PRESERVED_HEADER_NAMES_ENVIRON_KEY: names}


def read_form(service: str, operation: str, form: dict[str, str]) -> dict[str, Any]:
    """Return the members of a request of the query protocol, times as aware datetimes.

    Raises:
        ValueError: A value is not of its type.
    """
    model = get_service_model(service).operation_model(operation)
    return QueryParser(model, timestamp_parser=parse_timestamp).parse({"values": form})


def alarm_state(region: str, name: str) -> str | None:
    """Return the state of a CloudWatch alarm, such as `ALARM`, or None if there is no such alarm."""
    alarm = cloudwatch_backends[ACCOUNT_ID][region].alarms.get(name)
    return None if alarm is None else alarm.state_value


@contextmanager
def keeping_alarm_states() -> Iterator[None]:
    """Leave the state of an alarm that is put again in this context, and let none be known of a new one.

    moto says OK of both. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    """
    before = _alarms()
    yield
    for key, alarm in _alarms().items():
        old = before.get(key)
        if old is None:
            alarm.state_value = "INSUFFICIENT_DATA"
        elif old is not alarm:
            for field in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp"):
                setattr(alarm, field, getattr(old, field))


def _alarms() -> dict[tuple[str, str], Any]:
    """Return all alarms by region and name."""
    backends = dict(cloudwatch_backends[ACCOUNT_ID])
    return {
        (region, name): alarm for region, one in backends.items() for name, alarm in dict(one.alarms).items()
    }


def send_message(region: str, queue: str, body: str) -> None:
    """Send a message to an SQS queue.

    Raises:
        AwsError: There is no such queue.
    """
    backend = sqs_backends[ACCOUNT_ID][region]
    if queue not in backend.queues:
        raise AwsError("AWS.SimpleQueueService.NonExistentQueue", f"The queue {queue} does not exist.")
    backend.send_message(queue, body)


def published(region: str) -> list[dict[str, str | None]]:
    """Return the messages of each SNS topic, the oldest first: topic (an ARN), subject and message."""
    topics = sns_backends[ACCOUNT_ID][region].topics
    return [
        {"topic": arn, "subject": subject, "message": message}
        for arn, topic in topics.items()
        for _, message, subject, *_ in topic.sent_notifications
    ]


class Objects:
    """The buckets and objects that moto has in memory."""

    @property
    def _backend(self) -> S3Backend:
        return s3_backends[ACCOUNT_ID]["aws"]

    def has_bucket(self, bucket: str) -> bool:
        """Return whether a bucket exists."""
        return bucket in self._backend.buckets

    def create_bucket(self, bucket: str, region: str) -> None:
        """Create a bucket."""
        self._backend.create_bucket(bucket, region)

    def names(self, bucket: str) -> list[str]:
        """Return the sorted keys of a bucket, including those marked as deleted."""
        return sorted(dict.keys(self._backend.buckets[bucket].keys))

    def find(self, bucket: str, name: str) -> FakeKey | None:
        """Return an object's newest version, unless it is marked as deleted."""
        found = self._backend.buckets[bucket].keys.get(name) if self.has_bucket(bucket) else None
        return found if isinstance(found, FakeKey) else None

    def has_upload(self, bucket: str, upload: str) -> bool:
        """Return whether a multipart upload to a bucket has begun and not ended."""
        return self.has_bucket(bucket) and upload in self._backend.buckets[bucket].multiparts

    def gave_token(self, token: str) -> bool:
        """Return whether an answer to ListObjectsV2 has given a continuation token."""
        return token in self._backend._pagination_tokens

    def put(self, bucket: str, name: str, content: bytes) -> None:
        """Write an object."""
        self._backend.put_object(bucket, name, content)

    def delete(self, bucket: str, name: str) -> None:
        """Remove an object with all its versions."""
        dict.pop(self._backend.buckets[bucket].keys, name, None)

    def written(self, key: FakeKey) -> float:
        """Return when an object was written, in seconds since 1970."""
        return key.last_modified.replace(tzinfo=UTC).timestamp()

    def describe_bucket(self, name: str) -> dict[str, Any]:
        """Return what `restore_bucket` needs, as values that JSON can represent."""
        bucket = self._backend.buckets[name]
        return {
            "name": bucket.name,
            "region": bucket.region_name,
            "creation_date": bucket.creation_date.isoformat(),
            "versioning_status": bucket.versioning_status,
        }

    def restore_bucket(self, about: dict[str, Any]) -> None:
        """Create a bucket as it was."""
        if not self.has_bucket(about["name"]):
            self.create_bucket(about["name"], about["region"])
        bucket = self._backend.buckets[about["name"]]
        bucket.creation_date = datetime.fromisoformat(about["creation_date"])
        bucket.versioning_status = about["versioning_status"]

    def describe(self, key: FakeKey) -> dict[str, Any]:
        """Return what `restore` needs in addition to the content, as values that JSON can represent."""
        return {
            "key": key.name,
            "etag": key.etag.strip('"'),
            "size": key.size,
            "last_modified": key.last_modified.isoformat(),
            "metadata": dict(key.metadata),
            "tags": self._backend.tagger.get_tag_dict_for_resource(key.arn),
            "storage_class": key.storage_class,
            "version_id": key.response_dict.get("x-amz-version-id"),
            "checksum_algorithm": key.checksum_algorithm,
            **{field: getattr(key, field) for field in _PLAIN_FIELDS},
        }

    def restore(self, bucket_name: str, about: dict[str, Any], content: bytes) -> FakeKey:
        """Write an object as it was."""
        bucket = self._backend.buckets[bucket_name]
        key = FakeKey(
            about["key"],
            content,
            ACCOUNT_ID,
            bucket.region_name,
            storage=about["storage_class"],
            etag=about["etag"],
            is_versioned=about["version_id"] is not None,
            version_id=about["version_id"],
            bucket_name=bucket.name,
            **{field: about[field] for field in _PLAIN_FIELDS},
        )
        key.last_modified = datetime.fromisoformat(about["last_modified"])
        key.checksum_algorithm = about["checksum_algorithm"]
        key.metadata.clear()
        key.metadata.update(about["metadata"])
        bucket.keys.setlist(key.name, [key])
        tags = [{"Key": name, "Value": value} for name, value in about["tags"].items()]
        self._backend.tagger.tag_resource(key.arn, tags)
        return key


class Metric:
    """The values of one metric in one minute, aggregated as CloudWatch does."""

    def __init__(
        self,
        region: str,
        namespace: str,
        name: str,
        dimensions: list[dict[str, str]],
        minute: datetime,
        unit: str,
    ) -> None:
        self._datum = MetricAggregatedDatum(
            namespace=namespace,
            name=name,
            min_stat=float("inf"),
            max_stat=float("-inf"),
            sample_count=0,
            sum_stat=0,
            dimensions=dimensions,
            timestamp=minute,
            unit=unit,
        )
        self._data = cloudwatch_backends[ACCOUNT_ID][region].metric_data

    @property
    def minute(self) -> datetime:
        """The start of the minute, in UTC."""
        return self._datum.timestamp

    def add(self, value: float) -> None:
        """Add a value; after the first one, GetMetricData returns the metric."""
        datum = self._datum
        if value < datum.min:
            datum.min = value
        if value > datum.max:
            datum.max = value
        datum.sum += value
        datum.sample_count += 1
        if datum.sample_count == 1:
            self._data.append(datum)
