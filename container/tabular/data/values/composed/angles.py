"""Angles in degrees, minutes and seconds, and coordinates with the side of the world."""

from tabular.data.values.cells import lazily
from tabular.data.values.composed.kinds import Parts, summed
from tabular.data.values.composed.signs import FOOT, INCH, NUMBER

__all__ = ["angle", "angle_west", "hemisphere", "sexagesimal"]

_DEGREE = "[\u00b0\u00ba\u02da]"
_BASE_60 = r"[0-5]?\d(?:\.\d+)?"
_ANGLE = lazily(
    rf"(?P<before>[NSEWO])?\s?(?P<degrees>[-+]?\d{{1,3}})\s?{_DEGREE}\s?"
    rf"(?P<minutes>\d{{1,2}}(?:\.\d+)?)\s?{FOOT}\s?"
    rf"(?:(?P<seconds>\d{{1,2}}(?:[.,]\d+)?)\s?{INCH})?\s?(?P<behind>[NSEWO])?"
)
_SEXAGESIMAL = lazily(  # an angle without signs for minutes and seconds
    rf"(?P<before>[NSEW])?\s?(?P<degrees>1?\d{{1,2}})"
    rf"(?:d\s?(?P<m>{_BASE_60})m(?:\s?(?P<s>{_BASE_60})s)?"
    rf"|(?P<sign>[\s:-])(?P<minutes>{_BASE_60})(?:(?P=sign)(?P<seconds>{_BASE_60}))?)"
    r"\s?(?P<behind>[NSEW])?"
)
_HEMISPHERE = lazily(rf"({NUMBER})\s?{_DEGREE}?\s?([NSEW])|([NSEW])\s?({NUMBER})\s?{_DEGREE}?")


def angle(text: str, _: bool, west: str = "W") -> Parts:
    """Angles such as 48\u00b0 51' N."""
    match = _ANGLE.fullmatch(text)
    if match is None or (match["before"] and match["behind"]):
        return None
    letter = match["before"] or match["behind"]
    return _degrees(match["degrees"], match["minutes"], match["seconds"], "W" if letter == west else letter)


def angle_west(text: str, known: bool) -> Parts:
    """The parts of an angle where O is the west of Romance languages, not the east of German."""
    return angle(text, known, west="O")


def sexagesimal(text: str, _: bool) -> Parts:
    """Angles without signs for minutes and seconds, such as 48d51m N and N 48 51 24."""
    match = _SEXAGESIMAL.fullmatch(text)
    if match is None or bool(match["before"]) == bool(match["behind"]):
        return None
    minutes, seconds = match["minutes"] or match["m"], match["seconds"] or match["s"]
    return _degrees(match["degrees"], minutes, seconds, match["before"] or match["behind"])


def hemisphere(text: str, _: bool) -> Parts:
    """Degrees with a side of the world, such as 48.85 N."""
    match = _HEMISPHERE.fullmatch(text)
    return match and ((match[1] or match[4],), (-1.0 if (match[2] or match[3]) in "SW" else 1.0,))


def _degrees(degrees: str, minutes: str, seconds: str | None, letter: str | None) -> Parts:
    """The parts of an angle, which is negative with a minus, and south and west."""
    sign = -1.0 if letter in ("S", "W") or degrees[0] == "-" else 1.0
    return summed({"\u00b0": degrees.lstrip("+-"), "arcmin": minutes, "arcsec": seconds}, sign)
