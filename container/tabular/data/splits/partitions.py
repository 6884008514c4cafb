"""The partitions of a table: its rows by the values of the columns that the option `partition` names."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd

from tabular.data.features import texts
from tabular.data.splits.statistics import QUARTILES
from tabular.data.tables import Warning, warning
from tabular.data.values.cells import folded
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput, amount

__all__ = ["FEWEST_ROWS", "MOST", "Partitions", "facts", "find_partitions", "spellings"]

MOST = 100_000
FEWEST_ROWS = 20  # training rows, below which a partition gets no model of its own
SHOWN = 5
ALIKE_SHOWN = 3  # groups of spellings with a warning each


@dataclass(frozen=True)
class Partitions:
    """Which partition each row belongs to.

    `keys` are the texts in the partition columns, one tuple for each partition, sorted; `number` is the place
    of each row's partition among them (n_rows,).
    """

    columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    number: np.ndarray

    @property
    def count(self) -> int:
        """How many partitions there are."""
        return len(self.keys)

    @property
    def names(self) -> Mapping[str, Collection[str]]:
        """The different texts in each partition column."""
        return {column: {key[place] for key in self.keys} for place, column in enumerate(self.columns)}

    @cached_property
    def rows(self) -> np.ndarray:
        """How many rows each partition has (n_partitions,)."""
        return np.bincount(self.number, minlength=self.count)

    @cached_property
    def hashes(self) -> np.ndarray:
        """A 64-bit hash of each key (n_partitions,), which does not depend on the other partitions."""
        digests = b"".join(blake2b(repr(key).encode(), digest_size=8).digest() for key in self.keys)
        return np.frombuffer(digests, dtype="<u8")


def find_partitions(table: pd.DataFrame, schema: Schema) -> Partitions:
    """The partitions of a cleaned table.

    Raises:
        BadInput: if a partition column has a gap or only one value, every row has another value, or there are
            too many partitions.
    """
    columns = {column.name: column for column in schema.columns}
    names = schema.options.partition
    number, keys = np.zeros(len(table), dtype=np.int64), [()]
    for name in names:
        if name not in columns:  # the schema has no constant columns
            raise BadInput(
                f"The partition column {name!r} has the same value in every row; leave it out of partition."
            )
        found = texts(table[name], columns[name])
        if gaps := int((found == "").sum()):
            raise BadInput(
                f"The partition column {name!r} is empty in {amount(gaps, 'row')}; write a name into each "
                "cell, or leave these rows out of the table."
            )
        codes, levels = pd.factorize(found, sort=True)
        # Only combinations that occur are counted: all of several columns may be more than 64 bits hold.
        occurring, number = np.unique(number * len(levels) + codes, return_inverse=True)
        keys = [(*keys[place // len(levels)], levels[place % len(levels)]) for place in occurring.tolist()]
    what = " and ".join(map(repr, names))
    if len(keys) == len(table):
        raise BadInput(
            f"Every row has its own value of {what}, so each partition would be a single row; name a column "
            "whose values each occur in many rows."
        )
    if len(keys) > MOST:
        raise BadInput(
            f"There are {len(keys):,} partitions by {what}, and at most {MOST:,} are allowed; name a "
            "coarser column."
        )
    return Partitions(names, tuple(keys), number.reshape(-1))


def spellings(named: Mapping[str, Collection[str]], what: str) -> Iterator[Warning]:
    """Warn about names that differ only in blanks, case or Unicode form, of which each stands for itself.

    Args:
        named: the names in each column.
        what: they are called: partitions or groups.
    """
    for column, names in named.items():
        alike = defaultdict(list)
        for name in sorted(names):
            alike[folded(name)].append(name)
        doubled = [names for names in alike.values() if len(names) > 1]
        for names in doubled[:ALIKE_SHOWN]:
            yield warning(
                column,
                f"{' and '.join(map(repr, names))} differ only in blanks, case or Unicode form and are "
                f"separate {what}; name the column in merge_spellings if they mean the same.",
            )
        if (more := len(doubled) - ALIKE_SHOWN) > 0:
            yield warning(column, f"{amount(more, 'further name')} of {what} are duplicated like that.")


def facts(
    partitions: Partitions, target: np.ndarray, classes: Sequence[Any], train: np.ndarray, test: np.ndarray
) -> dict[str, Any]:
    """What a person wants to know about the partitions before anything is trained.

    Args:
        partitions: those of all rows.
        target: the encoded target (n_rows,).
        classes: the labels; empty for a regression.
        train: the numbers of the training rows.
        test: the numbers of the held-out rows.
    """
    training, held_out = (
        np.bincount(partitions.number[rows], minlength=partitions.count) for rows in (train, test)
    )
    used = training + held_out
    seen = np.zeros((partitions.count, max(1, len(classes))), dtype=bool)
    if classes:
        seen[partitions.number[train], target[train]] = True
    smallest = np.argsort(used, kind="stable")[:SHOWN]
    return {
        "columns": list(partitions.columns),
        "count": partitions.count,
        "rows": {
            name: round(float(found), 1)
            for name, found in zip(QUARTILES, np.quantile(used, list(QUARTILES.values())), strict=True)
        },
        "smallest": [{"key": list(partitions.keys[place]), "rows": int(used[place])} for place in smallest],
        "one_class": int((seen.sum(axis=1) == 1).sum()) if classes else 0,
        "few_rows": int((training < FEWEST_ROWS).sum()),
        "without_training_rows": int((training == 0).sum()),
        "without_held_out_rows": int((held_out == 0).sum()),
    }
