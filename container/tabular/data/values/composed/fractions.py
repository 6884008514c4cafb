"""Fractions, such as 3 1/2 and 5½ in."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from tabular.data.values.cells import lazily
from tabular.data.values.composed.kinds import Parts
from tabular.data.values.composed.signs import INCH, MINUS
from tabular.data.values.number_words import SHOE_SIZE

__all__ = ["VULGAR", "fraction"]

VULGAR: Mapping[str, float] = MappingProxyType(
    dict(zip("\u00bd\u2153\u2154\u00bc\u00be", (1 / 2, 1 / 3, 2 / 3, 1 / 4, 3 / 4), strict=True))
    | dict(zip("\u215b\u215c\u215d\u215e", (1 / 8, 3 / 8, 5 / 8, 7 / 8), strict=True))
)
_FRACTION = lazily(
    rf"([{MINUS}])?({SHOE_SIZE}\s?)?(?:(?:(\d+)[\s-])?(\d{{1,2}})[/\u2044](2|3|4|5|6|7|8|10|12|16|32|64)"
    rf"|(\d*)\s?([{''.join(VULGAR)}]))(\D*)"
)


def fraction(text: str, _: bool) -> Parts:
    """Mixed and vulgar fractions, such as 3 1/2, 5\u00bd in and EU 42 2/3."""
    match = _FRACTION.fullmatch(text)
    if match is None:
        return None
    sign, size, whole, above, below, before, vulgar, behind = match.groups()
    if below and int(above) >= int(below):
        return None
    part = int(above) / int(below) if below else VULGAR[vulgar]
    value = int(whole or before or 0) + part
    behind = " in" if re.fullmatch(INCH, behind.strip()) else behind
    return (f"{size or ''}1{behind}",), (-value if sign else value,)
