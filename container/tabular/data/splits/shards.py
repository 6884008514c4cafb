"""The training shards of a table with partitions: files of whole partitions, with about as many rows each.

SageMaker distributes a channel's objects among instances one by one, so a shard is a single file that stands
alone: its rows, and in its metadata the schema and the partitions in it.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from heapq import heapify, heapreplace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tabular.data.splits.partitions import Partitions
from tabular.spec.columns import Schema
from tabular.spec.documents.partitions import HeldOut, Partition

__all__ = [
    "Contents",
    "Shard",
    "deal",
    "digests",
    "how_many",
    "partition_of_rows",
    "read_contents",
    "read_partitions",
    "read_shard",
    "shard_files",
    "write_partitions",
    "write_shards",
]

LEAST = 64  # shards, if there are as many partitions: so many instances get about as many rows each
PARTITIONS = 256  # of a shard, on average, at most: it fits into memory
METADATA = b"tabular"
PARTITIONS_FILE = "partitions.parquet"
QUANTILES = 1001


class Contents(NamedTuple):
    """The number of a shard, how many shards there are, its partitions, and the schema of the table."""

    number: int
    of: int
    partitions: tuple[Partition, ...]
    schema: Schema


@dataclass(frozen=True)
class Shard:
    """The training rows of some partitions.

    `frame` has their features, `target` the encoded target (n_rows,), `groups` the number of each row's group
    and `times` its time, if the table has groups or times. `quantiles` are those of the times of all training
    rows of the table.
    """

    number: int
    of: int
    schema: Schema
    partitions: tuple[Partition, ...]
    frame: pd.DataFrame
    target: np.ndarray
    groups: np.ndarray | None
    times: np.ndarray | None
    quantiles: tuple[float, ...] | None

    def rows_of(self, partition: Partition) -> slice:
        """Where the rows of one of its partitions stand."""
        return slice(partition["start"], partition["start"] + partition["rows"])


def how_many(partitions: int) -> int:
    """How many shards there are, whatever the number of instances: PreprocessData must not depend on it."""
    return min(partitions, max(LEAST, math.ceil(partitions / PARTITIONS)))


def deal(rows: np.ndarray, shards: int) -> np.ndarray:
    """The shard of each partition (n_partitions,): the largest first, each to the shard with the fewest rows.

    No shard has more rows than another by more than the largest partition of it (Graham's LPT rule, 1969).
    Partitions without rows are dealt as if they had one.
    """
    load = [(0, shard) for shard in range(shards)]
    heapify(load)
    dealt = np.empty(len(rows), dtype=np.int64)
    for place in np.argsort(-rows, kind="stable"):
        filled, shard = load[0]
        dealt[place] = shard
        heapreplace(load, (filled + max(1, int(rows[place])), shard))
    return dealt


def digests(
    partitions: Partitions,
    hashes: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    columns: Sequence[str],
    *more: np.ndarray | None,
) -> list[str]:
    """The SHA-256 of each partition: of its training and its held-out rows, whatever their order.

    Args:
        partitions: those of all rows.
        hashes: of the rows (n_rows,), over `columns` and the target.
        train: the numbers of the training rows.
        test: the numbers of the held-out rows.
        columns: the names of the features.
        more: what else of a row matters (n_rows,), such as its group.
    """
    known = [hashes, *(np.ascontiguousarray(each).view(np.uint64) for each in more if each is not None)]
    named = sha256(json.dumps(list(columns)).encode())
    found = [named.copy() for _ in partitions.keys]
    for rows in (train, test):
        order = rows[np.lexsort((*[each[rows] for each in known[::-1]], partitions.number[rows]))]
        contents = np.column_stack([each[order] for each in known])
        ends = np.cumsum(np.bincount(partitions.number[rows], minlength=partitions.count))
        for place, (start, end) in enumerate(zip(np.append(0, ends[:-1]), ends, strict=True)):
            found[place].update(np.int64(end - start).tobytes())
            found[place].update(contents[start:end].tobytes())
    return [each.hexdigest() for each in found]


def write_shards(
    folder: Path,
    frame: pd.DataFrame,
    target: np.ndarray,
    schema: Schema,
    partitions: Partitions,
    train: np.ndarray,
    held_out: np.ndarray,
    sha: Sequence[str],
    groups: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> list[Partition]:
    """Write the training rows as shards, and return all partitions, those without training rows included.

    Args:
        folder: where to write.
        frame: the features of all rows (n_rows, n_columns).
        target: the encoded target (n_rows,).
        schema: the schema of the columns.
        partitions: those of all rows.
        train: the numbers of the training rows, partition by partition.
        held_out: how many rows of each partition are held out (n_partitions,).
        sha: the SHA-256 of each partition, see `digests`.
        groups: the number of each row's group (n_rows,), which folds keep together.
        times: the time of each row (n_rows,), in whose order folds go forward.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = np.bincount(partitions.number[train], minlength=partitions.count)
    starts = np.cumsum(rows) - rows
    shards = how_many(partitions.count)
    dealt = deal(rows, shards)
    beside = {name: each for name, each in (("group", groups), ("time", times)) if each is not None}
    names = {name: _free(name, [*frame, schema.target]) for name in beside}
    quantiles = None if times is None else np.quantile(times[train], np.linspace(0, 1, QUANTILES)).tolist()
    found: list[Partition] = []
    for shard in range(shards):
        own: list[Partition] = []
        start = 0
        for place in np.flatnonzero(dealt == shard):
            own.append(
                {
                    "number": int(place),
                    "key": list(partitions.keys[place]),
                    "rows": int(rows[place]),
                    "held_out": int(held_out[place]),
                    "sha256": sha[place],
                    "shard": shard,
                    "start": start,
                }
            )
            start += int(rows[place])
        chosen = np.concatenate(
            [train[starts[one["number"]] : starts[one["number"]] + one["rows"]] for one in own]
        )
        part = frame.iloc[chosen].reset_index(drop=True)
        part[schema.target] = target[chosen]
        for name, column in names.items():
            part[column] = beside[name][chosen]
        about = {
            "shard": shard,
            "shards": shards,
            "schema": schema.to_dict(),
            "partitions": own,
            "columns": names,
            "times": quantiles,
        }
        table = pa.Table.from_pandas(part, preserve_index=False)
        pq.write_table(
            table.replace_schema_metadata({METADATA: json.dumps(about).encode()}),
            folder / f"shard-{shard:03d}.parquet",
        )
        found += own
    return sorted(found, key=lambda one: one["number"])


def write_partitions(folder: Path, partitions: Sequence[Partition]) -> None:
    """Write all partitions beside the held-out rows, which stand partition by partition."""
    ends = np.cumsum([one["held_out"] for one in partitions])
    table = pa.Table.from_pylist(
        [
            {**one, "held_out_start": int(end) - one["held_out"]}
            for one, end in zip(partitions, ends, strict=True)
        ]
    )
    pq.write_table(table, folder / PARTITIONS_FILE)


def read_partitions(folder: Path) -> list[HeldOut] | None:
    """All partitions beside a split of held-out rows; None if the table has no partitions."""
    file = folder / PARTITIONS_FILE
    return pq.read_table(file).to_pylist() if file.exists() else None


def partition_of_rows(partitions: Sequence[HeldOut]) -> np.ndarray:
    """The number of each held-out row's partition (n_rows,)."""
    return np.repeat([one["number"] for one in partitions], [one["held_out"] for one in partitions])


def shard_files(folder: Path) -> list[Path]:
    """The shards in a folder; none for the split of a table without partitions, or if there is no folder."""
    return sorted(folder.glob("shard-*.parquet"))


def read_contents(path: Path) -> Contents:
    """What a shard contains, from its metadata alone."""
    about = json.loads(pq.read_schema(path).metadata[METADATA])
    schema = Schema.from_dict(about["schema"])
    return Contents(about["shard"], about["shards"], tuple(about["partitions"]), schema)


def read_shard(path: Path) -> Shard:
    """A shard, as `write_shards` wrote it."""
    table = pq.read_table(path)
    about: dict[str, Any] = json.loads(table.schema.metadata[METADATA])
    schema = Schema.from_dict(about["schema"])
    frame = table.replace_schema_metadata(None).to_pandas()
    for name in schema.of_kind("categorical"):
        frame[name] = frame[name].astype(object)
    columns = about["columns"]
    return Shard(
        about["shard"],
        about["shards"],
        schema,
        tuple(about["partitions"]),
        frame[[column.name for column in schema.columns]],
        frame[schema.target].to_numpy(),
        *(frame[columns[name]].to_numpy() if name in columns else None for name in ("group", "time")),
        about["times"] and tuple(about["times"]),
    )


def _free(name: str, taken: Sequence[str]) -> str:
    """A name that no column has."""
    while name in taken:
        name += "_"
    return name
