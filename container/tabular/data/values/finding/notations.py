"""Which notations of numbers in several parts a column has, by the evidence of its texts.

5-10 may be a range, a score or a part of a code, and 24:10 a duration or the result of a match. A notation is
read only where the column as a whole leaves no such doubt; otherwise it stays a category, with a warning.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tabular.data.values.cells import MOST_OTHERS, NO_NUMBERS
from tabular.data.values.composed import kinds
from tabular.data.values.composed.parts import NOTATIONS, Composed, taken_apart
from tabular.data.values.composed.ranges import estimated
from tabular.data.values.composed.remarks import converted, flagged

__all__ = ["evident"]

SAMPLE = 2000  # distinct texts that show which notations a column has
ENOUGH = 20  # different ranges or durations
ENOUGH_BARE = 10  # different numbers without a flag
FEWEST_PLACES = 5  # different angles, which are hardly codes by chance
LATE = 3  # different texts with hours that no day has
CLOSELY = 0.9  # the correlation of the ends of ranges; those of phone numbers have none
EVENLY = 0.999  # the correlation of numbers with the same in another unit, of which some are rounded
RATIO = 20.0  # of the ends of most ranges
DAY, MINUTE = 24, 60
THOUSAND, LAST_YEAR = 1000, 2100
MOST_WEEKS = 45
SINGLE_FLAGS = frozenset("bceinpruz")  # of statistical offices, and no units
NEARLY_ALL = 0.9  # of the numbers without a letter, which those with H are above
SOME_BARE = 10  # times as many numbers may have flags as have none
_HOURS = re.compile(r"(\d+):(\d\d)(:\d\d)?")
_BARE = re.compile(r"\d+(?:[.,]\d+)?")
_LETTER_AT_NUMBER = re.compile(r"\d[HL]+$")
_LONG_NUMBER = re.compile(r"\d{5}|\d{2}[.,' ]\d{3}")  # larger than that of a house
_DECIMALS = re.compile(r"[.,](?:\d{1,2}|\d{4,})(?!\d)\D*$")  # which thousands never are
_LIKE_PLACE = re.compile(r"[NSEW]\s?\d+[\s:-][\d.\s:-]+|\d+[\s:-][\d.\s:-]+[NSEW]")

Find = Callable[[Mapping[str, int]], Callable[[str], float] | None]
Texts = Mapping[str, Composed]


def evident(counts: Mapping[str, int], forced: bool, find: Find) -> tuple[str, ...]:
    """The notations of a column.

    Args:
        counts: how often each text occurs, without empty cells.
        forced: whether the user says that these are numbers, so that no evidence is needed.
        find: returns what reads simple numbers such as these; None if they are not all numbers of one format.
    """
    texts = [text.strip() for text in counts]
    texts = [text for text in texts[:: max(1, len(texts) // SAMPLE)] if text.casefold() not in NO_NUMBERS]
    taken = {text: found for text in texts if (found := taken_apart(text))}
    by_notation: dict[str, dict[str, Composed]] = {}
    for text, found in taken.items():
        by_notation.setdefault(found.notation, {})[text] = found
    simple = [text for text in texts if text not in taken]
    seen = [
        notation
        for notation in NOTATIONS
        if notation in by_notation
        and (
            # Beside bare numbers, brackets are minus signs, and so is a dash after some.
            (forced and notation not in (kinds.BRACKETS, kinds.BOUND))
            or _EVIDENCE.get(notation, _always)(by_notation[notation], simple, find)
        )
    ]
    if kinds.UNITS in seen and any(":" in text for text in by_notation[kinds.UNITS]):
        seen += [one for one in (kinds.CLOCK,) if one in by_notation and one not in seen]  # 4 days 08:50:00
    if kinds.CLOCK in seen and _under_a_minute(by_notation[kinds.CLOCK], simple, find):
        seen.append(kinds.SECONDS)
    if kinds.TREND in seen and all(found.weights == (1.0,) for found in by_notation[kinds.TREND].values()):
        seen[seen.index(kinds.TREND)] = kinds.TRIANGLE
    if kinds.ANGLE in seen and {"O", "E"} <= _letters(by_notation[kinds.ANGLE]):
        seen[seen.index(kinds.ANGLE)] = kinds.ANGLE_WEST
    return tuple(seen)


def _always(_: Texts, __: Sequence[str], ___: Find) -> bool:
    return True


def _everywhere(_: Texts, simple: Sequence[str], __: Find) -> bool:
    """Whether brackets are around all numbers, so that they are not minus signs."""
    return not simple


def _both_signs(texts: Texts, _: Sequence[str], __: Find) -> bool:
    """Whether there are debits and credits, which may otherwise be any unit."""
    return len({found.weights for found in texts.values()}) > 1


def _known_sides(texts: Texts, _: Sequence[str], __: Find) -> bool:
    """Whether another letter says what O is, if there is one: German has O and W, Spanish O and E."""
    letters = _letters(texts)
    return "O" not in letters or bool(letters & {"E", "W"})


def _years(texts: Texts, simple: Sequence[str], find: Find) -> bool:
    """Whether these are years of both eras, or some before Christ beside bare ones, or all after AD."""
    before = {text for text, found in texts.items() if found.weights[0] < 0}
    if find(dict.fromkeys(simple, 1)) is None if simple else False:
        return False
    if before:
        return len(before) < len(texts) or len(simple) > len(texts)
    years = [int("".join(filter(str.isdecimal, found.texts[0]))) for found in texts.values()]
    return len(years) >= FEWEST_PLACES and THOUSAND <= max(years) <= LAST_YEAR


def _weeks_and_days(texts: Texts, simple: Sequence[str], _: Find) -> bool:
    """Whether these are weeks and days of a pregnancy, not sums: no day is over 6."""
    weeks = [int(found.texts[0]) for found in texts.values()]
    days = {found.texts[1] for found in texts.values()}
    if any("+" in text.strip("+") for text in simple):
        return False
    return len(texts) >= ENOUGH and len(days) >= FEWEST_PLACES and max(weeks) <= MOST_WEEKS


def _both_sides(texts: Texts, _: Sequence[str], __: Find) -> bool:
    """Whether there are degrees to both sides of the equator, or of Greenwich: 12.5N and 3.4S, not 12C.

    Those with the sign of degrees may all be to one side.
    """
    letters = _letters(texts)
    signed = len(texts) >= FEWEST_PLACES and all("\u00b0" in text for text in texts)
    if letters not in ({"N", "S"}, {"E", "W"}) and not (signed and len(letters) == 1):
        return False
    numbers = [found.texts[0].replace(",", ".") for found in texts.values()]
    return any("." in number for number in numbers) and max(map(float, numbers)) <= _most(letters)


def _places(texts: Texts, simple: Sequence[str], _: Find) -> bool:
    """Whether these are angles such as 48 51 24 N and 48-51.4N, not codes, which have parts over 60."""
    letters = _letters(texts)
    if not (letters <= {"N", "S"} or letters <= {"E", "W"}) or len(texts) < FEWEST_PLACES:
        return False
    if any(map(_LIKE_PLACE.fullmatch, simple)):
        return False
    parts = [[float(part.partition(" ")[0]) for part in found.texts] for found in texts.values()]
    if max(degrees for degrees, *_ in parts) > _most(letters):
        return False
    return any(len(one) > 2 or one[1] % 1 for one in parts)  # 12 30 N may be a street


def _letters(texts: Texts) -> set[str]:
    """The letters before or after angles, such as N."""
    return {text[-1] if text[-1].isalpha() else text[0] for text in texts}


def _most(letters: set[str]) -> int:
    """The most degrees of a latitude, or of a longitude."""
    return 90 if letters & {"N", "S"} else 180


def _durations(texts: Texts, _: Sequence[str], __: Find) -> bool:
    """Whether these are durations: no times of a day, and no results of matches."""
    found = [_HOURS.match(text) for text in texts]
    if any(text.startswith("-") and text.count(":") > 1 for text in texts):
        return True  # MySQL's -01:30:00
    late = sum(match is not None and int(match[1]) >= DAY for match in found)
    if any("." in text or "," in text for text in texts) and not any(match and match[3] for match in found):
        return True  # 2:12.51
    if late < LATE:
        return False
    if any(match and match[3] for match in found):
        return True
    minutes = {int(match[2]) for match in found if match}
    return len(texts) >= ENOUGH and min(minutes) < 10 and max(minutes) >= 50


def _under_a_minute(texts: Texts, simple: Sequence[str], find: Find) -> bool:
    """Whether bare numbers beside times with seconds are seconds, none over 59: 58.24 beside 1:02.31."""
    if not any("." in text or "," in text or text.count(":") > 1 for text in texts):
        return False  # 1:30 may be hours and minutes
    read = find(dict.fromkeys(simple, 1)) if simple and all(map(_BARE.fullmatch, simple)) else None
    return read is not None and all(read(text) < MINUTE for text in simple)


def _units_in_order(texts: Texts, _: Sequence[str], find: Find) -> bool:
    """Whether each part is less than one of the unit before: 1h 30min, not 2 beds 3 baths."""
    read = find(dict.fromkeys((part for found in texts.values() for part in found.texts), 1))
    if read is None:
        return False
    wrong = 0
    for found in texts.values():
        ones = [read(f"1 {part.partition(' ')[2]}") for part in found.texts]
        parts = zip(found.texts[1:], ones[1:], ones, strict=False)
        wrong += not all(one < larger and read(part) < larger for part, one, larger in parts)
    return wrong <= MOST_OTHERS * len(texts)


def _same_notes(texts: Texts, _: Sequence[str], __: Find) -> bool:
    """Whether words in brackets are the same everywhere, so that they say nothing about a row."""
    return len({text[text.index("(") :] for text in texts if text.endswith(")")}) <= 1


def _trends(texts: Texts, simple: Sequence[str], find: Find) -> bool:
    """Whether arrows mean up and down, or triangles are minus signs, beside numbers without any sign."""
    if simple and find(dict.fromkeys(simple, 1)) is None:
        return False
    if any(found.weights[0] < 0 for found in texts.values()):
        return len({found.weights for found in texts.values()}) > 1 or bool(simple)
    return bool(simple) and not any(
        text.startswith((*"-+\u2212\u2013", "\u2191")) for text in (*simple, *texts)
    )


def _flags(texts: Texts, simple: Sequence[str], find: Find) -> bool:
    """Whether flags say high and low, and some numbers have neither: all high ones are above all low ones.

    If there is only one of both flags, it stands at fewer numbers than have none, which are beyond nearly all
    others, and none is a letter at a number, such as that of litres.
    """
    numbers = {text: found.texts[0] for text, found in texts.items()}
    read = find(dict.fromkeys([*numbers.values(), *simple], 1)) if simple else None
    if read is None:
        return False
    sides: dict[bool, list[float]] = {True: [], False: []}
    for text, number in numbers.items():
        _, is_high = flagged(text) or (text, False)
        sides[is_high].append(read(number))
    high, low = sides[True], sides[False]
    if high and low:
        return min(high) > max(low)
    bare = np.array([read(one) for one in simple])
    if len(bare) < max(ENOUGH_BARE, len(texts)) or any(map(_LETTER_AT_NUMBER.search, texts)):
        return False
    return bool(
        min(high) >= np.quantile(bare, NEARLY_ALL) if high else max(low) <= np.quantile(bare, 1 - NEARLY_ALL)
    )


def _in_another_unit(texts: Texts, _: Sequence[str], find: Find) -> bool:
    """Whether the number in brackets is the one before it in another unit, which rises with it evenly."""
    ones, others = zip(*filter(None, map(converted, texts)), strict=True)
    read, read_other = find(dict.fromkeys(ones, 1)), find(dict.fromkeys(others, 1))
    if read is None or read_other is None:
        return False
    numbers = np.array([list(map(read, ones)), list(map(read_other, others))])
    if len(set(numbers[0])) < FEWEST_PLACES or not np.ptp(numbers[1]):
        return False
    return bool(np.corrcoef(numbers)[0, 1] >= EVENLY)


def _around(texts: Texts, _: Sequence[str], find: Find) -> bool:
    """Whether each number is in the interval that follows it, and several intervals differ."""
    parts = list(filter(None, map(estimated, texts)))
    read = find(dict.fromkeys((one for found in parts for one in found), 1))
    if read is None or len({(low, high) for _, low, high in parts}) < FEWEST_PLACES:
        return False
    return all(read(low) <= read(one) <= read(high) for one, low, high in parts)


def _outside(texts: Texts, simple: Sequence[str], find: Find) -> bool:
    """Whether 2,500- and 250,000+ are the least and the most that is told: all other numbers are between.

    Without the most, all are whole numbers as they are written, because a single debt of an account may be
    small, too, and 100.00- is one.
    """
    ends = {sign: [found.texts[0] for text, found in texts.items() if text[-1] == sign] for sign in "+-"}
    read = find(dict.fromkeys([*ends["+"], *ends["-"], *simple], 1)) if ends["-"] else None
    if read is None or len(simple) < ENOUGH or max(map(len, ends.values())) > 1:
        return False
    numbers, least = list(map(read, simple)), read(ends["-"][0])
    if not ends["+"]:
        return not any(map(_DECIMALS.search, [*ends["-"], *simple])) and 0 < least <= min(numbers)
    return least <= min(numbers) and max(numbers) <= read(ends["+"][0])


def _observations(texts: Texts, simple: Sequence[str], find: Find) -> bool:
    """Whether flags follow some of many numbers with decimals or five digits, unlike letters of houses.

    They are several, or one that is not a unit, and then after the fewer numbers.
    """
    flags = {"".join(filter(str.isalpha, text)) for text in texts}
    decimals = sum(re.search(r"\d[.,]\d", text) is not None for text in texts)
    decimals = decimals or sum(_LONG_NUMBER.search(text) is not None for text in texts)
    if not decimals or find(dict.fromkeys(simple, 1)) is None:
        return False
    if len(flags) == 1:
        return flags <= SINGLE_FLAGS and len(simple) >= max(ENOUGH, len(texts))
    often = 2 * decimals >= len(texts) and SOME_BARE * len(simple) >= len(texts)
    return len(texts) <= len(simple) or often


def _mixed_fractions(texts: Texts, _: Sequence[str], __: Find) -> bool:
    """Whether some fractions have a whole part, unlike dates and results."""
    return any(abs(found.weights[0]) > 1 or "/" not in text for text, found in texts.items())


def _ranges(texts: Texts, simple: Sequence[str], find: Find) -> bool:
    """Whether these are ranges: rising, and with ends that rise together, or few among many numbers."""
    read = find(dict.fromkeys((part for found in texts.values() for part in found.texts), 1))
    if read is None:
        return False
    both = [found.texts for found in texts.values() if len(found.texts) > 1]  # not of (35.2, inf]
    ends = np.array([list(map(read, texts)) for texts in both]).reshape(-1, 2)
    low, high = ends.T
    if not (low < high).all():
        return False
    if len(simple) > len(texts):
        return len(simple) >= ENOUGH
    if len(ends) < ENOUGH or np.ptp(low) == 0 or np.ptp(high) == 0:
        return False
    near = np.median(high / np.maximum(low, 1e-9)) <= RATIO
    return bool(near and np.corrcoef(low, high)[0, 1] >= CLOSELY)


_EVIDENCE: Mapping[str, Callable[[Texts, Sequence[str], Find], bool]] = {
    kinds.HEMISPHERE: _both_sides,
    kinds.ANGLE: _known_sides,
    kinds.ERA: _years,
    kinds.WEEKS: _weeks_and_days,
    kinds.SEXAGESIMAL: _places,
    kinds.DEBIT: _both_signs,
    kinds.CLOCK: _durations,
    kinds.UNITS: _units_in_order,
    kinds.FRACTION: _mixed_fractions,
    kinds.FLAG: _flags,
    kinds.TREND: _trends,
    kinds.OBSERVATION: _observations,
    kinds.BOUND: _outside,
    kinds.INTERVAL: _around,
    kinds.RANGE: _ranges,
    kinds.CONVERTED: _in_another_unit,
    kinds.BRACKETS: _everywhere,
    kinds.NOTE: _same_notes,
}
