"""The warnings about columns, classes and rows that may mislead, in the words of PreprocessData's report."""

import json

import numpy as np
import pandas as pd
import pytest

ROWS = 200
DRAW = np.random.default_rng(3)
NOISE = DRAW.normal(size=ROWS)
LABELS = np.where(NOISE + DRAW.normal(size=ROWS) > 0, "yes", "no")


@pytest.fixture
def said(preprocess_data):
    """The warnings about a table with a noisy column and these columns: (column, sentence)."""

    def run(**columns):
        table = pd.DataFrame({"noise": NOISE, "target": LABELS} | columns)
        return [(one["column"], one["said"]) for one in json.loads(preprocess_data(table).report)["warnings"]]

    return run


def test_nothing_is_said_of_an_ordinary_table(said):
    assert said() == []


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (range(ROWS), "a whole number that is different in every row, like an id; if it is one, name it in"),
        ([None, *range(1, ROWS)], "a whole number that is different in every row, like an id"),
        ([f"c{i}" for i in range(ROWS)], "text that is different in every row, like an id"),
        ([""] * ROWS, "empty in every row, so the column is left out."),
        (["x"] * ROWS, "the same in every row, so the column is left out."),
        (["1.5", "", "", ""] * (ROWS // 4), "empty in 75% of the rows."),
        (np.where(LABELS == "yes", "paid", "open"), "predicts the target on its own (score 1.000); is it"),
        (np.where(LABELS == "yes", "2024-05-01", ""), "predicts the target on its own (score 1.000)"),
        (np.where(LABELS == "yes", 5.0, -5.0) + NOISE, "predicts the target on its own (score 1.000)"),
    ],
    ids=[
        "ids",
        "ids and a gap",
        "texts",
        "empty",
        "constant",
        "mostly empty",
        "words",
        "filled for one class",
        "numbers",
    ],
)
def test_a_column_that_may_mislead_is_told(said, cells, sentence):
    told = said(odd=list(cells))
    assert {column for column, _ in told} == {"odd"}
    assert told[-1][1].startswith(sentence)


@pytest.mark.parametrize("size", [2, 20])
def test_a_first_column_of_which_only_the_first_row_of_each_group_is_filled_may_be_of_merged_cells(
    preprocess_data, size
):
    clinics = [f"c{row // size}" if row % size == 0 else "" for row in range(ROWS)]
    table = pd.DataFrame({"clinic": clinics, "noise": NOISE, "target": LABELS})

    def said(table):
        warnings = json.loads(preprocess_data(table).report)["warnings"]
        return [one["said"] for one in warnings if one["column"] == "clinic" and "merged" in one["said"]]

    share = f"{1 - 1 / size:.0%}"
    assert said(table) == [
        f"empty in {share} of the rows, but for the first of each group, as merged cells are; fill them down "
        "if they are."
    ]
    assert not said(table[["noise", "clinic", "target"]])
    assert not said(table.iloc[1:])
    assert not said(table.assign(clinic=["a", "b", "", ""] * (ROWS // 4)))


@pytest.mark.parametrize(
    ("name", "cells", "sentence"),
    [
        ("postal_code", [9021, 1011], "whole numbers in a column whose name suggests codes; name the"),
        ("HS", [8471.35, 6109.12], "numbers in a column whose name suggests codes; name the column"),
        ("CNPJ", [1234, 5678], "whole numbers in a column whose name suggests codes"),
        ("hours", [8471.35, 6109.12], None),
    ],
)
def test_numbers_under_a_name_for_codes_are_told(said, name, cells, sentence):
    told = said(**{name: cells * (ROWS // 2)})
    assert [column for column, _ in told] == ([name] if sentence else [])
    assert sentence is None or told[0][1].startswith(sentence)


@pytest.mark.parametrize(
    ("name", "cells", "sentence"),
    [
        ("latitude", [48.85, 102.35], "102.35 is no latitude in degrees"),
        ("PickupLat", [-93.5, 48.85], "-93.5 is no lat in degrees"),
        ("lng", [-190.5, 359.5], "-190.5 is no lng in degrees"),
        ("latitude", [48, 48_850_000], "48850000 is no latitude in degrees"),
        ("latitude", [-89, 48], None),
        ("latitude", [-89.5, 48.85], None),
        ("longitude", [-179.5, 359.5], None),
        ("flat", [102.35, 48.85], None),
    ],
)
def test_degrees_that_are_not_on_the_earth_are_told(said, name, cells, sentence):
    told = said(**{name: cells * (ROWS // 2)})
    assert [one.startswith(sentence or "") for column, one in told if column == name] == [True] * bool(
        sentence
    )


def test_duplicates_of_a_row_do_not_make_its_numbers_give_the_target_away(preprocess_data):
    few = pd.DataFrame({"noise": NOISE[:40], "target": LABELS[:40]})
    report = json.loads(preprocess_data(pd.concat([few] * 10)).report)
    assert [one["column"] for one in report["warnings"]] == [None]


def test_rare_classes_and_rows_without_a_target_are_counted(said):
    target = [*["rare"] * 5, *[""] * 3, *LABELS[8:]]
    assert said(target=target) == [
        ("target", "empty in 3 rows, which are left out."),
        ("target", "only 5 rows are 'rare': too few to learn or to evaluate it well."),
    ]


def test_many_rare_classes_are_told_in_one_sentence(said):
    rare = [f"rare {place}" for place in range(7) for _ in range(7 - place // 2)]
    assert said(target=[*rare, *LABELS[len(rare) :]]) == [
        (
            "target",
            "7 classes have too few rows to learn or to evaluate them well: 'rare 6' (4), 'rare 4' (5), "
            "'rare 5' (5), 'rare 2' (6), 'rare 3' (6) and 2 more.",
        )
    ]
