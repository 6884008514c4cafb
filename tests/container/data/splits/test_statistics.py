"""Rows are recognised by a hash that depends only on their contents."""

import numpy as np
import pandas as pd
from tabular.data.splits.statistics import row_hashes

FRAME = pd.DataFrame({"a": [1.0, np.nan, -0.0], "b": pd.Series(["x", "", "ü"], dtype=object)})
LABELS = ["yes", "no", "no"]
GOLDEN = ["01391736e22aa5e0", "7587e745cb2655a0", "f5b954e885160d3d"]
GOLDEN_NUMBERS = ["0c9a0eab7102db0b", "48849f1d446064c6", "dc91509221788c1d"]


def test_the_numbers_never_change():
    """Models in service hold them: other numbers would make every held-out row look new to them."""
    assert [f"{one:016x}" for one in row_hashes(FRAME, LABELS, ["a", "b"])] == GOLDEN
    assert [f"{one:016x}" for one in row_hashes(FRAME, [0.5, 2, -1], ["b"])] == GOLDEN_NUMBERS


def test_a_row_is_known_wherever_it_is():
    order = [2, 0, 1]
    again = row_hashes(FRAME.iloc[order], [LABELS[i] for i in order], ["a", "b"])
    np.testing.assert_array_equal(again, row_hashes(FRAME, LABELS, ["a", "b"])[order])


def test_zero_has_no_sign_and_nothing_no_kind():
    other = FRAME.assign(a=[1.0, np.array([0xFFF8000000000001], dtype="u8").view("f8")[0], 0.0])
    hashes = row_hashes(other, LABELS, ["a", "b"])
    np.testing.assert_array_equal(hashes, row_hashes(FRAME, LABELS, ["a", "b"]))


def test_every_cell_the_label_and_the_order_of_columns_count():
    frame = pd.DataFrame({"a": [0.0] * 4, "b": [0.0, 1.0, 0.0, 0.0], "c": ["", "", "0", ""]})
    hashes = row_hashes(frame, ["y", "y", "y", "z"], ["a", "b", "c"])
    assert len(set(hashes)) == 4
    swapped = row_hashes(frame.rename(columns={"a": "b", "b": "a"}), ["y", "y", "y", "z"], ["a", "b", "c"])
    assert swapped[1] != hashes[1]
    assert len(set(row_hashes(frame, ["y", "y", "y", "z"], ["a"]))) == 2


def test_labels_may_be_of_any_type():
    whole = row_hashes(FRAME, [1, 2, 3], ["a"])
    np.testing.assert_array_equal(whole, row_hashes(FRAME, np.array([1.0, 2.0, 3.0]), ["a"]))
    assert not np.isin(row_hashes(FRAME, ["1", "2", "3"], ["a"]), whole).any()


def test_many_rows_have_as_many_numbers():
    rows = 200_000  # more than are hashed at once
    frame = pd.DataFrame({"a": np.arange(rows, dtype=np.float64), "b": np.resize(["x", "y"], rows)})
    hashes = row_hashes(frame, np.zeros(rows), ["a", "b"])
    assert (hashes.dtype, len(set(hashes.tolist()))) == (np.dtype("<u8"), rows)
    np.testing.assert_array_equal(hashes[-3:], row_hashes(frame.tail(3), np.zeros(3), ["a", "b"]))
