"""Numbers in several parts are read where a column has evidence for their notation, and nowhere else."""

import json
from collections import Counter

import pytest
from tabular.data.values.finding.numbers import find_numbers
from tabular.data.values.numbers import read_number
from tabular.spec.columns import NumberFormat

RANGES = [f"{low}-{low + 10}" for low in range(10, 60, 2)]
MINUTES = [f"{minute}:{second:02}" for minute, second in zip(range(1, 60, 2), range(0, 60, 2), strict=True)]


@pytest.mark.parametrize(
    ("cells", "expected", "notations"),
    [
        (["5'7", "5'11", "6'0"], [67 / 12, 71 / 12, 6], ["feet"]),
        (["5'6\"", "6'", "168 cm"], [5.5, 6, 168 / 30.48], ["feet"]),
        (["5 ft 6 in", "6 ft"], [5.5, 6], ["units"]),
        (["8 lb 8 oz", "7 lb 4 oz"], [8.5, 7.25], ["units"]),
        (["1h 30min", "45min", "2h"], [1.5, 0.75, 2], ["units"]),
        (["4h 30m", "2h", "15m", "45m"], [270, 120, 15, 45], ["units"]),
        (["2 hours and 6 minutes", "1 hour"], [2.1, 1], ["units"]),
        (["PT1H30M", "PT45M", "P1D"], [90, 45, 1440], ["units"]),
        (["2 days 06:00:00", "1 day 12:00:00", "12:00:00"], [54, 36, 12], ["clock", "units"]),
        (["1 day 12:00:00", "-1 days +12:00:00", "3 days"], [1.5, -0.5, 3], ["units"]),
        (["1w 2d 3h", "30m", "5h", "4h 15m"], [219, 0.5, 5, 4.25], ["units"]),
        (["1y 6m", "6m", "2y"], [18, 6, 24], ["age"]),
        (["11st 7lb", "12st 0lb"], [11.5, 12], ["units"]),
        (["-01:30:00", "12:00:00", "00:45:00"], [-1.5, 12, 0.75], ["clock"]),
        (["$1,234.00", "$ -", "$(56.00)"], [1234, 0, -56], ["dash"]),
        (["12.50 \u20ac", "- \u20ac", "980.00 \u20ac"], [12.5, 0, 980], ["dash"]),
        (["12.5 H", "3.1 L", "7.0"], [12.5, 3.1, 7], ["flag"]),
        (["12.5H", "3.1L", "7.0"], [12.5, 3.1, 7], ["flag"]),
        (["H 12.5", "LL 3.1", "7.0"], [12.5, 3.1, 7], ["flag"]),
        (["12.5 U/l (+)", "3.1 U/l (-)", "7.0 U/l"], [12.5, 3.1, 7], ["flag"]),
        (["12.5 (high)", "3.1 \u2193\u2193", "7.0"], [12.5, 3.1, 7], ["flag"]),
        ([*map(str, range(9)), "5.5", "8 (H)", "9 [H]"], [*range(9), 5.5, 8, 9], ["flag"]),
        (["12 [10-14]", "9 [7-12]", "3 [2-4]", "5 [4-9]", "8 [6-9]"], [12, 9, 3, 5, 8], ["interval"]),
        (
            ["0.5 (-0.2, 1.2)", "-1.5 (-2.2, 0.1)", "3 (2, 4.5)", "5 (4, 9)", "8.25 (6.1, 9.0)"],
            [0.5, -1.5, 3, 5, 8.25],
            ["interval"],
        ),
        (
            ["0.6 [0.5\u20130.8]", "1.2 [1.0 to 1.5]", "3 [2-4]", "5 [4-9]", "8 [6-9]", "0.1"],
            [0.6, 1.2, 3, 5, 8, 0.1],
            ["interval"],
        ),
        (
            ["2,500-", "250,000+", *(f"{value},500" for value in range(3, 33))],
            [2500, 250000, *(value * 1000 + 500 for value in range(3, 33))],
            ["bound"],
        ),
        (["221535 d", "57415 p", "1402"], [221535, 57415, 1402], ["observation"]),
        (
            [f"{pound} lb ({pound * 0.4536:.1f} kg)" for pound in range(50, 55)],
            [*range(50, 55)],
            ["converted"],
        ),
        (["12.3 b", "13.1 ep", "12.9", "14.0"], [12.3, 13.1, 12.9, 14], ["observation"]),
        (["1\u51042000\u4e07\u5186", "500\u4e07\u5186"], [12000, 500], ["units"]),
        (["1\uc5b5 2000\ub9cc\uc6d0", "500\ub9cc\uc6d0", "3\ucc9c\uc6d0"], [12000, 500, 0.3], ["units"]),
        (["2\u4ebf3\u5343\u4e07", "1\u4e072\u5343", "5\u4e07"], [2e8 + 3e7, 12000, 5e4], ["units"]),
        (["N41.5", "S33.25"], [41.5, -33.25], ["hemisphere"]),
        (["26:30:00", "30:00:00", "24:15:00", "2:00:00"], [26.5, 30, 24.25, 2], ["clock"]),
        (["2:12.5", "1:30.25"], [132.5 / 60, 90.25 / 60], ["clock"]),
        (["3 1/2", "1/4", "7"], [3.5, 0.25, 7], ["fraction"]),
        (["2\u00bd cups", "1 cups"], [2.5, 1], ["fraction"]),
        (["2\u00bd", "10", "3\u00bd"], [2.5, 10, 3.5], ["fraction"]),
        (["9 \u00bd", "7 \u00bd"], [9.5, 7.5], ["fraction"]),
        (["(34 Bewertungen)", "(7 Bewertungen)"], [34, 7], ["brackets"]),
        (["(1,234 customer reviews)", "(12 customer reviews)"], [1234, 12], ["brackets"]),
        (["(3 Avalia\u00e7\u00f5es)", "(12 Avalia\u00e7\u00f5es)"], [3, 12], ["brackets"]),
        (["41\u00b030'36\"N", "10\u00b000'00\"S"], [41.51, -10], ["angle"]),
        (["N41\u00b030'36\"", "S 10\u00b0 30.0'"], [41.51, -10.5], ["angle"]),
        (
            ["N48 51 24", "S10 30 00", "N48 00 36", "N7 30 0", "N1 15 0"],
            [48 + 51.4 / 60, -10.5, 48.01, 7.5, 1.25],
            ["sexagesimal"],
        ),
        (
            ["48-51.4E", "100-30.0W", "1-15.6E", "2-30.0E", "3-30.6E"],
            [48 + 51.4 / 60, -100.5, 1.26, 2.5, 3.51],
            ["sexagesimal"],
        ),
        (["12.5N", "3.25S"], [12.5, -3.25], ["hemisphere"]),
        (["139.5\u00b0 W", "22.0\u00b0 E"], [-139.5, 22], ["hemisphere"]),
        (["840.50 DR", "1,200.00 CR"], [-840.5, 1200], ["debit"]),
        (["DR 840.50", "CR 1,200.00"], [-840.5, 1200], ["debit"]),
        ([f"{place}.5\u00b0 W" for place in range(9)], [-place - 0.5 for place in range(9)], ["hemisphere"]),
        (["1\u5c0f\u65f630\u5206\u949f", "2\u5c0f\u65f66\u5206\u949f"], [1.5, 2.1], ["units"]),
        (["1\u6642\u959330\u5206", "2\u6642\u9593"], [1.5, 2], ["units"]),
        (["5\ubd84 30\ucd08", "2\ubd84 6\ucd08"], [5.5, 2.1], ["units"]),
        (["(1982)", "(2003)"], [1982, 2003], ["brackets"]),
        (["[12]", "[7]"], [12, 7], ["brackets"]),
        (["35.5 \u00b1 0.3", "36.5 \u00b1 0.2"], [35.5, 36.5], ["error"]),
        (["\u25bc 2.5%", "\u25b2 5%", "0%"], [-2.5, 5, 0], ["trend"]),
        (["\u2193 12", "\u2191 3"], [-12, 3], ["trend"]),
        (["\u25b21,234", "567", "\u25b3 8"], [-1234, 567, -8], ["triangle"]),
        (["1,234[5]", "87[a][b]", "900"], [1234, 87, 900], ["note"]),
        (MINUTES, [minute + (minute - 1) / 60 for minute in range(1, 60, 2)], ["clock"]),
        (RANGES, range(15, 65, 2), ["range"]),
        ([f"{text} people".replace("-", " to ") for text in RANGES], range(15, 65, 2), ["range"]),
        (
            [*(f"({text.replace('-', ',')}]" for text in RANGES), "(-inf, 5]"],
            [*range(15, 65, 2), 5],
            ["range"],
        ),
        ([f"${text.replace('-', 'K - $')}K" for text in RANGES], range(15_000, 65_000, 2_000), ["range"]),
        ([f"{text} Yrs (est.)" for text in RANGES], range(15, 65, 2), ["range"]),
        ([*map(str, range(1000, 1040)), "1100 - 1200"], [*range(1000, 1040), 1150], ["range"]),
    ],
)
def test_numbers_in_several_parts_are_read(cells, expected, notations):
    found = find_numbers(Counter(cells))
    assert found.gaps == {}
    assert sorted(found.format.notations) == notations
    assert [read_number(cell, found.format) for cell in cells] == pytest.approx(list(expected), rel=1e-12)
    assert NumberFormat.from_dict(json.loads(json.dumps(found.format.to_dict()))) == found.format


