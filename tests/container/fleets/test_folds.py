"""The folds of a fleet: both models are scored on the same rows, and neither has seen them."""

import numpy as np
import pytest
from tabular.fleets.folds import own_folds, pooled_folds
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import Options
from tabular.spec.search import Plan

SCHEMA = Schema("binary", "y", ("no", "yes"), ())
TIMED = Schema("regression", "y", (), (), Options(time="day"))
PLAN = Plan("NaiveBayes", 2, "neg_log_loss", 4, 7)


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ([0, 1] * 9, "It has 18 training rows, and 20 are needed"),
        ([0] * 30, "It has no training row of 'yes'"),
        ([0] * 30 + [1] * 3, "The rarest class has 3 training rows"),
    ],
)
def test_a_partition_without_enough_rows_has_no_folds(target, sentence):
    with pytest.raises(BadInput, match=sentence):
        own_folds(np.array(target), SCHEMA, PLAN)


def test_the_pooled_model_scores_the_rows_of_the_same_fold_and_learns_from_all_others():
    sizes, start, own = (40, 24), 0, []
    for size in sizes:
        rows = np.arange(start, start + size)
        own.append((rows, own_folds(np.arange(size) % 2, SCHEMA, PLAN)))
        start += size
    found = pooled_folds(own, start + 5)  # five rows of partitions without folds
    assert len(found) == 4
    for place, (learn, scored) in enumerate(found):
        expected = [rows[folds[place].scored] for rows, folds in own]
        assert sorted(np.concatenate(expected)) == scored.tolist()
        assert sorted([*learn, *scored]) == list(range(start + 5))
    assert sorted(np.concatenate([scored for _, scored in found])) == list(range(start))


def test_the_pooled_model_learns_nothing_of_a_group_that_it_is_scored_on():
    groups = np.tile(np.arange(16), 4)  # each in both partitions
    halves = [np.arange(32), np.arange(32, 64)]
    own = [(rows, own_folds(np.arange(32) % 2, SCHEMA, PLAN, groups[rows])) for rows in halves]
    for learn, scored in pooled_folds(own, 64, groups):
        assert not set(groups[learn]) & set(groups[scored])


def test_with_times_nobody_learns_from_what_is_later():
    times = np.sort(np.random.default_rng(0).uniform(0, 100, 200))
    quantiles = np.quantile(times, np.linspace(0, 1, 101))
    plan = Plan("NaiveBayes", 2, "neg_root_mean_squared_error", 4, 7)
    whole = np.arange(200)
    parts = [whole[::2], whole[1::2][times[1::2] > 60]]  # the second began late
    own = [
        (rows, own_folds(np.zeros(len(rows)), TIMED, plan, None, times[rows], tuple(quantiles)))
        for rows in parts
    ]
    assert [fold is None for fold in own[0][1]] == [False] * 4
    assert [fold is None for fold in own[1][1]] == [True, True, False, False]
    for rows, folds in own:
        for learn, scored in filter(None, folds):
            assert times[rows][learn].max() < times[rows][scored].min()
    for learn, scored in pooled_folds(own, 200, times=times):
        assert times[learn].max() < times[scored].min()
    with pytest.raises(BadInput, match="in fewer than 2 windows of time"):
        own_folds(np.zeros(30), TIMED, plan, None, np.linspace(90, 100, 30), tuple(quantiles))
