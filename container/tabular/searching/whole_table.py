"""What trials on a sample of the rows have found, for all rows of a table: how many trees or epochs.

With more rows, more trees pay: a sample finds too few. So each member of the model is fitted once on all rows
but those of one fold, which say after how many rounds it is best. See docs/tables/large-tables.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from tabular.learning.fitting import rounds_of, scores_of_fold
from tabular.learning.folds import folds_to_search
from tabular.learning.rounds import best_rounds
from tabular.searching.scoring import Scoring
from tabular.searching.trials import Trial
from tabular.spec.columns import Schema

__all__ = ["Members", "for_all_rows", "is_sample"]

ENOUGH = 0.5  # of all rows: of more, the trials' several folds say more than one fold of all rows
Members = Sequence[tuple[Trial, float]]  # what a model is made of, with the weights


def is_sample(seen: int, rows: int) -> bool:
    """Whether trials that saw so many of a table's rows have said too little about all of them."""
    return seen < ENOUGH * rows


def for_all_rows(
    members: Members,
    seen: int,
    frame: pd.DataFrame,
    target: np.ndarray,
    schema: Schema,
    groups: np.ndarray | None,
    scorer: str,
    folds: int,
    random_state: int,
    say: Callable[[str], None] = lambda _: None,
) -> Members:
    """The members with the rounds that are best for all rows; as they are if the trials saw most of them.

    Args:
        members: trials and their weights.
        seen: how many rows the trials saw.
        frame: features (n_rows, n_columns).
        target: the encoded target (n_rows,).
        schema: the schema of the columns, and the options of the table.
        groups: the number of each row's group (n_rows,), if the rows belong to groups.
        scorer: the name of what decides.
        folds: of how many the last one is held out, which has the latest rows if there are times.
        random_state: the seed of the folds and of the models.
        say: is given a line for each member whose rounds were found again.

    Raises:
        BadInput: as in `tabular.learning.folds.folds_to_search`.
    """
    if not is_sample(seen, len(frame)):
        return members
    fold = folds_to_search(target, schema, scorer, folds, random_state, 0, groups)[-1]
    score = Scoring(scorer, schema).scorer
    found = []
    for trial, weight in members:
        algorithm, hyperparameters = trial.configuration.algorithm, trial.configuration.hyperparameters
        if kind := rounds_of(algorithm, schema):
            what = (schema, algorithm, hyperparameters, random_state, score, groups)
            rounds, _ = best_rounds([scores_of_fold(frame, target, fold, *what)], kind)
            say(f"{algorithm}: {trial.rounds} rounds were best with {seen} rows, {rounds} are with all")
            trial = replace(trial, rounds=rounds)
        found.append((trial, weight))
    return found
