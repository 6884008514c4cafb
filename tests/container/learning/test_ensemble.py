"""The weighted mean of fitted pipelines, in double precision, whatever the precision of its members."""

import joblib
import numpy as np
import pytest
from support.container.tables import fitted
from tabular.learning.ensemble import Ensemble

NAMES = ("XGBoost", "LogisticRegression", "RandomForest")


def ensemble(task, weights=(3, 1, 1)):
    members = [fitted(name, task) for name in NAMES]
    return Ensemble([one.pipeline for one in members], weights), members[0].frame


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_the_probabilities_are_the_weighted_mean_and_the_label_is_the_most_probable(task):
    whole, frame = ensemble(task)
    each = [pipeline.predict_proba(frame) for pipeline in whole.pipelines]
    assert each[0].dtype == np.float32
    mean = whole.predict_proba(frame)
    assert mean.dtype == np.float64
    np.testing.assert_allclose(mean, 0.6 * each[0] + 0.2 * each[1] + 0.2 * each[2], atol=1e-15, rtol=1e-7)
    assert np.array_equal(whole.predict(frame), mean.argmax(axis=1))


def test_a_number_is_the_weighted_mean_of_the_members_numbers():
    whole, frame = ensemble("regression", (1, 1, 2))
    each = np.array([pipeline.predict(frame) for pipeline in whole.pipelines])
    np.testing.assert_allclose(whole.predict(frame), [0.25, 0.25, 0.5] @ each, rtol=1e-6)


def test_it_is_the_same_after_it_was_written_and_read(tmp_path):
    whole, frame = ensemble("binary")
    joblib.dump(whole, tmp_path / "pipeline.joblib")
    read = joblib.load(tmp_path / "pipeline.joblib")
    assert np.array_equal(read.predict_proba(frame), whole.predict_proba(frame))


@pytest.mark.parametrize(
    "weights", [(), (1, 1), (1, 1, 0), (1, 1, -1), (1, 1, float("nan")), (1, 1, float("inf"))]
)
def test_each_pipeline_needs_a_positive_weight(weights):
    with pytest.raises(ValueError, match="one positive weight for each"):
        ensemble("binary", weights)


def test_an_ensemble_needs_a_pipeline():
    with pytest.raises(ValueError, match="An ensemble of 0 pipelines"):
        Ensemble([], [])
