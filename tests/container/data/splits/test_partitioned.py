"""Held-out rows of a fleet: a share of every partition, whole groups, or the newest rows of all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabular.data.splits.partitioned import hold_out
from tabular.data.splits.partitions import Partitions
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import Options

BINARY = Schema("binary", "y", ("no", "yes"), ())
NUMBERS = Schema("regression", "y", (), ())


def made(rows):
    """Partitions with these numbers of rows, and a hash of each row."""
    number = np.repeat(np.arange(len(rows)), rows)
    keys = tuple((f"{place:04d}",) for place in range(len(rows)))
    return Partitions(("store",), keys, number), np.random.default_rng(1).integers(
        0, 2**63, len(number), dtype=np.uint64
    )


sizes = st.lists(st.integers(1, 40), min_size=2, max_size=60)


@settings(max_examples=100, deadline=None)
@given(sizes, st.sampled_from([0.1, 0.2, 0.5, 0.8]), st.integers(0, 5))
def test_each_partition_holds_out_its_share_and_keeps_a_row(rows, share, seed):
    partitions, hashes = made([*rows, 100])  # enough rows for both splits
    target = np.zeros(len(hashes))
    train, test = hold_out(partitions, target, NUMBERS, hashes, share, True, seed)
    assert sorted([*train, *test]) == list(range(len(hashes)))
    training, held_out = (
        np.bincount(partitions.number[one], minlength=partitions.count) for one in (train, test)
    )
    assert (training >= 1).all()
    exact = partitions.rows * share
    rounded = (held_out == np.floor(exact)) | (held_out == np.ceil(exact))
    assert (rounded | (training == 1)).all()
    # Partition by partition, so that each is a slice.
    assert (np.diff(partitions.number[train]) >= 0).all()
    assert (np.diff(partitions.number[test]) >= 0).all()


def test_the_small_ones_together_hold_out_their_share():
    partitions, hashes = made([2] * 5000)
    _, test = hold_out(partitions, np.zeros(10_000), NUMBERS, hashes, 0.2, True, 3)
    assert 1900 < len(test) < 2100


def test_each_class_of_a_partition_has_its_share():
    partitions, hashes = made([40, 60])
    target = np.array(([0] * 30 + [1] * 10) + ([0] * 10 + [1] * 50))
    _, test = hold_out(partitions, target, BINARY, hashes, 0.2, True, 0)
    for place, counts in enumerate(([6, 2], [2, 10])):
        of_partition = test[partitions.number[test] == place]
        assert np.abs(np.bincount(target[of_partition]) - counts).max() <= 1


@settings(max_examples=50, deadline=None)
@given(sizes, st.integers(0, 3))
def test_a_partition_is_split_alike_whatever_the_others(rows, seed):
    rows = [50, *rows]
    whole, hashes = made(rows)
    _, test = hold_out(whole, np.zeros(len(hashes)), NUMBERS, hashes, 0.25, True, seed)
    alone, first = made([50, 3])
    first[:50] = hashes[:50]
    _, again = hold_out(alone, np.zeros(53), NUMBERS, first, 0.25, True, seed)
    assert set(test[test < 50]) == set(again[again < 50])


def test_a_group_is_held_out_everywhere_or_nowhere():
    partitions, hashes = made([60, 60, 6])
    groups = np.random.default_rng(0).integers(0, 30, len(hashes)).astype(np.uint64)
    groups[-6:] = 99  # a partition of one group, which is of no other
    train, test = hold_out(partitions, np.zeros(126), NUMBERS, hashes, 0.2, True, 1, groups=groups)
    assert not set(groups[train]) & set(groups[test])
    assert set(range(120, 126)) <= set(train)
    assert 10 < len(test) < 45


def test_the_newest_rows_of_all_partitions_are_held_out():
    partitions, hashes = made([50, 50, 10, 10])
    times = np.concatenate([np.arange(50), np.arange(50), np.full(10, 99), np.zeros(10)]).astype(float)
    train, test = hold_out(partitions, np.zeros(120), NUMBERS, hashes, 0.2, True, 1, times=times)
    assert times[train].max() < times[test].min()
    assert set(partitions.number[train]) == {0, 1, 3}  # a new partition has nothing to learn from yet
    assert set(partitions.number[test]) == {0, 1, 2}  # and a closed one nothing new
    for one in (train, test):
        for place in set(partitions.number[one]):
            assert (np.diff(times[one[partitions.number[one] == place]]) >= 0).all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"test_size": 1.0}, "TestSetSize is 1.0"),
        ({"target": np.array([0] * 39 + [1])}, "split would have no row of 'yes'"),
        ({"times": np.zeros(40)}, "All rows have the same time. Leave out the option time \\(day\\)"),
        ({"groups": np.zeros(40, dtype=np.uint64)}, "the held-out split would have no row"),
    ],
)
def test_a_fleet_that_cannot_be_split_is_refused(change, sentence):
    partitions, hashes = made([20, 20])
    schema = Schema("binary", "y", ("no", "yes"), (), Options(time="day"))
    usual = {"target": np.array([0, 1] * 20), "test_size": 0.2} | change
    with pytest.raises(BadInput, match=sentence):
        hold_out(partitions, schema=schema, hashes=hashes, stratify=True, random_state=1, **usual)
