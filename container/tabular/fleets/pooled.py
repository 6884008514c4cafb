"""The pooled model of all partitions: its rows, and its losses on the partitions' own folds."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from tabular.data.splits.shards import Shard
from tabular.fleets.choice import losses
from tabular.fleets.folds import own_folds, pooled_folds
from tabular.learning.fitting import fit
from tabular.searching.whole_table import Members
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput
from tabular.spec.search import Plan

__all__ = ["Pool", "pool", "pooled_losses"]


class Pool(NamedTuple):
    """All training rows of a fleet, in the order of time if there is one.

    `shard` and `row` say where each row stands (n_rows,); `parts` are the rows of each partition, in the
    order in which they stand in its shard.
    """

    frame: pd.DataFrame
    target: np.ndarray
    schema: Schema
    groups: np.ndarray | None
    times: np.ndarray | None
    quantiles: tuple[float, ...] | None
    shard: np.ndarray
    row: np.ndarray
    parts: list[np.ndarray]


def pool(shards: Sequence[Shard]) -> Pool:
    """The rows of all shards; the partition columns are features like the others."""
    first = shards[0]
    frame = pd.concat([one.frame for one in shards], ignore_index=True)
    target = np.concatenate([one.target for one in shards])
    groups, times = (
        None if getattr(first, name) is None else np.concatenate([getattr(one, name) for one in shards])
        for name in ("groups", "times")
    )
    shard = np.repeat([one.number for one in shards], [len(one.frame) for one in shards])
    row = np.concatenate([np.arange(len(one.frame)) for one in shards])
    order = np.arange(len(frame)) if times is None else np.argsort(times, kind="stable")
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order))
    starts = np.cumsum([0, *(len(one.frame) for one in shards)])
    parts = [
        place[np.arange(start + part["start"], start + part["start"] + part["rows"])]
        for one, start in zip(shards, starts, strict=False)
        for part in one.partitions
    ]
    return Pool(
        frame.iloc[order].reset_index(drop=True),
        target[order],
        first.schema,
        None if groups is None else groups[order],
        None if times is None else times[order],
        first.quantiles,
        shard[order],
        row[order],
        parts,
    )


def pooled_losses(
    rows: Pool, members: Members, plan: Plan, say: Callable[[str], None] = lambda _: None
) -> np.ndarray:
    """The loss of the pooled model on each row (n_rows,) that a partition's own model is scored on, else NaN.

    What the pooled model is made of is fitted again without the rows of each fold, because its own folds are
    others.
    """
    own = []
    for part in rows.parts:
        beside = (None if each is None else each[part] for each in (rows.groups, rows.times))
        try:
            own.append((part, own_folds(rows.target[part], rows.schema, plan, *beside, rows.quantiles)))
        except BadInput:
            continue  # this partition has no model of its own to compare with
    lost = np.full(len(rows.target), np.nan)
    folds = pooled_folds(own, len(rows.target), rows.groups, rows.times)
    for number, (learn, scored) in enumerate(folds, start=1):
        say(f"the pooled model predicts fold {number} of {len(folds)}")
        answers = _answers(rows, members, learn, scored, plan.random_state)
        lost[scored] = losses(answers, rows.target[scored], rows.schema)
    return lost


def _answers(
    rows: Pool, members: Members, learn: np.ndarray, scored: np.ndarray, random_state: int
) -> np.ndarray:
    """What a model of these members answers for some rows, fitted on others.

    They are fitted one after the other, and only one of them is in memory: a forest on many rows takes
    a gigabyte.
    """
    groups = None if rows.groups is None else rows.groups[learn]
    training = (rows.frame.iloc[learn], rows.target[learn], rows.schema)
    whole, total = sum(weight for _, weight in members), 0.0
    for one, weight in members:
        configured = (one.configuration.algorithm, one.configuration.hyperparameters, random_state)
        pipeline = fit(*training, *configured, one.rounds, groups)
        answer = pipeline.predict_proba if rows.schema.classes else pipeline.predict
        total = total + weight / whole * np.asarray(answer(rows.frame.iloc[scored]), dtype=np.float64)
        del pipeline, answer  # before the next one is fitted
    return total
