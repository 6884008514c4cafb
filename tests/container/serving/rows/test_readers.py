"""Cells that the table's own rules refuse, and that programs have written for something plain."""

import json

import numpy as np
import pandas as pd
import pytest
from support.container.tables import dated, fit
from tabular.portable.model import PortableModel
from tabular.serving.codec import BadRequest, decode

NAMES = ("size", "member", "day")


@pytest.fixture(scope="module")
def model():
    table = dated(rows=40, gaps=False)[[*NAMES, "target"]]
    return fit(table, "NaiveBayes", "binary").model


def numbers_of(model, **cells):
    """A row as CSV and as JSON; both are read alike."""
    row = {"size": "0.5", "member": "yes", "day": "31.01.2024"} | cells
    found = decode(",".join(row.values()).encode(), "text/csv", model)[0]
    np.testing.assert_array_equal(found, decode(json.dumps([row]).encode(), "application/json", model)[0])
    return dict(zip(NAMES, found[0], strict=True))


@pytest.mark.parametrize(
    "gap", ["\\N", "(null)", "undefined", "NaT", "NA", " \\N ", "na", "none", "Null", "NAN"]
)
@pytest.mark.parametrize("name", NAMES)
def test_a_gap_as_databases_and_javascript_write_it_is_a_gap(model, name, gap):
    found = numbers_of(model, **{name: gap})
    assert [one for one in NAMES if np.isnan(found[one])] == [name]


def test_a_number_may_have_the_minus_sign_that_some_languages_have(model):
    assert numbers_of(model, size="\u22120.25")["size"] == -0.25


@pytest.mark.parametrize(
    "cell", ["\u2212", "1\u22122", "N", "many", "\u2212\u22121", {"a": 1}, ["0.5"], [], {}, True]
)
def test_anything_else_is_refused_as_it_was_sent(model, cell):
    with pytest.raises(BadRequest, match=r"^Row 1, column 'size': .* is not a number\.$") as refused:
        decode(json.dumps([[cell, "yes", "31.01.2024"]]).encode(), "application/json", model)
    assert repr(cell) in str(refused.value)


@pytest.fixture(scope="module")
def levels():
    colours = ["dark blue", "R&D", "caf\u00e9", "'quoted"]
    table = pd.DataFrame({"colour": colours * 20, "zip": ["01234", "00501"] * 40, "target": ["y", "n"] * 40})
    return fit(table, "NaiveBayes", "binary").model


@pytest.mark.parametrize(
    "written",
    [
        "dark  blue",
        "dark\tblue",
        "dark\u00a0blue",
        "dark blue\u200b",
        "\uff44\uff41\uff52\uff4b \uff42\uff4c\uff55\uff45",
        "'dark blue",
        "'dark blue'",
        "['dark blue']",
        '["dark blue"]',
        '="dark blue"',
    ],
)
def test_a_level_may_be_written_as_a_program_shows_it(levels, written):
    for body, media_type in (
        (json.dumps([[written, "01234"]]), "application/json"),
        ('"{}",01234'.format(written.replace('"', '""')), "text/csv"),
    ):
        assert decode(body.encode(), media_type, levels)[1] == [["dark blue"], ["01234"]]


@pytest.mark.parametrize("written", ["'01234", "'1234", "\uff10\uff11\uff12\uff13\uff14", '="01234"'])
def test_a_code_may_be_written_as_excel_keeps_its_zeros(levels, written):
    body = json.dumps([["R&D", written]]).encode()
    assert decode(body, "application/json", levels)[1] == [["R&D"], ["01234"]]


@pytest.mark.parametrize("level", ["'quoted", "caf\u00e9", "dark", "['dark blue'", "dark blue']", "''", "'"])
def test_a_level_stays_as_it_is_if_the_table_has_it_or_none_that_is_written_so(levels, level):
    assert decode(json.dumps([[level, "01234"]]).encode(), "application/json", levels)[1][0] == [level]


@pytest.fixture(scope="module")
def answers():
    table = pd.DataFrame(
        {"answer": ["Y", "N", "U"] * 20, "n": ["1", "2", "3"] * 20, "target": ["y", "n"] * 30}
    )
    return fit(table, "NaiveBayes", "binary").model


@pytest.mark.parametrize(("sent", "level"), [(True, "Y"), (False, "N"), (1, "Y"), (0, "N"), (1.0, "Y")])
def test_true_and_false_are_the_same_levels_in_csv_as_in_json(answers, sent, level):
    written = json.dumps([[sent, "1"]])
    expected = [[level]]
    assert decode(written.encode(), "application/json", answers)[1] == expected
    for text in {str(sent), json.dumps(sent), str(sent).upper()}:
        assert decode(f"{text},1".encode(), "text/csv", answers)[1] == expected
        assert decode(json.dumps([[text, "1"]]).encode(), "application/json", answers)[1] == expected


def test_true_is_no_letter_among_others():
    table = pd.DataFrame({"sex": ["M", "F", "T"] * 20, "n": ["1", "2", "3"] * 20, "target": ["y", "n"] * 30})
    model = fit(table, "NaiveBayes", "binary").model
    assert decode(b"true,1\n", "text/csv", model)[1] == [["true"]]
    assert decode(b"[[true, 1], [1, 1]]", "application/json", model)[1] == [["True", "1"]]


def test_digits_of_a_date_may_have_a_fraction_as_pandas_writes_them_beside_a_gap():
    one = fit(dated(rows=40, gaps=False)[["day", "size", "target"]], "NaiveBayes", "binary")
    columns = [
        {**column, **({"format": "%Y%m%d"} if column["name"] == "day" else {})}
        for column in one.manifest["columns"]
    ]
    model = PortableModel(one.manifest | {"columns": columns}, one.arrays)
    for content_type, body in (("text/csv", "20240131.0,1\n"), ("application/json", "[[20240131.0, 1]]")):
        assert decode(body.encode(), content_type, model)[0].max() == 19753.0
    with pytest.raises(BadRequest, match="is not a date"):
        decode(b"20240131.5,1\n", "text/csv", model)
