"""Columns of pyarrow as pandas holds them."""

import pandas as pd
import pyarrow as pa
import pytest
from tabular.data.decisions.arrow import as_series

CHUNKS = {
    "one": [["a", "b\u00e9", ""]],
    "several, with gaps": [["a", None], [None, "b"], ["c"]],
    "an empty one between others": [["a"], [], [None]],
    "gaps alone": [[None, None]],
    "none": [],
}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("name", CHUNKS)
def test_texts_are_those_that_pyarrow_gives_pandas(name, first, kind):
    cells = pa.chunked_array([pa.array(chunk, kind)[first:] for chunk in CHUNKS[name]], kind)
    pd.testing.assert_series_equal(as_series(cells), cells.to_pandas())


def test_numbers_are_those_that_pyarrow_gives_pandas():
    cells = pa.chunked_array([[1, 2], [3]])
    pd.testing.assert_series_equal(as_series(cells), cells.to_pandas())
