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
