"""Evidently's page about one model: its two tables, and the page where Evidently is installed."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from support.container import streams
from tabular.monitoring.baseline import packed
from tabular.monitoring.objects import baseline_key

from commands.__main__ import main
from commands.reporting.evidently import page
from commands.reporting.evidently.frames import PREDICTION, Frames, frames, like_training
from contract.names import load
from helpers.errors import BadInput, ExitCode
from helpers.session import Session

needs_evidently = pytest.mark.skipif(
    not page.INTERPRETER.exists(), reason="there is no Evidently here: make test-evidently"
)
DAY = timedelta(days=1)


@pytest.fixture
def watched(session: Session) -> Session:
    """A model in service, which is asked in grams what it learned in kilograms."""
    rng, s3, contract = np.random.default_rng(1), session.client("s3"), load()
    group, at = session.group("heavy"), datetime.now(UTC) - timedelta(minutes=5)
    key = f"{contract.prefixes.models}{group}/3-0123456789ab.tar.gz"
    frame = streams.rows(rng, 200)
    frame["x6"] *= 1000
    lines = streams.requests(frame, streams.predicted(rng, 200), 10, at=at, group=group)
    objects = {
        baseline_key(key): packed(streams.baseline(rng)),
        f"{contract.captured_prefix}{group}/version=3/date={at.date()}/a.jsonl.gz": gzip.compress(
            b"\n".join(lines)
        ),
        contract.models_map_key: json.dumps(
            {group: {"key": key, "version": 3, "sha256": "0", "approved_at": at.isoformat()}}
        ).encode(),
    }
    for name, body in objects.items():
        s3.put_object(Bucket=session.bucket, Key=name, Body=body)
    yield session
    for name in objects:
        s3.delete_object(Bucket=session.bucket, Key=name)


def test_rows_like_trainings_are_distributed_as_the_baseline_says() -> None:
    rng = np.random.default_rng(2)
    known = streams.baseline(rng)
    kinds = {"x6": "numeric", "colour": "categorical", PREDICTION: "class"}
    rows = like_training(known, kinds, 1000)
    assert rows["x6"].median() == pytest.approx(np.median(known["training"]["x6"]["quantiles"]), rel=0.02)
    levels = known["training"]["colour"]
    for level, count in levels["levels"].items():
        assert (rows["colour"] == level).mean() == pytest.approx(count / levels["rows"], abs=0.002)
    assert set(rows[PREDICTION]) == set(known["held_out"]["levels"])


def test_the_window_is_what_was_captured_and_what_is_missing_is_said(watched: Session) -> None:
    found = frames(watched, "heavy", DAY)
    assert len(found.window) == 200
    assert found.window["x6"].median() > 100 * found.training["x6"].median()
    assert list(found.window) == list(found.training) == list(found.kinds)
    with pytest.raises(BadInput, match=r"light is not in service, .*heavy"):
        frames(watched, "light", DAY)
    with pytest.raises(BadInput, match="No request to heavy was captured in the window"):
        frames(watched, "heavy", timedelta(seconds=1))


def test_without_evidently_a_sentence_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "INTERPRETER", tmp_path / "python")
    with pytest.raises(BadInput, match="make install-evidently"):
        page.write(Frames({}, None, None), tmp_path / "page.html")


@needs_evidently
def test_the_command_leaves_a_page_that_names_the_column_and_reports_to_nobody(
    watched: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "local.yaml"
    file.write_text("ENVIRONMENT: local\nPIPELINE_NAME: many-models\n")
    typed = [
        "monitor",
        str(file),
        "--evidently",
        "heavy",
        "--window",
        "24h",
        "--runs",
        str(tmp_path / "runs"),
    ]
    assert main(typed) == ExitCode.DONE
    made = tmp_path / "runs/monitoring/heavy-evidently.html"
    assert capsys.readouterr().out.strip() == str(made)
    text = made.read_text()
    assert "x6" in text
    assert "colour" in text
