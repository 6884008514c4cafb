"""Numbers in several parts, such as 5'7", 1h 30min, 26:41:50, 3 1/2 and 10-20, taken apart into simple ones.

A part is a number that `numbers` reads by itself, and the whole is the sum of the parts, each with a weight.
Which notations a column has is decided once, as all of its format is.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from tabular.data.values.number_words import SHOE_SIZE

__all__ = [
    "AGE",
    "ANGLE",
    "ANGLE_WEST",
    "BOUND",
    "BRACKETED",
    "BRACKETS",
    "CLOCK",
    "CONVERTED",
    "DASH",
    "DEBIT",
    "ERA",
    "ERAS",
    "FLAG",
    "FRACTION",
    "HEMISPHERE",
    "INTERVAL",
    "NOTATIONS",
    "NOTE",
    "OBSERVATION",
    "RANGE",
    "SECONDS",
    "SEXAGESIMAL",
    "TREND",
    "TRIANGLE",
    "UNITS",
    "WEEKS",
    "Composed",
    "converted",
    "estimated",
    "flagged",
    "taken_apart",
]

FEET, ANGLE, SEXAGESIMAL, HEMISPHERE, DEBIT = "feet", "angle", "sexagesimal", "hemisphere", "debit"
DASH, AGE, FLAG, OBSERVATION = "dash", "age", "flag", "observation"
ANGLE_WEST, WEEKS, ERA = "angle, O is west", "weeks", "era"
TREND, TRIANGLE = "trend", "triangle"
UNITS, CLOCK, FRACTION, RANGE, ERROR, NOTE = "units", "clock", "fraction", "range", "error", "note"
CONVERTED, SECONDS, BRACKETS, INTERVAL = "converted", "seconds", "brackets", "interval"
BOUND = "bound"
LONGEST = 64  # characters

_NUMBER = r"\d+(?:[.,]\d+)?"
_FOOT, _INCH = "['\u2032\u2019]", "(?:\"|\u2033|\u201d|''|\u2032\u2032)"
_DEGREE = "[\u00b0\u00ba\u02da]"
_MINUS = "\u2212\u2013\u2014-"
_FEET = re.compile(rf"(\d{{1,2}})\s?{_FOOT}\s?(?:((?:\d|1[01])(?:\.\d+)?)\s?{_INCH}?)?")
_INCHES = re.compile(rf"({_NUMBER})\s?{_INCH}")
_BASE_60 = r"[0-5]?\d(?:\.\d+)?"
_ANGLE = re.compile(
    rf"(?P<before>[NSEWO])?\s?(?P<degrees>[-+]?\d{{1,3}})\s?{_DEGREE}\s?"
    rf"(?P<minutes>\d{{1,2}}(?:\.\d+)?)\s?{_FOOT}\s?"
    rf"(?:(?P<seconds>\d{{1,2}}(?:[.,]\d+)?)\s?{_INCH})?\s?(?P<behind>[NSEWO])?"
)
_SEXAGESIMAL = re.compile(  # an angle without signs for minutes and seconds
    rf"(?P<before>[NSEW])?\s?(?P<degrees>1?\d{{1,2}})"
    rf"(?:d\s?(?P<m>{_BASE_60})m(?:\s?(?P<s>{_BASE_60})s)?"
    rf"|(?P<sign>[\s:-])(?P<minutes>{_BASE_60})(?:(?P=sign)(?P<seconds>{_BASE_60}))?)"
    r"\s?(?P<behind>[NSEW])?"
)
_HEMISPHERE = re.compile(rf"({_NUMBER})\s?{_DEGREE}?\s?([NSEW])|([NSEW])\s?({_NUMBER})\s?{_DEGREE}?")
_DEBIT = re.compile(
    r"(?P<one>.*\d.*?)\s?\(?(?P<behind>DR|CR|Dr|Cr|dr|cr)\.?\)?"
    r"|(?P<before>DR|CR|Dr|Cr)\.?\s(?P<other>\D{0,4}\d[\d.,\s]*)"
)
# A currency without a number, as Excel's accounting format writes zero: $ - and - \u20ac.
_DASH = re.compile(
    rf"(\(?\s*[^\d\s(){_MINUS}]{{1,4}}\s*)[{_MINUS}]\s*\)?|[{_MINUS}](\s*[^\d\s(){_MINUS}]{{1,4}})"
)
_UP, _DOWN = "\u25b2\u25b3\u2191", "\u25bc\u25bd\u2193"
_TREND = re.compile(rf"([{_UP}{_DOWN}])\s*([^+{_MINUS}]*\d.*)")
_TRIANGLE = re.compile(rf"[\u25b2\u25b3]\s*([^+{_MINUS}]*\d.*)")  # the minus of Japanese accounts
# What laboratories write beside a number that is high or low: 12.5 H, H 12.5, 12.5 (H), 12.5 U/l (+).
_SIDE = r"HH?|LL?|[Hh]igh|[Ll]ow|[\u2191\u2193]{1,2}"
_FLAG = re.compile(
    rf"(?P<before>HH?|LL?)\s(?P<alone>\d.*)|(?P<digits>.*\d)\s?(?P<letter>HH?|LL?)"
    rf"|(?P<number>.*\d.*?)\s?(?P<sign>[\u2191\u2193]{{1,2}}|(?<=\s)(?:[Hh]igh|[Ll]ow)"
    rf"|\((?:{_SIDE}|[+-])\)|\[(?:{_SIDE}|[+-])\])"
)
BRACKETED = re.compile(
    r"\(\s?(\d{1,18})\s?\)|\[\s?(\d{1,18})\s?\]", re.ASCII
)  # a year, or how many there are
_CONVERTED = re.compile(r"(?P<one>.*\d.*?)\s*[(\[](?P<other>[^()\[\]]*\d[^()\[\]]*)[)\]]")
_END = rf"[{_MINUS}]?\d[\d., \u00a0]*?%?"
_ESTIMATED = re.compile(
    rf"(?P<one>.*\d.*?)\s*[(\[]\s*(?P<low>{_END})\s*(?:[{_MINUS}]|,\s|;|to(?=\s))\s*(?P<high>{_END})\s*[)\]]"
)
_OBSERVATION = re.compile(  # Eurostat's flags: break, provisional, estimated
    r"(.*\d)\s?(?:[bcdefimnprsuz]{1,3}|\([bcdefimnprsuz]{1,3}\))"
)
_WEEKS = re.compile(r"(\d{1,2})\s?\+\s?([0-6])")  # of a pregnancy, with days
# Before Christ and after in several languages; BC also names a place, and CE a mark of quality.
_BEFORE_CHRIST = (
    r"BCE?|B\.\s?C\.(?:\s?E\.)?|v\.\s?Chr\.|v\.\s?u\.\s?Z\.|av\.\s?J\.?-C\.?|a\.\s?C\.|p\.\s?n\.\s?e\.|"
    "\u0434\u043e \u043d\\.\\s?\u044d\\."
)
_AFTER_CHRIST = (
    r"AD|CE|A\.\s?D\.|C\.\s?E\.|n\.\s?Chr\.|ap\.\s?J\.?-C\.?|d\.\s?C\.|n\.\s?e\.|\u043d\.\s?\u044d\."
)
ERAS = re.compile(rf"{_BEFORE_CHRIST}|{_AFTER_CHRIST}")
_ERA = re.compile(
    rf"((?:c\.|ca\.?|circa|um|vers)\s*)?(\d{{1,5}})\s?(?:({_BEFORE_CHRIST})|{_AFTER_CHRIST})|(?:A\.?D\.?|(\u516c\u5143\u524d|\u7d00\u5143\u524d)|\u516c\u5143)\s?(\d{{1,5}})\s?\u5e74?"
)
_AGE = re.compile(
    r"(?:(\d+)\s?(?:y|yrs?)\.?)?\s*(?:(\d+)\s?(?:m|mos?)\.?)?\s*(?:(\d+)\s?w)?\s*(?:(\d+)\s?d)?"
)
_TIME = r"(\d{1,4}):([0-5]\d)(?::([0-5]\d))?([.,]\d+)?"
_CLOCK = re.compile(rf"(-)?{_TIME}")
_SECONDS = re.compile(r"(-)?(\d+(?:[.,]\d+)?)")
_DAYS_AND_CLOCK = re.compile(
    rf"(?=\d|-\d+ d)(?:(\d+) years?\s)?(?:(\d+) mons?\s)?(?:(-?\d+)\s?(?:days?|d),?\s)?([+-])?{_TIME}"
)
_HOURS_AND_MINUTES = re.compile(r"(\d{1,3})\s?[hH]\s?([0-5]\d)")
_ISO = re.compile(
    r"P(?=.*\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_ISO_UNITS = ("years", "months", "weeks", "days", "h", "min", "s")
_WITH_UNIT = re.compile(rf"({_NUMBER})\s?([^\W\d_]+)\.?")
_UNITS = re.compile(
    rf"{_WITH_UNIT.pattern}(?:\s*(?:,|and|und|et|y|&)?\s*{_WITH_UNIT.pattern}){{1,4}}".replace(
        "(\\d", "(?:\\d"
    )
)
# East Asia's powers of ten from the greatest down, as in 1\u51042000\u4e07\u5186, and what is counted.
_TEN_THOUSAND, _THOUSAND = "\u4e07\u842c\ub9cc", "\u5343\ucc9c"
_POWERS = f"\u5146\uc870\u5104\u4ebf\uc5b5{_TEN_THOUSAND}{_THOUSAND}\u5341\uc2ed\u767e\ubc31"
_MYRIADS = re.compile(
    rf"((?:\d[\d.,]*\s?[{_POWERS}]{{1,2}}\s?){{1,4}})(\d[\d.,]*)?\s?((?![{_POWERS}])[^\W\d_])?"
)
_OF_MYRIADS = re.compile(rf"(\d[\d.,]*)\s?([{_POWERS}]+)")
_VULGAR: Mapping[str, float] = MappingProxyType(
    dict(zip("\u00bd\u2153\u2154\u00bc\u00be", (1 / 2, 1 / 3, 2 / 3, 1 / 4, 3 / 4), strict=True))
    | dict(zip("\u215b\u215c\u215d\u215e", (1 / 8, 3 / 8, 5 / 8, 7 / 8), strict=True))
)
_FRACTION = re.compile(
    rf"([{_MINUS}])?({SHOE_SIZE}\s?)?(?:(?:(\d+)[\s-])?(\d{{1,2}})[/\u2044](2|3|4|5|6|7|8|10|12|16|32|64)"
    rf"|(\d*)\s?([{''.join(_VULGAR)}]))(\D*)"
)
_BETWEEN = {"to", "bis", "a", "\u00e0", "and"}  # the ends of a range
_RANGE = re.compile(
    rf"([^{_MINUS}]*\d[^{_MINUS}]*?)\s*(?:[{_MINUS}]|(?<=\s)(?:{'|'.join(sorted(_BETWEEN))})(?=\s))"
    rf"\s*([^{_MINUS}]*\d[^{_MINUS}]*)",
    re.IGNORECASE,
)
_END = r"\s*([-+]?(?:\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|inf))\s*"
_ENDS = r"\s*(\d+(?:\.\d+)?)\s?-\s?(\d+(?:\.\d+)?)\s*"
_INTERVAL = re.compile(  # as pandas.cut writes it, and [70-80)
    rf"\({_END},{_END}\]|\[{_END},{_END}\)|\({_ENDS}\]|\[{_ENDS}\)"
)
_UNIT_BEHIND = re.compile(r"\s?[^\d\s.,]+\.?(?:\s[^\d\s]+)?$")
_ERROR = re.compile(r"(.*\d.*?)\s*(?:\u00b1|\+/-)\s*\d.*")
_NOTE = re.compile(r"(.*\d.*?)\s*(?:(?:\[[\w ]{1,7}\])+|\([^\W\d][^()\d]{1,24}\))")


class Composed(NamedTuple):
    """A number in a notation: the texts of its parts, and by how much each counts."""

    notation: str
    texts: tuple[str, ...]
    weights: tuple[float, ...]


class _Notation(NamedTuple):
    """What reads a notation, and the signs of which each of its texts has one, if it needs one.

    A blank stands for any between two words.
    """

    read: Callable[[str, bool], "_Parts"]
    signs: str = ""


def taken_apart(text: str, notations: Collection[str] = ()) -> Composed | None:
    """The parts of a number in one of these notations, or in any if none are given; None if it is simple.

    Letters that mean something else by themselves, as the m of metres does, are only minutes beside hours and
    seconds, or if the notation is given.
    """
    if len(text) > LONGEST:
        return None
    if not (any(map(str.isdigit, text)) or _VULGAR.keys() & set(text) or _DASH.fullmatch(text)):
        return None
    if text.endswith(("]", ")")) and (match := _NOTE.fullmatch(text)) and not _FLAG.fullmatch(text):
        return taken_apart(match[1], notations) or Composed(NOTE, (match[1],), (1.0,))
    signs = _TELLING.intersection(text)
    for notation, read in _possible(signs | {" "} if len(text.split()) > 1 else signs):
        if notations and notation not in notations:
            continue
        if (found := read(text, bool(notations))) is not None:
            return Composed(notation, *found)
    return None


@lru_cache(maxsize=4096)  # the texts of a column have the same few signs
def _possible(signs: frozenset[str]) -> tuple[tuple[str, Callable[[str, bool], "_Parts"]], ...]:
    """The notations that a text may have which has these of the signs that tell, and what reads each."""
    return tuple(
        (notation, one.read)
        for notation, one in _BY_NAME.items()
        if not one.signs or not signs.isdisjoint(one.signs)
    )


_Parts = tuple[tuple[str, ...], tuple[float, ...]] | None


def _summed(parts: Mapping[str, str | None], sign: float = 1.0) -> _Parts:
    texts = tuple(f"{re.sub(r'^0+(?=[0-9])', '', number)} {unit}" for unit, number in parts.items() if number)
    return texts, (sign,) * len(texts)


def _feet(text: str, _: bool) -> _Parts:
    if match := _FEET.fullmatch(text):
        return _summed({"ft": match[1], "in": match[2]})
    match = _INCHES.fullmatch(text)
    return match and _summed({"in": match[1]})


def _angle(text: str, _: bool, west: str = "W") -> _Parts:
    match = _ANGLE.fullmatch(text)
    if match is None or (match["before"] and match["behind"]):
        return None
    letter = match["before"] or match["behind"]
    return _degrees(match["degrees"], match["minutes"], match["seconds"], "W" if letter == west else letter)


def _angle_west(text: str, known: bool) -> _Parts:
    """The parts of an angle where O is the west of Romance languages, not the east of German."""
    return _angle(text, known, west="O")


def _weeks(text: str, _: bool) -> _Parts:
    match = _WEEKS.fullmatch(text)
    return match and ((match[1], match[2]), (1.0, 1 / 7))


def _era(text: str, _: bool) -> _Parts:
    match = _ERA.fullmatch(text)
    if match is None:
        return None
    about, year, before, before_in_chinese, alone = match.groups()
    return (f"{about or ''}{year or alone}",), (-1.0 if before or before_in_chinese else 1.0,)


def _sexagesimal(text: str, _: bool) -> _Parts:
    match = _SEXAGESIMAL.fullmatch(text)
    if match is None or bool(match["before"]) == bool(match["behind"]):
        return None
    minutes, seconds = match["minutes"] or match["m"], match["seconds"] or match["s"]
    return _degrees(match["degrees"], minutes, seconds, match["before"] or match["behind"])


def _degrees(degrees: str, minutes: str, seconds: str | None, letter: str | None) -> _Parts:
    """The parts of an angle, which is negative with a minus, and south and west."""
    sign = -1.0 if letter in ("S", "W") or degrees[0] == "-" else 1.0
    return _summed({"\u00b0": degrees.lstrip("+-"), "arcmin": minutes, "arcsec": seconds}, sign)


def _hemisphere(text: str, _: bool) -> _Parts:
    match = _HEMISPHERE.fullmatch(text)
    return match and ((match[1] or match[4],), (-1.0 if (match[2] or match[3]) in "SW" else 1.0,))


def _dash(text: str, _: bool) -> _Parts:
    match = _DASH.fullmatch(text)
    sign = match and (match[1] or match[2])
    if not sign or not any(unicodedata.category(one) == "Sc" or one.isupper() for one in sign):
        return None
    return (f"{match[1].strip(' (')}0" if match[1] else f"0{sign}",), (1.0,)


def _trend(text: str, _: bool) -> _Parts:
    match = _TREND.fullmatch(text)
    return match and ((match[2],), (-1.0 if match[1] in _DOWN else 1.0,))


def _triangle(text: str, _: bool) -> _Parts:
    match = _TRIANGLE.fullmatch(text)
    return match and ((match[1],), (-1.0,))


def flagged(text: str) -> tuple[str, bool] | None:
    """The number beside a flag, and whether that says high; None if there is no flag."""
    match = _FLAG.fullmatch(text)
    if match is None:
        return None
    flag = (match["before"] or match["letter"] or match["sign"]).strip("([])")
    return match["alone"] or match["digits"] or match["number"], flag[0] in "Hh\u2191+"


def _flag(text: str, _: bool) -> _Parts:
    found = flagged(text)
    return found and ((found[0],), (1.0,))


def converted(text: str) -> tuple[str, str] | None:
    """A number and the one in brackets after it, as in 125 g (4.41 oz); None if these are not two."""
    match = _CONVERTED.fullmatch(text)
    return match and (match["one"], match["other"])


def _converted(text: str, _: bool) -> _Parts:
    found = converted(text)
    return found and ((found[0],), (1.0,))


def _bound(text: str, _: bool) -> _Parts:
    return ((text[:-1],), (1.0,)) if text[-2:-1].isdigit() and text[-1] in "+-" else None


def estimated(text: str) -> tuple[str, str, str] | None:
    """A number and the ends of the interval after it, as in 12 [10-14]; None if it has none."""
    match = _ESTIMATED.fullmatch(text)
    return match and (match["one"], match["low"], match["high"])


def _interval(text: str, _: bool) -> _Parts:
    found = estimated(text)
    return found and ((found[0],), (1.0,))


def _brackets(text: str, _: bool) -> _Parts:
    match = BRACKETED.fullmatch(text)
    return match and ((match[1] or match[2],), (1.0,))


def _observation(text: str, _: bool) -> _Parts:
    match = _OBSERVATION.fullmatch(text)
    return match and ((match[1],), (1.0,))


def _age(text: str, known: bool) -> _Parts:
    match = _AGE.fullmatch(text)
    if match is None or not (match[2] and (match[1] or known)):
        return None
    return _summed(dict(zip(("years", "months", "weeks", "days"), match.groups(), strict=True)))


def _debit(text: str, _: bool) -> _Parts:
    match = _DEBIT.fullmatch(text)
    if match is None:
        return None
    sign = -1.0 if (match["behind"] or match["before"]).casefold() == "dr" else 1.0
    return (match["one"] or match["other"],), (sign,)


def _times(hours: str, minutes: str, seconds: str | None, part: str | None) -> dict[str, str | None]:
    if seconds is None:  # 45:13 has minutes and seconds
        return {"min": hours, "s": minutes + (part or "")}
    return {"h": hours, "min": minutes, "s": seconds + (part or "")}


def _clock(text: str, _: bool) -> _Parts:
    match = _CLOCK.fullmatch(text)
    return match and _summed(_times(*match.groups()[1:]), -1.0 if match[1] else 1.0)


def _seconds(text: str, known: bool) -> _Parts:
    """The seconds of a time under a minute beside others with a colon, which the column has to show."""
    match = _SECONDS.fullmatch(text) if known else None
    return match and _summed({"s": match[2]}, -1.0 if match[1] else 1.0)


def _units(text: str, known: bool) -> _Parts:
    if ":" in text and (match := _DAYS_AND_CLOCK.fullmatch(text)) and any(match.groups()[:3]):
        years, months, days, sign, hours, minutes, seconds, part = match.groups()
        known_parts = {"years": years, "months": months, "days": days and days.lstrip("-")}
        texts, _ = _summed(known_parts | _times(hours, minutes, seconds or "00", part))
        weights = [-1.0 if (days or "").startswith("-") and text.endswith("days") else 1.0 for text in texts]
        return texts, (*weights[:-3], *([-1.0 if sign == "-" else 1.0] * 3))
    if match := _HOURS_AND_MINUTES.fullmatch(text):
        return _summed({"h": match[1], "min": match[2]})
    if match := _ISO.fullmatch(text):
        return _summed(dict(zip(_ISO_UNITS, match.groups(), strict=True)))
    if match := None if text.isascii() else _MYRIADS.fullmatch(text):
        return _myriads(*match.groups())
    if text[-1].isdecimal() or not (_UNITS.fullmatch(text) or (known and _WITH_UNIT.fullmatch(text))):
        return None
    parts = {unit: number for number, unit in _WITH_UNIT.findall(text)}
    if _BETWEEN & parts.keys():
        return None
    timed = {"h", "hr", "hrs", "s", "sec"} & parts.keys() or (known and len(parts) == 1)
    return _summed({"min" if unit == "m" and timed else unit: number for unit, number in parts.items()})


def _myriads(powers: str, rest: str | None, counted: str | None) -> _Parts:
    """The parts of a number such as 1\u51042000\u4e07\u5186; None if it is simple, or may be spoken Chinese.

    There 1\u4ebf2\u5343 and 1\u4ebf2000 are 120 million.
    """
    parts = {word + (counted or ""): number for number, word in _OF_MYRIADS.findall(powers)}
    words = [word for _, word in _OF_MYRIADS.findall(powers)]
    if words[-1] in _THOUSAND and len(words) > 1 and words[-2] not in _TEN_THOUSAND:
        return None
    if rest and not counted:
        return None
    parts |= {counted: rest} if rest and counted else {}
    return _summed(parts) if len(parts) > 1 else None


def _fraction(text: str, _: bool) -> _Parts:
    match = _FRACTION.fullmatch(text)
    if match is None:
        return None
    sign, size, whole, above, below, before, vulgar, behind = match.groups()
    if below and int(above) >= int(below):
        return None
    part = int(above) / int(below) if below else _VULGAR[vulgar]
    value = int(whole or before or 0) + part
    behind = " in" if re.fullmatch(_INCH, behind.strip()) else behind
    return (f"{size or ''}1{behind}",), (-value if sign else value,)


def _range(text: str, _: bool) -> _Parts:
    if match := _INTERVAL.fullmatch(text):
        ends = tuple(end for end in match.groups() if end and not end.endswith("inf"))
        return (ends, (1 / len(ends),) * len(ends)) if ends else None
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    low, high = match.groups()
    unit = _UNIT_BEHIND.search(high)
    if unit and not _UNIT_BEHIND.search(low):
        low += unit[0]
    return (low, high), (0.5, 0.5)


def _error(text: str, _: bool) -> _Parts:
    if "\u00b1" not in text and "+/-" not in text:  # as dates with slashes, which the pattern takes long for
        return None
    match = _ERROR.fullmatch(text)
    return match and ((match[1],), (1.0,))


# What is tried first stands first.
_BY_NAME: Mapping[str, _Notation] = MappingProxyType(
    {
        FEET: _Notation(_feet, "'\u2032\u2019\"\u2033\u201d"),
        ANGLE: _Notation(_angle, "\u00b0\u00ba\u02da"),
        ANGLE_WEST: _Notation(_angle_west, "\u00b0\u00ba\u02da"),
        SEXAGESIMAL: _Notation(_sexagesimal, "NSEW"),
        HEMISPHERE: _Notation(_hemisphere, "NSEW"),
        DEBIT: _Notation(_debit, "rR"),
        DASH: _Notation(_dash, "\u2212\u2013\u2014-"),
        CLOCK: _Notation(_clock, ":"),
        SECONDS: _Notation(_seconds),
        AGE: _Notation(_age, "m"),
        ERA: _Notation(_era, "ACDE.\u5143"),
        WEEKS: _Notation(_weeks, "+"),
        UNITS: _Notation(_units),
        FRACTION: _Notation(_fraction, "/\u2044" + "".join(_VULGAR)),
        TREND: _Notation(_trend, _UP + _DOWN),
        TRIANGLE: _Notation(_triangle, _UP),
        FLAG: _Notation(_flag, "HLgw)]\u2191\u2193"),
        OBSERVATION: _Notation(_observation, "bcdefimnprsuz"),
        ERROR: _Notation(_error, "\u00b1/"),
        BOUND: _Notation(_bound, "+-"),
        INTERVAL: _Notation(_interval, "])"),
        RANGE: _Notation(_range, "\u2212\u2013\u2014- []"),
        CONVERTED: _Notation(_converted, "(["),
        BRACKETS: _Notation(_brackets, "(["),
    }
)
_TELLING = frozenset().union(*(one.signs for one in _BY_NAME.values()))
NOTATIONS = (*_BY_NAME, NOTE)
