"""Ranges, such as 10-20, and numbers with what says how exact they are: a bound, an error or an interval."""

import re

from tabular.data.values.cells import lazily
from tabular.data.values.composed.kinds import Parts
from tabular.data.values.composed.signs import MINUS

__all__ = ["BETWEEN", "bound", "error", "estimated", "interval", "span"]

BETWEEN = {"to", "bis", "a", "\u00e0", "and"}  # the ends of a range
_RANGE = lazily(
    rf"([^{MINUS}]*\d[^{MINUS}]*?)\s*(?:[{MINUS}]|(?<=\s)(?:{'|'.join(sorted(BETWEEN))})(?=\s))"
    rf"\s*([^{MINUS}]*\d[^{MINUS}]*)",
    re.IGNORECASE,
)
_END = r"\s*([-+]?(?:\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|inf))\s*"
_ENDS = r"\s*(\d+(?:\.\d+)?)\s?-\s?(\d+(?:\.\d+)?)\s*"
_INTERVAL = lazily(  # as pandas.cut writes it, and [70-80)
    rf"\({_END},{_END}\]|\[{_END},{_END}\)|\({_ENDS}\]|\[{_ENDS}\)"
)
_UNIT_BEHIND = lazily(r"\s?[^\d\s.,]+\.?(?:\s[^\d\s]+)?$")
_ERROR = lazily(r"(.*\d.*?)\s*(?:\u00b1|\+/-)\s*\d.*")
_LIMIT = rf"[{MINUS}]?\d[\d., \u00a0]*?%?"
_ESTIMATED = lazily(
    rf"(?P<one>.*\d.*?)\s*[(\[]\s*(?P<low>{_LIMIT})\s*(?:[{MINUS}]|,\s|;|to(?=\s))\s*(?P<high>{_LIMIT})\s*[)\]]"
)


def span(text: str, _: bool) -> Parts:
    """Ranges such as 10-20 kg and [70, 80), of which the middle counts."""
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


def error(text: str, _: bool) -> Parts:
    """A number before its error, such as 5 \u00b1 2."""
    if "\u00b1" not in text and "+/-" not in text:  # as dates with slashes, which the pattern takes long for
        return None
    match = _ERROR.fullmatch(text)
    return match and ((match[1],), (1.0,))


def bound(text: str, _: bool) -> Parts:
    """The least or the most that is told, such as 65+."""
    return ((text[:-1],), (1.0,)) if text[-2:-1].isdigit() and text[-1] in "+-" else None


def interval(text: str, _: bool) -> Parts:
    """A number before an interval, such as 12 [10-14]."""
    found = estimated(text)
    return found and ((found[0],), (1.0,))


def estimated(text: str) -> tuple[str, str, str] | None:
    """A number and the ends of the interval after it, as in 12 [10-14]; None if it has none."""
    match = _ESTIMATED.fullmatch(text)
    return match and (match["one"], match["low"], match["high"])
