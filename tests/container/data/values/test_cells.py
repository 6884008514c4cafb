"""A cell means the same in training and in serving."""

import io
import math

import numpy as np
import pandas as pd
import pytest
from tabular.data.features import as_boolean
from tabular.data.values import cells

WORDS = sorted(cells.MISSING)


@pytest.mark.parametrize("word", WORDS)
def test_a_missing_word_is_missing_among_numbers_and_a_level_among_words(word):
    assert math.isnan(cells.number(word))
    assert math.isnan(cells.number(f"  {word} "))
    assert math.isnan(cells.boolean(f" {word} "))
    assert cells.category(word) == word
    assert cells.category(word, missing=[word]) == ""


@pytest.mark.parametrize("word", [*WORDS, "missing", "-", "?", "none", "Null", "NIL", "na", "nil", "NAN"])
def test_the_words_that_are_missing_are_those_that_training_reads_so(word):
    read = pd.read_csv(io.StringIO(f"cell,text\n{word},x\n0,y\n"))["cell"].isna()[0]
    assert read == (word in cells.MISSING)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1.0),
        (" -2.5 ", -2.5),
        ("+3", 3.0),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        (7, 7.0),
        (0.1, 0.1),
        (10**300, 1e300),
    ],
)
def test_numbers(cell, value):
    assert cells.number(cell) == value


@pytest.mark.parametrize(
    "cell", ["abc", "1,5", "1 2", "1_000", "٣", "\uff11", "0x1F", "1e", "--1", "true", True, [1], {}, b"1"]
)
def test_what_is_not_a_number_is_named(cell):
    with pytest.raises(ValueError, match="is not a number"):
        cells.number(cell)


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e400", math.inf, 10**400])
def test_an_infinite_number_is_refused(cell):
    with pytest.raises(ValueError, match="is not a finite number"):
        cells.number(cell)


@pytest.mark.parametrize("cell", [None, math.nan, "NaN", "-nan"])
def test_a_missing_number_is_nan(cell):
    assert math.isnan(cells.number(cell))


def test_numbers_are_read_to_the_last_bit_as_in_training():
    rng = np.random.default_rng(5)
    texts = [f"{m:.{d}g}" for m, d in zip(rng.lognormal(0, 30, 3000), rng.integers(1, 18, 3000), strict=True)]
    trained = pd.read_csv(io.StringIO("\n".join(["x", *texts])))["x"].tolist()
    assert trained == [cells.number(text) for text in texts]


@pytest.mark.parametrize("cell", ["true", "True", "YES", " y ", "t", "1", "1.0", 1, 1.0, True])
def test_true(cell):
    assert cells.boolean(cell) == 1.0


@pytest.mark.parametrize("cell", ["false", "FALSE", "No", "n", "f", "0", "0.0", 0, 0.0, False])
def test_false(cell):
    assert cells.boolean(cell) == 0.0


@pytest.mark.parametrize("cell", ["maybe", "2", 2, -1, "truefalse", [True], {"a": 1}])
def test_a_third_word_is_neither_true_nor_false(cell):
    with pytest.raises(ValueError, match="neither true nor false"):
        cells.boolean(cell)


def test_booleans_of_a_table_are_read_as_those_of_a_request():
    words = [*cells.BOOLEANS, *(word.upper() for word in cells.BOOLEANS), " Yes ", "no "]
    assert as_boolean(pd.Series(words, dtype=object)).tolist() == [cells.boolean(word) for word in words]


@pytest.mark.parametrize(
    ("cell", "level"), [("red", "red"), (3, "3"), (2.5, "2.5"), (True, "True"), (None, "")]
)
def test_a_level_is_text(cell, level):
    assert cells.category(cell) == level


@pytest.mark.parametrize("cell", [["red"], {"colour": "red"}])
def test_a_list_or_an_object_is_no_level(cell):
    with pytest.raises(ValueError, match="is not text"):
        cells.category(cell)


def test_a_long_cell_is_cut_where_an_error_names_it():
    assert cells.shown("x" * 5000) == "'" + "x" * 56 + "..."
    assert cells.shown("it's") == '"it\'s"'


@pytest.mark.parametrize(("form", "levels"), [("", ["0", "-1", "3"]), (".0", ["0.0", "-1.0", "3.0"])])
def test_a_zero_with_a_sign_is_the_level_zero(form, levels):
    assert [cells.as_whole(text, form) for text in ("-0.0", "-1.0", "3")] == levels
    assert cells.as_whole("-0", form) == levels[0]
