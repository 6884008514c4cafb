"""Where tables come from: each kind of source, and one sentence if it does not return what it should."""

import gzip
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import requests
from sklearn.datasets import _openml
from support.helpers.loopback import Source, answering, closed_port

from helpers.data import sources
from helpers.data.sources import SourceError
from helpers.errors import BadInput

URI = "https://data.example/tables/own%20table.csv"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MANY_MODELS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def read(uri: str) -> bytes:
    (file,) = sources.fetch(uri)
    return file.path.read_bytes()


@pytest.mark.parametrize(
    ("uri", "scheme"),
    [
        ("s3://bucket/x", "s3"),
        ("https://x", "https"),
        ("HTTP://x", "http"),
        ("sklearn:iris", "sklearn"),
        ("openml:61", "openml"),
        ("data/x.csv", ""),
        ("/data/a:b.csv", ""),
        ("C:\\data\\x.csv", ""),
        ("data/*.csv", ""),
    ],
)
def test_a_place_is_told_by_what_stands_before_the_colon(uri: str, scheme: str) -> None:
    assert sources.scheme(uri) == scheme


# Files


def test_a_glob_gives_its_files_in_order_and_no_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.csv", "a.csv", "deep/c.csv", "d.txt"):
        (tmp_path / name).write_text(name)
    for pattern, names in (("*.csv", ["a.csv", "b.csv"]), ("**/[b-c].csv", ["b.csv", "c.csv"])):
        assert [file.path.name for file in sources.fetch(f"{tmp_path}/{pattern}")] == names


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


@pytest.mark.parametrize(
    "note",
    ["_SUCCESS", "_metadata", "_started_123", "_spark_metadata/0", "_temporary/0/a.csv", "part_$folder$"],
)
def test_what_a_program_notes_beside_a_table_is_no_part_of_it(tmp_path: Path, note: str) -> None:
    put(tmp_path, "out/a.csv", "out/_b.csv", "out/_day=1/c.csv", f"out/{note}")
    names = [file.path.name for file in sources.fetch(f"{tmp_path}/out/**")]
    assert sorted(names) == ["_b.csv", "a.csv", "c.csv"]


def test_a_glob_of_notes_alone_gives_them(tmp_path: Path) -> None:
    put(tmp_path, "_out/a.csv", "_data")
    assert [file.path.name for file in sources.fetch(f"{tmp_path}/_out/*")] == ["a.csv"]
    assert [file.path.name for file in sources.fetch(f"{tmp_path}/_dat*")] == ["_data"]


@pytest.mark.parametrize("folder", ["", "region=eu/"])
@pytest.mark.parametrize(
    ("log", "is_refused"),
    [
        ({f"{0:020}.json": '{"add": {}}', f"{1:020}.json": '{"add": {}}'}, False),
        ({f"{0:020}.json": '{"add": {}}', f"{1:020}.json": '{"remove": {}}'}, True),
        ({f"{9:020}.json": '{"add": {}}', f"{9:020}.checkpoint.parquet": "PAR1"}, True),
    ],
)
def test_a_delta_table_is_refused_if_it_also_has_older_rows(
    tmp_path: Path, folder: str, log: dict[str, str], is_refused: bool
) -> None:
    put(tmp_path, f"{folder}a.parquet", "_delta_log/x.json")
    (tmp_path / "_delta_log/x.json").unlink()
    for name, text in log.items():
        (tmp_path / "_delta_log" / name).write_text(text)
    if is_refused:
        with pytest.raises(BadInput, match="is a Delta table, whose folder also holds rows that were"):
            sources.fetch(f"{tmp_path}/{folder}*.parquet")
    else:
        assert len(sources.fetch(f"{tmp_path}/{folder}*.parquet")) == 1


def test_a_file_with_a_bracket_in_its_name_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "own[1].csv").write_text("x")
    assert read(str(tmp_path / "own[1].csv")) == b"x"


