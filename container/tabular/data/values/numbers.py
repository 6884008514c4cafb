"""Numbers as people write them: thousands, decimal commas, currencies, units and marks for missing values.

The format of a column's numbers is detected once, in the raw table; training and serving then use it.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from tabular.data.values.cells import (
    DIGITS,
    FEW_WORDS,
    MISSING,
    MOST_GAPS,
    MOST_OTHERS,
    MOST_WORDS,
    NO_NUMBERS,
    UNSEEN,
    shown,
)
from tabular.data.values.composed import taken_apart
from tabular.data.values.notations import evident
from tabular.data.values.units import Units, conversions, may_be_unit
from tabular.spec.columns import PLAIN, NumberFormat

__all__ = [
    "CURRENCIES",
    "FoundNumbers",
    "find_numbers",
    "is_plain",
    "marks_of",
    "may_be_number",
    "may_stand_before",
    "read_number",
    "unit_of",
    "written",
]

# Of the currencies of Unicode, those in use; U+20A0 to U+20C0 is the block of currency signs.
CURRENCIES = "$\u00a2\u00a3\u00a5\u0e3f\ufdfc" + "".join(map(chr, range(0x20A0, 0x20C1)))
_CODES = (
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KES|KRW|KZT|MAD|MXN|"
    r"MYR|NGN|NOK|NZD|PEN|PHP|PKR|PLN|RMB|RON|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR|Rs\.?|kr\.?|Fr\.?|Rp"
)
_AFFIX = rf"(?:[A-Z]{{0,3}}[{CURRENCIES}]|{_CODES})"
_WORD = r"[^\W\d_]{1,12}"
_OUT_OF = rf"(?:/\s?|(?:out )?of )(?:4(?:\.00?)?|5(?:\.0)?|6|7|10(?:\.0)?|20|100|1000)(?: {_WORD})?"
_UNIT = (
    rf"(?:%|\u2030|\u00b0[CF]?|{_WORD}(?:[/\u00b7][A-Za-z]{{1,3}})?[\u00b2\u00b3]?"
    rf"|{_WORD}\.?(?: {_WORD}\.?){{0,2}}?"  # as few words as possible: Mio. is followed by EUR
    rf"|(?:{_AFFIX})?\s?/\s?{_WORD}[\u00b2\u00b3]?|\+\s?{_WORD}|{_OUT_OF})"
)
_MINUS = "\u2212\u2013-"  # the hyphen comes last, where a character class takes it literally
_BLANKS = "\u00a0\u202f\u2009\u2007"
_AT_MOST = ("less than", "fewer than", "under", "below", "up to", "at most", "max.", "bis", "unter")
_AT_LEAST = ("more than", "greater than", "over", "above", "at least", "min.", "from", "ab", "\u00fcber")
_ABOUT = ("about", "around", "approx", "approx.", "approximately", "ca.", "circa", "etwa", "rund")
_SIDES = {"above": ("<", "\u2264", *_AT_MOST), "below": (">", "\u2265", *_AT_LEAST)}
# Not in capitals, which begin codes such as AB 12.
_WORDS_BEFORE = "|".join(
    f"[{word[0]}{word[0].upper()}]{re.escape(word[1:])}" for word in (*_AT_MOST, *_AT_LEAST, *_ABOUT)
)
_BOUND, _NOTE = (
    rf"[<>\u2264\u2265~\u2248]=?|(?:{_WORDS_BEFORE})(?=\s|$)",
    r"\+|\*{1,3}|[\u2020\u2021\u00a7]{1,2}",
)
_MARK = f"{_BOUND}|{_NOTE}"
_NUMBER = re.compile(
    rf"(?:(?P<bound>{_BOUND})\s*)?(?:(?P<outside>{_AFFIX})\s*(?=\())?(?P<open>\()?\s*(?P<sign>[+{_MINUS}])?\s*(?P<before>{_AFFIX})?\s*"
    rf"(?P<inner>[{_MINUS}])?\s*(?P<digits>[0-9][0-9.,'\u2019 {_BLANKS}]*|[.,][0-9]+)"
    rf"(?P<power>[eE][+-]?[0-9]+)?(?P<whole>(?<=[.,])[\u2014{_MINUS}]{{1,2}}|/-)?"  # 5,- has no cents
    rf"\s*(?P<behind>{_AFFIX}|{_UNIT})?\s*(?P<last>{_AFFIX})?\s*(?P<minus>[{_MINUS}])?\s*(?P<close>\))?"
    rf"\s*(?P<after>(?<=\))%)?\s*(?P<note>{_NOTE})?"
)
_DENOMINATOR = re.compile(r"[\d.]+")
_BEFORE, _BEHIND = ("outside", "before", "last"), ("behind", "after")  # places of a currency, and of a unit
_MARKS = ("bound", "note")
# A postcode with the part behind it, and a number of a book.
_CODE = re.compile(r"(?P<digits>\d{4,})(?:-\d{3,4}|(?P<letter>[Xx]))", re.ASCII)
_ORDINALS = {"st", "nd", "rd", "th"}  # of few numbers, such as 1st and 2nd, they are names
# Other forms of the same characters: those as wide as a Chinese sign, and the digits of other scripts.
_WIDE = {0xFF00 + place: 0x20 + place for place in range(1, 0x5F)} | {0xFFE1: 0xA3, 0xFFE5: 0xA5}
_ASCII = (
    UNSEEN | _WIDE | DIGITS | {0x66A: "%", 0x66B: ".", 0x66C: ",", 0x3BC: "\u00b5"}
)  # the Greek letter is micro
_ASCII |= {0xBA: "\u00b0", 0x2DA: "\u00b0", 0x2103: "\u00b0C", 0x2109: "\u00b0F"}  # degrees
# A power of ten in words of its own: 1.2 x 10^5 and 1.2\u00d710\u2075.
_POWER = re.compile(
    "(?<=\\d)\\s?[x\u00d7*\u00b7]\\s?10(?:\\^|(?=[\u207b\u2070\u00b9\u00b2\u00b3\u2074-\u2079]))([-\u2212\u207b]?)([0-9\u2070\u00b9\u00b2\u00b3\u2074-\u2079]{1,3})"
)
_POINT = re.compile("(?<=\\d)\u00b7(?=\\d)")  # the decimal point of British journals
_SUPERSCRIPTS = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079", "0123456789")
LONGEST = 64  # characters in a number
MEASURED = 20  # so many different numbers are measurements, not bounds of classes
SUSPECTS = 100  # texts that show whether any number has several parts
SEVERAL = 10  # different numbers, of which few may have different marks
# The first group has no leading zero: 0,841 has a decimal comma.
_GROUPS = {"": r"\d+", ",": r"[1-9]\d{0,2}(?:,\d{2,3})*,\d{3}|\d+"} | {
    sign: rf"[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+|\d+" for sign in (".", "'", " ")
}
_STYLES = tuple((decimal, sign) for decimal in ".," for sign in ("", ",", ".", " ", "'") if decimal != sign)
_CORES = {
    style: re.compile(
        rf"(?:{_GROUPS[style[1]]})(?:{re.escape(style[0])}\d*)?|{re.escape(style[0])}\d+", re.ASCII
    )
    for style in _STYLES
}


class FoundNumbers(NamedTuple):
    """How the numbers of a column are written, and the counts of its other cells."""

    format: NumberFormat
    gaps: Mapping[str, int]


def find_numbers(
    counts: Mapping[str, int],
    decimal_comma: bool = False,
    signs: tuple[str | None, str | None] = (None, None),
    strict: bool = False,
    forced: bool = False,
) -> FoundNumbers | None:
    """How a column of text writes its numbers; None if it is not a column of numbers.

    In a column of numbers, all cells are numbers in one format and in one unit or currency, except for marks
    for missing values and a few other words: in few cells, or one or two words again and again among
    measurements, such as 'Varies with device'. Codes are not numbers; they are recognised by leading zeros.
    Numbers in several parts, such as 1h 30min, are read if the column has evidence for their notation.

    Args:
        counts: how often each text occurs, without empty cells.
        decimal_comma: whether the comma in 1,234 is likely to be a decimal comma, as in a file whose
            delimiter is not a comma.
        signs: the decimal and the thousands separator, where the user says them.
        strict: whether every cell must be a number.
        forced: whether the user says that these are numbers: there may be any number of other words, and
            leading zeros mean nothing.
    """
    settings = decimal_comma, signs, strict, forced
    found = _find_simple(counts, *settings)
    if found is not None and all(text.casefold() in NO_NUMBERS for text in found.gaps):
        return found
    suspects = list(counts if found is None else found.gaps)
    if not any(map(taken_apart, suspects[:: max(1, len(suspects) // SUSPECTS)])):
        return found  # as most columns of words
    notations = evident(counts, forced, lambda texts: _reader(_find_simple(texts, *settings)))
    composed = _find_composed(counts, notations, *settings) if notations else None
    if found is None or composed is None:
        return found or composed
    return min(found, composed, key=lambda one: sum(one.gaps.values()))


def may_be_number(text: str) -> bool:
    """Whether a text is a number in some format, without several parts."""
    stripped = text.strip()
    if stripped in MISSING or stripped.casefold() in NO_NUMBERS or _match(stripped) is None:
        return False
    return (
        _find_simple({text: 1}, decimal_comma=False, signs=(None, None), strict=False, forced=True)
        is not None
    )


def _reader(found: FoundNumbers | None) -> Callable[[str], float] | None:
    return partial(_read_simple, form=found.format) if found and not found.gaps else None


def _find_composed(
    counts: Mapping[str, int],
    notations: Collection[str],
    decimal_comma: bool,
    signs: tuple[str | None, str | None],
    strict: bool,
    forced: bool,
) -> FoundNumbers | None:
    """How a column writes its numbers, some of which have several parts in these notations."""
    simple = Counter[str]()
    for text, count in counts.items():
        composed = taken_apart(text.strip(), notations)
        for part in composed.texts if composed else (text,):
            simple[part] += count
    found = _find_simple(simple, decimal_comma, signs, strict, forced)
    if found is None:
        return None
    form = found.format._replace(notations=tuple(notations))
    gaps = Counter[str]()
    for text, count in counts.items():
        stripped = text.strip()
        if (stripped in MISSING and not strict) or _is_number(stripped, form):
            continue
        gaps[stripped] += count
    others = sum(count for text, count in gaps.items() if text.casefold() not in NO_NUMBERS)
    most = MOST_WORDS if sum(found.gaps.values()) == others and len(gaps) <= FEW_WORDS else MOST_OTHERS
    if (strict and gaps) or (not forced and others > most * sum(counts.values())):
        return None
    return FoundNumbers(form, dict(gaps))


def _find_simple(
    counts: Mapping[str, int],
    decimal_comma: bool,
    signs: tuple[str | None, str | None],
    strict: bool,
    forced: bool,
) -> FoundNumbers | None:
    """The same for numbers that do not have several parts."""
    parts, gaps, words = {}, Counter[str](), Counter[str]()
    rows = sum(counts.values())
    for text, count in counts.items():
        stripped = text.strip()
        if stripped in MISSING and not strict:
            continue
        mark = stripped.casefold() in NO_NUMBERS
        match = None if mark else _match(stripped)
        if match is not None:
            parts[text] = match
            continue
        gaps[stripped] += count
        if not mark:
            words[stripped] += count
            most = MOST_OTHERS if len(words) > FEW_WORDS else MOST_WORDS
            if (
                not forced and words.total() > most * rows
            ):  # as in most columns of words, after a few of their texts
                return None
    if not parts:
        return None
    if not forced and _are_grades(parts.values()):
        return None
    if not forced and (_are_addresses(parts.values()) or _are_codes(parts, words)):
        return None
    decimal_comma = decimal_comma or _are_scientific(parts.values())
    style = _style([_digits(match) for match in parts.values()], decimal_comma, signs)
    form = NumberFormat(*style, *_units(parts, counts, style))
    form = form._replace(affixes=form.affixes + _marks(parts, counts, form))
    numbers, others = 0, words.total()
    signed_powers = any(re.search(r"\.|[eE][-+]", match[0]) for match in parts.values())
    for text, match in parts.items():
        if not forced and (re.match(r"0\d", _digits(match)) or (match["power"] and not signed_powers)):
            return None  # 007 is a code, and so is 12E3
        try:
            _value_of(match, text.strip(), form)
            numbers += counts[text]
        except ValueError:
            gaps[text.strip()] += counts[text]
            others += counts[text]
            if not forced and others > max(MOST_OTHERS, MOST_WORDS) * rows:  # as in most columns of dates
                return None
    marks = sum(count for text, count in gaps.items() if text.casefold() in NO_NUMBERS)
    others = sum(gaps.values()) - marks
    whole = numbers + marks + others
    if not numbers or (strict and gaps):
        return None
    # Whole numbers may be names, as those of floors and models are.
    measured = len(parts) >= MEASURED and not all(text.strip().isdecimal() for text in parts)
    repeated = len(words) <= FEW_WORDS and others == words.total()
    most = MOST_WORDS if measured and repeated else MOST_OTHERS
    if not forced and (marks > MOST_GAPS * whole or others > most * whole):
        return None
    return FoundNumbers(form, dict(gaps))


def read_number(text: str, form: NumberFormat = PLAIN) -> float:
    """The number that a text contains.

    Raises:
        ValueError: if it is not a finite number in this format.
    """
    text = text.strip()
    composed = taken_apart(text, form.notations) if form.notations else None
    if composed is None:
        return _read_simple(text, form)
    parts = [_read_simple(part, form) for part in composed.texts]
    return math.fsum(part * weight for part, weight in zip(parts, composed.weights, strict=True))


def _read_simple(text: str, form: NumberFormat) -> float:
    return _value_of(_match(text), text, form)


def _value_of(match: re.Match[str] | None, text: str, form: NumberFormat) -> float:
    """The number that a text contains, of which `_match` found this."""
    if match is None or (match["open"] is None) != (match["close"] is None):
        raise ValueError(f"{shown(text)} is not a number.")
    digits = _digits(match)
    known = {match[place] for place in (*_BEFORE, *_BEHIND, *_MARKS)} - {None} <= set(form.affixes)
    if not known or not _CORES[form.decimal, form.thousands].fullmatch(digits):
        raise ValueError(f"{shown(text)} is not a number.")
    if form.thousands:
        digits = digits.replace(form.thousands, "")
    value = float(digits.replace(form.decimal, ".") + (match["power"] or ""))
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


def _is_number(text: str, form: NumberFormat) -> bool:
    try:
        read_number(text, form)
    except ValueError:
        return False
    return True


def unit_of(text: str) -> str:
    """The unit behind the number that a text contains, empty if there is none."""
    match = _match(text.strip())
    return (match and (match["behind"] or match["after"])) or ""


def marks_of(form: NumberFormat) -> list[str]:
    """The marks of a format, such as `<`, that stand beside numbers and do not change them."""
    return [affix for affix in form.affixes if re.fullmatch(_MARK, affix)]


def may_stand_before(affix: str) -> bool:
    """Whether a unit or currency is one that people also write before a number."""
    return re.fullmatch(_AFFIX, affix) is not None


def is_plain(text: str) -> bool:
    """Whether a text is a number without any format of its own."""
    if "_" in text or not text.isascii():
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def written(number: float, form: NumberFormat) -> str:
    """A number as a cell of a column; reading the cell returns the same number."""
    return repr(number).replace(".", form.decimal)


def _side(bound: str | None) -> str | None:
    """Whether a bound is one from above or from below; None if it is neither."""
    start = (bound or "").rstrip("=").casefold()
    return next((side for side, signs in _SIDES.items() if start in signs), None)


def _are_grades(matches: Iterable[re.Match[str]]) -> bool:
    """Whether a minus behind a number is a mark like the plus behind others: 1+, 2 and 2-."""
    ends = {match["note"] or (match["minus"] and "-") for match in matches}
    return {"+", "-"} <= ends


def _are_addresses(matches: Collection[re.Match[str]]) -> bool:
    """Whether all texts are four bytes, as in 192.168.100.101, and not thousands of thousands."""
    return all(match["digits"].count(".") == 3 and match["digits"] == match[0] for match in matches) and all(
        byte.isdecimal() and int(byte) < 256 for match in matches for byte in match["digits"].split(".")
    )


def _are_codes(texts: Iterable[str], others: Iterable[str]) -> bool:
    """Whether whole numbers of one length stand beside codes: 90210-1234 beside 90210, 190002700X."""
    pattern = None
    for other in others:
        pattern = pattern or _CODE.fullmatch(other)
    if pattern is None:
        return False
    width = len(pattern["digits"]) + bool(pattern["letter"])
    return all(len(text.strip()) == width and text.strip().isdecimal() for text in texts)


def _are_scientific(matches: Iterable[re.Match[str]]) -> bool:
    """Whether one digit stands before each comma, and a power of ten behind, as in 1,234E+03."""
    written = [(match["digits"], match["power"]) for match in matches if "," in match["digits"]]
    return bool(written) and all(power and re.fullmatch(r"\d,\d+", digits) for digits, power in written)


def _match(text: str) -> re.Match[str] | None:
    if len(text) > LONGEST:
        return None
    text = text if text.isascii() else text.translate(_ASCII).strip()
    text = _POINT.sub(".", text) if "\u00b7" in text else text
    return _NUMBER.fullmatch(_POWER.sub(_exponent, text) if "10" in text else text)


def _exponent(power: re.Match[str]) -> str:
    return f"e{'-' if power[1] else ''}{power[2].translate(_SUPERSCRIPTS)}"


def _digits(match: re.Match[str]) -> str:
    digits = match["digits"].rstrip()
    if digits.isascii():
        return digits
    for blank in _BLANKS:
        digits = digits.replace(blank, " ")
    return digits.replace("\u2019", "'")


def _style(digits: list[str], decimal_comma: bool, signs: tuple[str | None, str | None]) -> tuple[str, str]:
    """The decimal and thousands separators that fit the most numbers; if several tie, the likeliest."""
    known = [
        style for style in _STYLES if all(sign in (None, one) for sign, one in zip(signs, style, strict=True))
    ]
    order = sorted(known, key=lambda style: (style[0] != ",") == decimal_comma)
    if not decimal_comma:  # the comma in 1,234 is taken for a thousands separator first
        order = sorted(known, key=lambda style: (style[0] != ".", bool(style[1])))
    plain = (".", "")
    if (plain in order and all(map(_CORES[plain].fullmatch, digits))) or all(map(str.isdecimal, digits)):
        return plain
    fits = dict[tuple[str, str], int]()
    for style in order:
        fits[style] = sum(map(bool, map(_CORES[style].fullmatch, digits)))
        if fits[style] == len(digits):  # the first one of those that fit most
            break
    return max(fits, key=lambda style: fits[style])


def _units(
    parts: Mapping[str, re.Match[str]], counts: Mapping[str, int], style: tuple[str, str]
) -> tuple[tuple[str, ...], tuple[tuple[str, float], ...], tuple[tuple[str, float], ...]]:
    """The most frequent currency and unit, or several units that can be converted, and how they are.

    Cells with any other are not numbers.
    """
    currencies, found = Counter[str](), Counter[str]()
    sizes, with_fractions = dict[str, list[float]](), set[str]()
    for text, match in parts.items():
        for place in _BEFORE:
            if match[place]:
                currencies[match[place]] += counts[text]
        unit = match["behind"] or match["after"] or ""
        found[unit] += counts[text]
        digits = _digits(match)
        if _CORES[style].fullmatch(digits):
            plain = digits.replace(style[1], "") if style[1] else digits
            sizes.setdefault(unit, []).append(float(plain.replace(style[0], ".")))
            if style[0] in digits:
                with_fractions.add(unit)
    filled = {unit: [one for one in some if one] for unit, some in sizes.items()}
    extents = {unit: (min(some), max(some)) for unit, some in filled.items() if some}
    scales, offsets = conversions(Units(found, extents, with_fractions), money=bool(currencies))
    if len(parts) >= MEASURED and set(found) <= _ORDINALS:
        scales = dict.fromkeys(found, 1.0)
    known = Counter(
        {
            unit: count
            for unit, count in found.items()
            if unit and may_be_unit(unit, bool(found[""])) and _is_within(unit, extents)
        }
    )
    behind = scales or [unit for unit, _ in known.most_common(1)]
    before = [currency for currency, _ in currencies.most_common(1)]
    return tuple(dict.fromkeys([*before, *behind])), tuple(scales.items()), tuple(offsets.items())


def _is_within(unit: str, extents: Mapping[str, tuple[float, float]]) -> bool:
    """Whether no number is greater than what it is out of, as in 4/5; true of all other units."""
    if not re.fullmatch(_OUT_OF, unit):
        return True
    most = _DENOMINATOR.search(unit)
    return most is None or extents.get(unit, (0.0, 0.0))[1] <= float(most[0])


def _marks(
    parts: Mapping[str, re.Match[str]], counts: Mapping[str, int], form: NumberFormat
) -> tuple[str, ...]:
    """The marks beside numbers, such as `<` of a limit of detection, if they may be left out.

    They may if no number stands with different marks, but for few cells, or if the marks are rare among
    measurements: of `<=50K` and `>50K`, the marks are what counts.
    """
    marked = {text: (match["bound"], match["note"]) for text, match in parts.items()}
    found = tuple(dict.fromkeys(mark for marks in marked.values() for mark in marks if mark))
    if not found:
        return ()
    numbers: dict[float, Counter[tuple[str | None, str | None]]] = {}
    bare = set()
    for text, marks in marked.items():
        try:
            number = read_number(text, form._replace(affixes=form.affixes + found))
        except ValueError:
            continue
        numbers.setdefault(number, Counter())[marks] += counts[text]
        if marks == (None, None):
            bare.add(text)
    rows = sum(counts[text] for text in parts)
    measured = len(bare) >= MEASURED and 2 * sum(counts[text] for text in bare) >= rows
    lost = sum(marks.total() - max(marks.values()) for marks in numbers.values())
    if not bare and len({_side(match["bound"]) for match in parts.values()} - {None}) > 1:
        return ()  # <30 and >60 are classes
    few = len(numbers) >= SEVERAL and lost <= MOST_OTHERS * rows
    return found if measured or few or not lost else ()
