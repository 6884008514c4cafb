"""Columns with many dates are read all at once as each of their texts is read by itself."""

from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from tabular.data.decisions import decide as deciding
from tabular.data.decisions.decide import decide
from tabular.data.decisions.many import dates as many_dates
from tabular.data.decisions.many.dates import MANY, read_many_dates
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


@cache
def written(form):
    return tuple(moment.strftime(form) for moment in MOMENTS)


def column(form, beside, moments=MOMENTS):
    texts = [*written(form)] if moments is MOMENTS else [moment.strftime(form) for moment in moments]
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


@pytest.mark.parametrize("form", ["ISO8601", *FORMS, "%Y\u5e74%m\u6708", "%d%m%Y", "%Y-%m-%d-%H.%M.%S.%f"])
def test_dates_are_the_same_in_c_and_with_numpy(monkeypatch, form):
    pytest.importorskip("tabular.data.values.native.texts", reason="installed without a compiler")
    draw = np.random.default_rng(7)
    moments = [
        datetime(1690 + place // 4, 1 + place % 12, 1 + place * 7 % 28, place % 24, 9)
        for place in range(2100)
    ]
    texts = [f"{one:%Y-%m-%d}" if form == "ISO8601" else one.strftime(form) for one in moments]
    texts += [text.replace("0", "", 1) for text in texts[:200]]
    letters = [*"0123456789 -/.:aApPmM\u0661"]
    for text in texts[:1500]:  # with a sign or two that may make it no date
        changed = list(text)
        for _ in range(int(draw.integers(1, 3))):
            changed[int(draw.integers(len(changed)))] = letters[int(draw.integers(len(letters)))]
        texts.append("".join(changed))
    days = [
        f"{year}-{month:02}-{day:02}"
        for year in (1900, 2000, 2023, 2024)
        for month in range(14)
        for day in range(33)
    ]
    cells = pa.chunked_array([pa.array([*texts, None, ""]), pa.array(["x", None, *days])[1:]])
    found = many_dates._fitting(cells, form)
    monkeypatch.setattr(many_dates, "texts_in_c", None)
    expected = many_dates._fitting(cells, form)
    assert found.tolist() == expected.tolist()
    assert expected.any() or "%Z" in form or "+0000" in form or not form.isascii() or "%B" in form


ISO_COLUMNS = {
    "days": ["2024-01-31", "1999-12-01"],
    "with gaps": [None, "2024-01-31", None],
    "with times": ["2024-01-31", "2024-02-29T10:30", "2024-02-29 10:30:00.125"],
    "hours alone": ["2024-01-31 10", "2024-01-31 11"],
    "with zones": ["2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"],
    "of another calendar": ["2567-01-31", "2566-01-31"],
    "of two calendars": ["2024-01-31", "1402-01-31"],
    "one for a missing date": ["2024-01-31", "9999-12-31"],
    "no leap year": ["2023-02-28", "2023-02-29"],
    "a word": ["2024-01-31", "never"],
    "a month": ["2024-01", "2024-02"],
    "gaps alone": [None, None],
}


@pytest.mark.parametrize("repeated", [1, 700])
@pytest.mark.parametrize("name", ISO_COLUMNS)
def test_iso_dates_are_decided_as_without_a_compiler(decided_alike, name, repeated):
    pytest.importorskip("tabular.data.values.native.texts", reason="installed without a compiler")
    texts = ISO_COLUMNS[name]
    cells = pa.chunked_array([pa.array(texts * repeated, pa.string()), pa.array([], pa.string()), texts])
    decided_alike(cells, many_dates, "texts_in_c")


def test_days_that_are_greater_than_12_only_far_below_are_seen():
    days = [
        f"{month:02}/{day:02}/{year}"
        for year in range(1950, 2040)
        for month in range(1, 13)
        for day in range(1, 13)
    ]
    found = decide("a", pa.chunked_array([[*days, "01/13/2024"], ["02/03/2024"]]))
    assert (found.column.format, found.doubts) == ("%m/%d/%Y", ())
    assert "no day is greater than 12" in decide("a", pa.chunked_array([days])).doubts[0]


def test_damaged_layouts_and_short_buffers_are_refused():
    texts = pytest.importorskip("tabular.data.values.native.texts", reason="installed without a compiler")
    _, ends, letters = pa.array(["2024", "2025"]).buffers()
    layouts = bytes([4, 1, ord("Y"), 0, 4])
    found = np.zeros(2, dtype=bool)
    texts.dates([(None, ends, letters, 0, 2)], layouts, found)
    assert found.all()
    for damaged in (layouts[:-1], bytes([3]) + layouts[1:], bytes([65]) + layouts[1:], bytes([4, 33])):
        with pytest.raises(ValueError, match="damaged"):
            texts.dates([(None, ends, letters, 0, 2)], damaged, found)
    with pytest.raises(ValueError, match="shorter than the rows"):
        texts.dates([(None, ends, letters, 0, 100)], layouts, np.zeros(100, dtype=bool))
    with pytest.raises(ValueError, match="not a byte for each row"):
        texts.dates([(None, ends, letters, 0, 2)], layouts, np.zeros(3, dtype=bool))
    with pytest.raises(ValueError, match="shorter than the rows"):
        texts.hash(*pa.array(["a"], pa.large_string()).buffers(), 0, np.zeros(9, np.uint64), True)
    with pytest.raises(ValueError, match="shorter than the rows"):
        texts.hash(*pa.array(["a", "b"]).buffers(), 0, np.zeros(3, np.uint64), False)
