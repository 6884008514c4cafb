"""How a column writes its dates, by the evidence of all its texts."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple

from tabular.data.values.cells import FEW_WORDS, MISSING, MOST_OTHERS, MOST_WORDS, NO_NUMBERS
from tabular.data.values.date_words import usual, without_zone
from tabular.data.values.dates import FORCED, FORMATS, ISO, NO_DATES, is_date, no_dates
from tabular.data.values.many_dates import shorter

__all__ = [
    "DAYS_OF_YEARS",
    "DAY_BETWEEN",
    "FoundDates",
    "earlier_formats",
    "find_dates",
    "is_ambiguous",
    "swapped_format",
]

# Version numbers could be read as these dates, so a few cells are not enough evidence.
DOTTED, DAY_BETWEEN = "%H.%M.%S", "%y.%d.%m"
DOUBTFUL, ENOUGH = ("%d.%m.%y", "%y.%m.%d", DOTTED), 5
ENOUGH_DAYS = 20  # different dates that show which digits are the day
SWAPPED = {
    "%m/%d/%Y": "%d/%m/%Y",
    "%d/%m/%Y": "%m/%d/%Y",
    "%d-%m-%Y": "%m-%d-%Y",
    "%m-%d-%Y": "%d-%m-%Y",
    "%m/%d/%y": "%d/%m/%y",
    "%d/%m/%y": "%m/%d/%y",
    "%m-%d-%y": "%d-%m-%y",
    "%d-%m-%y": "%m-%d-%y",
}
_DIGIT = re.compile(r"\d")
# The least and the greatest number of digits that strptime reads as a part of a date; zones may have any.
_DIGITS = {
    **dict.fromkeys("dmHIMS", (1, 2)),
    **{"y": (2, 2), "Y": (4, 4), "f": (1, 6), "j": (3, 3)},
    **dict.fromkeys("aAbBp", (0, 0)),
}
SAMPLE = 20
DAYS_OF_YEARS, LATE = "%Y-%j", 300  # which numbers after a year hardly are, if none is so late in it


@lru_cache(maxsize=len(FORMATS) + len(FORCED))
def _signs(form: str) -> frozenset[str]:
    """What stands between the parts of each date in a format."""
    return frozenset() if form == ISO else frozenset(re.sub("%.", "", form)) - {" "}


@lru_cache(maxsize=len(FORMATS) + len(FORCED))
def _signs_of_all(form: str) -> frozenset[str]:
    """The signs of each date in a format, also if a part of its time is left out."""
    return frozenset.intersection(_signs(form), *map(_signs, shorter(form)))


@lru_cache(maxsize=len(FORMATS) + len(FORCED))
def _digits(form: str) -> tuple[float, float]:
    """The least and the greatest number of digits of a date in a format."""
    if form == ISO:
        return 0, math.inf
    parts = [_DIGITS.get(part, (0, math.inf)) for part in re.findall("%(.)", form)]
    fewest = min([sum(fewest for fewest, _ in parts), *(_digits(one)[0] for one in shorter(form))])
    return fewest, sum(most for _, most in parts)


@lru_cache(maxsize=4096)
def _count_of_digits(text: str) -> int:
    return len(_DIGIT.findall(text))


@lru_cache(maxsize=4096)
def _characters(text: str) -> frozenset[str]:
    return frozenset(usual(text))


class FoundDates(NamedTuple):
    """The format of a column's dates, and the counts of its other cells."""

    format: str
    gaps: Mapping[str, int]


