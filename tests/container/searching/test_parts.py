"""The parts of a search: scores as scikit-learn's, what is hopeless, and when an ensemble is better."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from tabular.learning.scorers import scorer_of
from tabular.searching.greedy import judge, mix, select
from tabular.searching.proposals.portfolio import portfolio
from tabular.searching.proposals.proposals import SAMPLERS, Proposals
from tabular.searching.running.hopeless import why_hopeless
from tabular.searching.scoring import Scoring
from tabular.searching.trials import Configuration, Trial
from tabular.spec import own_steps
from tabular.spec.algorithms import ALGORITHMS, build
from tabular.spec.columns import Schema
from tabular.spec.metrics import SCORERS

CLASSES = {"binary": ("a", "b"), "multiclass": ("a", "b", "c"), "regression": ()}
RNG = np.random.default_rng(3)


class Answering(ClassifierMixin, BaseEstimator):
    """A fitted classifier that answers what it was made with."""

    def __init__(self, probabilities: np.ndarray) -> None:
        self.probabilities = probabilities
        self.classes_ = np.arange(probabilities.shape[1])

    def predict_proba(self, features):
        return self.probabilities

    def predict(self, features):
        return self.probabilities.argmax(axis=1)


class Numbers(BaseEstimator):
    """A fitted regressor that answers what it was made with."""

    def __init__(self, numbers: np.ndarray) -> None:
        self.numbers = numbers

    def predict(self, features):
        return self.numbers


def schema_of(task: str, positive: str | None = None) -> Schema:
    return Schema(task, "target", CLASSES[task], (), positive=positive)


def made(task: str, rows: int = 90):
    """An estimator with its answers, some of which are alike, and the target."""
    if task == "regression":
        target = RNG.normal(size=rows)
        return Numbers(target + RNG.normal(size=rows)), target
    classes = len(CLASSES[task])
    target = np.arange(rows) % classes
    probabilities = RNG.multinomial(16, RNG.dirichlet(np.ones(classes), size=rows)) / 16
    return Answering(probabilities), target


@pytest.mark.parametrize("positive", ["a", "b"])
@pytest.mark.parametrize(("task", "scorer"), [(task, one) for task in SCORERS for one in SCORERS[task]])
def test_every_scorer_says_of_kept_answers_what_scikit_learn_says_of_the_estimator(task, scorer, positive):
    schema = schema_of(task, positive if task == "binary" else None)
    estimator, target = made(task)
    scoring = Scoring(scorer, schema)
    answers = scoring.answers(estimator, np.zeros((len(target), 1)))
    expected = scorer_of(scorer, schema)(estimator, np.zeros((len(target), 1)), target)
    assert scoring.score(answers, target) == pytest.approx(expected, rel=1e-6)
    reduced = scoring.reduce(answers, target)
    pair = np.stack([reduced, reduced[::-1]])
    once = scoring.resampled(pair, target, np.ones((1, len(target))))
    np.testing.assert_allclose(once[0], scoring.scores(pair, target), rtol=1e-12)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_loss_counts_the_weights_of_the_rows(task):
    scoring = Scoring("accuracy" if task == "binary" else "r2", schema_of(task))
    estimator, target = made(task)
    answers = scoring.answers(estimator, target[:, None])
    weights = np.arange(len(target), dtype=float)
    loss = "neg_log_loss" if task == "binary" else "neg_mean_squared_error"
    expected = scorer_of(loss, schema_of(task))(estimator, target[:, None], target, sample_weight=weights)
    assert scoring.scored(answers, target, weights).loss == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("family", ["classification", "regression"])
def test_every_configuration_of_the_portfolio_can_be_built_and_no_two_are_alike(family):
    found = portfolio(family)
    for one in found:
        build(one.algorithm, family, one.hyperparameters, 1)
    assert len({(one.algorithm, *one.hyperparameters.items()) for one in found}) == len(found) > 0


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_each_sampler_draws_the_same_for_the_same_seed_and_within_the_ranges(sampler):
    def drawn() -> list[Configuration]:
        proposals = Proposals(list(ALGORITHMS), "classification", 30, 5, sampler)
        found = []
        for number in range(30):
            found.append(proposals.ask())
            ended = Trial(number, found[-1], [float(-number % 7)], state="complete")
            proposals.tell(ended)
        return found

    first = drawn()
    assert first == drawn()
    for one in first:
        build(one.algorithm, "classification", one.hyperparameters, 1)
    second = first[len(ALGORITHMS) : 2 * len(ALGORITHMS)]
    assert {one.algorithm for one in second} == set(ALGORITHMS), "they take turns"


def test_an_algorithm_without_hyperparameters_is_tried_once(monkeypatch):
    naive = ALGORITHMS["NaiveBayes"]
    bare = {family: replace(one, hyperparameters={}) for family, one in naive.estimators.items()}
    monkeypatch.setattr(own_steps, "algorithms", lambda: {"NaiveBayes": replace(naive, estimators=bare)})
    proposals = Proposals(["NaiveBayes"], "classification", 3, 1)
    assert proposals.ask() == Configuration("NaiveBayes", {}, "default")
    assert proposals.ask() is None


def numbers(*errors: float, folds: int = 3, rows: int = 60, noise: float = 0.0, seed: int = 1):
    """Answers of several trials to a target of noise: each errs by its own noise of this size."""
    rng = np.random.default_rng(seed)
    targets = [rng.normal(size=rows) for _ in range(folds)]
    common = [noise * rng.normal(size=rows) for _ in range(folds)]
    answers = [
        [t + c + size * rng.normal(size=rows) for t, c in zip(targets, common, strict=True)]
        for size in errors
    ]
    return answers, targets


SCORING = Scoring("neg_root_mean_squared_error", schema_of("regression"))


def test_trials_that_err_apart_make_an_ensemble_that_is_better_beyond_noise():
    answers, targets = numbers(1.0, 1.0, 1.1)
    mixture = select(answers, targets, SCORING)
    assert sum(mixture.weights.values()) == pytest.approx(1)
    assert len(mixture.weights) == 3
    alone = max(np.mean([SCORING.score(a, t) for a, t in zip(one, targets, strict=True)]) for one in answers)
    assert np.mean(mixture.scores) > alone
    mixed = mix([one[0] for one in answers], mixture.weights)
    assert SCORING.score(mixed, targets[0]) == pytest.approx(mixture.scores[0])
    gain = judge(answers, targets, [None] * 3, SCORING, 1)
    assert 0 < gain.low < gain.value < gain.high
    assert [len(one) for one in gain.answers] == [60] * 3


def test_a_trial_that_is_far_better_stays_alone():
    answers, targets = numbers(0.01, 3.0, 3.0)
    assert select(answers, targets, SCORING).weights == {0: 1.0}


def test_what_was_only_fitted_to_the_folds_is_not_taken_for_better():
    """Thirty trials that guess: on the folds, a mixture of some is more often right, but not on new rows."""
    scoring = Scoring("accuracy", schema_of("binary"))
    chosen, gained = 0, 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        targets = [rng.integers(2, size=60) for _ in range(3)]
        guesses = [[rng.dirichlet([1, 1], size=60) for _ in targets] for _ in range(30)]
        alone = max(np.mean([scoring.score(a, t) for a, t in zip(g, targets, strict=True)]) for g in guesses)
        gained += np.mean(select(guesses, targets, scoring).scores) > alone + 0.02
        chosen += judge(guesses, targets, [None] * 3, scoring, 1).low > 0
    assert gained >= 18, "it looks better nearly always"
    assert chosen <= 3, "and is taken for better in about 5%"


@pytest.mark.slow
@pytest.mark.parametrize(("folds", "rows"), [(14, 10), (14, 1)])
def test_draws_of_folds_without_a_score_are_left_out(folds, rows):
    """Each fold has a group of either class, so half of a fold's draws have no ROC AUC."""
    rng = np.random.default_rng(0)
    targets = [np.repeat([0, 1], rows) for _ in range(2 * folds)]
    answers = [[rng.dirichlet([1, 1], size=2 * rows) for _ in targets] for _ in range(4)]
    gain = judge(answers, targets, targets, Scoring("roc_auc", schema_of("binary")), 1)
    assert np.isfinite(gain[:4]).all()
    assert gain.low < gain.value < gain.high
    assert 0 < gain.share < 1


