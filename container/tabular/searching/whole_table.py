"""What trials on a sample of the rows have found, looked at again with all rows of a table.

With more rows, more trees pay, and larger ones: a sample finds too few, and often the wrong trial. So the
best trials are fitted once on all rows but those of one fold. These say after how many rounds each is best,
and which of them the model is made of. See docs/tables/large-tables.md.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from tabular.learning.fitting import rounds_of
from tabular.learning.folds import Fold, folds_to_search
from tabular.learning.rounds import best_rounds, numbers_of_rounds
from tabular.learning.samples import is_sample
from tabular.searching.greedy import mix, select
from tabular.searching.running.prepared import Prepared
from tabular.searching.running.workers import Here, Task
from tabular.searching.scoring import Scoring
from tabular.searching.search import AMONG, Search, Settings
from tabular.searching.trials import Trial
from tabular.spec import own_steps
from tabular.spec.algorithms import exporter_of
from tabular.spec.columns import Schema

__all__ = ["Members", "for_all_rows", "rounds_for_all_rows"]

Members = Sequence[tuple[Trial, float]]  # what a model is made of, with the weights
Say = Callable[[str], None]


def for_all_rows(
    found: Search,
    frame: pd.DataFrame,
    target: np.ndarray,
    schema: Schema,
    groups: np.ndarray | None,
    say: Say = lambda _: None,
) -> Members:
    """What a model of all rows is made of: what the search has found, if it saw most of them.

    Otherwise, the best trials are looked at again. If the fold that judges them has at least as many rows as
    the trials saw, the members of the model are chosen again among them, and `found` says so from then on.
    Else, they stay, and have the rounds that are best for all rows.

    Args:
        found: the search.
        frame: features (n_rows, n_columns).
        target: the encoded target (n_rows,).
        schema: the schema of the columns, and the options of the table.
        groups: the number of each row's group (n_rows,), if the rows belong to groups.
        say: is given a line for each trial that was looked at. One that fails is passed over.

    Raises:
        BadInput: as in `tabular.learning.folds.folds_to_search`.
    """
    if not is_sample(found.rows, len(frame)):
        return found.members
    plan = found.plan
    judge = _Judge.of(frame, target, schema, groups, plan.scorer, plan.folds, plan.random_state)
    if len(judge.fold.scored) < found.rows:
        return [(judge.rounds(trial, found.rows, say), weight) for trial, weight in found.members]
    most = 1 if found.ensemble is None else Settings.members
    looks = [judge.look(trial, found.rows, say) for trial in _candidates(found, schema)]
    seen = [one for one in looks if one is not None]
    if not seen:
        return found.members
    weights = select([[one.answers] for one in seen], judge.prepared.targets, judge.scoring, most).weights
    _note(found, {seen[place].trial.number: weight for place, weight in weights.items()}, target, judge)
    return [(seen[place].trial, weight) for place, weight in weights.items()]


def rounds_for_all_rows(
    trial: Trial,
    seen: int,
    frame: pd.DataFrame,
    target: np.ndarray,
    schema: Schema,
    groups: np.ndarray | None,
    scorer: str,
    folds: int,
    random_state: int,
    say: Say = lambda _: None,
) -> Trial:
    """A trial that has no others beside it, with the rounds that are best for all rows.

    It is as it was if it saw most of them. `seen` is how many it saw, `scorer` the name of what decides,
    `random_state` the seed of the folds and of the model; the others are those of `for_all_rows`.

    Raises:
        BadInput: as in `tabular.learning.folds.folds_to_search`.
    """
    if not is_sample(seen, len(frame)) or rounds_of(trial.configuration.algorithm, schema) is None:
        return trial
    judge = _Judge.of(frame, target, schema, groups, scorer, folds, random_state)
    return judge.rounds(trial, seen, say)


class _Seen(NamedTuple):
    """A trial with the rounds that are best for all rows, and what it then answers for those of the fold."""

    trial: Trial
    answers: np.ndarray


class _Judge(NamedTuple):
    """The fold of all rows that says what is best for them."""

    fold: Fold
    prepared: Prepared
    scoring: Scoring

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        target: np.ndarray,
        schema: Schema,
        groups: np.ndarray | None,
        scorer: str,
        folds: int,
        random_state: int,
    ) -> "_Judge":
        """The last of this many folds, which has the latest rows if there are times."""
        fold = folds_to_search(target, schema, scorer, folds, random_state, 0, groups)[-1]
        scoring = Scoring(scorer, schema)
        return cls(fold, Prepared(frame, target, schema, groups, [fold], random_state, scoring), scoring)

    def rounds(self, trial: Trial, rows: int, say: Say) -> Trial:
        """The trial with the rounds that are best for all rows, or as it is if it fails with them."""
        seen = self.look(trial, rows, say)
        return trial if seen is None else seen.trial

    def look(self, trial: Trial, rows: int, say: Say) -> _Seen | None:
        """Fit a trial, which saw this many rows, on all others than those of the fold; None if it fails."""
        algorithm, place, more = trial.configuration.algorithm, 0, ""
        worker = Here(self.prepared)
        worker.start(Task(trial.number, trial.configuration, 0))
        done = worker.next_done(None)
        if done.fitted is None or not all(math.isfinite(one.score) for one in done.fitted.scores):
            say(f"trial {trial.number}, {algorithm}: failed with all rows: {done.reason or 'no score'}")
            return None
        if kind := rounds_of(algorithm, self.prepared.schema):
            rounds, _ = best_rounds([done.fitted.scores], kind)
            place = numbers_of_rounds(kind.most).index(rounds)
            more = f"; {trial.rounds} rounds were best with {rows} rows, {rounds} are with all"
            trial = replace(trial, rounds=rounds)
        score = done.fitted.scores[place].score
        say(f"trial {trial.number}, {algorithm}: {score:.6g} with all rows{more}")
        return _Seen(trial, done.fitted.answers[place])


def _candidates(found: Search, schema: Schema) -> list[Trial]:
    """The members of what the search has found, and the best other trials that may take their place.

    Of several networks, these have the best only: on many rows, one takes as long as ten boosters.
    """
    known = own_steps.algorithms()
    trials = found.complete if found.among is None else found.among
    if found.ensemble is not None:  # which is served from arrays only
        trials = [one for one in trials if exporter_of(one.configuration.algorithm, schema.family, known)]
    best = sorted(trials, key=lambda one: -one.score)[:AMONG]
    networks = [one for one in best if _in_epochs(one, schema)]
    best = [one for one in best if one not in networks[1:]]
    return list({one.number: one for one in [*(trial for trial, _ in found.members), *best]}.values())


def _in_epochs(trial: Trial, schema: Schema) -> bool:
    kind = rounds_of(trial.configuration.algorithm, schema)
    return kind is not None and kind.booster is None


def _note(found: Search, weights: dict[int, float], target: np.ndarray, judge: _Judge) -> None:
    """Have the search say what the model is made of, and how that scored on the trials' folds."""
    reason = f"chosen again with all rows, on {len(judge.fold.scored)} of them"
    if len(weights) == 1:
        (found.winner,) = weights
        if found.ensemble is not None:
            found.ensemble = replace(
                found.ensemble, chosen=False, reason=f"{reason}: one trial is best alone"
            )
    elif found.ensemble is not None:
        scores = []
        for number, fold in enumerate(found.folds):
            answers = [found.trials[one].answers[number] for one in weights]
            mixed = mix(answers, dict(enumerate(weights.values())))
            scores.append(judge.scoring.score(mixed, target[fold.scored]))
        found.ensemble = replace(found.ensemble, weights=weights, scores=scores, chosen=True, reason=reason)
