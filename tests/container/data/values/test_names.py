"""Columns of the same name are told apart in the same way in a table, in requests, and by pandas."""

import io

import pandas as pd
import pytest
from tabular.data.values.names import Names, as_written, told_apart


@pytest.mark.parametrize(
    "header",
    [
        ["a", "b"],
        ["a", "b", "a"],
        ["a", "a", "a"],
        ["a", "b", "a", "a", "a.1"],
        ["a.1", "a", "a"],
        ["a.1", "a.1", "a", "a"],
    ],
)
def test_names_are_told_apart_as_in_pandas(header):
    own = told_apart(header)
    assert own == list(pd.read_csv(io.StringIO(",".join(header))))
    assert [as_written(name) for name, written in zip(own, header, strict=True) if name != written] == [
        written for name, written in zip(own, header, strict=True) if name != written
    ]


def test_blanks_do_not_tell_names_apart_and_columns_without_a_name_stay_so():
    assert told_apart(["a", " a ", "", " ", ""]) == ["a", "a.1", "", "", ""]


def test_a_header_is_told_apart_only_where_the_table_has_such_columns():
    table = Names(["id", "id.1", "x"], ["x.1"])
    assert table.names_of(["id", "x", "id", "x"]) == ["id", "x", "id.1", "x.1"]
    assert table.names_of(["ID", "x", "ID "]) == ["ID", "x", "ID.1"]
    assert table.names_of(["id", "id.1", "x"]) == ["id", "id.1", "x"]
    assert Names(["id", "x"], []).names_of(["id", "x", "x"]) == ["id", "x", "x"]
    assert table.are_among(["id", "x", "id"])
    assert not table.are_among(["id", "x"])


@pytest.mark.parametrize(("name", "sent"), [("Size\n(kg)", "size\r\n(KG)"), ("Size\r\n(kg)", "Size\n(kg)")])
def test_a_name_of_two_lines_is_found_whatever_its_line_breaks_are(name, sent):
    table = Names([name, "x"], ["a\nb"])
    assert table.place_of(sent) == 0 and table.place_of(sent.replace("\r\n", "\r")) == 0
    assert table.place_of("Size (kg)") is None
    assert table.is_ignored("A\r\nB")


def test_names_that_differ_in_their_line_breaks_alone_are_told_apart():
    table = Names(["a\nb", "a\r\nb"], [])
    assert [table.place_of(name) for name in ("a\nb", "a\r\nb", "A\nb")] == [0, 1, None]


@pytest.mark.parametrize("name", ["\ufeffsize", "size\u200b", "\u2060Size", "si\u00adze"])
def test_a_name_may_have_signs_that_nobody_sees(name):
    assert Names(["size", "colour"], ["id"]).place_of(name) == 0
    assert Names(["size", "colour"], [name]).place_of(name) is None
    assert Names(["size", name], []).place_of(name) == 1
