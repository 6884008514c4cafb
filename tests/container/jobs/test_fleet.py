"""SearchAndRefit for a table with partitions: own models, the pooled one, several instances, a restart."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from support import HANGS, PATIENCE
from support.container.documents import faults
from support.container.jobs import give_hyperparameters
from tabular.data.splits.partitions import Partitions
from tabular.data.splits.shards import read_shard, shard_files, write_shards
from tabular.fleets.choice import choose
from tabular.fleets.crew import candidates
from tabular.fleets.own import NOT_SEARCHED, Candidate, search_partition, task_of
from tabular.jobs import search
from tabular.jobs.fleet import _Progress
from tabular.judging.agreement import as_model_input
from tabular.portable.files import load_model
from tabular.portable.model import PortableModel
from tabular.spec import opt_ml
from tabular.spec.columns import Column, Schema
from tabular.spec.documents.partitions import OwnModel
from tabular.spec.options import Options
from tabular.spec.search import Plan

ROWS = (120, 120, 60, 30, 6, 2)
PLAN = Plan("LogisticRegression,NaiveBayes", 2, "neg_log_loss", 3, 7, ensemble="false")
NAMES = tuple(f"store {place}" for place in range(len(ROWS)))
COLUMNS = (Column("store", "categorical"), Column("size", "numeric"), Column("fixed", "numeric"))
SCHEMA = Schema("binary", "sold", ("no", "yes"), COLUMNS, Options(partition=("store",)))


@pytest.fixture
def shards(base):
    """The training shards of six stores; the second one sells what the others do not, and the fourth all."""
    draw = np.random.default_rng(3)
    number = np.repeat(np.arange(len(ROWS)), ROWS)
    size = draw.normal(size=len(number))
    leaning = np.where(number == 1, -3 * size, 3 * size) + draw.normal(size=len(number))
    target = np.where(number == 3, 1, leaning > 0).astype(np.int64)
    store = np.array(NAMES, dtype=object)[number]
    frame = pd.DataFrame({"store": store, "size": size, "fixed": number * 1.0})
    folder = base / "input/data/train"
    partitions = Partitions(("store",), tuple((name,) for name in NAMES), number)
    rows = np.arange(len(number))
    sha = [f"{place:064d}" for place in range(len(ROWS))]
    write_shards(folder, frame, target, SCHEMA, partitions, rows, np.zeros(len(ROWS)), sha)
    give_hyperparameters(base, **PLAN.to_hyperparameters(), sagemaker_program="tabular.jobs.search")
    return folder


def documents(folder) -> list[OwnModel]:
    found = [
        one
        for file in sorted(folder.glob("own-*.json"))
        for one in json.loads(file.read_text())["partitions"]
    ]
    assert all(faults(one, OwnModel) == [] for one in found)
    return sorted(found, key=lambda one: one["number"])


def compared(model, data) -> dict[str, bool]:
    """Whether each partition's own model is better than the pooled one, by what a job has left."""
    pooled = pd.read_parquet(data / "pooled-losses.parquet")
    found = {}
    for file in sorted(model.glob("own-*.json")):
        own = pd.read_parquet(data / f"losses-{file.stem[4:]}.parquet")["own"].to_numpy()
        about = json.loads(file.read_text())
        theirs = pooled[pooled["shard"] == about["shard"]].sort_values("row")["loss"].to_numpy()
        (one,) = about["partitions"]  # each shard of so few partitions has one
        found[one["key"][0]] = choose(own, theirs, one.get("optimism", 0.0)).own
    return found


