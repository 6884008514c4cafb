"""What PreprocessData makes of a cell is what the server makes of it, sent as CSV, JSON text or numbers."""

import csv
import json
import string
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from tabular.data.features import features
from tabular.data.splits.held_out import as_csv, as_json, as_texts
from tabular.data.tables import read_table
from tabular.data.values.dates import FORMATS, ISO
from tabular.portable.table_model import TableModel
from tabular.serving.codec import decode
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput
from tabular.spec.options import DEFAULTS, Options

SIGNS = [".,", ",.", ".'", ".\u2019", ", ", ",\u00a0", ",\u202f", ". "]  # decimal and thousands
AFFIXES = [("", ""), ("$", ""), ("", " \u20ac"), ("CHF ", ""), ("", "%"), ("", " kg")]
SCALED = [
    [("$", "M"), ("$", "K"), ("$", "")],
    [("", " Mio. EUR"), ("", " Tsd. EUR")],
    [("", " kg"), ("", " g"), ("", "\u00b5g"), ("", "\u03bcg")],
    [("", " years"), ("", " month"), ("", "")],
    [("", "\u00b0C"), ("", " \u00b0F"), ("", "\u2103")],
    [("", "%"), ("", "")],
]
BESIDE = ["", "", "", "<", "~", ">= ", "+", "**", "[3]"]
# Numbers in several parts: how two whole numbers, of which the second is under 60, are written.
COMPOSED = [
    ["{0}h {1}min", "{0}h", "{1}min"],
    ["{0}h {1}m", "{1}m"],
    ["{0}:{1:02}", "{0}:{1:02}:30"],
    ["{0}:{1:02}:15.5", "1 day {1}:30:00"],
    ["PT{0}H{1}M", "PT{1}S"],
    ["{0} years, {1} months", "{0} years"],
    ["{0}'11\"", "{0}'4", "{0}'"],
    ["{0} 1/2", "{0}\u00be", "{0}", "1/4"],
    ["{0}.{1}N", "{0}.{1}S"],
    ["{0}\u00b0{1}'{1}\"N", "{0}\u00b0{1}'{1}\"S"],
    ["{0}.5{1} CR", "{0}.{1} DR"],
    ["{0}.{1} \u00b1 0.3", "{0}.{1}[a]"],
    ["{0}-{0}5", "{0} to {0}5", "{0}"],
    ["\u20ac{0}-\u20ac{0}5"],
]
BOOLEANS = ["yes no", "True false", "1 0", "1.0 0.0", "ja NEIN", "s\u00ed no", "on off"]
MARKS = ["", "NA", "None", "null", "nan", "-", "?", "n.a.", "#DIV/0!", "unknown", ".", "\\N"]
MOMENT = datetime(2021, 3, 4, 5, 6)


class Model(TableModel):
    """The columns of a schema, which is all that is needed to read a request."""

    def __init__(self, schema):
        super().__init__({"estimator": {"kind": "none"}, "classes": [], **schema.to_dict()})

    def predict(self, numbers, categories):
        raise NotImplementedError


def assert_read_alike(path, options=DEFAULTS):
    """Compare the features of all cells with those of a request that holds the cells."""
    table = read_table([path], options)
    columns = tuple(found.column for found in table.decisions.values())
    schema = Schema("regression", "target", (), columns, options)
    expected = features(table.frame, schema)
    model = Model(schema)
    names, texts = [column.name for column in columns], as_texts(table.cells, schema)
    bodies = {
        "text/csv": as_csv(texts, names),
        "text/csv; header=absent": as_csv(texts, names).partition("\n")[2],
        "application/json": json.dumps(texts),
        "application/json; numbers=yes": json.dumps(as_json(table.cells, schema)),
    }
    for content_type, body in bodies.items():
        numbers, levels = decode(body.encode(), content_type, model)
        for place, position in enumerate(model.numeric):
            np.testing.assert_array_equal(numbers[:, place], expected[names[position]], content_type)
        for level, position in zip(levels, model.categorical, strict=True):
            assert list(level) == expected[names[position]].tolist(), content_type


def styled(number, decimal, thousands, before, behind, brackets):
    text = f"{abs(number):,.2f}".translate(str.maketrans({",": thousands, ".": decimal}))
    text = f"{before}{text}{behind}"
    return text if number >= 0 else f"({text})" if brackets else f"-{text}"


def beside(mark, text):
    return f"{text}{mark}" if mark in ("+", "**", "[3]") else f"{mark}{text}"


@st.composite
def numbers(draw):
    decimal, thousands = draw(st.sampled_from(SIGNS))
    units = draw(st.sampled_from([*([affix] for affix in AFFIXES), *SCALED]))
    brackets = draw(st.booleans())
    marks = draw(st.sampled_from([[""], BESIDE]))
    hundredths = st.integers(-(10**9), 10**9)
    cell = st.tuples(hundredths, st.sampled_from(units), st.sampled_from(marks))
    cells = st.lists(cell, min_size=20, max_size=20, unique_by=lambda cell: abs(cell[0]))
    return [
        beside(mark, styled(value / 100, decimal, thousands, *affixes, brackets))
        for value, affixes, mark in draw(cells)
    ]


@st.composite
def composed(draw):
    notations = draw(st.sampled_from(COMPOSED))
    cell = st.tuples(st.sampled_from(notations), st.integers(0, 80), st.integers(0, 59))
    cells = draw(st.lists(cell, min_size=20, max_size=20, unique_by=lambda cell: cell[1]))
    return [text.format(first, second) for text, first, second in cells]


