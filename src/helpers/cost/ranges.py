"""A range from the least to the most: what a forecast gives in place of one number."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict

__all__ = ["NOTHING", "Range", "Span", "total", "up_to_cents"]


class Span(TypedDict):
    """A range in a JSON document."""

    low: float
    high: float


@dataclass(frozen=True)
class Range:
    """From `low` to `high`, both included."""

    low: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.high + other.high)

    def __mul__(self, other: "Range | float") -> "Range":
        by = other if isinstance(other, Range) else Range(other, other)
        return Range(self.low * by.low, self.high * by.high)

    @property
    def middle(self) -> float:
        """The middle of the range."""
        return (self.low + self.high) / 2

    def span(self, digits: int = 1) -> Span:
        """The same for a JSON document, rounded."""
        return {"low": round(self.low, digits), "high": round(self.high, digits)}


NOTHING = Range(0.0, 0.0)


def up_to_cents(dollars: float, digits: int = 2) -> float:
    """Dollars rounded up, so that what is shown is never less than what may be billed."""
    return math.ceil(round(dollars * 10**digits, 6)) / 10**digits


def total(ranges: Iterable[Range]) -> Range:
    """The sum of ranges: all low ends, and all high ends."""
    return sum(ranges, NOTHING)
