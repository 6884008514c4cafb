"""Dates that are read all at once mean what each of them means by itself."""

import random
from datetime import datetime, timedelta

import numpy as np
import pytest
from tabular.data.values.dates import FORCED, FORMATS, ISO, day_number, many_dates
from tabular.data.values.many_dates import read_dates

DRAW = random.Random(3)
TYPED = "0123456789 :/.-APMapmT\u0661\x7f\0\u00fc\u4e16"
ODD = (
    "",
    "nan",
    "31.02.2023",
    "29/02/2024",
    "13/13/2024",
    "2:1",
    "1/2/24",
    "9999-12-31",
    "24:00",
    "00:00 PM",
)


def texts(form, count=20):
    """Dates in a format, and what people and errors make of them."""
    found = list(ODD)
    for _ in range(count):
        moment = datetime(1970, 1, 1) + timedelta(DRAW.randint(-100_000, 90_000), DRAW.random() * 86_400)
        text = moment.isoformat(DRAW.choice("T ")) if form == ISO else moment.strftime(form)
        zero = text.find("0")
        place = DRAW.randrange(len(text))
        found += [
            text,
            text.upper(),
            text[:zero] + text[zero + 1 :] if zero >= 0 else f" {text}",
            text[:place] + DRAW.choice(TYPED) + text[place + 1 :],
        ]
    return found


def alone(text, form):
    try:
        return day_number(text, form)
    except ValueError:
        return None


@pytest.mark.parametrize("form", [*FORMATS, *FORCED])
def test_what_is_read_at_once_is_read_alike_alone(form):
    given = texts(form)
    found = read_dates(given, form)
    assert [alone(text, form) for text, day in zip(given, found, strict=True) if day == day] == [
        day for day in found.tolist() if day == day
    ]


@pytest.mark.parametrize("form", [ISO, "%d.%m.%Y", "%m/%d/%Y %I:%M %p", "%d-%b-%y", "%Y%m%d%H%M%S"])
def test_usual_dates_are_read_at_once(form):
    moment = datetime(2024, 2, 29, 22, 5)
    text = moment.isoformat() if form == ISO else moment.strftime(form)
    assert read_dates([text, "no date", text], form).tolist() == pytest.approx(
        [alone(text, form), np.nan, alone(text, form)], nan_ok=True
    )


def test_words_for_a_missing_date_are_missing():
    cells = ["31.01.2024", "01.01.1900", "n/a", " 31.01.2024", "never"]
    days = many_dates(cells, "%d.%m.%Y", ("01.01.1900", "never"))
    assert days.tolist() == pytest.approx([19753.0, np.nan, np.nan, 19753.0, np.nan], nan_ok=True)
