"""The folds of cross-validation: stratified by class, made of whole groups, or made of later rows."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from tabular.learning.defined import undefined
from tabular.learning.samples import sample_rows
from tabular.spec.columns import Schema
from tabular.spec.errors import BadInput, amount

__all__ = ["Fold", "folds_of", "folds_to_search"]


class Fold(NamedTuple):
    """The numbers of the rows to train on, and of those to score."""

    learn: np.ndarray
    scored: np.ndarray


def folds_to_search(
    target: np.ndarray,
    schema: Schema,
    scorer: str,
    folds: int,
    random_state: int,
    search_rows: int = 0,
    groups: np.ndarray | None = None,
) -> list[Fold]:
    """The folds of a trial: of all training rows, or of a sample of them, see `sample_rows`.

    Raises:
        BadInput: as in `folds_of`, or if the scorer is not defined on a fold.
    """
    rows = sample_rows(target, schema, search_rows, folds, random_state, groups)
    among = None if groups is None else groups[rows]
    found = [
        Fold(rows[learn], rows[scored])
        for learn, scored in folds_of(target[rows], schema, folds, random_state, among)
    ]
    for number, fold in enumerate(found, start=1):
        if why := undefined(scorer, target[fold.scored]):
            raise BadInput(
                f"The scorer {scorer} is not defined on fold {number} of {folds}, because {why}; set "
                "CrossValidationFolds to a smaller number, or use another scorer, such as "
                "neg_root_mean_squared_error."
            )
    return found


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
        _check_enough(int(counts.min()), folds, "The rarest class has {}", "training row", rarest)
    if groups is not None:
        _check_enough(len(np.unique(groups)), folds, "The training rows have {}", "group", "groups")
    _check_enough(len(target), folds, "There are only {}", "training row", "rows")
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


def _check_enough(count: int, folds: int, seen: str, what: str, more: str) -> None:
    if count < folds:
        fewer = f"set CrossValidationFolds to {count} or less, or " if count > 1 else ""
        raise BadInput(
            f"{seen.format(amount(count, what))}, fewer than the {folds} folds; {fewer}give more {more}."
        )
