"""How often each text of a column occurs.

In C it takes one pass, whatever the number of different texts. Where the extension was not compiled, pyarrow
counts, which copies each different text; both find the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.arrow import MOST_IN_C, chunks_of, taken
from tabular.data.values.cells import BLANKS, MARKS

try:
    from tabular.data.values.native import counts as counts_in_c
except ImportError:
    counts_in_c = None

__all__ = ["Counts", "count", "have_blanks"]

_MARKS = pa.array(MARKS, pa.string())


def _lengths(marks: Iterable[str]) -> bytes:
    """How long the marks are that begin with each sign of ASCII, and that end with it, as bits of uint32."""
    found = np.zeros((2, 128), np.uint32)
    for mark in marks:
        if not (mark[:1] + mark[-1:]).isascii() or not mark:
            continue  # C takes each text for a mark that begins or ends with another sign
        found[0, ord(mark[0])] |= 1 << len(mark)
        found[1, ord(mark[-1])] |= 1 << len(mark)
    return found.tobytes()


_LENGTHS = _lengths(MARKS)


@dataclass(frozen=True)
class Counts:
    """The different texts of a column, in the order in which they first occur.

    `cells` holds the texts, which are not copied before somebody asks for all of them. `is_new` has a bit for
    each cell, the lowest first: whether its text occurs there for the first time. `counts` (n_texts,) says
    how often each one occurs, and `blanks` whether any begins or ends with a blank. `may_be_marks` has a bit
    for each cell, like `is_new`, whether its text may mean a missing value; None if nobody has looked.
    """

    cells: pa.ChunkedArray
    is_new: bytes
    counts: np.ndarray
    blanks: bool
    may_be_marks: bytes | None = None

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def rows(self) -> np.ndarray:
        """The cells (n_texts,) in which each text occurs for the first time."""
        bits = np.frombuffer(self.is_new, np.uint8)
        return np.flatnonzero(np.unpackbits(bits, count=len(self.cells), bitorder="little"))

    @cached_property
    def texts(self) -> pa.ChunkedArray:
        """All texts."""
        return self.cells if len(self) == len(self.cells) else self._among(self.is_new)

    @property
    def marks(self) -> pa.ChunkedArray:
        """The texts that mean a missing value, however they are written."""
        texts = self.texts if self.may_be_marks is None else self._among(self.may_be_marks)
        return texts.filter(pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(texts)), _MARKS))

    def first(self, count: int) -> pa.Array:
        """The first texts, as many as there are."""
        return taken(self.cells, self.rows[:count])

    def at(self, places: np.ndarray) -> pa.Array:
        """The texts at some places (n_places,), in any order."""
        order = np.argsort(places, kind="stable")
        found = taken(self.cells, self.rows[places[order]])
        return found.take(pa.array(np.argsort(order, kind="stable")))

    def _among(self, bits: bytes) -> pa.ChunkedArray:
        """The cells whose bits are set."""
        mask = pa.BooleanArray.from_buffers(pa.bool_(), len(self.cells), [None, pa.py_buffer(bits)])
        return self.cells.filter(mask)

    def as_dict(self) -> dict[str, int]:
        """The texts with their counts."""
        return dict(zip(self.texts.to_pylist(), self.counts.tolist(), strict=True))


def count(cells: pa.ChunkedArray) -> Counts:
    """Count the texts of a column, without missing cells."""
    if counts_in_c and cells.type == pa.string() and len(cells) <= MOST_IN_C:
        is_new, counts, blanks, may_be_marks = counts_in_c.count(chunks_of(cells), _LENGTHS)
        return Counts(cells, is_new, np.frombuffer(counts, np.int32), blanks, may_be_marks)
    found = pc.value_counts(cells.drop_null())
    texts = pa.chunked_array([found.field("values")])
    is_new = b"\xff" * ((len(texts) + 7) // 8)
    return Counts(texts, is_new, found.field("counts").to_numpy(), have_blanks(texts))


def have_blanks(texts: pa.Array | pa.ChunkedArray) -> bool:
    """Whether any text begins or ends with a blank or a tab."""
    found = (of(texts, blank) for blank in BLANKS for of in (pc.starts_with, pc.ends_with))
    return any(pc.any(one).as_py() is True for one in found)
