"""What a column is, decided once from all its cells, with the evidence."""

import math
from datetime import datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest
from tabular.data.decisions.decide import decide
from tabular.data.decisions.style import UNKNOWN, FileStyle
from tabular.data.features import texts
from tabular.data.schema.labels import as_labels
from tabular.data.values.dates import date
from tabular.spec.columns import Column, NumberFormat
from tabular.spec.errors import BadInput
from tabular.spec.options import Options


def decided(cells, style=UNKNOWN, **options):
    return decide("a", pa.chunked_array([cells]), Options(**options), style)


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        (["1", "2", None], Column("a", "numeric")),
        (["0", "1", "1"], Column("a", "numeric")),
        (["01", "02", "10"], Column("a", "categorical", whole="02")),
        (["1.1", "1.10", "1.2"], Column("a", "categorical")),
        (["1.10", "1.20", "1.15"], Column("a", "numeric")),
        (["yes", "Yes", "NO", "n", "y"] * 3, Column("a", "boolean")),
        (["on", "off", None], Column("a", "boolean")),
        (["true", "false"] * 20 + ["?"], Column("a", "boolean", missing=("?",))),
        (["0", "1"] * 20 + ["NA"], Column("a", "numeric")),
        (["0", "1"] * 20 + ["NA", "2"], Column("a", "numeric")),
        (["0.0", "1.0"] * 20 + ["NA", "-1.0"], Column("a", "numeric")),
        (["0", "1"] * 20 + ["NA", "9"], Column("a", "numeric")),
        (["yes", "no"] * 20 + ["9"], Column("a", "boolean", missing=("9",))),
        (["yes", "no", "No internet service"] * 5, Column("a", "categorical")),
        (["M", "F"], Column("a", "categorical")),
        (["NA", "DE", None], Column("a", "categorical")),
        (["1", "2", "NA"] * 3, Column("a", "numeric")),
        (["2024-01-31", "2024-02-01"], Column("a", "date", "ISO8601")),
        (["2024-01-31 10:00", "2024-02-01 00:00"], Column("a", "date", "ISO8601", time=True)),
        (["10:35", "11:20"], Column("a", "date", "%H:%M", time=True)),
        (["31 janv. 2024", "1 mars 2023"], Column("a", "date", "%d %b %Y")),
        ([f"{day}.05.23" for day in range(10, 16)], Column("a", "date", "%d.%m.%y")),
        ([None, None], Column("a", "categorical")),
        ([None, "x"], Column("a", "categorical")),
    ],
)
def test_a_column_is_what_almost_all_its_cells_are(cells, column):
    cells = pa.array(cells, pa.string())
    assert decided(cells).column == column


def test_words_that_mean_a_missing_value_are_counted_and_said():
    found = decided(pa.array([*map(str, range(600)), "?", "?", "?"]))
    assert found.column == Column("a", "numeric", missing=("?",))
    assert found.values.isna().sum() == 3
    assert found.doubts == (
        "'?', in 3 of 603 rows, is read as missing; set missing to [], or name the column in "
        "categorical, to keep the text.",
    )


@pytest.mark.parametrize("words", [[], ["-"]])
def test_the_user_says_which_words_mean_a_missing_value(words):
    cells = pa.array([*map(str, range(600)), "?", "?", "-"])
    assert decided(cells, missing=words).column.kind == "categorical"
    found = decided(cells, missing=["?", "-"])
    assert found.column == Column("a", "numeric", missing=("?", "-"))
    assert found.doubts == ()


@pytest.mark.parametrize("options", [{"missing": ["-999"]}, {"missing": {"a": ["-999", "5+"]}}])
def test_a_number_that_means_a_missing_value_is_added_to_the_words_that_do(options):
    cells = pa.array([*map(str, range(600)), "?", "?", "-", "-999", "-999.0"])
    found = decided(cells, **options)
    assert found.column.kind == "numeric"
    assert found.column.missing[-2:] == ("?", "-")
    assert found.values.isna().sum() == 5
    days = pa.array([*(f"2024-01-{day:02}" for day in range(1, 29)), "?", "1900-01-01"] * 9)
    assert decided(days, missing=["1900-01-01"]).column.kind == "date"
    assert decided(pa.array(["yes", "no", "?", "9"] * 90), missing=["9"]).column.kind == "boolean"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"decimal": ","}, "decimal is ','"),
        ({"thousands": "."}, "thousands is '.'"),
        ({"decimal": ",", "thousands": "."}, "decimal is ',' and thousands is '.'"),
    ],
)
@pytest.mark.parametrize("rows", [60, 30_000])
def test_signs_that_keep_a_column_from_being_numbers_are_said(options, named, rows):
    cells = pa.array([f"{number + 0.25:.2f}" for number in range(rows)])
    found = decided(cells, **options)
    assert found.column.kind == "categorical"
    assert found.doubts == (
        f"a category, because {named}; without that, texts such as '0.25', '1.25', '2.25' are numbers; "
        "correct the option, or name the column in categorical if they are only names.",
    )


