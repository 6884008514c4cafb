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
        BadInput: if there are fewer rows of a class, or fewer groups, than folds, or a fold has no row of a
            class.
    """
    labelled, seeded = schema.task != "regression", {"shuffle": True, "random_state": random_state}
    if labelled and (rarest := int(np.bincount(target, minlength=len(schema.classes)).min())) < folds:
        raise BadInput(
            f"The rarest class has {rarest} training rows, fewer than the {folds} folds; "
            f"set CrossValidationFolds to {max(rarest, 2)} or less, or give more rows of it."
        )
    if groups is not None and (count := len(np.unique(groups))) < folds:
        raise BadInput(
            f"The training rows have {count} groups, fewer than the {folds} folds; "
            f"set CrossValidationFolds to {max(count, 2)} or less, or give more groups."
        )
    if schema.options.time is not None:
        folding = TimeSeriesSplit(folds)
    elif groups is not None:
        folding = (StratifiedGroupKFold if labelled else GroupKFold)(folds, **seeded)
    else:
        folding = (StratifiedKFold if labelled else KFold)(folds, **seeded)
    for number, (rows, scored) in enumerate(folding.split(target, target, groups), start=1):
        for part, found in (("to train on", rows), ("to score", scored)):
            absent = sorted(set(range(len(schema.classes))) - set(target[found].tolist())) if labelled else []
            if absent or not len(found):
                what = f"the class {schema.classes[absent[0]]!r}" if absent else "any kind"
                raise BadInput(
                    f"Fold {number} of {folds} has no row of {what} {part}; set CrossValidationFolds to a "
                    "smaller number, or give more rows."
                )
        yield rows, scored
