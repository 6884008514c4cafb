"""Years of accounts, quarters, halves, weeks and spans of months, as the day on which they begin."""

import re
from datetime import date

from tabular.data.values.cells import lazily
from tabular.data.values.date_words.months import place_of

__all__ = ["FISCAL", "SPAN", "period_of"]

# Periods, as the day on which they begin: years, quarters, halves and months as years and months, weeks as
# their Monday. The number of a quarter may be a word.
_YEAR = r"((?:19|20)\d\d)"
_FULL_YEAR, _ANY_YEAR = r"(?P<year>(?:19|20)\d\d)", r"(?P<year>(?:19|20)?\d\d)"
_FISCAL_WORDS = (
    "Exercice|Ejercicio|Esercizio|Exerc\u00edcio|[Bb]oekjaar|[Gg]esch\u00e4ftsjahr|[Ww]irtschaftsjahr|[Hh]aushaltsjahr|"
    "[Rr]egnskabs\u00e5r|[Rr]\u00e4kenskaps\u00e5r"
)
FISCAL = lazily(rf"(?:FY|GJ|AY|[Ff]iscal(?: [Yy]ear)?|{_FISCAL_WORDS})(?=[\s'\u2019-]?\d\d)|\d\u5e74\u5ea6$")
_YEARS = (  # which may end with the next one
    lazily(rf"(?:FY|[Ff]iscal(?: [Yy]ear)?)[\s'\u2019-]?{_ANY_YEAR}(?:[/-](?P<next>(?:20)?\d\d))?"),
    lazily(rf"(?:CY|AY|GJ|{_FISCAL_WORDS})[\s-]?{_FULL_YEAR}(?:[/-](?P<next>(?:20)?\d\d))?"),
    lazily(rf"{_FULL_YEAR}(?P<next>)\u5e74\u5ea6"),  # Japanese, which begins in April
)
_QUARTERS = (
    lazily(rf"{_YEAR}[\s/_.:-]?[QqTt]([1-4])"),
    lazily(rf"(?P<number>[1-4])(?:[Qq]|\.? ?Quartal |(?:st|nd|rd|th) [Qq]uarter ){_ANY_YEAR}"),
    lazily(rf"(?P<number>[Ff]irst|[Ss]econd|[Tt]hird|[Ff]ourth) [Qq]uarter(?: of|,)? {_FULL_YEAR}"),
    lazily(rf"[Qq](?P<number>[1-4])[\s/_.,-]*{_FULL_YEAR}"),
    lazily(rf"{_FULL_YEAR},? ?(?:[Qq]uarter|[Qq]tr\.?|[Qq]uartal) ?(?P<number>[1-4])"),
    lazily(
        rf"{_FULL_YEAR}\s?[\u5e74\ub144]\s?\u7b2c?(?P<number>[1-4])(?:\u5b63\u5ea6|\u56db\u534a\u671f|\ubd84\uae30)"
    ),
    lazily(
        r"(?P<number>[1-4])(?:er|re|\u00e8me|e|[\u00ba\u00b0\u00aa.]|o)? ?[Tt]rim(?:estre|\.)?"
        rf"(?: de)?,? {_FULL_YEAR}"
    ),
    lazily(
        r"(?P<number>[1-4])(?: ?-?\u0439)? ?\u043a\u0432(?:\.|\u0430\u0440\u0442\u0430\u043b)? "
        rf"{_FULL_YEAR}(?: ?\u0433(?:\.|\u043e\u0434\u0430)?)?"
    ),
    lazily(rf"(?P<number>[1-4])\. (?:kvartal|kwarta\u0142|kvart\u00e1l|nelj\u00e4nnes) {_FULL_YEAR}"),
    lazily(rf"[TtKk](?P<number>[1-4])[\s/_.,-]+{_FULL_YEAR}"),  # T123 is a code
    lazily(rf"(?P<number>[1-4])T[\s/_.,-]?{_FULL_YEAR}"),
    lazily(r"[Qq](?P<number>[1-4])[\s/'\u2019-]+(?P<year>\d\d)"),
    lazily(rf"FY[\s'\u2019]?{_ANY_YEAR}[\s/_-]*[Qq](?P<number>[1-4])"),
    lazily(rf"[Qq](?P<number>[1-4])[\s/_-]*FY[\s'\u2019]?{_ANY_YEAR}"),
)
_HALVES = (
    lazily(rf"{_YEAR}[\s/_.:-]?[Hh]([12])"),
    lazily(rf"(?P<number>[12])(?:[Hh]|(?:st|nd) [Hh]alf (?:of )?){_ANY_YEAR}"),
    lazily(rf"[HhS](?P<number>[12])[\s/_.,-]+{_FULL_YEAR}"),  # a semester in Romance languages
    lazily(rf"(?P<number>[12])S[\s/_.,-]?{_FULL_YEAR}"),
)
_NUMBERS = {"first": 1, "second": 2, "third": 3, "fourth": 4}
_WEEKS = (
    lazily(rf"{_YEAR}[\s/_-]?(?:[Ww]|[KC]W|[Ww]eek)\s?(\d\d?)(?:-([1-7]))?"),
    lazily(
        rf"(?:[Ww]|[KC]W|[Ww]eek|[Ww]k\.?|[Ss]em(?:aine|ana)|[Ss]ettimana)[\s.]*(?P<week>\d\d?)[\s/_,.-]+(?P<year>{_YEAR[1:-1]})"
    ),
)
_MONTH = lazily(rf"{_YEAR}[\s_-]?[Mm](0?[1-9]|1[0-2])")  # Eurostat's and Stata's
_MONTH_COMMA = lazily(rf"([^\W\d_]+\.?),\s*{_YEAR}")
# A span of months, whose year may be before the first, after it, or after the last.
_NAME = r"[^\W\d_]{3,12}"
SPAN = lazily(
    rf"(?:(?P<before>{_YEAR[1:-1]})\s+)?(?P<first>{_NAME})\.?(?:\s+(?P<begun>{_YEAR[1:-1]}))?"
    rf"\s*(?:[-\u2013\u2014/]|(?<=\s)(?:to|bis|through|until|till?|a|\u00e0|al|do|tot)(?=\s))\s*"
    rf"(?P<last>{_NAME})\.?(?(before)|,?\s+(?P<year>{_YEAR[1:-1]}|'?\d\d))"
)