def find_dates(
    counts: Mapping[Any, int],
    forced: bool = False,
    form: str | None = None,
    dayfirst: bool | None = None,
    strict: bool = False,
) -> FoundDates | None:
    """The first format that fits the cells of a column; None if it is not a column of dates.

    Cells that mean a missing value need not fit: the usual marks, dates that databases write for a missing
    one (0001-01-01, 9999-12-31), and a few other words.

    Args:
        counts: how often each cell occurs, without empty cells.
        forced: whether the user says that these are dates; then numbers are tried as dates, too, and no other
            words are allowed.
        form: the only format to try, if the user names it.
        dayfirst: whether the day comes before the month, if the user says so.
        strict: whether every cell must be a date.
    """
    gaps, present = {}, {}
    for cell, count in counts.items():
        text = str(cell).strip()
        if text in MISSING and not strict:
            continue
        mark = not strict and (text.casefold() in NO_NUMBERS or text.startswith(NO_DATES))
        (gaps if mark else present)[text if mark else cell] = count
    words = [] if strict or forced else [cell for cell in present if not any(map(str.isdigit, str(cell)))]
    few = len(words) <= min(FEW_WORDS, len(present) - ENOUGH_DAYS)
    if few and sum(present[word] for word in words) <= MOST_WORDS * sum(present.values()):
        gaps |= {str(word).strip(): present.pop(word) for word in words}  # such as Present
    sample = list(present)[:: max(1, len(present) // SAMPLE)][:SAMPLE]
    if sum(any(map(str.isdigit, str(cell))) for cell in sample) * 2 <= len(sample):
        return None
    whole = sum(present.values())
    allowed = 0 if forced or strict else MOST_OTHERS * whole
    for one in _likely(_candidates(forced, form, dayfirst), sample):
        if not _fits_most(sample, one) or (one.startswith(DOUBTFUL) and not forced and len(present) < ENOUGH):
            continue
        if _year_first(present, one) or (one in (DOTTED, DAY_BETWEEN) and _may_be_versions(present)):
            continue
        if form is None and one == DAY_BETWEEN and len(present) < ENOUGH_DAYS:
            continue
        if form is None and one == DAYS_OF_YEARS and _may_be_codes(present):
            continue
        others = _others(present, one, allowed)
        if others is None:
            continue
        if others and (swapped := swapped_format(one)) and form is None and dayfirst is None:
            fewer = _others(present, swapped, sum(others.values()) - 1)
            one, others = (one, others) if fewer is None else (swapped, fewer)
        return FoundDates(one, gaps | others)
    return None


def swapped_format(form: str) -> str | None:
    """The format with day and month the other way round; None if nobody writes dates like that."""
    start = SWAPPED.get(form[:8])
    return start and start + form[8:]


def _others(present: Mapping[Any, int], form: str, allowed: float) -> Mapping[str, int] | None:
    """The cells that are not dates in a format, and their counts; None if they are more than allowed."""
    others: Counter[str] = Counter()
    for cell in no_dates(present, form):
        others[str(cell).strip()] += present[cell]
        allowed -= present[cell]
        if allowed < 0:  # as with most formats, after a few cells, each of which takes long
            return None
    return others


def _year_first(cells: Collection[Any], form: str) -> bool:
    """Whether the two digits for the year come first, because they vary less than those at the end."""
    if (
        form[:8] not in ("%d/%m/%y", "%m/%d/%y", "%d-%m-%y", "%m-%d-%y", "%d.%m.%y")
        or len(cells) < ENOUGH_DAYS
    ):
        return False
    texts = [str(cell).split()[0] for cell in cells]
    if next(no_dates(texts, f"%y{form[2]}%m{form[2]}%d"), None) is not None:
        return False
    first, last = ({text.split(form[2])[place] for text in texts} for place in (0, -1))
    return len(last) > 2 * len(first)


def _may_be_versions(cells: Iterable[Any]) -> bool:
    """Whether texts such as 18.00.00 may be versions, some of whose parts have one digit."""
    return not all(len(str(cell).strip()) == len("18.00.00") for cell in cells)


def _may_be_codes(cells: Collection[Any]) -> bool:
    """Whether three digits after a year may count something else than its days, as in 2023-001."""
    days = {str(cell).strip()[-3:] for cell in cells}
    return len(days) < ENOUGH_DAYS or not any(day.isdecimal() and int(day) >= LATE for day in days)


def _candidates(forced: bool, form: str | None, dayfirst: bool | None) -> Iterable[str]:
    if form is not None:
        return (form,)
    formats = (*FORMATS, *FORCED) if forced else FORMATS
    if dayfirst is None:
        return formats
    wrong = ("%m/%d", "%m-%d") if dayfirst else ("%d/%m", "%d-%m", "%d.%m")
    return (one for one in formats if not one.startswith(wrong))


def _likely(formats: Iterable[str], sample: Sequence[Any]) -> Iterator[str]:
    """The formats whose signs at least half of the cells have, which are few of the hundreds.

    Those of a time may be in fewer, because some programs leave midnight out.
    """
    texts = [_characters(str(cell).strip()) for cell in sample]
    having: dict[frozenset[str], int] = {}

    def count(signs: frozenset[str]) -> int:
        if signs not in having:
            having[signs] = sum(signs <= one for one in texts)
        return having[signs]

    for form in formats:
        if count(_signs_of_all(form)) * 2 >= len(texts) and count(_signs(form)):
            yield form


def earlier_formats(form: str, sample: Sequence[Any], dayfirst: bool | None = None) -> list[str]:
    """The formats that `find_dates` tries before this one, and that fit some of these cells."""
    earlier = takewhile(lambda one: one != form, _candidates(False, None, dayfirst))
    return [one for one in earlier if any(_fits_each(sample, one))]


def _fits_each(cells: Iterable[Any], form: str) -> Iterator[bool]:
    """Whether a format fits each cell."""
    signs, (fewest, most) = _signs_of_all(form), _digits(form)
    for cell in cells:  # strptime compiles a pattern for each format, which takes longer than all the rest
        text = str(cell).strip()
        yield (
            signs <= _characters(text)
            and fewest <= _count_of_digits(usual(without_zone(text), "%a" in form.lower())) <= most
            and is_date(cell, form)
        )


def _fits_most(sample: Sequence[Any], form: str) -> bool:
    """Whether a format fits at least half of the cells; the search ends as soon as it cannot."""
    misses = 0
    for fits in _fits_each(sample, form):
        misses += not fits
        if misses * 2 > len(sample):
            return False
    return bool(sample)


def is_ambiguous(cells: Iterable[Any], form: str) -> bool:
    """Whether day and month could also be the other way round in a format with slashes or hyphens."""
    other = swapped_format(form)
    return other is not None and next(no_dates(cells, other), None) is None
