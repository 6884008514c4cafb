"""Which of many texts may look like a number, a date or a time, by one pass in C over their signs.

`looks.like_numbers` has the patterns that say what they are. pyarrow matches each only with the texts that it
may match; where the extension was not compiled, that is every text.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tabular.data.decisions.arrow import MOST_IN_C, chunks_of

try:
    from tabular.data.values.native import texts as texts_in_c
except ImportError:
    texts_in_c = None

__all__ = ["Shapes", "shapes_of"]

NUMBER, IN_WORDS, RANK, YEAR, DAY, BEYOND = (1 << place for place in range(6))  # bits of the extension


class Shapes(NamedTuple):
    """What each of some texts may be (n_texts,).

    `numbers` are certainly like a number, and `others` may be. `in_words`, `ranks`, `years` and `days` may
    match the patterns of these names. What is not said of a text is certainly not so.
    """

    numbers: np.ndarray
    others: np.ndarray
    in_words: np.ndarray
    ranks: np.ndarray
    years: np.ndarray
    days: np.ndarray


def shapes_of(texts: pa.Array | pa.ChunkedArray) -> Shapes:
    """What each of some texts, of which none is missing, may be."""
    if texts_in_c is None or texts.type != pa.string() or len(texts) > MOST_IN_C:
        none, each = np.zeros(len(texts), dtype=bool), np.ones(len(texts), dtype=bool)
        return Shapes(none, each, each, each, each, each)
    found = np.empty(len(texts), np.uint8)
    texts_in_c.shapes(chunks_of(texts), found)
    return Shapes(*((found & bit).astype(bool) for bit in (NUMBER, BEYOND, IN_WORDS, RANK, YEAR, DAY)))
