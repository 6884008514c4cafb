"""The monitoring job: all models in service in one report, whatever is wrong with one of them."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import jsonschema
import numpy as np
import pytest
from support import ROOT
from support.container import streams
from tabular.jobs import monitor
from tabular.monitoring import captured, objects
from tabular.monitoring.baseline import packed, unpacked
from tabular.monitoring.objects import baseline_key

FORM = json.loads((ROOT / "docs/schemas/monitoring.schema.json").read_text())
URIS = {
    "pipeline_name": "shop",
    "models_map_uri": "s3://jobs/deployments/models-map.json",
    "captured_uri": "s3://jobs/captured/",
    "labels_uri": "s3://jobs/labels/",
    "monitoring_uri": "s3://jobs/monitoring/",
}
ROWS = 300


def artifact(name):
    return f"models/shop--{name}/3-0123456789ab.tar.gz"


@pytest.fixture(scope="module")
def filled(aws):
    """A bucket with seven models in service, and what was captured of them an hour ago."""
    rng = np.random.default_rng(1)
    known, now = streams.baseline(rng), datetime.now(UTC)
    at = now - timedelta(hours=1)

    def put(key, body):
        aws.s3.put_object(Bucket="jobs", Key=key, Body=body)

    def capture(name, lines, file="a.jsonl.gz", packing=gzip.compress):
        key = f"captured/shop--{name}/version=3/date={at.date().isoformat()}/{file}"
        put(key, packing(b"\n".join(lines) + b"\n"))

    def lines(name, frame, answers, **more):
        return streams.requests(frame, answers, 10, **{"at": at, "group": f"shop--{name}", **more})

    names = ["steady", "drifted", "quiet", "silent", "old", "broken", "clumsy"]
    entries = {f"shop--{name}": {"key": artifact(name), "version": 3, "sha256": "0"} for name in names}
    entries["shop--torn"] = {"version": 1}
    put("deployments/models-map.json", json.dumps(entries).encode())
    for name in names:
        if name not in ("old", "broken"):
            put(baseline_key(artifact(name)), packed(known))
    put(baseline_key(artifact("broken")), b"no gzip")
    answers = streams.predicted(rng, ROWS)
    capture("steady", lines("steady", streams.rows(rng, ROWS), answers))
    truth = np.where(rng.random(ROWS) < 0.6, answers, np.where(np.array(answers) == "yes", "no", "yes"))
    labels = [f"request-{10 * (row // 10)},{row % 10},{label}" for row, label in enumerate(truth)]
    wrong = ["request-0,1,maybe", "request-9999,0,yes", ",0,yes", "request-0,x,yes"]
    put("labels/shop--steady/late.csv", "\n".join(["request_id,row,label", *labels, *wrong]).encode())
    frame = streams.rows(rng, ROWS)
    frame["x6"] *= 1000
    capture("drifted", lines("drifted", frame, streams.predicted(rng, ROWS)))
    capture("quiet", lines("quiet", streams.rows(rng, 20), streams.predicted(rng, 20)))
    good = lines("clumsy", streams.rows(rng, ROWS), streams.predicted(rng, ROWS))
    few = (streams.rows(rng, 1), ["yes"])
    bad = [
        b"no JSON",
        b"[]",
        b'{"schema": 2}',
        good[0],
        *lines("clumsy", *few, at=now + timedelta(days=1), request_id="early"),
        *lines("clumsy", *few, version=2, request_id="other"),
        *lines("clumsy", *few, request=None, request_id="without"),
        *lines("clumsy", *few, answer=None, request_id="mute"),
        *lines("clumsy", *few, request={"content_type": "text/csv", "body": "1,2"}, request_id="short"),
        *lines("clumsy", *few, request_id="late", at=at - timedelta(days=30)),
        b"\xff\xfe",
    ]
    capture("clumsy", [*good, *bad], "a.jsonl", bytes)
    capture("clumsy", [], "b.jsonl.gz", lambda body: b"\x1f\x8bnot gzip")
    return aws


@pytest.fixture
def check(filled, as_a_job, base, run_module):
    def run(**more):
        run_module(monitor.main, **(URIS | more))
        uri = (base / "output/message").read_text()
        return json.loads(read(filled, uri.removeprefix("s3://jobs/")))

    return run


def read(aws, key):
    return aws.s3.get_object(Bucket="jobs", Key=key)["Body"].read()


def test_one_report_is_about_all_models_the_worst_first(check, filled, capsys):
    report = check()
    jsonschema.validate(report, FORM)
    models = report["models"]
    assert {one["data_set"]: one["status"] for one in models.values()} == {
        "drifted": "drifted",
        "steady": "drifted",
        "broken": "failed",
        "old": "no_baseline",
        "quiet": "too_few_rows",
        "silent": "no_capture",
        "clumsy": "steady",
    }
    assert next(iter(models)) == "shop--drifted"
    assert models["shop--drifted"]["worst_column"] == "x6"
    assert report["totals"]["models"] == 7
    assert json.loads(read(filled, "monitoring/latest.json")) == report
    page = read(filled, models["shop--drifted"]["page"].removeprefix("s3://jobs/")).decode()
    assert "x6 (drifted)" in page
    assert "page" not in models["shop--clumsy"]
    printed = capsys.readouterr().out
    assert "shop--torn is left out: the models map names no artifact for it." in printed
    assert "[7/7] steady: requests 30, rows 300, columns compared 10" in printed


def test_late_labels_show_that_a_model_has_become_worse(check):
    one = check()["models"]["shop--steady"]
    quality = one["quality"]
    # The last label of a row counts, and that of one row is no class.
    assert (quality["metric"], quality["rows"], quality["held_out"], quality["worse"]) == (
        "accuracy",
        ROWS - 1,
        0.9,
        True,
    )
    assert 0.5 < quality["low"] < quality["value"] < quality["high"] < 0.7
    assert "late labels" in one["said"]
    assert one["drifted_columns"] == 0
    assert one["rows_left_out"] == {
        "a label that is not a class": 1,
        "a label of a row that was not captured": 1,
        "a label without request_id, row and label": 2,
    }


def test_of_more_rows_than_are_read_a_sample_of_the_whole_window_is(filled, monkeypatch):
    monkeypatch.setattr(captured, "MOST_ROWS", 40)
    rng, now = np.random.default_rng(2), datetime.now(UTC)
    group, known = "shop--busy", packed(streams.baseline(rng))
    filled.s3.put_object(Bucket="jobs", Key=baseline_key(artifact("busy")), Body=known)
    for hour in range(24):
        at = now - timedelta(hours=24 - hour)
        key = f"captured/{group}/version=3/date={at.date().isoformat()}/{at:%H}.jsonl"
        frame = streams.rows(rng, 4).assign(x1=float(hour))
        body = streams.line(frame, ["no"] * 4, at=at, group=group, request_id=str(hour))
        filled.s3.put_object(Bucket="jobs", Key=key, Body=body)
    folders = objects.Folders(*(objects.Folder("jobs", prefix) for prefix in ("", "captured/", "labels/")))
    entries = {group: {"key": artifact("busy"), "version": 3}}
    since = now - timedelta(days=7)
    (one,) = objects.fetched(filled.s3, folders, entries, {}, since, since)
    table = captured.table_of(unpacked(one.baseline))
    found = captured.Captured(table, group, 3, captured.Window(since, now))
    for body in one.captured:
        found.add(body)
    hours = next(values for name, _, values, _ in found.columns() if name == "x1")
    assert len(hours) == 40
    assert hours.min() < 8
    assert hours.max() >= 16
    assert found.left_out == {"more than 40 rows": 14}


def test_what_cannot_be_used_is_counted_and_the_rest_goes_on(check):
    one = check()["models"]["shop--clumsy"]
    assert (one["status"], one["rows"]) == ("steady", ROWS + 1)
    assert one["rows_left_out"] == {
        "no JSON": 2,
        "another schema": 2,
        "written twice": 1,
        "after the window": 1,
        "of another model or version": 1,
        "captured without its rows": 1,
        "an answer without predictions": 1,
        "rows that the model cannot read": 1,
        "an object that cannot be unpacked": 1,
    }


def test_a_check_of_one_model_leaves_the_newest_report_alone(check, filled):
    before = check()
    report = check(group="shop--clumsy")
    assert report["only"] == list(report["models"]) == ["shop--clumsy"]
    assert "page" in report["models"]["shop--clumsy"]
    assert json.loads(read(filled, "monitoring/latest.json"))["totals"] == before["totals"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"window": "7"}, "'7' is not a number of hours or days, such as 24h or 7d"),
        ({"group": "shop--gone"}, "shop--gone is not in service; in service: shop--broken"),
        ({"false_discovery_rate": "2"}, "--false-discovery-rate must be between 0 and 1"),
    ],
)
def test_an_argument_that_cannot_be_used_ends_the_job_with_a_sentence(check, given, said):
    with pytest.raises(SystemExit, match=said):
        check(**given)


def test_an_environment_without_models_has_an_empty_report(check):
    report = check(models_map_uri="s3://jobs/deployments/none.json")
    jsonschema.validate(report, FORM)
    assert report["models"] == {}
