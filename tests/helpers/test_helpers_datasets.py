"""The tables of a run: what cannot be used is found while nothing has started."""

import dataclasses
import http.server
import random
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from helpers import datasets, storage
from helpers.errors import BadInput
from helpers.session import Session

BANKNOTE = "banknote-authentication"
SPEC = datasets.DATASETS[BANKNOTE]
GOOD = "a,b,label\n1,2,x\n3,4,y\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no copy of banknote that somebody named."""
    monkeypatch.setenv("MANY_MODELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(SPEC.copy_variable, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """An entry for a table of one's own with these contents."""

    def entry(contents: str | bytes = GOOD, **changes: str) -> dict[str, str]:
        path = tmp_path / "own.csv"
        path.write_bytes(contents.encode() if isinstance(contents, str) else contents)
        return {"name": "own", "uri": str(path), "target": "label"} | changes

    return entry


def refused(entry: Any) -> str:
    with pytest.raises(BadInput) as raised:
        datasets.choose([entry])
    assert "\n" not in str(raised.value)
    return str(raised.value)


def banknotes(zeros: int = 762, ones: int = 610, header: bool = False) -> bytes:
    """A file like the one of UCI: four numbers and a class, in a shape that the project checks."""
    draw = random.Random(0)
    rows = [[f"{draw.gauss(0, 1):.5f}" for _ in range(4)] + [label] for label in "0" * zeros + "1" * ones]
    lines = [",".join(SPEC.columns)] * header + [",".join(row) for row in rows]
    return "\n".join(lines).encode()


# The project's own


@pytest.mark.parametrize("name", ["breast-cancer", "wine"])
def test_a_table_of_scikit_learn_has_the_shape_and_classes_that_the_project_states(name: str) -> None:
    spec, dataset = datasets.DATASETS[name], datasets.fetch(name)
    table = dataset.read()
    assert tuple(table.columns) == spec.columns
    assert table[dataset.target].value_counts().to_dict() == dict(spec.class_counts)


def test_an_unknown_data_set_is_answered_with_the_nearest_and_with_all() -> None:
    complaint = refused("wien")
    assert complaint.startswith("Unknown data set 'wien'; known are breast-cancer, ")
    assert complaint.endswith("did you mean 'wine'?")


def test_a_data_set_near_to_none_is_answered_with_how_to_bring_ones_own() -> None:
    assert refused("churn").endswith("or give a uri and a target for a CSV of your own.")


def test_a_table_in_the_cache_is_used_again(cache: Path) -> None:
    first = datasets.fetch("wine").path
    before = first.stat()
    assert datasets.fetch("wine").path == first == cache / "wine.csv"
    assert first.stat().st_mtime_ns == before.st_mtime_ns


def test_a_half_written_table_is_not_used(cache: Path) -> None:
    cache.mkdir()
    (cache / "wine.4711.part").write_text("alcohol,malic")
    assert len(datasets.fetch("wine").read()) == 178
    assert sorted(path.name for path in cache.iterdir()) == ["wine.4711.part", "wine.csv"]


def test_another_column_of_a_known_table_may_be_the_target() -> None:
    assert datasets.fetch({"name": "wine", "target": "alcohol"}).target == "alcohol"
    assert "no column 'colour'" in refused({"name": "wine", "target": "colour"})


# Banknote, from its source


class Source:
    """A web server on this machine in place of the one that has the table."""

    def __init__(self) -> None:
        self.body, self.status, self.length, self.requests = b"", 200, None, 0
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.requests += 1
                self.send_response(source.status)
                length = len(source.body) if source.length is None else source.length
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(source.body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/banknote.txt"


def set_url(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setitem(datasets.DATASETS, BANKNOTE, dataclasses.replace(SPEC, url=url))


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    source = Source()
    set_url(monkeypatch, source.url)
    thread = threading.Thread(target=source.server.serve_forever, args=(0.01,))
    thread.start()
    yield source
    source.server.shutdown()
    thread.join()
    source.server.server_close()


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source's address is one where nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    set_url(monkeypatch, f"http://127.0.0.1:{port}/banknote.txt")


def test_banknote_is_downloaded_once(web: Source) -> None:
    web.body = banknotes()
    for _ in range(2):
        table = datasets.fetch(BANKNOTE).read()
        assert table["class"].value_counts().to_dict() == {0: 762, 1: 610}
        assert tuple(table.columns) == SPEC.columns
    assert web.requests == 1


@pytest.mark.usefixtures("nobody")
def test_a_source_that_cannot_be_reached_costs_one_line_and_one_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    chosen = datasets.choose(["breast-cancer", BANKNOTE, "wine"])
    assert [dataset.name for dataset in chosen] == ["breast-cancer", "wine"]
    assert capsys.readouterr().out == (
        f"Leaving out {BANKNOTE}: its source cannot be reached (ConnectionError); "
        "set BANKNOTE_CSV to a local copy to have it.\n"
    )


@pytest.mark.usefixtures("nobody")
def test_with_nothing_left_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(BANKNOTE).endswith("add breast-cancer to DATASETS, which needs no network.")
    assert capsys.readouterr().out.startswith("Leaving out")


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"<html>Log in to this network, please, now, here, today, soon</html>", 200, "gives another table"),
        (b"1,2\n1,2,3,4,5,6,7\n", 200, "gives no table"),
        (b"", 200, "it has 0 rows"),
        (
            banknotes(ones=600),
            200,
            "it has 1362 rows, 5 columns and the classes 0: 762, 1: 600; expected are",
        ),
        (b"not here", 404, "cannot be reached (HTTPError)"),
        (b"broken", 500, "cannot be reached (HTTPError)"),
    ],
)
def test_a_source_that_gives_something_else_costs_one_line_too(
    web: Source, cache: Path, capsys: pytest.CaptureFixture[str], body: bytes, status: int, reason: str
) -> None:
    web.body, web.status = body, status
    assert [dataset.name for dataset in datasets.choose([BANKNOTE, "wine"])] == ["wine"]
    (line,) = capsys.readouterr().out.splitlines()
    assert reason in line
    assert not (cache / f"{BANKNOTE}.csv").exists()


