"""Results and their comparison.

A benchmark that takes hours keeps a line of JSON for each result; the last one of a kind counts. Splits of a
table are alike, so intervals draw whole tables.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Change", "Interval", "Key", "Store", "change", "mean_ranks"]

FILE = Path("runs/bench-quality.jsonl")
DRAWS, CONFIDENCE = 2000, 0.95
Key = tuple[str, int]  # table and seed
Ranks = dict[str, "Interval"]


class Store:
    """The results by table, seed and way; what is added is written at once.

    A result has a `loss`, or what a way `failed` with.
    """

    def __init__(self, file: Path = FILE) -> None:
        self.file = file
        self.found: dict[tuple[str, int, str], dict[str, Any]] = {}
        for line in file.read_text().splitlines() if file.exists() else []:
            self._keep(json.loads(line))

    def add(self, line: dict[str, Any]) -> None:
        """Keep a result, with the day that it was measured on."""
        dated = {**line, "day": datetime.now(UTC).date().isoformat()}
        self.file.parent.mkdir(exist_ok=True)
        with self.file.open("a") as lines:
            lines.write(json.dumps(dated) + "\n")
        self._keep(dated)

    def has(self, table: str, seed: int, way: str) -> bool:
        """Whether this result is there."""
        return (table, seed, way) in self.found

    def get(self, table: str, seed: int, way: str) -> dict[str, Any]:
        """This result."""
        return self.found[table, seed, way]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.found.values())

    def _keep(self, line: dict[str, Any]) -> None:
        self.found[line["table"], line["seed"], line["way"]] = line


class Change(NamedTuple):
    """The median relative change of the loss with its interval, and in how many splits it fell."""

    value: float
    low: float
    high: float
    better: int
    splits: int
    tables: int


def change(ours: Mapping[Key, float], reference: Mapping[Key, float]) -> Change | None:
    """By how much the loss is lower (negative) or higher than the reference's, where both are known."""
    keys = sorted(ours.keys() & reference.keys())
    if not keys:
        return None
    relative = np.array([ours[key] / reference[key] - 1 for key in keys])
    drawn = [np.median(relative[rows]) for rows in _resampled([table for table, _ in keys])]
    low, high = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    better, tables = int((relative < 0).sum()), len({table for table, _ in keys})
    return Change(float(np.median(relative)), float(low), float(high), better, len(keys), tables)


class Interval(NamedTuple):
    """A number with its interval."""

    value: float
    low: float
    high: float


def mean_ranks(losses: Mapping[str, Mapping[Key, float]], ours: str) -> tuple[Ranks, Ranks, list[Key]]:
    """The mean rank of each way (1 is best), and by how much that of `ours` is lower, with their intervals.

    The third value are the splits that all ways have, over which the means are.
    """
    keys = sorted(set.intersection(*(set(one) for one in losses.values())))
    if not keys:
        return {}, {}, []
    table = np.array([[losses[way][key] for way in losses] for key in keys])
    lower = (table[:, :, None] > table[:, None, :]).sum(axis=2)
    same = (table[:, :, None] == table[:, None, :]).sum(axis=2)
    ranks = lower + (same + 1) / 2
    leads = ranks - ranks[:, [list(losses).index(ours)]]
    resampled = _resampled([name for name, _ in keys])
    found: list[Ranks] = []
    for each in (ranks, leads):
        drawn = np.array([each[rows].mean(axis=0) for rows in resampled])
        bounds = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
        values = zip(losses, each.mean(axis=0), *bounds, strict=True)
        found.append({way: Interval(float(a), float(b), float(c)) for way, a, b, c in values})
    return found[0], found[1], keys


def _resampled(tables: Sequence[str]) -> list[np.ndarray]:
    """The places of the splits of tables that are drawn with replacement."""
    names, place = np.unique(tables, return_inverse=True)
    rows = [np.flatnonzero(place == number) for number in range(len(names))]
    random = np.random.default_rng(0)
    return [
        np.concatenate([rows[number] for number in random.integers(len(names), size=len(names))])
        for _ in range(DRAWS)
    ]
