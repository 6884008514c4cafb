"""Columns with many numbers are read all at once as each of their texts is read by itself."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabular.data.decisions import decide as deciding
from tabular.data.decisions.decide import decide
from tabular.data.decisions.many import numbers as many_numbers
from tabular.data.decisions.many.numbers import MANY, read_many
from tabular.data.decisions.style import UNKNOWN, FileStyle
from tabular.data.values.numbers import read_number
from tabular.spec.columns import NumberFormat
from tabular.spec.options import Options

needs_c = pytest.mark.skipif(many_numbers.cells_in_c is None, reason="installed without a compiler")
SWISS, FRENCH = str.maketrans(",", "'"), str.maketrans(",.", "\u202f,")
GERMAN = str.maketrans(",.", ".,")
NUMBERS = np.random.default_rng(7).normal(size=1600).cumsum() * 1000


def written(form, table=None):
    return [form.format(number).translate(table or {}) for number in NUMBERS]


COLUMNS = {
    "american": written("{:,.2f}"),
    "german": written("{:,.2f}", GERMAN),
    "decimal comma alone": written("{:.3f}", GERMAN),
    "swiss": written("{:,.2f}", SWISS),
    "french": written("{:,.2f} \u20ac", FRENCH),
    "dollars": written("${:,.2f}"),
    "francs": written("CHF {:,.0f}", SWISS),
    "percent": written("{:.1f}%"),
    "kilometres": written("{:.1f} km/h"),
    "gaps": [text if place % 7 else None for place, text in enumerate(written("{:,.2f}", GERMAN))],
    "marks": [text if place % 9 else "n.a." for place, text in enumerate(written("{:,.2f}", GERMAN))],
    "typing errors": [text if place % 99 else f"?{place}" for place, text in enumerate(written("{:,.1f}"))],
    "some in brackets": [
        text if place % 50 else "(1,234.5)" for place, text in enumerate(written("{:,.1f}"))
    ],
    "some plain": [text if place % 50 else " 7 " for place, text in enumerate(written("{:.1f} kg"))],
    "another unit": [text if place % 50 else "7 g" for place, text in enumerate(written("{:.1f} kg"))],
    "thousands and millions": [
        f"${text}{unit}" for text, unit in zip(written("{:.1f}"), "KM" * 800, strict=True)
    ],
    "degrees of two kinds": [
        f"{text}{unit}" for text, unit in zip(written("{:.1f}"), ("\u00b0C", "\u00b0F") * 800, strict=True)
    ],
    "some ranges": [text if place % 90 else "10-20" for place, text in enumerate(written("{:,.1f}"))],
    "a code below": [*written("{:,.2f}"), "007"],
    "other numbers below": [*written("{:,.0f}"), *written("{:.3f}", GERMAN)],
    "words below": [*written("{:,.2f}"), *(f"word {number}" for number in range(200))],
    "an infinite one below": [*written("{:,.2f}"), "inf"],
}


@pytest.mark.parametrize("style", [UNKNOWN, FileStyle(delimiters=[";"])])
@pytest.mark.parametrize("missing", [None, ["n.a."]])
@pytest.mark.parametrize("name", COLUMNS)
def test_many_numbers_are_read_as_each_by_itself(monkeypatch, name, missing, style):
    cells = pa.chunked_array([COLUMNS[name][:900], COLUMNS[name][900:]])
    options = Options(missing=missing)
    found = decide("a", cells, options, style)
    monkeypatch.setattr(deciding, "read_many", lambda *_: None)
    expected = decide("a", cells, options, style)
    assert found.column == expected.column
    assert found.doubts == expected.doubts
    assert found.values.equals(expected.values)


@pytest.mark.parametrize(
    "name", ["american", "german", "swiss", "french", "dollars", "marks", "some in brackets"]
)
def test_usual_columns_are_read_all_at_once(name):
    found = read_many(pa.chunked_array([COLUMNS[name]]))
    assert len(found.values) == len(COLUMNS[name])


GROUPED = {
    ",": [
        "1,234",
        "1,234.5",
        "-12,34,567.",
        "12,34",
        "1,2345",
        "0,123",
        "01",
        "0",
        "-0",
        "+7",
        "1,,234",
        ",5",
        ".5",
    ],
    ".": ["1.234", "1.234,5", "12.345.678", "12.34.567", "0.123", "1.234.5", "1.", "1,", "-1.234,", "1,5"],
    "": ["1234.5", "1,234", "0.5", "00.5", "7.", "-", "", " 7", "1 234"],
}
BEYOND = {
    "too many digits": "1234567890123456789",
    "too many with decimals": "1,234,567,890.123456789",
    "over 2**53": "9,007,199,254,740,993",
}


def in_pieces(texts):
    """A column of two chunks, of which the second one does not begin at its buffer."""
    return pa.chunked_array([pa.array([None, *texts], pa.string()), pa.array(["x", *texts, None])[1:]])


def assert_same(cells, form):
    alike, values = many_numbers._read_in_c(cells, form)
    pattern = many_numbers._pattern(form)
    expected = pc.match_substring_regex(cells, pattern).fill_null(False)
    assert alike.tolist() == expected.to_pylist()
    numbers = [
        read_number(text, form) if one else np.nan for text, one in zip(cells.to_pylist(), alike, strict=True)
    ]
    np.testing.assert_array_equal(values, numbers)


@needs_c
@pytest.mark.parametrize(("thousands", "decimal"), [(",", "."), (".", ","), ("", "."), ("", ",")])
def test_numbers_in_groups_are_the_same_in_c_and_by_pattern(thousands, decimal):
    cells = in_pieces([text for texts in GROUPED.values() for text in texts])
    assert_same(cells, NumberFormat(decimal, thousands))


@needs_c
@given(
    st.lists(st.text("01239.,-+ ", max_size=12)),
    st.sampled_from([(",", "."), (".", ","), ("", "."), ("", ",")]),
)
def test_any_digits_are_the_same_in_c_and_by_pattern(texts, signs):
    assert_same(in_pieces(texts), NumberFormat(signs[1], signs[0]))


@needs_c
@pytest.mark.parametrize("name", BEYOND)
def test_more_digits_than_c_holds_are_left_to_pyarrow(name):
    form = NumberFormat(".", ",")
    assert many_numbers._read_in_c(pa.chunked_array([["1,234", BEYOND[name]]]), form) is None
    assert many_numbers._read_in_c(pa.chunked_array([["1,234"]]), form._replace(affixes=("kg",))) is None
    texts = [f"{number:,}" for number in range(1_000, 6_000)] + [BEYOND[name]]
    assert read_many(pa.chunked_array([texts])).values[-1] == float(BEYOND[name].replace(",", ""))


@needs_c
@pytest.mark.parametrize("style", [UNKNOWN, FileStyle(delimiters=[";"])])
@pytest.mark.parametrize("name", COLUMNS)
def test_the_decision_is_the_same_without_a_compiler(monkeypatch, name, style):
    cells = pa.chunked_array([COLUMNS[name][:900], COLUMNS[name][900:]])
    found = decide("a", cells, style=style)
    monkeypatch.setattr(many_numbers, "cells_in_c", None)
    expected = decide("a", cells, style=style)
    assert (found.column, found.evidence, found.doubts) == (
        expected.column,
        expected.evidence,
        expected.doubts,
    )
    assert found.values.equals(expected.values)


@needs_c
def test_groups_in_buffers_that_are_too_short_are_refused():
    _, ends, letters = pa.array(["1", "2"]).buffers()
    for rows, places, seen in ((100, 100, "shorter than the rows"), (2, 1, "not a number for each row")):
        with pytest.raises(ValueError, match=seen):
            many_numbers.cells_in_c.grouped(
                [(None, ends, letters, 0, rows)], b".", b",", np.empty(places), np.empty(rows, dtype=bool)
            )


def test_few_texts_are_read_one_by_one():
    assert read_many(pa.chunked_array([["1,5", "2,5"] * MANY])) is None
