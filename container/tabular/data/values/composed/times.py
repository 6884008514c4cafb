"""Times with colons, ages, weeks of a pregnancy, and years before and after Christ."""

from tabular.data.values.cells import lazily
from tabular.data.values.composed.kinds import Parts, summed

__all__ = ["ERAS", "age", "clock", "duration", "era", "seconds", "weeks"]

_TIME = r"(\d{1,4}):([0-5]\d)(?::([0-5]\d))?([.,]\d+)?"
_CLOCK = lazily(rf"(-)?{_TIME}")
_SECONDS = lazily(r"(-)?(\d+(?:[.,]\d+)?)")
_DAYS_AND_CLOCK = lazily(
    rf"(?=\d|-\d+ d)(?:(\d+) years?\s)?(?:(\d+) mons?\s)?(?:(-?\d+)\s?(?:days?|d),?\s)?([+-])?{_TIME}"
)
_HOURS_AND_MINUTES = lazily(r"(\d{1,3})\s?[hH]\s?([0-5]\d)")
_ISO = lazily(
    r"P(?=.*\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_ISO_UNITS = ("years", "months", "weeks", "days", "h", "min", "s")
_AGE = lazily(r"(?:(\d+)\s?(?:y|yrs?)\.?)?\s*(?:(\d+)\s?(?:m|mos?)\.?)?\s*(?:(\d+)\s?w)?\s*(?:(\d+)\s?d)?")
_WEEKS = lazily(r"(\d{1,2})\s?\+\s?([0-6])")  # of a pregnancy, with days
# Before Christ and after in several languages; BC also names a place, and CE a mark of quality.
_BEFORE_CHRIST = (
    r"BCE?|B\.\s?C\.(?:\s?E\.)?|v\.\s?Chr\.|v\.\s?u\.\s?Z\.|av\.\s?J\.?-C\.?|a\.\s?C\.|p\.\s?n\.\s?e\.|"
    "\u0434\u043e \u043d\\.\\s?\u044d\\."
)
_AFTER_CHRIST = (
    r"AD|CE|A\.\s?D\.|C\.\s?E\.|n\.\s?Chr\.|ap\.\s?J\.?-C\.?|d\.\s?C\.|n\.\s?e\.|\u043d\.\s?\u044d\."
)
ERAS = lazily(rf"{_BEFORE_CHRIST}|{_AFTER_CHRIST}")
_ERA = lazily(
    rf"((?:c\.|ca\.?|circa|um|vers)\s*)?(\d{{1,5}})\s?(?:({_BEFORE_CHRIST})|{_AFTER_CHRIST})|(?:A\.?D\.?|(\u516c\u5143\u524d|\u7d00\u5143\u524d)|\u516c\u5143)\s?(\d{{1,5}})\s?\u5e74?"
)


def clock(text: str, _: bool) -> Parts:
    """Times with colons, such as 26:41:50; 45:13 has minutes and seconds."""
    match = _CLOCK.fullmatch(text)
    return match and summed(_times(*match.groups()[1:]), -1.0 if match[1] else 1.0)


def _times(hours: str, minutes: str, seconds: str | None, part: str | None) -> dict[str, str | None]:
    if seconds is None:  # 45:13 has minutes and seconds
        return {"min": hours, "s": minutes + (part or "")}
    return {"h": hours, "min": minutes, "s": seconds + (part or "")}


def duration(text: str) -> Parts:
    """The parts of 4 days 08:50:00, 1h30 and PT1H30M."""
    if ":" in text and (match := _DAYS_AND_CLOCK.fullmatch(text)) and any(match.groups()[:3]):
        years, months, days, sign, hours, minutes, seconds, part = match.groups()
        known_parts = {"years": years, "months": months, "days": days and days.lstrip("-")}
        texts, _ = summed(known_parts | _times(hours, minutes, seconds or "00", part))
        weights = [-1.0 if (days or "").startswith("-") and text.endswith("days") else 1.0 for text in texts]
        return texts, (*weights[:-3], *([-1.0 if sign == "-" else 1.0] * 3))
    if match := _HOURS_AND_MINUTES.fullmatch(text):
        return summed({"h": match[1], "min": match[2]})
    match = _ISO.fullmatch(text)
    return match and summed(dict(zip(_ISO_UNITS, match.groups(), strict=True)))


def seconds(text: str, known: bool) -> Parts:
    """The seconds of a time under a minute beside others with a colon, which the column has to show."""
    match = _SECONDS.fullmatch(text) if known else None
    return match and summed({"s": match[2]}, -1.0 if match[1] else 1.0)


def age(text: str, known: bool) -> Parts:
    """Ages such as 2y 3m."""
    match = _AGE.fullmatch(text)
    if match is None or not (match[2] and (match[1] or known)):
        return None
    return summed(dict(zip(("years", "months", "weeks", "days"), match.groups(), strict=True)))


def weeks(text: str, _: bool) -> Parts:
    """Weeks and days of a pregnancy, such as 38+4."""
    match = _WEEKS.fullmatch(text)
    return match and ((match[1], match[2]), (1.0, 1 / 7))


def era(text: str, _: bool) -> Parts:
    """Years before and after Christ, such as 44 BC, of which the former are negative."""
    match = _ERA.fullmatch(text)
    if match is None:
        return None
    about, year, before, before_in_chinese, alone = match.groups()
    return (f"{about or ''}{year or alone}",), (-1.0 if before or before_in_chinese else 1.0,)
