"""What a column is and how its cells are read, decided once from all its cells, with the evidence.

Text is read as numbers, booleans or dates if almost all its cells are; the other cells are then missing
values, which are counted and reported. Anything else is a category, whose cells stay as they were written.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from tabular.data.decisions.arrow import as_arrow, as_series, is_text, without
from tabular.data.decisions.dates import forced_dates, iso_dates, iso_years, many_dates, written_dates
from tabular.data.decisions.decision import SAMPLE, Decision, listed
from tabular.data.decisions.many.counts import Counts, count
from tabular.data.decisions.many.dates import read_many_dates
from tabular.data.decisions.many.numbers import read_many
from tabular.data.decisions.numbers.large import finite
from tabular.data.decisions.numbers.plain import plain_numbers
from tabular.data.decisions.numbers.points import doubt_of_points, points_may_group
from tabular.data.decisions.numbers.written import _each, as_numbers, forced_numbers
from tabular.data.decisions.style import UNKNOWN, FileStyle
from tabular.data.decisions.typed import typed
from tabular.data.decisions.words import booleans, category, merged, option_of, with_form
from tabular.data.values.cells import numbers_among
from tabular.data.values.finding.dates import find_dates
from tabular.data.values.finding.numbers import find_numbers, may_be_number
from tabular.spec.columns import PLAIN, Column
from tabular.spec.options import DEFAULTS, Options

__all__ = ["column_of", "decide"]

GUARDS, FEW = 5, 50  # one of so many texts is looked at by itself, or fewer of them if none can be a number


def column_of(name: str, values: pd.Series, options: Options = DEFAULTS) -> Column:
    """How the cells of a column in a data frame are read.

    Raises:
        BadInput: as `decide`.
    """
    return decide(name, as_arrow(values), options).column


def decide(
    name: str,
    cells: pa.ChunkedArray,
    options: Options = DEFAULTS,
    style: FileStyle = UNKNOWN,
    into: np.ndarray | None = None,
) -> Decision:
    """Decide what a column is.

    Args:
        name: its name, which options may name.
        cells: the cells: text as it was written, or typed cells from Parquet; null if a cell is missing.
        options: those that set a kind win over the evidence.
        style: what the whole file says about its numbers.
        into: an array (n_rows,) of float64 that may become that of the decision.

    Raises:
        BadInput: if a cell does not fit the kind that the options set.
    """
    found = _without_gaps(_decided(name, cells, options, style, into))
    return with_form(merged(found) if name in options.merge_spellings else found)


def _without_gaps(found: Decision) -> Decision:
    """The decision with the numbers missing that mean it, however they are written: -999 and -999.0."""
    gaps = numbers_among(found.column.missing or ()) if found.column.kind == "numeric" else ()
    if not gaps or not (there := found.values.isin(gaps)).any():
        return found
    return replace(found, read=found.values.mask(there.fillna(value=False)), summary=None)


def _decided(
    name: str, cells: pa.ChunkedArray, options: Options, style: FileStyle, into: np.ndarray | None
) -> Decision:
    if not is_text(cells.type):
        return typed(name, cells, options)
    words = options.missing_in(name)
    cells = without(cells, words) if words else cells
    column = Column(name, "categorical", missing=words or None)
    if name in (*options.categorical, *options.text, *options.partition, options.group):
        return Decision(
            column, as_series(cells), (f"named in {option_of(name, options)}, so its cells are words",)
        )
    if name in options.date:
        return forced_dates(column, cells, options)
    forced = name in options.numeric
    signs = options.decimal, options.thousands
    grouped = style.likely_decimal_comma and signs == (None, None) and points_may_group(cells)
    if grouped and style.has_decimal_commas:
        signs = (",", ".")
    # Numbers such as -999 say nothing of the words that are gaps, too; a list that has words has all of them.
    words = None if words and all(any(map(str.isdigit, word)) for word in words) else words
    strict = words is not None
    if signs == (None, None):
        plain = plain_numbers(column, cells, forced, grouped, strict, into)
        if plain is not None:
            return plain
    if not forced and options.date_format_of(name) is None and (years := iso_years(cells)):
        return iso_dates(column, cells, years)
    if not forced and (many := read_many(cells, style.likely_decimal_comma, signs, strict)):
        return _with_points(as_numbers(column, cells, many), cells, grouped)
    form = options.date_format_of(name)
    if not forced and (dates := read_many_dates(cells, form, options.dayfirst, strict)):
        numbers = find_numbers(finite(dates.few), style.likely_decimal_comma, signs, strict)
        if numbers is None:
            return many_dates(column, cells, dates, options)
    counted = count(cells)
    if not forced and _is_certainly_a_category(counted):
        return _with_options(category(column, cells, counted), options, style)
    counts = counted.as_dict()
    if forced:
        numbers = find_numbers(finite(counts), style.likely_decimal_comma, signs, forced=True)
        return forced_numbers(column, cells, counts, numbers)
    if name not in options.merge_spellings and (found := booleans(column, cells, counts, words)):
        return replace(found, counts=counted)
    numbers = find_numbers(finite(counts), style.likely_decimal_comma, signs, strict)
    found = numbers and _with_points(as_numbers(column, cells, _each(cells, numbers)), cells, grouped)
    found = found or written_dates(column, cells, counts, options, words)
    return found or _with_options(category(column, cells, counted), options, style)


def _with_points(found: Decision, cells: pa.ChunkedArray, grouped: bool) -> Decision:
    """The decision about numbers that also says if points may separate thousands; `grouped` if they may."""
    style = found.column.number
    if not grouped or found.column.kind != "numeric" or (style is not None and style.thousands):
        return found
    said = doubt_of_points(cells, style or PLAIN)
    return replace(found, evidence=(*found.evidence, said), doubts=(*found.doubts, said))


def _with_options(found: Decision, options: Options, style: FileStyle) -> Decision:
    """The category that also says if its texts are numbers or dates but for what the options name."""
    signs = {"decimal": options.decimal, "thousands": options.thousands}
    dates = {"date_format": options.date_format_of(found.column.name), "dayfirst": options.dayfirst}
    if {*signs.values(), *dates.values()} == {None} or not found.counts:
        return found
    some = found.counts.first(SAMPLE).to_pylist()
    ones = dict.fromkeys(some, 1)
    if find_numbers(finite(ones), style.likely_decimal_comma, (None, None)) is not None:
        given, kind = signs, "numbers"
    else:
        given, kind = dates, "dates"
    named = [f"{option} is {_shown(value)}" for option, value in given.items() if value is not None]
    if not named or (kind == "dates" and find_dates(ones) is None):
        return found
    said = (
        f"a category, because {' and '.join(named)}; without that, texts such as {listed(some[:3])} are "
        f"{kind}; correct the option, or name the column in categorical if they are only names."
    )
    return replace(found, evidence=(found.evidence[0], said), doubts=(said,))


def _shown(value: str | bool) -> str:
    """A value as it is written in an entry."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _is_certainly_a_category(texts: Counts) -> bool:
    """Whether a part of many texts shows that they are neither numbers nor dates; reading all takes long."""
    if len(texts) <= 5 * SAMPLE:
        return False
    sample = texts.at(np.linspace(0, len(texts) - 1, SAMPLE).astype(int)).to_pylist()
    for some in (sample[:: SAMPLE // FEW], sample[::GUARDS]):
        # Half of these are numbers wherever nearly all cells are.
        numbers = sum(map(may_be_number, some))
        if numbers * 2 >= len(some):
            return False
        if not numbers:
            break
    counts = dict.fromkeys(sample, 1)
    return find_numbers(counts) is None and find_dates(counts) is None
