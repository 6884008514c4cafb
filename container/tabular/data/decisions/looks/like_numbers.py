"""Texts that look like numbers, dates or times, but are not written in one way that can be read."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from tabular.data.decisions.arrow import taken
from tabular.data.decisions.decision import FIRST, SAMPLE, listed
from tabular.data.decisions.looks.matching import among, match, match_if_any
from tabular.data.decisions.many.counts import Counts
from tabular.data.decisions.many.shapes import shapes_of
from tabular.data.values.cells import NO_NUMBERS, is_gap
from tabular.data.values.finding.affixes import MEASURED
from tabular.data.values.finding.numbers import find_numbers
from tabular.data.values.numbers import is_plain, read_number

__all__ = ["doubts_of_numbers", "like_numbers"]

MOST_NAMED = 12  # words that a person may be asked to name, such as the errors of a sensor
MOST_TEXTS = MOST_NAMED + len(NO_NUMBERS)  # of which others can be only a few words and marks
NUMBER_LIKE = (
    r"^\s*[<>~\x{2264}\x{2265}\x{b1}]?\s*[$\x{20ac}\x{a3}\x{a5}]?\s*[-+]?"
    r"\d[\d.,:;'/\x{2019}\s-]*\s*\S{0,12}\s*$"
)
_SPAN = (
    r"\d+(?:[.,]\d+)?\s*(?:years?|y|months?|weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)"
)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec"
# Others that are hardly names: durations, dates in words, and numbers after a word or a sign.
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


def doubts_of_numbers(cells: pa.ChunkedArray, counts: Counts) -> tuple[str, ...]:
    """What to say of a category of which many cells look like numbers."""
    if not _may_look_like_numbers(cells):
        return ()
    alike = like_numbers(counts.texts)
    count, examples = int(counts.counts[alike].sum()), among(counts.texts, alike)
    coded = any(match(some, r"^[-+]?0\d+$").any() for some in (examples[:FIRST], examples))
    words = _words_among(among(counts.texts, ~alike), examples)
    few = not words and count * 3 < len(cells) - cells.null_count
    if coded or few or len(examples) <= 2:
        return ()
    if count == len(cells):
        like, have = "every cell looks like a number, a date or a time", "every cell has"
    else:
        some = f"{count} of {len(cells)} cells"
        like, have = f"{some} look like numbers, dates or times", f"{some} have"
    shown = f"such as {listed(examples[:3].to_pylist())}"
    such = f"a category, although {like}, {shown}"
    if len(counts) <= SAMPLE and (read := _if_named(counts.texts.to_pylist())):
        return (
            f"{such}; name the column in numeric to read them, {read}, or in categorical if they are only "
            "names.",
        )
    if words:
        return (
            f"{such}; name {listed(words, MOST_TEXTS)} in missing to read the others as numbers, or name the "
            "column in categorical if they are only names.",
        )
    return (
        f"a category: {have} digits, {shown}, but the column is not written in one way that is a number, a "
        "date or a time; rewrite it if it contains quantities, or name it in categorical if it contains "
        "names, such as addresses or telephone numbers.",
    )


def _if_named(texts: Sequence[str]) -> str | None:
    """What one of these texts is read as if the user says that they are numbers; None if not all are.

    Also None if they may be telephone numbers, results of matches or addresses, of which numbers say nothing.
    """
    found = find_numbers(dict.fromkeys(texts, 1), forced=True)
    if found is None or found.format.notations or found.format.thousands == ".":
        return None
    if any(text.casefold() not in NO_NUMBERS for text in found.gaps):
        return None
    numbers = [text for text in texts if not is_gap(text.strip(), found.gaps)]
    odd = next((text for text in numbers if not is_plain(text)), None)
    return odd and f"{odd!r} as {read_number(odd, found.format):.6g}"


def _words_among(others: pa.ChunkedArray, texts: pa.ChunkedArray) -> Sequence[str]:
    """The other texts, if they are a few words beside measurements; else none.

    Those that are usually gaps are among them, because they are none where a person names others.
    """
    if not len(others) or len(others) > MOST_TEXTS or len(texts) < MEASURED:
        return []
    words = [text for text in others.to_pylist() if text.strip().casefold() not in NO_NUMBERS]
    if not 0 < len(words) <= MOST_NAMED or any(map(str.isdigit, "".join(words))):
        return []
    found = find_numbers(dict.fromkeys(texts[:SAMPLE].to_pylist(), 1))
    if found is None or found.gaps or found.format.notations:
        return []
    return [text.strip() for text in others.to_pylist() if not is_gap(text.strip(), ())]


def _may_look_like_numbers(cells: pa.ChunkedArray) -> bool:
    """Whether a sample of many cells leaves it open that a third of them look like numbers."""
    if len(cells) <= 10 * SAMPLE:
        return True
    sample = taken(cells, np.linspace(0, len(cells) - 1, SAMPLE).astype(int)).drop_null()
    return not len(sample) or like_numbers(sample).sum() * 5 >= len(sample)


def like_numbers(texts: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Whether each text (n_texts,) looks like a number, a date or a time, and not like 1st or 1 - never."""
    may = shapes_of(texts)
    alike = may.numbers.copy()
    # Each pattern gets only the texts that it may match and change.
    alike[may.others] = match(among(texts, may.others), NUMBER_LIKE)
    rest = may.in_words & ~alike
    alike[rest] = match(among(texts, rest), NUMBERS_IN_WORDS, ignore_case=True)
    rest = may.ranks & alike
    alike[rest] = ~match_if_any(among(texts, rest), RANK, LEVEL, ignore_case=False)
    rest = may.years & ~alike
    alike[rest] = _have_years(among(texts, rest))
    rest = may.days & ~alike
    alike[rest] = match_if_any(among(texts, rest), _MONTHS, DAY_OF_MONTH)
    return alike


def _have_years(texts: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Whether each text (n_texts,) is a year with a month or more in words."""
    found = match(texts, YEAR)
    texts = among(texts, found)
    months = match(texts, YEARS_IN_WORDS)
    months[months] = ~match(among(texts, months), NO_MONTHS)
    found[found] = months | match_if_any(texts, _WEEKDAY, WEEKDAYS)
    return found
