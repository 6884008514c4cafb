"""The parts of a number in any notation."""

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from tabular.data.values.composed import accounts, angles, kinds, ranges, remarks, times, units
from tabular.data.values.composed.fractions import VULGAR, fraction
from tabular.data.values.composed.kinds import Notation, Parts

__all__ = ["NOTATIONS", "Composed", "taken_apart"]

LONGEST = 64  # characters


class Composed(NamedTuple):
    """A number in a notation: the texts of its parts, and by how much each counts."""

    notation: str
    texts: tuple[str, ...]
    weights: tuple[float, ...]


def taken_apart(text: str, notations: Collection[str] = ()) -> Composed | None:
    """The parts of a number in one of these notations, or in any if none are given; None if it is simple.

    Letters that mean something else by themselves, as the m of metres does, are only minutes beside hours and
    seconds, or if the notation is given.
    """
    if len(text) > LONGEST:
        return None
    if not (any(map(str.isdigit, text)) or VULGAR.keys() & set(text) or accounts.dash(text, False)):
        return None
    if (number := remarks.without_note(text)) is not None:
        return taken_apart(number, notations) or Composed(kinds.NOTE, (number,), (1.0,))
    signs = _TELLING.intersection(text)
    for notation, read in _possible(signs | {" "} if len(text.split()) > 1 else signs):
        if notations and notation not in notations:
            continue
        if (found := read(text, bool(notations))) is not None:
            return Composed(notation, *found)
    return None


@lru_cache(maxsize=4096)  # the texts of a column have the same few signs
def _possible(signs: frozenset[str]) -> tuple[tuple[str, Callable[[str, bool], Parts]], ...]:
    """The notations that a text may have which has these of the signs that tell, and what reads each."""
    return tuple(
        (notation, one.read)
        for notation, one in _BY_NAME.items()
        if not one.signs or not signs.isdisjoint(one.signs)
    )


# What is tried first stands first.
_BY_NAME: Mapping[str, Notation] = MappingProxyType(
    {
        kinds.FEET: Notation(units.feet, "'\u2032\u2019\"\u2033\u201d"),
        kinds.ANGLE: Notation(angles.angle, "\u00b0\u00ba\u02da"),
        kinds.ANGLE_WEST: Notation(angles.angle_west, "\u00b0\u00ba\u02da"),
        kinds.SEXAGESIMAL: Notation(angles.sexagesimal, "NSEW"),
        kinds.HEMISPHERE: Notation(angles.hemisphere, "NSEW"),
        kinds.DEBIT: Notation(accounts.debit, "rR"),
        kinds.DASH: Notation(accounts.dash, "\u2212\u2013\u2014-"),
        kinds.CLOCK: Notation(times.clock, ":"),
        kinds.SECONDS: Notation(times.seconds),
        kinds.AGE: Notation(times.age, "m"),
        kinds.ERA: Notation(times.era, "ACDE.\u5143"),
        kinds.WEEKS: Notation(times.weeks, "+"),
        kinds.UNITS: Notation(units.units),
        kinds.FRACTION: Notation(fraction, "/\u2044" + "".join(VULGAR)),
        kinds.TREND: Notation(accounts.trend, accounts.UP + accounts.DOWN),
        kinds.TRIANGLE: Notation(accounts.triangle, accounts.UP),
        kinds.FLAG: Notation(remarks.flag, "HLgw)]\u2191\u2193"),
        kinds.OBSERVATION: Notation(remarks.observation, "bcdefimnprsuz"),
        kinds.ERROR: Notation(ranges.error, "\u00b1/"),
        kinds.BOUND: Notation(ranges.bound, "+-"),
        kinds.INTERVAL: Notation(ranges.interval, "])"),
        kinds.BRACKETS: Notation(remarks.brackets, "(["),  # before ranges, for the sake of [8.6e-01]
        kinds.RANGE: Notation(ranges.span, "\u2212\u2013\u2014- []"),
        kinds.CONVERTED: Notation(remarks.conversion, "(["),
    }
)
_TELLING = frozenset().union(*(one.signs for one in _BY_NAME.values()))
NOTATIONS = (*_BY_NAME, kinds.NOTE)
