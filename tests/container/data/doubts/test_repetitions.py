"""Rows that repeat others are found by the columns that differ most, as if all cells were compared."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tabular.data.cleaning import clean
from tabular.data.doubts import repetitions
from tabular.spec.options import Options

COLUMNS = {
    "zeros of both signs": lambda draw, rows: draw.choice([0.0, -0.0, 1.5, np.nan], rows),
    "figures": lambda draw, rows: draw.integers(0, 40, rows) / 8,
    "other figures": lambda draw, rows: draw.integers(0, 3, rows) / 8,
    "counts": lambda draw, rows: draw.integers(0, 30, rows),
    "texts": lambda draw, rows: [
        f"{'Łódź ' * int(place % 3)}{place}" for place in draw.integers(0, 80, rows)
    ],
    "words": lambda draw, rows: draw.choice(["x", "y", None], rows),
    "target": lambda draw, rows: draw.choice(["yes", "no"], rows),
}


@pytest.mark.parametrize("seed", range(60))
def test_repetitions_are_those_that_pandas_finds(seed):
    draw = np.random.default_rng(seed)
    chosen = [name for name in COLUMNS if name == "target" or draw.random() < 0.6]
    rows = int(draw.integers(40, 200))
    table = pd.DataFrame({name: COLUMNS[name](draw, rows) for name in draw.permutation(chosen)})
    table = table[draw.random(rows) < 0.9]
    cleaned, _ = clean(table, "target", Options(repeated="keep"))
    assert cleaned.equals(table)
    expected = table[~table.duplicated()]
    said = [one["said"] for one in repetitions.repetitions(table)]
    again = len(table) - len(expected)
    assert [one.partition(" rows")[0] for one in said] == ([f"{again} of {len(table)}"] if again else [])
    if len(expected) >= 20:
        cleaned, report = clean(table, "target", Options(repeated="drop"))
        assert cleaned.equals(expected)
        assert report["rows_repeated"] == len(table) - len(expected)


def test_columns_that_the_options_drop_make_no_row_another():
    table = pd.DataFrame({"shop": list("abcdef"), "price": [1.0, 2.0, 1.0, 3.0, 2.0, 4.0]})
    assert not repetitions.repeated(table).any()
    found = repetitions.repeated(table, Options(drop=("shop",)))
    assert found.tolist() == [False, False, True, False, True, False]


def test_only_rows_with_the_same_texts_are_compared_in_all_cells():
    pytest.importorskip("tabular.data.values.native.texts", reason="installed without a compiler")
    texts = pa.chunked_array(
        [["a", None, "b", "a longer text"], ["a", "", None, "a longer text", "a longer word"]]
    )
    table = pd.DataFrame({"one": texts.to_pandas(), "other": list("pqrspuwsy")})
    assert repetitions._alike(table[["one"]]).tolist() == [0, 1, 3, 4, 6, 7]
    assert repetitions._alike(table).tolist() == [0, 3, 4, 7]


def test_numbers_are_mixed_alike_by_the_extension_and_by_numpy(monkeypatch):
    texts_in_c = pytest.importorskip(
        "tabular.data.values.native.texts", reason="installed without a compiler"
    )
    other_nan = np.array([0x7FF8000000000001], np.uint64).view(np.float64)
    numbers = np.concatenate([[0.0, -0.0, np.nan, 1.5, -1.5, np.inf, 5e-324], other_nan])
    by_the_extension, by_numpy = np.arange(8, dtype=np.uint64), np.arange(8, dtype=np.uint64)
    repetitions._mix_numbers(numbers, by_the_extension)
    monkeypatch.setattr(repetitions, "texts_in_c", None)
    repetitions._mix_numbers(numbers, by_numpy)
    assert by_the_extension.tolist() == by_numpy.tolist()
    assert len(set(by_numpy.tolist())) == 8
    zeros = np.zeros(2, np.uint64)
    texts_in_c.hash_numbers(np.array([0.0, -0.0]), zeros)
    assert zeros[0] == zeros[1]
    with pytest.raises(ValueError, match="not a hash for each number"):
        texts_in_c.hash_numbers(numbers, zeros)
