"""Numbers as people write them: thousands, decimal commas, currencies, units and marks for missing values.

The format of a column's numbers is found once, by `finding.numbers`; training and serving then use it.
"""

import math
import re
import unicodedata
from typing import TYPE_CHECKING

from tabular.data.values.cells import DIGITS, UNSEEN, lazily, shown
from tabular.data.values.composed.parts import taken_apart
from tabular.data.values.number_words import AFFIX, BOUND, BOUND_BEHIND, DOUBTFUL, NOTE, OUT_OF, WORD

if TYPE_CHECKING:
    from tabular.spec.columns import NumberFormat

__all__ = [
    "CORES",
    "CURRENCY_PLACES",
    "STYLES",
    "digits_of",
    "is_number",
    "is_plain",
    "marks_of",
    "matched",
    "may_stand_before",
    "read_number",
    "read_simple",
    "unit_of",
    "value_of",
    "written",
]

_AREA = r"(?:[kcdm]?m|ft|in|yd|mi)[23]"  # km2 and cm3, whose digit is not part of a code
_SHORT = r"(?![ap]\.\s?m)(?:[a-z]\.\s?){2,3}"  # k.k. and v.o.n., but not the time 10 p.m.
_UNIT = (
    rf"(?:%(?:\s?(?:{WORD}\.?|[ap]\.\s?[adm]\.))?|\u2030|[\u2605\u2606\u2b50#]|\u00b0[CF]?"
    rf"|{WORD}(?:[/\u00b7]{WORD})?[\u00b2\u00b3]?|(?:{WORD}/)?{_AREA}|{_SHORT}"
    rf"|{WORD}\.?(?: {WORD}\.?){{0,2}}?"  # as few words as possible: Mio. is followed by EUR
    rf"|{WORD}\s?/\s?100\s?km|{WORD}/\({WORD}[\u00b2\u00b3]?\s?[*\u00b7]\s?{WORD}\)"  # kWh/(m\u00b2*a)
    rf"|(?:{AFFIX})?\s?/\s?(?:{_AREA}|{WORD}[\u00b2\u00b3]?)|\+\s?{WORD}|{OUT_OF})"
)
_MINUS = "\u2212\u2013-"  # the hyphen comes last, where a character class takes it literally
_BLANKS = "\u00a0\u202f\u2009\u2007"
_MARK = f"{BOUND}|{NOTE}"
# Each of the long alternatives is tried only where no digit stands, as it does in most numbers.
_NUMBER = lazily(
    rf"(?:(?=\D)(?P<bound>{BOUND})\s*)?(?:(?=\D)(?P<outside>{AFFIX})\s*(?=\())?(?P<open>\()?\s*(?P<sign>[+{_MINUS}])?\s*(?:(?=\D)(?P<before>{AFFIX}|{DOUBTFUL}))?\s*"
    rf"(?P<inner>[{_MINUS}])?\s*(?P<digits>[0-9][0-9.,'\u2019 {_BLANKS}]*|[.,][0-9]+)"
    rf"(?P<power>[eE][+-]?[0-9]+|[dD][+-][0-9]+)?"  # D is Fortran's
    rf"(?P<whole>(?<=[.,])[\u2014{_MINUS}]{{1,2}}|/-)?"  # 5,- has no cents
    rf"\s*(?P<behind>{AFFIX}|{_UNIT})?\s*(?P<last>{AFFIX})?\s*(?P<minus>[{_MINUS}])?\s*(?P<close>\))?"
    rf"\s*(?P<after>(?<=\))%)?\s*(?P<note>{NOTE})?"
)
CURRENCY_PLACES = ("outside", "before", "last")
_PLACES = (*CURRENCY_PLACES, "behind", "after", "bound", "note")  # also of a unit, and of a mark
# Other forms of the same characters: those as wide as a Chinese sign, and the digits of other scripts.
_WIDE = {0xFF00 + place: 0x20 + place for place in range(1, 0x5F)} | {0xFFE1: 0xA3, 0xFFE5: 0xA5}
_ASCII = (
    UNSEEN | _WIDE | DIGITS | {0x66A: "%", 0x66B: ".", 0x66C: ",", 0x3BC: "\u00b5"}
)  # the Greek letter is micro
# Units in one sign, as East Asia writes them, such as that of square metres.
_ASCII |= {
    sign: unicodedata.normalize("NFKC", chr(sign)).translate({0x32: "\u00b2", 0x33: "\u00b3"})
    for sign in range(0x3371, 0x33DF)
}
_ASCII |= {0x2010: "-", 0x2011: "-", 0xFE63: "-"}  # hyphens that a text processor has put in
_ASCII |= {0xBA: "\u00b0", 0x2DA: "\u00b0", 0x2103: "\u00b0C", 0x2109: "\u00b0F"}  # degrees
# A power of ten in words of its own: 1.2 x 10^5 and 1.2\u00d710\u2075.
_POWER = lazily(
    "(?<=\\d)\\s?[x\u00d7*\u00b7]\\s?10(?:\\^|(?=[\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]))([-\u2212\u207b]?)([0-9\u2070\u00b9\u00b2\u00b3\u2074-\u2079]{1,3})"
)
_POINT = lazily("(?<=\\d)\u00b7(?=\\d)")  # the decimal point of British journals
_SUPERSCRIPTS = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079", "0123456789")
LONGEST = 64  # characters in a number
# The first group has no leading zero: 0,841 has a decimal comma.
_GROUPS = {"": r"\d+", ",": r"[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}|\d+"} | {
    sign: rf"[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+|\d+" for sign in (".", "'", " ")
}
STYLES = tuple((decimal, sign) for decimal in ".," for sign in ("", ",", ".", " ", "'") if decimal != sign)
CORES = {
    style: lazily(rf"(?:{_GROUPS[style[1]]})(?:{re.escape(style[0])}\d*)?|{re.escape(style[0])}\d+", re.ASCII)
    for style in STYLES
}
# Thousands that nobody takes for decimals: several of them, or followed by decimals.
_GROUPED = {
    decimal: lazily(
        rf"[1-9]\d{{0,2}}(?:(?P<sign>[' {other}])\d{{3}}(?:(?P=sign)\d{{3}})*{re.escape(decimal)}\d+"
        rf"|(?P<several>[' {other}])\d{{3}}(?:(?P=several)\d{{3}})+)",
        re.ASCII,
    )
    for decimal, other in ((".", ","), (",", "."))
}