@pytest.mark.parametrize(
    "cells",
    [
        ["3-1", "0-2", "1-1"],  # results
        ["\u25b212", "\u25b27"],  # nothing says whether triangles are minus signs
        ["\u25b212", "-7", "5"],
        ["\u219112", "7"],
        ["A-", "AB-", "B+", "O+"],
        ["3.1 H", "12.5 L", "7.0"],  # not high and low
        [*map(str, range(1, 20)), "25.5L", "30.5L"],  # litres
        [*map(str, range(1, 20)), "2.5 (H)", "30.5 (H)"],
        [*map(str, range(1, 9)), "25.5 (H)", "30.5 (H)"],  # beside too few others
        ["12 (5)", "14 (3)", "15 (7)", "11 (4)", "10 (4)", "9 (4)"],  # two quantities
        ["12 lb (5 kg)", "14 lb (6 kg)", "16 lb (7 kg)"],  # too few
        [f"{area}-{number}" for area, number in zip(range(200, 230), [4711, 1234, 9870] * 10, strict=True)],
        ["18-24", "25-34", "35-44"],  # levels in order, each of which may be learnt
        ["2019-20", "2020-21", "2021-22"],
        ["08:30", "17:45", "12:00"],
        ["28:25", "31:19", "24:24", "30:27"] * 9,
        ["1/2", "2/3", "1/8"],
        ["120/80", "135/85"],  # two numbers
        ["12C", "13F", "14A"],  # seats
        ["12N", "14S"],  # streets
        ["12 b", "14 d", "15", "16"],  # houses
        ["1\u4ebf2\u5343", "3\u4ebf5\u5343"],  # 120 million in spoken Chinese
        ["12.5 b", "12.5", "13.1"],  # one flag may be a unit
        [f"{number}-{number + 1}-20N" for number in range(50, 60)],
        [f"{number} 30 N" for number in range(20)],
        [f"{number} 30 15 N" for number in range(80, 100)],
        ["48 51 24 N", "33 51 24 S"],  # of so few, they may be codes
        ["500 Dr", "12 Dr"],
        ["2 beds 3 baths", "1 bed 1 bath"],
        ["1h 90min", "2h 75min"],
        ["5 (male)", "6 (female)"],
        ["1'234", "5'678", "9'012'"],
        ["12-24-36", "1-2-3"],
        ["12.50-", "80.00+", "5.00", *(f"{value}.00" for value in range(20, 60))],  # 5 is below 12.50
        ["2-", "3+", "3", "2"],  # grades
        ["4 (1-5)", "5 (1-5)", "2 (1-5)", "3 (1-5)", "1 (1-5)", "4.5 (1-5)"],  # points on a scale
        ["12 [10-14]", "9 [12-17]", "3 [2-4]", "5 [4-9]", "8 [6-9]"],  # 9 is outside
    ],
)
def test_a_notation_without_evidence_stays_what_it_is(cells):
    found = find_numbers(Counter(cells))
    assert found is None or not found.format.notations


def test_the_user_needs_no_evidence():
    found = find_numbers(Counter(["18-24", "25-34", "35-44"]), forced=True)
    assert read_number("18-24", found.format) == 21
    cells = ["< 1 year", "1 to 9 years", "10+ years"]
    found = find_numbers(Counter(cells), forced=True)
    assert [read_number(cell, found.format) for cell in cells] == [1, 5, 10]
