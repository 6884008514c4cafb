"""SearchAndRefit: its model and its document, the champion's trials first, and going on after a kill."""

import json
import re
import tarfile
from dataclasses import replace
from functools import partial

import joblib
import numpy as np
import pytest
from support import HANGS
from support.container.documents import faults
from support.container.jobs import give_hyperparameters, request_of_trials
from support.container.tables import family, mixed
from support.local_aws.aws import wait_for
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.data.splits.files import read_split, write_split
from tabular.jobs import search
from tabular.jobs.model_files import good_before
from tabular.judging.agreement import check_equal
from tabular.judging.champion import Champion
from tabular.portable.files import load_model
from tabular.searching.search import Settings
from tabular.spec.documents.models import Manifest
from tabular.spec.documents.searches import SearchReport
from tabular.spec.search import Plan
from tabular.spec.trial import METRICS, ROUNDS, SCORE

import local_aws

PLAN = Plan("LogisticRegression,NaiveBayes,LightGBM", 5, "neg_log_loss", 3, 7, search_rows=140)
LINEAR = "LogisticRegression,NaiveBayes"  # which take no time


@pytest.fixture
def job(base, monkeypatch):
    """The training split and the name of a job; gives a function that writes its plan."""
    table = mixed("multiclass")
    schema = infer_schema(table, "target", family("multiclass"))
    frame, target = features(table, schema), encode(table["target"], schema)
    write_split(base / "input/data/train", frame, target, schema)
    monkeypatch.setenv("TRAINING_JOB_NAME", "search-1")

    def plan(**changes) -> None:
        given = {"sagemaker_program": "tabular.jobs.search"}
        give_hyperparameters(base, **PLAN.to_hyperparameters() | changes, **given)

    plan()
    return plan


def documents(base) -> tuple[Manifest, SearchReport]:
    manifest = json.loads((base / "model/manifest.json").read_text())
    report = json.loads((base / "model/search.json").read_text())
    assert json.loads((base / "output/data/search.json").read_text()) == report
    assert faults(report, SearchReport) == []
    assert faults(manifest, Manifest) == []
    return manifest, report


def test_the_winner_is_refitted_and_its_search_is_told(base, job, run_module, capsys):
    job(ensemble="false")
    run_module(search.main)
    manifest, report = documents(base)
    assert [one["number"] for one in report["trials"]] == list(range(5))
    best = report["trials"][report["best"]]
    assert best["score"] == max(one["score"] for one in report["trials"] if one["score"] is not None)
    assert best["score"] == pytest.approx(np.mean(best["scores"]))
    assert (report["ensemble"], report["stopped"], report["warm_started_from"]) == (None, "trials", None)
    assert manifest["algorithm"] == best["algorithm"]
    assert best["hyperparameters"].items() <= manifest["hyperparameters"].items()
    assert manifest["cross_validation"] == {
        "scorer": "neg_log_loss",
        "folds": 3,
        "rows": report["rows"],
        "score": best["score"],
        "nested_score": report["best_nested_score"],
        "dummy_score": pytest.approx(-np.log(3), abs=0.05),
        "training_job": "search-1",
    }
    assert 140 <= report["rows"] < 160
    assert manifest["training"]["rows"] == 160
    said = capsys.readouterr().out
    assert float(re.findall(METRICS[SCORE], said)[-1]) == best["score"]
    assert re.findall(METRICS[ROUNDS], said) == ([] if best["rounds"] is None else [str(best["rounds"])])
    naive = max(one["score"] for one in report["trials"] if one["algorithm"] == "NaiveBayes" and one["score"])
    assert f"NaiveBayes: neg_log_loss {naive:.6g}" in said
    assert "progress: 5 of 5 trials" in said
    frame, _, schema = read_split(base / "input/data/train")
    pipeline = joblib.load(base / "output/data/pipeline.joblib")
    check_equal(load_model(base / "model"), pipeline, frame, schema)


def test_an_ensemble_is_one_model_of_all_its_members(base, job, run_module, monkeypatch, capsys):
    always = partial(search.search, settings=Settings(confidence=0.0))
    monkeypatch.setattr(search, "search", always)
    run_module(search.main)
    manifest, report = documents(base)
    members = report["ensemble"]["members"]
    assert manifest["algorithm"] == "Ensemble"
    assert [one["trial"] for one in manifest["ensemble"]["members"]] == [one["trial"] for one in members]
    assert sum(one["weight"] for one in members) == pytest.approx(1)
    assert report["ensemble"]["chosen"]
    found = report["ensemble"]
    assert manifest["cross_validation"]["score"] == found["score"]
    assert manifest["cross_validation"]["nested_score"] == found["nested_score"] < found["score"]
    assert found["nested_score"] - report["best_nested_score"] == pytest.approx(found["gain"]["value"])
    frame, _, schema = read_split(base / "input/data/train")
    pipeline = joblib.load(base / "output/data/pipeline.joblib")
    assert len(pipeline.pipelines) == len(members) > 1
    check_equal(load_model(base / "model"), pipeline, frame, schema)
    assert f"ensemble of {len(members)} chosen: on folds that had no part" in capsys.readouterr().out


