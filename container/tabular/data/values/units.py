"""Units that people mix within a column, such as g and kg, and by how much they differ."""

from collections.abc import Collection, Mapping
from fractions import Fraction
from types import MappingProxyType

__all__ = ["may_be_unit", "scales"]

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def _spelled(**spellings: float) -> dict[str, float]:
    """Each unit also in the plural and as the start of a sentence has it."""
    forms = dict(spellings)
    forms |= {f"{word}s": value for word, value in spellings.items()}
    return forms | {word.capitalize(): value for word, value in forms.items()}


# In each family, the value of a unit in the same measure. The first family that has all of a column's units
# is meant. Inches and pounds are exact by definition (NIST SP 811, appendix B).
_COUNTS: Mapping[str, float] = MappingProxyType(
    {"": 1.0, **dict.fromkeys(("k", "K", "Tsd", "Tsd.", "Th.", "thousand", "Thousand"), 1e3)}
    | dict.fromkeys(("m", "M", "mn", "mln", "mio", "Mio", "Mio.", "million", "Million", "MM"), 1e6)
    | dict.fromkeys(("b", "B", "bn", "Bn", "bln", "Mrd", "Mrd.", "billion", "Billion"), 1e9)
    | dict.fromkeys(("t", "T", "tn", "trillion", "Trillion"), 1e12)
    | dict.fromkeys(("lakh", "Lakh", "Lakhs", "lakhs", "Lac", "lac"), 1e5)
    | dict.fromkeys(("crore", "Crore", "Crores", "crores", "Cr", "cr", "Cr."), 1e7)
)
_FAMILIES: tuple[Mapping[str, float], ...] = (
    {"\u00b5m": 1e-6, "mm": 1e-3, "cm": 1e-2, "dm": 0.1, "m": 1.0, "km": 1e3}
    | {"in": 0.0254, "ft": 0.3048, "yd": 0.9144, "mi": 1609.344},
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
    | {"gr": 1e-3, "oz": 0.028349523125, "lb": 0.45359237, "lbs": 0.45359237},
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
    {"ns": 1e-9, "us": 1e-6, "\u00b5s": 1e-6, "ms": 1e-3, "s": 1.0, "min": _MINUTE, "h": _HOUR, "d": _DAY}
    | _spelled(sec=1.0, second=1.0, min=_MINUTE, minute=_MINUTE, hr=_HOUR, hour=_HOUR, day=_DAY)
    # The Gregorian calendar's mean year; a twelfth of it is a month.
    | _spelled(week=7 * _DAY, month=365.2425 / 12 * _DAY, year=365.2425 * _DAY, yr=365.2425 * _DAY),
    {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9},
    {"mW": 1e-3, "W": 1.0, "kW": 1e3, "MW": 1e6, "GW": 1e9},
    {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6, "GWh": 1e9},
    {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12},
    _COUNTS,
)
# Letters that also end codes, such as the house 14b and the size 2T.
_LETTERS = frozenset(["M", "MM", "B", "b", "T"])
# Millions or something else, unless a currency or a word for thousands is in the column.
_AMBIGUOUS = _LETTERS | {"m", "t", "tn"}


def scales(counts: Mapping[str, int], money: bool = False) -> dict[str, float]:
    """By how much the numbers with each unit are multiplied; empty if all have the same unit.

    The unit of the result is the most frequent one, or the bare number if the units are words for thousands
    and millions. If a unit does not belong to the others, none can be converted.

    Args:
        counts: how often each unit occurs; an empty one stands for bare numbers.
        money: whether numbers have a currency, so that `M` means millions.
    """
    units = [unit for unit in counts if unit]
    family = _family(units, bool(counts.get("")), money)
    if not family:
        return {}
    whole = "" if family is _COUNTS else max(units, key=lambda unit: counts[unit])
    return {unit: float(Fraction(str(family[unit])) / Fraction(str(family[whole]))) for unit in units}


def may_be_unit(unit: str, bare: bool) -> bool:
    """Whether numbers with this unit and bare ones may be of one measure, unlike 14 and 14A."""
    letter = len(unit) == 1 and unit.isascii() and unit.isalpha()
    code = unit in _LETTERS or (letter and not any(unit in family for family in _FAMILIES))
    return not (bare and code)


def _family(units: Collection[str], bare: bool, money: bool) -> Mapping[str, float] | None:
    """The family of all units; if there is only one, it must mean thousands or millions."""
    if not units or (len(units) == 1 and not bare and not money):
        return None
    families = (_COUNTS,) if len(units) == 1 else _FAMILIES
    family = next((family for family in families if set(units) <= set(family)), None)
    if family is _COUNTS and not money and set(units) <= _AMBIGUOUS:
        return None
    return family
