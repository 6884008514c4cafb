"""A check as a real processing job of local_aws, started by a person; and late labels."""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from support import schemas
from support.container import streams
from support.helpers import checks
from support.helpers.webhook import webhook
from support.local_aws.aws import server_of
from support.local_aws.pipeline import compare, condition, create, finish, get
from tabular.monitoring.baseline import packed
from tabular.monitoring.objects import baseline_key

import local_aws
from commands import monitor
from commands.__main__ import main
from commands.running import perform
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
        lines = streams.requests(frame, streams.predicted(rng, ROWS), 10, at=at, group=group)
        place = f"{contract.captured_prefix}{group}/version=3/date={at.date().isoformat()}/a.jsonl.gz"
        s3.put_object(Bucket=session.bucket, Key=place, Body=gzip.compress(b"\n".join(lines)))
    s3.put_object(Bucket=session.bucket, Key=contract.models_map_key, Body=json.dumps(entries))
    yield session
    late = s3.list_objects_v2(Bucket=session.bucket, Prefix=contract.labels_prefix)
    for one in late.get("Contents", []):
        s3.delete_object(Bucket=session.bucket, Key=one["Key"])
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
    known = (f"request-{10 * (row // 10)},{row % 10},yes\n" for row in range(ROWS))
    late.write_text("request_id,row,label\n" + "".join(known))
    typed = ["monitor", str(file), "--window", WINDOW]
    with webhook() as hook:
        told_by = ["-p", "NOTIFY", hook.url]
        assert main([*typed, "--labels", "even", str(late), *told_by]) == ExitCode.REFUSED
        main(["monitor", str(file), "--latest", *told_by])
    ((_, message),) = hook.received
    schemas.validate(message, "drift")
    assert message["text"].startswith("many-models: 2 of 2 models have drifted: drifted (x6), even.")
    told = capsys.readouterr().out
    assert "200 labels of even uploaded." in told
    assert "[2/2] even: requests 20, rows 200, columns compared 10" in told
    page = next(Path(line.strip()) for line in told.splitlines() if line.endswith("drifted.html"))
    assert "x6" in page.read_text(), "a browser can open it"
    lines = told.splitlines()
    table = next(number for number, line in enumerate(lines) if line.startswith("data set"))
    assert lines[table + 1].split()[:3] == ["drifted", "3", "drifted"]
    assert "x6" in lines[table + 1]
    assert "2 of 2 models have drifted." in told, "the other is worse by its labels"
    assert main(["monitor", str(file), "--latest", "--json"]) == ExitCode.REFUSED
    report = json.loads(capsys.readouterr().out)
    assert report == reports.latest(watched)
    assert report["models"][watched.group("even")]["quality"]["worse"]


@pytest.fixture
def retrainable(watched: Session) -> Iterator[Session]:
    """The drifted model asks to be retrained, by a pipeline whose executions do nothing."""
    sagemaker, s3, contract = watched.client("sagemaker"), watched.client("s3"), load()
    event = {"dataset": "drifted", "target": "sold", "family": "regression", "parameters": {}}
    objects = {
        f"{contract.monitoring_prefix}on-drift.json": json.dumps({"drifted": event}),
        f"{contract.prefixes.raw}drifted/new.csv": "sold\n1\n",
    }
    for key, body in objects.items():
        s3.put_object(Bucket=watched.bucket, Key=key, Body=body)
    pipeline = watched.pipeline("regression")
    names = ("DatasetName", "InputDataUri", "TargetColumn", "TunerSeed")
    steps = [condition("Nothing", [compare("Equals", get("Parameters.TargetColumn"), "sold")])]
    create(sagemaker, pipeline, steps, [{"Name": name, "Type": "String"} for name in names])
    yield watched
    sagemaker.delete_pipeline(PipelineName=pipeline)
    for key in (*objects, f"{contract.monitoring_prefix}retrained.json"):
        s3.delete_object(Bucket=watched.bucket, Key=key)


def _scheduled(session: Session, name: str) -> None:
    """Let a job run to its end, as the schedule starts it."""
    asked = reports.request(session, f"{reports.job_prefix(session.pipeline_name)}{name}", WINDOW, [])
    where = (session.pipeline_name, session.region, session.account_id)
    asked["AppSpecification"]["ContainerArguments"] = checks.scheduled(*where, WINDOW)
    session.client("sagemaker").create_processing_job(**asked)
    reports.wait(session, asked["ProcessingJobName"], quiet=True)


def test_a_scheduled_check_puts_metrics_tells_and_retrains_once(retrainable):
    server = server_of(retrainable)
    _scheduled(retrainable, "first")
    (told,) = local_aws.messages(server)
    assert told["topic"].endswith(":many-models-alarms")
    assert told["subject"] == "many-models: drift in drifted"
    assert "- drifted, version 3: x6: drift" in told["message"]
    assert _drifted_models(retrainable) == [1.0]
    sagemaker, pipeline = retrainable.client("sagemaker"), retrainable.pipeline("regression")
    (execution,) = sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]
    done, _ = finish(sagemaker, execution["PipelineExecutionArn"])
    assert done["PipelineExecutionDescription"] == "drifted, retraining"
    _scheduled(retrainable, "second")
    assert len(local_aws.messages(server)) == 2
    assert len(sagemaker.list_pipeline_executions(PipelineName=pipeline)["PipelineExecutionSummaries"]) == 1


