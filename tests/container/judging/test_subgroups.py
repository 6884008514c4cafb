"""Subgroups: the metrics of each level, even if a level has only three rows or one class."""

import json

import numpy as np
import pandas as pd
import pytest
from tabular.data.splits.files import read_subgroups, write_split
from tabular.judging.subgroups import MOST_LEVELS, by_subgroup
from tabular.spec.columns import Schema

BINARY = Schema("binary", "t", ("no", "yes"), ())


def by(values, truth=None):
    rows = len(values)
    truth = np.tile([0, 1], rows)[:rows] if truth is None else truth
    positive = np.where(truth == 1, 0.7, 0.4)
    answer = ((positive > 0.5).astype(int), np.stack([1 - positive, positive], axis=1))
    found = by_subgroup(pd.DataFrame({"column": values}), BINARY, truth, answer, 0)["column"]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def test_each_level_has_its_rows_metrics_and_intervals_the_most_frequent_first():
    found = by(["north"] * 30 + ["south"] * 50)
    assert [(name, one["rows"]) for name, one in found.items()] == [("south", 50), ("north", 30)]
    assert found["north"]["metrics"]["accuracy"] == 1.0
    without = {"average_precision", "brier", "log_loss"}  # the same on all resamples, and without a bound
    assert set(found["north"]["intervals"]) == set(found["north"]["metrics"]) - without


def test_a_level_of_three_rows_has_metrics_and_no_intervals():
    found = by(["many"] * 40 + ["few"] * 3)
    assert found["few"]["rows"] == 3
    assert found["few"]["metrics"]["accuracy"] == 1.0
    assert found["few"]["intervals"] == {}


def test_a_level_of_one_class_has_no_auc():
    found = by(["both"] * 20 + ["one"] * 20, np.array([0, 1] * 10 + [1] * 20))
    assert "auc" in found["both"]["metrics"]
    assert "auc" not in found["one"]["metrics"]
    assert "auc" not in found["one"]["intervals"]
    assert found["one"]["metrics"]["recall"] == 1.0


def test_missing_cells_are_a_level():
    assert by(["a"] * 20 + [None] * 20 + [""] * 10)["(missing)"]["rows"] == 30
    assert by([1.0] * 20 + [np.nan] * 20)["(missing)"]["rows"] == 20


def test_numbers_of_many_values_are_split_at_their_quartiles():
    found = by(np.arange(400.0).tolist() + [np.nan] * 10)
    assert [one["rows"] for one in found.values()] == [100] * 4 + [10]
    assert "99.75 to 199.5" in found


def test_rare_levels_beyond_the_twentieth_are_one():
    found = by([f"level {i}" for i in range(30) for _ in range(40 - i)])
    assert len(found) == MOST_LEVELS
    assert found["level 0"]["rows"] == 40
    assert found["(others)"]["rows"] == sum(40 - i for i in range(19, 30))


def test_columns_that_preprocess_data_left_are_read_beside_their_split(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0]})
    assert read_subgroups(tmp_path) is None
    write_split(
        tmp_path,
        frame,
        [0, 1],
        Schema("binary", "t", ("x", "y"), ()),
        subgroups=pd.DataFrame({"g": ["p", "q"]}),
    )
    assert read_subgroups(tmp_path)["g"].tolist() == ["p", "q"]


@pytest.mark.filterwarnings("error")
def test_nothing_is_said_on_the_console_of_a_level_without_a_class():
    by(["a"] * 15 + ["b"] * 15, np.array([1] * 15 + [0, 1, 1] * 5))