def period_of(text: str) -> str | None:
    """A year, quarter, half, month or week as the day on which it begins; None if it is none of them."""
    for pattern in _YEARS:
        if match := pattern.fullmatch(text):
            year = _of_four_digits(match["year"])
            follows = not match["next"] or int(match["next"]) % 100 == (int(year) + 1) % 100
            return f"{year}-01" if follows else None
    for patterns, months in ((_QUARTERS, 3), (_HALVES, 6)):
        for pattern in patterns:
            if match := pattern.fullmatch(text):
                year, number = (match["year"], match["number"]) if match.groupdict() else match.groups()
                place = _NUMBERS.get(number.lower()) or int(number)
                return f"{_of_four_digits(year)}-{(place - 1) * months + 1:02}"
    for pattern in _WEEKS:
        if match := pattern.fullmatch(text):
            year, week, *day = (match["year"], match["week"]) if match.groupdict() else match.groups()
            try:
                return date.fromisocalendar(int(year), int(week), int((day or [None])[0] or 1)).isoformat()
            except ValueError:
                return None
    if match := _MONTH.fullmatch(text):
        return f"{match[1]}-{int(match[2]):02}"
    if match := _MONTH_COMMA.fullmatch(text):
        return f"{match[1]} {match[2]}"
    if " " in text and (match := SPAN.fullmatch(text)):
        return _first_month(match)
    return None


def _first_month(span: re.Match[str]) -> str | None:
    """The first month of a span with its year, as in Jan-Mar 2024; None if these are not two months."""
    first, last = (place_of(span[name]) for name in ("first", "last"))
    if first is None or last is None:
        return None
    year = span["year"] or ""
    if len(year) in (2, 3):  # a quarter; Nov-Jan 15 may end on the 15th
        year = _of_four_digits(year[-2:]) if first % 3 == 0 and last == first + 2 else ""
        return f"{span['first']} {year}" if year else None
    # The year after Nov-Jan is that of January.
    year = int(span["before"] or span["begun"] or int(span["year"]) - (first > last))
    return f"{span['first']} {year}"


def _of_four_digits(year: str) -> str:
    """A year of two digits, as POSIX reads it."""
    return year if len(year) == len("2024") else str(int(year) + (2000 if int(year) < 69 else 1900))
