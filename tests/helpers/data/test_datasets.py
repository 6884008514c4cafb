"""The tables of a run: what cannot be used is found while nothing has started."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.helpers.loopback import Source, answering, closed_port

from helpers.data import datasets, sources
from helpers.data.datasets import LeftOut
from helpers.errors import BadInput
from helpers.session import Session, storage
from helpers.session.storage import File

BANKNOTE = "banknote-authentication"
SPEC = datasets.DATASETS[BANKNOTE]
ROWS = 30
GOOD = "a,b,label\n" + "1,2,x\n3,4,y\n" * (ROWS // 2)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no variable that names a copy of banknote."""
    monkeypatch.setenv("MANY_MODELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(SPEC.copy_variable, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """An entry for your own table with these contents."""

    def entry(contents: str | bytes = GOOD, **changes: str) -> dict[str, str]:
        path = tmp_path / "own.csv"
        path.write_bytes(contents.encode() if isinstance(contents, str) else contents)
        return {"name": "own", "uri": str(path), "target": "label"} | changes

    return entry


def refused(entry: Any) -> str:
    with pytest.raises(BadInput) as raised:
        datasets.fetch(entry)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def left_out(*entries: Any) -> dict[str, LeftOut]:
    """What is said about the tables that cannot be used; wine can."""
    chosen, told = datasets.choose([*entries, "wine"])
    assert [dataset.name for dataset in chosen] == ["wine"]
    return told


def banknotes(zeros: int = 762, ones: int = 610, header: bool = False) -> bytes:
    """A file like UCI's: four numbers and a class, in a shape that the project checks."""
    draw = random.Random(0)
    rows = [[f"{draw.gauss(0, 1):.5f}" for _ in range(4)] + [label] for label in "0" * zeros + "1" * ones]
    lines = [",".join(SPEC.columns)] * header + [",".join(row) for row in rows]
    return "\n".join(lines).encode()


# The project's own


@pytest.mark.parametrize("name", ["breast-cancer", "wine", "diabetes", "deliveries"])
def test_a_table_of_the_project_has_the_shape_and_classes_that_the_project_states(name: str) -> None:
    spec, dataset = datasets.DATASETS[name], datasets.fetch(name)
    table = dataset.read()
    assert (tuple(table.columns), len(table)) == (spec.columns, spec.rows)
    if spec.class_counts:
        assert table[dataset.target].value_counts().to_dict() == dict(spec.class_counts)


@pytest.mark.parametrize(
    ("name", "task"), [("breast-cancer", "binary"), ("wine", "multiclass"), ("diabetes", "regression")]
)
def test_the_task_is_told_by_the_target(name: str, task: str) -> None:
    dataset = datasets.fetch(name)
    assert dataset.task == task
    assert dataset.family == ("regression" if task == "regression" else "classification")


def test_an_unknown_data_set_is_answered_with_the_nearest_and_with_all() -> None:
    complaint = refused("wien")
    assert complaint.startswith("Unknown data set 'wien'; known are breast-cancer, ")
    assert complaint.endswith("did you mean 'wine'?")


def test_a_data_set_near_to_none_is_answered_with_how_to_bring_ones_own() -> None:
    assert refused("churn").endswith("or give a uri and a target for your own table.")


def test_deliveries_are_rarely_late_and_judged_by_a_metric_for_that_without_the_column_that_tells() -> None:
    dataset = datasets.fetch("deliveries")
    report = dataset.checked.report
    late = report["classes"]["yes"] / sum(report["classes"].values())
    assert (report["positive"], 0.08 < late < 0.12) == ("yes", True)
    assert dataset.options.drop == ("refund",)
    assert (dataset.judged["metric"], dataset.judged["min_metric"]) == ("average_precision", 0.25)
    assert {column.kind for column in dataset.columns.values()} == {
        "numeric",
        "categorical",
        "boolean",
        "date",
    }
    assert dataset.read().isna().any(axis=None)
    assert report["warnings"] == []


def test_the_column_that_tells_who_is_late_is_found_if_it_stays() -> None:
    dataset = datasets.fetch({"name": "deliveries", "drop": []})
    (found,) = dataset.checked.report["warnings"]
    assert found["column"] == "refund"
    assert found["said"].startswith("predicts the target on its own (score 1.000)")
    assert dataset.judged["metric"] == "average_precision"


def test_another_target_of_deliveries_is_not_judged_as_theirs() -> None:
    dataset = datasets.fetch({"name": "deliveries", "target": "region"})
    assert (dataset.options.drop, dataset.judged) == ((), {})


def test_a_copy_of_deliveries_may_be_named(tmp_path: Path) -> None:
    spec = datasets.DATASETS["deliveries"]
    copy = tmp_path / "shorter.csv"
    copy.write_text("".join(Path(spec.uri).read_text().splitlines(keepends=True)[:800]))
    assert len(datasets.fetch({"name": "deliveries", "uri": str(copy)}).read()) == 799


def test_a_table_in_the_cache_is_used_again(cache: Path) -> None:
    (first,) = (file.path for file in datasets.fetch("wine").files)
    before = first.stat()
    assert datasets.fetch("wine").files == (File(first),) == (File(cache / "wine.csv"),)
    assert first.stat().st_mtime_ns == before.st_mtime_ns


def test_a_half_written_table_is_not_used(cache: Path) -> None:
    cache.mkdir()
    (cache / "wine.4711.part").write_text("alcohol,malic")
    assert len(datasets.fetch("wine").read()) == 178
    assert sorted(path.name for path in cache.glob("wine*")) == ["wine.4711.part", "wine.csv"]


def test_another_column_of_a_known_table_may_be_the_target() -> None:
    assert datasets.fetch({"name": "wine", "target": "alcohol"}).target == "alcohol"
    assert "Unknown target column 'colour'" in refused({"name": "wine", "target": "colour"})


# Banknote, from its source


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every address on the web is one where nobody listens."""
    port = closed_port()
    monkeypatch.setattr(sources, "web", lambda: answering(port))


def test_banknote_is_downloaded_once(web: Source) -> None:
    web.body = banknotes()
    for _ in range(2):
        table = datasets.fetch(BANKNOTE).read()
        assert table["class"].value_counts().to_dict() == {0: 762, 1: 610}
        assert tuple(table.columns) == SPEC.columns
    assert len(web.asked) == 1


@pytest.mark.usefixtures("nobody")
def test_a_source_that_cannot_be_reached_costs_one_table() -> None:
    said, advice = (
        "Its source cannot be reached (ConnectionError).",
        "Set BANKNOTE_CSV to a local copy to include it.",
    )
    assert left_out(BANKNOTE) == {BANKNOTE: LeftOut(said, advice, failed=False)}


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (
            b"<html>Log in to this network, please, now, here, today, soon</html>",
            200,
            "returns a different table",
        ),
        (b"1,2\n1,2,3,4,5,6,7\n", 200, "does not return a table"),
        (b"", 200, "it has 0 rows"),
        (
            banknotes(ones=600),
            200,
            "it has 1362 rows, 5 columns and the classes 0: 762, 1: 600; it should have",
        ),
        (b"not here", 404, "cannot be reached (HTTPError)"),
        (b"broken", 500, "cannot be reached (HTTPError)"),
    ],
)
def test_a_source_that_gives_something_else_costs_one_table_too(
    web: Source, cache: Path, body: bytes, status: int, reason: str
) -> None:
    web.body, web.status = body, status
    assert reason in left_out(BANKNOTE)[BANKNOTE].said
    assert not (cache / f"{BANKNOTE}.csv").exists()


def test_a_download_that_breaks_off_is_not_kept(web: Source, cache: Path) -> None:
    web.body, web.length = banknotes(), 10 * len(banknotes())
    assert "cannot be reached" in left_out(BANKNOTE)[BANKNOTE].said
    web.length = None
    assert datasets.fetch(BANKNOTE).files == (File(cache / f"{BANKNOTE}.csv"),)


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
            "it has 1371 rows, 5 columns and the classes 0: 762, 1: 609; it should have 1372",
        ),
        (banknotes(zeros=763, ones=609), "classes 0: 763, 1: 609; it should have 1372 rows"),
        (b"x,y,class\n1,2,0\n", "it has 1 rows, 3 columns and the classes 0: 1; it should have 1372 rows"),
        (GOOD.encode(), "31 rows, 5 columns and the classes (none)"),
        (b"", "it has 0 rows, 5 columns and the classes (none); it should have"),
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
    assert not (cache / f"{BANKNOTE}.csv").exists(), "what is refused is not kept"


def test_a_copy_that_is_not_there_is_refused(tmp_path: Path) -> None:
    told = refused({"name": BANKNOTE, "uri": str(tmp_path / "nowhere.txt")})
    assert "No such file or directory" in told
    assert "give the path of a readable one" in told


# Your own table


def test_a_table_of_ones_own_is_named_by_an_entry(own: Callable[..., dict[str, str]]) -> None:
    (dataset,), _ = datasets.choose([own()])
    assert (dataset.name, dataset.target, len(dataset.read())) == ("own", "label", ROWS)


def test_what_an_entry_says_of_reading_and_judging_comes_with_the_table(
    own: Callable[..., dict[str, str]],
) -> None:
    dataset = datasets.fetch(own(drop=["a"], scorer="roc_auc", min_metric=0.5))
    assert dataset.options.drop == ("a",)
    assert dataset.judged == {"scorer": "roc_auc", "min_metric": 0.5}


@pytest.mark.parametrize(
    "contents",
    [
        b"\xef\xbb\xbflabel , a\n" + b" x,1\n y,2\n" * ROWS,
        b"label;a\n" + b"x;1,5\ny;2,5\n" * ROWS,
        ("label\ta\n" + "x\t1\ngr\xf6\xdfer\t2\n" * ROWS).encode("latin-1"),
        ("label,a\n" + "x,1\ny,2\n" * ROWS).encode("utf-16"),
    ],
    ids=["byte order mark", "semicolons", "latin-1", "utf-16"],
)
def test_dialect_and_encoding_are_found(own: Callable[..., dict[str, str]], contents: bytes) -> None:
    table = datasets.fetch(own(contents)).read()
    assert list(table) == ["label", "a"]
    assert table["label"].iloc[0] == "x"
    assert table["a"].dtype.kind in "if"


@pytest.mark.parametrize(
    ("contents", "complaint"),
    [
        (b"", "it is empty"),
        (b"a,b,label\n", "It has a header line but no rows"),
        (b"a,b,label\n1,2,x\n1,2,3,4,5\n", "line 3 has 5 cells, but the header has 3"),
        (b"\x89PNG\r\n\x1a\n\x00\xff\xfe\x00", "Cannot read the table own.csv: it"),
        (b"a,,label\n0,1,x\n", "column 2 of its header has no name"),
        (b"0,0,label\n0,1,x\n", "['0'] occur more than once"),
        (b"a,label\n1,\n2,\n", "The target 'label' is empty in every row"),
        (b"a,label\n" + b"1,x\n2,x\n3,\n" * ROWS, "The target 'label' contains only 'x'"),
    ],
    ids=["empty", "only a header", "ragged", "binary", "no name", "twice", "no target", "one class"],
)
def test_a_table_that_cannot_be_used_is_refused(
    own: Callable[..., dict[str, str]], contents: bytes, complaint: str
) -> None:
    told = refused(own(contents))
    assert told.startswith("The table of own: ")
    assert complaint in told


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        (
            {"target": "lable"},
            "Unknown target column 'lable'; the known ones are 'a', 'b', 'label'. Did you mean 'label'?",
        ),
        ({"drop": ["c"]}, "Unknown column in drop 'c'"),
        ({"group": "label"}, "The target 'label' is in group"),
        ({"task": "regression"}, "contains 'x', which is not a number, and the task is regression"),
        ({"target": "a", "task": "binary"}, "The option task is binary, but the target 'a' has 3 classes"),
        ({"date": ["a"]}, "The column 'a' is in date, but no format fits"),
        ({"numeric": ["label"], "target": "a"}, "Row 1 of the column 'label' is 'x', which is not a number"),
    ],
)
def test_what_does_not_fit_the_table_is_refused(
    own: Callable[..., dict[str, Any]], changes: dict[str, Any], complaint: str
) -> None:
    told = refused(own("a,b,label\n" + "1,2,x\n3,4,y\n5,6,y\n" * ROWS, **changes))
    assert told.startswith("The table of own: ")
    assert complaint in told


def test_each_table_that_cannot_be_used_is_told_and_keeps_no_other_from_being_used(
    own: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "few.csv").write_text("a,label\n1,x\n2,y\n")
    few = {"name": "few", "uri": str(tmp_path / "few.csv"), "target": "label"}
    gone = {"name": "gone", "uri": str(tmp_path / "gone-*.csv"), "target": "label"}
    told = left_out(few, own(target="lable"), gone)
    assert told["few"].said.startswith("Only 2 rows are left after cleaning")
    assert "Unknown target column 'lable'" in told["own"].said
    assert told["gone"].said.startswith("No file matches")
    assert all(one.failed and one.advice for one in told.values())


@pytest.mark.parametrize("name", ["nowhere.csv", "nowhere-*.csv", ""])
def test_a_path_where_no_table_is_is_refused(
    own: Callable[..., dict[str, str]], tmp_path: Path, name: str
) -> None:
    told = refused(own(uri=str(tmp_path / name)))
    assert told.startswith(("The table of own: Cannot read", "The data set 'own': "))
    assert (name or "is a folder") in told


def test_of_many_columns_only_some_are_listed(own: Callable[..., dict[str, str]]) -> None:
    header = ",".join(f"c{number}" for number in range(300))
    assert len(refused(own(f"{header}\n{header}\n", target="zzz"))) < 600


@pytest.mark.usefixtures("nobody")
def test_a_table_of_ones_own_that_cannot_be_had_is_a_failure() -> None:
    entry = {"name": "far", "uri": "https://data.example/far.csv", "target": "label"}
    said, advice = "Its source cannot be reached (ConnectionError).", "Give a copy as its uri to include it."
    assert left_out(entry) == {"far": LeftOut(said, advice)}


def test_what_is_in_s3_is_looked_at_when_there_is_a_session(own: Callable[..., dict[str, str]]) -> None:
    entries = ["wine", BANKNOTE, own(name="far", uri="s3://bucket/far.csv")]
    assert datasets.before_a_session(entries) == entries[:2]
    with pytest.raises(BadInput, match="unknown key 'tagret'"):
        datasets.before_a_session([{**entries[2], "tagret": "x"}])


# Uploading them


def keys(session: Session, folder: str) -> list[str]:
    prefix = folder.removeprefix(session.uri(""))
    found = session.client("s3").list_objects_v2(Bucket=session.bucket, Prefix=prefix)["Contents"]
    return [each["Key"].removeprefix(prefix) for each in found]


def test_a_table_goes_up_as_it_is_with_its_options_beside_it(
    session: Session, own: Callable[..., dict[str, Any]]
) -> None:
    contents = "label;a;b\n" + "x;1,5;3\ny;2,5;4\n" * ROWS
    folder = datasets.upload(session, datasets.fetch(own(contents, drop=["a"])))
    assert folder.startswith(session.uri("raw/own/"))
    assert keys(session, folder) == ["dataset.json", "own.csv"]
    assert storage.read(session, f"{folder}own.csv") == contents.encode()
    assert storage.read_json(session, f"{folder}dataset.json")["drop"] == ["a"]


def test_new_data_or_options_are_a_new_uri_and_the_same_the_same(
    session: Session, own: Callable[..., dict[str, Any]]
) -> None:
    first = datasets.upload(session, datasets.fetch(own()))
    assert datasets.upload(session, datasets.fetch(own())) == first
    others = [own(drop=["a"]), own(GOOD + "5,6,x\n")]
    assert len({first, *(datasets.upload(session, datasets.fetch(entry)) for entry in others)}) == 3


def test_files_of_one_name_in_several_folders_do_not_hide_each_other(
    session: Session, tmp_path: Path
) -> None:
    for number in (1, 2):
        (tmp_path / f"month={number}").mkdir()
        (tmp_path / f"month={number}/part.csv").write_text("a,label\n" + f"{number},x\n{number},y\n" * ROWS)
    entry = {"name": "parts", "uri": str(tmp_path / "*/part.csv"), "target": "label"}
    dataset = datasets.fetch(entry)
    assert dataset.read()["a"].tolist() == [1] * 2 * ROWS + [2] * 2 * ROWS
    folder = datasets.upload(session, dataset)
    assert keys(session, folder) == ["dataset.json", "month=1/part.csv", "month=2/part.csv"]


def test_numbered_files_stay_in_the_folders_that_give_a_column(session: Session, tmp_path: Path) -> None:
    for year in (2023, 2024):
        (tmp_path / f"{year}/month=1").mkdir(parents=True)
        (tmp_path / f"{year}/month=1/part.csv").write_text("a,label\n" + "1,x\n2,y\n" * ROWS)
    entry = {"name": "parts", "uri": str(tmp_path / "**/*.csv"), "target": "label"}
    folder = datasets.upload(session, datasets.fetch(entry))
    assert keys(session, folder) == ["dataset.json", "month=1/0000-part.csv", "month=1/0001-part.csv"]


@pytest.mark.parametrize("name", ["dataset.json", "_own.csv", ".own.csv"])
def test_a_table_goes_up_under_a_name_that_preprocessing_takes_for_one(
    session: Session, tmp_path: Path, name: str
) -> None:
    rows = [{"a": number, "label": "xy"[number % 2]} for number in range(2 * ROWS)]
    lines = [f"{row['a']},{row['label']}" for row in rows]
    text = json.dumps(rows) if name.endswith("json") else "\n".join(["a,label", *lines])
    (tmp_path / name).write_text(text)
    folder = datasets.upload(
        session, datasets.fetch({"name": "own", "uri": str(tmp_path / name), "target": "label"})
    )
    assert keys(session, folder) == [f"0000-{name}", "dataset.json"]
    assert storage.read(session, f"{folder}0000-{name}").decode() == text


def test_the_options_are_put_last(
    session: Session, own: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, s3 = datasets.fetch(own(GOOD + "7,8,x\n")), session.client("s3")
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(s3, "upload_file", lambda *_: 1 / 0)
        datasets.upload(session, dataset)
    assert keys(session, datasets.upload(session, dataset)) == ["dataset.json", "own.csv"]


def test_a_table_in_s3_is_copied_within_s3(session: Session, own: Callable[..., dict[str, Any]]) -> None:
    s3 = session.client("s3")
    for number in (1, 2):
        s3.put_object(Bucket=session.bucket, Key=f"elsewhere/{number}.csv", Body=GOOD.encode())
    s3.put_object(Bucket=session.bucket, Key="elsewhere/notes.txt", Body=b"notes")
    for uri, rows in (
        ("elsewhere/1.csv", ROWS),
        ("elsewhere/*.csv", 2 * ROWS),
        ("elsewhere/?.csv", 2 * ROWS),
    ):
        dataset = datasets.fetch(own(uri=session.uri(uri)), session)
        assert len(dataset.read()) == rows
    folder = datasets.upload(session, dataset)
    assert keys(session, folder) == ["1.csv", "2.csv", "dataset.json"]
    assert storage.read(session, f"{folder}2.csv") == GOOD.encode()


def test_a_table_that_changes_in_s3_meanwhile_is_not_taken_for_the_one_that_was_read(
    session: Session, own: Callable[..., dict[str, Any]]
) -> None:
    s3, uri = session.client("s3"), session.uri("moving/own.csv")
    s3.put_object(Bucket=session.bucket, Key="moving/own.csv", Body=f"{GOOD}7,8,y\n".encode())
    dataset = datasets.fetch(own(uri=uri), session)
    s3.put_object(Bucket=session.bucket, Key="moving/own.csv", Body=GOOD.replace("1", "5").encode())
    with pytest.raises(BadInput, match=r"moving/own\.csv has changed since it was read; run this again"):
        datasets.upload(session, dataset)


@pytest.mark.parametrize(
    ("uri", "complaint"),
    [
        ("nothing/here.csv", "There is no object 's3://"),
        ("", "does not name an object; give s3://bucket/key"),
    ],
)
def test_what_is_not_in_s3_is_refused(
    session: Session, own: Callable[..., dict[str, Any]], uri: str, complaint: str
) -> None:
    with pytest.raises(BadInput, match=complaint):
        datasets.fetch(own(uri=session.uri(uri)), session)


def test_a_bucket_that_is_not_there_is_a_source_that_cannot_be_reached(
    session: Session, own: Callable[..., dict[str, Any]]
) -> None:
    with pytest.raises(sources.SourceError, match=r"S3 returns an error \(.*NoSuchBucket"):
        datasets.fetch(own(uri="s3://no-such-bucket/own.csv"), session)
