"""The units of each measure and their values, as people write them in many languages."""

import re
from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    *("AGES", "CONCENTRATION", "COUNTS", "DEGREES", "FAMILIES", "HUNDREDTHS", "NAMES", "TELLING_MIL"),
    *(
        "TELLING_THOUSANDS",
        "TEMPERATURES",
        "TIMES",
        "WITH_GIGABYTES",
        "WITH_MIL",
        "WITH_MINUTES",
        "WITH_MONTHS",
    ),
]

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


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
    "k K Tsd Tsd. Tausend Th. thousand Thousand thousands Thousands millier milliers mille mila duizend "
    "tusen tuhatta tys tys. tysięcy tis tis. ezer bin mil rb ribu nghìn ngàn "
    "тыс тыс. тысяч тис тис. хил. хиляди χιλ. χιλιάδες ألف آلاف هزار אלף "
    "tusind þús. þúsund tysiąc tysiące tysiąca tisíc tisíce tisíca tisuća tisuće tisoč hiljada hiljade "
    "hilj. tūkst. tūkstančių tūkstoši tūkstošu tuh tuhat mijë ming milers duisend libo "
    "тысячи тысяча тисячі тисяча хиљада хиљаде хиљ. илјади илј. мың"
)
_MANY_THOUSANDS = (
    "m M mn Mn mln mln. mio mio. Mio Mio. million Million millions Millions MM Millionen miljoen miljoner "
    "miljoonaa milj. millones Millones millón milhões milhão mi milioni milione millió miliony milion "
    "milionów milionů miliónů milioane milyon jt juta triệu "
    "млн млн. миллион миллиона миллионов мільйонів милиона εκατ. εκατομμύρια مليون میلیون מיליון "
    "Mln Mln. MLN mill. millioner millón millóns milions miliona milionu milióna milióny milijun milijuna "
    "milijon milijona milijone milijonov milijono milijonų miljons miljoni miljonu miljonit milljón "
    "milljónir milioi milyon мільйон мільйона мільйони милион милиони εκ."
)
_THOUSANDS_OF_MILLIONS = (
    "b B bn Bn bln billion Billion billions Billions Mrd Mrd. mrd mrd. Milliarden mdr mdr. Md Mds milliard "
    "milliards mld mld. miljard miljarder miljardia milliárd bilhões bilhão bi miliardi miliardo miliard "
    "miliardy miliardów miliarde milyar miliar tỷ tỉ "
    "млрд млрд. миллиард миллиарда миллиардов мільярдів милиарда δισ. δισεκατομμύρια مليار میلیارد מיליארד"
)
COUNTS: Mapping[str, float] = MappingProxyType(
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
TELLING_MIL = frozenset(["tis", "tis.", "mii", "hilj.", "mld", "mld.", "miliarde", "miliard"])
WITH_MIL: Mapping[str, float] = MappingProxyType(
    {"": 1.0}
    | _words(1e3, "tis tis. mii hilj.")
    | _words(1e6, "mil mil.")
    | _words(1e9, "mld mld. miliarde miliard")
)
# What is a thousand where a word for millions of the same language is beside it: Danish, Swedish, Turkish and
# Brazilian, whose letters mean something else alone.
TELLING_THOUSANDS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "t": {"": 1.0, "t": 1e3, "mio.": 1e6, "mia.": 1e9},
        "tn": {"": 1.0, "tn": 1e3, "mn": 1e6, "md": 1e9},
        "B": {"": 1.0, "B": 1e3, "Mn": 1e6, "Mr": 1e9},
        "mil": {"": 1.0, "mil": 1e3, "mi": 1e6, "bi": 1e9},
    }
)
# Of the currency before other numbers, as in $1.50 and 75\u00a2.
HUNDREDTHS = frozenset(["\u00a2", "p", "ct"])
_CROWNS: Mapping[str, float] = MappingProxyType({"kr": 1.0, "tkr": 1e3, "mkr": 1e6, "mdkr": 1e9})
TIMES: Mapping[str, float] = MappingProxyType(
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
FAMILIES: tuple[Mapping[str, float], ...] = (
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
    TIMES,
    {f"{unit} ago": value for unit, value in TIMES.items() if len(unit) > 1},
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
    COUNTS,
)
# The m beside these letters is that of minutes, or of months.
WITH_MINUTES = {"s": 1.0, "m": _MINUTE, "h": _HOUR, "d": _DAY, "w": 7 * _DAY}
WITH_MONTHS = {"d": _DAY, "w": 7 * _DAY, "m": 365.2425 / 12 * _DAY, "y": 365.2425 * _DAY}
# What programs write after sizes of files, where the G shows that the M does not mean millions.
WITH_GIGABYTES = (
    {"": 1.0}
    | {letter: 2.0 ** (10 * power) for letter, power in zip("KMGT", range(1, 5), strict=True)}
    | {"B": 1.0}
)
# Ages as DICOM writes them, such as 034Y and 006M.
AGES = {unit.upper(): value for unit, value in WITH_MONTHS.items()}
# What a column of units calls them, beside another with the numbers.
NAMES = tuple(
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
CONCENTRATION = re.compile(
    r"(?:[mnpuk\u00b5]?(?:g|mol|Eq|U)|m?[IU]U|U)/(?:[dmu\u00b5]?[lL]|kg|m3|m\u00b3)", re.IGNORECASE
)
# A degree of each in kelvins, and the zero of each in kelvins.
TEMPERATURES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"K": (1.0, 0.0)}
    | dict.fromkeys(("\u00b0C", "\u00b0c", "deg C", "degrees C", "Celsius"), (1.0, 273.15))
    | dict.fromkeys(("\u00b0F", "\u00b0f", "deg F", "degrees F", "Fahrenheit"), (5 / 9, 459.67 * 5 / 9))
)
DEGREES = {"C": "\u00b0C", "F": "\u00b0F"}