def _drifted_models(session: Session) -> list[float]:
    """What CloudWatch has of the metric that the alarm watches."""
    dimensions = [{"Name": "PipelineName", "Value": session.pipeline_name}]
    metric = {"Namespace": "ManyModels", "MetricName": "DriftedModels", "Dimensions": dimensions}
    now = datetime.now(UTC)
    (found,) = session.client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "x", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
    )["MetricDataResults"]
    return found["Values"]


def test_drifted_tables_of_the_file_are_run_once_for_each_drift(session, tmp_path, monkeypatch, capsys):
    runs, ends = [], iter([ExitCode.FAILED, ExitCode.DONE, ExitCode.REFUSED])

    def run(notebooks, values, folder):
        runs.append(([path.name[:2] for path in notebooks], [one["name"] for one in values["DATASETS"]]))
        return next(ends)

    monkeypatch.setattr(perform, "run", run)
    entries = [{"name": name, "uri": "t.csv", "target": "sold"} for name in ("drifted", "even")]
    values = {"ENVIRONMENT": "local", "DATASETS": entries}

    def retrain(status: str) -> int:
        models = {"drifted": status, "even": "steady", "other": "drifted"}
        found = {name: {"data_set": name, "version": 3, "status": one} for name, one in models.items()}
        return monitor._retrain(values, {"models": found}, tmp_path)

    assert retrain("drifted") == ExitCode.FAILED
    assert reports.retrained(session) == {}, "a run that failed is tried again"
    retrain("drifted")
    assert runs == [(["02", "03"], ["drifted"])] * 2
    assert reports.retrained(session) == {"drifted": 3}
    retrain("drifted")
    assert len(runs) == 2, "the drift has not ended"
    said = capsys.readouterr().err.splitlines()[-2:]
    assert said == [
        "drifted is not retrained: a run has followed from this drift.",
        "other is not retrained: DATASETS does not name it.",
    ]
    retrain("steady")
    assert reports.retrained(session) == {}
    retrain("drifted")
    assert len(runs) == 3
    reports.retrained(session, {})


def test_a_check_of_what_is_not_in_service_is_refused_before_it_starts(watched):
    with pytest.raises(BadInput, match=r"^gone is not in service, .* in service: drifted, even"):
        reports.start(watched, WINDOW, ["even", "gone"])


def test_a_job_whose_model_went_out_of_service_fails_with_a_sentence(watched):
    asked = reports.request(watched, f"{reports.job_prefix('many-models')}gone", WINDOW, ["gone"])
    watched.client("sagemaker").create_processing_job(**asked)
    with pytest.raises(JobFailed, match="many-models--gone is not in service; in service: many-models--drif"):
        reports.wait(watched, asked["ProcessingJobName"])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("late.csv", "id,label\n1,yes\n", "has no column 'request_id'"),
        (
            "late.csv",
            "request_id,row,label\na,0,maybe\n",
            "line 2, has the label 'maybe', which is not a class",
        ),
        ("late.csv", "request_id,row,label\na,first,yes\n", "line 2, has the row 'first'"),
        ("late.csv", "request_id,row,label\n,0,yes\n", "line 2, has no request_id"),
        ("late.csv", "request_id,row,label\na,0,\n", "line 2, has no label"),
        ("late.csv", "request_id,row,label\n", "has no labels"),
        ("late.jsonl", '{"request_id": "a", "label": "yes"}\n[1]\n', "line 2, is not a JSON object"),
        ("late.txt", "a", "is neither .csv nor .jsonl"),
    ],
)
def test_labels_that_cannot_be_used_are_refused_with_their_line(watched, tmp_path, name, text, said):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(BadInput, match=said):
        labels.upload(watched, [("even", file)])
    with pytest.raises(BadInput, match="gone is not in service"):
        labels.upload(watched, [("gone", file)])


def test_no_labels_are_uploaded_unless_all_can_be_used(watched, tmp_path):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("request_id,label\nno-such-request,yes\n")
    bad.write_text("request_id,label\n,yes\n")
    before = _labels(watched)
    with pytest.raises(BadInput, match=r"bad\.csv, line 2"):
        labels.upload(watched, [("even", good), ("even", bad)])
    assert _labels(watched) == before


def _labels(session):
    listed = session.client("s3").list_objects_v2(Bucket=session.bucket, Prefix="labels/")
    return {it["Key"] for it in listed.get("Contents", [])}


def test_a_job_has_room_for_the_id_of_a_schedules_call():
    longest = reports.job_prefix("a-name-of-as-many-as-32-characte")
    assert longest == "a-name-of-as-many-monitor-"
    assert len(longest) + 36 <= 63
