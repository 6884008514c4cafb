"""The folds of cross-validation: stratified by class, made of whole groups, or made of later rows."""

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput

__all__ = ["folds_of"]


def folds_of(
    target: np.ndarray, schema: Schema, folds: int, random_state: int, groups: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers to fit on and to score, fold by fold; the rows of a table with times must be in time order.

    Raises:
        BadInput: if there are fewer rows, rows of a class, or groups than folds, or a fold has no row of a
            class.
    """
    labelled, seeded = schema.task != "regression", {"shuffle": True, "random_state": random_state}
    if labelled:
        counts = np.bincount(target, minlength=len(schema.classes))
        rarest = f"rows of {schema.classes[counts.argmin()]!r}"
        _check_enough(int(counts.min()), folds, "The rarest class has {} training rows", rarest)
    if groups is not None:
        _check_enough(len(np.unique(groups)), folds, "The training rows have {} groups", "groups")
    _check_enough(len(target), folds, "There are {} training rows", "rows")
    if schema.options.time is not None:
        folding = TimeSeriesSplit(folds)
    elif groups is not None:
        folding = (StratifiedGroupKFold if labelled else GroupKFold)(folds, **seeded)
    else:
        folding = (StratifiedKFold if labelled else KFold)(folds, **seeded)
    for number, (rows, scored) in enumerate(folding.split(target, target, groups), start=1):
        for part, found in (("to train on", rows), ("to score", scored)):
            counts = np.bincount(target[found], minlength=len(schema.classes)) if labelled else np.ones(1)
            if not counts.all() or not len(found):
                what = f"the class {schema.classes[counts.argmin()]!r}" if labelled else "any kind"
                raise BadInput(
                    f"Fold {number} of {folds} has no row of {what} {part}; set CrossValidationFolds to a "
                    "smaller number, or give more rows."
                )
        yield rows, scored


def _check_enough(count: int, folds: int, seen: str, more: str) -> None:
    if count < folds:
        fewer = f"set CrossValidationFolds to {count} or less, or " if count > 1 else ""
        raise BadInput(f"{seen.format(count)}, fewer than the {folds} folds; {fewer}give more {more}.")
