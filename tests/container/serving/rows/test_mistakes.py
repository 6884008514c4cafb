"""What programs send by mistake: it is named, and never answered as rows."""

import json

import pandas as pd
import pytest
from support.container.tables import fit, mixed
from tabular.serving import codec
from tabular.serving.codec import BadRequest, decode

CSV, JSON, JSON_LINES = "text/csv", "application/json", "application/jsonlines"
COLUMNS = {"size": [1, 3, 5], "income": [2, 4, 6], "colour": ["red", "blue", "red"]}


@pytest.fixture(scope="module")
def model():
    return fit(
        mixed(rows=40, gaps=False)[["size", "income", "colour", "target"]], "NaiveBayes", "binary"
    ).model


@pytest.fixture(scope="module")
def words():
    table = pd.DataFrame({"colour": ["red", "blue"] * 20, "shape": ["round", "colour"] * 20})
    return fit(table.assign(target=["yes", "no"] * 20), "NaiveBayes", "binary").model


@pytest.fixture(scope="module")
def word():
    table = pd.DataFrame({"colour": ["red", "blue"] * 20, "target": ["yes", "no"] * 20})
    return fit(table, "NaiveBayes", "binary").model


def refusal(body, model, content_type=CSV):
    with pytest.raises(BadRequest) as refused:
        decode(body.encode(), content_type, model)
    return str(refused.value)


@pytest.mark.parametrize("in_c", [True, False])
@pytest.mark.parametrize(
    "body",
    [
        "red,round\ncolour,shape\nblue,round\n",
        "red,round\nCOLOUR, Shape\n",
        'red,round\n"colour","shape"\n',
        "colour,shape\nred,round\nColour,SHAPE\n",
        "shape,colour\nround,red\nShape,Colour\n",
    ],
)
def test_a_header_among_rows_of_words_is_no_row(monkeypatch, words, body, in_c):
    if not in_c:
        monkeypatch.setattr(codec, "csv_rows", None)
    assert "is the header" in refusal(body, words)


@pytest.mark.parametrize(
    "rows",
    [
        [["red", "round"], ["colour", "shape"]],
        [["colour", "shape"], ["red", "round"], ["COLOUR", " shape"]],
        {"columns": ["shape", "colour"], "data": [["round", "red"], ["shape", "colour"]]},
        [{"colour": "colour", "shape": "shape"}],
        [["colour", "shape"]],
    ],
)
def test_a_header_among_rows_of_words_in_json_is_no_row(words, rows):
    assert "is the header; send it once" in refusal(json.dumps(rows), words, JSON)


def test_a_level_with_the_name_of_the_only_column_is_a_row_below_the_header():
    table = pd.DataFrame({"colour": ["colour", "red", "blue", "red"] * 10, "target": ["yes", "no"] * 20})
    model = fit(table, "NaiveBayes", "binary").model
    for body in ("colour\nred\ncolour\n", "red\ncolour\n"):
        assert decode(body.encode(), CSV, model)[1] == [["red", "colour"]]
    assert decode(b'["red", "colour", "Colour"]', JSON, model)[1] == [["red", "colour", "Colour"]]
    assert "Row 2 is the header again" in refusal("colour\nred\nColour\n", model)


@pytest.mark.parametrize("in_c", [True, False])
def test_a_row_of_names_that_are_levels_is_a_row(monkeypatch, words, word, in_c):
    if not in_c:
        monkeypatch.setattr(codec, "csv_rows", None)
    assert decode(b"red,round\ncolour,colour\n", CSV, words)[1] == [["red", "colour"], ["round", "colour"]]
    assert "Row 2 is the header" in refusal("red\ncolour\n", word)
    assert decode(b"red\ncolours\n", CSV, word)[1] == [["red", "colours"]]


