"""Units that people mix within a column, such as g and kg, and by how much they differ."""

import re
from collections.abc import Collection, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple

from tabular.data.values.finding import measures
from tabular.data.values.number_words import CURRENCIES, CURRENCY_CODE

__all__ = ["Units", "are_units", "conversions", "may_be_unit"]

# A word for thousands or millions, and what is counted; of letters, only those that begin no other currency.
_COUNT_OF = re.compile(
    rf"(?P<word>[^\W\d_]{{2,12}}\.?|[kKMB]) (?P<thing>.+)"
    rf"|(?P<letter>k|K|M|Md|Mrd|Mio)(?P<sign>[{CURRENCIES}])"
)
# Letters that also end codes, such as the house 14b, the seat 14A and the size 2T.
_LETTERS = frozenset(["M", "MM", "B", "b", "T", "w", "y", "A", "F", "V"])
_MILLIONS = frozenset(["M", "MM", "B"])  # with decimals, these are hardly codes; 2.0T is an engine
# Millions or something else, unless a currency or a word for thousands is in the column.
_AMBIGUOUS = _LETTERS | {"m", "t", "tn", "L", "mi", "bi", "bin", "mil", "Md", "Mds"}
FAR = 10.0  # times; numbers of one measure are hardly so far apart, with nothing between them
THOUSAND = 1000.0
# Bare numbers up to the first beside percents over the second are fractions.
PARTS_OF_ONE, PERCENTS = 1.0, 10.0


class Units(NamedTuple):
    """What is known about the units of a column's numbers; an empty one stands for bare numbers.

    `counts` says how often each occurs, `extents` the smallest and the largest of its numbers without their
    signs, zeros left out, and `with_fractions` which have numbers with decimals.
    """

    counts: Mapping[str, int]
    extents: Mapping[str, tuple[float, float]] = MappingProxyType({})
    with_fractions: Collection[str] = ()


class Conversions(NamedTuple):
    """By how much the numbers with each unit are multiplied, and what is then added; empty if by nothing."""

    scales: Mapping[str, float] = MappingProxyType({})
    offsets: Mapping[str, float] = MappingProxyType({})


def conversions(units: Units, money: bool = False) -> Conversions:
    """How the numbers with each unit are converted; not at all if all have the same unit.

    The unit of the result is the most frequent one, or the bare number if the units are percents, or words
    for thousands and millions. If a unit does not belong to the others, none can be converted.

    Args:
        units: those of the column.
        money: whether numbers have a currency, so that `M` means millions.
    """
    given = [unit for unit in units.counts if unit]
    usual = max(given, key=lambda unit: units.counts[unit], default="")
    if len(given) > 1 and set(given) <= set(measures.TEMPERATURES):
        return _temperatures({unit: unit for unit in given}, usual)
    if set(given) == set(measures.DEGREES) <= set(units.with_fractions) and not units.counts.get(""):
        return _temperatures(measures.DEGREES, usual)  # with decimals, 38.9C and 97.6F are not seats
    if given == ["%"] and _are_fractions(units):
        return Conversions({"%": 0.01})
    if money and len(given) == 1 and given[0] in measures.HUNDREDTHS and units.counts.get(""):
        return Conversions({given[0]: 0.01})
    family = _family(given, units, money) or _of_one_thing(given)
    if not family and (one := _singular(given)):
        return Conversions({one: 1.0, f"{one}s": 1.0})
    if not family:
        return Conversions()
    whole = "" if "" in family else usual
    return Conversions(
        {unit: float(Fraction(str(family[unit])) / Fraction(str(family[whole]))) for unit in given}
    )


def may_be_unit(unit: str, bare: bool) -> bool:
    """Whether numbers with this unit and bare ones may be of one measure, unlike 14, 14A and 860xx."""
    if len(unit) > 1 and not unit.strip("xX"):
        return False  # digits that are not shown
    letter = len(unit) == 1 and unit.isascii() and unit.isalpha()
    code = unit in _LETTERS or (letter and not any(unit in family for family in measures.FAMILIES))
    return not (bare and code)


def are_units(texts: Collection[str]) -> bool:
    """Whether texts without numbers are units of one measure, such as kg and lb, or codes of currencies.

    Letters alone, such as S, M and L, may be anything, and words for a time may be those of a subscription.
    """
    if len(texts) < 2 or all(len(text) < 2 for text in texts):
        return False
    if all(map(CURRENCY_CODE.fullmatch, texts)) or all(map(measures.CONCENTRATION.fullmatch, texts)):
        return True
    names = {text.casefold().strip() for text in texts}
    vague = (measures.TIMES, measures.COUNTS)
    known = (family for family in measures.FAMILIES if not any(family is one for one in vague))
    given = set(texts)
    return any(given <= one.keys() for one in known) or any(names <= one for one in measures.NAMES)


