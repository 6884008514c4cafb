"""The rows that a trial sees, if it is to see fewer than all: like those of the whole table."""

import numpy as np

from tabular.spec.columns import Schema

__all__ = ["is_sample", "sample_rows"]

ROWS_OF_A_FOLD = 2  # of each class, at least, if there are as many
ENOUGH = 0.5  # of all rows: of more, the trials' several folds say more than one fold of all rows


def is_sample(seen: int, rows: int) -> bool:
    """Whether trials that saw this many of a table's rows have said too little about all of them."""
    return seen < ENOUGH * rows


def sample_rows(
    target: np.ndarray,
    schema: Schema,
    most: int,
    folds: int,
    random_state: int,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """The numbers of the rows to search with, in ascending order; all if `most` is 0 or there are no more.

    Args:
        target: the encoded target (n_rows,).
        schema: names the task and its classes.
        most: how many rows; a few more if a class is rare or groups are large.
        folds: the folds of cross-validation, each of which needs rows of every class.
        random_state: the seed of the draw; the newest rows of a table with times are not drawn.
        groups: the number of each row's group (n_rows,); a group is drawn as a whole.
    """
    n_rows = len(target)
    if not most or most >= n_rows:
        return np.arange(n_rows)
    if schema.options.time is not None:
        return np.arange(n_rows - most, n_rows)
    draw = np.random.default_rng(random_state)
    needed = ROWS_OF_A_FOLD * folds
    if groups is not None:
        return _whole_groups(target, schema, most, needed, groups, draw)
    strata = target if schema.classes else np.zeros(n_rows)
    chosen = []
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        count = max(round(most * len(rows) / n_rows), min(needed, len(rows)))
        chosen.append(draw.choice(rows, count, replace=False))
    return np.sort(np.concatenate(chosen))


def _whole_groups(
    target: np.ndarray, schema: Schema, most: int, needed: int, groups: np.ndarray, draw: np.random.Generator
) -> np.ndarray:
    """Groups in random order, as long as they fit; then more for the classes that are still rare."""
    names, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = draw.permutation(len(names))
    taken = np.zeros(len(names), dtype=bool)
    taken[order[np.cumsum(sizes[order]) <= most]] = True
    taken[order[:needed]] = True
    for label in range(len(schema.classes)):
        of_class = np.bincount(place[target == label], minlength=len(names))
        more = [group for group in order if of_class[group] and not taken[group]]
        while of_class[taken].sum() < needed and more:
            taken[more.pop(0)] = True
    return np.flatnonzero(taken[place])
