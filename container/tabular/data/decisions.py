"""What a column is and how its cells are read, decided once from all its cells, with the evidence.

Text is read as numbers, booleans or dates if almost all its cells are; the other cells are then missing
values, which are counted and reported. Anything else is a category, whose cells stay as they were written.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.cells import BOOLEAN_PAIRS, BOOLEANS, MARKS, MOST_GAPS, MOST_OTHERS, folded, is_gap
from tabular.data.dates import ISO, FoundDates, find_dates, has_time, is_ambiguous, other_meaning
from tabular.data.many_numbers import ManyNumbers, read_many
from tabular.data.numbers import CURRENCIES, FoundNumbers, find_numbers, read_number
from tabular.spec.columns import PLAIN, Column, Kind, NumberFormat
from tabular.spec.errors import BadInput
from tabular.spec.options import DEFAULTS, Options

__all__ = ["Decision", "FileStyle", "as_texts", "column_of", "decide", "is_text", "seconds"]

SAMPLE = 1000  # distinct texts that tell whether a column can be numbers or dates at all
FIRST = 100  # cells that show of most columns of words that they are no numbers or dates
FEW_LEVELS = 50
ENOUGH_DAYS = 20  # different numbers of six digits that all look like dates are hardly anything else
FEW_MARKS = 3
LARGEST_LEARNED = float(np.finfo(np.float32).max)  # most estimators calculate in single precision
LARGEST_EXACT = 2**53  # of the whole numbers that a float64 holds
NUMBER_LIKE = (
    r"^\s*[<>~\x{2264}\x{2265}\x{b1}]?\s*[$\x{20ac}\x{a3}\x{a5}]?\s*[-+]?"
    r"\d[\d.,:;'/\x{2019}\s-]*\s*\S{0,12}\s*$"
)


class FileStyle(NamedTuple):
    """What a whole file says about its numbers.

    `likely_decimal_comma`: the comma in 1,234 is likely to be a decimal comma, because another character
    separates the cells. `has_decimal_commas`: some column has numbers such as 12,5.
    """

    likely_decimal_comma: bool = False
    has_decimal_commas: bool = False


UNKNOWN = FileStyle()


@dataclass(frozen=True)
class Decision:
    """How a column is read.

    `values` holds the cells: numbers as numbers, everything else as it was written, None if a cell is
    missing. `evidence` says in sentences why the column was read like this; `doubts` are those sentences
    that the user should see as warnings.
    """

    column: Column
    values: pd.Series
    evidence: tuple[str, ...]
    doubts: tuple[str, ...] = ()


def column_of(name: str, values: pd.Series, options: Options = DEFAULTS) -> Column:
    """How the cells of a column in a data frame are read.

    Raises:
        BadInput: as `decide`.
    """
    return decide(name, as_arrow(values), options).column


def as_arrow(values: pd.Series) -> pa.ChunkedArray:
    """The cells of a column; cells of mixed types become text."""
    try:
        cells = pa.Array.from_pandas(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        cells = pa.Array.from_pandas(values.map(str, na_action="ignore"))
    cells = cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([cells])
    return _without(cells, ("",)) if is_text(cells.type) else cells


def decide(
    name: str, cells: pa.ChunkedArray, options: Options = DEFAULTS, style: FileStyle = UNKNOWN
) -> Decision:
    """Decide what a column is.

    Args:
        name: its name, which options may name.
        cells: the cells: text as it was written, or typed cells from Parquet; null if a cell is missing.
        options: those that set a kind win over the evidence.
        style: what the whole file says about its numbers.

    Raises:
        BadInput: if a cell does not fit the kind that the options set.
    """
    found = _decided(name, cells, options, style)
    return _merged(found) if name in options.merge_spellings else found


def _decided(name: str, cells: pa.ChunkedArray, options: Options, style: FileStyle) -> Decision:
    if not is_text(cells.type):
        return _typed(name, cells, options)
    words = options.missing_in(name)
    cells = _without(cells, words) if words else cells
    column = Column(name, "categorical", missing=words or None)
    if name in (*options.categorical, *options.text, options.group):
        return Decision(
            column, _as_pandas(cells), (f"named in {_where(name, options)}, so its cells are words",)
        )
    if name in options.date:
        return _forced_dates(column, cells, options)
    forced = name in options.numeric
    signs = options.decimal, options.thousands
    grouped = _points_may_group(cells) and style.likely_decimal_comma and signs == (None, None)
    if grouped and style.has_decimal_commas:
        signs = (",", ".")
    strict = words is not None
    if (
        signs == (None, None)
        and (plain := _plain_numbers(column, cells, forced, grouped, strict)) is not None
    ):
        return plain
    if not forced and options.date_format_of(name) is None and _are_iso(cells):
        return _iso_dates(column, cells)
    if not forced and (many := read_many(cells, style.likely_decimal_comma, signs, strict)):
        return _as_numbers(column, cells, many)
    counted = pc.value_counts(cells.drop_null())
    if not forced and _is_certainly_a_category(counted.field("values")):
        return _category(column, cells, counted)
    counts = _as_counts(counted)
    if forced:
        numbers = find_numbers(_finite(counts), style.likely_decimal_comma, signs, forced=True)
        return _forced_numbers(column, cells, counts, numbers)
    found = _booleans(column, cells, counts, words)
    if not found:
        numbers = find_numbers(_finite(counts), style.likely_decimal_comma, signs, strict)
        found = numbers and _as_numbers(column, cells, _each(cells, numbers))
    found = found or _dates(column, cells, counts, options, words)
    return found or _category(column, cells, counted)


def _merged(found: Decision) -> Decision:
    """A category in which texts that differ only in blanks, case or Unicode form are one level.

    Raises:
        BadInput: if the column is not a category.
    """
    if found.column.kind != "categorical":
        raise BadInput(
            f"The column {found.column.name!r} is in merge_spellings, but it is {found.column.kind}; name it "
            "in categorical, too, or remove it there."
        )
    counts = found.values.value_counts()
    spellings: dict[str, str] = {}
    for text in counts.sort_index().sort_values(ascending=False, kind="stable").index:
        spellings.setdefault(folded(text), text)
    merged = {text: spellings[folded(text)] for text in counts.index}
    others = [text for text, level in merged.items() if text != level]
    said = (f"{_listed(others)} merged into the level that is written most often",) if others else ()
    return replace(
        found,
        column=replace(found.column, spellings=tuple(spellings.values())),
        values=found.values.map(merged),
        evidence=(*found.evidence, *said),
    )


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of this type are text."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _where(name: str, options: Options) -> str:
    if name == options.group:
        return "group"
    return "categorical" if name in options.categorical else "text"


def _points_may_group(cells: pa.ChunkedArray) -> bool:
    """Whether all points could separate thousands, as in 1.234 and 950."""
    for some in (cells.slice(0, FIRST), cells):  # most columns fail on the first cells
        if not pc.all(pc.match_substring_regex(some, r"^[-+]?[1-9]\d{0,2}(\.\d{3})*$")).as_py():
            return False
    return pc.any(pc.match_substring(cells, ".")).as_py() is True


def _plain_numbers(
    column: Column, cells: pa.ChunkedArray, forced: bool = False, grouped: bool = False, strict: bool = False
) -> Decision | None:
    """Numbers that every program reads in the same way, all at once; None if a cell is anything else.

    Args:
        column: its name and its words for missing values.
        cells: the cells as text.
        forced: whether the user says that these are numbers, so that they are not codes.
        grouped: whether the points may separate thousands.
        strict: whether the user says which words mean a missing value, so that no others do.
    """
    numbers = _cast(cells, pa.float64())  # first, because pyarrow reads 0x1F as a whole number
    count = 0 if numbers is None else len(numbers) - numbers.null_count
    if not count or not pc.all(pc.is_finite(numbers)).as_py():
        return None
    if not strict and (large := _too_large(cells, numbers)):
        rest = _plain_numbers(column, _without(cells, tuple(large)), forced, grouped)
        return rest and _without_large(rest, large, len(cells))
    if not forced and (code := _leading_zeros(cells, numbers)):
        return Decision(column, _as_pandas(cells), (code,))
    if not forced and (code := _two_spellings(cells)):
        return Decision(column, _as_pandas(cells), (code,), (code,))
    evidence = [
        f"all {count} cells are numbers" if count == len(cells) else f"all {count} filled cells are numbers"
    ]
    whole = _cast(cells, pa.int64())
    if whole is None:
        if not forced and (code := _letter_e(cells)):
            return Decision(column, _as_pandas(cells), (code,), (code,))
        doubts = () if forced else _of_versions(cells)
        if grouped:
            first = next(cell for cell in cells.drop_null().to_pylist() if "." in cell)
            doubts = (
                *doubts,
                f"{first!r} is read as the number {float(first):g}; set thousands to '.' if it means "
                f"{first.replace('.', '')}.",
            )
        return Decision(_numeric(column), numbers.to_pandas(), (*evidence, *doubts), doubts)
    doubts = _of_whole_numbers(cells, whole)
    return Decision(_numeric(column), _whole(whole), (*evidence, *doubts), tuple(doubts))


def _cast(cells: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    """All cells as another type; None if one cannot be, which the first cells of most columns show."""
    try:
        pc.cast(cells.slice(0, FIRST), kind)
        return pc.cast(cells, kind)
    except pa.ArrowInvalid:
        return None


def _too_large(cells: pa.ChunkedArray, numbers: pa.ChunkedArray) -> dict[str, int]:
    """Texts such as 1.8e308 that stand for a missing value, and how often each occurs.

    They are too large for a model, of few kinds, and rarer than other numbers. If they are not, the table is
    refused later.
    """
    ends = pc.min_max(numbers).as_py()
    if max(-(ends["min"] or 0), ends["max"] or 0) <= LARGEST_LEARNED:
        return {}
    large = pc.fill_null(pc.greater(pc.abs(numbers), LARGEST_LEARNED), fill_value=False)
    found = _counts(as_texts(cells.filter(large)))
    few = len(found) <= FEW_MARKS and sum(found.values()) <= MOST_GAPS * len(numbers.drop_null())
    return found if few else {}


def _without_large(rest: Decision, large: Mapping[str, int], rows: int) -> Decision:
    """A decision about the other cells, with the texts that are too large as missing values."""
    said = (
        f"{_listed(list(large))}, in {sum(large.values())} of {rows} rows, "
        f"{'is' if len(large) == 1 else 'are'} too large for a model and read as missing.",
    )
    column = _with_gaps(rest.column, rest.column.kind, large)
    return Decision(column, rest.values, (*rest.evidence, *said), (*said, *rest.doubts))


def _numeric(column: Column) -> Column:
    return replace(column, kind="numeric")


def _leading_zeros(cells: pa.ChunkedArray, numbers: pa.ChunkedArray) -> str:
    """That digits are codes, because some have leading zeros; else empty."""
    zeros = reduce(pc.or_, (pc.starts_with(cells, start) for start in ("0", "-0", "+0")))
    if not pc.any(zeros).as_py():
        return ""
    # Below one, a leading zero is that of 0.5; comparing numbers takes less time than looking at each text.
    whole = pc.or_(pc.greater_equal(pc.abs(numbers), 1), pc.equal(numbers, 0))
    suspects = cells.filter(pc.and_(whole, zeros))
    codes = suspects.filter(pc.match_substring_regex(suspects, r"^[-+]?0\d"))
    if len(codes):
        return f"codes with leading zeros, such as {codes[0].as_py()!r}"
    return ""


def _two_spellings(cells: pa.ChunkedArray) -> str:
    """That digits are codes, because one number is written in two ways; else empty."""
    if len(cells.slice(0, SAMPLE).unique()) > FEW_LEVELS:
        return ""
    spellings: dict[float, str] = {}
    levels = [text for text in cells.unique().to_pylist() if text is not None and "." in text]
    if len(levels) > FEW_LEVELS or any("e" in text.casefold() for text in levels):
        return ""
    for text in levels:
        # A number that is rounded to zero may keep its sign: -0.0 is no code.
        if float(text) and (other := spellings.setdefault(float(text), text)) != text:
            return (
                f"codes, such as {min(other, text)!r} beside {max(other, text)!r}, which are the same "
                "number; name the column in numeric if they are quantities."
            )
    return ""


def _letter_e(cells: pa.ChunkedArray) -> str:
    """That cells such as 12E3 are codes; else empty.

    Programs write an exponent with a sign or behind a point: 1e+05, 1.2E7.
    """
    if pc.any(pc.match_substring(cells.slice(0, FIRST), ".")).as_py():
        return ""
    codes = cells.filter(pc.match_substring_regex(cells, r"^\d+[eE]\d+$"))
    if not len(codes) or pc.any(pc.match_substring_regex(cells, r"\.|[eE][-+]")).as_py():
        return ""
    return (
        f"codes, such as {codes[0].as_py()!r}, which is {float(codes[0].as_py()):g} as a number; name the "
        "column in numeric if they are quantities."
    )


def _of_versions(cells: pa.ChunkedArray) -> tuple[str, ...]:
    """What to say of numbers such as 3.10 beside 3.9, which may be versions."""
    some = cells.slice(0, 2 * FIRST)
    zeros = some.filter(pc.match_substring_regex(some, r"^\d+\.\d+0$"))
    if not len(zeros):
        return ()
    shorter = rf"^\d+\.\d{{1,{len(zeros[0].as_py().partition('.')[2]) - 1}}}$"
    others = some.filter(pc.match_substring_regex(some, shorter))
    if not len(others):
        return ()
    return (
        f"numbers with and without zeros at the end, such as {zeros[0].as_py()!r} and {others[0].as_py()!r}; "
        "name the column in categorical if they are versions or other codes.",
    )


def _of_whole_numbers(texts: pa.ChunkedArray, whole: pa.ChunkedArray) -> list[str]:
    """What may be wrong with reading whole numbers as quantities."""
    ends = pc.min_max(whole).as_py()
    if max(abs(ends["min"]), abs(ends["max"])) > LARGEST_EXACT:
        return [
            "whole numbers beyond 2**53, of which a model sees about the first 15 digits; name the column in "
            "categorical, group or drop if they identify something."
        ]
    widths = pc.min_max(pc.binary_length(texts)).as_py()
    width = widths["min"]
    if width != widths["max"] or not 5 <= width <= 12 or ends["min"] < 0:
        return []
    sample = whole.slice(0, SAMPLE * 20).drop_null().unique().to_pylist()
    if form := _digits_of_dates(sample, width):
        return [
            f"whole numbers such as {sample[0]} look like dates; set date_format to {form!r} for the column "
            "if they are."
        ]
    if len(sample) * 2 < min(len(whole), SAMPLE * 20):
        return [
            f"whole numbers of {width} digits each, such as {sample[0]}; name the column in categorical if "
            "they are codes."
        ]
    return []


def _digits_of_dates(numbers: Sequence[int], width: int) -> str | None:
    """The format in which all these numbers are dates; None if there is none."""
    if width not in (6, 8) or (width == 6 and len(numbers) < ENOUGH_DAYS):
        return None
    years = (1900, 2100) if width == 8 else (0, 99)
    scale = 10 ** (width - 4)  # by which the year at the end shifts day and month
    year = "%Y" if width == 8 else "%y"
    split = {
        f"{year}%m%d": [(n // 10_000, n // 100 % 100, n % 100) for n in numbers],
        f"%d%m{year}": [(n % scale, n // scale % 100, n // scale // 100) for n in numbers],
        f"%m%d{year}": [(n % scale, n // scale // 100, n // scale % 100) for n in numbers],
    }
    for form, days in split.items():
        if all(years[0] <= y <= years[1] and 1 <= m <= 12 and 1 <= d <= 31 for y, m, d in days):
            return form
    return None


def _whole(cells: pa.ChunkedArray) -> pd.Series:
    """Whole numbers as int64; with gaps as float64 if it holds them exactly, otherwise as pandas' Int64."""
    if not cells.null_count:
        return cells.to_pandas()
    ends = pc.min_max(cells).as_py()
    if max(abs(ends["min"] or 0), abs(ends["max"] or 0)) <= LARGEST_EXACT:
        return pc.cast(cells, pa.float64()).to_pandas()
    return cells.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


