"""What the texts of a category look like besides levels: numbers, dates, several values, markup."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import takewhile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import taken
from tabular.data.decisions.decision import FIRST, SAMPLE, listed
from tabular.data.decisions.many.counts import Counts
from tabular.data.decisions.many.shapes import shapes_of
from tabular.data.values.composed import RANGE, taken_apart
from tabular.data.values.finding.dates import find_dates
from tabular.data.values.finding.numbers import find_numbers
from tabular.data.values.numbers import is_plain, read_number

__all__ = ["all_match", "doubts_of_looks"]

NUMBER_LIKE = (
    r"^\s*[<>~\x{2264}\x{2265}\x{b1}]?\s*[$\x{20ac}\x{a3}\x{a5}]?\s*[-+]?"
    r"\d[\d.,:;'/\x{2019}\s-]*\s*\S{0,12}\s*$"
)
_SPAN = (
    r"\d+(?:[.,]\d+)?\s*(?:years?|y|months?|weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)"
)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec"
# Others that are hardly names: durations, dates in words, and numbers behind a word or a sign.
NUMBERS_IN_WORDS = "|".join(
    (
        rf"^p?(?:t?{_SPAN}\.?,?\s*)+(?:\+?\d+:\d\d(?::\d\d(?:[.,]\d+)?)?)?$",
        r"^(?:19|20)\d\d[\s_-]?[a-z]\d{1,2}$",  # periods
        r"^[mtshr]\d{1,2}\.\d{1,2}\.\d{1,2}$",
        r"^(?:ca\.?|circa|approx\.?|about|up to|over|under|=|'|\x{2248})\s*\"?[-+]?\d",
        r"^\d+(?:[.,]\d+)?\s+(?:out\s+)?of\s+\d+",
        r"^[\x{25b2}\x{25bc}\x{25b3}\x{25bd}\x{2191}\x{2193}]\s*[-+]?\d",  # up or down
        r"^/Date\(-?\d+",  # .NET
    )
)
# pyarrow compiles a pattern again for each column, and each \pL in it takes half a millisecond. So these are
# tried only on texts that a cheaper pattern matches, and the letters of a word are counted apart.
YEAR = r"(?:1[89]|20)\d\d"
_BEHIND_WORD = r"[\s/.'\x{2019}-]+"
YEARS_IN_WORDS = (
    rf"^\pL*(?:[.,]?\s*\d{{1,2}}\D{{1,25}}{YEAR}\b|{_BEHIND_WORD}{YEAR}$)|^{YEAR}\D{{1,15}}\d{{1,2}}\b"
)
NO_MONTHS = rf"^(?:[^\d\s.,/'\x{{2019}}-]{{13}}|[^\d\s/.'\x{{2019}}-]{{0,2}}{_BEHIND_WORD}{YEAR}$)"
_WEEKDAY = r"^(?:mon|tue|wed|thu|fri|sat|sun)"
WEEKDAYS = rf"{_WEEKDAY}\pL*[.,]?\s+.*\b(?:19|20)\d\d\b"
RANK = r"^\d+(?:st|nd|rd|th|\s?[-=.:)])"
LEVEL = r"^\d+(?:st|nd|rd|th|\s?[-=.:)]\s?\pL.*)$"  # 1st, and 1 - never
DAY_OF_MONTH = (  # without a year, as Excel also writes the genes MARCH1 and SEPT2
    rf"^\d{{1,2}}(?:st|nd|rd|th)?[\s.-]*(?:{_MONTHS})\pL*$|^(?:{_MONTHS})\pL*[\s.-]*\d{{1,2}}(?:st|nd|rd|th)?$"
)
HTML = re.compile(
    r"&(?:#[0-9]+|#x[0-9a-f]+|[a-z]{2,8});|</?(?:a|b|i|u|p|br|div|em|font|h[1-6]|img|li|ol|span|strong|su[bp]|"
    r"t[dr]|ul)(?:\s[^<>]*|/)?>",
    re.IGNORECASE,
)
SIGNS_BETWEEN = ";|,"  # several values in a cell
AROUND_VALUES = " {}[]()'\""
FEWEST_COMBINATIONS, FEWEST_QUANTITIES = 5, 3
AFTER_WORD = re.compile(
    r"([^\W\d_]+)[\s/.:=<>\u2264\u2265]*[0-9]+((?:[ \u00a0\u202f'\u2019.,][0-9]+)*(?: [0-9]/[0-9])?)"
)
FIGURES = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
BEFORE_WORDS = re.compile(r"[-+(]?[$\u20ac\u00a3\u00a5]?#\s?/?\s?(?:[^\W\d_]|[%\u00b0\u00b5])")
NEARLY_ALL = 0.9
# R6.1.3, v1.10, rel-6.1 and 2.0.0-rc1, but no address of a computer, and no telephone number.
VERSION = re.compile(
    r"(?:(?:v|ver|version|rel|release|build)[\s._-]*\d+(?:\.\d+)+|[A-Za-z]{0,8}[\s._-]?\d+(?:\.\d+){2,4})"
    r"(?:[-_.+ ]?[A-Za-z]{1,8}[-.]?\d{0,8})?",
    re.IGNORECASE | re.ASCII,
)
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
NO_VERSION = re.compile(rf"(?:{_BYTE}\.){{3}}{_BYTE}|\d{{3}}\.\d{{3}}\.\d{{4}}", re.ASCII)
_ONE = r"[-+\u2212]?\d+(?:\.\d+)?%?"
_DEGREES = "\\d+\\s?\u00b0[\\d\\s.'\u2032\u2019\"\u2033\u201d]+"
SEVERAL_NUMBERS = re.compile(
    rf"{_ONE}\s?(?:\(\s*{_ONE}(?:\s?(?:[-\u2013,;]|to)\s?{_ONE})?\s*\)|\[\s*{_ONE}(?:\s?(?:[-\u2013,;]|to)\s?{_ONE})?\s*\])"
    rf"|[(\[]?\s*{_ONE}(?:[,;]\s+|;){_ONE}\s*[)\]]?|POINT\s*Z?\s*\({_ONE}(?:\s{_ONE}){{1,2}}\)"
    rf"|{_DEGREES}[NS][,;]?\s*{_DEGREES}[EWO]"
)
# A decimal comma and a decimal point, without any doubt.
DECIMAL_SIGNS = tuple(re.compile(rf"[-+]?\d+{sign}(?:\d{{1,2}}|\d{{4,}})") for sign in (",", r"\."))
ONE_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*")
# From 500 to 1.000 in several languages, where nobody may be able to tell thousands from decimals.
RANGE_IN_WORDS = re.compile(
    r"(?:(?:de|von|from|between)\s)?[^\w\s]?\s?\d[\d.,'\u2019]*(?:\s?[^\d\s]{1,8})?\s*"
    r"(?:[-\u2013~]|to|bis|a|\u00e0|and|y|et|und)\s*[^\w\s]?\s?\d[\d.,'\u2019]*\D{0,24}",
    re.IGNORECASE,
)
MOST_RANGES = 100  # different texts, of which few ranges are levels
NESTED = r"^\s*(?:\{.*:.*\}|\[.*,.*\])\s*$"


def doubts_of_looks(cells: pa.ChunkedArray, counts: Counts) -> tuple[str, ...]:
    """What to say of a category whose texts look like something else; `counts` says how often each occurs."""
    first = counts.first(SAMPLE)
    if all_match(first, NESTED) and all_match(counts.texts, NESTED):
        return (
            f"lists or objects as text, such as {listed(first[:1].to_pylist())}, each of which is a level; "
            "make a column of each of their values.",
        )
    texts = first.to_pylist()
    if said := _form(texts, len(counts)):
        return (said,)
    doubts = _doubts_of_numbers(cells, counts) if _may_look_like_numbers(cells) else ()
    return doubts or tuple(_doubts_of_texts(texts))


def _form(texts: Sequence[str], count: int) -> str | None:
    """What to say of texts that are all written in one form, which says what to do; None if they are not.

    Args:
        texts: the first different texts.
        count: how many different texts there are.
    """
    if len(texts) < 2 or not all(any(map(str.isdigit, text)) for text in texts[:FEWEST_COMBINATIONS]):
        return None  # as most columns of words
    if _all_fit(texts, VERSION) and not _all_fit(texts, NO_VERSION):
        return (
            f"versions, such as {texts[0]!r}, are levels without an order; make a number of each of their "
            "parts if the order matters."
        )
    if _all_fit(texts, SEVERAL_NUMBERS):
        return (
            f"several numbers in a cell, such as {texts[0]!r}, of which each combination is a level; make a "
            "column of each number."
        )
    if _all_fit(texts, ONE_NUMBER) and None not in (signs := [_first(texts, one) for one in DECIMAL_SIGNS]):
        return (
            f"numbers with a decimal comma, such as {signs[0]!r}, and with a decimal point, such as "
            f"{signs[1]!r}, each of which is a level; write all with the same sign, in each file."
        )
    return _dates_behind(texts) or (_of_ranges(texts) if count < MOST_RANGES else None)


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
        f"ranges, such as {ranges[0]!r}, are levels without an order, because only {len(texts)} differ; "
        f"name the column in numeric to read each as its middle, {middle:.6g}, or in categorical to keep the "
        "levels."
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
    """What to say of dates that all stand behind the same word, as in dt=2024-01-31; None if none do."""
    same = "".join(takewhile(lambda letter: not letter.isdigit(), texts[0]))
    if not same[:1].isalpha() or not all(text.startswith(same) for text in texts):
        return None
    rest = [text[len(same) :] for text in texts]
    for some in (rest[:FEWEST_COMBINATIONS], rest):  # most codes are no dates, as the first ones show
        if find_dates(dict.fromkeys(some, 1)) is None:
            return None
    return (
        f"dates behind the same word, such as {texts[0]!r}, each of which is a level; leave {same.strip()!r} "
        "out to read them as dates."
    )


def _doubts_of_numbers(cells: pa.ChunkedArray, counts: Counts) -> tuple[str, ...]:
    """What to say of a category of which many cells look like numbers."""
    alike = _like_numbers(counts.texts)
    count, examples = int(counts.counts[alike].sum()), _among(counts.texts, alike)
    coded = any(_match(some, r"^[-+]?0\d+$").any() for some in (examples[:FIRST], examples))
    if coded or count * 3 < len(cells) - cells.null_count or len(examples) <= 2:
        return ()
    return (
        f"a category, although {count} of {len(cells)} cells look like numbers, dates or times, such as "
        f"{listed(examples[:3].to_pylist())}; they are not written in one way that can be read; rewrite "
        "them, or name the column in categorical if they are only names.",
    )


def _doubts_of_texts(texts: Sequence[str]) -> Iterator[str]:
    """What some different texts may contain besides a level: markup, several values, or a number."""
    if marked := next((text for text in texts if ("&" in text or "<" in text) and HTML.search(text)), None):
        yield f"texts with HTML in them, such as {marked!r}; write them as plain text."
    several = next(filter(None, (_several(texts, sign) for sign in SIGNS_BETWEEN)), None)
    if several is not None:
        yield (
            f"several values in a cell, such as {several!r}, of which each combination is a level; make a "
            "column of each value."
        )
    if alike := _quantity(texts):
        yield (
            f"a category, although the texts are numbers before the same words, such as {alike!r}; write the "
            "numbers alone if they are quantities."
        )
    parts = list(takewhile(bool, map(AFTER_WORD.fullmatch, texts)))
    words, fractions = ({part[place] for part in parts if part} for place in (1, 2))
    if 2 < len(texts) == len(parts) and len(words) == 1 and fractions != {""}:
        yield (
            f"a category, although each text is a number behind the same word, such as {texts[0]!r}; leave "
            "the word out if they are quantities."
        )
    ranges = [text for text in texts[:MOST_RANGES] if RANGE_IN_WORDS.fullmatch(text.strip())]
    if len(ranges) > 1 and 2 * len(ranges) >= min(len(texts), MOST_RANGES):
        yield (
            f"a category, although texts such as {ranges[0]!r} are ranges; write the middle of each as a "
            "number if their order matters."
        )


def _quantity(texts: Sequence[str]) -> str | None:
    """A text that begins with a number and differs from nearly all others in its figures only, or None."""
    first = texts[:FEWEST_QUANTITIES]
    if len(texts) < FEWEST_QUANTITIES or not any(one.isdecimal() for text in first for one in text[:2]):
        return None
    patterns = [FIGURES.sub("#", text) for text in texts]
    (pattern, count), *_ = Counter(patterns).most_common(1)
    if count < NEARLY_ALL * len(texts) or not BEFORE_WORDS.match(pattern):
        return None
    return texts[patterns.index(pattern)]


def _several(texts: Sequence[str], sign: str) -> str | None:
    """A text with several values that this sign separates; None if they are no combinations of the same."""
    joined = [text for text in texts if sign in text.strip(sign)]
    if len(texts) < FEWEST_COMBINATIONS or len(joined) * 3 < len(texts):
        return None
    values = {value.strip(AROUND_VALUES) for text in texts for value in text.split(sign)}
    return joined[0] if len(values) < len(texts) else None


def _may_look_like_numbers(cells: pa.ChunkedArray) -> bool:
    """Whether a sample of many cells leaves it open that a third of them look like numbers."""
    if len(cells) <= 10 * SAMPLE:
        return True
    sample = taken(cells, np.linspace(0, len(cells) - 1, SAMPLE).astype(int)).drop_null()
    return not len(sample) or _like_numbers(sample).sum() * 5 >= len(sample)


def _like_numbers(texts: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Whether each text (n_texts,) looks like a number, a date or a time, and not like 1st or 1 - never."""
    may = shapes_of(texts)
    alike = may.numbers.copy()
    # Each pattern gets only the texts that it may match and change.
    alike[may.others] = _match(_among(texts, may.others), NUMBER_LIKE)
    rest = may.in_words & ~alike
    alike[rest] = _match(_among(texts, rest), NUMBERS_IN_WORDS, ignore_case=True)
    rest = may.ranks & alike
    alike[rest] = ~_match_if_any(_among(texts, rest), RANK, LEVEL, ignore_case=False)
    rest = may.years & ~alike
    alike[rest] = _have_years(_among(texts, rest))
    rest = may.days & ~alike
    alike[rest] = _match_if_any(_among(texts, rest), _MONTHS, DAY_OF_MONTH)
    return alike


