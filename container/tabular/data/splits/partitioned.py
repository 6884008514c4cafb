"""Which rows of a table with partitions are held out: a fraction of each partition, however small it is.

Everything depends on a row's own partition, on the hash of the row and on the seed, never on the order of the
file or, unless there are groups or times, on other partitions. So a partition whose rows have not changed is
split as before.
"""

import numpy as np

from tabular.data.splits.partitions import Partitions
from tabular.data.splits.rows import newest
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput

__all__ = ["hold_out", "in_order"]

Rows = tuple[np.ndarray, np.ndarray]


def in_order(
    partitions: Partitions, rows: np.ndarray, hashes: np.ndarray, times: np.ndarray | None = None
) -> np.ndarray:
    """Row numbers partition by partition; within one in the order of time, then of the rows' hashes."""
    keys = (hashes[rows], partitions.number[rows])
    return rows[np.lexsort(keys if times is None else (keys[0], times[rows], keys[1]))]


def hold_out(
    partitions: Partitions,
    target: np.ndarray,
    schema: Schema,
    hashes: np.ndarray,
    test_size: float,
    stratify: bool,
    random_state: int,
    groups: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> Rows:
    """Row numbers of the training split and of the held-out split, both partition by partition.

    - Without groups and times, each partition holds out its share, rounded up or down at random, so that the
      small ones together hold out theirs, too. At least one row is left to train on. With `stratify`, so
      does each class within the partition.
    - With groups, a group is held out in all partitions or in none, or the pooled model would know it. It
      belongs to the partition in which it has the most rows, and each partition holds out a share of its
      groups.
    - With times, the newest rows of the whole table are held out, because a model of all partitions must not
      know any row later than those that it is judged on. A partition without older rows has no training row.

    Args:
        partitions: which row belongs to which.
        target: the encoded target (n_rows,).
        schema: names the task and its classes.
        hashes: of the rows (n_rows,), see `tabular.data.splits.statistics.row_hashes`.
        test_size: the fraction of rows to hold out.
        stratify: whether the splits keep the class frequencies.
        random_state: the seed; a split by time does not use it.
        groups: a 64-bit hash of each row's group (n_rows,).
        times: the time of each row (n_rows,).

    Raises:
        BadInput: if a class is in one of the splits only, or a split is empty.
    """
    if not 0 < test_size < 1:
        raise BadInput(f"TestSetSize is {test_size}; it must be greater than 0 and less than 1.")
    if times is not None:
        try:
            _, found = newest(times, test_size)
        except ValueError as error:
            raise BadInput(
                f"Cannot split {len(target)} rows by time: {error} Leave out the option time "
                f"({schema.options.time})."
            ) from None
        held_out = np.zeros(len(target), dtype=bool)
        held_out[found] = True
    elif groups is not None:
        held_out = _whole_groups(partitions, groups, test_size, random_state)
    else:
        strata = target if stratify and schema.classes else np.zeros(len(target))
        held_out = _share(partitions.number, partitions.hashes, strata, hashes, test_size, random_state)
    for part, rows in (("training", ~held_out), ("held-out", held_out)):
        absent = sorted(set(range(len(schema.classes))) - set(target[rows].tolist()))
        if absent or not rows.any():
            what = f"row of {schema.classes[absent[0]]!r}" if absent else "row"
            raise BadInput(
                f"Cannot split {len(target)} rows of {partitions.count} partitions with "
                f"TestSetSize={test_size}: the {part} split would have no {what}. Give more rows, or change "
                "TestSetSize or RandomState."
            )
    train, test = (
        in_order(partitions, np.flatnonzero(rows), hashes, times) for rows in (~held_out, held_out)
    )
    return train, test


def _share(
    number: np.ndarray,
    names: np.ndarray,
    strata: np.ndarray,
    hashes: np.ndarray,
    test_size: float,
    random_state: int,
) -> np.ndarray:
    """Whether each thing (n,) is held out: a systematic sample of each part, in random order.

    Args:
        number: the part of each thing (n,).
        names: the hash of each part, by its number.
        strata: by which the things of a part are sorted first (n,), so that each stratum has its share.
        hashes: of the things (n,), which decide the order with the seed.
        test_size: the share.
        random_state: the seed.
    """
    order = np.lexsort((_mixed(hashes, random_state), strata, number))
    counts = np.bincount(number, minlength=len(names))
    starts = np.cumsum(counts) - counts
    place = np.arange(len(number)) - np.repeat(starts, counts)
    begin = np.repeat(_mixed(names, random_state) / 2.0**64, counts)
    chosen = np.floor((place + 1) * test_size + begin) > np.floor(place * test_size + begin)
    whole = np.bincount(number[order], weights=chosen, minlength=len(names)) == counts
    chosen[starts[whole & (counts > 0)]] = False
    held_out = np.empty(len(number), dtype=bool)
    held_out[order] = chosen
    return held_out


def _whole_groups(
    partitions: Partitions, groups: np.ndarray, test_size: float, random_state: int
) -> np.ndarray:
    names, group = np.unique(groups, return_inverse=True)
    pairs, rows = np.unique(group * partitions.count + partitions.number, return_counts=True)
    of_group, of_partition = np.divmod(pairs, partitions.count)
    # The pair with the most rows stands first in each group; of equal ones, that of the first partition.
    order = np.lexsort((of_partition, -rows, of_group))
    first = order[np.unique(of_group[order], return_index=True)[1]]
    home = of_partition[first]
    held_out = _share(home, partitions.hashes, np.zeros(len(names)), names, test_size, random_state)
    return held_out[group]


def _mixed(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Numbers (n,) of 64 bits that look random, by SplitMix64's finalizer (Steele et al., OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        mixed = numbers.astype(np.uint64) + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        return mixed ^ (mixed >> np.uint64(31))
