"""Units that people mix within a column, such as g and kg, and by how much they differ."""

import re
from collections.abc import Collection, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple

from tabular.data.values.number_words import CURRENCIES, CURRENCY_CODE

__all__ = ["Units", "are_units", "conversions", "may_be_unit"]

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


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


def _spelled(**spellings: float) -> dict[str, float]:
    """Each unit also in the plural and as the start of a sentence has it."""
    forms = dict(spellings)
    forms |= {f"{word}s": value for word, value in spellings.items()}
    return forms | {word.capitalize(): value for word, value in forms.items()}


def _words(value: float, words: str) -> dict[str, float]:
    return dict.fromkeys(words.split(), value)


def _per_volume(amounts: Mapping[str, float]) -> dict[str, float]:
    """These amounts in each volume of blood or water, as laboratories write them: mg/dL."""
    volumes = {"uL": 1e-6, "\u00b5L": 1e-6, "mL": 1e-3, "ml": 1e-3, "dL": 0.1, "dl": 0.1, "L": 1.0, "l": 1.0}
    return {
        f"{amount}/{volume}": value / size
        for amount, value in amounts.items()
        for volume, size in volumes.items()
    }


# In each family, the value of a unit in the same measure. The first family that has all of a column's units
# is meant. Inches and pounds are exact by definition (NIST SP 811, appendix B).
_MYRIADS = _words(1e4, "万 萬 만") | _words(1e8, "亿 億 억") | _words(1e12, "兆 조")
_TENS = {"": 1.0} | _words(10.0, "十 십") | _words(100.0, "百 백") | _words(1e3, "千 천")
_EAST_ASIAN = {
    ten + word: ten_is * value for ten, ten_is in _TENS.items() for word, value in _MYRIADS.items()
}
_EAST_ASIAN |= _words(1e3, "千 천")
# What follows such a word: yuan, yen and won, people, things, times and shares.
_COUNTED = "円元원圆圓人名명件건台대個个개次回회股株주"
_THOUSANDS = (
    "k K Tsd Tsd. Tausend Th. thousand Thousand thousands Thousands milliers mille mila duizend tusen "
    "tuhatta tys tys. tysięcy tis tis. ezer bin mil rb ribu nghìn ngàn "
    "тыс тыс. тысяч тис тис. хил. хиляди χιλ. χιλιάδες ألف آلاف هزار אלף"
)
_MANY_THOUSANDS = (
    "m M mn Mn mln mln. mio mio. Mio Mio. million Million millions Millions MM Millionen miljoen miljoner "
    "miljoonaa milj. millones Millones millón milhões milhão mi milioni milione millió miliony milion "
    "milionów milionů miliónů milioane milyon jt juta triệu "
    "млн млн. миллион миллиона миллионов мільйонів милиона εκατ. εκατομμύρια مليون میلیون מיליון"
)
_THOUSANDS_OF_MILLIONS = (
    "b B bn Bn bln billion Billion billions Billions Mrd Mrd. mrd mrd. Milliarden mdr mdr. Md Mds milliard "
    "milliards mld mld. miljard miljarder miljardia milliárd bilhões bilhão bi miliardi miliardo miliard "
    "miliardy miliardów miliarde milyar miliar tỷ tỉ "
    "млрд млрд. миллиард миллиарда миллиардов мільярдів милиарда δισ. δισεκατομμύρια مليار میلیارد מיליארד"
)
_COUNTS: Mapping[str, float] = MappingProxyType(
    {"": 1.0}
    | _EAST_ASIAN
    | _words(1e3, _THOUSANDS)
    | _words(1e6, _MANY_THOUSANDS)
    | _words(1e9, _THOUSANDS_OF_MILLIONS)
    | _words(1e12, "t T tn trillion Trillion trillions Trillions trilyon triliun трлн трлн.")
    | _words(1e5, "lakh Lakh Lakhs lakhs Lac lac Lacs lacs L")
    | _words(1e7, "crore Crore Crores crores Cr cr Cr.")
)
# Where another word is one of these, mil means millions; in Spain and Portugal it means thousands.
_TELLING_MIL = frozenset(["tis", "tis.", "mii", "mld", "mld.", "miliarde", "miliard"])
_WITH_MIL: Mapping[str, float] = MappingProxyType(
    {"": 1.0}
    | _words(1e3, "tis tis. mii")
    | _words(1e6, "mil mil.")
    | _words(1e9, "mld mld. miliarde miliard")
)
# Of the currency before other numbers, as in $1.50 and 75\u00a2.
_HUNDREDTHS = frozenset(["\u00a2", "p", "ct"])
_CROWNS: Mapping[str, float] = MappingProxyType({"kr": 1.0, "tkr": 1e3, "mkr": 1e6, "mdkr": 1e9})
_TIMES: Mapping[str, float] = MappingProxyType(
    {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "ms": 1e-3, "s": 1.0, "min": _MINUTE, "h": _HOUR, "d": _DAY}
    | _spelled(sec=1.0, second=1.0, min=_MINUTE, minute=_MINUTE, hr=_HOUR, hour=_HOUR, day=_DAY)
    # The Gregorian calendar's mean year; a twelfth of it is a month.
    | _spelled(
        week=7 * _DAY, wk=7 * _DAY, month=365.2425 / 12 * _DAY, year=365.2425 * _DAY, yr=365.2425 * _DAY
    )
    | _words(1.0, "Sek Sek. Sekunde Sekunden seconde secondes segundo segundos")
    | _words(_MINUTE, "Min Min. Minute Minuten minuto minutos")
    | _words(_HOUR, "Std Std. Stunde Stunden heure heures hora horas")
    | _words(_DAY, "Tag Tage Tagen jour jours d\u00eda d\u00edas dia dias")
    | _words(7 * _DAY, "Woche Wochen semaine semaines semana semanas")
    | _words(365.2425 / 12 * _DAY, "Monat Monate Monaten mois mes meses")
    # PostgreSQL writes mons.
    | _words(7 * _DAY, "w")
    | _words(365.2425 / 12 * _DAY, "mo mos mon mons")
    | _words(365.2425 * _DAY, "y")
    # East Asia's, but for the signs of dates and of times of day.
    | _words(1.0, "\u79d2 \u79d2\u949f \ucd08")
    | _words(_MINUTE, "\u5206 \u5206\u949f \u5206\u9418 \u5206\u9593 \ubd84")
    | _words(_HOUR, "\u5c0f\u65f6 \u5c0f\u6642 \u6642\u9593 \uc2dc\uac04")
    | _words(_DAY, "\u5929 \u65e5\u9593 \uc77c\uac04")
    | _words(7 * _DAY, "\u5468 \u9031 \u9031\u9593 \uc8fc")
    | _words(
        365.2425 / 12 * _DAY, "\u4e2a\u6708 \u500b\u6708 \u304b\u6708 \u30f6\u6708 \u30b1\u6708 \uac1c\uc6d4"
    )
    | _words(365.2425 * _DAY, "\u5e74 \ub144 \u5c81 \u6b72 \u6b73 \uc138")
    | _words(365.2425 * _DAY, "Jahr Jahre Jahren an ans ann\u00e9e ann\u00e9es a\u00f1o a\u00f1os ano anos")
)
_FAMILIES: tuple[Mapping[str, float], ...] = (
    {"\u00b5m": 1e-6, "mm": 1e-3, "cm": 1e-2, "dm": 0.1, "m": 1.0, "km": 1e3}
    | {"in": 0.0254, "ft": 0.3048, "yd": 0.9144, "mi": 1609.344}
    | _words(0.0254, "inch inches in.")
    | _words(0.3048, "foot feet ft."),
    {
        "\u00b5g": 1e-9,
        "ug": 1e-9,
        "mcg": 1e-9,
        "mg": 1e-6,
        "g": 1e-3,
        "kg": 1.0,
        "Kg": 1.0,
        "KG": 1.0,
        "t": 1e3,
    }
    | {"gr": 1e-3}
    | _words(0.028349523125, "oz oz. ounce ounces")
    | _words(0.45359237, "lb lbs lb. lbs. pound pounds")
    | {"st": 6.35029318},
    {
        "ul": 1e-6,
        "\u00b5l": 1e-6,
        "ml": 1e-3,
        "mL": 1e-3,
        "cl": 1e-2,
        "dl": 0.1,
        "dL": 0.1,
        "l": 1.0,
        "L": 1.0,
    },
    _TIMES,
    {f"{unit} ago": value for unit, value in _TIMES.items() if len(unit) > 1},
    {"bps": 1.0, "kbps": 1e3, "Kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9},
    {"bit/s": 1.0, "kbit/s": 1e3, "Mbit/s": 1e6, "Gbit/s": 1e9},
    {"B/s": 1.0, "kB/s": 1e3, "KB/s": 1e3, "MB/s": 1e6, "GB/s": 1e9},
    {"mV": 1e-3, "V": 1.0, "kV": 1e3},
    {"uA": 1e-6, "\u00b5A": 1e-6, "mA": 1e-3, "A": 1.0},
    {"pF": 1e-12, "nF": 1e-9, "uF": 1e-6, "\u00b5F": 1e-6, "\u03bcF": 1e-6, "mF": 1e-3, "F": 1.0},
    {"\u03a9": 1.0, "k\u03a9": 1e3, "M\u03a9": 1e6, "\u2126": 1.0, "k\u2126": 1e3, "M\u2126": 1e6},
    _per_volume({"pg": 1e-12, "ng": 1e-9, **_words(1e-6, "ug mcg \u00b5g \u03bcg"), "mg": 1e-3, "g": 1.0}),
    _per_volume(
        {"pmol": 1e-12, "nmol": 1e-9, **_words(1e-6, "umol \u00b5mol \u03bcmol"), "mmol": 1e-3, "mol": 1.0}
    ),
    _per_volume({**_words(1e-6, "uIU \u00b5IU \u03bcIU"), "mIU": 1e-3, "IU": 1.0}),
    _per_volume({"mU": 1e-3, "U": 1.0, "kU": 1e3}),
    {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    {"mW": 1e-3, "W": 1.0, "kW": 1e3, "MW": 1e6, "GW": 1e9},
    {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6, "GWh": 1e9},
    {"J": 1.0, "kJ": 1e3, "MJ": 1e6, "cal": 4.184, "kcal": 4184.0},
    {"cm\u00b2": 1e-4, "m\u00b2": 1.0, "km\u00b2": 1e6, "ha": 1e4}
    | _words(1.0, "m2 sqm")
    | {"sq m": 1.0, "ft\u00b2": 0.09290304, "sqft": 0.09290304, "sq ft": 0.09290304, "sq. ft.": 0.09290304}
    | _words(4046.8564224, "ac acre acres"),
    {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704, "kn": 1852 / 3600, "kt": 1852 / 3600},
    {
        "Pa": 1.0,
        "hPa": 1e2,
        "kPa": 1e3,
        "MPa": 1e6,
        "mbar": 1e2,
        "bar": 1e5,
        "mmHg": 133.322,
        "psi": 6894.757,
    },
    {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}
    | {"KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40},
    {"Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40},
    {"\u00b0": 1.0, "arcmin": 1 / 60, "arcsec": 1 / 3600},
    *({one: 1.0} | {word + one: value for word, value in _EAST_ASIAN.items()} for one in _COUNTED),
    _CROWNS,
    _COUNTS,
)
# The m beside these letters is that of minutes, or of months.
_WITH_MINUTES = {"s": 1.0, "m": _MINUTE, "h": _HOUR, "d": _DAY, "w": 7 * _DAY}
_WITH_MONTHS = {"d": _DAY, "w": 7 * _DAY, "m": 365.2425 / 12 * _DAY, "y": 365.2425 * _DAY}
# What programs write after sizes of files, where the G shows that the M is no million.
_WITH_GIGABYTES = (
    {"": 1.0}
    | {letter: 2.0 ** (10 * power) for letter, power in zip("KMGT", range(1, 5), strict=True)}
    | {"B": 1.0}
)
# Ages as DICOM writes them, such as 034Y and 006M.
_AGES = {unit.upper(): value for unit, value in _WITH_MONTHS.items()}
# A word for thousands or millions, and what is counted; of letters, only those that begin no other currency.
_COUNT_OF = re.compile(
    rf"(?P<word>[^\W\d_]{{2,12}}\.?|[kKMB]) (?P<thing>.+)"
    rf"|(?P<letter>k|K|M|Md|Mrd|Mio)(?P<sign>[{CURRENCIES}])"
)
# What a column of units calls them, beside another with the numbers.
_NAMES = tuple(
    frozenset(names.split(","))
    for names in (
        "celsius,fahrenheit,kelvin,\u00b0c,\u00b0f,deg c,deg f,degc,degf",
        "mile,miles,mi,km,kms,kilometer,kilometers,kilometre,kilometres,m,meter,meters,metre,metres,cm,mm,"
        "foot,feet,ft,inch,inches,in,yard,yards",
        "lb,lbs,pound,pounds,kg,kgs,kilo,kilos,kilogram,kilograms,g,gram,grams,mg,oz,ounce,ounces,ton,tons,tonne,"
        "tonnes,stone",
        "liter,liters,litre,litres,l,ml,cl,gallon,gallons,gal,pint,pints",
        "ppm,ppb,ppt",
    )
)
_CONCENTRATION = re.compile(
    r"(?:[mnpuk\u00b5]?(?:g|mol|Eq|U)|m?[IU]U|U)/(?:[dmu\u00b5]?[lL]|kg|m3|m\u00b3)", re.IGNORECASE
)
# A degree of each in kelvins, and the zero of each in kelvins.
_TEMPERATURES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"K": (1.0, 0.0)}
    | dict.fromkeys(("\u00b0C", "\u00b0c", "deg C", "degrees C", "Celsius"), (1.0, 273.15))
    | dict.fromkeys(("\u00b0F", "\u00b0f", "deg F", "degrees F", "Fahrenheit"), (5 / 9, 459.67 * 5 / 9))
)
_DEGREES = {"C": "\u00b0C", "F": "\u00b0F"}
# Letters that also end codes, such as the house 14b, the seat 14A and the size 2T.
_LETTERS = frozenset(["M", "MM", "B", "b", "T", "w", "y", "A", "F", "V"])
_MILLIONS = frozenset(["M", "MM", "B"])  # with decimals, these are hardly codes; 2.0T is an engine
# Millions or something else, unless a currency or a word for thousands is in the column.
_AMBIGUOUS = _LETTERS | {"m", "t", "tn", "L", "mi", "bi", "bin", "mil", "Md", "Mds"}
FAR = 10.0  # times; numbers of one measure are hardly so far apart, with nothing between them
# Bare numbers up to the first beside percents over the second are fractions.
PARTS_OF_ONE, PERCENTS = 1.0, 10.0


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
    if len(given) > 1 and set(given) <= set(_TEMPERATURES):
        return _temperatures({unit: unit for unit in given}, usual)
    if set(given) == set(_DEGREES) and not units.counts.get("") and set(given) <= set(units.with_fractions):
        return _temperatures(_DEGREES, usual)  # with decimals, 38.9C and 97.6F are no seats
    if given == ["%"] and _are_fractions(units):
        return Conversions({"%": 0.01})
    if money and len(given) == 1 and given[0] in _HUNDREDTHS and units.counts.get(""):
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
    code = unit in _LETTERS or (letter and not any(unit in family for family in _FAMILIES))
    return not (bare and code)


def are_units(texts: Collection[str]) -> bool:
    """Whether texts without numbers are units of one measure, such as kg and lb, or codes of currencies.

    Letters alone, such as S, M and L, may be anything, and words for a time may be those of a subscription.
    """
    if len(texts) < 2 or all(len(text) < 2 for text in texts):
        return False
    if all(map(CURRENCY_CODE.fullmatch, texts)) or all(map(_CONCENTRATION.fullmatch, texts)):
        return True
    names = {text.casefold().strip() for text in texts}
    measures = (family for family in _FAMILIES if family is not _TIMES and family is not _COUNTS)
    return any(set(texts) <= set(one) for one in measures) or any(names <= one for one in _NAMES)


def _singular(units: Collection[str]) -> str | None:
    """The word of which the other is the plural, as in 1 bed and 2 beds; None if these are not two such."""
    return next((one for one in units if {one, f"{one}s"} == set(units)), None) if len(units) == 2 else None


def _temperatures(units: Mapping[str, str], usual: str) -> Conversions:
    """How degrees are converted; the usual names by those that they are written with."""
    known = {unit: _TEMPERATURES[name] for unit, name in units.items()}
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
    families = (_COUNTS,) if len(given) == 1 else _FAMILIES
    family = next((family for family in families if set(given) <= set(family)), None)
    if set(given) <= set(_WITH_MIL) and _TELLING_MIL & set(given) and {"mil", "mil."} & set(given):
        family = _WITH_MIL
    if family is None and len(given) > 1:
        family = _of_letters(given)
    if family is _COUNTS and bare and not all(_are_counts(unit, units) for unit in given):
        return None
    # Sizes and codes such as 6M and 14B have no decimals.
    written = set(given) & _MILLIONS & set(units.with_fractions)
    if family is _COUNTS and not (money or written) and set(given) <= _AMBIGUOUS:
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
    family = _WITH_MIL if words & _TELLING_MIL and words <= set(_WITH_MIL) else _COUNTS
    if not words <= set(family):
        return None
    return {"": 1.0} | {unit: family[counts.get(unit, "")] for unit in given}


def _of_letters(units: Collection[str]) -> Mapping[str, float] | None:
    """The family of letters for times, if another letter says what the m is: 6m and 2y, 30m and 4h."""
    for family, telling in (
        (_WITH_MINUTES, {"h", "s"}),
        (_WITH_MONTHS, {"y"}),
        (_AGES, {"Y"}),
        (_WITH_GIGABYTES, {"G"}),
    ):
        if set(units) <= set(family) and telling & set(units):
            return family
    return None


def _are_counts(unit: str, units: Units) -> bool:
    """Whether a letter beside bare numbers multiplies: 1.2K and 950 are counts, 273 K and 280 are kelvins.

    Numbers that are alike as they are written, and far apart if those with the letter are multiplied, have
    one unit, which only some of them name.
    """
    if "" not in units.extents or unit not in units.extents or not unit.isascii():  # such a word is no letter
        return True
    (low, high), (least, most) = units.extents[""], units.extents[unit]
    alike = max(high, most) <= FAR * min(low, least)
    return not (alike and least * _COUNTS[unit] > FAR * high)