def _forced_numbers(
    column: Column, cells: pa.ChunkedArray, counts: Mapping[str, int], found: FoundNumbers | None
) -> Decision:
    wrong = {text for text in (found.gaps if found else counts) if text.casefold() not in MARKS}
    if found is None or wrong:
        row = next((i for i, cell in enumerate(cells.to_pylist()) if cell and cell.strip() in wrong), 0)
        raise BadInput(
            f"Row {row + 1} of the column {column.name!r} is {cells[row].as_py()!r}, which is not a number, "
            "as the option numeric requires; remove the column from the option, or fix the cell."
        )
    return _as_numbers(column, cells, _each(cells, found))


def _booleans(
    column: Column, cells: pa.ChunkedArray, counts: Mapping[str, int], words: Sequence[str] | None
) -> Decision | None:
    if len(counts) > FEW_LEVELS:
        return None
    folded = {text: text.strip().casefold() for text in counts}
    seen = set(folded.values())
    if not any(pair <= seen for pair in BOOLEAN_PAIRS):
        return None
    gaps = Counter({text.strip(): counts[text] for text, word in folded.items() if word not in BOOLEANS})
    if not _few(gaps, sum(counts.values()), words):
        return None
    names = sorted(text for text, word in folded.items() if word in BOOLEANS)
    said = _gaps_said(gaps, len(cells))
    evidence = (f"true or false, written as {_listed(names)}", *said)
    return Decision(_with_gaps(column, "boolean", gaps), _as_pandas(cells), evidence, said)


