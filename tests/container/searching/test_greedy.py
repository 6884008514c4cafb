"""When an ensemble of trials is better than the best of them."""

import numpy as np
import pytest
from support.container.answers import SCORING, numbers, schema_of
from tabular.searching.greedy import judge, mix, select
from tabular.searching.scoring import Scoring
from tabular.spec.columns import Schema


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