@pytest.mark.parametrize(
    ("written", "options", "named"),
    [
        ("%d.%m.%Y", {"date_format": "%Y-%m-%d"}, "date_format is '%Y-%m-%d'"),
        ("%Y-%m-%d", {"date_format": "%d.%m.%Y"}, "date_format is '%d.%m.%Y'"),
        ("%m/%d/%Y", {"dayfirst": True}, "dayfirst is true"),
        ("%d/%m/%Y", {"dayfirst": False}, "dayfirst is false"),
    ],
)
@pytest.mark.parametrize("rows", [60, 3000])
def test_options_that_keep_a_column_from_being_dates_are_said(written, options, named, rows):
    days = pd.date_range("2020-01-13", periods=rows).strftime(written).tolist()
    assert decided(pa.array(days)).column.kind == "date"
    found = decided(pa.array(days), **options)
    assert found.column.kind == "categorical"
    assert found.doubts == (
        f"a category, because {named}; without that, texts such as {days[0]!r}, {days[1]!r}, {days[2]!r} are "
        "dates; correct the option, or name the column in categorical if they are only names.",
    )


@pytest.mark.parametrize("options", [{}, {"decimal": ","}, {"date_format": "%Y"}, {"dayfirst": True}])
def test_words_are_words_whatever_signs_numbers_have(options):
    assert decided(pa.array(["cash", "card", "cash"]), **options).doubts == ()


def test_a_format_that_does_not_fit_is_told_from_an_option_that_does_not():
    with pytest.raises(
        BadInput, match="has the date_format '%d/%m/%Y', which does not fit some of its cells"
    ):
        decided(pa.array(["2024-01-31", "2024-02-01"]), date_format={"a": "%d/%m/%Y"}, date=["a"])
    with pytest.raises(BadInput, match="is in date, but no format fits all its cells"):
        decided(pa.array(["12.5", "13.5"]), date=["a"])


def test_a_category_may_have_words_for_missing():
    found = decided(pa.array(["x", "n/a", "y"]), missing={"a": ["n/a"]})
    assert found.column == Column("a", "categorical", missing=("n/a",))
    assert found.values.isna().tolist() == [False, True, False]


def test_moments_that_stand_for_none_are_missing():
    moments = [datetime(9999, 12, 31), datetime(1, 1, 1), datetime(2024, 1, 31, 12), None]
    found = decided(pa.array(moments, pa.timestamp("us")))
    assert found.column == Column("a", "date", "ISO8601", time=True)
    assert found.values.isna().tolist() == [True, True, False, True]
    assert "in 2 of 4 rows, are read as missing" in found.doubts[0]
    for text in ("9999-12-31", "9999-12-31T00:00:00", "0001-01-01 00:00", "0000-00-00"):
        assert math.isnan(date(text, "ISO8601", ()))


def test_spellings_are_merged_if_the_user_says_so():
    cells = pa.array(
        ["red", "Red ", "red", "RED\u00a0", "blue", None, "Orle\u0301ans", "Orl\u00e9ans", "Orl\u00e9ans"]
    )
    found = decided(cells, merge_spellings=["a"])
    assert found.column.spellings == ("Orl\u00e9ans", "red", "blue")
    assert found.values.dropna().tolist() == ["red"] * 4 + ["blue"] + ["Orl\u00e9ans"] * 3
    assert decided(cells).column.spellings is None
    with pytest.raises(BadInput, match="'a' is in merge_spellings, but it is numeric"):
        decided(pa.array(["1", "2"]), merge_spellings=["a"])
    merged = decided(pa.array(["Yes", "yes", "Yes", "no", "NO", "no"]), merge_spellings=["a"])
    assert merged.column == Column("a", "categorical", spellings=("Yes", "no"))
    assert merged.values.tolist() == ["Yes"] * 3 + ["no"] * 3


@pytest.mark.parametrize(
    ("levels", "ending"),
    [
        (["1", None, "-3", " 20", "0"], ""),
        (["1.0", None, "-3.0", " 20.0"], ".0"),
        (["1", "1.0"], None),
        (["1", "01"], None),
        (["01", "20", None], "02"),
        (["00501", "10001"], "05"),
        (["00501", "1"], None),
        (["1", "A"], None),
        (["1.0", "1.10"], None),
        (["1"] * 200 + ["1.0"], None),
        ([None, None], None),
    ],
)
def test_a_category_of_whole_numbers_says_how_it_writes_them(levels, ending):
    found = decided(pa.array(levels, pa.string()), categorical=["a"])
    assert found.column == Column("a", "categorical", whole=ending)
    assert Column.from_dict(found.column.to_dict()) == found.column
    assert found.values.dropna().tolist() == [level for level in levels if level]


