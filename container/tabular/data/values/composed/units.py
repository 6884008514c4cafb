"""Feet and inches, and numbers with several units, such as 1h 30min and 1億2000万円."""

from tabular.data.values.cells import lazily
from tabular.data.values.composed.kinds import Parts, summed
from tabular.data.values.composed.ranges import BETWEEN
from tabular.data.values.composed.signs import FOOT, INCH, NUMBER
from tabular.data.values.composed.times import duration

__all__ = ["feet", "units"]

_FEET = lazily(rf"(\d{{1,2}})\s?{FOOT}\s?(?:((?:\d|1[01])(?:\.\d+)?)\s?{INCH}?)?")
_INCHES = lazily(rf"({NUMBER})\s?{INCH}")
_WITH_UNIT = lazily(rf"({NUMBER})\s?([^\W\d_]+)\.?")
_UNITS = lazily(
    rf"{_WITH_UNIT.pattern}(?:\s*(?:,|and|und|et|y|&)?\s*{_WITH_UNIT.pattern}){{1,4}}".replace(
        "(\\d", "(?:\\d"
    )
)
# East Asia's powers of ten from the greatest down, as in 1\u51042000\u4e07\u5186, and what is counted.
_TEN_THOUSAND, _THOUSAND = "\u4e07\u842c\ub9cc", "\u5343\ucc9c"
_POWERS = f"\u5146\uc870\u5104\u4ebf\uc5b5{_TEN_THOUSAND}{_THOUSAND}\u5341\uc2ed\u767e\ubc31"
_MYRIADS = lazily(rf"((?:\d[\d.,]*\s?[{_POWERS}]{{1,2}}\s?){{1,4}})(\d[\d.,]*)?\s?((?![{_POWERS}])[^\W\d_])?")
_OF_MYRIADS = lazily(rf"(\d[\d.,]*)\s?([{_POWERS}]+)")


def feet(text: str, _: bool) -> Parts:
    """Feet and inches, such as 5'7."""
    if match := _FEET.fullmatch(text):
        return summed({"ft": match[1], "in": match[2]})
    match = _INCHES.fullmatch(text)
    return match and summed({"in": match[1]})


def units(text: str, known: bool) -> Parts:
    """Numbers with units of their own, such as 1h 30min, P1DT2H and 4 days 08:50:00."""
    if found := duration(text):
        return found
    if match := None if text.isascii() else _MYRIADS.fullmatch(text):
        return _myriads(*match.groups())
    if text[-1].isdecimal() or not (_UNITS.fullmatch(text) or (known and _WITH_UNIT.fullmatch(text))):
        return None
    parts = {unit: number for number, unit in _WITH_UNIT.findall(text)}
    if BETWEEN & parts.keys():
        return None
    timed = {"h", "hr", "hrs", "s", "sec"} & parts.keys() or (known and len(parts) == 1)
    return summed({"min" if unit == "m" and timed else unit: number for unit, number in parts.items()})


def _myriads(powers: str, rest: str | None, counted: str | None) -> Parts:
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
    return summed(parts) if len(parts) > 1 else None