def test_a_search_begins_with_what_serves_now(as_a_job, base, job, run_module, tmp_path, capsys):
    job(algorithms=LINEAR, ensemble="false")
    run_module(search.main)
    before = documents(base)[1]
    archive = tmp_path / "champion.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for file in (base / "model").iterdir():
            tar.add(file, file.name)
    as_a_job.s3.upload_file(str(archive), "jobs", "models/champion.tar.gz")
    entry = {"many--table": {"version": 4, "key": "models/champion.tar.gz"}}
    as_a_job.s3.put_object(Bucket="jobs", Key="map.json", Body=json.dumps(entry))
    job(
        models_map_uri="s3://jobs/map.json",
        group="many--table",
        algorithms=LINEAR,
        trials="6",
        random_state="8",
    )
    run_module(search.main)
    _, report = documents(base)
    assert report["warm_started_from"] == 4
    first, second = report["trials"][:2]
    assert (first["source"], second["source"]) == ("warm", "warm")
    assert first["hyperparameters"] == before["trials"][before["best"]]["hyperparameters"]
    assert "default" in {one["source"] for one in report["trials"]}
    assert "version 4, in service, may be tried first" in capsys.readouterr().out

    job(models_map_uri="s3://jobs/map.json", group="many--other", algorithms=LINEAR, trials="2")
    run_module(search.main)
    assert documents(base)[1]["warm_started_from"] is None


def test_of_a_model_without_a_search_its_own_configuration_is_known(tmp_path):
    tuned = {"algorithm": "LightGBM", "hyperparameters": {"num_leaves": "9", "n_estimators": "120"}}
    (one,) = good_before(Champion(1, tmp_path, tuned), "classification")
    assert (one.algorithm, one.hyperparameters) == ("LightGBM", {"num_leaves": "9"})
    assert not list(good_before(Champion(1, tmp_path, tuned | {"algorithm": "Gone"}), "regression"))


def test_members_of_the_ensemble_come_before_the_other_trials(tmp_path):
    trials = [
        {"number": n, "algorithm": "a", "hyperparameters": {"n": str(n)}, "state": state, "score": score}
        for n, state, score in [
            (0, "complete", 0.1),
            (1, "pruned", None),
            (2, "complete", 0.3),
            (3, "complete", 0.2),
        ]
    ]
    combined = {"chosen": True, "members": [{"trial": 3, "weight": 0.4}, {"trial": 0, "weight": 0.6}]}

    def order(ensemble: dict | None) -> list[str]:
        said = {"trials": trials, "best": 2, "ensemble": ensemble}
        (tmp_path / "search.json").write_text(json.dumps(said))
        found = good_before(Champion(1, tmp_path, {}), "classification")
        return [one.hyperparameters["n"] for one in found]

    assert order(combined) == ["0", "3", "2"]
    assert order(combined | {"chosen": False}) == order(None) == ["2", "3", "0"]


def test_a_plan_that_cannot_be_carried_out_ends_the_job_with_a_sentence(base, job, run_module):
    job(scorer="roc_auc")
    with pytest.raises(SystemExit, match="'roc_auc' does not fit a multiclass target"):
        run_module(search.main)
    job(algorithms="LightGBN")
    with pytest.raises(SystemExit, match="Did you mean 'LightGBM'"):
        run_module(search.main)


def test_an_interrupted_job_on_spot_capacity_goes_on_on_a_new_instance(aws, base, job):
    """First it is killed at once, then it has a notice, as a spot instance does."""
    split = base / "input/data/train"
    given = {"sagemaker_program": "tabular.jobs.search", "sagemaker_submit_directory": aws.source}
    plan = replace(PLAN, trials=30, ensemble="false")  # more than end before the second interruption
    aws.sagemaker.create_training_job(
        TrainingJobName="spot",
        HyperParameters=plan.to_hyperparameters() | given,
        EnableManagedSpotTraining=True,
        CheckpointConfig={"S3Uri": "s3://jobs/spot-checkpoints"},
        **request_of_trials(aws, "spot", split)
        | {"StoppingCondition": {"MaxRuntimeInSeconds": HANGS, "MaxWaitTimeInSeconds": HANGS}},
    )

    def described():
        return aws.sagemaker.describe_training_job(TrainingJobName="spot")

    def kept():
        listed = aws.s3.list_objects_v2(Bucket="jobs", Prefix="spot-checkpoints/").get("Contents", [])
        return {one["Key"] for one in listed}

    def log():
        file = aws.home / "jobs/spot/log.txt"
        return file.read_text() if file.exists() else ""

    for number, notice in ((1, 0), (2, 120)):
        # The instance has begun, has taken what was kept, and has kept one more.
        wait_for(lambda least=number: log().count("trial 0,") == least)
        before = len(kept())
        wait_for(lambda least=before + 1: len(kept()) >= least)
        local_aws.interrupt(aws.server, "spot", notice)
    ended = wait_for(lambda: found if (found := described())["TrainingJobStatus"] != "InProgress" else None)
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    passed = [one["Status"] for one in ended["SecondaryStatusTransitions"]]
    assert passed.count("Interrupted") == 2
    assert all(key.endswith(".npz") for key in kept()), "no name in S3 but those of finished trials"
    again = [part.count("from the checkpoint") for part in log().split("trial 0,")[1:]]
    assert again[0] == 0
    assert 1 <= again[1] < again[2]
    assert "progress: 30 of 30 trials" in log()
