"""Which model serves a partition: its own only where it is better beyond noise."""

import numpy as np
import pytest
from tabular.fleets.choice import choose, losses, optimism
from tabular.spec.columns import Schema

LABELLED = Schema("multiclass", "y", ("a", "b", "c"), ())
NUMBERS = Schema("regression", "y", (), ())


def draws(count=60, seed=0):
    return np.random.default_rng(seed).normal(size=count)


def test_a_clear_gain_is_chosen_and_noise_is_not():
    pooled = 1 + 0.1 * draws(seed=1)
    better, noisy = pooled - 0.2 + 0.05 * draws(), pooled - 0.02 + 0.5 * draws()
    found = choose(better, pooled)
    assert found.own
    assert found.gain == pytest.approx(0.2, abs=0.02)
    assert 0 < found.low < found.gain
    assert found.reason.endswith("than that of the pooled model")
    assert not choose(noisy, pooled).own
    assert not choose(pooled + 0.2, pooled).own
    assert not choose(pooled, pooled).own


def test_a_reason_says_larger_where_the_loss_is_larger():
    pooled = 1 + 0.1 * draws(seed=1)
    noise = draws() - draws().mean()
    assert choose(pooled + 0.2, pooled).reason == "its loss is larger by 0.2 than that of the pooled model"
    assert choose(pooled, pooled).reason == "its loss is larger by 0 than that of the pooled model"
    noisy = choose(pooled - 0.02 + 0.5 * noise, pooled)
    assert noisy.reason.startswith(
        "its loss is smaller by 0.02 than that of the pooled model, which does not"
    )
    assert noisy.reason.endswith(f"it is larger by {-noisy.low:.3g} at most")


def test_a_gain_that_the_choice_among_trials_explains_is_not_chosen():
    pooled = np.ones(60)
    assert choose(pooled - 0.1, pooled).own
    assert not choose(pooled - 0.1, pooled, too_good=0.11).own


def test_the_rows_of_a_group_count_as_one():
    """Six groups of ten equal rows say less than sixty rows."""
    pooled, by_group = np.ones(60), np.repeat([0.5, -0.4, 0.6, -0.3, 0.5, 0.2], 10)
    assert choose(pooled - by_group, pooled).own
    assert not choose(pooled - by_group, pooled, groups=np.repeat(np.arange(6), 10)).own
    # Groups of one row each say as much as rows.
    one, other = choose(pooled - draws(), pooled), choose(pooled - draws(), pooled, groups=np.arange(60))
    assert (one.gain, one.low) == pytest.approx((other.gain, other.low))


@pytest.mark.parametrize("both", [0, 1])
def test_rows_that_only_one_of_them_has_predicted_do_not_count(both):
    own, pooled = np.zeros(40), np.ones(40)
    own[both:20], pooled[20:] = np.nan, np.nan
    found = choose(own, pooled)
    assert (found.own, found.gain) == (False, None)


def test_a_loss_is_finite_and_unknown_without_an_answer():
    answers = np.array([[1.0, 0, 0], [0.2, 0.5, 0.3], [np.nan] * 3])
    found = losses(answers, np.array([1, 1, 0]), LABELLED)
    assert found[:2] == pytest.approx([-np.log(1e-7), np.log(2)])
    assert np.isnan(found[2])
    np.testing.assert_array_equal(losses(np.array([1.0, 3.0]), np.array([1.0, 1.0]), NUMBERS), [0, 4])


def test_the_best_of_many_equal_trials_is_too_good():
    """Trials that differ by chance alone: the best one's loss is too small by about its optimism."""
    draw = np.random.default_rng(5)
    missed, found = [], []
    for _ in range(200):
        by_fold = 1 + 0.1 * draw.normal(size=(12, 5))
        best = int(by_fold.mean(axis=1).argmin())
        missed.append(1 - by_fold[best].mean())  # its true loss is 1
        found.append(optimism(by_fold, best))
    assert np.mean(missed) <= np.mean(found) <= 3 * np.mean(missed)
    assert optimism([[0.5, 0.6]], 0) == 0