def _finite(counts: Mapping[str, int]) -> dict[str, int]:
    return {text: count for text, count in counts.items() if not _is_infinite(text)}


def _is_infinite(text: str) -> bool:
    """Whether a cell is an infinite number, such as inf, or one that is too large, such as 1e999."""
    try:
        return bool(np.isinf(float(text)))
    except ValueError:
        return False


def _is_certainly_a_category(texts: pa.StringArray) -> bool:
    """Whether a part of many texts shows that they are neither numbers nor dates; reading all takes long."""
    if len(texts) <= 5 * SAMPLE:
        return False
    sample = texts.take(np.linspace(0, len(texts) - 1, SAMPLE).astype(int)).to_pylist()
    numbers = sum(find_numbers({text: 1}, forced=True) is not None for text in sample)
    return numbers * 2 < len(sample) and find_dates(dict.fromkeys(sample, 1)) is None


def _each(cells: pa.ChunkedArray, found: FoundNumbers) -> ManyNumbers:
    """The numbers of a column, each text read by itself."""
    gaps = found.gaps

    def read(text: str) -> float:
        if _is_infinite(text):
            return float(text)  # to be refused by name
        return np.nan if is_gap(text.strip(), gaps) else read_number(text, found.format)

    return ManyNumbers(found, _mapped(cells, read), cells.drop_null().unique().to_pylist())


