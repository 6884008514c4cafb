"""Which rows are held out: a fraction of each class, whole groups, or the newest rows."""

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold, train_test_split

from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput

__all__ = ["Rows", "newest", "sizes", "split", "without_outliers"]

Rows = tuple[np.ndarray, np.ndarray]
EXACT = 1e-9  # by which a share that was computed may be too large
FENCE = 3.0  # interquartile ranges: Tukey's outer fence, beyond which a number is an outlier


def split(
    target: np.ndarray,
    schema: Schema,
    test_size: float,
    stratify: bool,
    random_state: int,
    groups: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> Rows:
    """Row numbers of the training split and of the held-out split.

    Args:
        target: the encoded target (n_rows,).
        schema: names the task and its classes.
        test_size: the fraction of rows to hold out.
        stratify: whether the splits keep the class frequencies.
        random_state: the seed of the split; a split by time does not use it.
        groups: the number of each row's group (n_rows,); rows of a group are in the same split.
        times: the time of each row (n_rows,); the newest rows are held out, and rows of the same time stay
            together. Both splits are in time order.

    Raises:
        BadInput: if a class is too rare to be in both splits, or a fraction leaves a split empty.
    """
    labelled = schema.task != "regression"
    remedy = "Give more rows of the rarest class, or change StratifySplit or TestSetSize."
    if labelled and np.bincount(target).min() < 2:  # no parameter puts one row into both splits
        remedy = "Give more rows of the rarest class, or leave its row out."
    try:
        if not 0 < test_size < 1:
            raise ValueError("TestSetSize must be greater than 0 and less than 1.")
        if times is not None:
            remedy = (
                f"Give more rows, change TestSetSize, or leave out the option time ({schema.options.time})."
            )
            train, test = newest(times, test_size)
        elif groups is not None:
            remedy = "Give more groups, or change TestSetSize or the option group."
            train, test = _whole_groups(target, groups, test_size, stratify and labelled, random_state)
        else:
            strata = target if stratify and labelled else None
            if strata is not None:
                _check_classes(target, schema, test_size)
            train, test = map(
                np.sort,
                train_test_split(
                    np.arange(len(target)), test_size=test_size, random_state=random_state, stratify=strata
                ),
            )
        for part, rows in (("training", train), ("held-out", test)) if labelled else ():
            if absent := sorted(set(range(len(schema.classes))) - set(target[rows].tolist())):
                raise ValueError(f"The {part} split would have no row of {schema.classes[absent[0]]!r}.")
    except ValueError as error:
        raise BadInput(
            f"Cannot split {len(target)} rows with TestSetSize={test_size}: {error} {remedy}"
        ) from None
    return train, test


def sizes(
    target: np.ndarray, schema: Schema, test_size: float, stratify: bool, fewest: int = 1
) -> tuple[int, int] | None:
    """How many rows `split` trains on and holds out where it certainly succeeds, without dividing them.

    Args:
        target: as in `split`.
        schema: as in `split`.
        test_size: as in `split`.
        stratify: as in `split`.
        fewest: how many training rows of each class, or of all, there have to be.

    Returns:
        None if only `split` can tell: both parts may lack a class, or have too few training rows.
    """
    if not 0 < test_size < 1 or not len(target):
        return None
    rows, held_out = len(target), math.ceil(test_size * len(target))
    shares = np.array([rows - held_out, held_out]) / rows
    if schema.task == "regression":
        enough = rows - held_out >= max(1, fewest)
    else:  # a stratified split gives each class its share, rounded down or up
        counts = np.bincount(target, minlength=len(schema.classes))
        least = np.floor(shares[:, None] * counts * (1 - EXACT))
        enough = stratify and bool((least >= 1).all() and (least[0] >= fewest).all())
    return (rows - held_out, held_out) if enough else None


def _check_classes(target: np.ndarray, schema: Schema, test_size: float) -> None:
    """Check that a stratified split can give each class a row in both parts.

    Raises:
        ValueError: if it cannot.
    """
    counts = np.bincount(target, minlength=len(schema.classes))
    quantity = all(isinstance(label, int | float) for label in schema.classes)
    hint = " Set task to regression if the target is a quantity." if quantity and len(counts) > 2 else ""
    if rare := [str(schema.classes[place]) for place in np.flatnonzero(counts < 2)]:
        raise ValueError(f"Only one row is {', '.join(map(repr, rare[:5]))}.{hint}")
    held_out = math.ceil(test_size * len(target))
    if min(held_out, len(target) - held_out) < len(counts):
        raise ValueError(
            f"Of {len(counts)} classes, not every one would be among {held_out} held-out rows.{hint}"
        )


def without_outliers(frame: pd.DataFrame, target: np.ndarray, schema: Schema) -> np.ndarray:
    """Whether to keep each row (n_rows,): none of its numbers is more than three interquartile ranges out.

    The fences are computed from the given rows, which are the training rows; held-out rows stay as they are.
    The target of a regression has fences, too. A column whose quartiles are equal has none.
    """
    numbers = frame[schema.of_kind("numeric")]
    if schema.task == "regression":
        numbers = numbers.copy()
        numbers[schema.target] = target  # which may have any name, unlike an argument
    low, high = numbers.quantile(0.25), numbers.quantile(0.75)
    width = (high - low).where(high > low, math.inf) * FENCE
    return ~((numbers < low - width) | (numbers > high + width)).any(axis=1).to_numpy()


def newest(times: np.ndarray, test_size: float) -> Rows:
    """Row numbers in the order of time: those before a moment, and those from it on, which are held out.

    Raises:
        ValueError: if all rows have the same time.
    """
    order = np.argsort(times, kind="stable")
    held_out = math.ceil(len(times) * test_size)
    cut = times[order[-held_out]]
    newest = times[order] >= cut
    if newest.all():  # the oldest time has that many rows
        newest = times[order] > cut
    if not newest.any():
        raise ValueError("All rows have the same time.")
    return order[~newest], order[newest]


def _whole_groups(
    target: np.ndarray, groups: np.ndarray, test_size: float, stratify: bool, random_state: int
) -> Rows:
    if (count := len(np.unique(groups))) < 2:
        raise ValueError("All rows are in the same group.")
    if not stratify:
        drawn = GroupShuffleSplit(n_splits=1, test_size=test_size, random_state=random_state)
        return next(drawn.split(target, groups=groups))
    shares = min(max(2, round(1 / test_size)), count)
    parts = StratifiedGroupKFold(shares, shuffle=True, random_state=random_state)
    classes = set(target.tolist())
    possible: Iterable[Rows] = (
        (train, test)
        for train, test in parts.split(target, target, groups)
        if set(target[train].tolist()) == set(target[test].tolist()) == classes
    )
    found = min(possible, key=lambda rows: abs(len(rows[1]) / len(target) - test_size), default=None)
    if found is None:
        raise ValueError(f"No choice among the {count} groups puts a row of each class into both splits.")
    return found
