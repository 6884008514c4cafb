"""Numbers as people write them: their format is detected from the whole column."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tabular.data.tables import read_table
from tabular.data.values.numbers import find_numbers, marks_of, read_number, written
from tabular.spec.columns import PLAIN, NumberFormat
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
    ],
)
def test_numbers_are_read_as_they_are_written(cells, values):
    found = find_numbers(counts(cells))
    assert [read_number(cell, found.format) for cell in cells] == values
    assert not found.gaps


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


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([PLAIN, NumberFormat(",", "."), NumberFormat(",", ""), NumberFormat(".", ",", ("$",))]),
)
def test_what_is_written_is_read_as_the_same_number(number, form):
    assert read_number(written(number, form), form) == number


@pytest.mark.parametrize("text", ["", "x", "--5", "(5", "5)", "1,2,3", "inf", "nan", "1e999", "-(5)", "1 2"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="number"):
        read_number(text, NumberFormat(".", ","))


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


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["\u20ac110.5M", "\u20ac565K", "\u20ac0"], [110.5e6, 565e3, 0]),
        (["19M", "201k", "8.7M"], [19e6, 201e3, 8.7e6]),
        (["1.2k", "900"], [1200, 900]),
        (["1,5 Mio. \u20ac", "20 Tsd. \u20ac"], [1.5e6, 20e3]),
        (["2 years", "1 year", "6 months"], [2, 1, 0.5]),
        (["12 kg", "5 kg", "500 g"], [12, 5, 0.5]),
        (["12 kg", "5 kg", "10 lb"], [12, 5, 4.5359237]),
        (["5 m", "12 m", "30 cm"], [5, 12, 0.3]),
        (["5 MB", "7 MB", "300 kB"], [5, 7, 0.3]),
        (["$1.2M", "$850,000"], [1.2e6, 850e3]),
        (["$571K", "$30K"], [571e3, 30e3]),
        (["\u20ac1.20m", "\u20ac30Th."], [1.2e6, 30e3]),
        (["1.2 Cr", "9500000"], [1.2e7, 9.5e6]),
        (["1,5 Mio. EUR", "20 Tsd. EUR"], [1.5e6, 20e3]),
        (["5 \u03bcg", "7 \u00b5g", "1 mg"], [5, 7, 1000]),
        (["1.5M", "2.3B", "4B"], [1.5e6, 2.3e9, 4e9]),
        (["31820", "6249", "3.4M"], [31820, 6249, 3.4e6]),
        (["950", "1.2K", "3"], [950, 1200, 3]),
        (["273 K", "280", "290 K"], [273, 280, 290]),
        (["43%", "0.5", "0.25"], [0.43, 0.5, 0.25]),
        (["20 \u00b0C", "68 \u00b0F", "25\u2103"], [20, 20, 25]),
        (["32 \u00b0F", "0 \u00b0C", "50 \u00b0F"], [32, 32, 50]),
        (["\u20b945 L", "\u20b91.2 Cr"], [4.5e6, 1.2e7]),
        (["1.5GiB", "512MiB", "3GiB"], [1.5, 0.5, 3]),
    ],
)
def test_units_of_the_same_measure_are_converted_into_the_most_frequent_one(cells, expected):
    found = find_numbers(counts(cells))
    assert [read_number(cell, found.format) for cell in cells] == pytest.approx(expected, rel=1e-12)
    assert NumberFormat.from_dict(json.loads(json.dumps(found.format.to_dict()))) == found.format


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["$29/hr", "$31.5/hr"], [29, 31.5]),
        (["12,5 \u20ac/m\u00b2", "8 \u20ac/m\u00b2"], [12.5, 8]),
        (["4.1/5", "3/5"], [4.1, 3]),
        (["4.5 out of 5 stars", "3.0 out of 5 stars"], [4.5, 3]),
        (["from $400", "$250"], [400, 250]),
        (["ca. 12", "13.5", "about 7"], [12, 13.5, 7]),
        (["1.2 x 10^5", "3\u00d710\u2074"], [1.2e5, 3e4]),
        (["37\u00b75", "38\u00b71"], [37.5, 38.1]),
        ([f"{number}th" for number in range(4, 30)], list(range(4, 30))),
    ],
)
def test_what_stands_beside_all_numbers_is_left_out(cells, expected):
    found = find_numbers(counts(cells))
    assert found.gaps == {}
    assert [read_number(cell, found.format) for cell in cells] == expected


@pytest.mark.parametrize(
    "cells", [["AB 12", "AB 13"], ["1/5", "7/5"], ["3/10", "3/20"], ["1st", "2nd", "3rd"], ["14 B", "15"]]
)
def test_what_may_be_a_code_or_a_name_is_not_left_out(cells):
    assert find_numbers(counts(cells)) is None


def test_no_answer_is_no_number():
    ages = [str(age) for age in range(18, 60)]
    assert find_numbers(counts([*ages, *["Prefer not to say"] * 9])).gaps == {"Prefer not to say": 9}


def test_a_single_unit_is_not_converted():
    assert find_numbers(counts(["300 K", "310 K"])).format.scales == ()
    assert find_numbers(counts(["12 m", "13"])).format.scales == ()


def test_the_same_measure_in_two_units_is_the_same_number():
    form = find_numbers(counts(["500 mg", "250 mg", "0.5 g"])).format
    assert read_number("0.5 g", form) == read_number("500 mg", form) == 500


@pytest.mark.parametrize(
    "cells",
    [
        ["14", "14B", "12"],  # buses
        ["124", "124A", "207A"],  # rooms
        ["2.0", "2.0T", "1.6"],  # engines
        ["300 K", "310", "290 m"],
        ["2T", "3T", "6M", "12M"],  # sizes of children's clothes
        ["7m", "8m", "14b", "9"],  # house numbers
        ["12 t", "36 m"],
        ["1+", "2", "2-", "3-"],  # grades
    ],
)
def test_letters_and_signs_that_may_be_part_of_a_code_do_not_change_numbers(cells):
    assert find_numbers(counts(cells)) is None


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["<0.5", "0.7", "12.0"], [0.5, 0.7, 12]),
        (["1", "2", "3", "4+"], [1, 2, 3, 4]),
        (["10,000+", "1,000,000+"], [10_000, 1_000_000]),
        (["~3.5", "4.1", "5.2*"], [3.5, 4.1, 5.2]),
        (["\u2264 2", "3"], [2, 3]),
    ],
)
def test_marks_beside_numbers_are_left_out_where_nothing_is_lost(cells, expected):
    found = find_numbers(counts(cells))
    assert [read_number(cell, found.format) for cell in cells] == expected
    assert found.gaps == {}


def test_a_few_cells_may_have_other_marks_than_their_number_has_elsewhere():
    installs = [f"{10**power:,}+" for power in range(12)] * 3
    assert marks_of(find_numbers(counts([*installs, "0+", "0+", "0"])).format) == ["+"]
    assert find_numbers(counts([*["<=50K"] * 99, ">50K"])) is None


def test_bounds_in_both_directions_without_a_number_between_are_classes():
    assert find_numbers(counts(["<30", "\u226560"])) is None
    assert marks_of(find_numbers(counts(["<30", ">60", "45"])).format) == ["<", ">"]
    assert marks_of(find_numbers(counts([">5K", ">100K", ">1M"])).format) == [">"]


def test_a_mark_may_repeat_a_number_only_among_many_measurements():
    measured = [f"{number}.5" for number in range(20)]
    assert marks_of(find_numbers(counts([*measured, "<3.5"])).format) == ["<"]
    assert find_numbers(counts([*measured[:9], *["<3.5"] * 2])) is None
    with pytest.raises(ValueError, match="is not a number"):
        read_number(">3.5", find_numbers(counts([*measured, "<3.5"])).format)
