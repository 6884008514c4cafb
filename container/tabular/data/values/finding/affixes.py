"""What may stand beside the numbers of a column: its currency, its units, and marks that change nothing."""

import re
from collections import Counter
from collections.abc import Collection, Mapping

from tabular.data.values.cells import MOST_OTHERS
from tabular.data.values.finding.units import Units, conversions, may_be_unit
from tabular.data.values.number_words import CURRENCIES, DOUBTFUL, NUMBER_SIGN, OUT_OF, SHOE_SIZE, SIDES
from tabular.data.values.numbers import CORES, CURRENCY_PLACES, digits_of, read_number
from tabular.spec.columns import NumberFormat

__all__ = ["MEASURED", "are_doubtful", "marks_beside", "spellings", "units_of"]

_DENOMINATOR = re.compile(r"[\d.]+")
_USUAL_TOTALS = (4.0, 5.0, 6.0, 7.0, 10.0, 20.0, 100.0, 1000.0)  # of stars, points and percents
_MONTHS = 12
_ORDINALS = {"st", "nd", "rd", "th"}  # of few numbers, such as 1st and 2nd, they are names
_SAME = ({"\u20b9", "Rs", "Rs.", "INR"}, {"$", "US$", "USD"}, {"\u20ac", "EUR"}, {"\u00a3", "GBP"})
MEASURED = 20  # so many different numbers are measurements, not bounds of classes
LETTER = "c"  # of circa; it stands before years
SEVERAL = 10  # different numbers, of which few may have different marks


def units_of(
    parts: Mapping[str, re.Match[str]],
    counts: Mapping[str, int],
    style: tuple[str, str],
    forced: bool = False,
) -> tuple[tuple[str, ...], tuple[tuple[str, float], ...], tuple[tuple[str, float], ...]]:
    """The most frequent currency and unit, or several units that can be converted, and how they are.

    Cells with any other are not numbers. If it is `forced`, the user says that these are numbers, and
    10+ years are of one unit with 2 years.
    """
    currencies, found = Counter[str](), Counter[str]()
    sizes, with_fractions = dict[str, list[float]](), set[str]()
    for text, match in parts.items():
        for place in CURRENCY_PLACES:
            if match[place]:
                currencies[match[place]] += counts[text]
        unit = match["behind"] or match["after"] or ""
        found[unit] += counts[text]
        digits = digits_of(match)
        if CORES[style].fullmatch(digits):
            plain = digits.replace(style[1], "") if style[1] else digits
            sizes.setdefault(unit, []).append(float(plain.replace(style[0], ".")))
            if style[0] in digits:
                with_fractions.add(unit)
    filled = {unit: [one for one in some if one] for unit, some in sizes.items()}
    extents = {unit: (min(some), max(some)) for unit, some in filled.items() if some}
    units = Units(found, extents, with_fractions)
    scales, offsets = conversions(units, money=bool(currencies))
    given = list(filter(None, found))
    alike = len({unit.lstrip("+ ").removesuffix("s") for unit in given}) == 1 < len(given)  # 2 and 10+ years
    if (len(parts) >= MEASURED and set(found) <= _ORDINALS) or (forced and not scales and alike):
        scales = dict.fromkeys(given, 1.0)
    before = [one for usual, _ in currencies.most_common(1) for one in spellings(usual, currencies)]
    known = Counter(
        {
            unit: count
            for unit, count in found.items()
            if unit and may_be_unit(unit, bool(found[""])) and _is_within(unit, units)
            if not any(_are_currencies(unit, other) for other in before)
        }
    )
    behind = scales or [unit for unit, _ in known.most_common(1)]
    return tuple(dict.fromkeys([*before, *behind])), tuple(scales.items()), tuple(offsets.items())


def spellings(usual: str, currencies: Collection[str]) -> list[str]:
    """This currency, and how else it is written among these: \u20b9 and Rs."""
    same = next((one for one in _SAME if usual in one), {usual})
    return [currency for currency in currencies if currency in same]


