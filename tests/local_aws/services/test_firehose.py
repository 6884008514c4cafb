"""Firehose: records become objects in folders by what is in them, within AWS's limits."""

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws

import local_aws
from local_aws.core.account import Account
from local_aws.core.errors import AwsError
from local_aws.core.moto import Moto
from local_aws.core.store import Store
from local_aws.services.firehose.streams import Streams
from local_aws.services.s3 import Buckets

PRODUCERS = 8
QUERY = "{group:.group,version:.version|tostring,date:.at[0:10]}"
PREFIX = (
    "captured/!{partitionKeyFromQuery:group}/version=!{partitionKeyFromQuery:version}/"
    "date=!{partitionKeyFromQuery:date}/"
)


def destination(bucket: str, query: str = QUERY, **changes: Any) -> dict[str, Any]:
    parameters = {"MetadataExtractionQuery": query, "JsonParsingEngine": "JQ-1.6"}
    return {
        "RoleARN": "arn:aws:iam::123456789012:role/toy",
        "BucketARN": f"arn:aws:s3:::{bucket}",
        "Prefix": PREFIX,
        "ErrorOutputPrefix": "failed/!{firehose:error-output-type}/",
        "FileExtension": ".jsonl.gz",
        "CompressionFormat": "GZIP",
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
        "DynamicPartitioningConfiguration": {"Enabled": True},
        "ProcessingConfiguration": {
            "Enabled": True,
            "Processors": [
                {
                    "Type": "MetadataExtraction",
                    "Parameters": [
                        {"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()
                    ],
                }
            ],
        },
        **changes,
    }


def line(group: str = "shop--wine", version: int = 3, at: str = "2026-11-26T02:15:00.123Z") -> bytes:
    return json.dumps({"group": group, "version": version, "at": at}).encode() + b"\n"


@pytest.fixture
def firehose(aws: Aws) -> Any:
    return aws.client("firehose")


@pytest.fixture
def stream(firehose: Any, bucket: str, name: str) -> str:
    firehose.create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination(bucket)
    )
    return name


@pytest.fixture
def stored(aws: Aws, bucket: str) -> Callable[[str], dict[str, bytes]]:
    """Deliver, and return the objects of a stream: their contents by key."""

    def read(name: str) -> dict[str, bytes]:
        local_aws.deliver_streams(aws.server)
        s3 = aws.client("s3")
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]
        return {
            key: gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            for key in keys
            if f"/{name}-1-" in key
        }

    return read


def test_records_are_stored_by_their_keys(firehose: Any, stream: str, stored: Any) -> None:
    lines = [line(), line(version=4), line(), line(at="2026-11-27T00:00:00.000Z")]
    answer = firehose.put_record_batch(
        DeliveryStreamName=stream, Records=[{"Data": content} for content in lines]
    )
    assert answer["FailedPutCount"] == 0
    assert len({response["RecordId"] for response in answer["RequestResponses"]}) == 4
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": line()})
    objects = stored(stream)
    folders = {key.rpartition("/")[0]: content for key, content in objects.items()}
    assert folders == {
        "captured/shop--wine/version=3/date=2026-11-26": lines[0] * 3,
        "captured/shop--wine/version=4/date=2026-11-26": lines[1],
        "captured/shop--wine/version=3/date=2026-11-27": lines[3],
    }
    assert all(key.endswith(".jsonl.gz") for key in objects)
    assert stored(stream) == objects, "nothing is stored twice"


@pytest.mark.parametrize("record", [b"no JSON", b"{}", line(group=""), line(at=""), b'{"group": 3}', b"[]"])
def test_a_record_without_its_keys_is_stored_under_the_error_prefix(
    firehose: Any, stream: str, stored: Any, record: bytes
) -> None:
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": record})
    ((key, content),) = stored(stream).items()
    assert key.startswith("failed/processing-failed/")
    failed = json.loads(content)
    assert base64.b64decode(failed["rawData"]) == record
    assert failed["errorCode"] == "DynamicPartitioning.MetadataExtractionFailed"


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([b"x" * (1000 * 1024 + 1)], "ValidationException"),
        ([b"x"] * 501, "ValidationException"),
        ([b"x" * 900_000] * 5, "InvalidArgumentException"),
    ],
)
def test_what_is_beyond_awss_limits_is_refused(firehose: Any, stream: str, records: Any, code: str) -> None:
    with pytest.raises(ClientError) as error:
        firehose.put_record_batch(
            DeliveryStreamName=stream, Records=[{"Data": content} for content in records]
        )
    assert error.value.response["Error"]["Code"] == code
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"x" * (1000 * 1024)})


