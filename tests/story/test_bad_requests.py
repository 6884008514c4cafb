"""What people send by mistake or on purpose: a 4xx with one helpful sentence, never a 5xx, never a traceback.

Through the real Function URL, function, endpoint and server.
"""

import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from support import HANGS
from support.local_aws.toy_models import artifact, serve

import local_aws

JSON, CSV = "application/json", "text/csv"
REGION = "us-east-1"
GOOD = {"model": "toys", "data": [[1.0]]}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an environment that serves one model of one column."""
    home = tmp_path_factory.mktemp("bad-requests")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        server = local_aws.start(home / "home", owner=os.getpid(), preload=False)
    outputs = local_aws.ensure_environment(server, "shop")
    serve(server, outputs, "shop--toys", artifact("toy", home / "toy"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", server.secret)
        yield outputs["invoker_url"]
    local_aws.stop(home / "home")


def envelope(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode()


def bad_requests() -> Iterator[tuple[str, bytes, str]]:
    """Name, body and content type."""
    whole = json.dumps(GOOD)
    for length in range(1, len(whole)):
        yield f"JSON cut after {length}", whole[:length].encode(), JSON
    for text in [
        "{",
        "]",
        "nul",
        "'x'",
        '{"model": "toys",, "data": 1}',
        "\x00",
        "{}{}",
        whole + "x",
        "\\",
        '"',
    ]:
        yield f"JSON {text[:12]!r}", text.encode(), JSON
    for body in [
        None,
        True,
        0,
        1.5,
        "text",
        [],
        [1],
        {},
        {"data": [[1]]},
        {"model": "toys"},
        {"Model": "toys"},
    ]:
        yield f"body {body}", json.dumps(body).encode(), JSON
    for model in [None, True, 1, 0.5, "", " ", [], ["toys"], {}, {"toys": 1}]:
        yield f"model {model!r}", envelope(model=model), JSON
    unknown = [
        "toy",
        "Toys",
        "toys ",
        "shop--",
        "shop--toy",
        "other--toys",
        "../toys",
        "toys/1",
        "tøys",
        "🧸",
        "x" * 500,
    ]
    for model in [*unknown, "toys\n", "\u202etoys", "'; DROP TABLE models", "${jndi:x}", "%00", "\x00"]:
        yield f"unknown model {model[:20]!r}", envelope(model=model), JSON
    for data in [
        None,
        True,
        1,
        1.5,
        "",
        " ",
        "\n",
        [],
        [[]],
        [[[]]],
        {},
        {"x": 1},
        [None],
        [1],
        ["x"],
        [True],
        [{}],
    ]:
        yield f"data {data!r}", envelope(data=data), JSON
    for data in [
        [[1, 2]],
        [[1], [1, 2]],
        [[1, 2, 3]],
        [{"y": 1}],
        [{"x": 1, "y": 2}],
        [{"x": 1}, {}],
        [[1], {"x": 1}],
    ]:
        yield f"columns {data!r}", envelope(data=data), JSON
    for cell in [
        "x",
        "1.5.2",
        "--1",
        "0x1F",
        "1_000",
        "NaN?",
        "一",
        "\u0661x",
        "\ud800",
        "a\x00b",
        [1],
        {"a": 1},
        "1e999",
        "∞x",
    ]:
        yield f"cell {cell!r}", envelope(data=[[cell]]), JSON
    for number in ["NaN", "Infinity", "-Infinity", "nan", "1e400", "-1e400", "+1", ".5", "01", "0x10", "1_0"]:
        yield f"number {number}", whole.replace("1.0", number).encode(), JSON
    for depth in [3, 10, 100, 1_000, 10_000, 100_000]:
        yield f"{depth} lists deep", b'{"model": "toys", "data": ' + b"[" * depth + b"]" * depth + b"}", JSON
        yield f"{depth} objects deep", b'{"a":' * depth + b"1" + b"}" * depth, JSON
        yield f"{depth} unclosed", b"[" * depth, JSON
    for extra in ["Data", "rows", "instances", "", "model ", "x" * 300]:
        yield f"key {extra[:20]!r}", json.dumps(GOOD | {extra: 1}).encode(), JSON
    for text in [
        "",
        " ",
        "\n\n",
        "x",
        "1,2",
        "1\n1,2",
        "x,y\n1,2",
        '"1',
        '"1"2',
        "y\n1",
        "x\nx",
        "1;2",
        "1\tx",
        "x\n",
    ]:
        yield f"CSV {text!r}", text.encode(), CSV
    for content_type in [
        "",
        "text/plain",
        "application/xml",
        "image/png",
        "text/csv; charset=utf-16",
        "csv",
        "*/*",
        "/",
    ]:
        yield f"content type {content_type!r}", whole.encode(), content_type
    chance = random.Random(1)
    for number in range(30):
        noise = chance.randbytes(chance.choice([1, 10, 1_000]))
        yield f"noise {number} as JSON", b"\xff" + noise, JSON
        yield f"noise {number} as CSV", b"\xff" + noise, CSV
    for encoding in ["utf-16", "utf-32"]:
        yield f"JSON with a model in {encoding}", whole.encode(encoding), JSON
        yield f"CSV in {encoding} without a mark", "x\n1\n".encode(f"{encoding}-le"), CSV
    yield "7 MB of CSV", b"1\n" * 3_670_016, CSV
    yield "7 MB of JSON", envelope(data=[["1" * 7_340_032]]), JSON
    yield "a cell of 1 MB", envelope(data=[["x" * 1_048_576]]), JSON
    yield "a row of 100,000 cells", envelope(data=[[1.0] * 100_000]), JSON


def post(url: str, body: bytes, content_type: str) -> requests.Response:
    return send("POST", f"{url}?model=toys" if content_type == CSV else url, body, content_type)


def send(
    method: str, url: str, body: bytes, content_type: str = JSON, accept: str = "*/*"
) -> requests.Response:
    """Send a request with the signature that the URL asks for: of what is sent, byte for byte."""
    headers = {"content-type": content_type, "accept": accept}
    request = requests.Request(method, url, headers, data=body).prepare()
    signed = AWSRequest(method, request.url, headers, body)
    SigV4Auth(Credentials("local", os.environ["AWS_SECRET_ACCESS_KEY"]), "lambda", REGION).add_auth(signed)
    request.headers.update(dict(signed.headers))
    with requests.Session() as session:
        return session.send(request, timeout=HANGS)


def sentence(answer: requests.Response) -> str:
    document = answer.json()
    return document.get("error") or document["Message"]


def test_a_good_request_is_answered(url: str) -> None:
    assert post(url, envelope(), JSON).text == "toy\n"
    assert post(url, b"x\n1\n-1\n", CSV).text == "toy\nzzz\n"


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


LINES = "application/jsonlines"
SHAPES = {
    "CSV": (CSV, b"1\n-1\n"),
    "CSV in UTF-16": (f"{CSV}; charset=utf-16", "x\n1\n-1\n".encode("utf-16")),
    "CSV in UTF-16 with a byte order mark alone": (CSV, "x\n1\n-1\n".encode("utf-16")),
    "CSV with a byte order mark": (CSV, b"\xef\xbb\xbfx\n1\n-1\n"),
    "rows": (JSON, as_json([[1], [-1]])),
    "objects": (JSON, as_json([{"x": 1}, {"X": -1}])),
    "instances": (JSON, as_json({"instances": [[1], [-1]]})),
    "instances with features": (JSON, as_json({"instances": [{"features": [1]}, {"features": [-1]}]})),
    "inputs": (JSON, as_json({"inputs": [[1], [-1]]})),
    "features": (JSON, as_json({"features": [[1], [-1]]})),
    "pandas' split": (JSON, as_json({"columns": ["x"], "index": [0, 1], "data": [[1], [-1]]})),
    "MLflow's split": (JSON, as_json({"dataframe_split": {"columns": ["x"], "data": [[1], [-1]]}})),
    "records": (JSON, as_json({"dataframe_records": [{"x": 1}, {"x": -1}]})),
    "JSON in UTF-16": (f"{JSON}; charset=utf-16", "[[1], [-1]]".encode("utf-16")),
    "JSON in UTF-16 with a byte order mark alone": (JSON, "[[1], [-1]]".encode("utf-16")),
    "JSON Lines of rows": (LINES, b"[1]\n[-1]\n"),
    "JSON Lines of objects": ("application/x-ndjson", b'{"x": 1}\n{"x": -1}\n'),
    "data": (JSON, as_json({"data": [[1], [-1]]})),
}


@pytest.mark.parametrize(("content_type", "body"), SHAPES.values(), ids=SHAPES.keys())
def test_every_shape_that_the_server_reads_gets_an_answer_for_each_row(
    url: str, content_type: str, body: bytes
) -> None:
    answer = send("POST", f"{url}?model=toys", body, content_type)
    assert (answer.status_code, answer.text) == (200, "toy\nzzz\n")
    answer = send("POST", f"{url}?model=toys", body, content_type, accept="text/html, application/json;q=0.9")
    assert answer.json()["predictions"] == ["toy", "zzz"]


def test_the_charset_that_is_named_is_obeyed(url: str) -> None:
    body = "x,größe\n1,2\n".encode("latin-1")
    answer = send("POST", f"{url}?model=toys", body, f"{CSV}; charset=iso-8859-1")
    assert (answer.status_code, "'größe', which this model does not know" in sentence(answer)) == (400, True)


def test_what_the_server_refuses_is_answered_in_its_own_words(url: str) -> None:
    answer = send("POST", f"{url}?model=toys", b"<x>1</x>", "application/xml")
    assert (answer.status_code, "application/xml" in sentence(answer)) == (415, True)


def test_there_are_many_kinds_of_bad_requests() -> None:
    assert len({name for name, _, _ in bad_requests()}) >= 200


def test_each_bad_request_gets_a_4xx_and_one_helpful_sentence(url: str) -> None:
    wrong = {}
    for name, body, content_type in bad_requests():
        answer = post(url, body, content_type)
        text = sentence(answer)
        helpful = 10 < len(text) < 600 and "Traceback" not in text and "\n" not in text.strip()
        if not (400 <= answer.status_code < 500 and helpful):
            wrong[name] = (answer.status_code, answer.text[:300])
    assert wrong == {}


@pytest.mark.parametrize("seed", range(100))
def test_a_good_request_with_some_bytes_changed_never_breaks_anything(url: str, seed: int) -> None:
    chance = random.Random(seed)
    body = bytearray(envelope(data=[[1.5], [-2.0], ["3"]]))
    for _ in range(chance.randint(1, 4)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    answer = post(url, bytes(body), JSON)
    assert answer.status_code < 500, answer.text
    assert answer.status_code == 200 or sentence(answer)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(url: str, method: str) -> None:
    assert send(method, url, envelope()).status_code == 405


@pytest.mark.parametrize("path", ["x", "models", "../", "%2e%2e/", "//"])
def test_other_paths_are_refused(url: str, path: str) -> None:
    assert send("POST", url + path, envelope()).status_code in (400, 404)


def test_a_request_that_nobody_signed_is_refused(url: str) -> None:
    answer = requests.post(url, data=envelope(), headers={"content-type": JSON}, timeout=HANGS)
    assert (answer.status_code, answer.json()) == (403, {"Message": "Forbidden"})