@st.composite
def moments(draw):
    form = draw(st.sampled_from(FORMATS))
    days = draw(st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2060, 1, 1)), min_size=20, max_size=20))
    return [day.isoformat() if form == ISO else day.replace(tzinfo=UTC).strftime(form) for day in days]


@st.composite
def spellings(draw):
    pair = draw(st.sampled_from(BOOLEANS)).split()
    change = st.sampled_from([str, str.upper, str.title, lambda word: f" {word} "])
    cell = st.builds(lambda word, how: how(word), st.sampled_from(pair), change)
    return draw(st.lists(cell, min_size=20, max_size=20))


plain = st.one_of(st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False)).map(str)
codes = st.one_of(st.integers(0, 2**40).map(hex), st.from_regex(r"[0-9]{1,3}[eE][0-9]", fullmatch=True))
words = st.text(string.ascii_letters + "0123456789 .,-\u00a0\u00e9\u0301\"'\n_%", min_size=1, max_size=6)
columns = st.one_of(
    numbers(),
    composed(),
    moments(),
    spellings(),
    *(st.lists(one, min_size=20, max_size=20) for one in (plain, codes, words)),
)


@pytest.mark.slow
@seed(7)
@settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    columns=st.lists(columns, min_size=1, max_size=4),
    gaps=st.lists(st.tuples(st.integers(0, 19), st.sampled_from(MARKS)), max_size=6),
    delimiter=st.sampled_from(",;\t"),
)
def test_the_server_reads_every_cell_of_a_csv_as_training_did(tmp_path, columns, gaps, delimiter):
    for place, mark in gaps:
        columns[0][place] = mark
    path = tmp_path / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow([f"column {place}" for place in range(len(columns))] + ["last"])
        writer.writerows(zip(*columns, range(20), strict=True))
    try:
        assert_read_alike(path)
    except BadInput:
        assert any("\n" in cell for column in columns for cell in column)  # or a stray quote


TYPED = {
    "decimal": pa.array([Decimal("1.10"), Decimal("2.25"), None]),
    "large decimal": pa.array([Decimal(10) ** 25 + 1, Decimal(1), Decimal(2)]),
    "long decimal": pa.array([Decimal(2**64 + 1), None, Decimal(2**64 + 2)], pa.decimal128(38, 4)),
    "wide decimal": pa.array([Decimal(2**64 + 1), None, Decimal(2**64 + 2)], pa.decimal256(50, 4)),
    "long fraction": pa.array([Decimal(2**64) + Decimal("0.5"), None, Decimal(1)], pa.decimal128(38, 4)),
    "date32": pa.array([date(2020, 1, 1), None, date(2021, 1, 1)]),
    "date64": pa.array([date(2020, 1, 1), None, date(2021, 1, 1)], pa.date64()),
    "moment": pa.array([MOMENT, None, MOMENT], pa.timestamp("ns")),
    "midnight": pa.array([datetime(2021, 1, 1), None, datetime(2021, 1, 2)], pa.timestamp("ms")),
    "zone": pa.array([MOMENT, None, MOMENT], pa.timestamp("us", "America/New_York")),
    "time": pa.array([MOMENT.time(), None, MOMENT.time()]),
    "duration": pa.array([timedelta(seconds=1.5), None, timedelta(days=2)]),
    "nanoseconds": pa.array([1001, None, 2002], pa.duration("ns")),
    "large": pa.array([2**53 + 1, None, 2**60 + 1]),
    "unsigned": pa.array([2**63 + 1, None, 1], pa.uint64()),
    "close unsigned": pa.array([2**63 + 1, None, 2**63 + 2], pa.uint64()),
    "float32": pa.array([0.1, None, 1e30], pa.float32()),
    "NaN": pa.array([0.5, float("nan"), 2.0]),
    "whole": pa.array([1.0, None, 2.0]),
    "boolean": pa.array([True, None, False]),
    "dictionary": pa.array(["NA", None, " b"]).dictionary_encode(),
    "bytes": pa.array([b"ab", None, b"c\xc3\xa9"]),
    "text": pa.array(["", "None", "1,5"], pa.large_string()),
    "uuid": pa.array([UUID(int=1).bytes, None, UUID(int=2).bytes], pa.uuid()),
}


@pytest.mark.parametrize("option", [None, "categorical", "numeric"])
@pytest.mark.parametrize("name", TYPED)
def test_the_server_reads_every_cell_of_a_parquet_file_as_training_did(tmp_path, name, option):
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"a": TYPED[name], "b": [1.5, 2.5, 3.5]}), path)
    try:
        assert_read_alike(path, Options(**{option: ["a"]} if option else {}))
    except BadInput as error:
        assert option == "numeric"
        assert "which is not a number" in str(error) or "'a' is in numeric, but the file's type" in str(error)


@pytest.mark.parametrize("option", ["categorical", "date"])
@pytest.mark.parametrize("cells", [pa.array([[1], [2]]), pa.array([b"\xff", b"a"])])
def test_what_cannot_be_text_is_refused_by_name(tmp_path, cells, option):
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"a": cells}), path)
    with pytest.raises(BadInput, match=r"column 'a' holds .* cannot be read as text"):
        read_table([path], Options(**{option: ["a"]}))


def test_a_moment_that_python_cannot_hold_is_refused_by_name(tmp_path):
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"a": pa.array([0, 2**48], pa.timestamp("ms"))}), path)
    with pytest.raises(BadInput, match="'a' has a moment that is not in the years 1 to 9999"):
        read_table([path])
