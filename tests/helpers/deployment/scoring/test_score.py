"""Whole tables through a model: here by a server of its own, and by a transform job as on AWS."""

import os
import re
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from support.container.tables import dated, fit, mixed
from support.helpers.registered import Registered
from support.helpers.shared import Connected, settings

from commands.__main__ import main
from helpers.deployment.scoring import score as scoring
from helpers.deployment.scoring import transform
from helpers.deployment.scoring.score import score
from helpers.errors import BadInput, JobFailed
from helpers.session import Session


@pytest.fixture(scope="module")
def classes(connected: Connected, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    with settings(connected.settings):
        one = fit(mixed("binary"), "LightGBM", "binary")
        return Registered(connected.session, tmp_path_factory.mktemp("model"), one)


@pytest.fixture(scope="module")
def numbers(connected: Connected, tmp_path_factory: pytest.TempPathFactory) -> Registered:
    with settings(connected.settings):
        one = fit(dated("regression"), "LightGBM", "regression")
        return Registered(connected.session, tmp_path_factory.mktemp("model"), one)


@pytest.fixture(params=[False, True], ids=["server", "transform"])
def by_transform(request: pytest.FixtureRequest) -> bool:
    return request.param


def test_the_command_says_how_many_rows_and_where(
    session: Session, classes: Registered, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixed("binary", rows=30).to_csv(tmp_path / "table.csv", index=False)
    asked = ["score", str(tmp_path / "table.csv"), "--model", session.group(classes.dataset)]
    assert main([*asked, "--version", "1", "--output", str(tmp_path / "new/out.csv")]) == 0
    assert re.search(
        r"30 rows by version 1 of scored-\w+ in .* new/out\.csv",
        capsys.readouterr().out.replace(str(tmp_path) + "/", " "),
    )
    assert len(pd.read_csv(tmp_path / "new/out.csv")) == 30
    assert main(asked) == 2
    assert "is in service; name one with --version: '1'" in capsys.readouterr().err


def test_what_was_found_of_the_file_is_said_and_what_was_not_can_be(
    session: Session, classes: Registered, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bytes that two encodings share, and a line above the header that could be a header."""
    table = mixed("binary", rows=300, seed=5)
    table["colour"] = np.where(np.arange(300) % 2, "žlutá", "bílá")
    path, output = tmp_path / "table.csv", str(tmp_path / "out.csv")
    text = "a;b;c;d;e;f\n" + table.to_csv(index=False, sep="!")
    path.write_bytes(text.encode("cp1250"))
    asked = ["score", str(path), "--model", session.group(classes.dataset), "--version", "1"]
    asked += ["--output", output]
    assert main(asked) == 2
    assert "line 2 has 1 cell, but the header has 6" in capsys.readouterr().err
    known = ["--encoding", "cp1250", "--delimiter", "!", "--skip-rows", "1"]
    assert main([*asked, *known]) == 0
    assert same(pd.read_csv(output), classes.served(table))
    assert main([*asked, "--encoding", "nonsense"]) == 2
    assert "The option encoding is 'nonsense'" in capsys.readouterr().err
    path.write_bytes(table.to_csv(index=False).encode("cp1250"))
    assert main(asked) == 0
    assert re.search(r"table\.csv: .*cp125", capsys.readouterr().out)


def same(found: pd.DataFrame, expected: list[list[str]]) -> bool:
    """Whether predictions are those that were served, to the last bit."""
    columns = [name for name in found if name == "prediction" or name.startswith("probability_")]
    return [
        [cell if isinstance(cell, str) else float(cell) for cell in row] for row in found[columns].to_numpy()
    ] == [
        [cell if isinstance(was, str) else float(cell) for cell, was in zip(row, first, strict=True)]
        for row, first in zip(expected, found[columns].to_numpy(), strict=True)
    ]


def test_a_csv_is_scored_as_it_is_served(
    session: Session, classes: Registered, by_transform: bool, tmp_path: Path
) -> None:
    """Other columns, another order and another dialect do not matter; what identifies rows stays."""
    table = mixed("binary", rows=2500, seed=5)
    table["customer"] = [f"c,{number}" for number in range(len(table))]
    path = tmp_path / "table.csv"
    table[["customer", "target", *reversed(classes.one.model.names)]].to_csv(path, index=False, sep=";")
    done = score(session, str(path), classes.dataset, 1, ids=["customer"], by_transform=by_transform)
    assert (done.version, done.rows, done.output) == (1, 2500, str(tmp_path / "table.scored.csv"))
    found = pd.read_csv(done.output)
    assert found.columns.tolist() == ["customer", "prediction", "probability_no", "probability_yes, it is"]
    assert found["customer"].tolist() == table["customer"].tolist()
    assert same(found, classes.served(table))
    assert {path.name for path in tmp_path.iterdir()} == {"table.csv", "table.scored.csv"}


def test_a_row_of_the_numbers_by_which_columns_are_named_is_scored(
    connected: Connected, session: Session, tmp_path: Path
) -> None:
    table = mixed("binary", rows=40, gaps=False)[["size", "income", "target"]]
    table = table.set_axis(["1", "2", "target"], axis=1)
    with settings(connected.settings):
        model = Registered(session, tmp_path / "model", fit(table, "NaiveBayes", "binary"))
    (tmp_path / "table.csv").write_text("1,2\n2,1\n0.5,900\n")
    done = score(session, str(tmp_path / "table.csv"), model.dataset, 1)
    expected = model.one.model.predict(np.array([[2, 1], [0.5, 900]]), [])
    assert pd.read_csv(done.output)["prediction"].tolist() == expected.labels


def test_a_column_in_the_names_of_folders_is_asked_with(
    session: Session, classes: Registered, tmp_path: Path
) -> None:
    table = mixed("binary", rows=200, seed=5)
    folders = table["colour"].fillna("__HIVE_DEFAULT_PARTITION__")
    table = table.loc[folders.sort_values(kind="stable").index]
    for colour, rows in table.groupby(folders):
        folder = tmp_path / f"table/colour={colour}"
        folder.mkdir(parents=True)
        rows.drop(columns="colour").to_csv(folder / "part.csv", index=False)
    output = str(tmp_path / "out.csv")
    done = score(session, str(tmp_path / "table/*/part.csv"), classes.dataset, 1, output)
    assert done.rows == len(table)
    assert same(pd.read_csv(output), classes.served(table))


def test_a_parquet_file_is_scored_as_it_is_served(
    session: Session, numbers: Registered, by_transform: bool, tmp_path: Path
) -> None:
    table = dated("regression", rows=2500)
    written = table.assign(moment=pd.to_datetime(table["moment"]))
    written.to_parquet(tmp_path / "table.parquet", row_group_size=700)
    done = score(session, str(tmp_path / "table.parquet"), numbers.dataset, 1, by_transform=by_transform)
    assert done.output == str(tmp_path / "table.scored.parquet")
    found = pq.read_table(done.output).to_pandas()
    assert found.columns.tolist() == ["row", "prediction"]
    assert found["row"].tolist() == list(range(1, 2501))
    assert same(found, numbers.served(table))


def test_typed_cells_of_a_column_of_words_are_sent_as_json(
    session: Session, classes: Registered, tmp_path: Path
) -> None:
    table = mixed("binary", rows=50, seed=6).assign(code=[float(number) for number in range(50)])
    table.to_parquet(tmp_path / "table.parquet")
    with pytest.raises(BadInput, match="write them as text in the table"):
        score(session, str(tmp_path / "table.parquet"), classes.dataset, 1, by_transform=True)
    done = score(session, str(tmp_path / "table.parquet"), classes.dataset, 1)
    assert done.rows == 50
    assert same(pd.read_parquet(done.output), classes.served(table))


def test_what_training_would_not_take_for_a_row_is_left_out_and_said(
    session: Session, classes: Registered, by_transform: bool, tmp_path: Path
) -> None:
    """Next month's export has titles, empty rows, headers again, a total and a footer like the last one."""
    table = mixed("binary", rows=40, seed=5).drop(columns="target").assign(income=range(1, 41))
    header, *rows = table.to_csv(index=False).splitlines()
    total, empty = "Total,,,820,", ",,,,"
    title = "Report,for,May,by,me"  # as wide as the table
    lines = [title, header, *rows[:20], empty, header, *rows[20:], total, empty, "Printed by the office"]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines) + "\n")
    done = score(session, str(path), classes.dataset, 1, by_transform=by_transform)
    assert done.notes == [
        "table.csv: 1 line above the header is left out ('Report, for, May, by, me'); set skip_rows to say "
        "otherwise.",
        "table.csv: the header is repeated in row 22, which is left out.",
        "table.csv: row 43 says 'Total' and holds the sum of 'income': it is left out as a total.",
        "table.csv: 1 line below the table is left out ('Printed by the office').",
        "table.csv: 2 empty rows are left out.",
    ]
    found = pd.read_csv(done.output)
    assert found["row"].tolist() == [*range(1, 21), *range(23, 43)]
    assert same(found, classes.served(table))


def test_the_rows_of_a_second_file_follow_those_of_the_first_that_are_left_out(
    session: Session, classes: Registered, tmp_path: Path
) -> None:
    table = mixed("binary", rows=40, seed=5).drop(columns="target").assign(income=range(1, 41))
    header, *rows = table.to_csv(index=False).splitlines()
    total, empty = "Total,,,820,", ",,,,"
    (tmp_path / "1.csv").write_text("\n".join([header, *rows, empty, total]) + "\n")
    (tmp_path / "2.csv").write_text("\n".join([header, *rows, empty]) + "\n")
    (tmp_path / "3.csv").write_text("\n".join([header, *rows]) + "\n")
    output = tmp_path / "all.parquet"
    score(session, str(tmp_path / "?.csv"), classes.dataset, 1, output=str(output))
    assert pd.read_parquet(output)["row"].tolist() == [*range(1, 41), *range(43, 83), *range(84, 124)]


def test_a_refused_row_has_its_number_in_the_file(
    session: Session, classes: Registered, tmp_path: Path
) -> None:
    header, *rows = mixed("binary", rows=40).drop(columns="target").to_csv(index=False).splitlines()
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *rows[:20], header, *rows[20:], "red,many,yes,1.5,c1"]) + "\n")
    with pytest.raises(BadInput, match="Row 42, column 'size': 'many'"):
        score(session, str(path), classes.dataset, 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "nowhere"}, r"There is no model 'nowhere'"),
        ({"version": 7}, r"has no version 7; the registry has '1'"),
        ({"version": None}, r"No version of 'scored-\w+' is in service; name one with --version: '1'"),
        ({"table": "missing.csv"}, r"There is no file"),
        ({"table": "empty.csv"}, r"has no rows"),
        ({"table": "broken.parquet"}, r"Cannot read the table broken\.parquet"),
        ({"written": {"delimiter": "||"}}, r"The option delimiter is '\|\|'"),
        ({"table": "narrow.csv"}, r"has no column 'size', which version 1 of scored-\w+ needs"),
        ({"table": "words.csv"}, r"Row 1203, column 'size': 'many'"),
        ({"ids": ["customer"]}, r"has no column 'customer' to identify"),
        ({"output": "output.xlsx"}, r"must end in \.csv or \.parquet"),
        ({"output": "good.csv"}, r"would replace the table"),
        ({"table": "g*d.csv", "output": "good.csv"}, r"would replace the table"),
        ({"table": "s3:good.csv", "output": "s3:good.csv"}, r"would replace the table"),
        ({"output": "s3://no-such-bucket/output.csv"}, r"cannot be written .*NoSuchBucket"),
        ({"output": "good.csv/output.csv"}, r"cannot be written"),
    ],
)
def test_what_cannot_be_scored_is_said_in_a_sentence_and_leaves_nothing(
    session: Session,
    classes: Registered,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    table = mixed("binary", rows=2000)
    table.to_csv("good.csv", index=False)
    table.head(0).to_csv("empty.csv", index=False)
    table.drop(columns="size").to_csv("narrow.csv", index=False)
    Path("broken.parquet").write_bytes(b"PAR1\x15\x00 and no more")
    wrong = table.astype({"size": object})
    wrong.loc[1202, "size"] = "many"
    wrong.to_csv("words.csv", index=False)
    before = sorted(tmp_path.iterdir())
    given = {"table": "good.csv", "model": classes.dataset, "version": 1, **change}
    if given["table"].startswith("s3:"):
        session.client("s3").upload_file("good.csv", session.bucket, "tables/good.csv")
        given |= dict.fromkeys(("table", "output"), session.uri("tables/good.csv"))
    with pytest.raises(BadInput, match=said) as refused:
        score(session, **given)
    assert "\n" not in str(refused.value)
    assert sorted(tmp_path.iterdir()) == before


def test_a_line_break_in_a_cell_is_only_for_a_server(
    session: Session, classes: Registered, tmp_path: Path
) -> None:
    table = mixed("binary", rows=20)
    table.loc[7, "colour"] = "light\ngrey"
    table.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(BadInput, match="Row 8 has a line break in the column 'colour'"):
        score(session, str(tmp_path / "table.csv"), classes.dataset, 1, by_transform=True)
    found = pd.read_csv(score(session, str(tmp_path / "table.csv"), classes.dataset, 1).output)
    assert same(found, classes.served(table))


def test_a_transform_job_that_refuses_a_row_is_a_sentence(
    session: Session, classes: Registered, tmp_path: Path
) -> None:
    table = mixed("binary", rows=20).astype({"size": object})
    table.loc[3, "size"] = "many"
    table.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(BadInput, match=r"The model refuses a row of a request .*'many'"):
        score(session, str(tmp_path / "table.csv"), classes.dataset, 1, by_transform=True)
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    assert not session.client("sagemaker").list_models(NameContains="-score-")["Models"]


def test_an_image_that_sends_no_probabilities_is_no_source_of_others(
    session: Session, classes: Registered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the output filter would take cells of the table for them."""
    monkeypatch.setattr(transform, "ASK_FOR_PROBABILITIES", {"SERVE_PROBABILITIES": "false"})
    mixed("binary", rows=20).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(JobFailed, match="may be older than this code: train it again"):
        score(session, str(tmp_path / "table.csv"), classes.dataset, 1, by_transform=True)


def test_another_artifact_than_the_evaluated_one_scores_nothing(
    session: Session, classes: Registered, tmp_path: Path
) -> None:
    other = Registered(session, tmp_path / "model", classes.one, sha256="0" * 64)
    mixed("binary", rows=20).to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(JobFailed, match="is not the one that was evaluated"):
        score(session, str(tmp_path / "table.csv"), other.dataset, 1)


def test_an_interrupt_leaves_neither_output_nor_server(
    session: Session,
    classes: Registered,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    interruptible: None,
) -> None:
    table = mixed("binary", rows=2000)
    table.to_csv(tmp_path / "table.csv", index=False)
    servers = []
    asks = scoring.server.Server.ask

    def interrupted(self: scoring.server.Server, *arguments: object) -> bytes:
        servers.append(self)
        if len(servers) == 1:
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
            time.sleep(0.3)
        return asks(self, *arguments)

    monkeypatch.setattr(scoring.server.Server, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        score(session, str(tmp_path / "table.csv"), classes.dataset, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    with pytest.raises(JobFailed, match="no longer answers"):
        servers[0].send("GET", "/ping", b"", {})


@pytest.fixture(autouse=True)
def nothing_is_left(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The folders of models and parts are gone, however it ends. Somebody else's are elsewhere."""
    own = tmp_path_factory.mktemp("own")
    monkeypatch.setattr(tempfile, "tempdir", str(own))
    yield
    assert list(own.iterdir()) == []
