"""Columns with many numbers are read all at once as each of their texts is read by itself."""

import numpy as np
import pyarrow as pa
import pytest
from tabular.data.decisions import decide as deciding
from tabular.data.decisions.decide import decide
from tabular.data.decisions.decision import UNKNOWN, FileStyle
from tabular.data.decisions.many.numbers import MANY, read_many
from tabular.spec.options import Options

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


@pytest.mark.parametrize("style", [UNKNOWN, FileStyle(likely_decimal_comma=True)])
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


def test_few_texts_are_read_one_by_one():
    assert read_many(pa.chunked_array([["1,5", "2,5"] * MANY])) is None