def test_a_fleet_is_searched_by_partition_and_as_a_whole(base, shards, run_module, capsys):
    run_module(search.main)
    found = documents(base / "model")
    assert [one["key"] for one in found] == [[name] for name in NAMES]
    reasons = [one["reason"] for one in found]
    assert reasons[:3] == [None] * 3
    assert reasons[3] == "It has no training row of 'no'."
    assert [reason[:6] for reason in reasons[4:]] == ["It has", "It has"]
    # A model of its own knows neither the partition's name nor what is the same in all of its rows.
    assert [one["model"] and one["model"]["columns"] for one in found] == [["size"]] * 3 + [None] * 3
    load_model(base / "model/pooled")
    pooled = json.loads((base / "model/pooled/manifest.json").read_text())
    assert [one["name"] for one in pooled["columns"]] == ["store", "size", "fixed"]
    assert pooled["training"]["rows"] == sum(ROWS)
    # The second store differs from the others, of which none can have its own that has no candidate.
    chosen = compared(base / "model", base / "output/data")
    assert chosen["store 1"]
    assert not any(chosen[name] for name in NAMES[3:])
    # What is left is enough to predict as the search did.
    second = read_shard(shard_files(shards)[0])
    arrays = load_file(base / f"model/own-{second.number:03d}.safetensors")
    one = next(each for each in found if each["key"] == second.partitions[0]["key"])
    schema = Schema("binary", "sold", ("no", "yes"), (Column("size", "numeric"),))
    described = {name: one["model"][name] for name in ("encodings", "estimator")}
    own = {name.partition("/")[2]: array for name, array in arrays.items()}
    model = PortableModel(schema.to_dict() | described, own)
    predicted = model.predict(*as_model_input(second.frame, schema))
    labels = np.array(["no", "yes"])[second.target]
    assert np.mean(np.array(predicted.labels) == labels) > 0.8
    said = capsys.readouterr().out
    assert "progress: 6 of 6 partitions, 3 with a model of their own" in said
    assert "progress: pooled model, 2 of 2 trials" in said


def test_a_restart_takes_the_shards_that_were_done(base, shards, run_module, capsys, monkeypatch):
    (base / "checkpoints").mkdir()
    run_module(search.main)
    before = {path.name: path.read_bytes() for path in (base / "model").glob("own-*")}
    losses = {path.name: path.read_bytes() for path in (base / "output/data").glob("losses-*")}
    for folder in ("model", "output"):
        shutil.rmtree(base / folder)
    half = next(path for path in sorted((base / "checkpoints").glob("own-*.zip")))
    half.write_bytes(half.read_bytes()[:-100])  # as if the job had been killed while it wrote this one
    capsys.readouterr()
    run_module(search.main)
    assert "5 of 6 shards are taken from the checkpoint" in capsys.readouterr().out
    after = {path.name: path.read_bytes() for path in (base / "model").glob("own-*")}
    same = [name for name in before if name.endswith(".safetensors")]
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert {path.name: path.read_bytes() for path in (base / "output/data").glob("losses-*")} == losses


def test_a_fleet_is_searched_without_a_checkpoint_that_cannot_be_written(base, shards, run_module, capsys):
    (base / "checkpoints").mkdir()
    run_module(search.main)
    for file in (base / "checkpoints").glob("own-*"):
        file.unlink()
        file.mkdir()  # so that no file can be written under this name
    run_module(search.main)
    assert capsys.readouterr().out.count("the checkpoint cannot be written (Is a directory)") == 1
    assert [one["model"] is not None for one in documents(base / "model")][:3] == [True] * 3


def test_a_disk_without_room_for_the_results_ends_the_job_with_a_sentence(base, shards, run_module):
    (base / "model").mkdir()
    (base / "model/own-000.safetensors").symlink_to("/dev/full")
    with pytest.raises(
        SystemExit, match=r"^No space is left on the job's disk for .*; give the instance a larger"
    ):
        run_module(search.main)


def test_processes_find_what_one_process_finds(shards):
    tasks = [
        task_of(shard, one, PLAN)
        for shard in map(read_shard, shard_files(shards))
        for one in shard.partitions
    ]
    alone, together = list(map(search_partition, tasks)), list(candidates(iter(tasks), 2))
    for one, other in zip(alone, together, strict=True):
        assert {**one.document, "seconds": 0} == {**other.document, "seconds": 0}
        np.testing.assert_array_equal(one.losses, other.losses)
        assert one.arrays.keys() == other.arrays.keys()


