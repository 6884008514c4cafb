"""Pruning: what old executions left goes, and what serves, is registered or is running stays."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import ROOT

import local_aws
from commands.running.lock import exclusive
from local_aws.core.account import Account
from local_aws.core.errors import AwsError
from local_aws.core.files import disk_use
from local_aws.core.moto import Moto
from local_aws.core.store import Store
from local_aws.pruning import INTERMEDIATES, Pruning, Record, needed
from local_aws.services.jobs.sharing import SharedFolders
from local_aws.services.s3 import Buckets

DAY = 24 * 3600
OLD, NEW = 8 * DAY, 6 * DAY  # seconds ago


def arn(id: str) -> str:
    return f"arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/{id}"


def execution(id: str, **fields: object) -> Record:
    return Record("execution", arn(id), fields)


def test_an_execution_that_nothing_mentions_is_not_needed() -> None:
    records = [execution("one"), Record("execution-steps", arn("one"), {}), Record("pipeline", "p", {})]
    kept, own = needed(records, set(), {"one"})
    assert kept == set()
    assert [record.kind for record in own["one"]] == ["execution", "execution-steps"]


@pytest.mark.parametrize("kind", ["model-package", "model", "endpoint-config", "pipeline", "environment"])
def test_a_record_that_mentions_an_execution_keeps_it(kind: str) -> None:
    mention = Record(kind, "name", {"Url": "s3://b/executions/RefitBestModel/one/job/model.tar.gz"})
    assert needed([execution("one"), execution("two"), mention], set(), {"one", "two"})[0] == {"one"}


def test_what_the_deployer_mentions_is_kept() -> None:
    assert needed([execution("one")], {"one"}, {"one"})[0] == {"one"}


def test_what_is_kept_keeps_what_it_was_taken_from() -> None:
    """A version of `three`, which took a step from `two`, which took one from `one`; `four` took one, too."""
    steps = {"two": "one", "three": "two", "four": "one"}
    records = [
        *(execution(id) for id in ("one", "two", "three", "four")),
        *(
            Record("execution-steps", arn(id), {"Arn": f"processing-job/pipelines-{source}-Preprocess-x"})
            for id, source in steps.items()
        ),
        Record("model-package", "v", {"Url": "s3://b/executions/three/model"}),
    ]
    assert needed(records, set(), {"one", "two", "three", "four"})[0] == {"one", "two", "three"}
    assert needed(records[:-1], set(), {"one", "two", "three"})[0] == {"one", "four"}, "newer ones, too"


def test_what_keeps_the_results_of_a_step_for_others_is_its_executions_own() -> None:
    cached = Record("step-cache", "hash", {"JobName": "pipelines-one-x", "PipelineExecutionArn": arn("one")})
    assert needed([execution("one"), cached], set(), {"one"})[0] == set()


@pytest.fixture
def state(account: Account, name: str) -> Iterator[SimpleNamespace]:
    """A state of four executions: one registered and old, one old, one running since long, one new."""
    home = account.home
    store, buckets = Store(home / "records.db"), Buckets(home / "s3", Moto())
    buckets.create(name, "us-east-1")

    def add(id: str, ago: float, status: str) -> None:
        store.put(
            "execution",
            arn(id),
            {"PipelineExecutionStatus": status, "LastModifiedTime": time.time() - ago, "Table": f"{id}hash"},
        )
        trial = {"TuningJobArn": f"tuning/{id}-tuning", "Channel": f"raw/{id}/{hash_of(id)}/"}
        for kind, job, document in (
            ("processing-job", f"pipelines-{id}-Evaluate-x", {}),
            ("training-job", f"{id}-TuningW-000-y", trial),
        ):
            store.put(kind, job, document)
            store.put("tags", f"arn:aws:sagemaker:us-east-1:123456789012:{kind}/{job}", {"a": "b"})
            for path in ("log.txt", "ml/output/data/scores.json"):
                (home / "jobs" / job / path).parent.mkdir(parents=True, exist_ok=True)
                (home / "jobs" / job / path).write_text(id)
        store.put("step-cache", f"key of {id}", {"PipelineExecutionArn": arn(id)})
        for key in (
            f"executions/RefitBestModel/{id}/model.tar.gz",
            f"executions/PreprocessData/train/{id}/data.parquet",
            f"executions/TuningWithCrossValidation/{id}/{id}-TuningW-000-y/output/model.tar.gz",
            f"raw/{id}/{hash_of(id)}/data.parquet",
        ):
            buckets.put(f"s3://{name}/{key}", id.encode())

    add("registered", OLD, "Succeeded")
    add("old", OLD, "Failed")
    add("running", OLD, "Executing")
    add("new", NEW, "Succeeded")
    store.put(
        "model-package", "v1", {"Url": f"s3://{name}/executions/RefitBestModel/registered/model.tar.gz"}
    )
    buckets.put(f"s3://{name}/raw/by-hand/table.csv", b"a person's")
    for prefix in ("captured/p--wine/version=1/date=2026-01-01", "captured-errors/format-conversion-failed"):
        buckets.put(f"s3://{name}/{prefix}/one.jsonl.gz", b"what somebody sent")
    for path in (home / "s3" / name).iterdir():
        path.write_bytes(
            re.sub(rb'"last_modified": "[^"]*"', b'"last_modified": "2026-01-01T00:00:00"', path.read_bytes())
        )
    buckets = Buckets(home / "s3", Moto())
    shared = SharedFolders(home)
    yield SimpleNamespace(
        home=home, store=store, buckets=buckets, bucket=name, pruning=Pruning(account, store, buckets, shared)
    )
    store.close()


def hash_of(id: str) -> str:
    return id.encode().hex().ljust(64, "0")


def test_captured_requests_expire_in_a_small_state_too(
    state: SimpleNamespace,
) -> None:
    new = f"s3://{state.bucket}/captured/p--wine/version=1/date=2026-02-01/one.jsonl.gz"
    state.buckets.put(new, b"what somebody sent just now")
    everything = state.buckets.keys(state.bucket, "")
    state.pruning.prune_if_large()
    left = state.buckets.keys(state.bucket, "")
    assert [key for key in left if key.startswith("captured")] == [new.partition(f"{state.bucket}/")[2]]
    assert len(left) == len(everything) - 2


def test_only_what_is_old_and_not_needed_goes(state: SimpleNamespace) -> None:
    before = disk_use(state.home)
    freed = state.pruning.prune()
    assert (freed["executions"], freed["needed"], freed["jobs"], freed["objects"]) == (1, 1, 2, 8)
    assert freed["left_bytes"] == disk_use(state.home) <= before
    left = {record[1] for record in state.store.items()}
    assert {arn(id) for id in ("registered", "running", "new")} <= left
    assert not [name for name in left if "old" in name.split("-") or name == arn("old")]
    jobs = state.home / "jobs"
    assert not [path for path in jobs.iterdir() if "old" in path.name]
    assert (jobs / "registered-TuningW-000-y/log.txt").read_text() == "registered"
    assert not (jobs / "registered-TuningW-000-y/ml").exists()
    assert (jobs / "pipelines-registered-Evaluate-x/ml/output/data/scores.json").is_file()
    for id in ("running", "new"):
        assert (jobs / f"{id}-TuningW-000-y/ml/output/data/scores.json").read_text() == id
        assert len([key for key in state.buckets.keys(state.bucket, "") if id in re.split(r"[/]", key)]) == 4
    assert set(state.buckets.keys(state.bucket, "")) >= {
        "executions/RefitBestModel/registered/model.tar.gz",
        f"raw/registered/{hash_of('registered')}/data.parquet",
        "raw/by-hand/table.csv",
    }


def test_a_second_time_frees_nothing(state: SimpleNamespace) -> None:
    state.pruning.prune()
    freed = state.pruning.prune()
    assert (freed["executions"], freed["objects"]) == (0, 0)


def test_a_step_whose_files_went_is_not_taken_from_the_cache(state: SimpleNamespace) -> None:
    state.pruning.prune()
    left = {name for kind, name, _ in state.store.items() if kind == "step-cache"}
    assert left == {"key of running", "key of new"}


def test_days_are_not_negative(state: SimpleNamespace) -> None:
    with pytest.raises(AwsError, match="days is -1; it must be 0 or more"):
        state.pruning.prune(-1)


def test_only_a_large_state_is_pruned_by_itself(
    state: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state.pruning.prune_if_large()
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("local_aws.pruning.LARGE", 1)
    state.pruning.prune_if_large()
    assert json.loads(capsys.readouterr().out)["pruned"]["executions"] == 1


def test_terraform_lets_the_same_expire() -> None:
    (listed,) = re.findall(
        r"intermediates = \[\s+for folder in (\[.*?\])", (ROOT / "terraform/storage.tf").read_text()
    )
    assert tuple(json.loads(listed)) == INTERMEDIATES


def test_it_waits_for_no_run(tmp_path: Path) -> None:

    with (
        exclusive(tmp_path / "run.lock"),
        pytest.raises(local_aws.LocalAwsError, match="A run uses the state"),
    ):
        local_aws.prune(tmp_path)
