"""How a column writes its dates, by the evidence of all its texts."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple

from tabular.data.values.cells import FEW_WORDS, MISSING, MOST_OTHERS, MOST_WORDS, NO_NUMBERS
from tabular.data.values.date_words.months import in_english
from tabular.data.values.date_words.usual import usual
from tabular.data.values.date_words.zones import without_zone
from tabular.data.values.dates import FORCED, FORMATS, ISO, NO_DATES, is_date, no_dates
from tabular.data.values.many_dates import SEVERAL, shorter

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
_WORDS = frozenset("aAbBpzZ")  # the parts of a date that may have any letters
_MONTHS = re.compile("jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec")
# The least and the greatest number of digits that strptime reads as a part of a date; zones may have any.
_DIGITS = {
    **dict.fromkeys("dmHIMS", (1, 2)),
    **{"y": (2, 2), "Y": (4, 4), "f": (1, 6), "j": (3, 3)},
    **dict.fromkeys("aAbBp", (0, 0)),
}
SAMPLE = 20
_RUN, _WORD = re.compile(r"\d+"), re.compile(r"[^\W\d_]+")
MOST_FORMATS = 3
FIRST_YEAR, LAST_YEAR = 1500, 2100  # of years without a day beside dates
DAYS_OF_YEARS, LATE = "%Y-%j", 300  # which numbers after a year hardly are, if none is so late in it


@lru_cache(maxsize=len(FORMATS) + len(FORCED))
def _signs(form: str) -> frozenset[str]:
    """What stands between the parts of each date in a format."""
    if SEVERAL in form:
        return frozenset.intersection(*map(_signs, form.split(SEVERAL)))
    return frozenset() if form == ISO else frozenset(re.sub("%.", "", form)) - {" "}


@lru_cache(maxsize=len(FORMATS) + len(FORCED))
def _signs_of_all(form: str) -> frozenset[str]:
    """The signs of each date in a format, also if a part of its time is left out."""
    if SEVERAL in form:
        return frozenset.intersection(*map(_signs_of_all, form.split(SEVERAL)))
    return frozenset.intersection(_signs(form), *map(_signs, shorter(form)))


@lru_cache(maxsize=len(FORMATS) + len(FORCED))
def _digits(form: str) -> tuple[float, float]:
    """The least and the greatest number of digits of a date in a format."""
    if SEVERAL in form:
        fewest, most = zip(*map(_digits, form.split(SEVERAL)), strict=True)
        return min(fewest), max(most)
    if form == ISO:
        return 0, math.inf
    parts = [_DIGITS.get(part, (0, math.inf)) for part in re.findall("%(.)", form)]
    fewest = min([sum(fewest for fewest, _ in parts), *(_digits(one)[0] for one in shorter(form))])
    return fewest, sum(most for _, most in parts)


@lru_cache(maxsize=len(FORMATS) + len(FORCED))
def _letters(form: str) -> frozenset[str] | None:
    """The letters, in capitals, that dates in a format may have; None if it has words, which may be any."""
    if SEVERAL in form:
        each = [_letters(one) for one in form.split(SEVERAL)]
        return None if None in each else frozenset().union(*filter(None, each))
    if form == ISO or not _WORDS.isdisjoint(re.findall("%(.)", form)):
        return None
    return frozenset(filter(str.isalpha, re.sub("%.", "", form).upper()))


@lru_cache(maxsize=4096)
def _contents(text: str, weekday: bool) -> tuple[frozenset[str], int, bool]:
    """The letters of a text, in capitals, how many digits it has, and whether it may name a month."""
    text = usual(without_zone(text), weekday)
    month = _MONTHS.search(in_english(text, full=False).casefold()) is not None
    return frozenset(filter(str.isalpha, text.upper())), len(_DIGIT.findall(text)), month


@lru_cache(maxsize=16)
def _by_signs(formats: tuple[str, ...]) -> tuple[Sequence[frozenset[str]], Sequence[tuple[str, int, int]]]:
    """The different signs of formats, and the places of `_signs_of_all` and `_signs` of each among them."""
    places: dict[frozenset[str], int] = {}
    each = [
        (form, *(places.setdefault(signs, len(places)) for signs in (_signs_of_all(form), _signs(form))))
        for form in formats
    ]
    return list(places), each


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

    If none does, it is several, with `SEVERAL` between them, each of which certainly fits some cells.

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
    sample = _sample(present)
    if sum(any(map(str.isdigit, str(cell))) for cell in sample) * 2 <= len(sample):
        return None
    allowed = 0 if forced or strict else MOST_OTHERS * sum(present.values())
    if (found := _in_one_format(present, allowed, _candidates(forced, form, dayfirst), forced, form)) is None:
        found = None if form else _in_several_formats(present, allowed, dayfirst)
    if found and not (forced or form) and "%b" in found.format and "%d" not in found.format:
        found = None if _are_codes(present) else found
    return found and found._replace(gaps=gaps | found.gaps)


def _are_codes(cells: Collection[Any]) -> bool:
    """Whether all have one word, which is a month in a language other than English: NIS 1000 and SET-2000."""
    first, *others = cells
    words = _WORD.findall(str(first))
    return (
        bool(others)
        and all(in_english(one, full=False) != one for one in words)
        and all(_WORD.findall(str(cell)) == words for cell in others)
    )


def _sample(cells: Iterable[Any]) -> list[Any]:
    cells = list(cells)
    return cells[:: max(1, len(cells) // SAMPLE)][:SAMPLE]


def _in_one_format(
    present: Mapping[Any, int],
    allowed: float,
    candidates: Collection[str],
    forced: bool = False,
    form: str | None = None,
) -> FoundDates | None:
    """The first of some formats that all but a few of the filled cells have."""
    sample = _sample(present)
    for one in _likely(candidates, sample):
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
        if others and (swapped := swapped_format(one)) in candidates:
            fewer = _others(present, swapped, sum(others.values()) - 1)
            one, others = (one, others) if fewer is None else (swapped, fewer)
        return FoundDates(one, others)
    return None


def swapped_format(form: str) -> str | None:
    """The format with day and month the other way round; None if nobody writes dates like that."""
    start = SWAPPED.get(form[:8])
    return start and start + form[8:]


def _in_several_formats(
    present: Mapping[Any, int], allowed: float, dayfirst: bool | None
) -> FoundDates | None:
    """The formats of cells that are certainly dates, each in its own; None if they are not.

    Each format has several cells, of which none leaves it open whether the day comes before the month, unless
    another format of the column says so.
    """
    sample = dict.fromkeys((cell for cell in _sample(present) if not _is_year(cell)), 1)
    usual = (False, None, dayfirst)
    if not sample or _in_one_format(_most_alike(sample), 0, _candidates(*usual)) is None:
        return None  # as of most columns
    found = _formats(present, allowed, dayfirst)
    if found is None or dayfirst is not None or not (unclear := _unclear(present, found.format)):
        return found
    certain = {one[:2] for one in found.format.split(SEVERAL) if one not in unclear and one[:8] in SWAPPED}
    return _formats(present, allowed, certain == {"%d"}) if len(certain) == 1 else None


def _formats(present: Mapping[Any, int], allowed: float, dayfirst: bool | None) -> FoundDates | None:
    """The formats of cells, beginning with that of the most different ones that look alike."""
    formats = list[str]()
    years = {cell: count for cell, count in present.items() if _is_year(cell)}
    rest = {cell: count for cell, count in present.items() if cell not in years}
    while len(formats) < MOST_FORMATS and sum(rest.values()) > allowed:
        alike = _most_alike(rest)
        enough = len(alike) >= ENOUGH
        found = _in_one_format(alike, 0, _candidates(False, None, dayfirst)) if enough else None
        if found is None or not (found.format == ISO or re.search("%[yY]", found.format)):
            return None
        formats.append(found.format)
        rest = {cell: rest[cell] for cell in no_dates(rest, found.format)}
    if len(years) >= ENOUGH:
        formats.append("%Y")
    else:
        rest |= years
    if len(formats) < 2 or sum(rest.values()) > allowed:
        return None
    return FoundDates(SEVERAL.join(formats), {str(cell).strip(): count for cell, count in rest.items()})


def _unclear(cells: Collection[Any], formats: str) -> list[str]:
    """Those of several formats whose dates may have the day and the month the other way round."""
    dated = {one: set(cells) - set(no_dates(cells, one)) for one in formats.split(SEVERAL)}
    return [one for one, some in dated.items() if is_ambiguous(some, one)]


def _is_year(cell: Any) -> bool:
    """Whether a cell is a year without a month, which would be a number in a column of its own."""
    text = str(cell).strip()
    return len(text) == 4 and text.isdecimal() and FIRST_YEAR <= int(text) <= LAST_YEAR


def _length(digits: re.Match[str]) -> str:
    return "0" if len(digits[0]) <= 2 else "9" * len(digits[0])  # days and months may lack a zero


def _most_alike(cells: Mapping[Any, int]) -> dict[Any, int]:
    """The cells that look as most of the different ones do: their signs, words, and years of four digits."""
    shapes = {cell: _WORD.sub("a", _RUN.sub(_length, str(cell).strip())) for cell in cells}
    (most, _), *_ = Counter(shapes.values()).most_common(1)
    return {cell: count for cell, count in cells.items() if shapes[cell] == most}


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


def _candidates(forced: bool, form: str | None, dayfirst: bool | None) -> Collection[str]:
    if form is not None:
        return (form,)
    formats = (*FORMATS, *FORCED) if forced else FORMATS
    if dayfirst is None:
        return formats
    wrong = ("%m/%d", "%m-%d") if dayfirst else ("%d/%m", "%d-%m", "%d.%m")
    return tuple(one for one in formats if not one.startswith(wrong))


def _likely(formats: Iterable[str], sample: Sequence[Any]) -> Iterator[str]:
    """The formats whose signs at least half of the cells have, which are few of the hundreds.

    Those of a time may be in fewer, because some programs leave midnight out.
    """
    texts = [_characters(str(cell).strip()) for cell in sample]
    signs, each = _by_signs(tuple(formats))
    having = [sum(map(one.issubset, texts)) for one in signs]
    for form, of_all, own in each:
        if having[of_all] * 2 >= len(texts) and having[own]:
            yield form


def earlier_formats(form: str, sample: Sequence[Any], dayfirst: bool | None = None) -> list[str]:
    """The formats that `find_dates` tries before this one, and that fit some of these cells."""
    earlier = takewhile(lambda one: one != form, _candidates(False, None, dayfirst))
    return [one for one in earlier if any(_fits_each(sample, one))]


def _fits_each(cells: Iterable[Any], form: str) -> Iterator[bool]:
    """Whether a format fits each cell."""
    signs, known, (fewest, most) = _signs_of_all(form), _letters(form), _digits(form)
    in_words = all("%b" in one.lower() for one in form.split(SEVERAL))
    for cell in cells:  # strptime compiles a pattern for each format, which takes longer than all the rest
        text = str(cell).strip()
        letters, digits, month = _contents(text, "%a" in form.lower())
        yield (
            signs <= _characters(text)
            and fewest <= digits <= most
            and (known is None or letters <= known)
            and (month or not in_words)
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
