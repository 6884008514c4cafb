"""JSON with whole numbers that are longer than 64 bits, of which fast parsers make the nearest fraction."""

import json
import re
from typing import Any

__all__ = ["exact", "whole"]

LONGEST = 300  # digits of a number that a float can still be made of
BLOCK = 1 << 20  # bytes that are looked at together
ALL_ZERO = bytes.maketrans(b"123456789", b"0" * 9)
LONG = b"0" * 19  # the shortest numbers beyond 64 bits have so many digits, or with no minus one more
NUMBER = re.compile(rb"(?:^|[\s:,\[])(?:-?\d{20}|-\d{19})")  # and are neither decimals nor in a word


def exact(data: bytes, found: Any) -> Any:
    """A document with every digit of its whole numbers.

    Args:
        data: the document.
        found: the same, as a parser found it that makes a fraction of a number beyond 64 bits.
    """
    if not _may_have_long_numbers(data) or not NUMBER.search(data):
        return found
    try:
        return json.loads(data, parse_int=whole)
    except (ValueError, RecursionError):  # nested deeper than this parser goes
        return found


def whole(digits: str) -> int | float:
    """A whole number with every digit, unless it is too long for a float as well."""
    return int(digits) if len(digits) <= LONGEST else float(digits)


def _may_have_long_numbers(data: bytes) -> bool:
    """Whether there are as many digits in a row; a pattern would look at each byte much longer."""
    if len(data) <= BLOCK:
        return LONG in data.translate(ALL_ZERO)
    starts = range(0, len(data), BLOCK)
    return any(LONG in data[start : start + BLOCK + len(LONG)].translate(ALL_ZERO) for start in starts)
