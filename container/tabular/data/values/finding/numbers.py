"""How a column writes its numbers, by the evidence of all its texts."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from tabular.data.values.cells import (
    FEW_WORDS,
    MARKS,
    MISSING,
    MOST_GAPS,
    MOST_OTHERS,
    MOST_WORDS,
    NO_NUMBERS,
)
from tabular.data.values.composed.kinds import CLOCK, FRACTION, UNITS
from tabular.data.values.composed.parts import taken_apart
from tabular.data.values.composed.remarks import BRACKETED
from tabular.data.values.composed.times import ERAS
from tabular.data.values.finding.affixes import MEASURED, are_doubtful, marks_beside, units_of
from tabular.data.values.finding.notations import evident
from tabular.data.values.number_words import DOUBTFUL
from tabular.data.values.numbers import (
    CORES,
    CURRENCY_PLACES,
    STYLES,
    digits_of,
    is_number,
    matched,
    read_simple,
    value_of,
)
from tabular.spec.columns import NumberFormat

__all__ = [
    "FEWEST_UNGROUPED",
    "FoundNumbers",
    "find_numbers",
    "may_be_number",
    "points_group",
    "telling_digits",
]

# A postcode with the part after it, and a number of a book.
_CODE = re.compile(r"(?P<digits>\d{4,})(?:-\d{3,4}|(?P<letter>[Xx]))", re.ASCII)
_LETTER_CODE = re.compile(r"[A-Z]\d{2,}(?:\.\d+)?", re.ASCII)  # V57 beside 250.83, as diagnoses have it
_AGE = re.compile(r"\d{3}[DWMY]", re.ASCII)  # as DICOM writes it
_ANSWERS = NO_NUMBERS - MARKS  # words that explain why a number is missing
_MINUS_BEHIND = re.compile(r"\d-\s*\Z")
SUSPECTS = 100  # texts that show whether any number has several parts
# Numbers of which each point may separate thousands, and how many with and without points show that it does.
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+", re.ASCII)
_UNGROUPED = re.compile(r"0|[1-9]\d{0,2}", re.ASCII)
FEWEST_GROUPED, FEWEST_UNGROUPED = 20, 3
MANY = 100  # different whole numbers


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
    bound = None if found is None else _bound(counts)
    apart = found is not None and (any(map(ERAS.fullmatch, found.format.affixes)) or _are_bracketed(counts))
    apart = apart or bound is not None
    if found is not None and not apart and all(text.casefold() in NO_NUMBERS for text in found.gaps):
        return found
    suspects = [bound] if bound else list(counts if found is None or apart else found.gaps)
    if not any(map(taken_apart, suspects[:: max(1, len(suspects) // SUSPECTS)])):
        return found  # as most columns of words
    notations = evident(counts, forced, lambda texts: _reader(_find_simple(texts, *settings)))
    composed = _find_composed(counts, notations, *settings) if notations else None
    if found is None or composed is None or apart:
        return composed or found
    return min(found, composed, key=lambda one: sum(one.gaps.values()))


def may_be_number(text: str) -> bool:
    """Whether a text is a number in some format, without several parts."""
    stripped = text.strip()
    if stripped in MISSING or stripped.casefold() in NO_NUMBERS or (match := matched(stripped)) is None:
        return False
    if match["before"] and match["digits"].isdecimal() and re.fullmatch(DOUBTFUL, match["before"]):
        return False  # Q42
    return (
        _find_simple({text: 1}, decimal_comma=False, signs=(None, None), strict=False, forced=True)
        is not None
    )


def points_group(digits: Iterable[str], fewest: int = FEWEST_UNGROUPED) -> bool:
    """Whether the points of a column separate thousands, by the evidence of its numbers alone: 4.404 and 950.

    Decimals that are cut at the third one end with fewer where there is a zero, and those that are filled up
    follow each number. So three digits after each point, beside several numbers below a thousand
    without one, are thousands.

    Args:
        digits: the digits and separators of each different number.
        fewest: how many different numbers without a point show it.
    """
    grouped, ungrouped = set[str](), set[str]()
    for one in digits:
        if _GROUPED.fullmatch(one):
            grouped.add(one)
        elif _UNGROUPED.fullmatch(one):
            ungrouped.add(one)
        else:
            return False
    return len(grouped) >= FEWEST_GROUPED and len(ungrouped - {"0"}) >= fewest


def telling_digits(matches: Collection[re.Match[str]]) -> list[str]:
    """The digits that say what points mean: 500 g says nothing about 1.250 kg, as it does about 1.250 g."""
    written = [(match["behind"] or match["after"], digits_of(match)) for match in matches]
    pointed = {unit for unit, digits in written if "." in digits}
    return [digits for unit, digits in written if unit in pointed or not _UNGROUPED.fullmatch(digits)]


def _fewest_ungrouped(matches: Iterable[re.Match[str]]) -> int:
    """How many numbers without a point show that those of others separate thousands.

    One does with a unit or a currency: bare ones may be marks for a missing value beside decimals.
    """
    bare = not all(match["behind"] or any(match[place] for place in CURRENCY_PLACES) for match in matches)
    return FEWEST_UNGROUPED if bare else 1


def _bound(counts: Mapping[str, int]) -> str | None:
    """The only text with a minus behind it, if it is repeated, since it may be the least that is told."""
    behind = [text for text in counts if "-" in text and _MINUS_BEHIND.search(text)]
    return behind[0].strip() if len(behind) == 1 and counts[behind[0]] > 1 else None


def _are_bracketed(texts: Iterable[str]) -> bool:
    """Whether whole numbers are in brackets, each of them, so that these are not minus signs."""
    stripped = (text.strip() for text in texts)
    return all(BRACKETED.fullmatch(text) for text in stripped if text.casefold() not in NO_NUMBERS)


def _reader(found: FoundNumbers | None) -> Callable[[str], float] | None:
    return partial(read_simple, form=found.format) if found and not found.gaps else None


def _find_composed(
    counts: Mapping[str, int],
    notations: Collection[str],
    decimal_comma: bool,
    signs: tuple[str | None, str | None],
    strict: bool,
    forced: bool,
) -> FoundNumbers | None:
    """How a column writes its numbers, some of which have several parts in these notations."""
    if signs == (None, None) and (CLOCK in notations or _have_seconds(counts, notations)):
        signs = None, ""  # 1:28.862 has the parts of a second
    simple = Counter[str]()
    for text, count in counts.items():
        composed = taken_apart(text.strip(), notations)
        for part in composed.texts if composed else (text,):
            simple[part] += count
    found = _find_simple(simple, decimal_comma, signs, strict, forced, sure=FRACTION in notations)
    if found is None:
        return None
    form = found.format._replace(notations=tuple(notations))
    gaps = Counter[str]()
    for text, count in counts.items():
        stripped = text.strip()
        if (stripped in MISSING and not strict) or is_number(stripped, form):
            continue
        gaps[stripped] += count
    others = sum(count for text, count in gaps.items() if text.casefold() not in NO_NUMBERS)
    most = MOST_WORDS if sum(found.gaps.values()) == others and len(gaps) <= FEW_WORDS else MOST_OTHERS
    if (strict and gaps) or (not forced and others > most * sum(counts.values())):
        return None
    return FoundNumbers(form, dict(gaps))


def _have_seconds(texts: Iterable[str], notations: Collection[str]) -> bool:
    """Whether some durations in several units end with seconds, as in 1m58s beside 7.087s."""
    taken = (taken_apart(text.strip(), (UNITS,)) for text in texts) if UNITS in notations else ()
    return any(one.texts[-1].endswith(" s") for one in taken if one and len(one.texts) > 1)


def _find_simple(
    counts: Mapping[str, int],
    decimal_comma: bool,
    signs: tuple[str | None, str | None],
    strict: bool,
    forced: bool,
    sure: bool = False,
) -> FoundNumbers | None:
    """The same for numbers that do not have several parts.

    If they are `sure`, they are not codes, whatever stands before them.
    """
    parts, gaps, words = {}, Counter[str](), Counter[str]()
    rows = sum(counts.values())
    for text, count in counts.items():
        stripped = text.strip()
        if stripped in MISSING and not strict:
            continue
        mark = stripped.casefold() in NO_NUMBERS
        match = None if mark else matched(stripped)
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
    digits = [digits_of(match) for match in parts.values()]
    grouped = signs == (None, None) and points_group(
        telling_digits(parts.values()), fewest=_fewest_ungrouped(parts.values())
    )
    style = (",", ".") if grouped else _style(digits, decimal_comma, signs)
    if not (forced or sure) and are_doubtful(parts, counts, style):
        return None
    form = NumberFormat(*style, *units_of(parts, counts, style, forced))
    form = form._replace(affixes=form.affixes + marks_beside(parts, counts, form, forced))
    if not forced and words and len(set(digits)) == 1:
        return None  # one number is a level among others: 0, a, b and c
    numbers, others = 0, words.total()
    zeros_lead = forced or all(map(_AGE.fullmatch, map(str.strip, parts)))
    signed_powers = any(re.search(r"\.|[dDeE][-+]", match[0]) for match in parts.values())
    for text, match in parts.items():
        if not zeros_lead and re.match(r"0\d", digits_of(match)):
            return None  # 007 is a code
        if not forced and match["power"] and not signed_powers:
            return None  # and so is 12E3
        try:
            value_of(match, text.strip(), form)
            numbers += counts[text]
        except ValueError:
            gaps[text.strip()] += counts[text]
            others += counts[text]
            if not forced and others > max(MOST_OTHERS, MOST_WORDS) * rows:  # as in most columns of dates
                return None
    marks = sum(count for text, count in gaps.items() if text.casefold() in NO_NUMBERS)
    others = sum(gaps.values()) - marks
    whole = numbers + marks + others
    if len(parts) >= MEASURED:  # marks that say nothing else may be as many as empty cells
        marks = sum(count for text, count in gaps.items() if text.casefold() in _ANSWERS)
    if not numbers or (strict and gaps):
        return None
    # Whole numbers may be names, as those of floors and models are, but hardly so many of several lengths.
    counted = all(text.strip().isdecimal() for text in parts)
    measured = len(parts) >= MEASURED and (not counted or _are_many(parts, words))
    repeated = len(words) <= FEW_WORDS and others == words.total()
    most = MOST_WORDS if measured and repeated else MOST_OTHERS
    if not forced and (marks > MOST_GAPS * whole or others > most * whole):
        return None
    return FoundNumbers(form, dict(gaps))


def _are_many(numbers: Collection[str], words: Mapping[str, int]) -> bool:
    """Whether many whole numbers of several lengths stand beside words that are repeated and no codes."""
    lengths = {len(number.strip()) for number in numbers}
    texts = all(len(word) > 1 and not any(map(str.isdigit, word)) for word in words)
    return len(numbers) >= MANY and len(lengths) > 1 and texts and min(words.values(), default=0) > 1


def _are_grades(matches: Iterable[re.Match[str]]) -> bool:
    """Whether a minus after a number is a mark like the plus after others: 1+, 2 and 2-."""
    ends = {match["note"] or (match["minus"] and "-") for match in matches}
    return {"+", "-"} <= ends


def _are_addresses(matches: Collection[re.Match[str]]) -> bool:
    """Whether all texts are four bytes, as in 192.168.100.101, and not thousands of thousands."""
    return all(match["digits"].count(".") == 3 and match["digits"] == match[0] for match in matches) and all(
        byte.isdecimal() and int(byte) < 256 for match in matches for byte in match["digits"].split(".")
    )


def _are_codes(texts: Iterable[str], others: Iterable[str]) -> bool:
    """Whether numbers stand beside codes: V57, or whole ones of one length 90210-1234 or 190002700X."""
    others = set(others)
    if len(others) > 1 and all(map(_LETTER_CODE.fullmatch, others)):
        return True
    pattern = None
    for other in others:
        pattern = pattern or _CODE.fullmatch(other)
    if pattern is None:
        return False
    width = len(pattern["digits"]) + bool(pattern["letter"])
    return all(len(text.strip()) == width and text.strip().isdecimal() for text in texts)


def _are_scientific(matches: Iterable[re.Match[str]]) -> bool:
    """Whether one digit is before each comma, and a power of ten at the end, as in 1,234E+03."""
    written = [(match["digits"], match["power"]) for match in matches if "," in match["digits"]]
    return bool(written) and all(power and re.fullmatch(r"\d,\d+", digits) for digits, power in written)


def _style(digits: list[str], decimal_comma: bool, signs: tuple[str | None, str | None]) -> tuple[str, str]:
    """The decimal and thousands separators that fit the most numbers; if several tie, the likeliest."""
    known = [
        style for style in STYLES if all(sign in (None, one) for sign, one in zip(signs, style, strict=True))
    ]
    order = sorted(known, key=lambda style: (style[0] != ",") == decimal_comma)
    if not decimal_comma:  # the comma in 1,234 is taken for a thousands separator first
        order = sorted(known, key=lambda style: (style[0] != ".", bool(style[1])))
    plain = (".", "")
    if (plain in order and all(map(CORES[plain].fullmatch, digits))) or all(map(str.isdecimal, digits)):
        return plain
    fits = dict[tuple[str, str], int]()
    for style in order:
        fits[style] = sum(map(bool, map(CORES[style].fullmatch, digits)))
        if fits[style] == len(digits):  # the first one of those that fit most
            break
    return max(fits, key=lambda style: fits[style])
