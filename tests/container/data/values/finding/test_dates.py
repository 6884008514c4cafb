"""The format of a column's dates is found by the evidence of all its texts."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from tabular.data.values import dates
from tabular.data.values.dates import FORMATS, ISO, as_text, day_number
from tabular.data.values.finding import dates as finding
from tabular.data.values.finding.dates import find_dates


def date_format(cells, forced=False):
    """The format that is found for a column of these cells."""
    found = find_dates(pd.Series(cells, dtype=object).value_counts().to_dict(), forced)
    return found and found.format


@pytest.mark.parametrize("form", FORMATS)
def test_the_format_of_a_column_is_found(form):
    every_other = np.arange(19000.0, 19700.0, 2)  # in two years, nearly each day of a year once
    texts = as_text(every_other + np.arange(350) % 96 / 96, form)
    iso = form.startswith("%Y-%m-%d") and date_format(texts) == ISO  # another format reads it without zeros
    assert date_format([*texts, None, "", np.nan]) == (ISO if iso else form)


DAYS = [f"{day:02}/{month:02}" for month in range(1, 13) for day in (7, 23)]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([*(f"{day}/2023" for day in DAYS), *(f"{day}/22" for day in DAYS)], "%d/%m/%Y | %d/%m/%y"),
        (
            [*(f"{day}/2023" for day in DAYS), *(f"2022-12-{day:02}" for day in range(1, 9))],
            f"%d/%m/%Y | {ISO}",
        ),
        ([*(f"{day}/2023" for day in DAYS), "2022-12-01", "2022-12-02"], None),
        (
            [*(f"{day}/2023" for day in DAYS), *(f"{day}/2022".replace("/", "-") for day in DAYS)],
            "%d/%m/%Y | %d-%m-%Y",
        ),
        ([*(f"2023-{month:02}-01" for month in range(1, 13)), *map(str, range(1990, 2000))], f"{ISO} | %Y"),
        ([*(f"2023-{month:02}-01" for month in range(1, 13)), *map(str, range(3990, 4000))], None),
        # The days of one format say what the others mean; without them, nobody knows.
        (
            [*(f"{day}/2023" for day in DAYS), *(f"0{day}/05/22" for day in range(1, 9))],
            "%d/%m/%Y | %d/%m/%y",
        ),
        (
            [*(f"2023-{month:02}-01" for month in range(1, 13)), *(f"0{day}/05/22" for day in range(1, 9))],
            None,
        ),
        ([*(f"{day}/2023" for day in DAYS), *(f"05/{day}/2023" for day in range(13, 29))], None),
    ],
)
def test_several_formats_are_found_where_each_is_certain(cells, expected):
    assert date_format(cells) == expected


def test_a_date_is_read_by_the_one_of_several_formats_that_it_has():
    forms = "%d/%m/%y | %Y-%m-%d %H:%M | %Y"
    assert as_text(np.array([day_number("31/01/24", forms), day_number("2024", forms)]), "%Y-%m-%d") == [
        "2024-01-31",
        "2024-01-01",
    ]
    (written,) = as_text(np.array([19753.4375]), forms)
    assert day_number(written, forms) == 19753.4375
    with pytest.raises(ValueError, match="is not a date such as"):
        day_number("31.01.2024", forms)


def test_two_digits_of_a_year_come_first_where_they_hardly_vary():
    dates = [f"{22 + month // 7}/{month:02}/{day:02}" for month in range(1, 13) for day in range(1, 29)]
    assert date_format(dates) == "%y/%m/%d"
    assert date_format([f"{day:02}/{month:02}/22" for month in (1, 2) for day in range(1, 29)]) == "%d/%m/%y"


def test_a_time_with_dots_has_two_digits_in_each_part_unlike_versions():
    times = [f"{hour:02}.00.00" for hour in range(24)]
    assert date_format(times) == "%H.%M.%S"
    assert date_format([*times, "9.1.12"]) is None


def test_where_two_formats_fit_the_month_comes_first_with_a_slash_and_last_without():
    assert date_format(["01/02/2024"]) == "%m/%d/%Y"
    assert date_format(["01/02/2024", "13/02/2024"]) == "%d/%m/%Y"
    assert date_format(["01.02.2024"]) == "%d.%m.%Y"
    assert date_format(["01-02-2024"]) == "%d-%m-%Y"


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%y", "%m-%d-%Y %H:%M", "%d/%m/%Y %H:%M"])
@pytest.mark.parametrize("late", [1, 3])
def test_the_order_of_day_and_month_is_the_one_that_fits_more_cells(form, late):
    days = [datetime(2021, month, day) for month in range(1, 13) for day in range(1, 13)]
    days += [datetime(2021, 3, 12 + day) for day in range(1, 1 + late)]
    found = find_dates(dict.fromkeys([day.strftime(form) for day in days], 1))
    assert found == (form, {})
    soon = find_dates(dict.fromkeys([*(day.strftime(form) for day in days), "soon"], 1))
    assert soon == (form, {"soon": 1})


def test_numbers_are_dates_only_where_somebody_says_so():
    for cells in ([20240105], ["20240105"], [2024], ["1.5"], ["10.5.23"]):
        assert date_format(cells) is None
    assert date_format([20240105, 20231231], forced=True) == "%Y%m%d"
    assert date_format([2023, 2024], forced=True) == "%Y"
    assert date_format([], forced=True) is None


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("31-JAN-24", "%d-%b-%y"),
        ("01/31/2024 10:00:00.123000", "%m/%d/%Y %H:%M:%S.%f"),
    ],
)
def test_more_ways_to_write_a_date(text, form):
    assert date_format([text] * 3) == form
    (back,) = as_text(np.array([day_number(text, form)]), form)
    assert back.casefold() == text.casefold()


@pytest.mark.parametrize(
    "none", ["infinity", "-infinity", "1/0/1900", "1900-01-00", "00/01/1900 00:00", "00-Jan-00"]
)
def test_a_day_that_programs_write_for_none_is_a_gap(none):
    cells = {f"2024-01-{day:02}": 1 for day in range(1, 30)}
    assert find_dates(cells | {none: 20}) == (ISO, {none: 20})
    assert np.isnan(dates.date(none, ISO, ()))


def test_gaps_do_not_make_a_column_of_dates_one_of_words():
    days = {f"2024-01-{day:02}": 2 for day in range(1, 29)}
    assert find_dates(days | {"unknown": 9, "0001-01-01": 2}).gaps == {"unknown": 9, "0001-01-01": 2}
    assert find_dates(days | {"soon": 1}).gaps == {"soon": 1}
    assert find_dates(days | {"soon": 20}).gaps == {"soon": 20}
    assert find_dates(days | {"soon": 30}) is None
    assert find_dates(days | {"soon": 7, "later": 7, "never": 7}) is None
    assert find_dates({"?": 3, "-": 2}) is None


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2024Q1", "2023Q4"], ["2024-01-01", "2023-10-01"]),
        (["Q2 2024", "Q3-2023"], ["2024-04-01", "2023-07-01"]),
        (["1Q24", "4Q98"], ["2024-01-01", "1998-10-01"]),
        (["Q1'24", "Q4 '23", "Q3'22"], ["2024-01-01", "2023-10-01", "2022-07-01"]),
        (["1. Quartal 2024", "3. Quartal 2023"], ["2024-01-01", "2023-07-01"]),
        (["2024-T1", "2023-T4"], ["2024-01-01", "2023-10-01"]),
        (["1T2024", "4T 2023"], ["2024-01-01", "2023-10-01"]),
        (["2024-W05", "2020-W53"], ["2024-01-29", "2020-12-28"]),
        (["2024-W05-3", "2024-W06-7"], ["2024-01-31", "2024-02-11"]),
        (["KW 5/2024", "KW 12/2023"], ["2024-01-29", "2023-03-20"]),
        (["2024M03", "2023M12"], ["2024-03-01", "2023-12-01"]),
        (["2024m3", "2023m12", "2023-M07"], ["2024-03-01", "2023-12-01", "2023-07-01"]),
        (
            ["2024H1", "2023-H2", "1H24", "2nd half 2023", "S1 2024", "2S2023"],
            ["2024-01-01", "2023-07-01"] * 3,
        ),
        (["FY24 Q1", "FY2023Q4", "Q2 FY23"], ["2024-01-01", "2023-10-01", "2023-04-01"]),
        (["FY2023", "FY24"], ["2023-01-01", "2024-01-01"]),
        (["FY 2023/24", "Fiscal year 2022", "FY2021-22"], ["2023-01-01", "2022-01-01", "2021-01-01"]),
        (["GJ 2023/24", "CY2022"], ["2023-01-01", "2022-01-01"]),
        (["D:20240103", "D:20231231"], ["2024-01-03", "2023-12-31"]),
        (
            ["D:20240103120000Z", "D:20240103120000+01'00'", "D:20240103120000"],
            ["2024-01-03T12:00", "2024-01-03T11:00", "2024-01-03T12:00"],
        ),
        (["24:00", "23:45", "00:00"], ["1970-01-02", "1970-01-01T23:45", "1970-01-01"]),
        (["24:00:00", "23:45:00"], ["1970-01-02", "1970-01-01T23:45"]),
        (["2024-02-28T24:00:00", "2024-02-29 24:00"], ["2024-02-29", "2024-03-01"]),
        (["31.12.2023 24:00", "31.12.2023 23:45"], ["2024-01-01", "2023-12-31T23:45"]),
        (
            ["2024-01-03 10:00 Europe/Berlin", "2024-07-03 10:00 Europe/Berlin"],
            ["2024-01-03T09:00", "2024-07-03T08:00"],
        ),
        (
            ["2024-01-03T10:00:00+01:00[Europe/Berlin]", "2024-01-03T10:00:00Z[Etc/UTC]"],
            ["2024-01-03T09:00", "2024-01-03T10:00"],
        ),
        (
            ["2024-01-03T10:00Z[UTC]", "2024-01-03T10:00:05Z[GMT]"],
            ["2024-01-03T10:00", "2024-01-03T10:00:05"],
        ),
        (["01/31/2024 10:00 PM America/Argentina/Salta"], ["2024-02-01T01:00"]),
        (["First quarter 2024", "third quarter of 2023"], ["2024-01-01", "2023-07-01"]),
        (["August, 2024", "May, 2023"], ["2024-08-01", "2023-05-01"]),
        (["Sep2024", "Jan2023"], ["2024-09-01", "2023-01-01"]),
        (["2024 Jun", "2023 Dec"], ["2024-06-01", "2023-12-01"]),
        (["2024\u5e743\u6708", "2023\u5e7412\u6708"], ["2024-03-01", "2023-12-01"]),
        (
            ["\u4ee4\u548c6\u5e741\u670831\u65e5", "\u5e73\u621030\u5e742\u67081\u65e5"],
            ["2024-01-31", "2018-02-01"],
        ),
        (["2024-01-31 19:00:00 EST", "2024-07-01 10:00:00 PDT"], ["2024-02-01", "2024-07-01T17:00:00"]),
        (["31.01.2024 00:30 CET", "01.07.2024 02:00 CEST"], ["2024-01-30T23:30:00", "2024-07-01"]),
        (
            ["2024-01-31 10:05:00 UTC", "2024-01-31 10:05:00.5 UTC", "2024-01-31"],
            ["2024-01-31T10:05:00", "2024-01-31T10:05:00.5", "2024-01-31"],
        ),
        (
            ["2024-01-31 10:00:00.000 -0800", "2024-01-31 10:00 +0100"],
            ["2024-01-31T18:00", "2024-01-31T09:00"],
        ),
        (["2024-01-31 10:00:00.000 Z", "2024-02-01T00:00 +05"], ["2024-01-31T10:00", "2024-01-31T19:00"]),
        (["2024-01-31 10.30.00", "2024-02-01 00.00.00"], ["2024-01-31T10:30:00", "2024-02-01"]),
    ],
)
def test_periods_and_zones_are_read(cells, expected):
    form = find_dates(dict.fromkeys(cells, 1)).format
    days = [np.datetime64(moment, "ms").astype(np.int64) / 86_400_000 for moment in expected]
    assert [dates.day_number(cell, form) for cell in cells] == days
    assert [dates.day_number(text, form) for text in as_text(np.array(days), form)] == days


@pytest.mark.parametrize(
    "cells",
    [
        ["T123", "T415"],
        ["K215", "K110"],
        ["2024-S1", "2023-S2"],
        ["Q5 2024"],
        ["W55-2024"],
        ["2024m13"],
        ["2024H3"],
        ["FY 2023/25"],
        ["D:20241301"],
        ["24:01", "24:30"],
        ["2024-01-03 10:00 Europe/Nowhere"],
        ["2024-01-03 10:00 America/Argentina"],
    ],
)
def test_what_is_no_period_is_no_date(cells):
    assert find_dates(dict.fromkeys(cells, 1)) is None


def test_no_format_is_passed_over_that_fits_a_date():
    for form in FORMATS[1:]:
        for moment in (datetime(2024, 3, 1, 4, 5, 6, 7), datetime(1999, 12, 31, 23, 59, 58, 999999)):
            text = moment.replace(tzinfo=UTC).strftime(form)
            for written in (text, text.replace("0", ""), f" {text} "):
                assert dates.is_date(written, form) == next(finding._fits_each([written], form))


@pytest.mark.parametrize("code", ["NIS {}", "SET-{}", "kas-{:.2}", "LIP{}", "mac {}"])
def test_codes_whose_only_word_is_a_month_in_another_language_are_no_dates(code):
    assert find_dates({code.format(str(year)): 1 for year in range(1990, 2030)}) is None


@pytest.mark.parametrize("words", [("lis", "gru", "wrz"), ("May",), ("set", "out")])
def test_months_in_several_words_or_in_english_are_dates(words):
    cells = {f"{word} {year}": 1 for year in range(1990, 2030) for word in words}
    assert find_dates(cells).format == "%b %Y"
    assert find_dates({"lis 2022": 9}).format == "%b %Y"