def test_a_folder_a_missing_file_and_a_glob_without_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"There is no file '.*/own\.csv'; give the path of a file that exists"
    ):
        sources.fetch(str(tmp_path / "own.csv"))
    with pytest.raises(BadInput, match="is a folder; give a file, or a glob such as"):
        sources.fetch(str(tmp_path))
    with pytest.raises(BadInput, match="No file matches"):
        sources.fetch(f"{tmp_path}/*.csv")


@pytest.mark.parametrize(
    ("part", "pattern"), [("b.parquet", "*.parquet"), ("year=2024/month=01/part-0.csv", "**/*.csv")]
)
def test_the_refusal_of_a_folder_names_a_glob_that_finds_its_tables(
    tmp_path: Path, part: str, pattern: str
) -> None:
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "_notes").mkdir()
    (tmp_path / "_notes/0.json").touch()
    (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / part).write_text("x")
    with pytest.raises(BadInput) as refused:
        sources.fetch(str(tmp_path))
    assert str(refused.value).endswith(f"or a glob such as {str(tmp_path / pattern)!r}.")
    assert read(str(tmp_path / pattern)) == b"x"


# The web


def test_a_file_of_the_web_keeps_its_bytes_and_name(web: Source, cache: Path) -> None:
    web.body = gzip.compress(b"a,b\n1,2\n")
    assert read(URI) == web.body
    assert [path.name for path in cache.rglob("*.csv")] == ["own_table.csv"]


def test_it_is_fetched_again_only_if_it_has_changed(web: Source) -> None:
    web.body, web.headers = b"one", {"ETag": '"1"', "Last-Modified": "Mon, 05 Jan 2026 09:30:00 GMT"}
    assert read(URI) == b"one"
    web.body = b"never sent"
    assert read(URI) == b"one"
    assert web.asked[1]["If-None-Match"] == '"1"'
    assert web.asked[1]["If-Modified-Since"] == "Mon, 05 Jan 2026 09:30:00 GMT"
    web.body, web.headers = b"two", {"ETag": '"2"'}
    assert read(URI) == b"two"