def test_a_download_that_breaks_off_is_not_kept(
    web: Source, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    web.body, web.length = banknotes(), 10 * len(banknotes())
    assert [dataset.name for dataset in datasets.choose([BANKNOTE, "wine"])] == ["wine"]
    assert "cannot be reached" in capsys.readouterr().out
    web.length = None
    assert datasets.fetch(BANKNOTE).path == cache / f"{BANKNOTE}.csv"


# Banknote, from a copy


@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("way", ["variable", "uri"])
def test_a_local_copy_needs_no_network_and_is_there_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: bool, way: str
) -> None:
    copy = tmp_path / "copy.txt"
    copy.write_bytes(banknotes(header=header))
    if way == "variable":
        monkeypatch.setenv("BANKNOTE_CSV", str(copy))
    dataset = datasets.fetch(BANKNOTE if way == "variable" else {"name": BANKNOTE, "uri": str(copy)})
    assert (len(dataset.read()), dataset.target) == (1372, "class")
    monkeypatch.delenv("BANKNOTE_CSV", raising=False)
    assert datasets.fetch(BANKNOTE).read().equals(dataset.read())


@pytest.mark.parametrize(
    ("contents", "complaint"),
    [
        (
            banknotes(ones=609),
            "it has 1371 rows, 5 columns and the classes 0: 762, 1: 609; expected are 1372",
        ),
        (banknotes(zeros=763, ones=609), "classes 0: 763, 1: 609; expected are 1372 rows"),
        (b"x,y,class\n1,2,0\n", "it has 1 rows, 3 columns and the classes 0: 1; expected are 1372 rows"),
        (GOOD.encode(), "3 rows, 5 columns and the classes (none)"),
        (b"", "it has 0 rows, 5 columns and the classes (none); expected are"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "cannot be read ("),
    ],
)
def test_a_copy_of_something_else_is_refused(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, contents: bytes, complaint: str
) -> None:
    copy = tmp_path / "copy.txt"
    copy.write_bytes(contents)
    monkeypatch.setenv("BANKNOTE_CSV", str(copy))
    told = refused(BANKNOTE)
    assert complaint in told
    assert BANKNOTE in told
    assert str(copy) in told
    assert not cache.exists(), "what is refused is not kept"


def test_a_copy_that_is_not_there_is_refused(tmp_path: Path) -> None:
    told = refused({"name": BANKNOTE, "uri": str(tmp_path / "nowhere.txt")})
    assert "No such file or directory" in told
    assert "give the path of one that can" in told


# A table of one's own


def test_a_table_of_ones_own_is_named_by_an_entry(own: Callable[..., dict[str, str]]) -> None:
    (dataset,) = datasets.choose([own()])
    assert (dataset.name, dataset.target, len(dataset.read())) == ("own", "label", 2)