def test_a_search_that_fails_is_a_reason_and_not_the_end(shards):
    shard = read_shard(shard_files(shards)[0])
    task = task_of(shard, shard.partitions[0], PLAN)
    task.frame.loc[0, "size"] = np.inf
    found = search_partition(task)
    assert found.document["model"] is None
    assert "failed" in found.document["reason"]
    assert np.isnan(found.losses).all()


def test_partitions_for_which_there_is_no_time_are_left_to_the_pooled_model(
    base, shards, run_module, monkeypatch
):
    monkeypatch.setattr("tabular.jobs.fleet.OWN_SHARE", 1e-9)
    give_hyperparameters(base, **replace(PLAN, seconds=1).to_hyperparameters(), sagemaker_program="-")
    run_module(search.main)
    found = documents(base / "model")
    assert {(one["reason"], one["unfinished"]) for one in found[:3]} == {(NOT_SEARCHED, True)}
    # No time would have given these a model of their own.
    assert ["unfinished" in one for one in found[3:]] == [False] * 3
    assert found[3]["reason"] == "It has no training row of 'no'."
    assert found[4]["reason"] == "It has 6 training rows, and 20 are needed."
    about = json.loads((base / "output/data/fleet-search-algo-1.json").read_text())
    assert (about["partitions"], about["candidates"], about["unfinished"]) == (6, 0, 3)
    load_model(base / "model/pooled")


def test_two_instances_make_one_fleet(base, shards, aws):
    for file in shard_files(shards):
        aws.s3.upload_file(str(file), "jobs", f"fleet-train/{file.name}")
    name = "fleet-of-two"
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": "s3://jobs/fleet-train/",
        "S3DataDistributionType": "ShardedByS3Key",
    }
    aws.sagemaker.create_training_job(
        TrainingJobName=name,
        HyperParameters=PLAN.to_hyperparameters()
        | {"sagemaker_program": "tabular.jobs.search", "sagemaker_submit_directory": aws.source},
        AlgorithmSpecification={
            "TrainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:local",
            "TrainingInputMode": "File",
        },
        RoleArn="arn:aws:iam::123456789012:role/jobs",
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": "s3://jobs/fleets"},
        ResourceConfig={"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": HANGS},
    )
    aws.sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=name, WaiterConfig=PATIENCE
    )
    job = aws.sagemaker.describe_training_job(TrainingJobName=name)
    assert job["TrainingJobStatus"] == "Completed", job
    for file, folder in (("model.tar.gz", "model"), ("output.tar.gz", "data")):
        aws.s3.download_file("jobs", f"fleets/{name}/output/{file}", str(base / file))
        opt_ml.extract(base / file, base / folder)
    hosts = [json.loads((base / f"data/fleet-search-algo-{number}.json").read_text()) for number in (1, 2)]
    assert [one["shards"] for one in hosts] == [3, 3]
    assert ["pooled_seconds" in one for one in hosts] == [True, False]
    assert [one["key"] for one in documents(base / "model")] == [[one] for one in NAMES]
    assert compared(base / "model", base / "data")["store 1"]


def test_how_long_is_left_is_said_by_the_pace_after_the_libraries_are_imported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = iter([0.0, *(100.0 + second for second in range(300))])  # 100 s until the first one has ended
    progress = _Progress(300, lambda: next(clock))
    for number in range(300):
        document: OwnModel = {
            **{"number": number, "key": [str(number)], "rows": 1, "sha256": ""},
            **{"reason": "Too few.", "model": None, "seconds": 0.0},
        }
        progress.note(Candidate(document, np.empty(0)))
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "progress: 1 of 300 partitions, 0 with a model of their own (100 s)"
    assert "progress: 111 of 300 partitions, 0 with a model of their own (210 s, about 3 min left)" in said
    assert "progress: 201 of 300 partitions, 0 with a model of their own (300 s, about 99 s left)" in said
    assert said[-1].endswith("(399 s)")
