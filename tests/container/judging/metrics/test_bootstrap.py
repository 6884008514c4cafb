"""Intervals: the metrics of every resample are scikit-learn's, and the intervals cover what they should."""

import numpy as np
import pytest
from support.container.tables import TASKS
from tabular.judging.metrics import bootstrap
from tabular.judging.metrics.bootstrap import ends_at, interval, resample
from tabular.judging.metrics.scores import evaluate
from tabular.spec.metrics import METRICS


def made(task, rows, seed=0, classes=4):
    """Truth, predictions and probabilities of a model that is often right; with ties among its scores."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        truth = rng.normal(5, 1, rows)
        return truth, truth + rng.normal(size=rows), None
    places = 2 if task == "binary" else classes
    truth = rng.integers(0, places, rows)
    scores = rng.dirichlet(np.ones(places), rows) + np.eye(places)[truth]
    probabilities = scores.round(1) + 0.01
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return truth, probabilities.argmax(axis=1), probabilities


@pytest.mark.parametrize("task", TASKS)
def test_the_metrics_of_a_resample_are_scikit_learns_on_the_rows_drawn(task, monkeypatch):
    truth, predicted, probabilities = made(task, 60)
    drawn = np.random.default_rng(1).integers(0, 60, (20, 60))
    drawn[0] = np.arange(60)
    counts = np.stack([np.bincount(rows, minlength=60) for rows in drawn]).astype(float)
    monkeypatch.setattr(bootstrap, "_weights", lambda *_: [counts[:7], counts[7:]])
    (found,) = resample(task, truth, [(predicted, probabilities)], 0)
    assert set(found) == set(METRICS[task])
    for index, rows in enumerate(drawn):
        part = None if probabilities is None else probabilities[rows]
        expected = evaluate(task, truth[rows], predicted[rows], part)
        assert {name: values[index] for name, values in found.items()} == pytest.approx(expected)


@pytest.mark.parametrize("task", TASKS)
def test_clusters_are_drawn_as_a_whole(task, monkeypatch):
    truth, predicted, probabilities = made(task, 120)
    clusters = np.repeat(np.arange(15), [1, 15] * 7 + [8])
    drawn = []
    monkeypatch.setattr(bootstrap, "MOST", 20)
    monkeypatch.setattr(bootstrap, "FEWEST", 20)
    weights = bootstrap._weights
    monkeypatch.setattr(
        bootstrap, "_weights", lambda *given: (drawn.append(one) or one for one in weights(*given))
    )
    (found,) = resample(task, truth, [(predicted, probabilities)], 0, clusters)
    counts = np.concatenate(drawn)
    assert (np.array([counts[:, clusters == one].std(axis=1) for one in range(15)]) == 0).all()
    assert len(set(counts.sum(axis=1))) > 5  # so resamples have more rows, or fewer
    for index, count in enumerate(counts.astype(int)):
        rows = np.repeat(np.arange(120), count)
        part = None if probabilities is None else probabilities[rows]
        expected = evaluate(task, truth[rows], predicted[rows], part)
        assert {name: values[index] for name, values in found.items()} == pytest.approx(expected, nan_ok=True)


def test_rows_are_drawn_if_there_are_few_clusters():
    truth, *answer = made("binary", 80)
    few = resample("binary", truth, [tuple(answer)], 0, np.arange(80) % 9)[0]
    rows = resample("binary", truth, [tuple(answer)], 0)[0]
    assert all(np.array_equal(few[name], rows[name], equal_nan=True) for name in rows)


def test_a_class_that_is_never_predicted_counts_as_it_does_for_scikit_learn():
    truth = np.array([0, 0, 1, 1, 2, 2] * 20)
    predicted = np.where(truth == 2, 1, truth)
    probabilities = 0.7 * np.eye(4)[predicted] + 0.075
    (found,) = resample("multiclass", truth, [(predicted, probabilities)], 0)
    expected = evaluate("multiclass", truth, predicted, probabilities)
    assert np.median(found["precision"]) == pytest.approx(expected["precision"], abs=0.03)
    assert np.median(found["balanced_accuracy"]) == pytest.approx(expected["balanced_accuracy"])
    assert np.isnan(found["auc"]).all()  # no row is of the fourth class
    assert np.isnan(expected["auc"])


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_gives_the_same_resamples_and_another_seed_others(task):
    truth, *answer = made(task, 80)
    first, second, other = (resample(task, truth, [tuple(answer)], seed)[0] for seed in (3, 3, 4))
    assert all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_several_models_are_judged_on_the_same_resamples():
    truth, *answer = made("binary", 80)
    one, again = resample("binary", truth, [tuple(answer), tuple(answer)], 0)
    assert all(np.array_equal(one[name], again[name], equal_nan=True) for name in one)


def test_every_resample_holds_a_rare_class_as_often_as_the_rows_do():
    truth = np.array([0] * 97 + [1] * 3)
    scores = np.linspace(0, 1, 100)
    (found,) = resample("binary", truth, [(truth, np.stack([1 - scores, scores], axis=1))], 0)
    assert np.isfinite(found["auc"]).all()
    assert np.isfinite(found["average_precision"]).all()
    assert found["recall"].min() == 1.0


def test_many_rows_are_resampled_less_often():
    few, many = (
        resample("regression", np.arange(rows, dtype=float), [(np.zeros(rows), None)], 0)[0]["mae"]
        for rows in (100, 100_000)
    )
    assert (len(few), len(many)) == (bootstrap.MOST, bootstrap.FEWEST)


def test_the_standard_deviation_of_a_mean_is_the_one_that_theory_gives():
    rng = np.random.default_rng(0)
    truth, error = np.zeros(400), rng.exponential(2.0, 400)
    (found,) = resample("regression", truth, [(error, None)], 0)
    assert found["mae"].std() == pytest.approx(error.std() / 20, rel=0.05)
    assert found["mae"].mean() == pytest.approx(error.mean(), rel=0.01)


def test_ninety_five_percent_intervals_hold_the_truth_about_as_often(monkeypatch):
    """An accuracy of 0.8, and the AUC of two unit normal distributions that lie 1.5 apart, which is known."""
    from scipy.stats import norm

    monkeypatch.setattr(bootstrap, "MOST", 500)
    known = {"accuracy": 0.8, "auc": norm.cdf(1.5 / np.sqrt(2))}
    held = dict.fromkeys(known, 0)
    rng = np.random.default_rng(0)
    for seed in range(200):
        truth = np.repeat([0, 1], 75)
        scores = 1 / (1 + np.exp(-rng.normal(1.5 * truth)))
        predicted = np.where(rng.random(150) < 0.8, truth, 1 - truth)
        (found,) = resample("binary", truth, [(predicted, np.stack([1 - scores, scores], axis=1))], seed)
        for name, value in known.items():
            ends = interval(found[name])
            held[name] += ends["low"] <= value <= ends["high"]
    assert 0.90 <= held["accuracy"] / 200 <= 0.99  # three standard errors around 0.945
    assert 0.90 <= held["auc"] / 200 <= 0.99


def test_an_interval_is_between_the_quantiles():
    values = np.arange(1001.0)
    assert interval(values, 0.9) == {
        "low": pytest.approx(50.0),
        "high": pytest.approx(950.0),
        "confidence": 0.9,
    }


def test_a_metric_that_is_seldom_defined_has_no_interval():
    values = np.arange(100.0)
    values[:11] = np.nan
    assert interval(values) is None
    values[:10] = 0.0
    assert interval(values) is not None


def test_the_largest_error_is_on_most_resamples_that_of_the_rows():
    """A single row decides it, and no resample goes beyond that row, so quantiles would claim too much."""
    rng = np.random.default_rng(0)
    errors = rng.exponential(size=200)
    drawn = errors[rng.integers(200, size=(500, 200))]
    assert ends_at(drawn.max(axis=1), errors.max())
    assert not ends_at(drawn.mean(axis=1), errors.mean())
    assert not ends_at(np.full(500, np.nan), np.nan)


def test_a_score_with_one_error_has_an_interval_although_most_resamples_have_none():
    scores = np.linspace(0.01, 0.99, 60)
    truth = (np.arange(60) >= 30).astype(int)
    truth[[29, 30]] = 1, 0  # one pair in the wrong order
    (found,) = resample("binary", truth, [(truth, np.stack([1 - scores, scores], axis=1))], 0)
    assert np.mean(found["auc"] == 1.0) > 0.5
    value = evaluate("binary", truth, truth, np.stack([1 - scores, scores], axis=1))["auc"]
    assert not ends_at(found["auc"], value)
