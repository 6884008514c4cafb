"""The names of the notations, which stand in schemas and manifests, and what reads one."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

__all__ = [
    *("AGE", "ANGLE", "ANGLE_WEST", "BOUND", "BRACKETS", "CLOCK", "CONVERTED"),
    *("DASH", "DEBIT", "ERA", "ERROR", "FEET", "FLAG", "FRACTION"),
    *("HEMISPHERE", "INTERVAL", "NOTE", "OBSERVATION", "RANGE", "SECONDS", "SEXAGESIMAL"),
    *("TREND", "TRIANGLE", "UNITS", "WEEKS"),
    *("Notation", "Parts", "summed"),
]

FEET, ANGLE, SEXAGESIMAL, HEMISPHERE, DEBIT = "feet", "angle", "sexagesimal", "hemisphere", "debit"
DASH, AGE, FLAG, OBSERVATION = "dash", "age", "flag", "observation"
ANGLE_WEST, WEEKS, ERA = "angle, O is west", "weeks", "era"
TREND, TRIANGLE = "trend", "triangle"
UNITS, CLOCK, FRACTION, RANGE, ERROR, NOTE = "units", "clock", "fraction", "range", "error", "note"
CONVERTED, SECONDS, BRACKETS, INTERVAL = "converted", "seconds", "brackets", "interval"
BOUND = "bound"

# The texts of the parts, and by how much each counts; None if a text is in another notation.
Parts = tuple[tuple[str, ...], tuple[float, ...]] | None


class Notation(NamedTuple):
    """What reads a notation, and the signs of which each of its texts has one, if it needs one.

    A blank stands for any between two words.
    """

    read: Callable[[str, bool], Parts]
    signs: str = ""


def summed(parts: Mapping[str, str | None], sign: float = 1.0) -> Parts:
    """Numbers of units that are summed, each without zeros before it."""
    texts = tuple(f"{re.sub(r'^0+(?=[0-9])', '', number)} {unit}" for unit, number in parts.items() if number)
    return texts, (sign,) * len(texts)
