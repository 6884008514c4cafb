"""Patterns tried on many texts at once, each only on the texts that it may match."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tabular.data.decisions.decision import FIRST

__all__ = ["all_match", "among", "match", "match_if_any"]


def match(texts: pa.Array | pa.ChunkedArray, pattern: str, ignore_case: bool = False) -> np.ndarray:
    """Whether a pattern matches each text (n_texts,)."""
    if not len(texts):
        return np.zeros(0, dtype=bool)
    found = pc.match_substring_regex(texts, pattern, ignore_case=ignore_case)
    return np.array(found.to_numpy(zero_copy_only=False) if isinstance(found, pa.Array) else found.to_numpy())


def match_if_any(
    texts: pa.Array | pa.ChunkedArray, part: str, pattern: str, ignore_case: bool = True
) -> np.ndarray:
    """Whether a pattern matches each text; `part` matches all that it matches, and takes less time."""
    found = match(texts, part, ignore_case)
    found[found] = match(among(texts, found), pattern, ignore_case)
    return found


def among(texts: pa.Array | pa.ChunkedArray, chosen: np.ndarray) -> pa.Array | pa.ChunkedArray:
    """The texts that were chosen, by a truth value for each (n_texts,)."""
    return texts if chosen.all() else texts.filter(pa.array(chosen))


def all_match(texts: pa.Array | pa.ChunkedArray, pattern: str) -> bool:
    """Whether all texts match; the first ones of most columns show that they do not."""
    return all(pc.all(pc.match_substring_regex(some, pattern)).as_py() for some in (texts[:FIRST], texts))
