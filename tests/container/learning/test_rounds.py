"""Rounds (trees, epochs): the folds find how many, by the scorer of the tuning, and the refit uses them."""

import atexit
from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification, make_friedman1
from sklearn.metrics import get_scorer, log_loss, root_mean_squared_error
from sklearn.neural_network import _multilayer_perceptron
from sklearn.utils import _safe_indexing
from sklearn.utils.class_weight import compute_sample_weight
from support.container.tables import TASKS, family, mixed, nasty, settings
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.data.splits.files import write_split
from tabular.jobs import train
from tabular.judging.agreement import check_equal
from tabular.learning.fitting import fit, parts_of_fold, scores_of_fold
from tabular.learning.folds import folds_of
from tabular.learning.pipeline import build_pipeline, innermost
from tabular.learning.rounds import (
    Part,
    PredictedOnce,
    Scores,
    _log_loss,
    _squared_error,
    best_rounds,
    numbers_of_rounds,
)
from tabular.portable.export import export
from tabular.portable.model import PortableModel
from tabular.spec.algorithms import ALGORITHMS, exporter_of
from tabular.spec.columns import Column, Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import Options
from tabular.spec.trial import Trial

pytestmark = pytest.mark.slow
IN_ROUNDS = [name for name, one in ALGORITHMS.items() if one.estimators["regression"].rounds]
# The refit learned from 1,000 rows on in another way than the folds did, which have four fifths of the rows:
# both below that border, the refit above it, and both.
BORDERS = (999, 1249, 1251)
SCORERS = {"classification": "neg_log_loss", "regression": "neg_root_mean_squared_error"}


def prepared(table, task, **options):
    schema = infer_schema(table, "target", family(task), Options(**options))
    return features(table, schema), encode(table["target"], schema), schema


def noisy(task, rows):
    """A table of numbers from which no model can learn everything, and 4,000 more rows of the same kind."""
    if task == "regression":
        x, y = make_friedman1(5300, 10, noise=2.0, random_state=0)
        y = (y - y.mean()) / y.std()
    else:
        x, y = make_classification(5300, 12, n_informative=6, flip_y=0.2, random_state=0)
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])])
    classes = () if task == "regression" else (0, 1)
    schema = Schema(task, "y", classes, tuple(Column(name, "numeric") for name in frame))
    return (frame.iloc[:rows], y[:rows]), (frame.iloc[1300:], y[1300:]), schema


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("algorithm", IN_ROUNDS)
def test_the_loss_of_the_refit_is_that_of_the_folds_whatever_the_number_of_rows(base, algorithm, task):
    """On 4,000 new rows; with a quarter more rows than a fold has, the refit may be a little better."""
    off, quick = {}, settings(algorithm, task)
    if algorithm == "NeuralNet":
        quick = {"hidden_layer_sizes": "32", "learning_rate_init": "0.01"}
    for rows in BORDERS:
        (frame, target), (others, truth), schema = noisy(task, rows)
        write_split(base / "input/data/train", frame, target, schema)
        scores, rounds, _ = train.cross_validate(Trial(algorithm, SCORERS[schema.family], 5, 7, quick))
        pipeline = fit(frame, target, schema, algorithm, quick, 7, rounds)
        if task == "regression":
            loss = root_mean_squared_error(truth, pipeline.predict(others))
        else:
            loss = log_loss(truth, pipeline.predict_proba(others))
        off[rows] = loss / -np.mean(scores) - 1
    assert max(map(abs, off.values())) < 0.12, off
    assert np.ptp([*off.values()]) < 0.1, off


