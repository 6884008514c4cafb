"""A table that can be trained on, and how its rows are to be divided."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tabular.data.features import features, texts
from tabular.data.splits.held_out import cells_of
from tabular.data.splits.partitions import Partitions
from tabular.data.splits.rows import Rows
from tabular.data.tables import Table
from tabular.spec.columns import Schema

__all__ = ["DEFAULT_SPLIT", "Prepared", "Splitting"]


@dataclass(frozen=True)
class Splitting:
    """How the rows of every table are divided.

    `test_size` is the fraction of rows to hold out; `stratify` keeps the class frequencies in both splits;
    `random_state` is the seed.
    """

    test_size: float = 0.2
    stratify: bool = True
    random_state: int = 42


DEFAULT_SPLIT = Splitting()


@dataclass(frozen=True)
class Prepared:
    """A table that can be trained on.

    `table` holds the rows that are used, `target` the encoded target of each (n_rows,). `divide` returns the
    numbers of the training rows and of those that are held out, and computes them once. `groups` numbers the
    group of each row (n_rows,). `report` says what was read, decided and left out. `raw` is the table as it
    was read, `rows` the place of each row in it (n_rows,); None if your own clean function changed the rows.

    With the option `partition`, `partitions` says which partition each row belongs to, `hashes` identifies
    each row (n_rows,), and `train` and `test` are ordered by partition. `times` are days since 1970, or the
    numbers in a numeric column (n_rows,).
    """

    table: pd.DataFrame
    target: np.ndarray
    schema: Schema
    divide: Callable[[], Rows]
    groups: np.ndarray | None
    report: dict[str, Any]
    raw: Table
    rows: np.ndarray | None
    times: np.ndarray | None = None
    partitions: Partitions | None = None
    hashes: np.ndarray | None = None

    @property
    def train(self) -> np.ndarray:
        """The numbers of the training rows."""
        return self.divide()[0]

    @property
    def test(self) -> np.ndarray:
        """The numbers of the rows that are held out."""
        return self.divide()[1]

    @property
    def is_drawn(self) -> bool:
        """Whether any row may be held out: no group, time, partition or outlier says which."""
        apart = (self.groups, self.times, self.partitions)
        return all(one is None for one in apart) and self.schema.options.outliers == "none"

    @property
    def pooled(self) -> np.ndarray:
        """The numbers of the training rows, in the order of time if there is one."""
        if self.partitions is None or self.times is None:
            return self.train
        return self.train[np.argsort(self.times[self.train], kind="stable")]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The features (n_rows, n_columns)."""
        return features(self.table, self.schema)

    @property
    def held_out_cells(self) -> pa.Table:
        """The held-out rows as written in the files, or as your own clean function left them."""
        if self.rows is None:
            return cells_of(self.frame.iloc[self.test], self.schema)
        names = [column.name for column in self.schema.columns]
        return self.raw.cells.select(names).take(self.rows[self.test])

    @cached_property
    def subgroups(self) -> pd.DataFrame | None:
        """The columns by which an evaluation is broken down: numbers as they are, everything else as text."""
        if not self.schema.options.subgroups:
            return None
        named = self.table[list(self.schema.options.subgroups)]
        return named.apply(lambda values: values if pd.api.types.is_numeric_dtype(values) else texts(values))
