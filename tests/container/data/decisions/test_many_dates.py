"""Columns with many dates are read all at once as each of their texts is read by itself."""

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from tabular.data.decisions import decide as deciding
from tabular.data.decisions.decide import decide
from tabular.data.decisions.many_dates import MANY, read_many_dates
from tabular.spec.options import Options

ROWS = 1600  # over fifteen years, so that more than MANY of the days differ
DRAW = np.random.default_rng(5)
MOMENTS = [datetime(2019, 1, 1) + timedelta(minutes=int(one)) for one in DRAW.integers(0, 8_000_000, ROWS)]
EARLY = [
    datetime(2019, month, day, 8, minute)
    for month in range(1, 13)
    for day in range(1, 13)
    for minute in range(9)
]
FORMS = (
    *("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d", "%Y.%m.%d %H:%M"),
    *("%d.%m.%Y", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y", "%m/%d/%Y %I:%M %p", "%d/%m/%Y", "%d/%m/%Y %H:%M"),
    *(
        "%d-%m-%Y",
        "%m-%d-%Y",
        "%d %b %Y",
        "%d-%b-%Y",
        "%b %d, %Y",
        "%d %B %Y",
        "%d-%b-%y",
        "%d/%m/%y",
        "%m/%d/%y",
    ),
    *(
        "%d.%m.%y",
        "%y-%m-%d",
        "%H:%M:%S",
        "%d/%b/%Y:%H:%M:%S +0000",
        "%Y%m%dT%H%M%S",
        "%b-%y",
        "%Y-%m-%d %H:%M:%S UTC",
    ),
)
BESIDE = {
    "nothing": {},
    "gaps": {7: None},
    "marks": {5: "n.a.", 9: "?"},
    "a mark first": {ROWS: "n.a."},
    "dates of databases": {50: "0001-01-01", 70: "31/12/9999"},
    "typing errors": {90: "31.02.2023", 120: "soon"},
    "too many words": {4: "soon"},
    "an infinite number": {900: "inf"},
    "dates in another way": {60: "2024-02-29", 80: "29/02/2024", 110: "05/06/2024"},
    "times beside": {500: "2024-02-29 10:15"},
}


def column(form, beside, moments=MOMENTS):
    texts = [moment.strftime(form) for moment in moments]
    for every, text in beside.items():
        texts[every // 2 :: every] = [text] * len(texts[every // 2 :: every])
        if every == ROWS:
            texts[0] = text
    return texts


def assert_same_decision(monkeypatch, texts, options):
    cells = pa.chunked_array([texts[:900], texts[900:]], pa.string())
    found = decide("a", cells, options)
    monkeypatch.setattr(deciding, "read_many_dates", lambda *_: None)
    expected = decide("a", cells, options)
    assert (found.column, found.evidence, found.doubts) == (
        expected.column,
        expected.evidence,
        expected.doubts,
    )
    assert found.values.equals(expected.values)


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("form", FORMS)
def test_many_dates_are_read_as_each_by_itself(monkeypatch, form, beside):
    assert_same_decision(monkeypatch, column(form, BESIDE[beside]), Options())


@pytest.mark.parametrize(
    "options", [Options(missing=["n.a.", "?"]), Options(dayfirst=True), Options(dayfirst=False)]
)
@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M"])
def test_options_count_for_many_dates(monkeypatch, form, options):
    assert_same_decision(monkeypatch, column(form, BESIDE["marks"]), options)


@pytest.mark.parametrize("later", [[], MOMENTS[:20], MOMENTS])
@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d-%m-%Y %H:%M", "%m-%d-%Y %H:%M"])
def test_days_that_may_be_months_are_found(monkeypatch, form, later):
    assert_same_decision(monkeypatch, column(form, {}, [*EARLY, *later]), Options())


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d %b %Y %H:%M", "%Y/%m/%d %H:%M"])
def test_usual_columns_are_read_all_at_once(form):
    found = read_many_dates(pa.chunked_array([column(form, BESIDE["marks"])]))
    assert (found.found.format, found.ambiguous) == (form, False)
    assert set(found.found.gaps) == {"n.a.", "?"}


def test_few_texts_are_read_one_by_one():
    assert read_many_dates(pa.chunked_array([["31.01.2024", "01.02.2024"] * MANY])) is None