def _as_numbers(column: Column, cells: pa.ChunkedArray, numbers: ManyNumbers) -> Decision:
    """A column of text as float64, NaN if a cell is missing, and what was decided about it."""
    found, values = numbers.found, numbers.values
    gaps = Counter(found.gaps)
    said = (*_of_format(numbers.texts, found.format, gaps), *_gaps_said(gaps, len(cells)))
    column = _with_gaps(column, "numeric", gaps)
    if found.format != PLAIN:
        column = replace(column, number=found.format)
    count = int(np.isfinite(values).sum())
    return Decision(column, pd.Series(values), (f"{count} of {len(cells)} cells are numbers", *said), said)


def _of_format(texts: Iterable[str], form: NumberFormat, gaps: Mapping[str, int]) -> Iterable[str]:
    """What to say of numbers that not every program reads in the same way, and of units that some lack."""
    numbers = [text.strip() for text in texts if not is_gap(text.strip(), gaps)]
    if (odd := next((text for text in numbers if not _is_plain(text)), None)) is not None:
        read = f"{odd!r} is read as the number {read_number(odd, form):.15g}"
        yield f"{read}; name the column in categorical to keep the text."
    for unit in form.affixes:
        bare = next((text for text in numbers if unit not in text), None)
        if unit[0] not in CURRENCIES and bare is not None:
            yield (
                f"numbers with and without {unit!r}, such as {odd!r} and {bare!r}, which are read as if all "
                "had the same unit; rewrite them if they have not."
            )