def test_a_byte_order_mark_and_spaces_are_no_part_of_a_column_name(
    own: Callable[..., dict[str, str]],
) -> None:
    dataset = datasets.fetch(own(b"\xef\xbb\xbflabel , a\n x,1\n y,2\n"))
    assert dataset.read()["label"].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("contents", "complaint"),
    [
        (b"", "(it is empty)"),
        (b"a,b,label\n", "(it has a header line and nothing under it)"),
        (b"a,b,label\n1,2,x\n1,2,3,4,5\n", "Expected 3 fields in line 3, saw 5"),
        ("a,b,label\n1,2,größer\n".encode("latin-1"), "'utf-8' codec can't decode"),
        ("a,b,label\n1,2,x\n".encode("utf-16"), "'utf-8' codec can't decode"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe\x00", "'utf-8' codec can't decode"),
        (b",a,label\n0,1,x\n", "(column 1 of its header has no name)"),
        (b"a,a,label\n0,1,x\n", "(its columns 'a' come more than once)"),
    ],
    ids=["empty", "only a header", "ragged", "latin-1", "utf-16", "binary", "an index", "twice the same"],
)
def test_a_table_that_cannot_be_read_is_refused(
    own: Callable[..., dict[str, str]], contents: bytes, complaint: str
) -> None:
    entry = own(contents)
    told = refused(entry)
    assert told.startswith(f"The table of own at {entry['uri']!r} cannot be read (")
    assert complaint in told
    assert told.endswith("give the path of a CSV in UTF-8 with a header line.")


@pytest.mark.parametrize("name", ["nowhere.csv", ""])
def test_a_path_where_no_table_is_is_refused(
    own: Callable[..., dict[str, str]], tmp_path: Path, name: str
) -> None:
    told = refused(own(uri=str(tmp_path / name)))
    assert "cannot be read ([Errno" in told
    assert str(tmp_path / name) in told


@pytest.mark.parametrize("uri", ["s3://bucket/own.csv", "https://example.org/own.csv"])
def test_a_table_elsewhere_is_refused(own: Callable[..., dict[str, str]], uri: str) -> None:
    assert refused(own(uri=uri)) == f"The uri of own is {uri!r}; give the path of a CSV on this machine."


def test_a_target_that_is_not_there_is_answered_with_the_nearest_column(
    own: Callable[..., dict[str, str]],
) -> None:
    told = refused(own(target="lable"))
    assert told == "The table of own has no column 'lable'; it has a, b, label. Did you mean 'label'?"


def test_of_many_columns_only_some_are_listed(own: Callable[..., dict[str, str]]) -> None:
    header = ",".join(f"c{number}" for number in range(300))
    told = refused(own(f"{header}\n{header}\n", target="zzz"))
    assert told.endswith("c11, .... Set target to one of them.")


def test_a_table_without_a_target_is_refused(own: Callable[..., dict[str, str]]) -> None:
    entry = own()
    del entry["target"]
    assert refused(entry) == "The data set 'own' has no target; name the column to predict."


@pytest.mark.parametrize("name", ["Own", "my_table", "my--table", "-own", "own table", "größe", "", "a/b"])
def test_a_name_that_aws_would_refuse_is_refused(own: Callable[..., dict[str, str]], name: str) -> None:
    told = refused(own(name=name))
    assert told.startswith(f"{name!r} is no name for a data set; use lower-case letters, digits")


def test_an_entry_with_another_key_is_refused(own: Callable[..., dict[str, str]]) -> None:
    assert refused(own(path="x")) == "DATASETS has an entry with 'path'; allowed are name, uri and target."


def test_two_tables_of_one_name_are_refused(own: Callable[..., dict[str, str]]) -> None:
    with pytest.raises(BadInput, match="DATASETS names 'own' more than once"):
        datasets.choose([own(), own()])


def test_names_are_those_of_names_and_entries_alike(own: Callable[..., dict[str, str]]) -> None:
    assert datasets.names(["wine", own()]) == ["wine", "own"]


# Looking at them, and uploading them


def test_the_overview_counts_rows_columns_classes_and_empty_cells(
    own: Callable[..., dict[str, str]],
) -> None:
    chosen = datasets.choose(["wine", own("a,b,label\n1,,x\n3,4,y\n5,6,y\n")])
    table = datasets.overview(chosen)
    assert table.loc["wine", ["rows", "columns", "target"]].tolist() == [178, 13, "cultivar"]
    assert table.loc["own", ["classes", "rows with an empty cell"]].tolist() == ["x: 1, y: 2", 1]
    pd.testing.assert_series_equal(
        datasets.class_counts(chosen)["own"], pd.Series({"x": 1, "y": 2}), check_names=False
    )


def test_new_data_is_a_new_uri_and_the_same_data_the_same(
    session: Session, own: Callable[..., dict[str, str]]
) -> None:
    first = datasets.upload(session, datasets.fetch(own()))
    again = datasets.upload(session, datasets.fetch(own()))
    other = datasets.upload(session, datasets.fetch(own(GOOD + "5,6,x\n")))
    assert first == again != other
    assert first.startswith(session.uri("raw/own/"))
    assert first.endswith("/data.csv")
    assert storage.read(session, first) == GOOD.encode()