def _have_years(texts: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Whether each text (n_texts,) is a year with a month or more in words."""
    found = _match(texts, YEAR)
    texts = _among(texts, found)
    months = _match(texts, YEARS_IN_WORDS)
    months[months] = ~_match(_among(texts, months), NO_MONTHS)
    found[found] = months | _match_if_any(texts, _WEEKDAY, WEEKDAYS)
    return found


def _match(texts: pa.Array | pa.ChunkedArray, pattern: str, ignore_case: bool = False) -> np.ndarray:
    """Whether a pattern matches each text (n_texts,)."""
    if not len(texts):
        return np.zeros(0, dtype=bool)
    found = pc.match_substring_regex(texts, pattern, ignore_case=ignore_case)
    return np.array(found.to_numpy(zero_copy_only=False) if isinstance(found, pa.Array) else found.to_numpy())


def _match_if_any(
    texts: pa.Array | pa.ChunkedArray, part: str, pattern: str, ignore_case: bool = True
) -> np.ndarray:
    """Whether a pattern matches each text; `part` matches all that it matches, and takes less time."""
    found = _match(texts, part, ignore_case)
    found[found] = _match(_among(texts, found), pattern, ignore_case)
    return found


def _among(texts: pa.Array | pa.ChunkedArray, chosen: np.ndarray) -> pa.Array | pa.ChunkedArray:
    """The texts that were chosen, by a truth value for each (n_texts,)."""
    return texts if chosen.all() else texts.filter(pa.array(chosen))


def all_match(texts: pa.Array | pa.ChunkedArray, pattern: str) -> bool:
    """Whether all texts match; the first ones of most columns show that they do not."""
    return all(pc.all(pc.match_substring_regex(some, pattern)).as_py() for some in (texts[:FIRST], texts))
