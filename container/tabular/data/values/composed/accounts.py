"""Signs of accounts and of trends: debits and credits, dashes for zero, arrows and triangles."""

import unicodedata

from tabular.data.values.cells import lazily
from tabular.data.values.composed.kinds import Parts
from tabular.data.values.composed.signs import MINUS

__all__ = ["DOWN", "UP", "dash", "debit", "trend", "triangle"]

_DEBIT = lazily(
    r"(?P<one>.*\d.*?)\s?\(?(?P<behind>DR|CR|Dr|Cr|dr|cr)\.?\)?"
    r"|(?P<before>DR|CR|Dr|Cr)\.?\s(?P<other>\D{0,4}\d[\d.,\s]*)"
)
# A currency without a number, as Excel's accounting format writes zero: $ - and - \u20ac.
_DASH = lazily(rf"(\(?\s*[^\d\s(){MINUS}]{{1,4}}\s*)[{MINUS}]\s*\)?|[{MINUS}](\s*[^\d\s(){MINUS}]{{1,4}})")
UP, DOWN = "\u25b2\u25b3\u2191", "\u25bc\u25bd\u2193"
_TREND = lazily(rf"([{UP}{DOWN}])\s*([^+{MINUS}]*\d.*)")
_TRIANGLE = lazily(rf"[\u25b2\u25b3]\s*([^+{MINUS}]*\d.*)")  # the minus of Japanese accounts


def debit(text: str, _: bool) -> Parts:
    """Debits and credits, such as 100 DR, of which a debit is negative."""
    match = _DEBIT.fullmatch(text)
    if match is None:
        return None
    sign = -1.0 if (match["behind"] or match["before"]).casefold() == "dr" else 1.0
    return (match["one"] or match["other"],), (sign,)


def dash(text: str, _: bool) -> Parts:
    """A currency without a number, as Excel's accounting format writes zero: $ - and - \u20ac."""
    match = _DASH.fullmatch(text)
    sign = match and (match[1] or match[2])
    if not sign or not any(unicodedata.category(one) == "Sc" or one.isupper() for one in sign):
        return None
    return (f"{match[1].strip(' (')}0" if match[1] else f"0{sign}",), (1.0,)


def trend(text: str, _: bool) -> Parts:
    """A number after an arrow up or down."""
    match = _TREND.fullmatch(text)
    return match and ((match[2],), (-1.0 if match[1] in DOWN else 1.0,))


def triangle(text: str, _: bool) -> Parts:
    """A number after a triangle, the minus of Japanese accounts."""
    match = _TRIANGLE.fullmatch(text)
    return match and ((match[1],), (-1.0,))