def test_without_the_web_the_copy_that_is_here_is_used_and_it_says_so(
    web: Source, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    web.body = b"one"
    read(URI)
    port = closed_port()
    monkeypatch.setattr(sources, "web", lambda: answering(port))
    assert read(URI) == b"one"
    assert capsys.readouterr().out.startswith(f"{URI} cannot be reached (ConnectionError); the copy in ")


@pytest.mark.parametrize(("status", "length"), [(404, None), (500, None), (200, 1000)])
def test_a_source_that_does_not_give_it_is_one_sentence_and_nothing_is_kept(
    web: Source, cache: Path, status: int, length: int | None
) -> None:
    web.body, web.status, web.length = b"something", status, length
    with pytest.raises(SourceError, match=r"its source cannot be reached \(\w+Error\)"):
        sources.fetch(URI)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_it_follows_no_way_out_of_https(web: Source) -> None:
    web.status, web.headers = 302, {"Location": f"http://127.0.0.1:{web.port}/plain.csv"}
    with pytest.raises(SourceError, match="InvalidSchema"):
        sources.fetch(URI)
    assert len(web.asked) == 1
    with pytest.raises(requests.exceptions.InvalidSchema):
        sources.web().get(f"http://127.0.0.1:{web.port}/")


# scikit-learn


@pytest.mark.parametrize(
    ("name", "target", "labels"),
    [("iris", "target", {"setosa", "versicolor", "virginica"}), ("digits", "target", set(range(10)))],
)
def test_a_table_of_scikit_learn_has_its_classes_by_name(name: str, target: str, labels: set[Any]) -> None:
    (file,) = sources.fetch(f"sklearn:{name}")
    assert set(pd.read_csv(file.path)[target]) == labels


def test_a_target_of_numbers_stays_one() -> None:
    (file,) = sources.fetch("sklearn:diabetes")
    assert pd.read_csv(file.path)["target"].nunique() > 200


@pytest.mark.parametrize(("name", "hint"), [("iriss", "'iris'"), ("breast-cancer", "'breast_cancer'")])
def test_a_table_that_scikit_learn_has_not_is_answered_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(BadInput, match=f"scikit-learn has no table '{name}'; it has .*Did you mean {hint}"):
        sources.fetch(f"sklearn:{name}")


@pytest.mark.parametrize("name", ["files", "openml", "data_home", "../iris"])
def test_what_is_no_table_of_scikit_learn_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="scikit-learn has no table"):
        sources.fetch(f"sklearn:{name}")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever uses the web through urllib finds a proxy where nobody listens."""
    monkeypatch.setattr("urllib.request._opener", None)  # which would keep the proxies of its first use
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")


@pytest.mark.usefixtures("offline")
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("uri", ["sklearn:california_housing", "openml:61", "openml:iris"])
def test_what_scikit_learn_cannot_download_is_one_sentence(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(SourceError, match="its source cannot be reached"):
        sources.fetch(uri)


# OpenML

ARFF = """@RELATION own
@ATTRIBUTE size NUMERIC
@ATTRIBUTE color {red,green}
@ATTRIBUTE class {no,yes}
@DATA
1.5,red,yes
2.5,green,no
"""


class OpenML(http.server.BaseHTTPRequestHandler):
    """The four answers that fetch_openml asks for, of one data set."""

    def do_GET(self) -> None:
        answer = self.answer()
        self.send_response(200 if answer else 412)
        self.end_headers()
        self.wfile.write(answer or b'{"error": {"code": "111", "message": "Unknown dataset"}}')

    def answer(self) -> bytes:
        if self.path.startswith("/data/v1/download/"):
            return ARFF.encode()
        names = {"size": "numeric", "color": "nominal", "class": "nominal"}
        features = [
            {
                "index": str(index),
                "name": name,
                "data_type": kind,
                "is_target": str(name == "class").lower(),
                "is_ignore": "false",
                "is_row_identifier": "false",
                "number_of_missing_values": "0",
            }
            for index, (name, kind) in enumerate(names.items())
        ]
        about = {
            "id": "7",
            "name": "own",
            "version": "1",
            "format": "ARFF",
            "file_id": "9",
            "status": "active",
            "description": "A table of these tests",
            "md5_checksum": hashlib.md5(ARFF.encode()).hexdigest(),
        }
        named = {"data": {"dataset": [about | {"did": 7}]}}
        answers = {
            "/api/v1/json/data/list/data_name/own/limit/2/status/active/": named,
            "/api/v1/json/data/7": {"data_set_description": about | {"url": self.server.url}},
            "/api/v1/json/data/features/7": {"data_features": {"feature": features}},
            "/api/v1/json/data/qualities/7": {"data_qualities": {"quality": []}},
        }
        return json.dumps(answers[self.path]).encode() if self.path in answers else b""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def openml(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OpenML)
    root = f"http://127.0.0.1:{server.server_port}"
    server.url = f"{root}/data/v1/download/9"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name in ("_SEARCH_NAME", "_DATA_INFO", "_DATA_FEATURES", "_DATA_QUALITIES"):
        path = getattr(_openml, name).removeprefix("https://www.openml.org")
        monkeypatch.setattr(_openml, name, f"{root}{path}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("openml")
@pytest.mark.parametrize("uri", ["openml:7", "openml:own"])
def test_a_table_of_openml_is_had_by_its_number_or_its_name(uri: str) -> None:
    (file,) = sources.fetch(uri)
    assert pd.read_csv(file.path).to_dict("list") == {
        "size": [1.5, 2.5],
        "color": ["red", "green"],
        "class": ["yes", "no"],
    }


@pytest.mark.usefixtures("openml")
def test_what_openml_does_not_know_is_one_sentence() -> None:
    with pytest.raises(SourceError, match="its source"):
        sources.fetch("openml:8")
