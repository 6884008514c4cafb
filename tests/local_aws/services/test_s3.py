"""S3 as its clients and the jobs see it while others change it."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.local_aws.aws import Aws

from local_aws.core.moto import Moto
from local_aws.core.requests.wire import Request
from local_aws.services.s3 import Buckets

READS = 500
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
)


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns after every few instructions."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # seconds
    yield
    sys.setswitchinterval(before)


def get(path: str) -> Request:
    return Request("GET", path, [("Host", "127.0.0.1:9"), ("Authorization", SIGNED)])


@pytest.mark.usefixtures("restless")
def test_an_object_that_is_replaced_all_the_time_is_always_read_whole(tmp_path: Path) -> None:
    buckets = Buckets(tmp_path, Moto())
    buckets.create("replaced", "us-east-1")
    buckets.put("s3://replaced/key", b"0" * 100)
    over = threading.Event()

    def replace() -> None:
        while not over.is_set():
            for digit in b"0123456789":
                buckets.put("s3://replaced/key", bytes([digit]) * 100)

    def client() -> bytes:
        return buckets.answer(get("/replaced/key")).body

    def job() -> bytes:
        return buckets.read("s3://replaced/key")

    with ThreadPoolExecutor() as pool:
        replacing = pool.submit(replace)
        reading = [pool.submit(read) for read in (client, job) * READS]
        try:
            found = {future.result() for future in reading}
        finally:
            over.set()
        replacing.result()
    assert {len(body) for body in found} == {100}
    assert len(found) > 1, "it was replaced while it was read"


# What is on disk


@pytest.fixture
def bucket_folder(tmp_path: Path, name: str) -> Path:
    """The folder of a bucket with one object."""
    folder = tmp_path / "s3"
    buckets = Buckets(folder, Moto())
    buckets.create(name, "us-east-1")
    buckets.put(f"s3://{name}/key", b"content")
    return folder / name


def _object(bucket_folder: Path) -> Path:
    return next(path for path in bucket_folder.iterdir() if path.name != "bucket.json")


FOREIGN: dict[str, Callable[[Path], Path]] = {
    "a file of the Finder": lambda bucket: bucket / ".DS_Store",
    "a name that is no hash": lambda bucket: bucket / "notes.txt",
    "in place of a bucket": lambda bucket: bucket.parent / ".DS_Store",
    "a folder that is no bucket": lambda bucket: bucket.parent / "mine/notes.txt",
}


@pytest.mark.parametrize("place", FOREIGN.values(), ids=FOREIGN)
def test_foreign_files_among_objects_are_left_alone(
    bucket_folder: Path, place: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = place(bucket_folder)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"mine")
    assert Buckets(bucket_folder.parent, Moto()).read(f"s3://{bucket_folder.name}/key") == b"content"
    assert path.read_bytes() == b"mine"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {bucket_folder: [path], bucket_folder.parent: []}.get(path.parent, [path.parent])
    assert [Path(line["file"]) for line in lines] == told


@pytest.mark.parametrize("keep", [0, 10, 200, -1])
def test_half_an_object_was_never_answered_so_it_goes(bucket_folder: Path, keep: int) -> None:
    half = _object(bucket_folder)
    half.write_bytes(half.read_bytes()[:keep])
    buckets = Buckets(bucket_folder.parent, Moto())
    assert not half.exists()
    buckets.put(f"s3://{bucket_folder.name}/key", b"again")
    assert Buckets(bucket_folder.parent, Moto()).read(f"s3://{bucket_folder.name}/key") == b"again"


def test_a_cut_description_of_a_bucket_stops_nothing_and_deletes_nothing(bucket_folder: Path) -> None:
    (bucket_folder / "bucket.json").write_text('{"name": "toys-of')
    Buckets(bucket_folder.parent, Moto())
    assert _object(bucket_folder).is_file()


STALE = '"0123"'


@pytest.mark.parametrize(
    ("code", "request_"),
    [
        ("KeyTooLongError", {"Key": "ü" * 512 + "x"}),
        ("MetadataTooLarge", {"Key": "new", "Metadata": {"note": "x" * 2045}}),
        ("NotImplemented", {"Key": "new", "IfNoneMatch": STALE}),
        ("PreconditionFailed", {"Key": "new", "CopySource": "toys/conditions/a", "CopySourceIfMatch": STALE}),
        ("PreconditionFailed", {"Key": "conditions/b", "CopySource": "toys/conditions/a", "IfMatch": STALE}),
        (
            "PreconditionFailed",
            {"Key": "conditions/b", "CopySource": "toys/conditions/a", "IfNoneMatch": "*"},
        ),
        ("NoSuchKey", {"Key": "new", "CopySource": "toys/conditions/a", "IfMatch": STALE}),
    ],
)
def test_what_s3_refuses_and_moto_does_not(
    aws: Aws, bucket: str, code: str, request_: dict[str, Any]
) -> None:
    s3 = aws.client("s3")
    for name in "ab":
        s3.put_object(Bucket=bucket, Key=f"conditions/{name}", Body=name.encode())
    call = s3.copy_object if "CopySource" in request_ else s3.put_object
    with pytest.raises(ClientError) as refused:
        call(Bucket=bucket, **request_)
    assert refused.value.response["Error"]["Code"] == code
    assert s3.get_object(Bucket=bucket, Key="conditions/b")["Body"].read() == b"b"


def test_a_copy_whose_conditions_hold_is_made(aws: Aws, bucket: str) -> None:
    s3 = aws.client("s3")
    etag = s3.put_object(Bucket=bucket, Key="conditions/a", Body=b"a")["ETag"]
    s3.copy_object(
        Bucket=bucket,
        Key="conditions/" + "k" * 1013,  # as long as a key may be
        CopySource=f"{bucket}/conditions/a",
        CopySourceIfMatch=etag,
        IfNoneMatch="*",
        MetadataDirective="REPLACE",
        Metadata={"note": "x" * 2044},
    )


PAST = datetime(2020, 1, 1, tzinfo=UTC)
CHANGED = {"CopySourceIfUnmodifiedSince": PAST}
SAME = {"CopySourceIfMatch": "the source's"}


@pytest.mark.parametrize("key", ["conditions/a", "conditions/what?x=1", "conditions/p%3Fq+r"])
@pytest.mark.parametrize(
    ("conditions", "copied"),
    [
        (SAME, True),
        ({"CopySourceIfMatch": STALE}, False),
        (CHANGED, False),
        (SAME | CHANGED, True),
        ({"CopySourceIfNoneMatch": STALE}, True),
        ({"CopySourceIfModifiedSince": PAST}, True),
        ({"CopySourceIfModifiedSince": "now"}, False),
        ({"CopySourceIfNoneMatch": "the source's", "CopySourceIfModifiedSince": PAST}, False),
        (
            {"CopySourceIfModifiedSince": datetime(2999, 1, 1, tzinfo=UTC)},
            True,
        ),  # no time in the future counts
    ],
)
def test_a_copy_is_held_to_the_conditions_on_its_source(
    aws: Aws, bucket: str, key: str, conditions: dict[str, Any], copied: bool
) -> None:
    s3 = aws.client("s3")
    etag = s3.put_object(Bucket=bucket, Key=key, Body=b"a")["ETag"]
    now = s3.head_object(Bucket=bucket, Key=key)["LastModified"]
    conditions = {name: {"the source's": etag, "now": now}.get(it, it) for name, it in conditions.items()}
    request = {"Bucket": bucket, "Key": "copy", "CopySource": {"Bucket": bucket, "Key": key}, **conditions}
    if copied:
        assert s3.copy_object(**request)["CopyObjectResult"]["ETag"] == etag
        return
    with pytest.raises(ClientError) as refused:
        s3.copy_object(**request)
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"