def test_what_is_more_than_the_quota_of_a_second_is_refused_for_now(firehose: Any, stream: str) -> None:
    most = {"DeliveryStreamName": stream, "Records": [{"Data": b"x" * 1_000_000}] * 4}
    # From many producers at once: on a busy machine, one after another would need longer than a second each.
    with ThreadPoolExecutor(PRODUCERS) as producers:
        sent = [producers.submit(firehose.put_record_batch, **most) for _ in range(2 * PRODUCERS)]
    refused = [error for future in sent if (error := future.exception())]
    assert 0 < len(refused) < len(sent)
    assert {error.response["Error"]["Code"] for error in refused} == {"ServiceUnavailableException"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 60}}, "InvalidArgumentException"),
        ({"BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 0}}, "InvalidArgumentException"),
        ({"ErrorOutputPrefix": ""}, "InvalidArgumentException"),
        ({"Prefix": "x/!{partitionKeyFromQuery:other}/"}, "InvalidArgumentException"),
        ({"ProcessingConfiguration": {"Enabled": False}}, "InvalidArgumentException"),
        ({"CompressionFormat": "Snappy"}, "UnsupportedOperation"),
        ({"DynamicPartitioningConfiguration": {"Enabled": False}}, "UnsupportedOperation"),
        ({"Prefix": PREFIX + "!{timestamp:yyyy}/"}, "UnsupportedOperation"),
        ({"query": "{group:.group|ascii_downcase}"}, "UnsupportedOperation"),
        ({"query": ".group"}, "UnsupportedOperation"),
        ({"S3BackupMode": "Enabled"}, "UnsupportedOperation"),
    ],
)
def test_a_stream_that_aws_refuses_or_that_is_not_emulated(
    firehose: Any, bucket: str, name: str, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as error:
        firehose.create_delivery_stream(
            DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination(bucket, **changes)
        )
    assert error.value.response["Error"]["Code"] == code


def test_a_stream_is_described_and_deleted_after_it_has_delivered(
    firehose: Any, bucket: str, stream: str, stored: Any
) -> None:
    described = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    assert (described["DeliveryStreamStatus"], described["DeliveryStreamType"]) == ("ACTIVE", "DirectPut")
    with pytest.raises(firehose.exceptions.ResourceInUseException):
        firehose.create_delivery_stream(
            DeliveryStreamName=stream, ExtendedS3DestinationConfiguration=destination(bucket)
        )
    firehose.put_record(DeliveryStreamName=stream, Record={"Data": line()})
    firehose.delete_delivery_stream(DeliveryStreamName=stream)
    assert len(stored(stream)) == 1
    with pytest.raises(firehose.exceptions.ResourceNotFoundException, match="under account 123456789012"):
        firehose.put_record(DeliveryStreamName=stream, Record={"Data": line()})
    with pytest.raises(ClientError, match="ListDeliveryStreams"):
        firehose.list_delivery_streams()


@pytest.fixture
def make(account: Account) -> Iterator[Callable[[list[str]], tuple[Streams, Buckets]]]:
    """Streams as a server of this account would make them, whose roles may not do some actions."""
    stores = []

    def build(refused: list[str]) -> tuple[Streams, Buckets]:
        def authorize(role: str, action: str, resource: str, _: Any) -> None:
            if refused:
                raise AwsError("AccessDenied", f"{role} may not {action} on {resource}", 403)

        store = Store(account.home / "records.db")
        stores.append(store)
        buckets = Buckets(account.home / "s3", Moto())
        buckets.create("kept", "us-east-1")
        return Streams(account, store, buckets, authorize), buckets

    yield build
    for store in stores:
        store.close()


def test_what_was_taken_outlives_the_server_and_a_role_that_may_not_write(
    make: Any, account: Account
) -> None:
    streams, buckets = make(refused := ["s3:PutObject"])
    streams.create_delivery_stream(
        {"DeliveryStreamName": "toy", "ExtendedS3DestinationConfiguration": destination("kept")}
    )
    streams.put_record({"DeliveryStreamName": "toy", "Record": {"Data": line()}})
    streams.deliver()
    assert buckets.keys("kept", "") == []
    assert "S3.AccessDenied" in Path(account.home / "streams/toy/log.txt").read_text()
    refused.clear()
    again, buckets = make([])  # the first one has been killed
    again.deliver()
    assert len(buckets.keys("kept", "captured/")) == 1
    again.close()
    refused.append("s3:PutObject")
    streams.close()
    assert len(buckets.keys("kept", "captured/")) == 1
