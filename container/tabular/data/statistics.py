"""What the rows of training look like, by column: the baseline that travels with a model."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd

from tabular.data.dates import as_text
from tabular.spec.columns import Column, Schema

__all__ = ["ROWS", "baseline", "row_hashes"]

MOST_FREQUENT = 10
QUARTILES = {"min": 0.0, "first_quartile": 0.25, "median": 0.5, "third_quartile": 0.75, "max": 1.0}


def baseline(frame: pd.DataFrame, schema: Schema) -> Mapping[str, Any]:
    """Statistics of each feature, numbers of six digits; None where no cell is filled.

    Numbers have mean, standard_deviation and quartiles, booleans the share of true, dates the first and the
    last, categories the shares of the most frequent levels and how many there are; all have the share that
    is missing.
    """
    return {column.name: _of_column(frame[column.name], column) for column in schema.columns}


def _of_column(values: pd.Series, column: Column) -> dict[str, Any]:
    if column.kind == "categorical":
        shares = values.value_counts(normalize=True)
        frequent = {level: _rounded(share) for level, share in shares.head(MOST_FREQUENT).items()}
        missing = _rounded((values == "").mean())
        return {"missing": missing, "distinct": len(shares), "most_frequent": frequent}
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
