"""The warnings about a table if the evidence leaves room for doubt."""

import pandas as pd
import pytest
from tabular.data.doubts.table import doubts
from tabular.data.schema.inference import infer_schema

TARGET = ["yes", "no"] * 15


def said_of(cells, target=TARGET):
    table = pd.DataFrame({"a": (list(cells) * 30)[:30], "n": range(30), "target": target})
    return {
        one["column"]: one["said"] for one in doubts(table, infer_schema(table, "target", "classification"))
    }


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (["red", "red ", "blue"], "the levels 'red', 'red ' differ only in blanks, case or Unicode form"),
        (["red", "red\u00a0", "blue"], "differ only in blanks"),
        (["Orl\u00e9ans", "Orle\u0301ans"], "differ only in blanks"),
        (["\u2764", "\u2764\ufe0f", "x"], "differ only in blanks, case or Unicode form"),
        (["A", "\u0410", "B"], "the levels 'A', '\u0410' look the same, but have letters from different"),
        (["DE", "de", "FR"], "the levels 'DE', 'de' differ"),
        (
            ["north", "?", "south"],
            "a category with the level '?', which may mean a missing value; if so, name it in missing.",
        ),
        (["north", "?", "k.A."], "a category with the levels '?', 'k.A.', which may mean a missing value"),
        ([f"user {i}" for i in range(30)], "text that is different in every row, like an id"),
        (
            [*range(27), *[-999] * 3],
            "'-999', in 3 of 30 rows, is far from all other values; name it in missing",
        ),
        ([*range(20, 47), *[0] * 3], "'0', in 3 of 30 rows, is far from all other values"),
        ([*range(27), *[9999.0] * 3], "'9999', in 3 of 30 rows, is far from all other values"),
        ([*range(27), *[-1] * 3], "'-1', in 3 of 30 rows, is the only negative number"),
        ([*range(22), *[-8] * 4, *[-9] * 4], "'-8', in 4 of 30 rows, is one of a few negative numbers"),
        ([*[1, 2, 3] * 8, *[-1] * 3, *[-8] * 3], "'-1', in 3 of 30 rows, is one of a few negative numbers"),
        ([*[0, 1] * 13, *[-9] * 4], "'-9', in 4 of 30 rows, is the only negative number"),
        ([*range(600, 1900, 50), *[-200] * 4], "'-200', in 4 of 30 rows, is the only negative number"),
        ([*[1, 2, 3, 4] * 6, *[-1] * 6], "'-1', in 6 of 30 rows, is the only negative number"),
        ([1.5, 2.5, 3.5, 4.5, -1.0], "'-1', in 6 of 30 rows, is the only negative number"),
        ([*[0] * 27, 1934, 1950, 2015], "'0', in 27 of 30 rows, is far from all other values"),
        (
            [*(f"2024-01-{day:02}" for day in range(1, 29)), *["1900-01-01"] * 2],
            "'1900-01-01', in 2 of 30 rows, is far from all other values",
        ),
        (
            [*(f"2024-01-{day:02}" for day in range(1, 30)), "1900-01-01"],
            "'1900-01-01', in 1 of 30 rows, is far from all other values",
        ),
    ],
)
def test_a_doubt_is_said_of_its_column(cells, sentence):
    assert sentence in said_of(cells)["a"]


@pytest.mark.parametrize("kind", [int, float])
@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (99_999_999_999, ["'99999999999', in 1 of 150 rows, is far from all other values"]),
        (-2_000_000, ["'-2000000', in 1 of 150 rows, is far from all other values"]),
        (20_000, []),
    ],
)
def test_a_single_number_is_named_only_if_nothing_natural_is_so_far(kind, odd, said):
    numbers = [kind(18 + place % 60) for place in range(149)] + [kind(odd)]
    table = pd.DataFrame({"a": numbers, "n": range(150), "target": ["yes", "no"] * 75})
    found = doubts(table, infer_schema(table, "target", "classification"))
    assert [one["said"].partition(";")[0] for one in found if one["column"] == "a"] == said


@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        ([*[1, 2, 3, 4, 5] * 5, 7, 7, 9, 9, 9], ["7", "9"]),
        ([*range(1, 25), 77, 88, 88, 88, 88, 99], ["77", "88", "99"]),
        ([*[1] * 12, *[2] * 12, *[88] * 4, 99, 99], ["88", "99"]),
        ([*range(1976, 2003), 7777, 8888, 8888], ["7777", "8888"]),
        ([*range(100, 2700, 100), *[999_998] * 2, *[999_999] * 2], ["999998", "999999"]),
    ],
)
def test_what_surveys_write_for_no_answer_is_seen_together(cells, codes):
    table = pd.DataFrame({"a": cells, "n": range(30), "target": TARGET})
    found = doubts(table, infer_schema(table, "target", "classification"))
    assert [one["said"].partition(",")[0] for one in found if one["column"] == "a"] == list(map(repr, codes))


@pytest.mark.parametrize(
    "cells",
    [
        ["red", "blue"],
        ["\u0410", "B", "\u03a9"],
        ["2024-01-31", "2024-02-29"],
        ["01/31/2024", "02/01/2024"],
        [1.5, 2.5],
        [*range(29), 999],
        [*range(2, 29), *[0] * 3],
        [-1, *range(14)],
        [-1, 0, 1],
        [-5, 0, 5, 10],
        [*[0] * 27, 5, 300, 4000],
        [0, 1, 2, 3, 4, 5, 7, 8, 9] * 3,
        [0, 1, 1, 2, 2, 2, 3, 3, 4, 7],
        [0, 1, 99],
        [float(i**2) for i in range(30)],
    ],
)
def test_nothing_is_said_without_a_doubt(cells):
    assert said_of(cells) == {}


def test_labels_that_are_nearly_the_same_are_told():
    assert "the labels 'no', 'no ' differ" in said_of(["x", "y"], ["yes", "no", "no "] * 10)["target"]


@pytest.mark.parametrize(
    ("labels", "marks"),
    [
        (["yes", "no", "don't know"], 'the label "don\'t know" may mean a missing value'),
        (["paid", "declined", "refused"], None),
        (["dk", "no", "se"], None),
        ([0, 1, 99], "the label 99 may mean a missing value"),
        ([1, 2, 3, 4, -1], "the label -1 may mean a missing value"),
        ([-9, 1, 2, 8, 9], "the labels -9, 8, 9 may mean a missing value"),
        ([-1, 0, 1], None),
        ([-1, *[0, 1] * 14, 0], "the label -1 may mean a missing value"),
        ([-1, 1], None),
        ([3, 4, 5, 6, 7, 8, 9], None),
        ([2, 4, 8], None),
        ([1, 4, 9], None),
    ],
    ids=[
        *("no answer", "outcomes", "countries", "nines", "the only negative", "codes at both ends"),
        *("opposites", "rarely -1", "two", "points", "powers", "squares"),
    ],
)
def test_labels_that_may_be_gaps_are_told_but_not_outcomes_and_countries(labels, marks):
    said = said_of(["x", "y"], pd.Categorical((labels * 15)[:30])).get("target")
    assert said is None if marks is None else said.startswith(marks)