@pytest.mark.parametrize("above", ["\n", "\r\n", "\n \n", ""])
def test_an_empty_line_above_the_header_of_one_column_is_no_row(word, above):
    assert decode(f"{above}Colour\nred\n\nblue\n".encode(), CSV, word)[1] == [["red", "", "blue"]]


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ("1,2,red1,2,blue", 2),
        ("size,income,colour1,2,red1,2,blue", 3),
        ("1;2;red1;2;blue", None),
        ("1,2,red,4\n", None),
        ("1,2,red,4,5\n1,2,red", None),
        ("size,income,colour,id,target", None),
    ],
)
def test_lines_that_a_client_has_joined_are_said_to_be(model, body, rows):
    said = refusal(body, model)
    assert (f"as {rows} rows of 3 without line breaks" in said) is (rows is not None), said


@pytest.mark.parametrize("body", ['"1,2,red"\n"1,2,blue"', '"1;2;red"', '"size,income,colour"\n"1,2,red"\n'])
def test_lines_in_quotes_are_said_to_be(model, body):
    assert refusal(body, model) == "Line 1 is in quotes as a whole, so it is one cell; remove these quotes."


@pytest.mark.parametrize("row", [[1.5, 2, "red"], (1.5, 2, "red"), [[1.5, 2, "red"], [1, 2, "blue"]]])
def test_what_python_shows_is_neither_csv_nor_json(model, row):
    assert refusal(str(row), model) == "The body is a list as Python shows it; send its cells alone, or JSON."
    for content_type in (JSON, JSON_LINES):
        assert refusal(str(row), model, content_type).endswith(
            "In Python, json.dumps writes JSON; str and print do not."
        )


@pytest.mark.parametrize(
    ("body", "is_of_python"),
    [
        ("[[None, 2, 'red']]", True),
        ('[[1, True, "red"]]', True),
        ("{'size': 1}", True),
        ('[[nan, NaN, "red"]]', True),
        ('[["True" 2, "red"]]', False),
        ('[[1, 2, "it\'s"]', False),
        ('{"size": Infinity}', False),
    ],
)
def test_only_what_python_shows_is_said_to_be(model, body, is_of_python):
    said = refusal(body, model, JSON)
    assert said.startswith("The body is not JSON: ")
    assert said.endswith("str and print do not.") is is_of_python, said


@pytest.mark.parametrize("word", ["?", "-", "#DIV/0!", "missing", " n.a. "])
def test_a_word_that_may_be_a_gap_is_refused_with_what_is_one(model, word):
    advice = "is not a number. If it is missing, send an empty cell, or null in JSON."
    assert refusal(f"{word},2,red\n", model).endswith(advice)
    assert refusal(json.dumps([[word, 2, "red"]]), model, JSON).endswith(advice)
    assert refusal("many,2,red\n", model).endswith("'many' is not a number.")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"columns": ["id", "income", "size", "colour"], "data": [[1, 2, "red"]]}, "a cell for each of the"),
        ({"columns": [], "data": [[1, 2, "red"]]}, "a cell for each of the 'columns'"),
        ({"columns": "size", "data": [[1, 2, "red"]]}, "a cell for each of the 'columns'"),
        ({"columns": ["size", "size", "income", "colour"], "data": [[1, 3, 2, "red"]]}, "more than once"),
    ],
)
def test_cells_on_a_line_that_fit_no_names_are_not_read_in_the_models_order(model, line, said):
    assert said in refusal(f"{json.dumps(line)}\n" * 2, model, JSON_LINES)


@pytest.mark.parametrize("key", ["data", "values"])
def test_columns_are_never_read_as_rows(model, key):
    columns = [{"name": name, key: cells} for name, cells in COLUMNS.items()]
    meant = decode(b"1,2,red\n3,4,blue\n5,6,red\n", CSV, model)
    for content_type in (JSON, JSON_LINES):
        numbers, levels = decode(json.dumps(columns).encode(), content_type, model)
        assert (numbers.tolist(), levels) == (meant[0].tolist(), meant[1])
    lines = "".join(f"{json.dumps(one)}\n" for one in columns)
    assert "has the keys 'name'" in refusal(lines, model, JSON_LINES)
    assert "has the keys 'name'" in refusal(json.dumps(columns[0]), model, JSON)
