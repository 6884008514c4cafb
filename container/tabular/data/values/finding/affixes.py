"""What may stand beside the numbers of a column: its currency, its units, and marks that change nothing."""

import re
from collections import Counter
from collections.abc import Mapping

from tabular.data.values.cells import MOST_OTHERS
from tabular.data.values.finding.units import Units, conversions, may_be_unit
from tabular.data.values.numbers import CORES, CURRENCY_PLACES, OUT_OF, SIDES, digits_of, read_number
from tabular.spec.columns import NumberFormat

__all__ = ["MEASURED", "marks_beside", "units_of"]

_DENOMINATOR = re.compile(r"[\d.]+")
_ORDINALS = {"st", "nd", "rd", "th"}  # of few numbers, such as 1st and 2nd, they are names
MEASURED = 20  # so many different numbers are measurements, not bounds of classes
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
    scales, offsets = conversions(Units(found, extents, with_fractions), money=bool(currencies))
    given = list(filter(None, found))
    alike = len({unit.lstrip("+ ").removesuffix("s") for unit in given}) == 1 < len(given)  # 2 and 10+ years
    if (len(parts) >= MEASURED and set(found) <= _ORDINALS) or (forced and not scales and alike):
        scales = dict.fromkeys(given, 1.0)
    known = Counter(
        {
            unit: count
            for unit, count in found.items()
            if unit and may_be_unit(unit, bool(found[""])) and _is_within(unit, extents)
        }
    )
    behind = scales or [unit for unit, _ in known.most_common(1)]
    before = [currency for currency, _ in currencies.most_common(1)]
    return tuple(dict.fromkeys([*before, *behind])), tuple(scales.items()), tuple(offsets.items())


def _is_within(unit: str, extents: Mapping[str, tuple[float, float]]) -> bool:
    """Whether no number is greater than what it is out of, as in 4/5; true of all other units."""
    if not re.fullmatch(OUT_OF, unit):
        return True
    most = _DENOMINATOR.search(unit)
    return most is None or extents.get(unit, (0.0, 0.0))[1] <= float(most[0])


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
    if not bare and len({_side(match["bound"]) for match in parts.values()} - {None}) > 1:
        return ()  # <30 and >60 are classes
    few = len(numbers) >= SEVERAL and lost <= MOST_OTHERS * rows
    return found if measured or few or not lost else ()
