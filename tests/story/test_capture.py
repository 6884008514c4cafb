"""Capture, through the real URL, function, extension, stream and bucket: nothing of it reaches a caller."""

import gzip
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support import HANGS
from support.local_aws.aws import needs_proc, processes_of, wait_for
from support.local_aws.toy_models import another_invoker, client, packed, serve
from tabular.learning.pipeline import build_pipeline
from tabular.portable.export import export
from tabular.portable.files import save_model
from tabular.spec.columns import Column, Schema

import local_aws

REGION = "us-east-1"
SECRET = "Ada-Lovelace-1815"
UNAFFECTED = 2.0  # seconds: less than any time-out of the capture


def artifact(folder: Path) -> bytes:
    """A model.tar.gz of a table of names and sizes."""
    columns = (Column("name", "categorical"), Column("size", "numeric"))
    schema = Schema("binary", "label", ("small", "large"), columns, others=("id",))
    frame = pd.DataFrame({"name": ["a", "b"] * 10, "size": [float(number) for number in range(20)]})
    pipeline = build_pipeline(schema, "LogisticRegression", {}, random_state=1)
    pipeline.fit(frame, [int(number >= 10) for number in range(20)])
    model, arrays = export(pipeline, schema, "logistic")
    save_model(
        folder,
        {"sample": {"instances": [{"name": "a", "size": 1.0}], "predictions": ["small"]}, **model},
        arrays,
    )
    return packed(folder)


@dataclass
class Shop:
    """An environment that serves one model and captures every request, without names."""

    server: local_aws.Server
    outputs: dict[str, Any]

    def post(
        self, body: bytes, content_type: str = "text/csv", function: str = "", **headers: str
    ) -> requests.Response:
        """Ask the model, through the invoker's URL or that of another function."""
        url = (
            f"{self.server.endpoint_url}/function-url/{function}/"
            if function
            else self.outputs["invoker_url"]
        )
        request = AWSRequest(
            "POST", f"{url}?model=toys", headers={"content-type": content_type, **headers}, data=body
        )
        SigV4Auth(Credentials("local", self.server.secret), "lambda", REGION).add_auth(request)
        return requests.post(request.url, data=body, headers=dict(request.headers), timeout=HANGS)

    def lines(self) -> list[dict[str, Any]]:
        """What is stored."""
        local_aws.deliver_streams(self.server)
        s3, bucket = client(self.server, "s3"), self.outputs["bucket"]
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="captured/shop--toys/version=1/date=").get(
            "Contents", []
        )
        contents = [s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read() for found in listed]
        return [json.loads(line) for content in contents for line in gzip.decompress(content).splitlines()]

    def line(self, request_id: str) -> dict[str, Any]:
        """The line of a request, which comes after its answer."""
        return wait_for(lambda: next((one for one in self.lines() if one["request_id"] == request_id), None))

    def log(self, function: str) -> list[dict[str, Any]]:
        text = (self.server.home / "functions" / function / "log.txt").read_text()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = tmp_path_factory.mktemp("capture")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        server = local_aws.start(home / "home", owner=os.getpid(), preload=False)
    outputs = local_aws.ensure_environment(server, "shop", capture_rate=1, capture_leaves_out={"*": ["name"]})
    shop = Shop(server, outputs)
    (home / "toy").mkdir()
    serve(server, outputs, "shop--toys", artifact(home / "toy"))
    yield shop
    local_aws.stop(home / "home")


