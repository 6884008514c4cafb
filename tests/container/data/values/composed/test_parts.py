"""Numbers in several parts are read only in the notations of their column."""

from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tabular.data.values.composed import parts
from tabular.data.values.composed.parts import taken_apart
from tabular.data.values.numbers import read_number
from tabular.spec.columns import PLAIN


@pytest.mark.parametrize("text", ["5'7", "1h 30min", "10-20", "3 1/2", "26:30:00"])
def test_a_column_without_a_notation_refuses_it(text):
    with pytest.raises(ValueError, match="is not a number"):
        read_number(text, PLAIN)


def test_a_long_text_is_not_taken_apart():
    assert taken_apart("1h " * 40) is None


PIECES = (
    *("0", "2", "10", "59", "120", "3.5", "1,5", "'", '"', "\u2032", "\u2019", "\u00b0", "N", "S"),
    *("E", "W", "d", "m", "s", "h", "H", "HH", "L", " ", "\u00a0", "-", "\u2212", "\u2013", ":"),
    *("/", "\u2044", "\u00bd", "\u00b1", "+/-", " to ", "and", "bis", "(a)", "[1]", "$", "\u20ac"),
    *("DR", "cr.", "yrs", "P", "T", "Y", "days", "kg", "min", "\u00b2"),
)


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
@example("5'7\"")
@example("N 48 51 24")
@example("12.5 S")
@example("100 Dr")
@example("- \u20ac")
@example("26:30:00")
@example("2y 3m")
@example("3 1/2")
@example("1.2 H")
@example("5 p")
@example("5 +/- 2")
@example("1 to 2")
def test_the_signs_that_a_notation_needs_leave_out_none_of_its_texts(text):
    found = taken_apart(text)
    unsigned = {name: one._replace(signs="") for name, one in parts._BY_NAME.items()}
    uncached = parts._possible.__wrapped__
    with patch.multiple(parts, _BY_NAME=unsigned, _possible=uncached):
        assert taken_apart(text) == found
