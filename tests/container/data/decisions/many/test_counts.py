"""Texts are counted in C as pyarrow counts them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabular.data.decisions.many import counts as counting
from tabular.data.decisions.many.counts import count
from tabular.data.values.cells import MARKS

counts_in_c = pytest.importorskip("tabular.data.values.native.counts", reason="installed without a compiler")

LENGTHS = bytes(2 * 128 * 4)
BLANKS = ("", " ", "\t \x1f", "\u00a0", " \u3000", "\u2003 ", "\x01", "x")
DRAW = np.random.default_rng(5)
COLUMNS = {
    "few words": ["yes", "no", None, "yes"] * 50,
    "gaps alone": [None] * 9,
    "nothing": [],
    "no gaps": ["b", "a", "b"],
    "empty texts": ["", " ", "", None, "  "],
    "blanks at an end": ["a", "a ", "b"],
    "different in every row": [f"{number:012x}" for number in DRAW.permutation(20_000)],
    "many": [f"u{number}" for number in DRAW.integers(0, 9_000, 20_000)],
    "of all lengths": ["ab\u00e9c" * length + end for length in range(30) for end in ("", "x", "y", "")],
    "alike but for a byte": ["a" * place + "b" + "a" * (20 - place) for place in range(21)] * 2,
    "of eight bytes each": [f"{number:08}" for number in DRAW.integers(0, 3_000, 9_000)],
    "numbers as words": [f"{number} pieces" for number in range(12_000)],
    "marks": [f"{blank}{mark}{blank}" for mark in (*MARKS, *map(str.upper, MARKS)) for blank in BLANKS],
    "nearly marks": ["nan.", "unknow", "N\u0130L", "UN\u212aNOWN", "m\u0130ss\u0130ng", "n\u00e9" * 40],
    "lists": [f"[{number}, 1]" for number in range(6_000)],
}


def in_pieces(texts):
    """A column of three chunks, of which one is empty and another does not begin at its buffer."""
    half = len(texts) // 2
    whole = pa.array(["before", *texts[half:]], pa.string())
    return pa.chunked_array([pa.array(texts[:half], pa.string()), pa.array([], pa.string()), whole[1:]])


def means_missing(text):
    return pc.utf8_lower(pc.utf8_trim_whitespace(text)).as_py() in MARKS


def assert_same(found, cells):
    expected = pc.value_counts(cells.drop_null())
    assert found.texts.to_pylist() == expected.field("values").to_pylist()
    assert found.counts.tolist() == expected.field("counts").to_pylist()
    assert len(found) == len(expected)
    marks = [text for text in found.texts.to_pylist() if means_missing(text)]
    assert found.marks.to_pylist() == marks
    assert found.blanks == any(text != text.strip(" ") for text in found.texts.to_pylist())


@pytest.mark.parametrize("name", COLUMNS)
def test_texts_are_the_same_in_c_and_by_pyarrow(monkeypatch, name):
    cells = in_pieces(COLUMNS[name])
    found = count(cells)
    assert found.cells is cells
    assert_same(found, cells)
    monkeypatch.setattr(counting, "counts_in_c", None)
    assert_same(count(cells), cells)


@given(st.lists(st.one_of(st.none(), st.text("ab \u00e9\U0001f600", max_size=12)), max_size=300))
def test_any_texts_are_the_same_in_c_and_by_pyarrow(texts):
    cells = in_pieces(texts)
    assert_same(count(cells), cells)


@pytest.mark.parametrize("name", COLUMNS)
def test_the_decision_is_the_same_without_a_compiler(decided_alike, name):
    found, expected = decided_alike(in_pieces(COLUMNS[name]), counting, "counts_in_c")
    assert (found.counts and found.counts.as_dict()) == (expected.counts and expected.counts.as_dict())


@pytest.mark.parametrize("name", ["many", "different in every row"])
def test_some_texts_are_found_without_all_others(name):
    found = count(in_pieces(COLUMNS[name]))
    texts = found.texts.to_pylist()
    assert found.first(3).to_pylist() == texts[:3]
    assert found.first(10**9).to_pylist() == texts
    places = DRAW.permutation(len(texts))[:99]
    assert found.at(places).to_pylist() == [texts[place] for place in places]
    assert found.at(places[:0]).to_pylist() == []


def test_texts_of_parquet_are_counted_by_pyarrow():
    cells = pa.chunked_array([pa.array(["a", "b", "a"], pa.large_string())])
    assert count(cells).as_dict() == {"a": 2, "b": 1}


def test_damaged_chunks_are_refused():
    valid, ends, letters = pa.array(["a", "b"]).buffers()
    for damaged in ((valid, ends, letters, 0, 99), (valid, ends, letters, -1, 2), (b"", ends, letters, 0, 2)):
        with pytest.raises(ValueError, match="shorter than the rows"):
            counts_in_c.count([(valid, ends, letters, 0, 2), damaged], LENGTHS)
    with pytest.raises(TypeError):
        counts_in_c.count([(valid, ends, letters, 0, 2), (valid, ends)], LENGTHS)
    with pytest.raises(TypeError, match="not a sequence"):
        counts_in_c.count(3, LENGTHS)
    with pytest.raises(ValueError, match="lengths of marks"):
        counts_in_c.count([(valid, ends, letters, 0, 2)], LENGTHS[1:])
