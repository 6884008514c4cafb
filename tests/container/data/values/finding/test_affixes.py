"""Units, currencies and marks beside the numbers of a column are left out or converted, or they are codes."""

import json

import pandas as pd
import pytest
from tabular.data.values.finding.numbers import find_numbers
from tabular.data.values.numbers import marks_of, read_number
from tabular.spec.columns import NumberFormat


def counts(cells):
    return pd.Series(cells).value_counts().to_dict()


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
        (["49,5 t", "2,9 mio.", "697"], [49500, 2.9e6, 697]),
        (["49,5 tn", "2,9 mn", "697"], [49500, 2.9e6, 697]),
        (["49,5 B", "2,9 Mn", "1,1 Mr", "697"], [49500, 2.9e6, 1.1e9, 697]),
        (["49,5 mil", "2,9 mi", "697"], [49500, 2.9e6, 697]),
        (["5.2tn", "2.9mn", "49517"], [5.2e12, 2.9e6, 49517]),  # nothing is between a million and a billion
        (["2,9 Mln", "49517", "697"], [2.9e6, 49517, 697]),
        (["49,5 tusind", "2,9 millioner", "697"], [49500, 2.9e6, 697]),
        (["49,5 hilj.", "2,9 mil.", "697"], [49500, 2.9e6, 697]),
        (["49,5 t\u016bkst.", "2,9 mln.", "697"], [49500, 2.9e6, 697]),
        (["43%", "0.5", "0.25"], [0.43, 0.5, 0.25]),
        (["20 \u00b0C", "68 \u00b0F", "25\u2103"], [20, 20, 25]),
        (["32 \u00b0F", "0 \u00b0C", "50 \u00b0F"], [32, 32, 50]),
        (["120\u4e07\u5186", "1.2\u5104\u5186", "5\u4e07\u5186", "5,000\u5186"], [120, 12000, 5, 0.5]),
        (["3\u5343", "120\u4e07", "950"], [3000, 1.2e6, 950]),
        (["\u20b945 L", "\u20b91.2 Cr"], [4.5e6, 1.2e7]),
        (["1.5GiB", "512MiB", "3GiB"], [1.5, 0.5, 3]),
        (["1.5G", "512M", "3G"], [1.5 * 2**30, 2**29, 3 * 2**30]),
        (["20 Mbps", "1.2 Gbps", "35 Mbps"], [20, 1200, 35]),
        (["100nF", "22 pF", "4.7 nF"], [100, 0.022, 4.7]),
        (["12 V", "5 V", "350 mV"], [12, 5, 0.35]),
        (["13.1 g/dL", "12.5 g/dL", "141 g/L"], [13.1, 12.5, 14.1]),
        (["2.1 mIU/L", "3.5 mIU/L", "4 \u00b5IU/mL"], [2.1, 3.5, 4]),
        (["$2.25", "75\u00a2", "$1"], [2.25, 0.75, 1]),
        (["\u00a32.25", "75p", "\u00a31"], [2.25, 0.75, 1]),
        (["3\u5c81", "5\u5c81", "6\u4e2a\u6708"], [3, 5, 0.5]),
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
        (["\u20b91,200", "Rs. 950", "Rs 80"], [1200, 950, 80]),
        (["ca. 12", "13.5", "about 7"], [12, 13.5, 7]),
        (["c. 1850", "1900", "c.1790"], [1850, 1900, 1790]),
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
    "cells",
    [
        ["AB 12", "AB 13"],
        ["1/5", "7/5"],
        ["3/10", "3/20"],
        ["1st", "2nd", "3rd"],
        ["14 B", "15"],
        ["14 A", "15"],
        ["$5", "5 \u20ac", "\u00a35"],
    ],
)
def test_what_may_be_a_code_or_a_name_is_not_left_out(cells):
    assert find_numbers(counts(cells)) is None


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
        ["5 B", "12 Mr", "2000"],
        ["3 mil", "5 mi", "1500"],
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
