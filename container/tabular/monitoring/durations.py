"""How a person writes the length of a window: a number of hours or days, such as 24h or 7d."""

import re
from datetime import timedelta

__all__ = ["duration"]

UNITS = {"h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """The time that a text such as 24h or 7d stands for.

    Raises:
        ValueError: if it is anything else.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,3})([hd])", text)
    if not found:
        raise ValueError(f"{text!r} is not a number of hours or days, such as 24h or 7d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