def _is_plain(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _dates(
    column: Column,
    cells: pa.ChunkedArray,
    counts: Mapping[str, int],
    options: Options,
    words: Sequence[str] | None,
) -> Decision | None:
    form = options.date_format_of(column.name)
    found = find_dates(counts, form=form, dayfirst=options.dayfirst, strict=words is not None)
    return found and _as_dates(column, cells, counts, found, options)


def _forced_dates(column: Column, cells: pa.ChunkedArray, options: Options) -> Decision:
    counts = _counts(cells)
    form = options.date_format_of(column.name)
    found = find_dates(counts, forced=True, form=form, dayfirst=options.dayfirst)
    if found is None:
        examples = ", ".join(map(repr, list(counts)[:3]))
        raise BadInput(
            f"The column {column.name!r} is in date, but "
            + (f"the format {form!r} does not fit" if form else "no format fits")
            + f" all its cells, such as {examples}; write them as 2024-01-31, or name their format in "
            "date_format."
        )
    return _as_dates(column, cells, counts, found, options)


def _as_dates(
    column: Column, cells: pa.ChunkedArray, counts: Mapping[str, int], found: FoundDates, options: Options
) -> Decision:
    gaps = Counter(found.gaps)
    said = list(_gaps_said(gaps, len(cells)))
    known = options.dayfirst is not None or options.date_format_of(column.name) is not None
    dates = [text for text in counts if not is_gap(text.strip(), gaps)]
    if not known and is_ambiguous(dates, found.format):
        first, second = ("month", "day") if found.format.startswith("%m") else ("day", "month")
        said.append(
            f"no day is greater than 12, so these dates are read as {first}/{second} but could be "
            f"{second}/{first}; set dayfirst to {str(first == 'day').lower()} to confirm this, or to "
            f"{str(first != 'day').lower()} to change it."
        )
    elif options.date_format_of(column.name) is None and (other := other_meaning(dates, found.format)):
        said.append(other)
    example = next((text for text in dates), "")
    evidence = (f"dates such as {example!r}, read as {found.format}", *said)
    timed = has_time(dates) or None
    column = replace(_with_gaps(column, "date", gaps), format=found.format, time=timed)
    return Decision(column, _as_pandas(cells), evidence, tuple(said))


def _iso_dates(column: Column, cells: pa.ChunkedArray) -> Decision:
    timed = pc.any(pc.match_substring(cells, ":")).as_py() or None
    column = replace(column, kind="date", format=ISO, time=timed)
    return Decision(column, _as_pandas(cells), (f"dates such as {cells.drop_null()[0].as_py()!r}",))


def _are_iso(cells: pa.ChunkedArray) -> bool:
    """Whether all cells are dates such as 2024-01-31 or 2024-01-31 10:00, and none means a missing date."""
    try:
        for some in (cells.slice(0, FIRST), cells):
            ends = pc.min_max(pc.year(pc.cast(some, pa.timestamp("us")))).as_py()
    except pa.ArrowInvalid:
        return False
    return ends["min"] is not None and ends["min"] >= 1000 and ends["max"] < 9999


def _category(column: Column, cells: pa.ChunkedArray, counts: pa.StructArray) -> Decision:
    """A category, and whether its texts look like something else; `counts` says how often each occurs."""
    if not len(counts):
        return Decision(column, _as_pandas(cells), ("every cell is empty",))
    texts = counts.field("values")
    evidence = (f"{len(texts)} different texts, such as {_listed(texts[:3].to_pylist())}",)
    alike = counts.filter(pc.match_substring_regex(texts, NUMBER_LIKE))
    count, examples = pc.sum(alike.field("counts")).as_py() or 0, alike.field("values")
    doubts: tuple[str, ...] = ()
    coded = pc.any(pc.match_substring_regex(examples, r"^[-+]?0\d+$")).as_py()
    if not coded and count * 3 >= len(cells) - cells.null_count and len(examples) > 2:
        doubts = (
            f"a category, although {count} of {len(cells)} cells look like numbers, dates or times, such as "
            f"{_listed(examples[:3].to_pylist())}; they are not written in one way that can be read; rewrite "
            "them, or name the column in categorical if they are only names.",
        )
    return Decision(column, _as_pandas(cells), (*evidence, *doubts), doubts)


def _typed(name: str, cells: pa.ChunkedArray, options: Options) -> Decision:
    """A column of Parquet, whose type says what it is."""
    kind, column = cells.type, Column(name, "categorical")
    if name in (*options.categorical, *options.text, options.group):
        evidence = f"named in {_where(name, options)}, so its cells are words"
        return Decision(column, _as_pandas(as_texts(cells)), (evidence,))
    if name in options.date and not pa.types.is_temporal(kind):
        return _forced_dates(column, as_texts(cells), options)
    said = f"the file's type is {kind}"
    if pa.types.is_boolean(kind):
        return Decision(replace(column, kind="boolean"), cells.to_pandas(), (said,))
    if pa.types.is_integer(kind):
        try:
            whole = pc.cast(cells, pa.int64())
        except pa.ArrowInvalid:  # unsigned numbers over 2**63
            return Decision(_numeric(column), pc.cast(cells, pa.float64(), safe=False).to_pandas(), (said,))
        return Decision(_numeric(column), _whole(whole), (said,))
    if pa.types.is_floating(kind):
        numbers = pc.cast(cells, pa.float64())
        rest = Decision(_numeric(column), numbers.to_pandas(), (said,))
        if options.missing_in(name) is None and (large := _too_large(numbers, numbers)):
            values = rest.values.mask(rest.values.abs() > LARGEST_LEARNED)
            return _without_large(replace(rest, values=values), large, len(cells))
        return rest
    if pa.types.is_duration(kind):
        note = f"durations, read as seconds ({said})."
        return Decision(_numeric(column), seconds(cells).to_pandas(), (note,), (note,))
    if pa.types.is_timestamp(kind):
        return _moments(column, cells, said)
    return Decision(column, cells.to_pandas(), (said,))


def _moments(column: Column, cells: pa.ChunkedArray, said: str) -> Decision:
    """Moments, without those that databases write for a missing one."""
    years = pc.year(cells)
    none = pc.or_(pc.less_equal(years, 1), pc.greater_equal(years, 9999))
    count = pc.sum(none).as_py() or 0
    doubts: tuple[str, ...] = ()
    if count:
        example = cells.filter(none)[0].as_py()
        doubts = (f"{str(example)!r} and the like, in {count} of {len(cells)} rows, are read as missing.",)
        cells = pc.if_else(none, pa.scalar(None, cells.type), cells)
    timed = bool(len(cells.drop_null())) and not _are_days(cells.drop_null())
    column = replace(column, kind="date", format=ISO, time=timed or None)
    return Decision(column, cells.to_pandas(), (said, *doubts), doubts)


def seconds(durations: pa.ChunkedArray) -> pa.ChunkedArray:
    """Durations as seconds, to the microsecond."""
    whole = pc.cast(pc.cast(durations, pa.duration("us"), safe=False), pa.int64())
    return pc.divide(pc.cast(whole, pa.float64()), 1e6)


def as_texts(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Typed cells as a person writes them: days without a time, and 1, not 1.0, if only gaps made it so."""
    kind = cells.type
    if pa.types.is_floating(kind) and cells.null_count and _are_whole(cells):
        cells = pc.cast(cells, pa.int64())
    elif pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return pa.chunked_array(
            [pa.array([None if one is None else str(one) for one in cells.to_pylist()], pa.string())]
        )
    elif pa.types.is_timestamp(kind):
        midnight = _are_days(cells.drop_null())
        texts = [one and (one.date() if midnight else one).isoformat() for one in cells.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return cells if pa.types.is_nested(kind) else pc.cast(cells, pa.string())


def _are_days(moments: pa.ChunkedArray) -> bool:
    """Whether all moments are midnight."""
    return pc.all(pc.equal(pc.floor_temporal(moments, unit="day"), moments)).as_py() is not False


def _are_whole(cells: pa.ChunkedArray) -> bool:
    numbers = pc.cast(cells.drop_null(), pa.float64())  # float32 cannot be compared with 2**53
    if not len(numbers) or not pc.all(pc.is_finite(numbers)).as_py():
        return False
    small = pc.all(pc.less(pc.abs(numbers), LARGEST_EXACT)).as_py()
    return small and pc.all(pc.equal(pc.floor(numbers), numbers)).as_py()


def _without(cells: pa.ChunkedArray, words: Sequence[str]) -> pa.ChunkedArray:
    """The cells with null for those that mean a missing value."""
    missing = pc.is_in(pc.utf8_trim_whitespace(cells), pa.array(words, cells.type))
    return pc.if_else(missing, pa.scalar(None, cells.type), cells) if pc.any(missing).as_py() else cells


def _counts(cells: pa.ChunkedArray) -> dict[str, int]:
    """How often each text occurs, without missing cells."""
    return _as_counts(pc.value_counts(cells.drop_null()))


def _as_counts(found: pa.StructArray) -> dict[str, int]:
    texts, counts = found.field("values").to_pylist(), found.field("counts").to_pylist()
    return dict(zip(texts, counts, strict=True))


def _mapped(cells: pa.ChunkedArray, read: Callable[[str], float]) -> np.ndarray:
    """Texts (n_rows,) as numbers, each distinct text read once; NaN if a cell is missing."""
    coded = cells.combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    known = np.array([*map(read, coded.dictionary.to_pylist()), np.nan])
    return known[coded.indices.fill_null(len(known) - 1).to_numpy()]


def _as_pandas(cells: pa.ChunkedArray) -> pd.Series:
    return cells.to_pandas()


def _few(gaps: Mapping[str, int], whole: int, words: Sequence[str] | None) -> bool:
    """Whether a column may have these other cells: marks for a missing value, and typing errors."""
    if words is not None:  # the user says which words mean a missing value
        return not gaps
    marks = sum(count for text, count in gaps.items() if text.casefold() in MARKS)
    return marks <= MOST_GAPS * whole and sum(gaps.values()) - marks <= MOST_OTHERS * whole


def _with_gaps(column: Column, kind: Kind, gaps: Mapping[str, int]) -> Column:
    return replace(column, kind=kind, missing=tuple(dict.fromkeys((*(column.missing or ()), *gaps))) or None)


def _gaps_said(gaps: Mapping[str, int], rows: int) -> tuple[str, ...]:
    if not gaps:
        return ()
    return (
        f"{_listed(list(gaps), 5)}, in {sum(gaps.values())} of {rows} rows, "
        f"{'is' if len(gaps) == 1 else 'are'} read as missing; set missing to [], or name the "
        "column in categorical, to keep the text.",
    )


def _listed(words: Sequence[str], shown: int = 5) -> str:
    more = len(words) - shown
    return ", ".join(map(repr, words[:shown])) + (f" and {more} more" if more > 0 else "")