def read_number(text: str, form: "NumberFormat") -> float:
    """The number that a text contains.

    Raises:
        ValueError: if it is not a finite number in this format.
    """
    text = text.strip()
    composed = taken_apart(text, form.notations) if form.notations else None
    if composed is None:
        return read_simple(text, form)
    parts = [read_simple(part, form) for part in composed.texts]
    return math.fsum(part * weight for part, weight in zip(parts, composed.weights, strict=True))


def read_simple(text: str, form: "NumberFormat") -> float:
    """`read_number` of a text without several parts."""
    return value_of(matched(text), text, form)


def value_of(match: re.Match[str] | None, text: str, form: "NumberFormat") -> float:
    """The number that a text contains, of which `matched` found this."""
    if match is None or (match["open"] is None) != (match["close"] is None):
        raise ValueError(f"{shown(text)} is not a number.")
    digits = digits_of(match)
    known = {match[place] for place in _PLACES} - {None} <= set(form.affixes)
    styled = form.affixes or form.decimal != "."
    if styled and not form.thousands and (grouped := _GROUPED[form.decimal].fullmatch(digits)):
        digits = digits.replace(grouped["sign"] or grouped["several"], "")  # larger than any before
    if not known or not CORES[form.decimal, form.thousands].fullmatch(digits):
        raise ValueError(f"{shown(text)} is not a number.")
    if form.thousands:
        digits = digits.replace(form.thousands, "")
    value = float(
        digits.replace(form.decimal, ".") + (match["power"] or "").replace("D", "e").replace("d", "e")
    )
    if math.isinf(value):
        raise ValueError(f"{shown(text)} is not a finite number.")
    signs = [
        match["sign"] not in (None, "+"),
        bool(match["inner"]),
        bool(match["minus"]),
        bool(match["open"]),
    ]
    if sum(signs) > 1:
        raise ValueError(f"{shown(text)} is not a number.")
    value = -value if any(signs) else value
    if not form.scales:
        return value
    unit = match["behind"] or match["after"]
    return value * dict(form.scales).get(unit, 1.0) + dict(form.offsets).get(unit, 0.0)


def is_number(text: str, form: "NumberFormat") -> bool:
    """Whether a text is a number in this format."""
    try:
        read_number(text, form)
    except ValueError:
        return False
    return True


def unit_of(text: str) -> str:
    """The unit after the number that a text contains, empty if there is none."""
    match = matched(text.strip())
    return (match and (match["behind"] or match["after"])) or ""


def marks_of(form: "NumberFormat") -> list[str]:
    """The marks of a format, such as `<`, that stand beside numbers and do not change them."""
    return [affix for affix in form.affixes if re.fullmatch(_MARK, affix)]


def may_stand_before(affix: str) -> bool:
    """Whether a unit or currency is one that people also write before a number."""
    return re.fullmatch(f"{AFFIX}|{DOUBTFUL}", affix) is not None


def is_plain(text: str) -> bool:
    """Whether a text is a number without any format of its own."""
    if "_" in text or not text.isascii():
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def written(number: float, form: "NumberFormat") -> str:
    """A number as a cell of a column; reading the cell returns the same number."""
    return repr(number).replace(".", form.decimal)


def matched(text: str) -> re.Match[str] | None:
    """The parts of a text that may be a number in some format; None if it is not."""
    if len(text) > LONGEST:
        return None
    if not text.isascii():
        text = text.translate(_ASCII).strip()
        text = BOUND_BEHIND.sub(" ", text)
    text = _POINT.sub(".", text) if "\u00b7" in text else text
    return _NUMBER.fullmatch(_POWER.sub(_exponent, text) if "10" in text else text)


def _exponent(power: re.Match[str]) -> str:
    return f"e{'-' if power[1] else ''}{power[2].translate(_SUPERSCRIPTS)}"


def digits_of(match: re.Match[str]) -> str:
    """The digits and the separators between them, all blanks alike."""
    digits = match["digits"].rstrip()
    if digits.isascii():
        return digits
    for blank in _BLANKS:
        digits = digits.replace(blank, " ")
    return digits.replace("\u2019", "'")
