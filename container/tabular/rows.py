"""Rows known again by their hash: which of them a model has seen."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["ROWS", "row_hashes"]

ROWS = "rows.bin"  # little-endian uint64, in the order of the rows of training
CHUNK = 65_536


def row_hashes(frame: pd.DataFrame, labels: Sequence[Any], columns: Sequence[str]) -> np.ndarray:
    """A number of 64 bits for each row (n_rows,), the same wherever the row comes again.

    Args:
        frame: features as `schema.features` makes them: numbers, or text.
        labels: what was to be predicted (n_rows,): labels in their own type, or numbers.
        columns: the features that count, in their order.
    """
    hashes = np.empty(len(frame), dtype="<u8")
    values = [frame[name].to_numpy() for name in columns] + [_as_column(labels)]
    for start in range(0, len(frame), CHUNK):
        part = np.column_stack([_as_bits(column[start : start + CHUNK]) for column in values])
        digests = b"".join(blake2b(row, digest_size=8).digest() for row in part)
        hashes[start : start + CHUNK] = np.frombuffer(digests, dtype="<u8")
    return hashes


def _as_column(labels: Sequence[Any]) -> np.ndarray:
    column = np.asarray(labels)
    return column if column.dtype.kind in "fiu" else np.array([str(one) for one in labels], dtype=object)


def _as_bits(values: np.ndarray) -> np.ndarray:
    """Cells as uint64 (n_rows,): of numbers their bits, of texts a hash."""
    if values.dtype.kind in "fiu":
        numbers = values.astype("<f8") + 0.0  # -0.0 becomes 0.0
        numbers[np.isnan(numbers)] = np.nan  # which has many bit patterns
        return numbers.view("<u8")
    found = {
        text: blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in set(values)
    }
    return np.frombuffer(b"".join([found[text] for text in values]), dtype="<u8")