def test_requests_are_stored_without_what_is_left_out(shop: Shop) -> None:
    bodies = {
        "csv": (f"{SECRET},1.5\n{SECRET},15\n".encode(), "text/csv"),
        "header": (f"size,name,id\n1.5,{SECRET},{SECRET}\n".encode(), "text/csv"),
        "json": (json.dumps({"data": [{"name": SECRET, "size": 1.5}]}).encode(), "application/json"),
        "lines": (json.dumps([SECRET, 1.5]).encode(), "application/x-ndjson"),
        "bytes": (f"{SECRET}é;1.5\n".encode("latin-1"), "text/csv; charset=latin-1"),
    }
    for name, (body, content_type) in bodies.items():
        answer = shop.post(body, content_type, **{"x-request-id": f"of-{name}"})
        assert (answer.status_code, answer.headers["x-request-id"]) == (200, f"of-{name}"), answer.text
    refused = shop.post(SECRET.encode(), **{"x-request-id": "of-nobody"})
    assert refused.status_code == 400
    assert shop.line("of-csv")["request"] == {"content_type": "text/csv", "body": '"","1.5"\n"","15"\n'}
    assert shop.line("of-csv")["answer"]["body"] == "small\nlarge\n"
    assert shop.line("of-header")["request"]["body"] == '"size","name","id"\n"1.5","",""\n'
    assert [shop.line(f"of-{name}")["request"]["body"] for name in ("json", "lines", "bytes")] == [
        '[{"name":null,"size":1.5}]',
        "[null,1.5]\n",
        '"","1.5"\n',
    ]
    assert {(line["group"], line["version"]) for line in shop.lines()} == {("shop--toys", 1)}
    logged = [line["request_id"] for line in shop.log("shop-invoker") if "status" in line]
    assert set(logged) >= {*(f"of-{name}" for name in bodies), "of-nobody"}
    assert "of-nobody" not in {line["request_id"] for line in shop.lines()}
    for path in shop.server.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            stored = content.partition(b"\n")[2]  # of an object, after what local_aws notes about it
            opened = gzip.decompress(stored) if stored.startswith(b"\x1f\x8b") else b""
            assert SECRET.encode() not in content + opened, path


@pytest.fixture
def function(shop: Shop) -> Iterator[Callable[..., str]]:
    """Create a function with the invoker's code, under another role or with other settings."""
    made = []

    def create(name: str, role: str = "invoker", **settings: str) -> str:
        another_invoker(shop.server, shop.outputs, name, role, CAPTURE_RATE="1", **settings)
        made.append(name)
        return name

    yield create
    for name in made:
        client(shop.server, "lambda").delete_function(FunctionName=name)


def unaffected(shop: Shop, function: str, cause: str) -> None:
    """Ask a few times; every answer is right and comes at once, and the log names the cause once.

    The fastest answer counts, because a busy machine may delay any of them.
    """
    seconds = []
    for _ in range(6):
        started = time.monotonic()
        answer = shop.post(b"a,1.5\n", function=function)
        assert (answer.status_code, answer.text) == (200, "small\n")
        seconds.append(time.monotonic() - started)
    assert min(seconds[1:]) < UNAFFECTED  # the first one starts the process
    lines = wait_for(lambda: [line for line in shop.log(function) if line.get("action") == "capture"])
    assert [line["cause"] for line in lines] == [cause]


def test_a_role_that_may_not_send_is_no_matter_for_requests(shop: Shop, function: Callable[..., str]) -> None:
    unaffected(shop, function("denied", role="deployer"), "AccessDeniedException")


def test_a_stream_that_is_down_is_no_matter_for_requests(shop: Shop, function: Callable[..., str]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        unaffected(shop, function("down", AWS_ENDPOINT_URL_FIREHOSE=address), "EndpointConnectionError")


def test_a_stream_that_does_not_answer_is_no_matter_for_requests(
    shop: Shop, function: Callable[..., str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Thread(target=lambda: [silent.accept() for _ in range(2)], daemon=True).start()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        unaffected(shop, function("slow", AWS_ENDPOINT_URL_FIREHOSE=address), "ReadTimeoutError")


def test_a_body_that_is_too_large_to_store_is_answered_as_ever(shop: Shop) -> None:
    body = b"a,1.5\n" * 300_000
    answer = shop.post(body, **{"x-request-id": "large"})
    assert (answer.status_code, answer.text.count("\n")) == (200, len(body) // 6)
    line = shop.line("large")
    assert (line["request"], line["answer"], line["rows"]) == (None, None, len(body) // 6)


@needs_proc
def test_a_function_that_is_killed_while_it_sends_leaves_the_next_request_alone(
    shop: Shop, function: Callable[..., str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name = function("killed", AWS_ENDPOINT_URL_FIREHOSE=f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert shop.post(b"a,1.5\n", function=name).status_code == 200
        sending, _ = silent.accept()
        (process,) = processes_of(shop.server.home / "functions" / name)
        os.kill(process, 9)
        sending.close()
        wait_for(lambda: not Path(f"/proc/{process}").exists())  # the server has noticed it
        assert shop.post(b"a,1.5\n", function=name).text == "small\n"