def _singular(units: Collection[str]) -> str | None:
    """The word of which the other is the plural, as in 1 bed and 2 beds; None if these are not two such."""
    return next((one for one in units if {one, f"{one}s"} == set(units)), None) if len(units) == 2 else None


def _temperatures(units: Mapping[str, str], usual: str) -> Conversions:
    """How degrees are converted; the usual names by those that they are written with."""
    known = {unit: measures.TEMPERATURES[name] for unit, name in units.items()}
    size, zero = known[usual]
    return Conversions(
        {unit: one / size for unit, (one, _) in known.items()},
        {unit: (start - zero) / size for unit, (_, start) in known.items() if start != zero},
    )


def _are_fractions(units: Units) -> bool:
    """Whether the bare numbers beside percents are what Excel keeps of a percent: 0.43 beside 61%."""
    bare, percents = units.extents.get(""), units.extents.get("%")
    return bool(bare and percents) and bare[1] <= PARTS_OF_ONE and percents[1] >= PERCENTS


def _family(given: Collection[str], units: Units, money: bool) -> Mapping[str, float] | None:
    """The family of all units; if there is only one, it must mean thousands or millions."""
    bare = bool(units.counts.get(""))
    if not given or (len(given) == 1 and not bare and not money):
        return None
    families = (measures.COUNTS,) if len(given) == 1 else measures.FAMILIES
    family = next((family for family in families if set(given) <= set(family)), None)
    has_mil = {"mil", "mil."} & set(given) and measures.TELLING_MIL & set(given)
    if has_mil and set(given) <= set(measures.WITH_MIL):
        family = measures.WITH_MIL
    if len(given) > 1 and (local := _of_thousands(given, units)):
        return local
    if family is None and len(given) > 1:
        family = _of_letters(given)
    if family is measures.COUNTS and bare and not all(_are_counts(unit, units) for unit in given):
        return None
    # Sizes and codes such as 6M and 14B have no decimals.
    written = set(given) & _MILLIONS & set(units.with_fractions)
    if family is measures.COUNTS and not (money or written) and set(given) <= _AMBIGUOUS:
        return None
    return family


def _of_one_thing(given: Collection[str]) -> Mapping[str, float] | None:
    """The values of units that say how many of one thing, such as k\u20ac and M\u20ac; None if they do not.

    Some may stand without such a word.
    """
    parts = {unit: _COUNT_OF.fullmatch(unit) for unit in given}
    counts = {unit: (found["word"] or found["letter"]) for unit, found in parts.items() if found}
    things = {found["thing"] or found["sign"] for found in parts.values() if found}
    things |= {unit for unit in given if unit not in counts}
    if len(given) < 2 or not counts or len(things) != 1:
        return None
    words = set(counts.values())
    with_mil = words & measures.TELLING_MIL and words <= set(measures.WITH_MIL)
    family = measures.WITH_MIL if with_mil else measures.COUNTS
    if not words <= set(family):
        return None
    return {"": 1.0} | {unit: family[counts.get(unit, "")] for unit in given}


def _of_letters(units: Collection[str]) -> Mapping[str, float] | None:
    """The family of letters for times, if another letter says what the m is: 6m and 2y, 30m and 4h."""
    for family, telling in (
        (measures.WITH_MINUTES, {"h", "s"}),
        (measures.WITH_MONTHS, {"y"}),
        (measures.AGES, {"Y"}),
        (measures.WITH_GIGABYTES, {"G"}),
    ):
        if set(units) <= set(family) and telling & set(units):
            return family
    return None


def _of_thousands(given: Collection[str], units: Units) -> Mapping[str, float] | None:
    """The family in which a letter means thousands, if bare numbers go up to a thousand and others go on.

    Where 697 and 49,5 t stand beside 2,9 mio., nothing else would be between a thousand and a million.
    """
    family = next(
        (
            words
            for letter, words in measures.TELLING_THOUSANDS.items()
            if {letter} < set(given) <= set(words)
        ),
        None,
    )
    bare = units.extents.get("")
    return family if bare and bare[1] < THOUSAND else None


def _are_counts(unit: str, units: Units) -> bool:
    """Whether a letter beside bare numbers multiplies: 1.2K and 950 are counts, 273 K and 280 are kelvins.

    Numbers that are alike as they are written, and far apart if those with the letter are multiplied, have
    one unit, which only some of them name.
    """
    if "" not in units.extents or unit not in units.extents or not unit.isascii():  # a word of East Asia
        return True
    (low, high), (least, most) = units.extents[""], units.extents[unit]
    alike = max(high, most) <= FAR * min(low, least)
    return not (alike and least * measures.COUNTS[unit] > FAR * high)