def _are_currencies(one: str, other: str) -> bool:
    """Whether these are the signs of two currencies, such as $ and \u20ac."""
    return one[-1] in CURRENCIES and other[-1] in CURRENCIES and one[-1] != other[-1]


def _is_within(unit: str, units: Units) -> bool:
    """Whether no number is greater than what it is out of, as in 4/5; true of all other units.

    Where the total is an unusual one, some number has to be larger than those of months, or have decimals:
    3/24 may be March.
    """
    if not re.fullmatch(OUT_OF, unit):
        return True
    total = _DENOMINATOR.search(unit)
    most = units.extents.get(unit, (0.0, 0.0))[1]
    if total is None or most > float(total[0]):
        return total is None
    return float(total[0]) in _USUAL_TOTALS or most > _MONTHS or unit in units.with_fractions


def are_doubtful(
    parts: Mapping[str, re.Match[str]], counts: Mapping[str, int], style: tuple[str, str]
) -> bool:
    """Whether a word before the numbers may begin a code, as in R 101 and #35, for all that they show.

    It does not if they are written as money is, with two decimals each or thousands apart, if sizes of shoes
    have halves, or if many numbers stand without the sign of a number.
    """
    befores = Counter({text: counts[text] for text, match in parts.items() if match["before"]})
    if not befores:
        return False
    marks = Counter[str]()
    for text, count in befores.items():
        marks[parts[text]["before"]] += count
    mark = marks.most_common(1)[0][0]
    if not re.fullmatch(DOUBTFUL, mark):
        return False
    if re.fullmatch(NUMBER_SIGN, mark):
        return sum(counts[text] for text in parts) - befores.total() <= MOST_OTHERS * befores.total()
    digits = [digits_of(parts[text]) for text in befores]
    decimals = [one.partition(style[0])[2] for one in digits if style[0] in one]
    if re.fullmatch(SHOE_SIZE, mark):
        return not decimals
    grouped = bool(style[1]) and any(style[1] in one for one in digits)
    return not grouped and (2 * len(decimals) < len(digits) or any(len(one) != 2 for one in decimals))


def _side(bound: str | None) -> str | None:
    """Whether a bound is one from above or from below; None if it is neither."""
    start = (bound or "").rstrip("=").casefold()
    return next((side for side, signs in SIDES.items() if start in signs), None)


def marks_beside(
    parts: Mapping[str, re.Match[str]], counts: Mapping[str, int], form: NumberFormat, forced: bool = False
) -> tuple[str, ...]:
    """The marks beside numbers, such as `<` of a limit of detection, if they may be left out.

    They may if no number stands with different marks, but for few cells, or if the marks are rare among
    measurements: of `<=50K` and `>50K`, the marks are what counts. They may, too, if the user says that
    these are numbers.
    """
    marked = {text: (match["bound"], match["note"]) for text, match in parts.items()}
    found = tuple(dict.fromkeys(mark for marks in marked.values() for mark in marks if mark))
    if not found or forced:
        return found
    numbers: dict[float, Counter[tuple[str | None, str | None]]] = {}
    bare = set()
    for text, marks in marked.items():
        try:
            number = read_number(text, form._replace(affixes=form.affixes + found))
        except ValueError:
            continue
        numbers.setdefault(number, Counter())[marks] += counts[text]
        if marks == (None, None):
            bare.add(text)
    rows = sum(counts[text] for text in parts)
    measured = len(bare) >= MEASURED and 2 * sum(counts[text] for text in bare) >= rows
    lost = sum(marks.total() - max(marks.values()) for marks in numbers.values())
    sides = {_side(match["bound"] or match["note"]) for match in parts.values()}
    if not bare and len(sides - {None}) > 1:
        return ()  # <30 and >60 are classes
    if not bare and LETTER in found:
        return ()  # c1850 may be a code
    few = len(numbers) >= SEVERAL and lost <= MOST_OTHERS * rows
    return found if measured or few or not lost else ()
