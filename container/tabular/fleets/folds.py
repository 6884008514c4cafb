"""The folds of a fleet: each partition has its own, and the pooled model is scored on the same rows."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tabular.data.splits.partitions import FEWEST_ROWS
from tabular.learning.defined import undefined
from tabular.learning.folds import Fold, folds_to_search
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput, amount
from tabular.spec.search import Plan

__all__ = ["own_folds", "pooled_folds", "too_few"]

FEWEST_WINDOWS = 2


def too_few(target: np.ndarray, schema: Schema) -> str | None:
    """Why a partition gets no model of its own, whatever is searched: too few rows, or a class is missing."""
    if len(target) < FEWEST_ROWS:
        return f"It has {amount(len(target), 'training row')}, and {FEWEST_ROWS} are needed."
    counts = np.bincount(target, minlength=len(schema.classes)) if schema.classes else np.ones(1)
    return None if counts.all() else f"It has no training row of {schema.classes[int(counts.argmin())]!r}."


def own_folds(
    target: np.ndarray,
    schema: Schema,
    plan: Plan,
    groups: np.ndarray | None = None,
    times: np.ndarray | None = None,
    quantiles: Sequence[float] | None = None,
) -> list[Fold | None]:
    """The folds of one partition, of which the place tells which of them belong together in the fleet.

    With times, a fold scores a window of time, the same in all partitions, and learns from what is before. It
    is None if the partition has too little in it.

    Args:
        target: the encoded target of the partition's rows (n_rows,).
        schema: of the table; its classes are those of all partitions.
        plan: how many folds, and the scorer.
        groups: the group of each row (n_rows,).
        times: the time of each row (n_rows,).
        quantiles: of the times of all partitions.

    Raises:
        BadInput: if there are too few rows for a model of the partition's own; the message says of what.
    """
    if (why := too_few(target, schema)) is not None:
        raise BadInput(why)
    if times is None or quantiles is None:
        return list(folds_to_search(target, schema, plan.scorer, plan.folds, plan.random_state, 0, groups))
    found: list[Fold | None] = []
    edges = np.interp(
        np.linspace(0, 1, plan.folds + 2), np.linspace(0, 1, len(quantiles)), np.asarray(quantiles)
    )[1:]
    for start, end in pairwise(edges):
        learn, scored = np.flatnonzero(times <= start), np.flatnonzero((times > start) & (times <= end))
        whole = not schema.classes or len(set(target[learn].tolist())) == len(schema.classes)
        usable = len(scored) and len(learn) and whole and not undefined(plan.scorer, target[scored])
        found.append(Fold(learn, scored) if usable else None)
    if sum(fold is not None for fold in found) < FEWEST_WINDOWS:
        raise BadInput(f"It has training rows in fewer than {FEWEST_WINDOWS} windows of time.")
    return found


def pooled_folds(
    own: Sequence[tuple[np.ndarray, list[Fold | None]]],
    count: int,
    groups: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> list[Fold]:
    """The folds of the pooled model: each scores the rows of one fold of all partitions that have folds.

    It learns from all other rows, those of partitions without folds included, but of no group of which it
    scores a row, and with times only from what is before all that it scores.

    Args:
        own: for each partition with folds, the numbers of its rows in the fleet, and its folds.
        count: how many rows the fleet has.
        groups: the group of each row (count,).
        times: the time of each row (count,).
    """
    found = []
    for place in range(max((len(folds) for _, folds in own), default=0)):
        parts = [rows[folds[place].scored] for rows, folds in own if folds[place] is not None]
        if not parts:
            continue
        scored = np.concatenate(parts)
        known = np.ones(count, dtype=bool)
        known[scored] = False
        if groups is not None:
            known &= ~np.isin(groups, groups[scored])
        if times is not None:
            known &= times < times[scored].min()
        if known.any():
            found.append(Fold(np.flatnonzero(known), np.sort(scored)))
    return found