@pytest.mark.parametrize(
    ("levels", "blanks", "whole"),
    [
        (["red ", "blue"], None, None),
        (["red ", "red", "blue"], True, None),
        ([" red", "red"], None, None),
        ([" red ", "red"], True, None),
        (["1  ", "20 ", " 3"], None, ""),
        (["1 ", "1", "20"], True, None),
        (["   ", "01 ", "20"], None, None),
    ],
)
def test_blanks_at_the_end_of_a_level_count_only_where_levels_differ_in_nothing_else(levels, blanks, whole):
    found = decided(pa.array(levels), categorical=["a"])
    assert found.column == Column("a", "categorical", blanks=blanks, whole=whole)
    read = texts(found.values, found.column).tolist()
    assert read == [level.lstrip(" ") if blanks else level.strip(" ") for level in levels]


def test_whole_numbers_keep_every_digit_beside_a_gap():
    found = decided(pa.array(["9007199254740993", None]))
    assert str(found.values[0]) == "9007199254740993"
    assert "beyond 2**53" in found.doubts[0]


IDS = [2**64 + 2**40 + place % 3 for place in range(9)]
CLOSE = [pa.array(list(map(str, IDS))), pa.array([one - 2**64 + 2**63 for one in IDS], pa.uint64())]


@pytest.mark.parametrize("cells", [*CLOSE, pa.array([one - 2**64 + 2**60 for one in IDS])], ids=str)
def test_whole_numbers_that_would_become_the_same_float_are_codes(cells):
    found = decided(cells)
    assert found.column == Column("a", "categorical", whole="")
    assert found.values.tolist() == list(map(str, cells.to_pylist()))
    assert "a number cannot all hold; name the column in numeric if" in found.doubts[0]
    assert decided(cells, numeric=["a"]).column.kind == "numeric"


def test_codes_beside_a_mark_for_a_gap_keep_every_digit():
    found = decided(pa.array([*map(str, IDS), "NA"]))
    assert found.column == Column("a", "categorical")
    assert found.values.tolist()[-2:] == [str(IDS[-1]), "NA"]


@pytest.mark.parametrize(
    ("cells", "is_said"),
    [
        ([str(2**63 + place * 2**20) for place in range(9)], True),  # all are different floats
        ([str(10**place + place) for place in range(22)], True),  # a quantity
        ([repr(1e18 + place * 1e9) for place in range(9)], False),
        ([f"0.{10**20 + 10**5 * place}" for place in range(9)], False),
    ],
)
def test_long_numbers_that_differ_as_floats_or_in_length_are_numbers(cells, is_said):
    found = decided(pa.array(cells))
    assert found.column.kind == "numeric"
    assert any("beyond 2**53" in doubt for doubt in found.doubts) == is_said


def test_points_group_thousands_in_a_file_of_decimal_commas():
    cells = pa.array(["1.234", "4.999", "950"])
    assert decided(cells).column == Column("a", "numeric")
    assert decided(cells).doubts == ()
    likely = decided(cells, FileStyle(delimiters=[";"]))
    assert likely.column == Column("a", "numeric")
    assert "set thousands to '.' if it means 1234" in likely.doubts[0]
    known = decided(cells, FileStyle([pa.chunked_array([["12,5"]])], [";"]))
    assert known.column == Column("a", "numeric", number=NumberFormat(",", "."))
    assert known.values.tolist() == [1234, 4999, 950]
    assert decided(cells, thousands=".").values.tolist() == [1234, 4999, 950]


@pytest.mark.parametrize("beside", ["0", "k.A.", "-", " -12.500 ", None])
def test_points_group_thousands_beside_zeros_and_words(beside):
    cells = pa.array(["1.234", "4.999", "950"] * 20 + [beside])
    known = decided(cells, FileStyle([pa.chunked_array([["12,5"]])], [";"]))
    assert known.column.number == NumberFormat(",", ".")
    assert known.values.tolist()[:3] == [1234, 4999, 950]
    likely = decided(cells, FileStyle(delimiters=[";"]))
    assert any("set thousands to '.' if it means 1234" in doubt for doubt in likely.doubts)


@pytest.mark.parametrize("beside", ["0.5", "1.25", "007", "1.2345"])
def test_points_beside_other_decimals_do_not_group_thousands(beside):
    cells = pa.array(["1.234", "4.999", "950"] * 20 + [beside])
    known = decided(cells, FileStyle([pa.chunked_array([["12,5"]])], [";"]))
    assert known.column.number is None


@pytest.mark.parametrize(
    ("form", "codes"),
    [("%d%m%Y", False), ("%m%d%Y", False), ("%d%m%y", False), ("%d%m%Y", True)],
)
def test_digits_with_a_leading_zero_that_look_like_dates_are_said(form, codes):
    days = [datetime(2021, 1, 31) + timedelta(33 * place) for place in range(40)]
    cells = [day.strftime(form) for day in days] + ["99" + "9" * (len(f"{days[0]:{form}}") - 2)] * codes
    doubts = decided(pa.array(cells)).doubts
    assert any(f"set date_format to {form!r}" in doubt for doubt in doubts) != codes


