"""The trials of a tuning job as one search, and RefitBestModel making an ensemble of them."""

import json
from functools import partial
from types import SimpleNamespace

import joblib
import numpy as np
import pytest
from support.container.documents import faults
from support.container.jobs import give_hyperparameters, program_of_trials, request_of_trials
from support.container.tables import mixed
from support.local_aws.aws import wait_for
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.data.splits.files import read_split, write_split
from tabular.jobs import refit, tuned
from tabular.jobs.model_files import good_before
from tabular.judging.agreement import check_equal
from tabular.judging.champion import Champion
from tabular.learning.ensemble import Ensemble
from tabular.portable.files import load_model
from tabular.searching.search import Settings
from tabular.spec.documents.models import Manifest
from tabular.spec.documents.searches import SearchReport
from tabular.spec.trial import SCORE, Trial

RANGES = {"LogisticRegression": ("C", "0.01", "10"), "NaiveBayes": ("var_smoothing", "1e-9", "0.1")}


@pytest.fixture(scope="module")
def tuning(aws, tmp_path_factory):
    """A tuning job of four trials, each of which ran as a training job."""
    folder = tmp_path_factory.mktemp("split")
    table = mixed("multiclass")
    schema = infer_schema(table, "target", "classification")
    write_split(folder, features(table, schema), encode(table["target"], schema), schema)
    limits = {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2}
    definitions = [
        {
            **request_of_trials(aws, "tuned", folder),
            "DefinitionName": algorithm,
            "TuningObjective": {"Type": "Maximize", "MetricName": SCORE},
            "StaticHyperParameters": Trial(
                algorithm, "neg_log_loss", 3, 7, search_rows=120
            ).to_hyperparameters()
            | program_of_trials(aws.source),
            "HyperParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": name, "MinValue": low, "MaxValue": high, "ScalingType": "Logarithmic"}
                ]
            },
        }
        for algorithm, (name, low, high) in RANGES.items()
    ]
    aws.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tuned",
        HyperParameterTuningJobConfig={"Strategy": "Random", "ResourceLimits": limits, "RandomSeed": 7},
        TrainingJobDefinitions=definitions,
    )

    def ended():
        job = aws.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuned")
        return job if job["HyperParameterTuningJobStatus"] not in ("InProgress", "Stopping") else None

    job = wait_for(ended)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    return SimpleNamespace(folder=folder, best=job["BestTrainingJob"])


@pytest.fixture
def refitted(as_a_job, tuning, base, run_module, monkeypatch):
    """RefitBestModel run in this process, where an ensemble needs this share of the draws; its manifest."""

    def run_refit(confidence, **given):
        monkeypatch.setattr(tuned, "Settings", partial(Settings, confidence=confidence))
        write_split(base / "input/data/train", *read_split(tuning.folder))
        give_hyperparameters(base, best_training_job=tuning.best["TrainingJobName"], **given)
        run_module(refit.main)
        manifest = json.loads((base / "model/manifest.json").read_text())
        assert faults(manifest, Manifest) == []
        return manifest

    return run_refit


def test_the_trials_of_a_tuning_are_read_with_what_they_predicted(as_a_job, tuning):
    trials = tuned.trials_beside(tuning.best["TrainingJobName"])
    assert [one.number for one in trials] == [0, 1, 2, 3]
    assert [one.configuration.algorithm for one in trials] == [*RANGES] * 2
    assert [list(one.configuration.hyperparameters) for one in trials] == [["C"], ["var_smoothing"]] * 2
    assert all([answers.shape[1] for answers in one.answers] == [3, 3, 3] for one in trials)
    assert all(sum(map(len, one.answers)) == 120 for one in trials)
    best = tuning.best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert max(one.score for one in trials) == pytest.approx(best)


def test_the_search_that_they_make_scores_their_answers_as_they_did(as_a_job, tuning):
    winner = refit.winning_trial(tuning.best["TrainingJobName"]).trial
    trials = tuned.trials_beside(tuning.best["TrainingJobName"])
    frame, target, schema = read_split(tuning.folder)
    found = tuned.combined(winner, trials, tuned.Split(frame, target, schema, None))
    assert (found.rows, len(found.folds)) == (120, 3)
    assert found.best.configuration.hyperparameters == winner.hyperparameters
    assert np.mean(found.ensemble.scores) >= found.best.score
    assert sum(found.ensemble.weights.values()) == pytest.approx(1)


def test_a_refit_makes_the_ensemble_of_the_trials_if_it_is_asked_to_and_it_is_better(refitted, base):
    manifest = refitted(confidence=0.0, ensemble="true")
    members = manifest["ensemble"]["members"]
    assert manifest["algorithm"] == "Ensemble"
    assert len(members) == len(manifest["members"]) > 1
    assert {one["algorithm"] for one in members} <= set(RANGES)
    assert manifest["cross_validation"]["score"] > -1
    pipeline = joblib.load(base / "output/data/pipeline.joblib")
    assert isinstance(pipeline, Ensemble)
    assert pipeline.weights == [one["weight"] for one in members]
    frame, _, schema = read_split(base / "input/data/train")
    check_equal(load_model(base / "model"), pipeline, frame, schema)
    report = json.loads((base / "model/search.json").read_text())
    assert json.loads((base / "output/data/search.json").read_text()) == report
    assert manifest["cross_validation"]["nested_score"] == report["ensemble"]["nested_score"]
    assert faults(report, SearchReport) == []
    assert [one["state"] for one in report["trials"]] == ["complete"] * 4
    before = list(good_before(Champion(1, base / "model", manifest), "classification"))
    assert [one.algorithm for one in before[: len(members)]] == [
        one["algorithm"] for one in sorted(members, key=lambda one: -one["weight"])
    ]
    assert len(before) == 4


@pytest.mark.parametrize(
    ("confidence", "given"), [(1.1, {"ensemble": "true"}), (0.0, {"ensemble": "false"}), (0.0, {})]
)
def test_otherwise_the_winner_of_the_tuning_is_refitted_beside_the_scores_of_all(
    refitted, tuning, base, confidence, given
):
    manifest = refitted(confidence, **given)
    report = json.loads((base / "output/data/search.json").read_text())
    assert [len(one["scores"]) for one in report["trials"]] == [3] * 4
    assert (report["ensemble"] is None) == (given.get("ensemble") != "true")
    assert manifest["cross_validation"]["nested_score"] == report["best_nested_score"]
    assert manifest["algorithm"] == tuning.best["TrainingJobDefinitionName"]
    assert manifest["cross_validation"]["training_job"] == tuning.best["TrainingJobName"]
    assert "ensemble" not in manifest


def test_a_trial_whose_output_is_gone_takes_no_part(as_a_job, aws, tuning):
    trials = tuned.trials_beside(tuning.best["TrainingJobName"])
    listed = aws.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tuned", SortBy="Name", SortOrder="Ascending"
    )["TrainingJobSummaries"]
    key = f"trials/{listed[0]['TrainingJobName']}/output/output.tar.gz"
    kept = aws.s3.get_object(Bucket="jobs", Key=key)["Body"].read()
    aws.s3.delete_object(Bucket="jobs", Key=key)
    left = tuned.trials_beside(tuning.best["TrainingJobName"])
    aws.s3.put_object(Bucket="jobs", Key=key, Body=kept)
    hyperparameters = [one.configuration.hyperparameters for one in trials]
    assert [one.configuration.hyperparameters for one in left] == hyperparameters[1:]
