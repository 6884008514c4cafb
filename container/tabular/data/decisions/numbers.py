"""Columns of numbers, plain or written in a format."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import (
    LARGEST_EXACT,
    LARGEST_LEARNED,
    as_series,
    as_texts,
    counts_of,
    first_texts,
    mapped,
    whole_numbers,
    without,
)
from tabular.data.decisions.codes import (
    are_months,
    doubts_of_fractions,
    doubts_of_long_numbers,
    doubts_of_moments,
    doubts_of_months,
    doubts_of_phones,
    doubts_of_versions,
    doubts_of_whole_numbers,
    doubts_of_zeros,
    letter_e,
    lost_digits,
    two_spellings,
)
from tabular.data.decisions.decision import FIRST, Decision, gaps_said, listed, with_gaps
from tabular.data.decisions.many.counts import count
from tabular.data.decisions.many.numbers import ManyNumbers
from tabular.data.decisions.many.plain_cells import read_plain
from tabular.data.values.cells import MOST_GAPS, NO_NUMBERS, is_gap
from tabular.data.values.composed.kinds import (
    ANGLE_WEST,
    BOUND,
    BRACKETS,
    CONVERTED,
    DASH,
    ERA,
    FLAG,
    INTERVAL,
    OBSERVATION,
    RANGE,
    SECONDS,
    TREND,
    TRIANGLE,
    WEEKS,
)
from tabular.data.values.composed.parts import taken_apart
from tabular.data.values.finding.affixes import spellings
from tabular.data.values.finding.numbers import (
    FEWEST_UNGROUPED,
    FoundNumbers,
    points_group,
    telling_digits,
)
from tabular.data.values.number_words import CURRENCIES
from tabular.data.values.numbers import (
    CURRENCY_PLACES,
    digits_of,
    is_plain,
    marks_of,
    matched,
    read_number,
    unit_of,
)
from tabular.spec.columns import PLAIN, Column, NumberFormat
from tabular.spec.errors import BadInput

__all__ = [
    "FEW_MARKS",
    "as_numbers",
    "as_numeric",
    "doubt_of_points",
    "finite",
    "forced_numbers",
    "plain_numbers",
    "points_may_group",
    "too_large",
    "without_large",
]

FEW_MARKS = 3
MANY = 20_000  # cells that show of most columns that nothing is to be said of their numbers
SOME = 1000  # different texts that show whether points separate thousands
# Whole numbers whose points may separate thousands, also beside a currency or a unit, and words.
GROUPED = r"^[^0-9.,]*[1-9]\d{0,2}\.\d{3}"
GROUPED_OR_WORD = r"^(?:[^0-9.,]*(?:0|[1-9]\d{0,2}(?:\.\d{3})*)[^0-9.,]*\.?|[^0-9]*)$"
# What numbers in a notation are taken for.
MEANT = {
    DASH: "as Excel's accounting format writes zero; name it in missing if it is a gap",
    FLAG: "because what stands beside it says high or low",
    CONVERTED: "without the same in another unit",
    BOUND: "because it is the least or the most that is told",
    INTERVAL: "without the interval around it",
    OBSERVATION: "without the flag that a statistical office adds",
    ERA: "because years before Christ are negative",
    WEEKS: "in weeks, of which a day is a seventh",
    BRACKETS: "because brackets around every number are no minus signs",
    TREND: "because arrows mean up and down",
    TRIANGLE: "because a triangle is a minus sign in Japanese accounts",
    ANGLE_WEST: "because O means west beside E",
    SECONDS: "because numbers beside times with seconds are seconds where none is over 59",
}


def points_may_group(cells: pa.ChunkedArray) -> bool:
    """Whether all points could separate thousands, as in 1.234, 950 and 2.000 €, also beside words."""
    for some in (cells.slice(0, FIRST), cells):  # most columns fail on the first cells
        if not pc.any(pc.match_substring_regex(some, r"[0-9]")).as_py():
            return False
        if not pc.all(pc.match_substring_regex(some, GROUPED_OR_WORD)).as_py():
            return False
    return pc.any(pc.match_substring_regex(cells, GROUPED)).as_py() is True


def _points_group(cells: pa.ChunkedArray, fewest: int) -> bool:
    """Whether `points_group` is true of cells that are all numbers."""
    return points_group(_first_digits(cells), fewest) and points_may_group(cells)


def _first_digits(cells: pa.ChunkedArray) -> Iterator[str]:
    """The digits of some numbers; the first ones of most columns already show what they are looked at for."""
    for text in cells.slice(0, FEW_MARKS).to_pylist():
        if text is not None:
            yield text.strip().lstrip("+-")
    for text in first_texts(cells, SOME).to_pylist():
        yield text.strip().lstrip("+-")


def doubt_of_points(cells: pa.ChunkedArray, form: NumberFormat = PLAIN) -> str:
    """What to say of points that may separate thousands, and are read as decimal points."""
    grouped = cells.filter(pc.match_substring_regex(cells, GROUPED))
    first = grouped[0].as_py().strip()
    return (
        f"{first!r} is read as the number {read_number(first, form):g}; set thousands to '.' if it means "
        f"{first.replace('.', '')}."
    )


def plain_numbers(
    column: Column,
    cells: pa.ChunkedArray,
    forced: bool = False,
    grouped: bool = False,
    strict: bool = False,
    into: np.ndarray | None = None,
) -> Decision | None:
    """Numbers that every program reads in the same way, all at once; None if a cell is anything else.

    Args:
        column: its name and its words for missing values.
        cells: the cells as text.
        forced: whether the user says that these are numbers, so that they are not codes.
        grouped: whether the points may separate thousands.
        strict: whether the user says which words mean a missing value, so that no others do.
        into: as in `read_plain`.
    """
    found = read_plain(cells, into)
    if found is None:
        return None
    beyond = max(-found.ends[0], found.ends[1]) > LARGEST_LEARNED
    if beyond and not strict and (large := too_large(cells, found.numbers)):
        rest = plain_numbers(column, without(cells, tuple(large)), forced, grouped)
        return rest and without_large(rest, large, len(cells))
    if not forced and found.code is not None:
        if are_months(cells):
            return None
        code = f"codes with leading zeros, such as {cells[found.code].as_py()!r}"
        doubts = doubts_of_zeros(cells)
        return _codes(column, cells, (code, *doubts), doubts)
    looked_at = found.may_vary and not forced
    if looked_at and (code := two_spellings(cells)):
        return _codes(column, cells, (code,), (code,))
    if looked_at and (code := lost_digits(cells, found.numbers)):
        return _codes(column, cells, (code,), (code,))
    evidence: tuple[str, ...] = (_are_numbers(found.count, cells),)
    if found.whole is None:
        if _points_group(cells, FEWEST_UNGROUPED):
            return None
        grouped = grouped or _points_group(cells, fewest=1)
        if looked_at and (code := letter_e(cells)):
            return _codes(column, cells, (code,), (code,))
        doubts = doubts_of_versions(cells) if looked_at else ()
        if not doubts and looked_at:
            doubts = doubts_of_long_numbers(cells, found.numbers) or doubts_of_phones(cells)
        if not doubts and not forced:
            doubts = doubts_of_fractions(cells, found.values) if looked_at else ()
            doubts = doubts or doubts_of_months(cells, found.lengths)
            doubts = doubts or doubts_of_moments(cells, found.values, found.ends)
        if grouped:
            doubts = (*doubts, doubt_of_points(cells))
        evidence = (*evidence, *doubts)
        return Decision(as_numeric(column), found.values, evidence, doubts, summary=found.summary)
    doubts = doubts_of_whole_numbers(cells, found.whole, found.lengths)
    return Decision(as_numeric(column), whole_numbers(found.whole), (*evidence, *doubts), tuple(doubts))


def _codes(
    column: Column, cells: pa.ChunkedArray, evidence: tuple[str, ...], doubts: tuple[str, ...]
) -> Decision:
    """A category of digits, counted here, where the cells are as C counts them."""
    return Decision(column, as_series(cells), evidence, doubts, count(cells))


def forced_numbers(
    column: Column, cells: pa.ChunkedArray, counts: Mapping[str, int], found: FoundNumbers | None
) -> Decision:
    """A column that the user calls numbers.

    Raises:
        BadInput: if a cell is anything else.
    """
    wrong = {text for text in (found.gaps if found else counts) if text.casefold() not in NO_NUMBERS}
    if found is None or wrong:
        row = next((i for i, cell in enumerate(cells.to_pylist()) if cell and cell.strip() in wrong), 0)
        raise BadInput(
            f"Row {row + 1} of the column {column.name!r} is {cells[row].as_py()!r}, which is not a number, "
            "as the option numeric requires; remove the column from the option, or fix the cell."
        )
    return as_numbers(column, cells, _each(cells, found), forced=True)


def as_numbers(
    column: Column, cells: pa.ChunkedArray, numbers: ManyNumbers, forced: bool = False
) -> Decision:
    """A column of text as float64, NaN if a cell is missing, and what was decided about it."""
    found, values = numbers.found, numbers.values
    gaps = Counter(found.gaps)
    written = [text.strip() for text in numbers.texts if not is_gap(text.strip(), gaps)]
    sign = found.format.thousands
    odd = next((text for text in written if not is_plain(text) or (sign == "." and sign in text)), None)
    doubts: tuple[str, ...] = ()
    if odd is None and not forced and (plain := _plain_beside_gaps(column, cells, values)):
        doubts = plain.doubts
        if plain.column.kind == "categorical":
            return _codes(column, cells, doubts, doubts)
    said = (*_of_format(written, odd, found.format), *doubts, *gaps_said(gaps, len(cells)))
    column = with_gaps(column, "numeric", gaps)
    if found.format != PLAIN or odd is not None:  # the server reads others of all columns at once
        column = replace(column, number=found.format)
    count = int(np.isfinite(values).sum())
    return Decision(column, pd.Series(values), (_are_numbers(count, cells), *said), said)


def _are_numbers(count: int, cells: pa.ChunkedArray) -> str:
    """How many of the cells are numbers, in words."""
    if count == len(cells):
        return f"all {count} cells are numbers"
    if count == len(cells) - cells.null_count:
        return f"all {count} filled cells are numbers"
    return f"{count} of {len(cells)} cells are numbers"


def _plain_beside_gaps(column: Column, cells: pa.ChunkedArray, values: np.ndarray) -> Decision | None:
    """What is decided about numbers without the gaps beside them; None if there is nothing to say.

    The first cells of most columns show it.
    """
    beyond = np.nanmax(np.abs(values), initial=0) > LARGEST_EXACT
    plain = None
    for rows in (len(cells),) if beyond else (MANY, len(cells)):
        filled = pc.if_else(
            pa.array(np.isnan(values[:rows])), pa.scalar(None, cells.type), cells.slice(0, rows)
        )
        plain = plain_numbers(column, filled, strict=True)
        if plain is None or not plain.doubts or rows >= len(cells):
            break
    return plain if plain and plain.doubts else None


def as_numeric(column: Column) -> Column:
    """The column as one of numbers, of which nothing is known besides its words for missing values."""
    return Column(column.name, "numeric", missing=column.missing)  # replace() takes long for many columns


def _each(cells: pa.ChunkedArray, found: FoundNumbers) -> ManyNumbers:
    """The numbers of a column, each text read by itself."""
    gaps = found.gaps

    def read(text: str) -> float:
        if _is_infinite(text):
            return float(text)  # to be refused by name
        return np.nan if is_gap(text.strip(), gaps) else read_number(text, found.format)

    return ManyNumbers(found, mapped(cells, read), cells.drop_null().unique().to_pylist())


def without_large(rest: Decision, large: Mapping[str, int], rows: int) -> Decision:
    """A decision about the other cells, with the texts that are too large as missing values."""
    said = (
        f"{listed(list(large))}, in {sum(large.values())} of {rows} rows, "
        f"{'is' if len(large) == 1 else 'are'} too large for a model and read as missing.",
    )
    column = with_gaps(rest.column, rest.column.kind, large)
    return Decision(column, rest.read, (*rest.evidence, *said), (*said, *rest.doubts))


def too_large(cells: pa.ChunkedArray, numbers: pa.ChunkedArray) -> dict[str, int]:
    """Texts such as 1e300 that stand for a missing value, and how often each occurs.

    They are too large for a model, of few kinds, and rarer than other numbers. If they are not, the table is
    refused later.
    """
    values = numbers.to_numpy()
    if max(-np.fmin.reduce(values, initial=0), np.fmax.reduce(values, initial=0)) <= LARGEST_LEARNED:
        return {}
    large = pc.fill_null(pc.greater(pc.abs(numbers), LARGEST_LEARNED), fill_value=False)
    found = counts_of(as_texts(cells.filter(large)))
    few = len(found) <= FEW_MARKS and sum(found.values()) <= MOST_GAPS * len(numbers.drop_null())
    return found if few else {}


def finite(counts: Mapping[str, int]) -> Mapping[str, int]:
    """The texts that are not infinite numbers."""
    texts = pa.array(counts, pa.string())
    suspects = texts.filter(pc.match_substring_regex(texts, r"(?i)e|inf|.{300}")).to_pylist()
    infinite = set(filter(_is_infinite, suspects))
    return {text: count for text, count in counts.items() if text not in infinite} if infinite else counts


def _is_infinite(text: str) -> bool:
    """Whether a cell is an infinite number, such as inf, or one that is too large, such as 1e999."""
    try:
        return bool(np.isinf(float(text)))
    except ValueError:
        return False


def _of_format(numbers: Sequence[str], odd: str | None, form: NumberFormat) -> Iterable[str]:
    """What to say of numbers that not every program reads in the same way, and of units that some lack.

    `odd` is the first of such numbers.
    """
    if odd is not None:
        read = f"{odd!r} is read as the number {read_number(odd, form):.15g}"
        yield f"{read}; name the column in categorical to keep the text."
    if form.affixes and (form.decimal, form.thousands) == (".", ""):
        parts = {text: match for text in numbers[:SOME] if (match := matched(text.strip()))}
        telling = set(telling_digits(parts.values()))
        digits = {one: text for text, match in parts.items() if (one := digits_of(match)) in telling}
        money = any(match[place] for match in parts.values() for place in CURRENCY_PLACES)
        if points_group(digits, fewest=0 if money else 1):
            text = next(text for one, text in digits.items() if "." in one)
            yield (
                f"{text!r} is read as {read_number(text, form):.15g}; set thousands to '.' if it is as large "
                f"as {text.replace('.', '')!r}."
            )
    if form.notations:
        parts = {text: taken_apart(text, form.notations) for text in numbers}
        middle = next((text for text, found in parts.items() if found and found.notation == RANGE), None)
        if middle is not None:
            yield f"ranges, such as {middle!r}, are read as midpoints, here {read_number(middle, form):.6g}."
        for notation, why in MEANT.items():
            text = next((text for text, found in parts.items() if found and found.notation == notation), None)
            if text is not None:
                yield f"{text!r} is read as {read_number(text, form):.6g}, {why}."
        numbers = [text for text, found in parts.items() if found is None]
    marks, converted = marks_of(form), dict(form.scales)
    for mark in marks:
        marked = next((text for text in numbers if mark in text), mark)
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