def test_without_any_draw_that_has_a_score_the_rows_as_they_are_decide():
    """With a row of each of twelve classes in a fold, no draw has all of them again."""
    schema = Schema("multiclass", "target", tuple("abcdefghijkl"), ())
    rng = np.random.default_rng(0)
    targets = [np.arange(12) for _ in range(2)]
    answers = [[rng.dirichlet(np.ones(12), size=12) for _ in targets] for _ in range(2)]
    gain = judge(answers, targets, [None] * 2, Scoring("roc_auc_ovr", schema), 1)
    assert gain.low == gain.value == gain.high
    assert gain.share == (gain.value > 0)


def test_rows_of_a_group_are_drawn_together():
    answers, targets = numbers(1.0, 1.0)
    repeated = [[np.repeat(fold, 10) for fold in one] for one in answers]
    many = [np.repeat(fold, 10) for fold in targets]
    groups = [np.repeat(np.arange(60), 10)] * 3
    by_row = judge(repeated, many, [None] * 3, SCORING, 1)
    by_group = judge(repeated, many, groups, SCORING, 1)
    once = judge(answers, targets, [None] * 3, SCORING, 1)
    assert by_group.high - by_group.low == pytest.approx(once.high - once.low, rel=0.2)
    assert by_row.high - by_row.low < 0.5 * (by_group.high - by_group.low)


def ended(*scores: float, answers=()) -> Trial:
    return Trial(0, Configuration("a", {}, "default"), list(scores), state="complete", answers=list(answers))


def test_a_trial_below_the_median_is_hopeless_unless_it_helps_the_best():
    (best, apart), targets = numbers(1.0, 1.3)
    worse = [one + 3.0 for one in best]
    scores = {
        name: [SCORING.score(a, t) for a, t in zip(found, targets, strict=True)]
        for name, found in {"best": best, "apart": apart, "worse": worse}.items()
    }
    earlier = [ended(*scores["best"], answers=best) for _ in range(5)]

    def why(name: str, found: list[np.ndarray], combine: bool = True, among=earlier) -> str | None:
        return why_hopeless(scores[name][:1], found[:1], among, targets, SCORING, combine)

    assert "was below the median" in why("worse", worse)
    assert why("apart", apart) is None
    assert "after 1 fold, -1.3" in why("apart", apart, combine=False)
    assert why("best", best, combine=False) is None
    assert why("worse", worse, among=earlier[:4]) is None, "too few to judge by"
