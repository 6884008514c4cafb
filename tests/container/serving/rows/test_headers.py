"""Which line is a header and which a row, where a row may be called as the columns are."""

import json

import pandas as pd
import pytest
from support.container.tables import fit, mixed
from tabular.portable.model import PortableModel
from tabular.serving import codec
from tabular.serving.codec import BadRequest, decode

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
HEADLESS = "text/csv; header=absent"


@pytest.fixture(scope="module")
def numbers():
    """Columns that are named by numbers, as pandas names those of a file without a header."""
    table = mixed(rows=40, gaps=False)[["size", "income", "target"]]
    return fit(table.set_axis(["1", "2", "target"], axis=1), "NaiveBayes", "binary").model


@pytest.fixture(scope="module")
def words():
    table = pd.DataFrame({"red": ["red", "blue"] * 20, "blue": ["blue", "blue", "green", "red"] * 10})
    return fit(table.assign(target=["a", "b", "a"] * 13 + ["b"]), "NaiveBayes", "binary").model


@pytest.fixture(scope="module")
def both():
    table = mixed(rows=40, gaps=False)[["colour", "size", "target"]]
    table["colour"] = table["colour"].replace("red", "size")
    return fit(table, "NaiveBayes", "binary").model


def test_below_a_header_of_numbers_the_same_numbers_are_a_row(numbers):
    rows = decode(b"1,2\n5,6\n1,2\n", CSV, numbers)[0]
    assert rows.tolist() == [[5.0, 6.0], [1.0, 2.0]]


@pytest.mark.parametrize("in_c", [True, False])
@pytest.mark.parametrize("content_type", [HEADLESS, 'Text/CSV; charset=utf-8; Header="Absent"'])
@pytest.mark.parametrize("first", ["1,2", "2,1", '"1","2"'])
def test_csv_has_no_header_if_its_content_type_says_so(monkeypatch, numbers, in_c, content_type, first):
    if not in_c:
        monkeypatch.setattr(codec, "csv_rows", None)
    rows = decode(f"{first}\n5,6\n".encode(), content_type, numbers)[0]
    assert rows.tolist() == [[*map(float, first.replace('"', "").split(","))], [5.0, 6.0]]


def test_rows_of_words_are_rows_if_the_content_type_says_that_there_is_no_header(words, both):
    assert decode(b"red,blue\nblue,green\nred,blue\n", CSV, words)[1] == [["blue", "red"], ["green", "blue"]]
    assert decode(b"red,blue\nblue,green\n", HEADLESS, words)[1] == [["red", "blue"], ["blue", "green"]]
    assert decode(b"other,blue\nRED,BLUE\n", HEADLESS, words)[1] == [["other", "RED"], ["blue", "BLUE"]]
    assert decode(b"size,1\nblue,2\n", HEADLESS, both)[1] == [["size", "blue"]]


@pytest.mark.parametrize("parameter", ["header=present", "header", "header=", "heading=absent", ""])
def test_without_that_parameter_the_first_line_tells(numbers, parameter):
    assert decode(b"2,1\n5,6\n", f"text/csv; {parameter}", numbers)[0].tolist() == [[6.0, 5.0]]


def test_levels_that_are_called_as_their_columns_are_a_row_in_json(words):
    rows, levels = [["red", "blue"], ["blue", "green"]], [["red", "blue"], ["blue", "green"]]
    assert decode(json.dumps(rows).encode(), JSON, words)[1] == levels
    assert decode("\n".join(map(json.dumps, rows)).encode(), JSON_LINES, words)[1] == levels
    named = {"columns": rows[0], "data": rows[1:]}
    assert decode(json.dumps(named).encode(), JSON, words)[1] == [["blue"], ["green"]]
    assert decode(b'[["RED", "Blue"], ["blue", "green"]]', JSON, words)[1] == [["blue"], ["green"]]


def test_the_level_of_one_column_that_is_called_as_it_is_a_row_in_json():
    table = pd.DataFrame({"Y": ["Y", "N", "U"] * 20, "target": ["a", "b"] * 30})
    model = fit(table, "NaiveBayes", "binary").model
    assert decode(b'[["Y"], ["N"]]', JSON, model)[1] == [["Y", "N"]]
    assert decode(b"Y\nN\n", CSV, model)[1] == [["N"]]
    assert decode(b"Y\nN\n", HEADLESS, model)[1] == [["Y", "N"]]


def test_a_boolean_or_a_date_that_is_called_as_its_column_is_a_row_in_json_and_below_the_header():
    days = [f"2024-01-{day:02}" for day in range(1, 31)] * 2
    table = pd.DataFrame({"Y": ["Y", "N"] * 30, "2024-01-31": days, "target": ["a", "a", "b"] * 20})
    model = fit(table, "NaiveBayes", "binary").model
    rows = [["Y", "2024-01-31"], ["N", "2024-01-01"], ["Y", "2024-01-31"]]
    expected = [[1.0, 19753.0], [0.0, 19723.0], [1.0, 19753.0]]
    assert decode(json.dumps(rows).encode(), JSON, model)[0].tolist() == expected
    body = "".join(f"{yes},{day}\n" for yes, day in rows).encode()
    assert decode(body, HEADLESS, model)[0].tolist() == expected
    assert decode(body, CSV, model)[0].tolist() == expected[1:]


def test_a_header_with_other_columns_is_never_a_row_below_itself():
    table = mixed(rows=40, gaps=False)[["size", "income", "target"]].set_axis(["1", "2", "target"], axis=1)
    one = fit(table, "NaiveBayes", "binary")
    model = PortableModel(one.manifest | {"target": "3"}, one.arrays)
    with pytest.raises(BadRequest, match="Row 2 is the header again"):
        decode(b"1,2,3\n5,6,7\n1,2,3\n", CSV, model)
