"""Texts that are all written in one form: versions, several numbers, ranges, or dates after a word."""

import re
from collections.abc import Sequence
from itertools import takewhile

from tabular.data.values.cells import NO_NUMBERS
from tabular.data.values.composed.kinds import RANGE
from tabular.data.values.composed.parts import taken_apart
from tabular.data.values.finding.dates import find_dates
from tabular.data.values.finding.numbers import find_numbers
from tabular.data.values.numbers import is_plain, read_number

__all__ = ["MOST_RANGES", "doubt_of_form"]

FIRST_TEXTS = 5  # which show of most texts that they have no such form
MOST_RANGES = 100  # different texts, of which few ranges are levels
# R6.1.3, v1.10, rel-6.1 and 2.0.0-rc1, but no address of a computer, and no telephone number.
VERSION = re.compile(
    r"(?:(?:v|ver|version|rel|release|build)[\s._-]*\d+(?:\.\d+)+|[A-Za-z]{0,8}[\s._-]?\d+(?:\.\d+){2,4})"
    r"(?:[-_.+ ]?[A-Za-z]{1,8}[-.]?\d{0,8})?",
    re.IGNORECASE | re.ASCII,
)
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
# Addresses of computers, telephone numbers, and what people are numbered by in Switzerland and elsewhere.
NO_VERSION = re.compile(
    rf"(?:{_BYTE}\.){{3}}{_BYTE}|\d{{2,3}}\.\d{{3}}\.\d{{3,4}}|756\.\d{{4}}\.\d{{4}}\.\d{{2}}", re.ASCII
)
_ONE = r"[-+\u2212]?\d+(?:[.,]\d+)?%?"
_SIDE = rf"{_ONE}(?:\s?(?:[\"'\u2032\u2033\u201d]|[^\W\d_]{{1,4}}))?"  # of a thing that is measured
_DEGREES = "\\d+\\s?\u00b0[\\d\\s.'\u2032\u2019\"\u2033\u201d]+"
SEVERAL_NUMBERS = re.compile(
    rf"{_ONE}\s?(?:\(\s*{_ONE}(?:\s?(?:[-\u2013,;]|to)\s?{_ONE})?\s*\)|\[\s*{_ONE}(?:\s?(?:[-\u2013,;]|to)\s?{_ONE})?\s*\])"
    rf"|[(\[]?\s*{_ONE}(?:[,;]\s+|;){_ONE}\s*[)\]]?|(?!0){_SIDE}(?:\s?[x\u00d7*]\s?{_SIDE}){{1,3}}"
    r"|[-+]?\d+\.\d+,[-+]?\d+\.\d+"
    rf"|POINT\s*Z?\s*\({_ONE}(?:\s{_ONE}){{1,2}}\)"
    rf"|{_DEGREES}[NS][,;]?\s*{_DEGREES}[EWO]"
)
YEAR, FEWEST_YEARS = re.compile(r"(?:1[6-9]|20)\d\d"), 10  # of Built in 1965; few may be those of names
SEASON = re.compile(r"((?:19|20)\d\d)\s?[/\u2013-]\s?(\d\d)")  # 2021/22
TWO_NUMBERS = re.compile(r"\d{2,4}\s?/\s?\d{2,4}(?:\s?[^\W\d_]{1,5})?")  # 120/80 mmHg
# A decimal comma and a decimal point, without any doubt.
DECIMAL_SIGNS = tuple(
    re.compile(rf"[-+]?\d+(?:{other}\d{{3}})*{sign}(?:\d{{1,2}}|\d{{4,}})")
    for sign, other in ((",", r"\."), (r"\.", ","))
)
ONE_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*")