LATE = [f"{day}/{month:02}/2024" for day in range(13, 29) for month in (1, 5, 9)]


@pytest.mark.parametrize(
    ("dates", "swapped"),
    [
        (LATE + [f"2024-{day:02}-{month:02} 00:00:00" for day in range(1, 13) for month in (1, 5, 9)], True),
        (LATE + [f"2024-{month:02}-01" for month in range(1, 13)], False),  # one day of each month
        (LATE + [f"2024-{month:02}" for month in range(1, 13)], False),  # no day
        ([f"{day} May 2024" for day in range(13, 29)] + [f"2024-04-{day:02}" for day in range(1, 13)], False),
        ([f"{day:02}.05.2024" for day in range(1, 13)] + [f"2024-05-{day}" for day in range(13, 29)], False),
    ],
)
def test_days_that_a_spreadsheet_may_have_taken_for_months_are_said(dates, swapped):
    said = "".join(decided(pa.array(dates)).doubts)
    assert "dates in several formats" in said
    assert ("a spreadsheet has probably swapped day and month" in said) == swapped


def test_dates_that_could_be_read_in_two_ways_are_said_until_the_user_says():
    cells = pa.array(["01/02/2024", "03/04/2024"])
    assert (
        "read as month/day but could be day/month; set dayfirst to false to confirm"
        in decided(cells).doubts[0]
    )
    first = decided(cells, dayfirst=True)
    assert first.column == Column("a", "date", "%d/%m/%Y")
    assert first.doubts == ()
    assert decided(cells, date_format="%d/%m/%Y").column == Column("a", "date", "%d/%m/%Y")


def test_months_that_may_be_quarters_are_said():
    quarters = [f"{number}/{year}" for year in (2022, 2023) for number in (1, 2, 3, 4)]
    (doubt,) = decided(pa.array(quarters)).doubts
    assert doubt.startswith("months such as '1/2022', of which none is over 4; if they are quarters")
    written = [f"{year} Q{number}" for year in (2022, 2023) for number in (1, 2, 3, 4)]
    named = [f"{year}-Q{number}" for year in (2022, 2023) for number in (1, 2, 3, 4)]
    halves = [f"{year}/{number}" for year in (2021, 2022, 2023) for number in (1, 2)]
    (doubt,) = decided(pa.array(halves)).doubts
    assert doubt.endswith("of which none is over 2; if they are halves or semesters, write them as 2024H1.")
    for cells in ([*quarters, "5/2023"], quarters[:4], written, named, halves[:4], halves[::2]):
        assert not any("quarters" in doubt for doubt in decided(pa.array(cells)).doubts)


@pytest.mark.parametrize(
    "cells",
    [
        ["28:25", "31:19", "24:24", "30:27"],  # results of matches
        ["31/01/2024", "2024-02-01", "01.03.2024", "2024/04/05"],
        ["1/2", "2/3", "1/8"],
        ["3-1", "0-2", "1-1"],
        ["555-1234", "234-9876", "871-2345"],
        ["12C", "13F", "14A"],
        ["555.123.4567", "555.987.6543", "212.555.0100"],
        ["192.168.1.1", "10.0.0.2", "10.0.0.12"],
    ],
)
def test_a_category_whose_cells_have_digits_is_said(cells):
    found = decided(pa.array(cells))
    assert found.column.kind == "categorical"
    assert found.doubts[0].startswith(f"a category: every cell has digits, such as {cells[0]!r}")
    assert "names, such as addresses or telephone numbers" in found.doubts[0]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["18-24", "25-34", "35-44"], "ranges, such as '18-24', are levels without an order"),
        (["<10", "10-19", "20+"], "ranges, such as '10-19', are levels without an order"),
        (["1.2.3", "1.10.0"], "versions, such as '1.2.3', are levels without an order"),
        (["1.2 (0.3)", "2.5 (0.4)"], "several numbers in a cell, such as '1.2 (0.3)'"),
        (['55" x 22"', '42" x 8"'], "several numbers in a cell, such as '55\" x 22\"'"),
        (["10cm x 20cm x 5cm", "8cm x 9cm x 5cm"], "several numbers in a cell"),
        (["48.8566,2.3522", "-33.8688,151.2093"], "several numbers in a cell, such as '48.8566,2.3522'"),
        (["2021/22", "1999/00"], "years that end in the next one, such as '2021/22', are levels without an"),
        (["2021-22", "2019-20"], "years that end in the next one, such as '2021-22'"),
        (["2021/22", "2019/21"], "two numbers in a cell, such as '2021/22'"),
        (["1,5", "2.5", "3,25"], "numbers with a decimal comma, such as '1,5', and with a decimal point"),
        (["on 2024-01-31", "on 2024-02-01"], "dates after the same word, such as 'on 2024-01-31'"),
        ([f"Built in {year}" for year in range(1990, 2000)], "years after the same words, such as 'Built"),
        (
            ["10-19", "20-29", "01. Mrz", "Okt 14"],
            "dates without a year among other texts, such as '01. Mrz'",
        ),
        (["10-19", "20-29", "02-sept"], "dates without a year among other texts, such as '02-sept'"),
        (["[12 ms]", "[7 ms]", "[103 ms]"], "lists or objects as text, such as '[12 ms]'"),
        (["[0.83]", "[0.2, 0.7]"], "lists or objects as text, such as '[0.83]'"),
    ],
)
def test_of_texts_that_are_all_written_in_one_form_it_is_said_what_to_do(cells, said):
    found = decided(pa.array(cells))
    assert found.column.kind == "categorical"
    (doubt,) = found.doubts
    assert doubt.startswith(said)


