"""Columns of dates and moments."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import are_days, as_series, counts_of, letters_of
from tabular.data.decisions.decision import FIRST, Decision, gaps_said, with_gaps
from tabular.data.decisions.many.dates import USUAL_YEARS, ManyDates, are_iso
from tabular.data.values.cells import is_gap
from tabular.data.values.dates import ISO, as_text, day_number, has_time, is_date
from tabular.data.values.finding.dates import FoundDates, find_dates, is_ambiguous
from tabular.data.values.finding.meanings import other_calendar, other_meaning
from tabular.data.values.many_dates import SEVERAL
from tabular.spec.columns import Column
from tabular.spec.errors import BadInput
from tabular.spec.options import Options

__all__ = ["forced_dates", "iso_dates", "iso_years", "many_dates", "moments", "written_dates"]


SOME = 1000  # different dates that show whether days and months were swapped
FEWEST = 5  # dates in a format from which this can be told
LAST_MONTH, FEWEST_DIFFERENT = 12, 3
FIRST_YEAR = 1000  # strftime writes earlier ones with fewer digits than strptime reads


def written_dates(
    column: Column,
    cells: pa.ChunkedArray,
    counts: Mapping[str, int],
    options: Options,
    words: Sequence[str] | None,
) -> Decision | None:
    """A column of text as dates; None if it is not one."""
    form = options.date_format_of(column.name)
    found = find_dates(counts, form=form, dayfirst=options.dayfirst, strict=words is not None)
    return found and _as_dates(column, cells, counts, found, options)


def many_dates(column: Column, cells: pa.ChunkedArray, many: ManyDates, options: Options) -> Decision:
    """A column of text with many different dates, which were read at once."""
    return _as_dates(column, cells, many.counts, many.found, options, many.ambiguous)


def forced_dates(column: Column, cells: pa.ChunkedArray, options: Options) -> Decision:
    """A column that the user calls dates.

    Raises:
        BadInput: if no format fits all its cells.
    """
    counts = counts_of(cells)
    form = options.date_format_of(column.name)
    found = find_dates(counts, forced=True, form=form, dayfirst=options.dayfirst)
    if found is None:
        examples = ", ".join(map(repr, list(counts)[:3]))
        if form:
            raise BadInput(
                f"The column {column.name!r} has the date_format {form!r}, which does not fit some of its "
                f"cells, such as {examples}; name the format that they have, or leave the option out."
            )
        raise BadInput(
            f"The column {column.name!r} is in date, but no format fits all its cells, such as {examples}; "
            "write them as 2024-01-31, or name their format in date_format."
        )
    return _as_dates(column, cells, counts, found, options)


def iso_dates(column: Column, cells: pa.ChunkedArray, years: tuple[int, int]) -> Decision:
    """A column whose cells are ISO dates from the first to the last of these years."""
    timed = any(
        (letters[begins[0] : ends[-1]] == ord(":")).any() for begins, ends, letters in letters_of(cells)
    )
    column = replace(column, kind="date", format=ISO, time=timed or None)
    example = cells.drop_null()[0].as_py()
    doubts = tuple(filter(None, [other_calendar(*years, example)]))
    return Decision(column, as_series(cells), (f"dates such as {example!r}", *doubts), doubts)


def iso_years(cells: pa.ChunkedArray) -> tuple[int, int] | None:
    """The first and the last year if all cells are dates such as 2024-01-31 or 2024-01-31 10:00; else None.

    They are USUAL_YEARS if all are among them. It is None, too, if one of them means a missing date.
    """
    if are_iso(cells):
        return USUAL_YEARS
    try:
        for some in (cells.slice(0, FIRST), cells):
            ends = pc.min_max(pc.year(pc.cast(some, pa.timestamp("us")))).as_py()
    except pa.ArrowInvalid:
        return None
    known = ends["min"] is not None and ends["min"] >= FIRST_YEAR and ends["max"] < 9999
    return (ends["min"], ends["max"]) if known else None


def moments(column: Column, cells: pa.ChunkedArray, said: str) -> Decision:
    """Moments, without those that databases write for a missing one, and those too early to be written."""
    years = pc.year(cells)
    none = pc.or_(pc.less(years, FIRST_YEAR), pc.greater_equal(years, 9999))
    count = pc.sum(none).as_py() or 0
    doubts: tuple[str, ...] = ()
    if count:
        example = cells.filter(none)[0].as_py()
        doubts = (f"{str(example)!r} and the like, in {count} of {len(cells)} rows, are read as missing.",)
        cells = pc.if_else(none, pa.scalar(None, cells.type), cells)
    timed = bool(len(cells.drop_null())) and not are_days(cells.drop_null())
    column = replace(column, kind="date", format=ISO, time=timed or None)
    return Decision(column, cells.to_pandas(), (said, *doubts), doubts)


def _as_dates(
    column: Column,
    cells: pa.ChunkedArray,
    counts: Mapping[str, int],
    found: FoundDates,
    options: Options,
    ambiguous: bool | None = None,
) -> Decision:
    """The decision about dates; `ambiguous` says whether day and month may be swapped, if it is known."""
    gaps = Counter(found.gaps)
    said = list(gaps_said(gaps, len(cells)))
    known = options.dayfirst is not None or options.date_format_of(column.name) is not None
    dates = [text for text in counts if not is_gap(text.strip(), gaps)]
    if not known and (is_ambiguous(dates, found.format) if ambiguous is None else ambiguous):
        first, second = ("month", "day") if found.format.startswith("%m") else ("day", "month")
        said.append(
            f"no day is greater than 12, so these dates are read as {first}/{second} but could be "
            f"{second}/{first}; set dayfirst to {str(first == 'day').lower()} to confirm this, or to "
            f"{str(first != 'day').lower()} to change it."
        )
    elif SEVERAL in found.format:
        said.append(_in_several(dates, found.format))
    elif options.date_format_of(column.name) is None and (other := other_meaning(dates, found.format)):
        said.append(other)
    example = next((text for text in dates), "")
    evidence = (f"dates such as {example!r}, read as {found.format}", *said)
    timed = has_time(dates) or any(sign in found.format for sign in ("%H", "%I")) or None
    column = replace(with_gaps(column, "date", gaps), format=found.format, time=timed)
    return Decision(column, as_series(cells), evidence, tuple(said))


def _in_several(dates: Sequence[str], formats: str) -> str:
    """What to say of dates in several formats: one of each, and the day that it is read as."""
    examples = [next(text for text in dates if is_date(text, one)) for one in formats.split(SEVERAL)]
    days = as_text(np.floor([day_number(text, formats) for text in examples]), "%Y-%m-%d")
    read = [f"{text!r} is {day}" for text, day in zip(examples, days, strict=True)]
    why = _swapped(dates[:SOME], formats) or "write all in the same one if this is wrong"
    return f"dates in several formats: {', '.join(read)}; {why}."


def _swapped(dates: Sequence[str], formats: str) -> str | None:
    """What to say of days that are over 12 in one format and never in another; None if there are others.

    A spreadsheet that takes days for months reads only the dates for which this is possible, and writes them
    in a format of its own, with many days and many months. It knows words and years that come first.
    """
    late = early = None
    for form in formats.split(SEVERAL):
        texts = [text for text in dates if is_date(text, form)]
        if len(texts) < FEWEST or not (form == ISO or ("%d" in form and "%m" in form)):
            continue
        numbers = np.floor([day_number(text, form) for text in texts])
        days, months = ([int(one) for one in as_text(numbers, part)] for part in ("%d", "%m"))
        if min(days) > LAST_MONTH and form.startswith(("%d", "%m")):
            late = texts[0]
        elif max(days) <= LAST_MONTH and min(len(set(days)), len(set(months))) >= FEWEST_DIFFERENT:
            early = texts[0]
    if late is None or early is None:
        return None
    return (
        f"all days written like {late!r} are over 12, and none like {early!r} is, so a spreadsheet has "
        "probably swapped day and month in the latter; export the table from its source, or correct them"
    )
