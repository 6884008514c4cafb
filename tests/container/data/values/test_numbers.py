"""Numbers as people write them are read in the format of their column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabular.data.values.numbers import read_number, written
from tabular.spec.columns import PLAIN, NumberFormat


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([PLAIN, NumberFormat(",", "."), NumberFormat(",", ""), NumberFormat(".", ",", ("$",))]),
)
def test_what_is_written_is_read_as_the_same_number(number, form):
    assert read_number(written(number, form), form) == number


@pytest.mark.parametrize("text", ["", "x", "--5", "(5", "5)", "1,2,3", "inf", "nan", "1e999", "-(5)", "1 2"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="number"):
        read_number(text, NumberFormat(".", ","))


DOLLARS, EUROS = NumberFormat(affixes=("$",)), NumberFormat(",", "", ("\u20ac",))


@pytest.mark.parametrize(
    ("text", "form", "number"),
    [
        ("$1,000.50", DOLLARS, 1000.5),
        ("$1'000.50", DOLLARS, 1000.5),
        ("$1,234,567", DOLLARS, 1234567),
        ("-$12,345,678.9", DOLLARS, -12345678.9),
        ("1.000,50 \u20ac", EUROS, 1000.5),
        ("1\u00a0234\u00a0567 \u20ac", EUROS, 1234567),
    ],
)
def test_thousands_that_training_never_had_are_read_where_they_can_be_nothing_else(text, form, number):
    assert read_number(text, form) == number


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("$1,000", DOLLARS),  # or one
        ("$1.000,50", DOLLARS),
        ("$1,00.50", DOLLARS),
        ("$1,000'000.5", DOLLARS),
        ("1.000 \u20ac", EUROS),
        ("1,000.50", PLAIN),
    ],
)
def test_thousands_that_may_be_something_else_are_refused(text, form):
    with pytest.raises(ValueError, match="is not a number"):
        read_number(text, form)
