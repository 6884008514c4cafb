"""What was decided about a column, and sentences about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa

from tabular.data.decisions.many.counts import Counts, count
from tabular.data.figures import Summary
from tabular.data.values.cells import MARKS, MOST_GAPS, MOST_OTHERS
from tabular.spec.columns import Column, Kind

__all__ = [
    "AS_MISSING",
    "FEW_LEVELS",
    "FIRST",
    "SAMPLE",
    "Decision",
    "are_few",
    "gaps_said",
    "listed",
    "with_gaps",
]

SAMPLE = 1000  # distinct texts that tell whether a column can be numbers or dates at all


FIRST = 100  # cells, which show that most columns of words are neither numbers nor dates


AS_MISSING = "read as missing"
# What costs nothing, beside prices.
ZERO = frozenset(
    (
        *("free", "free of charge", "no charge", "complimentary", "included", "nil", "zero", "nothing"),
        *(
            "gratis",
            "kostenlos",
            "umsonst",
            "gratuit",
            "offert",
            "gratuito",
            "grátis",
            "bezpłatne",
            "ücretsiz",
        ),
        *("zdarma", "ingyenes", "бесплатно", "безкоштовно", "無料", "免费", "免費", "무료"),
    )
)
FEW_LEVELS = 50


@dataclass(frozen=True)
class Decision:
    """How a column is read.

    `read` holds the cells: numbers as numbers, everything else as it was written, None if a cell is missing.
    It is an array where a series for each of many columns would take long. `evidence` says in sentences why
    the column was read like this; `doubts` are those sentences that the user should see as warnings. `counts`
    says how often each text of a category or a boolean occurs, if they were counted for the decision, and
    `summary` what is known of numbers that were read.
    """

    column: Column
    read: pd.Series | np.ndarray
    evidence: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    counts: Counts | None = None
    summary: Summary | None = None

    @cached_property
    def levels(self) -> Counts:
        """How often each text occurs, as in `counts`; counted when asked for, if it was not for the decision.

        Only for text.
        """
        if self.counts is not None:
            return self.counts
        cells = pa.Array.from_pandas(self.values)
        return count(cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([cells]))

    @property
    def values(self) -> pd.Series:
        """The cells that were read, as a series."""
        return self.read if isinstance(self.read, pd.Series) else pd.Series(self.read, copy=False)

    @property
    def array(self) -> np.ndarray | pd.api.extensions.ExtensionArray:
        """The cells that were read, without an index."""
        return self.read.array if isinstance(self.read, pd.Series) else self.read


def with_gaps(column: Column, kind: Kind, gaps: Mapping[str, int]) -> Column:
    """The column as one of this kind, in which these words mean a missing value."""
    return replace(column, kind=kind, missing=tuple(dict.fromkeys((*(column.missing or ()), *gaps))) or None)


def are_few(gaps: Mapping[str, int], whole: int, words: Sequence[str] | None) -> bool:
    """Whether a column may have these other cells: marks for a missing value, and typing errors."""
    if words is not None:  # the user says which words mean a missing value
        return not gaps
    marks = sum(count for text, count in gaps.items() if text.casefold() in MARKS)
    return marks <= MOST_GAPS * whole and sum(gaps.values()) - marks <= MOST_OTHERS * whole


def gaps_said(gaps: Mapping[str, int], rows: int, may_be_zero: bool = False) -> tuple[str, ...]:
    """That some words are read as missing, with their count; in a quantity, they `may_be_zero`."""
    if not gaps:
        return ()
    said = (
        f"{listed(list(gaps), 5)}, in {sum(gaps.values())} of {rows} rows, "
        f"{'is' if len(gaps) == 1 else 'are'} {AS_MISSING}; set missing to [], or name the "
        "column in categorical, to keep the text."
    )
    zero = next((text for text in gaps if may_be_zero and text.casefold() in ZERO), None)
    return (f"{said} Write 0 instead if {zero!r} means that." if zero else said,)


def listed(words: Sequence[str], shown: int = 5) -> str:
    """Words in quotes, the first few of them."""
    more = len(words) - shown
    return ", ".join(map(repr, words[:shown])) + (f" and {more} more" if more > 0 else "")
