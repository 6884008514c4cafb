"""Numbers as people write them: their format is detected from the whole column."""

import math

import numpy as np
import pandas as pd
import pytest
from tabular.data.tables import read_table
from tabular.data.values.finding.numbers import find_numbers
from tabular.data.values.numbers import read_number
from tabular.spec.columns import PLAIN
from tabular.spec.options import Options

PLAIN_CELLS = [f"{i * 1.37:.2f}" for i in range(1, 60)]


def counts(cells):
    return pd.Series(cells).value_counts().to_dict()


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "2.5", "-3", "+4", "1e5", ".5", "5.", "-0"], [1, 2.5, -3, 4, 1e5, 0.5, 5, 0]),
        (["$1,234.50", "$7", "-$5.25", "$-1"], [1234.5, 7, -5.25, -1]),
        (["1.234,50 \u20ac", "7,5 \u20ac", "-1.000.000 \u20ac"], [1234.5, 7.5, -1e6]),
        (["CHF 1'234.50", "CHF 12", "CHF 0.05"], [1234.5, 12, 0.05]),
        (["(1,234.00)", "4,733.82", "(12)"], [-1234, 4733.82, -12]),
        (["12.5-", "3.25", "7-"], [-12.5, 3.25, -7]),
        (["12.5%", "3%", "-0.25%"], [12.5, 3, -0.25]),
        (["12 kg", "3.5 kg", "7kg"], [12, 3.5, 7]),
        (["1 234,5", "12,25", "1\u00a0000\u202f000"], [1234.5, 12.25, 1e6]),
        (["1.234.567", "950.000", "12.345"], [1234567, 950000, 12345]),
        (["1,23,456.5", "12", "45,678"], [123456.5, 12, 45678]),
        (["\u22125", "3", "\u20137.5"], [-5, 3, -7.5]),
        (["\u20105", "3", "\u20117.5"], [-5, 3, -7.5]),
        (["6 ou plus", "5", "1"], [6, 5, 1]),
        (["4 oder mehr", "3"], [4, 3]),
        ([" 12.5 ", "3", "\u00a07"], [12.5, 3, 7]),
        (["(5)", "7.5", "- 3"], [-5, 7.5, -3]),
        (["5,-", "7,50", "1.234,-"], [5, 7.5, 1234]),
        (["1'234.\u2013", "12.--", "7.50"], [1234, 12, 7.5]),
        (["Rs 1,23,456/-", "Rs 12/-"], [123456, 12]),
        (["US$1,234.50", "US$ 7", "-US$5"], [1234.5, 7, -5]),
        (["$(1,234.50)", "$7"], [-1234.5, 7]),
        (["(12.5)%", "3%"], [-12.5, 3]),
        (["\u20ba1.234,50", "\u20ba7,5"], [1234.5, 7.5]),
        (["1 234,50 z\u0142", "7,5 z\u0142"], [1234.5, 7.5]),
        (["1,234\u5186", "7\u5186"], [1234, 7]),
        (["36 months", "60 months"], [36, 60]),
        (["1,200 sq. ft.", "850 sq. ft."], [1200, 850]),
        (["1\u2009234,5", "12,25"], [1234.5, 12.25]),
        (["\uff11\uff12\uff0e\uff15", "3", "\uff0d7"], [12.5, 3, -7]),
        (["\u0661\u0662\u066b\u0665", "\u0663"], [12.5, 3]),
        (["\u00b11,234", "\u00b17"], [1234, 7]),
        (["+/-0.5", "+/-12"], [0.5, 12]),
        (["1.25D+02", "-2.5d-01"], [125, -0.25]),
        (["%12,5", "%3", "%0,25"], [12.5, 3, 0.25]),
        (["034Y", "006Y", "101Y"], [34, 6, 101]),
        (["1.2M views", "500 views", "3.5K views"], [1.2e6, 500, 3500]),
        (["1 year", "90 years and over", "17 years"], [1, 90, 17]),
    ],
)
def test_numbers_are_read_as_they_are_written(cells, values):
    found = find_numbers(counts(cells))
    assert [read_number(cell, found.format) for cell in cells] == values
    assert not found.gaps


@pytest.mark.parametrize(
    ("grouped", "bare", "first"),
    [(25, 3, 1000), (25, 2, 1), (19, 9, 1)],
)
def test_points_separate_thousands_where_they_stand_before_three_digits_and_smaller_numbers_have_none(
    grouped, bare, first
):
    cells = [*(f"1.{number:03}" for number in range(grouped)), *map(str, range(7, 7 + bare))]
    assert read_number("1.000", find_numbers(counts(cells)).format) == first
    with_unit = find_numbers(counts([f"{cell} km" for cell in cells])).format
    assert read_number("1.000 km", with_unit) == (1000 if grouped > 19 else 1)
    assert read_number("1.000", find_numbers(counts([*cells, "0.5"])).format) == 1
    assert read_number("1.000", find_numbers(counts([*cells, "1234"])).format) == 1


