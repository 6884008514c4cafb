"""Statistics of the training rows by column (the baseline kept with a model), and hashes of the rows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd

from tabular.data.values.dates import as_text
from tabular.spec.columns import Column, Schema

__all__ = ["QUARTILES", "ROWS", "baseline", "row_hashes"]

MOST_FREQUENT = 10
QUARTILES = {"min": 0.0, "first_quartile": 0.25, "median": 0.5, "third_quartile": 0.75, "max": 1.0}


def baseline(frame: pd.DataFrame, schema: Schema) -> Mapping[str, Any]:
    """Statistics of each feature, rounded to six digits; None if every cell is empty.

    Numbers have mean, standard_deviation and quartiles, and booleans the fraction of true values. Dates have
    the first and the last date. Categories have the frequencies of the most frequent levels, and the number
    of levels. All have the fraction of missing values.
    """
    return {column.name: _of_column(frame[column.name], column) for column in schema.columns}


def _of_column(values: pd.Series, column: Column) -> dict[str, Any]:
    if column.kind == "categorical":
        counts, rows = Counter(values.tolist()), len(values)
        frequent = {level: _rounded(count / rows) for level, count in counts.most_common(MOST_FREQUENT)}
        return {"missing": _rounded(counts[""] / rows), "distinct": len(counts), "most_frequent": frequent}
    missing = {"missing": _rounded(values.isna().mean())}
    if column.kind == "boolean":
        return {**missing, "true": _rounded(values.mean())}
    if column.kind == "date":
        first, last = as_text(np.array([values.min(), values.max()]), str(column.format))
        return {**missing, "first": first, "last": last}
    present = values.dropna().to_numpy()
    if not len(present):
        return missing | dict.fromkeys(("mean", "standard_deviation", *QUARTILES))
    found = (present.mean(), present.std(), *np.quantile(present, list(QUARTILES.values())))
    names = ("mean", "standard_deviation", *QUARTILES)
    return missing | {name: _rounded(number) for name, number in zip(names, found, strict=True)}


def _rounded(number: float) -> float | None:
    return float(f"{number:.6g}") if np.isfinite(number) else None


ROWS = "rows.bin"  # little-endian uint64, in the order of the training rows


CHUNK = 65_536


def row_hashes(frame: pd.DataFrame, labels: Sequence[Any], columns: Sequence[str]) -> np.ndarray:
    """A 64-bit hash of each row (n_rows,); equal rows have equal hashes in every table.

    Args:
        frame: features as `tabular.data.features.features` returns them: numbers, or text.
        labels: the true targets (n_rows,): labels in their own type, or numbers.
        columns: the features to include, in this order.
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
    """Cells as uint64 (n_rows,): the bits of a number, or a hash of text."""
    if values.dtype.kind in "fiu":
        numbers = values.astype("<f8") + 0.0  # -0.0 becomes 0.0
        numbers[np.isnan(numbers)] = np.nan  # NaN has many bit patterns
        return numbers.view("<u8")
    found = {
        text: blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in set(values)
    }
    return np.frombuffer(b"".join([found[text] for text in values]), dtype="<u8")
