"""Numbers in several parts are read only in the notations of their column."""

import pytest
from tabular.data.values.composed import taken_apart
from tabular.data.values.numbers import read_number


@pytest.mark.parametrize("text", ["5'7", "1h 30min", "10-20", "3 1/2", "26:30:00"])
def test_a_column_without_a_notation_refuses_it(text):
    with pytest.raises(ValueError, match="is not a number"):
        read_number(text)


def test_a_long_text_is_not_taken_apart():
    assert taken_apart("1h " * 40) is None