@pytest.mark.parametrize(
    "mark", ["?", "-", "--", ".", "\\N", "#DIV/0!", "#VALUE!", "n.a.", "nil", "none", "unknown", ".a"]
)
def test_marks_of_a_gap_do_not_make_a_column_of_numbers_one_of_words(mark):
    found = find_numbers(counts([*PLAIN_CELLS, *[mark] * 30]))
    assert found.format == PLAIN
    assert found.gaps == {mark: 30}


MEASURED = [f"{number}.5" for number in range(20)]


def test_few_other_words_are_gaps_and_many_are_not():
    assert find_numbers(counts([*PLAIN_CELLS, "see below", "about fifty"])).gaps == {
        "see below": 1,
        "about fifty": 1,
    }
    assert find_numbers(counts([*PLAIN_CELLS, *["see below"] * len(PLAIN_CELLS)])) is None
    assert find_numbers(counts([*MEASURED, *["varies"] * 8])).gaps == {"varies": 8}
    assert find_numbers(counts([*MEASURED, *["varies"] * 9])) is None
    assert find_numbers(counts([*MEASURED, "varies", "on request", "free"])) is None
    assert find_numbers(counts([*MEASURED[1:], *["varies"] * 8])) is None
    assert find_numbers(counts([*map(str, range(20)), *["basement"] * 8])) is None
    assert find_numbers(counts(["?"] * 10)) is None
    assert find_numbers(counts(["?", "-", "a"])) is None


@pytest.mark.parametrize(
    "cells",
    [
        ["01234", "90210", "10001"],
        ["007", "12", "13"],
        ["034Y", "34Y", "0101Y"],
        ["12D3", "45D2"],
        ["A12", "B13", "C14"],
        ["12 kg", "500 m", "3 l"],
        ["20 \u00b0C", "70 \u00b0"],
        ["<=50K", ">50K"],
        ["<18", "18", "19+", "19"],
        ["$5", "\u20ac5", "\u00a35"],
        ["1.2.3", "1.10.2", "2.0.0"],
        ["2024-01-31", "2024-02-29"],
        ["10:35", "11:20"],
        ["1_000", "2_000"],
        ["1" * 70, "2" * 70],
        ["red", "blue"],
    ],
)
def test_codes_and_mixed_units_are_not_numbers(cells):
    assert find_numbers(counts(cells)) is None


def test_a_comma_is_decimal_where_it_does_not_separate_cells():
    cells = counts(["1,234", "5,678"])
    assert read_number("1,234", find_numbers(cells).format) == 1234
    assert read_number("1,234", find_numbers(cells, decimal_comma=True).format) == 1.234


def test_a_very_long_cell_takes_no_time():
    assert find_numbers({"1" + " " * 200_000 + "x": 1}) is None


def test_a_column_is_read_once_and_what_was_decided_is_said(tmp_path):
    rows = [f"{value},{'yes' if i % 2 else 'no'}" for i, value in enumerate([*PLAIN_CELLS, "?", "?", "NA"])]
    (tmp_path / "t.csv").write_text("size,target\n" + "\n".join(rows) + "\n")
    table = read_table([tmp_path / "t.csv"])
    assert table.frame["size"].dtype == np.float64
    assert table.frame["size"].isna().sum() == 3
    (told,) = table.warnings
    assert told["column"] == "size"
    assert told["said"].startswith("'?', in 2 of 62 rows, is read as missing; set missing to [], ")
    kept = read_table([tmp_path / "t.csv"], Options(categorical=("size",))).frame
    assert kept["size"].iloc[59] == "?"
    assert math.isclose(float(kept["size"].iloc[0]), 1.37)


def test_a_code_that_is_named_keeps_its_zeros(tmp_path):
    (tmp_path / "t.csv").write_text("zip,target\n01234,x\n90210,y\n,x\n")
    table = read_table([tmp_path / "t.csv"], Options(categorical=("zip",))).frame
    assert table["zip"].tolist()[:2] == ["01234", "90210"]


def test_how_a_column_writes_its_numbers_is_told(tmp_path):
    rows = "\n".join(f"{i}.234,50 €;{'yes' if i % 2 else 'no'}" for i in range(1, 31))
    (tmp_path / "t.csv").write_text(f"price;target\n{rows}\n")
    (told,) = read_table([tmp_path / "t.csv"]).warnings
    assert told["column"] == "price"
    assert told["said"].startswith(
        "'1.234,50 €' is read as the number 1234.5; name the column in categorical"
    )


def test_no_answer_is_no_number():
    ages = [str(age) for age in range(18, 60)]
    assert find_numbers(counts([*ages, *["Prefer not to say"] * 9])).gaps == {"Prefer not to say": 9}