def doubt_of_form(texts: Sequence[str], count: int) -> str | None:
    """What to say of texts that are all written in one form, which says what to do; None if they are not.

    Marks for a missing value may stand among them.

    Args:
        texts: the first different texts.
        count: how many different texts there are.
    """
    texts = [text for text in texts if text.strip().casefold() not in NO_NUMBERS]
    if len(texts) < 2 or not all(any(map(str.isdigit, text)) for text in texts[:FIRST_TEXTS]):
        return None  # as most columns of words
    if _all_fit(texts, VERSION) and not _all_fit(texts, NO_VERSION):
        return (
            f"versions, such as {texts[0]!r}, are levels without an order; make a number from each of their "
            "parts if the order matters."
        )
    if _all_fit(texts, SEVERAL_NUMBERS):
        return (
            f"several numbers in a cell, such as {texts[0]!r}, each combination of which is a level; make a "
            "column for each number."
        )
    if all((found := SEASON.fullmatch(text.strip())) and _is_next(*found.groups()) for text in texts):
        return (
            f"years that end in the next one, such as {texts[0]!r}, are levels without an order; write the "
            "first year alone if their order matters."
        )
    if _all_fit(texts, TWO_NUMBERS):
        return (
            f"two numbers in a cell, such as {texts[0]!r}, each combination of which is a level; make a "
            "column for each number, or name the column in categorical if they are only names."
        )
    if _all_fit(texts, ONE_NUMBER) and None not in (signs := [_first(texts, one) for one in DECIMAL_SIGNS]):
        return (
            f"numbers with a decimal comma, such as {signs[0]!r}, and with a decimal point, such as "
            f"{signs[1]!r}, each of which is a level; write all with the same decimal sign, in every file."
        )
    return _dates_behind(texts) or (_of_ranges(texts) if count < MOST_RANGES else None)


def _is_next(year: str, following: str) -> bool:
    return (int(year) + 1) % 100 == int(following)


def _all_fit(texts: Sequence[str], pattern: re.Pattern[str]) -> bool:
    return all(pattern.fullmatch(text.strip()) for text in texts)


def _first(texts: Sequence[str], pattern: re.Pattern[str]) -> str | None:
    return next((text for text in texts if pattern.fullmatch(text.strip())), None)


def _of_ranges(texts: Sequence[str]) -> str | None:
    """What to say of ranges that are so few that they are levels; None if they are anything else."""
    ranges = [text for text in texts if (found := taken_apart(text.strip())) and found.notation == RANGE]
    if len(ranges) <= sum(map(is_plain, texts)):
        return None
    found = find_numbers(dict.fromkeys(texts, 1), forced=True)
    if found is None or found.gaps:
        return None
    read = [taken_apart(text.strip(), (RANGE,)) for text in ranges]
    ends = [[read_number(end, found.format) for end in one.texts] for one in read if one]
    if not _follow_each_other([one for one in ends if len(one) > 1]):
        return None
    middle = read_number(ranges[0], found.format)
    return (
        f"ranges, such as {ranges[0]!r}, are levels without an order, because there are only {len(texts)} "
        f"different ones; name the column in numeric to read each as its midpoint, {middle:.6g}, or in "
        "categorical to keep the levels."
    )


def _follow_each_other(ranges: Sequence[Sequence[float]]) -> bool:
    """Whether ranges rise, and so do their ends, unlike results, telephone numbers and seasons (2019-20)."""
    if not ranges:  # all are open
        return True
    lows, highs = zip(*sorted(ranges), strict=True)
    if any(low >= high for low, high in ranges) or len(set(lows)) < len(lows) or list(highs) != sorted(highs):
        return False
    return any(high != (low + 1) % 100 for low, high in ranges)


def _dates_behind(texts: Sequence[str]) -> str | None:
    """What to say of dates that all follow the same word, as in dt=2024-01-31; None if none do."""
    same = "".join(takewhile(lambda letter: not letter.isdigit(), texts[0]))
    if not texts[-1].startswith(same):  # Year ending Aug 2020
        pairs = takewhile(lambda pair: pair[0] == pair[1], zip(texts[0], texts[-1], strict=False))
        same = "".join(letter for letter, _ in pairs).rpartition(" ")[0] + " "
    if not same[:1].isalpha() or not all(text.startswith(same) for text in texts):
        return None
    rest = [text[len(same) :] for text in texts]
    if len(set(rest)) >= FEWEST_YEARS and all(map(YEAR.fullmatch, rest)):
        return (
            f"years after the same words, such as {texts[0]!r}, each of which is a level; leave "
            f"{same.strip()!r} out to read them as numbers."
        )
    for some in (rest[:FIRST_TEXTS], rest):  # most codes are not dates, as the first ones show
        if find_dates(dict.fromkeys(some, 1)) is None:
            return None
    return (
        f"dates after the same word, such as {texts[0]!r}, each of which is a level; leave {same.strip()!r} "
        "out to read them as dates."
    )
