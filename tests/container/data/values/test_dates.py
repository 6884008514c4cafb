"""Dates become the same numbers in training and in serving, and the features that a model learns from."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from tabular.data.features import as_rows, features
from tabular.data.values import dates
from tabular.data.values.dates import FORCED, FORMATS, ISO, as_text, date_parts, day_number, is_date
from tabular.data.values.many_dates import read_dates, shorter
from tabular.spec.columns import Column, Schema


@pytest.mark.parametrize(
    ("cell", "form", "days"),
    [
        ("1970-01-01", ISO, 0.0),
        (" 1970-01-02 ", ISO, 1.0),
        ("1969-12-31T18:00", ISO, -0.25),
        ("1970-01-01T12:00:00+12:00", ISO, 0.0),
        ("1970-01-01 12:00:00Z", ISO, 0.5),
        ("2000-03-01", ISO, 11017.0),
        ("2000-03-01+02:00", ISO, 11017.0),  # XML's
        ("2000-03-01Z", ISO, 11017.0),
        ("31.12.1969", "%d.%m.%Y", -1.0),
        ("2/1/1970 06:00", "%d/%m/%Y %H:%M", 1.25),
        ("1/2/1970 06:00 PM", "%m/%d/%Y %I:%M %p", 1.75),
        (19700103, "%Y%m%d", 2.0),
        (1971.0, "%Y", 365.0),
        ("9999-12-31", ISO, 2932896.0),
    ],
)
def test_a_date_is_the_days_since_1970(cell, form, days):
    assert day_number(cell, form) == days


@pytest.mark.parametrize("cell", [None, float("nan"), "", "NA", " null ", "NaN"])
def test_a_missing_date_is_no_number(cell):
    assert np.isnan(day_number(cell, ISO))


@pytest.mark.parametrize("form", [*FORMATS, *FORCED])
def test_what_is_no_date_of_the_format_is_refused_with_one_that_is(form):
    for cell in ("soon", "2024-02-30", "0001-01-01", "12", 20.5, True, "2024-01-05x", "9" * 40):
        with pytest.raises(ValueError, match=r"is not a date such as .*\d.*\.$"):
            day_number(cell, form)


@pytest.mark.parametrize("form", [*FORMATS, *FORCED])
def test_every_format_is_read_as_it_is_written(form):
    moments = np.array([19753.0, 11017.4375, 20818.999, -364.0, np.nan, 3.25])
    texts = as_text(moments, form)
    days = [day_number(text, form) for text in texts]
    assert as_text(np.array(days), form) == texts
    assert np.isnan(days[4])
    if form != ISO and "%y" not in form.lower():
        np.testing.assert_allclose(days, moments % 1, atol=1e-3)  # a time of day
        return
    coarse = 366 if "m" not in form and "b" not in form.lower() else 31
    known = form == ISO or "d" in form
    assert np.nanmax(np.abs(np.array(days) - moments)) < (1 if known else coarse)


def test_every_microsecond_of_two_centuries_has_its_own_number():
    rng = np.random.default_rng(0)
    for microsecond in rng.integers(-(100 * 365 * 86400 * 10**6), 100 * 365 * 86400 * 10**6, size=500):
        text = (np.datetime64("1970-01-01T00:00:00.000000") + np.timedelta64(microsecond, "us")).astype(str)
        assert as_text(np.array([day_number(text, ISO)]), ISO) == [datetime.fromisoformat(text).isoformat()]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2024-1-5", "%Y-%m-%d"),
        ("2024. 1. 5.", "%Y. %m. %d."),
        ("Fri, 05 Jan 2024", "%d %b %Y"),
        ("Fri, 05 Jan 2024", "%a, %d %b %Y"),
        ("vendredi 5 janvier 2024", "%d %B %Y"),
        ("Friday, January 5th, 2024", "%B %d, %Y"),
        ("Fri Jan 5 2024", "%b %d %Y"),
        ("5 de enero de 2024", "%d %B %Y"),
        ("5. ledna 2024", "%d. %B %Y"),
        ("2024-01-05 (Fri)", "%Y-%m-%d"),
        ("2024\u5e741\u67085\u65e5", "%Y-%m-%d"),
        ("2024\ub144 1\uc6d4 5\uc77c", "%Y-%m-%d"),
        ("2024/1/5(\u91d1)", "%Y/%m/%d"),
        ("2024-01-05 \u661f\u671f\u4e94", "%Y-%m-%d"),
        ("\u6c11\u570b113\u5e741\u67085\u65e5", "%Y-%m-%d"),
        ("05.Jan.2024", "%d-%b-%Y"),
        ("Jan/05/2024", "%b %d %Y"),
        ("2024/Jan/05", "%Y-%b-%d"),
        ("5th January, 2024", "%d %B %Y"),
        ("05 01 2024", "%d-%m-%Y"),
        ("le 5 janvier 2024", "%d %B %Y"),
        ("#01/05/2024#", "%m/%d/%Y"),
        ("5. 1. 2024.", "%d. %m. %Y"),
        ("5. 1. 24", "%d.%m.%y"),
        ("5. januar 2024.", "%d. %B %Y"),
        ("5 de gener del 2024", "%d %B %Y"),
        ("5 янв. 2024 \u0433.", "%d %b %Y"),
        ("mandag den 5. januar 2024", "%d. %B %Y"),
        ("sexta-feira, 5 de janeiro de 2024", "%d %B %Y"),
        ("пятница, 5 января 2024 \u0433.", "%d %B %Y"),
        ("5 ม.ค. 2024", "%d %b %Y"),
        ("5 มกราคม พ.ศ. 2567", "%d %B %Y"),
        ("5 जनवरी 2024", "%d %B %Y"),
        ("5 thg 1, 2024", "%d.%m.%Y"),
        ("5 يناير، 2024", "%d %B %Y"),
    ],
)
def test_what_people_write_besides_a_date_is_left_out(text, form):
    assert day_number(text, form) == 19727.0


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2024-01-05 \uc624\ud6c4 3:15:00", "%Y-%m-%d %I:%M:%S %p"),
        ("2024. 1. 5 \uc624\ud6c4 3:15:00", "%Y-%m-%d %I:%M:%S %p"),
        ("2024\ub144 1\uc6d4 5\uc77c \uc624\ud6c4 3\uc2dc 15\ubd84", "%Y-%m-%d %I:%M %p"),
        ("2024/1/5 \u4e0b\u5348 03:15", "%Y/%m/%d %I:%M %p"),
        ("2024/01/05 \u5348\u5f8c3:15", "%Y/%m/%d %I:%M %p"),
        ("2024\u5e741\u67085\u65e5 15\u664215\u52060\u79d2", "%Y-%m-%d %H:%M:%S"),
        ("5/1/2024 3:15 \u03bc\u03bc", "%d/%m/%Y %I:%M %p"),
        ("05/01/2024 3:15 CH", "%d/%m/%Y %I:%M %p"),
        ("15:15 05.01.2024", "%d.%m.%Y %H:%M"),
        ("3:15 PM 1/5/2024", "%m/%d/%Y %I:%M %p"),
        ("15:15, 5 January 2024 (UTC)", "%d %B %Y %H:%M"),
        ("05/01/2024 - 15:15", "%d/%m/%Y %H:%M"),
        ("2024-01-05_15-15-00", "%Y-%m-%d %H:%M:%S"),
        ("2024-01-05 15:15:00 +0000 UTC", "%Y-%m-%d %H:%M:%S %z"),
        ("05-JAN-24 03.15.00.000000000 PM", "%d-%b-%y %I.%M.%S.%f %p"),
        ("5 January 2024 3.15pm", "%d %B %Y %I:%M %p"),
        ("5. 1. 2024. 15:15", "%d. %m. %Y %H:%M"),
    ],
)
def test_a_time_is_read_as_people_and_programs_write_it(text, form):
    assert day_number(text, form) == 19727 + 15.25 / 24


@pytest.mark.parametrize(
    ("language", "september"),
    [
        *(
            ("pl", "wrz"),
            ("sk", "septembra"),
            ("hu", "szept."),
            ("ro", "sept."),
            ("sr", "\u0441\u0435\u043f"),
        ),
        *(
            ("lt", "rugs."),
            ("lv", "septembris"),
            ("et", "sept."),
            ("sq", "sht"),
            ("tr", "Eyl"),
            ("az", "sen"),
        ),
        *(("ru", "\u0441\u0435\u043d\u0442."), ("uk", "\u0432\u0435\u0440."), ("el", "\u03a3\u03b5\u03c0")),
        *(
            ("ca", "set."),
            ("id", "Sep"),
            ("sw", "Septemba"),
            ("fil", "Setyembre"),
            ("fa", "\u0633\u067e\u062a\u0627\u0645\u0628\u0631"),
        ),
    ],
)
def test_short_and_full_names_of_months_are_read_in_many_languages(language, september):
    assert day_number(f"5 {september} 2024", "%d %b %Y") == 19971


def test_months_whose_names_differ_between_languages_are_no_dates():
    for croatian in ("5 srpnja 2024", "5 lipnja 2024", "5 rujna 2024"):
        assert not is_date(croatian, "%d %B %Y")


def test_noon_and_midnight_in_japanese_are_hour_zero():
    assert day_number("2024/01/05 \u5348\u524d0:30", "%Y/%m/%d %I:%M %p") == 19727 + 0.5 / 24
    assert day_number("2024/01/05 \u5348\u5f8c0:30", "%Y/%m/%d %I:%M %p") == 19727 + 12.5 / 24


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%b %d, %Y %H:%M:%S.%f"])
def test_what_programs_leave_out_of_a_time_may_be_missing(form):
    moment = datetime(2024, 1, 5, 15, 15)
    assert shorter(form)[-1] == form.partition(" %H")[0].partition(" %I")[0]
    for one in shorter(form):
        expected = 19727 + (15.25 / 24 if ":" in one else 0)
        assert (
            day_number(moment.strftime(one), form) == read_dates([moment.strftime(one)], form)[0] == expected
        )
    with pytest.raises(ValueError, match="is not a date"):
        day_number("05 15:15", form)


def test_the_parts_are_those_of_the_calendar():
    days = np.arange(-40000, 40000, 37) + 0.75
    expected = pd.DatetimeIndex(np.floor(days).astype(int).astype("datetime64[D]"))
    parts = date_parts(days[:, None])
    np.testing.assert_array_equal(parts, np.column_stack([days, expected.month, expected.day_of_week]))


def test_a_missing_date_has_no_parts_and_columns_stay_beside_each_other():
    parts = date_parts(np.array([[0.0, np.nan], [np.nan, 31.5]]))
    assert parts.shape == (2, 6)
    np.testing.assert_array_equal(
        parts, [[0, 1, 3, np.nan, np.nan, np.nan], [np.nan, np.nan, np.nan, 31.5, 2, 6]]
    )


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_a_moment_of_a_parquet_file_is_the_number_of_its_text(zone):
    moments = pd.Series(
        pd.to_datetime(["2024-06-01 12:00:00.000001", None, "1950-01-01"], format="ISO8601")
    ).dt.tz_localize(zone)
    schema = Schema("regression", "y", (), (Column("a", "date", ISO),))
    frame = features(pd.DataFrame({"a": moments}), schema)
    as_texts = [None if cell is pd.NaT else cell.isoformat() for cell in moments]
    expected = [day_number(cell, ISO) for cell in as_texts]
    np.testing.assert_array_equal(frame["a"], expected)
    np.testing.assert_array_equal([day_number(cell, ISO) for (cell,) in as_rows(frame, schema)], expected)


def test_rows_are_sent_with_dates_as_they_are_in_the_table():
    columns = (Column("a", "date", "%d.%m.%Y"), Column("b", "numeric"), Column("c", "categorical"))
    schema = Schema("regression", "y", (), columns)
    table = pd.DataFrame({"a": ["05.01.2024", None], "b": [None, 2.5], "c": ["x", None]})
    assert as_rows(features(table, schema), schema) == [["05.01.2024", None, "x"], [None, 2.5, ""]]


def test_a_text_too_long_for_a_date_is_refused_before_it_is_kept():
    kept = dates._day_number.cache_info().currsize
    with pytest.raises(ValueError, match="is not a date such as 2024-01-31"):
        dates.day_number("2024-01-31" + " " * 1000 + "x", "%Y-%m-%d")
    assert dates._day_number.cache_info().currsize == kept


@pytest.mark.parametrize(
    ("cell", "form", "read"),
    [
        ("1112024", "%d%m%Y", "2024-11-01"),  # and not January 11
        (1012024.0, "%m%d%Y", "2024-01-01"),  # and not October 1
        ("10124", "%d%m%y", "2024-01-01"),
        ("2024111", "%Y%m%d", None),  # November 1 or January 11
        ("2024111103000", "%Y%m%d%H%M%S", None),
        ("20241", "%Y%m", "2024-01-01"),
    ],
)
def test_digits_without_signs_between_them_are_one_date(cell, form, read):
    if read is None:
        with pytest.raises(ValueError, match=f"{cell!r} is not a date such as"):
            dates.date(cell, form, ())
    else:
        assert dates.date(cell, form, ()) == dates.date(read, ISO, ())