@pytest.mark.parametrize(
    "cells",
    [
        *(["A1", "B2"], ["unit 5 (3)", "unit 7 (2)"], ["on 12", "on 13"], ["R2D2", "C3"]),
        *(["[a]", "[b]", "[c1]"], ["Gen 10", "Gen 11", "Gen 9"], ["Sep 19", "Sep 5"]),
        *(
            ["12 Main St", "7 Mill Rd", "9 Ash Ln"],
            ["4GB SSD", "4GB HDD", "4GB Flash"],
            ["milk 1l", "tea", "rum"],
        ),
        *(["A*02:01", "B*07:02", "B*08:01"], ["from 1,234", "from 2,234", "a", "b", "c"]),
        *(["M", "L", "XL"], ["g", "l"], ["month", "week"], ["N/A", "n/a"], ["USD", "DEU"], ["kg", "pcs"]),
    ],
)
def test_names_with_digits_are_no_form(cells):
    assert decided(pa.array(cells)).doubts == ()


TIMES = [f"{hour:02}{minute:02}" for hour in range(24) for minute in (0, 15)]
DAYS = [f"202401{day:02}" for day in range(1, 32)]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["a;b", "a", "b", "c;b", "a;b;c"], "several values in a cell, such as 'a;b'"),
        (["a|b", "a", "b", "c|b", "a|b|c"], "several values in a cell, such as 'a|b'"),
        (["{a,b}", "{a}", "{b}", "{c,b}", "{a,b,c}"], "several values in a cell, such as '{a,b}'"),
        (["['a', 'b']", "['a']", "['b']", "['c', 'b']", "['a', 'b', 'c']"], "several values in a cell"),
        (["A &amp; B", "A & B", "C"], "HTML in them, such as 'A &amp; B'"),
        (["<b>12</b>", "<b>7</b>", "x<br/>"], "HTML in them, such as '<b>12</b>'"),
        (["pH 7.2", "pH 6.8", "pH 7"], "a number after the same word, such as 'pH 7.2'"),
        (["fig. 38 1/2", "fig. 39", "fig. 40"], "a number after the same word"),
        (
            ["128GB SSD", "1TB HDD", "256 GB Flash"],
            "a time or a date in nearly all of them, such as '128GB SSD'",
        ),
        (["1.4 L V6", "2.0 L I4", "3.5 L V8"], "a quantity, a time or a date in nearly all of them"),
        (["9:00 AM - 5:00 PM", "10:00 AM - 7:30 PM", "8:15 AM - 3:00 PM"], "such as '9:00 AM - 5:00 PM'"),
        (["USD 12.50", "EUR 7", "GBP 3.00"], "amounts in several currencies, such as 'USD 12.50'"),
        (["kg", "lb"], "a category of units, such as 'kg' and 'lb'"),
        (["USD", "EUR", "UGX"], "a category of units, such as 'USD' and 'EUR'"),
        (["mg/dL", "mmol/L"], "a category of units, such as 'mg/dL' and 'mmol/L'"),
        (["Celsius", "Fahrenheit"], "a category of units"),
        (["kgs", "lbs"], "a category of units"),
        (["Miles", "km"], "a category of units"),
        (["g", "kg"], "a category of units"),
        (["Heat (1995)", "Casino (1995)", "Ed (1996)", "It (2017)"], "such as 'Heat (1995)', each of which"),
        (TIMES, "codes that look like times, such as '0000'; write them as 08:30"),
        (["0000.700", "0001.250", "0012.125"], "name the column in numeric if they are quantities"),
        ([*DAYS, "00000000"], "name '00000000' in missing, and set date_format to '%Y%m%d'"),
    ],
)
def test_what_a_category_may_be_besides_is_said(cells, said):
    found = decided(pa.array(cells))
    assert found.column.kind == "categorical"
    assert said in found.doubts[0]


