"""A key that an object of a request has more than once, of which parsers keep only the last."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.container.examples import EXAMPLES
from support.container.tables import fit, mixed
from tabular.serving.codec import BadRequest, decode
from tabular.serving.rows.keys import may_repeat

JSON, JSON_LINES = "application/json", "application/jsonlines"


@pytest.fixture(scope="module")
def model():
    table = mixed(rows=40, gaps=False)[["size", "income", "target"]]
    return fit(table, "NaiveBayes", "binary").model


@pytest.fixture(scope="module")
def twice():
    """A model of a table with two columns of one name."""
    table = mixed(rows=40, gaps=False)[["size", "income", "target"]]
    return fit(table.set_axis(["size", "size.1", "target"], axis=1), "NaiveBayes", "binary").model


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ('{"size": 1, "income": 2, "size": 3}', "size"),
        ('[{"size":1,"income":2},{"size":1,"income" : 2,"income"\n:3}]', "income"),
        ('{"instances": [[1, 2]], "instances": [[3, 4]]}', "instances"),
        ('{"instances":[{"size":1,"income":2,"size":3}]}', "size"),  # as the URL passes it on
        ('{"size": [1], "income": [2], "size": [3]}', "size"),
        ('{"inputs": {"size": [1], "income": [2], "income": [3]}}', "income"),
        ('{"columns": ["size", "income"], "data": [[1, 2]], "data": []}', "data"),
        ('[{"size": NaN, "income": 2, "income": 3}]', "income"),
        ('{"inputs": [{"name": "size", "data": [1]}, {"name": "income", "data": [2]}, '
         '{"name": "size", "data": [3]}]}', "size"),
    ],
)  # fmt: skip
def test_a_key_that_is_there_twice_is_named(model, body, key):
    with pytest.raises(BadRequest) as refusal:
        decode(body.encode(), JSON, model)
    assert str(refusal.value) == f"An object has the key {key!r} more than once; send it once."


def test_a_line_with_a_key_twice_is_refused(model):
    with pytest.raises(BadRequest, match="'size' more than once"):
        decode(b'{"size": 1, "income": 2}\n{"size": 1, "income": 2, "size": 3}\n', JSON_LINES, model)


@pytest.mark.parametrize("rows", ["%s", "[%s]", '{"instances": [%s], "instances": [%s]}'])
@pytest.mark.parametrize("size", ["1", "NaN", "null"])
def test_a_key_with_the_same_value_each_time_is_there_once_as_in_a_table(model, rows, size):
    row = f'{{"size": {size}, "income": 2, "size": {size}}}'
    numbers, _ = decode(rows.replace("%s", row).encode(), JSON, model)
    np.testing.assert_array_equal(numbers, [[float(size.replace("null", "nan")), 2.0]])


def test_of_three_columns_of_two_names_two_must_be_equal(twice):
    assert decode(b'[{"size": 1, "size": 2, "size": 1}]', JSON, twice)[0].tolist() == [[1.0, 2.0]]
    with pytest.raises(BadRequest, match="'size' more than once"):
        decode(b'[{"size": 1, "size": 2, "size": 3}]', JSON, twice)


def test_keys_that_are_the_same_are_columns_of_the_same_name(twice):
    assert decode(b'[{"size": 1, "size": 2}]', JSON, twice)[0].tolist() == [[1.0, 2.0]]


JSON_VALUES = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.text(':" \\a', max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(':"a', max_size=2), inner)),
    max_leaves=12,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(document=JSON_VALUES, blanks=st.sampled_from(["", " ", "\n"]), twice=st.booleans())
def test_a_repetition_is_never_overlooked(document, blanks, twice):
    text = json.dumps({"first": document, "second": 1}, separators=(",", f"{blanks}:"))
    if twice:
        text = f'{text[:-1]},"first"{blanks}:2}}'
    assert may_repeat(text, json.loads(text)) or not twice
