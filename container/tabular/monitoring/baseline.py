"""What is kept of a model's training rows and held-out predictions, to compare requests with later.

The document is an object of its own beside the model's artifact, so the server never reads it. Its size is
bounded, whatever the number of rows: a column of numbers is kept as quantiles, and a category as its most
frequent levels.
"""

import gzip
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from heapq import nsmallest
from typing import Any, NotRequired, TypedDict

import numpy as np
import pandas as pd

from tabular.spec.columns import Column, Schema
from tabular.spec.documents.schemas import ColumnDocument, Label

__all__ = [
    "FORMAT",
    "Baseline",
    "Distribution",
    "boolean_levels",
    "distribution",
    "distributions",
    "packed",
    "unpacked",
]

FORMAT = 1
MOST_POINTS, FEWEST = 500, 20  # quantiles or levels of a column
POINTS = 100_000  # of all columns together: less than two megabytes as JSON
LONGEST_LEVEL = 200  # characters; a longer level counts as one of the others
MOST_BYTES = 16 << 20  # of a document that is read


class Distribution(TypedDict):
    """The values of a column, or of predictions.

    `rows` counts all rows and `missing` those without a value. Numbers, and dates as days since 1970, have
    `quantiles`: all values in order if they are few, and otherwise evenly spaced ones. Categories, booleans
    and classes have `levels`, the rows of each, most frequent first; `others` counts the rows of levels that
    are not among them, and `complete` says that there are none.
    """

    rows: int
    missing: int
    quantiles: NotRequired[list[float]]
    levels: NotRequired[dict[str, int]]
    others: NotRequired[int]
    complete: NotRequired[bool]


class Quality(TypedDict):
    """A metric on held-out rows, with its interval where it has one."""

    value: float
    low: NotRequired[float]
    high: NotRequired[float]


class Baseline(TypedDict):
    """What is known of one model version: how its rows are read, their distributions, and its quality.

    Its first eight keys after the format are those of the manifest, so that requests are read as the server
    reads them. `training` has the features of the training rows and `held_out` the predictions for the
    held-out rows. `quality` has every metric on these; the gate's is `metric`.
    """

    format: int
    task: str
    target: str
    classes: list[Label]
    positive: NotRequired[Label]
    others: list[str]
    columns: list[ColumnDocument]
    options: NotRequired[dict[str, Any]]
    training: dict[str, Distribution]
    held_out: Distribution
    metric: str
    quality: dict[str, Quality]


def distributions(frame: pd.DataFrame, schema: Schema) -> dict[str, Distribution]:
    """The distribution of each feature of the training rows (n_rows, n_columns)."""
    points = int(np.clip(POINTS // max(1, len(schema.columns)), FEWEST, MOST_POINTS))
    return {column.name: _of_column(frame[column.name], column, points) for column in schema.columns}


def distribution(values: Sequence[Any] | np.ndarray, points: int = MOST_POINTS) -> Distribution:
    """The distribution of values (n_rows,): of numbers if they are an array of floats, otherwise of levels.

    NaN and the empty string are missing values.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        present = np.sort(values[~np.isnan(values)])
        kept = present
        if len(present) > points:  # the middles of equally many rows each, so that values keep their share
            kept = present[((np.arange(points) + 0.5) / points * len(present)).astype(np.intp)]
        return {"rows": len(values), "missing": len(values) - len(present), "quantiles": kept.tolist()}
    counts = Counter(values)
    missing = counts.pop("", 0)
    short = ((-rows, level) for level, rows in counts.items() if len(level) <= LONGEST_LEVEL)
    frequent = {level: -rows for rows, level in nsmallest(points, short)}
    others = len(values) - missing - sum(frequent.values())
    return {
        "rows": len(values),
        "missing": missing,
        "levels": frequent,
        "others": others,
        "complete": others == 0,
    }


def boolean_levels(values: np.ndarray) -> list[str]:
    """Booleans (n_rows,), which are numbers, as levels."""
    return np.select([np.isnan(values), values != 0], ["", "true"], "false").tolist()


def packed(baseline: Mapping[str, Any]) -> bytes:
    """The document as gzipped JSON; the same document gives the same bytes."""
    return gzip.compress(json.dumps(baseline, separators=(",", ":")).encode(), mtime=0)


def unpacked(body: bytes) -> Baseline:
    """The inverse of `packed`.

    Raises:
        ValueError: if it is not such a document, or one of another format.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            text = file.read(MOST_BYTES + 1)
        found = json.loads(text) if len(text) <= MOST_BYTES else None
    except (OSError, EOFError, ValueError) as error:
        raise ValueError(f"The baseline is not gzipped JSON ({error}).") from None
    version = found.get("format") if isinstance(found, dict) else None
    if version != FORMAT or not Baseline.__required_keys__ <= found.keys():
        raise ValueError(f"The baseline has the format {version!r}; this check reads {FORMAT}.")
    return found


def _of_column(values: pd.Series, column: Column, points: int) -> Distribution:
    if column.kind == "categorical":
        return distribution(values.tolist(), points)
    numbers = values.to_numpy(dtype=np.float64)
    return distribution(boolean_levels(numbers) if column.kind == "boolean" else numbers, points)