@pytest.mark.parametrize("kind", [pa.string(), pa.int64()])
@pytest.mark.parametrize(
    ("unit", "digits"), [("seconds", 10), ("milliseconds", 13), ("microseconds", 16), ("nanoseconds", 19)]
)
def test_moments_in_one_number_are_said(unit, digits, kind):
    cells = pa.array([1_600_000_000 * 10 ** (digits - 10) + second * 1001 for second in range(9)])
    found = decided(cells.cast(kind))
    assert found.column.kind == "numeric"
    assert f"look like {unit} since 1970" in found.doubts[0]
    assert "would be 2020-09-13" in found.doubts[0]
    gap = decided(pa.array([*cells.to_pylist(), None]).cast(kind))
    assert gap.doubts == found.doubts


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([20240131, 20240229, 20231224], "look like dates; set date_format to '%Y%m%d'"),
        ([202401, 202402, 202312, 202306, 202305], "look like a year and a month"),
        ([1600000000, 1600000001], "look like seconds since 1970 (1600000000 would be 2020-09-13)"),
        ([1600000000.5, 1600000001.25], "look like seconds since 1970"),
        ([*range(44000, 44030)], "may be Excel serial dates"),
        ([44000.25, 44001.123456], None),
        ([44000.2512, 44001.123456], "may be Excel serial dates with a time"),
        ([1.0, 20.0, 300.0], None),
        ([1e300, 2.0, 3.5], None),
        ([None, None], None),
        ([9.5, float("nan")], None),
    ],
)
def test_floats_of_parquet_are_doubted_as_whole_numbers_are(numbers, said):
    doubts = decided(pa.array([*numbers, None], pa.float64())).doubts
    assert any(said in doubt for doubt in doubts) if said else not any("look like" in one for one in doubts)


def test_a_few_leading_zeros_among_numbers_of_several_lengths_are_said():
    cells = [*map(str, range(1, 300)), "007"]
    (doubt,) = decided(pa.array(cells)).doubts
    assert doubt.startswith(
        "codes, because 1 of 300 cells, such as '007', have leading zeros; name the column"
    )
    assert decided(pa.array([*cells[:30], *["007"] * 30])).doubts == ()
    assert decided(pa.array([*map(str, range(10_000, 10_300)), "00501"])).doubts == ()


@pytest.mark.parametrize(
    ("behind", "most", "said"),
    [
        ([f"{minute:02}" for minute in range(60)], 59, "never over 0.59, may be hours and minutes"),
        (range(6), 9, "never over 0.5, may be overs and balls"),
        (range(3), 15, "never over 0.2, may be innings and outs"),
        ([f"{minute:02}" for minute in range(61)], 60, ""),
        (["00", "15", "30", "45"], 15, "never over 0.45, may be hours and minutes"),
        (["00", "25", "50"], 15, ""),
        ([f"{minute:02}" for minute in range(60)], 3, ""),
        ([0, 5], 25, ""),
        (range(7), 9, ""),
        (range(6), 3, ""),
    ],
)
def test_decimals_that_count_sixtieths_and_sixths_are_said(behind, most, said):
    cells = [f"{whole}.{part}" for whole in range(most + 1) for part in behind]
    found = decided(pa.array([*cells, None]))
    assert found.column.kind == "numeric"
    assert said in "".join(found.doubts)
    assert bool(said) == any("whose decimals are never" in doubt for doubt in found.doubts)


@pytest.mark.parametrize("gap", ["NA", "?", " n/a "])
@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([f"202401{day}" for day in range(10, 30)], "look like dates; set date_format to '%Y%m%d'"),
        ([f"2023{month:02}" for month in range(1, 13)], "look like a year and a month"),
        ([str(1_600_000_000 + day * 86_400) for day in range(30)], "look like seconds since 1970"),
        ([str(day) for day in range(44_000, 44_030)], "may be Excel serial dates"),
        ([f"{hour}{minute}" for hour in range(8, 24) for minute in range(10, 60, 2)], "hours and minutes"),
        ([f"+4930{number}" for number in range(10_000, 10_030)], "if they are telephone numbers"),
        ([f"{first}.38{first}E+12" for first in range(1, 10)] * 3, "long codes of which Excel has kept"),
        (
            [f"{first}E+12" if first % 2 else f"{first}006381333931" for first in range(1, 10)],
            "long codes of",
        ),
        (
            [f"{month}.20{month + 10}" for month in range(1, 13)],
            "a month and a year; set date_format to '%m.%Y'",
        ),
        (["3.8", "3.9", "3.10", "3.11"] * 5, "with and without trailing zeros"),
        (["1.1", "1.10", "1.2"] * 5, "codes, such as '1.1' beside '1.10'"),
    ],
)
def test_numbers_beside_gaps_are_doubted_as_those_without_are(cells, said, gap):
    alone, beside = (decided(pa.array(some)) for some in (cells, [*cells, gap]))
    assert any(said in doubt for doubt in alone.doubts)
    assert set(alone.doubts) <= set(beside.doubts)
    assert alone.column.kind == beside.column.kind


