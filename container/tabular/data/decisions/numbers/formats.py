"""What to say of numbers that not every program reads in the same way."""

from collections.abc import Iterable, Sequence

from tabular.data.decisions.numbers.points import SOME
from tabular.data.values.composed import kinds
from tabular.data.values.composed.parts import taken_apart
from tabular.data.values.finding.affixes import spellings
from tabular.data.values.finding.numbers import points_group, telling_digits
from tabular.data.values.number_words import CURRENCIES, CURRENCY
from tabular.data.values.numbers import CURRENCY_PLACES, digits_of, marks_of, matched, read_number, unit_of
from tabular.spec.columns import NumberFormat

__all__ = ["said_of_format"]

# What numbers in a notation are taken for.
MEANT = {
    kinds.DASH: "as Excel's accounting format writes zero; name it in missing if it is a gap",
    kinds.FLAG: "because what stands beside it says high or low",
    kinds.CONVERTED: "without the same in another unit",
    kinds.BOUND: "because it is the least or the most that is told",
    kinds.INTERVAL: "without the interval around it",
    kinds.OBSERVATION: "without the flag that a statistical office adds",
    kinds.ERA: "because years before Christ are negative",
    kinds.WEEKS: "in weeks, of which a day is a seventh",
    kinds.BRACKETS: "because brackets around every number are not minus signs",
    kinds.TREND: "because arrows mean up and down",
    kinds.TRIANGLE: "because a triangle is a minus sign in Japanese accounts",
    kinds.ANGLE_WEST: "because O means west beside E",
    kinds.SECONDS: "because numbers beside times with seconds are seconds where none is over 59",
}


def said_of_format(numbers: Sequence[str], odd: str | None, form: NumberFormat) -> Iterable[str]:
    """What to say of numbers that not every program reads in the same way, and of units that only some have.

    `odd` is the first of such numbers.
    """
    if odd is not None:
        read = f"{odd!r} is read as the number {read_number(odd, form):.15g}"
        yield f"{read}; name the column in categorical to keep the text."
    if form.affixes and (form.decimal, form.thousands) == (".", ""):
        parts = {text: match for text in numbers[:SOME] if (match := matched(text.strip()))}
        telling = set(telling_digits(parts.values()))
        digits = {one: text for text, match in parts.items() if (one := digits_of(match)) in telling}
        money = any(
            any(match[place] for place in CURRENCY_PLACES) or CURRENCY.fullmatch(match["behind"] or "")
            for match in parts.values()
        )
        if points_group(digits, fewest=0 if money else 1):
            one, text = next((one, text) for one, text in digits.items() if "." in one)
            yield (
                f"{text!r} is read as {read_number(text, form):.15g}; set thousands to '.' if it is as large "
                f"as {text.replace(one, one.replace('.', ''))!r}."
            )
    written = numbers
    if form.notations:
        parts = {text: taken_apart(text, form.notations) for text in numbers}
        firsts: dict[str, str] = {}  # of each notation
        for text, found in parts.items():
            if found:
                firsts.setdefault(found.notation, text)
        if middle := firsts.get(kinds.RANGE):
            yield f"ranges, such as {middle!r}, are read as midpoints, here {read_number(middle, form):.6g}."
        for notation, why in MEANT.items():
            if text := firsts.get(notation):
                yield f"{text!r} is read as {read_number(text, form):.6g}, {why}."
        numbers = [text for text, found in parts.items() if found is None]
    marks, converted = marks_of(form), dict(form.scales)
    for mark in marks:
        marked = next((text for text in written if mark in text), mark)
        yield f"{mark!r} beside numbers is left out; name {marked!r} in missing if it is not a measurement."
    if numbers and set(converted.values()) - {1.0}:
        yield f"units that are converted: {_examples(numbers, form)}."
    if converted:
        usual = next((unit for unit, scale in form.scales if scale == 1), None)
        bare = next((text for text in numbers if not unit_of(text)), None)
        if usual is not None and bare is not None:
            read = f"numbers without a unit, such as {bare!r}, are read as {usual!r}"
            yield f"{read}; rewrite them if that is wrong."
    for unit in [affix for affix in form.affixes if affix not in (*marks, *converted)]:
        if unit[-1] in CURRENCIES:
            continue
        others = [one for one in spellings(unit, form.affixes) if one != unit]
        without_it = (text for text in numbers if unit not in text and unit_of(text) != unit)
        bare = next((text for text in without_it if not any(one in text for one in others)), None)
        if bare is not None:
            one = next((text for text in numbers if unit in text), odd)
            yield (
                f"numbers with and without {unit!r}, such as {one!r} and {bare!r}, which are read as if all "
                "had the same unit; rewrite them if they do not."
            )


def _examples(numbers: Iterable[str], form: NumberFormat) -> str:
    """What a number is read as, for one unit of each size."""
    scales, found = dict(form.scales), dict[float, str]()
    for text in numbers:
        found.setdefault(scales.get(unit_of(text), 1.0), text)
        if len(found) == len({1.0, *scales.values()}):
            break
    return ", ".join(f"{text!r} is {read_number(text, form):.6g}" for text in found.values())
