"""Columns of plain numbers: C reads them as pyarrow does, or leaves them to it."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabular.data.decisions.many import plain_cells
from tabular.data.decisions.many.plain_cells import _read_by_arrow, _read_in_c, read_plain
from tabular.data.figures import Figures

pytest.importorskip("tabular.data.values.native.plain_cells", reason="installed without a compiler")

DRAW = np.random.default_rng(11)
MANY = DRAW.normal(size=300) * 10.0 ** DRAW.integers(-8, 8, 300)
PLAIN = {
    "fractions": [f"{number:.6f}" for number in MANY],
    "as Python writes them": [str(round(number, 3)) for number in MANY if abs(number) < 1e6],
    "fifteen digits": [f"{number:.15g}" for number in MANY if 1e-3 < abs(number) < 1e6],
    "whole": [str(number) for number in DRAW.integers(-(10**9), 10**9, 300)],
    "with gaps": [None if number < 0 else f"{number:.2f}" for number in MANY],
    "whole with gaps": [None if number < 0 else f"{number:.0f}" for number in MANY],
    "codes": [f"{number:05d}" for number in DRAW.integers(0, 99_999, 300)],
    "one code, below a gap": ["1", None, "-2", "-007", "3"],
    "zeros": ["0", "-0", "0.0", "-0.0", "1.5", "0.5"],
    "zeros before a fraction": ["00.5", "1.25", "7"],
    "zeros before the point": ["00.0", "1.5"],
    "versions": ["3.9", "3.10", "3.11", "3.8"] * 5,
    "months": ["2024.01", "2024.1", "2023.11"] * 10,
    "many months": ["2024.01", "2024.02"] * 100,
    "one spelling beside another": ["1.1", "1.10", "2.5"] * 10,
    "the largest exact": ["9007199254740992", "-9007199254740991", "900719925474099.1"],
    "a year and a day": ["20240131", "20231224"] * 20,
}
OTHERS = {
    "exponents": ["1e5", "2.5E-3"],
    "too many digits": ["9007199254740993", "0.12345678901234567"],
    "plus signs": ["+1", "+2"],
    "hexadecimal": ["0x1F", "2"],
    "no digit before the point": [".5", "1.5"],
    "no digit behind the point": ["5.", "1.5"],
    "infinite": ["inf", "1"],
    "not a number": ["nan", "1"],
    "blanks": [" 1", "2 "],
    "words": ["one", "two"],
    "signs alone": ["-", "."],
    "two points": ["1.2.3", "4"],
    "other digits": ["\u0661", "1"],
    "very long": ["1" * 400, "0" * 400],
    "only gaps": [None, None],
    "nothing": [],
}


def in_pieces(cells):
    """The cells in two chunks, of which the second begins inside an array."""
    cut = len(cells) // 3
    return pa.chunked_array(
        [pa.array(cells[:cut], pa.string()), pa.array(["x", None, *cells[cut:]], pa.string())[2:]]
    )


def assert_same(found, expected):
    np.testing.assert_array_equal(found.values, expected.values)
    assert found.values.dtype == expected.values.dtype
    assert (found.whole is None) == (expected.whole is None)
    assert found.whole is None or found.whole.to_pylist() == expected.whole.to_pylist()
    assert (found.count, found.code) == (expected.count, expected.code)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_numbers_are_the_same_in_c_and_by_pyarrow(name):
    cells = in_pieces(PLAIN[name])
    found = _read_in_c(cells)
    assert_same(found, _read_by_arrow(cells))
    lengths = [len(cell) for cell in PLAIN[name] if cell is not None]
    assert found.lengths == (min(lengths), max(lengths))


@pytest.mark.parametrize("name", OTHERS)
def test_other_cells_are_left_to_pyarrow(name):
    assert _read_in_c(in_pieces(OTHERS[name])) is None
    assert _read_in_c(in_pieces(["1", "2.5", *OTHERS[name]])) is None or set(OTHERS[name]) <= {None}


@pytest.mark.parametrize("name", PLAIN | OTHERS)
def test_the_decision_is_the_same_without_a_compiler(decided_alike, name):
    decided_alike(in_pieces((PLAIN | OTHERS)[name]), plain_cells, "cells_in_c")


@given(
    st.lists(
        st.one_of(st.none(), st.from_regex(r"-?[0-9]{1,17}(\.[0-9]{1,12})?", fullmatch=True)), min_size=1
    )
)
def test_any_digits_are_the_same_in_c_and_by_pyarrow(texts):
    cells = in_pieces(texts)
    if (found := _read_in_c(cells)) is not None:
        assert_same(found, _read_by_arrow(cells))
        assert found.summary == Figures(pd.DataFrame({"x": found.values})).summaries["x"]
        if not found.may_vary:
            numbers = {float(text): text for text in texts if text is not None}
            assert all(text is None or numbers[float(text)] == text or not float(text) for text in texts)


@given(st.one_of(st.from_regex(r"[-+]?[0-9]{0,9}\.?[0-9]{0,9}[0-9.:/eE -]?", fullmatch=True), st.text()))
def test_a_number_is_the_same_behind_others_where_it_is_read_eight_bytes_at_once(text):
    alone, behind = (pa.array([*others, text], pa.string()) for others in ([], ["9" * 17]))
    alone, behind = (_read_in_c(pa.chunked_array([cells[-1:]])) for cells in (alone, behind))
    assert (alone is None) == (behind is None)
    if alone is not None:
        assert_same(behind, alone)
        assert np.signbit(behind.values) == np.signbit(alone.values)
        assert (behind.lengths, behind.ends, behind.may_vary) == (alone.lengths, alone.ends, alone.may_vary)


def test_buffers_that_are_too_short_are_refused():
    _, ends, letters = pa.array(["1", "2"]).buffers()
    with pytest.raises(ValueError, match="shorter than the rows"):
        plain_cells.cells_in_c.read([(None, ends, letters, 10, 100)], np.empty(100))
    with pytest.raises(ValueError, match="not a number for each row"):
        plain_cells.cells_in_c.read([(None, ends, letters, 0, 2)], np.empty(3))


def test_large_texts_are_read_by_pyarrow():
    cells = pa.chunked_array([pa.array(["1", "2.5"], pa.large_string())])
    assert read_plain(cells).values.tolist() == [1.0, 2.5]