@pytest.mark.parametrize(("form", "digits"), [("%Y%m%d%H", 10), ("%Y%m%d%H%M", 12), ("%Y%m%d%H%M%S", 14)])
def test_digits_of_moments_are_said_with_their_format(form, digits):
    moments = [f"202401{day}{day - 10:02}{day}{day}"[:digits] for day in range(10, 31)]
    (doubt,) = decided(pa.array(moments)).doubts
    assert f"look like dates; set date_format to {form!r}" in doubt
    read = decided(pa.array(moments), date=("a",), date_format={"a": form})
    assert (read.column.kind, read.column.time) == ("date", True)
    late = [f"{moment[:8]}{60 + place:02}{moment[10:]}" for place, moment in enumerate(moments)]
    assert "look like dates" not in str(decided(pa.array(late)).doubts)


@pytest.mark.parametrize("kind", [pa.string(), pa.int64()])
@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (range(202301, 202313), "look like a year and a month, which jump"),
        ([*range(202310, 202313), *range(202401, 202406)], "set date_format to '%Y%m' if they are"),
        (range(202301, 202353), "look like a year and a week"),
        (range(202301, 202399), None),
        (range(202300, 202312), None),
        ([202301, 202302, 202303], None),
        (range(400101, 400113), None),
    ],
)
def test_a_year_and_a_month_in_one_number_are_said(numbers, said, kind):
    found = decided(pa.array(list(numbers)).cast(kind))
    assert found.column == Column("a", "numeric")
    assert any("a year and a" in doubt for doubt in found.doubts) == (said is not None)
    assert said is None or said in found.doubts[0]


@pytest.mark.parametrize(
    "cells",
    [
        ["red", "blue"],
        ["007", "012", "013"],
        ["12 Main Street", "14 High Street"],
        ["Smith, John", "Miller, Mary", "Jones, Pat", "Young, Kim", "Hill, Ann", "Hill, Bob"],
        ["AT&T", "a < b", "<unknown>", "R&D;"],
        ["W05", "W06", "W07"],
        ["v 1.2", "w 1.3", "v 1.4"],
        ["0830", "2400", "1960"],
        ["000", "100", "200"],
    ],
)
def test_nothing_is_said_of_words_and_codes(cells):
    assert decided(pa.array(cells)).doubts == ()


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (pa.array(["1", "2"]), [1, 2]),
        (pa.array(["01", "02"]), ["01", "02"]),
        (pa.array(["1.0", "2.0"]), [1.0, 2.0]),
        (pa.array(["1.0", "2.0", None]), [1, 2, None]),
        (pa.array(["1.50", "2.50"]), ["1.50", "2.50"]),
        (pa.array(["true", "false"]), ["true", "false"]),
        (pa.array(["NA", "x"]), ["NA", "x"]),
        (pa.array(["9007199254740993", None]), [9007199254740993, None]),
        (pa.array([str(2**63), str(2**63 + 1)]), [str(2**63), str(2**63 + 1)]),  # JSON holds no such number
        (pa.array([1, 2]), [1, 2]),
        (pa.array([1.0, 2.0]), [1.0, 2.0]),
        (pa.array([1.0, None]), [1, None]),
        (pa.array([True, False]), ["True", "False"]),
    ],
)
def test_labels_keep_type_and_spelling(cells, labels):
    cells = pa.chunked_array([cells])
    found = as_labels(cells, pd.Series(cells.is_valid().to_pylist())).astype(object)
    found = found.where(found.notna(), None)
    assert [(type(one), one) for one in found] == [(type(one), one) for one in labels]


MANY = [*map(str, range(0, 3000, 10)), *["nvt"] * 50]


