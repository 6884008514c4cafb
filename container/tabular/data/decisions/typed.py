"""Columns of Parquet, whose type says what they are."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import LARGEST_LEARNED, as_texts, seconds, whole_numbers
from tabular.data.decisions.codes.moments import doubts_of_moments
from tabular.data.decisions.codes.spellings import DIGITS, lost_digits
from tabular.data.decisions.codes.whole_numbers import doubts_of_whole_numbers
from tabular.data.decisions.dates import forced_dates, moments
from tabular.data.decisions.decision import FIRST, Decision
from tabular.data.decisions.numbers.large import too_large, without_large
from tabular.data.decisions.numbers.plain import as_numeric
from tabular.data.decisions.words import option_of
from tabular.data.values.cells import numbers_among
from tabular.spec.columns import Column
from tabular.spec.errors import BadInput
from tabular.spec.options import Options

__all__ = ["typed"]


def typed(name: str, cells: pa.ChunkedArray, options: Options) -> Decision:
    """A column of Parquet, whose type says what it is.

    Raises:
        BadInput: if it cannot be what the options say.
    """
    kind = cells.type
    words = options.missing_in(name)
    column = Column(name, "categorical", missing=words or None)
    cells = _without(cells, words) if words else cells
    if name in (*options.categorical, *options.text, *options.partition, options.group):
        evidence = f"named in {option_of(name, options)}, so its cells are words"
        return Decision(column, as_texts(cells).to_pandas(), (evidence,))
    if name in options.date and not pa.types.is_temporal(kind):
        return forced_dates(column, as_texts(cells), options)
    if name in options.numeric and not _may_be_numeric(kind):
        raise BadInput(
            f"The column {name!r} is in numeric, but the file's type is {kind}; remove it from numeric, or "
            "write numbers into the file."
        )
    # Decimals and days have become one of a few types by now, which is not that of the file.
    said = "lists or objects" if pa.types.is_nested(kind) else f"by its type in the file, read as {kind}"
    if pa.types.is_boolean(kind):
        return Decision(replace(column, kind="boolean"), cells.to_pandas(), (said,))
    if pa.types.is_integer(kind):
        numbers = pc.cast(cells, pa.float64(), safe=False)
        if name not in options.numeric and (code := lost_digits(cells, numbers)):
            return Decision(column, as_texts(cells).to_pandas(), (said, code), (code,))
        try:
            whole = pc.cast(cells, pa.int64())
        except pa.ArrowInvalid:  # unsigned numbers over 2**63
            return Decision(as_numeric(column), numbers.to_pandas(), (said, DIGITS), (DIGITS,))
        doubts = tuple(doubts_of_whole_numbers(as_texts(cells), whole)) if len(whole.drop_null()) else ()
        return Decision(as_numeric(column), whole_numbers(whole), (said, *doubts), doubts)
    if pa.types.is_floating(kind):
        numbers = pc.cast(cells, pa.float64())
        rest = Decision(as_numeric(column), numbers.to_pandas(), (said,))
        if options.missing_in(name) is None and (large := too_large(numbers, numbers)):
            values = rest.values.mask(rest.values.abs() > LARGEST_LEARNED)
            return without_large(replace(rest, read=values), large, len(cells))
        doubts = _doubts_of_floats(numbers)
        return replace(rest, evidence=(said, *doubts), doubts=doubts)
    if pa.types.is_duration(kind):
        note = f"durations, read as seconds (the file's type is {kind})."
        return Decision(as_numeric(column), seconds(cells).to_pandas(), (note,), (note,))
    if pa.types.is_timestamp(kind):
        return moments(column, cells, said)
    return Decision(column, cells.to_pandas(), (said,))


def _doubts_of_floats(numbers: pa.ChunkedArray) -> tuple[str, ...]:
    """What to say of whole numbers that a gap has made floats, and of moments with decimals."""
    values = numbers.to_numpy()
    known = values[np.isfinite(values)]
    if not len(known):
        return ()
    ends = float(known.min()), float(known.max())
    if any((some % 1).any() for some in (known[:FIRST], known)) or max(-ends[0], ends[1]) >= 2.0**63:
        return doubts_of_moments(numbers, known, ends)
    whole = pa.chunked_array([pa.array(known.astype(np.int64))])
    return tuple(doubts_of_whole_numbers(as_texts(whole), whole))


def _may_be_numeric(kind: pa.DataType) -> bool:
    """Whether a model gets numbers of a type; those of true and false are 1 and 0 in any case."""
    types = pa.types
    return any(of(kind) for of in (types.is_integer, types.is_floating, types.is_duration, types.is_boolean))


def _without(cells: pa.ChunkedArray, words: Sequence[str]) -> pa.ChunkedArray:
    """The cells with null for those that mean a missing value, as text or, of numbers, by their value."""
    kind = cells.type
    if pa.types.is_nested(kind):
        return cells
    missing = pc.is_in(as_texts(cells), pa.array(words, pa.string()))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = pa.array(sorted(numbers_among(words)), pa.float64())
        missing = pc.or_(missing, pc.is_in(pc.cast(cells, pa.float64(), safe=False), numbers))
    return pc.if_else(missing, pa.scalar(None, kind), cells)
