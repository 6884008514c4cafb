"""The rows that trials see are like all rows: each class, whole groups, the newest."""

import numpy as np
import pytest
from tabular.learning.folds import folds_of
from tabular.learning.samples import sample_rows
from tabular.spec.columns import Schema
from tabular.spec.options import Options

CLASSES = Schema("multiclass", "target", ("a", "b", "rare"), ())
NUMBERS = Schema("regression", "target", (), ())
TIMES = Schema("binary", "target", ("a", "b"), (), Options(time="day"))
TARGET = np.array([0] * 6000 + [1] * 3990 + [2] * 10)


@pytest.mark.parametrize("most", [0, len(TARGET), len(TARGET) + 1])
def test_all_rows_are_seen_unless_fewer_are_asked_for(most):
    np.testing.assert_array_equal(sample_rows(TARGET, CLASSES, most, 5, 7), np.arange(len(TARGET)))


def test_each_class_keeps_its_share_and_a_rare_one_enough_for_the_folds():
    rows = sample_rows(TARGET, CLASSES, 1000, 5, 7)
    assert np.bincount(TARGET[rows]).tolist() == [600, 399, 10]
    assert (np.diff(rows) > 0).all()
    assert len(list(folds_of(TARGET[rows], CLASSES, 5, 7))) == 5
    assert np.bincount(TARGET[sample_rows(TARGET, CLASSES, 1000, 2, 7)]).tolist() == [600, 399, 4]


def test_numbers_are_drawn_at_random():
    rows = sample_rows(np.linspace(0, 1, 10_000), NUMBERS, 1000, 5, 7)
    assert len(rows) == len(set(rows)) == 1000
    assert 4700 < rows.mean() < 5300


def test_the_seed_decides():
    one, same, other = (sample_rows(TARGET, CLASSES, 1000, 5, seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one, same)
    assert set(one) != set(other)


def test_the_newest_rows_are_seen_of_a_table_with_times():
    np.testing.assert_array_equal(sample_rows(TARGET % 2, TIMES, 1000, 5, 7), np.arange(9000, 10_000))


@pytest.mark.parametrize("size", [4, 37])
def test_groups_are_seen_as_a_whole_and_a_rare_class_is_among_them(size):
    groups = np.random.default_rng(0).permutation(np.arange(len(TARGET)) // size)
    rows = sample_rows(TARGET, CLASSES, 1000, 5, 7, groups)
    assert set(np.flatnonzero(np.isin(groups, groups[rows]))) == set(rows)
    assert 900 < len(rows) < 1000 + 10 * size
    assert np.bincount(TARGET[rows])[2] == 10
    assert len(list(folds_of(TARGET[rows], CLASSES, 5, 7, groups[rows]))) == 5


def test_a_few_large_groups_are_enough_for_the_folds():
    groups = np.arange(10_000) // 1000
    rows = sample_rows(np.linspace(0, 1, 10_000), NUMBERS, 1000, 3, 7, groups)
    assert len(np.unique(groups[rows])) == 6
