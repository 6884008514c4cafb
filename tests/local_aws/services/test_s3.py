"""S3 as its clients and the jobs see it while others change it."""

import io
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local_aws.core.moto import Moto
from local_aws.core.wire import Request
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
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": path,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "9",
        "HTTP_HOST": "127.0.0.1:9",
        "HTTP_AUTHORIZATION": SIGNED,
        "CONTENT_LENGTH": "0",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    return Request(environ)


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
