"""RefitBestModel: the winner of the tuning on the whole training split, portable and with its history."""

import hashlib
import json
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
from botocore.exceptions import ClientError
from support.container.documents import faults
from support.container.jobs import give_hyperparameters, run, run_trial
from support.container.tables import family, mixed
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.data.splits.files import read_split, write_split
from tabular.data.splits.statistics import row_hashes
from tabular.jobs import refit
from tabular.judging.agreement import check_equal
from tabular.portable.files import load_model
from tabular.spec.documents.models import Manifest
from tabular.spec.trial import Trial

SETTINGS = {"learning_rate": "0.3", "num_leaves": "4"}
TRIAL = Trial("LightGBM", "accuracy", 3, 7, SETTINGS, search_rows=120).to_hyperparameters()


@pytest.fixture(scope="module")
def tuned(aws, tmp_path_factory):
    """A trial that has run as a training job, whose training split is in a bucket."""
    folder = tmp_path_factory.mktemp("split")
    table = mixed("multiclass")
    schema = infer_schema(table, "target", family("multiclass"))
    write_split(folder, features(table, schema), encode(table["target"], schema), schema)
    return SimpleNamespace(folder=folder, score=run_trial(aws, "trial-1", TRIAL, folder))


@pytest.fixture
def refitted(as_a_job, tuned, base, run_module, monkeypatch):
    """RefitBestModel run in this process; gives the base folder."""
    frame, target, schema = read_split(tuned.folder)
    write_split(base / "input/data/train", frame, target, schema)
    give_hyperparameters(base, best_training_job="trial-1", sagemaker_program="tabular.jobs.refit")
    monkeypatch.setenv("TRAINING_JOB_NAME", "refit-1")
    run_module(refit.main)
    return base


def test_the_winner_is_known_by_its_hyperparameters_and_score(as_a_job, tuned):
    winner = refit.winning_trial("trial-1")
    assert winner.training_job == "trial-1"
    assert winner.trial.to_hyperparameters() == TRIAL
    assert winner.trial.hyperparameters == {"learning_rate": "0.3", "num_leaves": "4"}
    assert winner.score == pytest.approx(tuned.score)
    with pytest.raises(ClientError, match="absent"):
        refit.winning_trial("absent")


def test_the_manifest_tells_where_a_model_comes_from(refitted, tuned):
    manifest = json.loads((refitted / "model/manifest.json").read_text())
    files = {name: (refitted / "model" / name).read_bytes() for name in manifest["files"]}
    assert manifest["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert (manifest["format"], manifest["format_version"]) == ("tabular-portable", 1)
    assert (manifest["task"], manifest["target"]) == ("multiclass", "target")
    assert manifest["classes"] == [0, 10, 20]
    assert manifest["columns"][2] == {"name": "member", "kind": "boolean"}
    assert faults(manifest, Manifest) == []
    assert manifest["algorithm"] == "LightGBM"
    found = manifest["hyperparameters"].pop("n_estimators")  # by the folds
    assert 1 <= int(found) <= 1000
    assert int(found) == refit.winning_trial("trial-1").rounds
    assert manifest["hyperparameters"] == {"learning_rate": "0.3", "num_leaves": "4"}
    assert manifest["cross_validation"] == {
        "scorer": "accuracy",
        "folds": 3,
        "rows": 120,
        "score": pytest.approx(tuned.score),
        "dummy_score": pytest.approx(0.35, abs=0.06),  # of three classes
        "training_job": "trial-1",
    }
    data = (refitted / "input/data/train/data.parquet").read_bytes()
    assert manifest["training"] == {
        "job": "refit-1",
        "rows": 160,
        "data_sha256": hashlib.sha256(data).hexdigest(),
        "random_state": 7,
    }
    agreement = manifest["agreement"]
    assert (agreement["rows"], agreement["ties"], agreement["tolerance"]) == (160, 0, 4 * 2**-23)
    assert 0 <= agreement["largest_difference"] <= 1e-7
    assert {"numpy", "scikit-learn", "lightgbm"} <= manifest["libraries"].keys()
    assert any(name.startswith("xgboost") for name in manifest["libraries"])


def test_the_model_holds_no_pickle_and_the_fitted_pipeline_stays_outside_it(refitted):
    names = sorted(path.name for path in (refitted / "model").rglob("*"))
    assert names == ["manifest.json", "model.safetensors", "rows.bin"]
    assert [path.name for path in (refitted / "output/data").iterdir()] == ["pipeline.joblib"]
    assert not (refitted / "output/failure").exists()


def test_the_model_answers_as_the_pipeline_that_people_may_open(refitted):
    frame, _, schema = read_split(refitted / "input/data/train")
    pipeline = joblib.load(refitted / "output/data/pipeline.joblib")
    check_equal(load_model(refitted / "model"), pipeline, frame, schema)
    assert pipeline.named_steps["estimator"].get_params()["num_leaves"] == 4


def test_rows_of_training_are_known_again_and_others_are_not(refitted):
    frame, target, schema = read_split(refitted / "input/data/train")
    labels = [schema.classes[position] for position in target]
    seen = np.fromfile(refitted / "model/rows.bin", dtype="<u8")
    assert len(seen) == len(frame)
    assert len(set(seen)) == len(frame.assign(target=target).drop_duplicates())
    np.testing.assert_array_equal(row_hashes(frame, labels, list(frame)), seen)
    others = row_hashes(frame.assign(size=frame["size"] + 1e-12), labels, list(frame))
    assert np.isin(others, seen).sum() == frame["size"].isna().sum()
    assert not np.isin(row_hashes(frame, labels[1:] + labels[:1], list(frame)), seen).all()


def test_the_sample_is_what_a_deployment_may_ask_and_expect(refitted, server):
    sample = json.loads((refitted / "model/manifest.json").read_text())["sample"]
    assert len(sample["instances"]) == 3
    assert server.load("sample", refitted / "model").status == 200
    answer = server.invoke("sample", {"instances": sample["instances"]})
    server.unload("sample")
    assert answer.json["predictions"] == sample["predictions"]


def test_the_same_winner_makes_the_same_bytes(refitted, run_module):
    before = {path.name: path.read_bytes() for path in (refitted / "model").iterdir()}
    run_module(refit.main)
    assert {path.name: path.read_bytes() for path in (refitted / "model").iterdir()} == before


def test_refit_as_sagemaker_runs_it(aws, tuned, base):
    frame, target, schema = read_split(tuned.folder)
    write_split(base / "input/data/train", frame, target, schema)
    given = {"sagemaker_program": "tabular.jobs.refit", "sagemaker_submit_directory": aws.source}
    give_hyperparameters(base, best_training_job="trial-1", **given)
    done = run("train", base, **aws.variables, TRAINING_JOB_NAME="refit-2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("LightGBM {'learning_rate': '0.3', 'num_leaves': '4', 'n_est")
    assert " fitted on 160 rows; " in done.stdout
    manifest = json.loads((base / "model/manifest.json").read_text())
    assert np.isfinite(manifest["cross_validation"]["score"])

    give_hyperparameters(base, best_training_job="absent", **given)
    done = run("train", base, **aws.variables)
    assert done.returncode == 1
    assert "absent" in (base / "output/failure").read_text()
