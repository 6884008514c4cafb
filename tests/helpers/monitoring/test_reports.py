"""A check as a real processing job of local_aws, started by a person; and late labels."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from support.container import streams
from tabular.monitoring.baseline import packed
from tabular.monitoring.objects import baseline_key

from commands.__main__ import main
from contract.names import load
from helpers.errors import BadInput, ExitCode, JobFailed
from helpers.monitoring import labels, reports
from helpers.session import Session

ROWS = 200
WINDOW = "24h"


@pytest.fixture
def watched(session: Session) -> Iterator[Session]:
    """Two models in service, of which `drifted` is asked in grams what it learned in kilograms."""
    rng, s3, contract = np.random.default_rng(1), session.client("s3"), load()
    known, at = packed(streams.baseline(rng)), datetime.now(UTC) - timedelta(minutes=5)
    before = _read(session, contract.models_map_key)
    entries = {}
    for name in ("drifted", "even"):
        group = session.group(name)
        key = f"{contract.prefixes.models}{group}/3-0123456789ab.tar.gz"
        entries[group] = {"key": key, "version": 3, "sha256": "0", "approved_at": at.isoformat()}
        s3.put_object(Bucket=session.bucket, Key=baseline_key(key), Body=known)
        frame = streams.rows(rng, ROWS)
        if name == "drifted":
            frame["x6"] *= 1000
        lines = [streams.line(frame, streams.predicted(rng, ROWS), at=at, group=group)]
        place = f"{contract.captured_prefix}{group}/version=3/date={at.date().isoformat()}/a.jsonl.gz"
        s3.put_object(Bucket=session.bucket, Key=place, Body=gzip.compress(b"\n".join(lines)))
    s3.put_object(Bucket=session.bucket, Key=contract.models_map_key, Body=json.dumps(entries))
    yield session
    if before is None:
        s3.delete_object(Bucket=session.bucket, Key=contract.models_map_key)
    else:
        s3.put_object(Bucket=session.bucket, Key=contract.models_map_key, Body=before)


def _read(session: Session, key: str) -> bytes | None:
    s3 = session.client("s3")
    try:
        return s3.get_object(Bucket=session.bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None


def test_a_person_starts_a_check_and_reads_what_has_drifted(watched, tmp_path, capsys):
    file = tmp_path / "local.yaml"
    file.write_text("ENVIRONMENT: local\nPIPELINE_NAME: many-models\n")
    late = tmp_path / "late.csv"
    late.write_text("request_id,row,label\n" + "".join(f"request-0,{row},yes\n" for row in range(ROWS)))
    typed = ["monitor", str(file), "--window", WINDOW]
    assert main([*typed, "--labels", "even", str(late)]) == ExitCode.REFUSED
    told = capsys.readouterr().out
    assert "200 labels of even uploaded." in told
    assert "[2/2] even: 200 rows of 1 requests, 10 columns compared" in told
    lines = told.splitlines()
    table = next(number for number, line in enumerate(lines) if line.startswith("data set"))
    assert lines[table + 1].split()[:3] == ["drifted", "3", "drifted"]
    assert "x6" in lines[table + 1]
    assert "2 of 2 models have drifted." in told, "the other is worse by its labels"
    assert main([*typed, "--latest", "--json"]) == ExitCode.REFUSED
    report = json.loads(capsys.readouterr().out)
    assert report == reports.latest(watched)
    assert report["models"][watched.group("even")]["quality"]["worse"]


def test_a_check_of_what_is_not_in_service_fails_with_a_sentence(watched):
    name = reports.start(watched, WINDOW, ["gone"])
    with pytest.raises(
        JobFailed, match="many-models--gone is not in service; in service: many-models--drifted"
    ):
        reports.wait(watched, name)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("late.csv", "id,label\n1,yes\n", "has no column 'request_id'"),
        ("late.csv", "request_id,row,label\na,0,maybe\n", "line 2, has the label 'maybe', which is no class"),
        ("late.csv", "request_id,row,label\na,first,yes\n", "line 2, has the row 'first'"),
        ("late.csv", "request_id,row,label\n,0,yes\n", "line 2, has no request_id"),
        ("late.csv", "request_id,row,label\na,0,\n", "line 2, has no label"),
        ("late.csv", "request_id,row,label\n", "has no labels"),
        ("late.jsonl", '{"request_id": "a", "label": "yes"}\n[1]\n', "line 2, is no JSON object"),
        ("late.txt", "a", "is neither .csv nor .jsonl"),
    ],
)
def test_labels_that_cannot_be_used_are_refused_with_their_line(watched, tmp_path, name, text, said):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(BadInput, match=said):
        labels.upload(watched, "even", file)
    with pytest.raises(BadInput, match="gone is not in service"):
        labels.upload(watched, "gone", file)


def test_a_job_has_room_for_the_id_of_a_schedules_call():
    longest = reports.job_prefix("a-name-of-as-many-as-32-characte")
    assert longest == "a-name-of-as-many-monitor-"
    assert len(longest) + 36 <= 63