@pytest.mark.parametrize("rows", [590, 660, 760])
def test_a_fold_encodes_the_levels_as_the_refit_does(rows):
    """The target encodes 30 levels from 600 rows on, of which a fold of 660 has fewer, and of 760 more."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"shop": [f"s{place % 30}" for place in range(rows)], "n": draw.normal(size=rows)})
    target = draw.integers(0, 2, rows)
    schema = Schema("binary", "y", (0, 1), (Column("shop", "categorical"), Column("n", "numeric")))
    refit = fit(frame, target, schema, "LogisticRegression", {}, 7)
    fold = next(folds_of(target, schema, 5, 7))
    learnt, scored = parts_of_fold(
        build_pipeline(schema, "LogisticRegression", {}, 7)[:-1], frame, target, fold, schema
    )
    width = refit[:-1].transform(frame).shape[1]
    assert width == (2 if rows >= 600 else 21)
    assert learnt.features.shape[1] == scored.features.shape[1] == width


@cache
def alone(algorithm, rounds):
    """A model of the first fold, fitted for this number of rounds."""
    frame, target, schema = prepared(mixed(rows=240), "binary")
    rows, _ = next(folds_of(target, schema, 3, 7))
    return fit(frame.iloc[rows], target[rows], schema, algorithm, settings(algorithm, "binary"), 7, rounds)


atexit.register(alone.cache_clear)  # while the libraries that free the models are still there


@pytest.mark.parametrize("scorer", ["neg_log_loss", "roc_auc", "accuracy", "recall"])
@pytest.mark.parametrize("algorithm", IN_ROUNDS)
def test_a_fold_is_scored_as_a_model_of_that_many_rounds(algorithm, scorer):
    """A shortened booster is the booster that was trained for fewer rounds, and so is a network's epoch."""
    frame, target, schema = prepared(mixed(rows=240), "binary")
    rows = next(folds_of(target, schema, 3, 7))
    score = get_scorer(scorer)
    quick = settings(algorithm, "binary")
    scores = scores_of_fold(frame, target, rows, schema, algorithm, quick, 7, score)
    numbers = numbers_of_rounds(ALGORITHMS[algorithm].estimators["classification"].rounds.most)
    for place in (0, 4, len(scores) // 2, len(scores) - 2):
        asked = alone(algorithm, numbers[place]), frame.iloc[rows[1]], target[rows[1]]
        assert scores[place].score == pytest.approx(score(*asked), abs=1e-6)
        assert scores[place].loss == pytest.approx(get_scorer("neg_log_loss")(*asked), abs=1e-6)


def test_rows_are_predicted_once_for_all_who_ask():
    """scikit-learn's linear models change what they have computed in place, so they must not be given it."""
    frame, target, schema = prepared(mixed(), "binary")
    pipeline = fit(frame, target, schema, "LogisticRegression", {}, 7)
    fitted = PredictedOnce(pipeline, frame)
    for scorer in ("neg_log_loss", "roc_auc", "accuracy", "average_precision"):
        score = get_scorer(scorer)
        assert score(fitted, frame, target) == score(pipeline, frame, target)
    for method in ("predict", "predict_proba", "decision_function"):
        found = getattr(fitted, method)(frame)
        assert found is getattr(fitted, method)(frame)
        np.testing.assert_array_equal(found, getattr(pipeline, method)(frame))
        np.testing.assert_array_equal(
            getattr(fitted, method)(frame[:9]), getattr(pipeline, method)(frame[:9])
        )


@pytest.mark.parametrize("weight", ["none", "balanced"])
@pytest.mark.parametrize("task", TASKS)
def test_the_loss_is_scikit_learns(task, weight):
    frame, target, schema = prepared(mixed(task), task)
    model = fit(frame, target, schema, "LightGBM", {}, 7, rounds=20)
    weights = compute_sample_weight("balanced", target) if weight == "balanced" else None
    loss, name = (
        (_squared_error, "neg_mean_squared_error") if task == "regression" else (_log_loss, "neg_log_loss")
    )
    expected = get_scorer(name)(model, frame, target, sample_weight=weights)
    assert -loss(model, Part(frame, target, weights)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("algorithm", IN_ROUNDS)
def test_a_fold_is_trained_beyond_its_least_loss(algorithm, task):
    """Otherwise each fold would be scored at its own best, and not at the number of the refit."""
    (frame, target), _, schema = noisy(task, 400)
    hyperparameters = {"learning_rate_init": "0.1"} if algorithm == "NeuralNet" else {"learning_rate": "0.5"}
    rows = next(folds_of(target, schema, 3, 7))
    score = get_scorer(SCORERS[schema.family])
    losses = [
        one.loss for one in scores_of_fold(frame, target, rows, schema, algorithm, hyperparameters, 7, score)
    ]
    assert losses[-1] < max(losses)
    assert len(losses) > int(np.argmax(losses)) + 2


@pytest.mark.parametrize("scorer", ["neg_log_loss", "roc_auc", "f1"])
@pytest.mark.parametrize("algorithm", IN_ROUNDS)
def test_the_scorer_of_the_tuning_decides_how_many_rounds(base, algorithm, scorer, monkeypatch):
    frame, target, schema = prepared(mixed(rows=300), "binary")
    write_split(base / "input/data/train", frame, target, schema)
    curves = []

    def recorded(frame, target, rows, *others):
        assert repr(get_scorer(scorer)) in map(repr, others)
        found = scores_of_fold(frame, target, rows, *others)
        curves.append([one.score for one in found])
        return found

    monkeypatch.setattr(train, "scores_of_fold", recorded)
    scores, rounds, _ = train.cross_validate(Trial(algorithm, scorer, 3, 7, settings(algorithm, "binary")))
    place = numbers_of_rounds(ALGORITHMS[algorithm].estimators["classification"].rounds.most).index(rounds)
    means = [np.mean(one) for one in zip(*curves, strict=False)]  # as far as the shortest
    assert len(curves) == 3
    assert np.mean(scores) == pytest.approx(means[place])
    assert means[place] >= max(means) - 1e-9


def test_the_best_number_of_rounds_is_that_of_the_mean_over_the_folds():
    kind = ALGORITHMS["XGBoost"].estimators["classification"].rounds
    assert numbers_of_rounds(7) == [1, 2, 3, 4, 5, 6, 7]
    assert numbers_of_rounds(12) == [1, 2, 3, 4, 5, 6, 7, 9, 11, 12]
    one, other = ([Scores(x, 0.0) for x in part] for part in ([0.1, 0.5, 0.4, 0.9], [0.2, 0.6, 0.8, 0.1]))
    assert best_rounds([one, other], kind) == (3, [0.4, 0.8])
    longer = [Scores(x, 0.0) for x in [0.2, 0.1, 0.3, 0.7, 0.6]]
    assert best_rounds([one[:2], longer], kind) == (2, [0.5, 0.1])  # the first has ended


def test_of_equally_good_numbers_the_one_with_the_least_loss_is_taken():
    """One tree may separate the classes, but its probabilities are poor."""
    kind = ALGORITHMS["XGBoost"].estimators["classification"].rounds
    fold = [Scores(1.0, -0.6), Scores(1.0, -0.3), Scores(1.0, -0.1), Scores(1.0, -0.2), Scores(0.9, 0.0)]
    assert best_rounds([fold, fold], kind) == (3, [1.0, 1.0])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algorithm", IN_ROUNDS)
def test_what_the_folds_found_is_exported_and_the_same_every_time(base, algorithm, task):
    frame, target, schema = prepared(mixed(task), task)
    write_split(base / "input/data/train", frame, target, schema)
    quick = settings(algorithm, task)
    trial = Trial(algorithm, SCORERS[schema.family], 3, 7, quick)
    scores, rounds, _ = train.cross_validate(trial)
    assert train.cross_validate(trial)[:2] == (scores, rounds)
    pipeline = fit(frame, target, schema, algorithm, quick, 7, rounds)
    kind = ALGORITHMS[algorithm].estimators[schema.family].rounds
    given = innermost(pipeline.named_steps["estimator"]).get_params()
    assert (given[kind.argument], given["random_state"]) == (rounds, 7)
    model = PortableModel(*export(pipeline, schema, exporter_of(algorithm, schema.family)))
    check_equal(model, pipeline, frame, schema)
    check_equal(model, pipeline, nasty(frame), schema)
    again = fit(frame, target, schema, algorithm, quick, 7, rounds)
    np.testing.assert_array_equal(again.predict(frame), pipeline.predict(frame))


@pytest.mark.parametrize("algorithm", IN_ROUNDS)
def test_the_logarithm_of_a_target_has_rounds_too(base, algorithm):
    table = mixed("regression", rows=400, gaps=False)
    table["target"] = np.exp(table["target"])
    frame, target, schema = prepared(table, "regression", log_target=True)
    write_split(base / "input/data/train", frame, target, schema)
    quick = settings(algorithm, "regression")
    scores, rounds, _ = train.cross_validate(Trial(algorithm, "r2", 3, 7, quick))
    assert np.mean(scores) > 0.5
    pipeline = fit(frame, target, schema, algorithm, quick, 7, rounds)
    model = PortableModel(*export(pipeline, schema, exporter_of(algorithm, schema.family)))
    check_equal(model, pipeline, frame, schema)


@pytest.mark.parametrize(("task", "rows"), [*((task, 160) for task in TASKS), ("binary", 450)])
def test_all_epochs_of_a_network_are_as_scikit_learn_trains_them_though_rows_are_checked_once(
    monkeypatch, task, rows
):
    """With 450 rows, an epoch has three batches."""
    frame, target, schema = prepared(mixed(task, rows), task)
    plain = build_pipeline(schema, "NeuralNet", {}, 7)
    matrix, network = plain[:-1].fit_transform(frame, target), innermost(plain[-1])
    learnt = (target - target.mean()) / target.std() if task == "regression" else target
    network.set_params(random_state=np.random.RandomState(7))
    more = {} if task == "regression" else {"classes": np.unique(target)}
    for _ in range(30):
        network.partial_fit(matrix, learnt, **more)

    checked, check = [], type(network)._validate_input
    monkeypatch.setattr(type(network), "_validate_input", lambda *a, **b: checked.append(1) or check(*a, **b))
    fitted = innermost(fit(frame, target, schema, "NeuralNet", {}, 7, rounds=30)[-1])
    assert len(checked) == 1
    assert callable(_multilayer_perceptron.shuffle), "scikit-learn calls otherwise what the context replaces"
    assert _multilayer_perceptron._safe_indexing is _safe_indexing, "of others, scikit-learn asks as ever"
    for ours, theirs in zip(
        fitted.coefs_ + fitted.intercepts_, network.coefs_ + network.intercepts_, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("algorithm", IN_ROUNDS)
def test_a_trial_of_before_that_names_no_rounds_is_refused(algorithm):
    frame, target, schema = prepared(mixed(), "binary")
    with pytest.raises(BadInput, match=f"{algorithm} is fitted in rounds, .*; run notebook 02"):
        fit(frame, target, schema, algorithm, {}, 7)