@pytest.mark.parametrize(
    ("cells", "kind", "words"),
    [
        (["0x1F", "0x20"], "categorical", None),
        (["1234", "5678", "12E3"], "categorical", "'12E3', which is 12000 as a number"),
        (["98E95", "11E20", "?", "12E3"], "categorical", "not written in one way"),
        (["1e5", "1e-05"], "numeric", None),
        (["1.2E7", "3E5"], "numeric", None),
        (["0.0", "-0.0", "0.1", "-0.1"], "numeric", None),
        (["1.5", "1.50", "2.25"], "categorical", "'1.5' beside '1.50'"),
        ([f"3.{minor}" for minor in range(1, 99)], "numeric", "'3.10' and '3.1'"),
        (["5", "5.50", "6.25"], "numeric", None),
        (["(1)", "(2)", "(3)"], "numeric", "'(1)' is read as 1, because brackets around every number"),
        (["(1)", "2", "(3)"], "numeric", "'(1)' is read as the number -1"),
        (["(1.50)", "(2.25)"], "numeric", "'(1.50)' is read as the number -1.5"),
        (["7.087s", "45.123s", "1m58s"], "numeric", "'7.087s' is read as the number 7.087"),
        (MANY, "numeric", "'nvt', in 50 of 350 rows, is read as missing"),
        (MANY[100:], "categorical", "name 'nvt' in missing"),  # all of one length
        ([*MANY, *["nvt"] * 200], "categorical", "name 'nvt' in missing to read the others as numbers"),
        (
            [*MANY, *["Bad Input", "I/O Timeout", "No Data", "Shutdown"] * 20],
            "categorical",
            "name 'nvt', 'Bad Input', 'I/O Timeout', 'No Data', 'Shutdown' in missing to read",
        ),
        ([*map(str, range(1, 30)), *["attic"] * 8], "categorical", "name 'attic' in missing"),
        ([*map(str, range(200, 500)), *["A1"] * 50], "categorical", "not written in one way"),
        ([*map(str, range(200, 500)), *["roof"] * 50], "categorical", "name 'roof' in missing"),
        (["12.5", "1,250.5"], "numeric", "'1,250.5' is read as the number 1250.5"),
        (["0.5", "0.7", "56%"], "numeric", "units that are converted: '0.5' is 0.5, '56%' is 0.56"),
        (["$850,000", "7", "20%"], "numeric", "with and without '%', such as '20%' and '$850,000'"),
        (["500 g", "1 kg", "7 g", "7"], "numeric", "without a unit, such as '7', are read as 'g'"),
        (["$571K", "$30K"], "numeric", "units that are converted: '$571K' is 571000"),
        (["<=50", ">50", "<=50", "12", "50"], "categorical", "although 3 of 5 cells look like numbers"),
        (["14", "14B", "12"], "categorical", "not written in one way"),
        (["0,841", "6,577", "1,234"], "numeric", "'0,841' is read as the number 0.841"),
        (["23122023", "24122023", "31012024"], "numeric", "date_format to '%d%m%Y'"),
        ([f"2402{day}" for day in range(10, 30)], "numeric", "date_format to '%y%m%d'"),
        ([f"2499{day}" for day in range(10, 30)], "numeric", None),
        (["0:2", "3:1", "2:2"], "categorical", "not written in one way"),
        (["8:34", "0:45", "12:10"], "date", "if they are durations"),
        (["08:34", "00:45", "12:10"], "date", None),
        ([f"{hour:02}:{minute}:15" for hour in range(3) for minute in range(10, 20)], "date", "durations"),
        ([f"{hour:02}:{minute}:15" for hour in range(7, 10) for minute in range(10, 20)], "date", None),
        ([f"{hour:02}:{minute}" for hour in range(0, 24, 4) for minute in range(10, 20)], "date", None),
        ([f"4.8.{day}" for day in range(10, 20)], "date", "if they are versions"),
        ([f"22/11/{day}" for day in range(10, 20)], "date", "is read as 2010-11-22"),
        ([f"22/11/{year}" for year in range(80, 90)], "date", None),
        (["NA", *(f"22/11/{day}" for day in range(10, 20))], "date", "'22/11/10' is read as 2010-11-22"),
    ],
)
def test_what_may_be_something_else_is_said(cells, kind, words):
    found = decided(pa.array(cells))
    assert found.column.kind == kind
    assert any(words in doubt for doubt in found.doubts) if words else not found.doubts


def test_who_names_a_column_of_codes_in_numeric_gets_numbers():
    found = decided(pa.array(["1234", "12E3"]), numeric=["a"])
    assert found.values.tolist() == [1234, 12000]


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["1. Jan. 2000", "2. Mai 2001", "3. Nov. 2002"], "%d. %b %Y"),
        (["1. Januar 2000", "2. Dezember 2001", "3. November 2002"], "%d. %B %Y"),
        (["1 janv. 2000", "2 nov. 2001", "3 mars 2002"], "%d %b %Y"),
        (["Jan. 1, 2000", "Nov. 2, 2001"], "%b %d, %Y"),
        (["Sep 30, 2022 09:18:01 AM PST", "Jul 1, 2022 11:08:01 PM PDT"], "%b %d, %Y %I:%M:%S %p %z"),
        (["9/30/2022 09:18 AM PST", "7/1/2022 11:08 PM PDT"], "%m/%d/%Y %I:%M %p %z"),
        (["2022-09-30 09:18 AM UTC", "2022-07-01 11:08 PM GMT"], "%Y-%m-%d %I:%M %p %z"),
    ],
)
def test_names_of_months_may_end_with_a_full_stop(cells, form):
    assert decided(pa.array(cells)).column.format == form


def test_a_category_of_one_text_is_told_as_one():
    assert decided(pa.array(["x", "x"])).evidence == ("1 different text, such as 'x'",)
