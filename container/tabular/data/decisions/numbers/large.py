"""Numbers that are too large for a model, and infinite ones."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import LARGEST_LEARNED, as_texts, counts_of
from tabular.data.decisions.decision import Decision, listed, with_gaps
from tabular.data.values.cells import MOST_GAPS

__all__ = ["FEW_MARKS", "finite", "is_infinite", "too_large", "without_large"]

FEW_MARKS = 3
INFINITE = r"(?i)^[^a-z]*(?:e[^a-z]*|inf(?:inity)?[^a-z]*)$|.{300}"  # what such numbers look like, at least


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


def without_large(rest: Decision, large: Mapping[str, int], rows: int) -> Decision:
    """A decision about the other cells, with the texts that are too large as missing values."""
    said = (
        f"{listed(list(large))}, in {sum(large.values())} of {rows} rows, "
        f"{'is' if len(large) == 1 else 'are'} too large for a model and read as missing.",
    )
    column = with_gaps(rest.column, rest.column.kind, large)
    return Decision(column, rest.read, (*rest.evidence, *said), (*said, *rest.doubts))


def finite(counts: Mapping[str, int]) -> Mapping[str, int]:
    """The texts that are not infinite numbers."""
    texts = pa.array(counts, pa.string())
    suspects = texts.filter(pc.match_substring_regex(texts, INFINITE)).to_pylist()
    infinite = set(filter(is_infinite, suspects))
    return {text: count for text, count in counts.items() if text not in infinite} if infinite else counts


def is_infinite(text: str) -> bool:
    """Whether a cell is an infinite number, such as inf, or one that is too large, such as 1e999."""
    try:
        return bool(np.isinf(float(text)))
    except ValueError:
        return False
