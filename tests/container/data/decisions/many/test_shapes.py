"""Texts that may look like numbers are found in C as their patterns say."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabular.data.decisions.looks import like_numbers
from tabular.data.decisions.looks.matching import match
from tabular.data.decisions.many import shapes
from tabular.data.decisions.many.shapes import shapes_of

texts_in_c = pytest.importorskip("tabular.data.values.native.texts", reason="installed without a compiler")

TEXTS = [
    *("", " ", "7", " < $ -7", ">7", "~ 7 ", "$7", "7$", "- 7", "7 a b", "7 abcdefghijkl"),
    *("7 abcdefghijklm", "7\x0b", "1.5;2", "12:30", "1'000", "0x1f", "00a1b2c3d4e5", "2 out of 3"),
    *("p2d", "PT3H", "t5h", "3 days", "h3", "m1.2.3", "2019 Q1", "2019q1", "ca. 5", "circa 5"),
    *("Approx 5", "ABOUT 5", "up to 5", "over 5", "under 5", "=5", "'5", "/Date(5", "1st", "2nd"),
    *("3rd", "4th", "5 - never", "5 : x", "5\t= x", "st", "1 st", "12th", "1.", "1)", "1 ", "May 2019"),
    *("in 1999", "x1899", "2199", "20 19", "Friday 7 2019", "1 jan", "12.Feb", "3rd-sept"),
    *("31  December", "MARCH1", "sep", "sept 2", "123 may", "1ma", "jan", "ja", "\u00b1 5", "\u20ac5"),
    *("\u2265 5", "5\u2019000", "\u25b2 5", "caf\u00e9 5", "1 d\u00e9c", "\u017fep 2", "\u216b 2019"),
    *("5\u00a0kg", "a\0b", "5\0", "1\0", "\n5\r", "\t\f5"),
]
PATTERNS = {
    "in_words": (like_numbers.NUMBERS_IN_WORDS, True),
    "ranks": (like_numbers.RANK, False),
    "years": (like_numbers.YEAR, False),
    "days": (like_numbers.DAY_OF_MONTH, True),
}


def in_pieces(texts):
    """The texts in two chunks, of which the second does not begin at its buffer."""
    half = len(texts) // 2
    return pa.chunked_array(
        [pa.array(texts[:half], pa.string()), pa.array(["5", *texts[half:]], pa.string())[1:]]
    )


def assert_patterns_are_within(texts):
    cells = in_pieces(texts)
    found = shapes_of(cells)
    numbers = match(cells, like_numbers.NUMBER_LIKE)
    assert not (found.numbers & found.others).any()
    assert found.others.tolist() == [not text.isascii() for text in texts]
    np.testing.assert_array_equal(found.numbers[~found.others], numbers[~found.others])
    for name, (pattern, ignore_case) in PATTERNS.items():
        may = getattr(found, name)
        assert (may | ~match(cells, pattern, ignore_case)).all(), name
        assert may[found.others].all()


def assert_looks_are_the_same(texts):
    cells = in_pieces(texts)
    found = like_numbers.like_numbers(cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shapes, "texts_in_c", None)
        np.testing.assert_array_equal(found, like_numbers.like_numbers(cells))


def test_no_text_that_a_pattern_matches_is_left_out():
    assert_patterns_are_within(TEXTS)
    assert_looks_are_the_same(TEXTS)


@given(
    st.lists(
        st.lists(st.sampled_from([*TEXTS, *"0 19$-<.:a", "pt", "sep", "nd", "kg"]), max_size=4).map("".join)
    )
)
def test_no_text_of_such_pieces_is_left_out(texts):
    assert_patterns_are_within(texts)
    assert_looks_are_the_same(texts)


def test_texts_of_parquet_may_be_anything():
    assert all(map(np.all, shapes_of(pa.array(["a"], pa.large_string()))[1:]))


def test_damaged_chunks_are_refused():
    _, ends, letters = pa.array(["a", "b"]).buffers()
    for first, rows in ((0, 99), (-1, 2)):
        with pytest.raises(ValueError, match="shorter than the rows"):
            texts_in_c.shapes([(None, ends, letters, first, rows)], np.empty(rows, np.uint8))
    with pytest.raises(ValueError, match="not a byte for each row"):
        texts_in_c.shapes([(None, ends, letters, 0, 2)], np.empty(1, np.uint8))
