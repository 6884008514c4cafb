"""The packed search: propose configurations, score them on the folds, stop hopeless ones, combine the best.

What a search finds depends on the rows, the plan and the random state, and neither on which process is
faster nor, up to four of them, on how many there are. For this, a trial is proposed and judged by those
earlier trials only that are at least `lag` numbers before it. It cannot begin until these have ended.
A limit in seconds is the exception: how far a search gets in a time depends on the machine.
"""

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from tabular.learning.folds import Fold, folds_to_search
from tabular.learning.samples import is_sample
from tabular.searching.dummy import dummy_score
from tabular.searching.greedy import Gain, judge, select
from tabular.searching.proposals.portfolio import portfolio
from tabular.searching.proposals.proposals import Proposals
from tabular.searching.running.budget import Budget
from tabular.searching.running.checkpoint import Checkpoint, fingerprint
from tabular.searching.running.prepared import Prepared
from tabular.searching.running.run import Run
from tabular.searching.running.workers import threads, uses_processes, workers
from tabular.searching.scoring import Scoring
from tabular.searching.trials import Configuration, Trial
from tabular.spec import own_steps
from tabular.spec.algorithms import exporter_of
from tabular.spec.columns import Schema
from tabular.spec.documents.models import CrossValidation
from tabular.spec.documents.searches import SearchReport
from tabular.spec.errors import BadInput, amount
from tabular.spec.search import Plan

__all__ = ["AMONG", "Ensemble", "Search", "Settings", "combine", "search"]

FORMAT, FORMAT_VERSION = "tabular-search", 1
AMONG = 8  # of the best trials on a sample, which are looked at again with all rows
PREPARING = 0.2  # of the seconds that a search with a limit has left, at most


@dataclass(frozen=True)
class Settings:
    """The parts of a search, each of which a benchmark can leave out to see what it is worth.

    Attributes:
        portfolio: whether to begin with the portfolio; otherwise, only the defaults come first.
        sampler: a name in `tabular.searching.proposals.proposals.SAMPLERS`.
        pruning: whether hopeless trials are stopped.
        lag: how many numbers before a trial those are that it is proposed and judged by, at least.
        members: of an ensemble, at most.
        confidence: the share of draws in which an ensemble has to be better to be chosen. By default, it is
            not chosen if it is shown to be worse; docs/models/search-quality.md says what stricter ones cost.
    """

    portfolio: bool = True
    sampler: str = "random"
    pruning: bool = True
    lag: int = 8
    members: int = 8
    confidence: float = 0.05


@dataclass(frozen=True)
class Ensemble:
    """The greedy ensemble, and whether it won.

    Attributes:
        weights: of the trials, by their numbers.
        scores: of each fold. Like those of the best trial, they are those of what was selected by them.
        gain: how much better it is than the best trial, on rows that had no part in selecting either.
        chosen: whether it is what is served.
        reason: why it was chosen or not.
    """

    weights: dict[int, float]
    scores: list[float]
    gain: Gain
    chosen: bool
    reason: str


@dataclass
class Search:
    """What a search has found.

    Attributes:
        plan: what was asked for.
        trials: all of them, by number.
        folds: the numbers of the rows to train on and of those to score, for each fold.
        rows: how many rows the folds have together.
        rows_of_table: how many the table has.
        seconds: how long it took.
        stopped: what ended it.
        ensemble: None if it was not asked for, if there is only one complete trial, or if the best trial
            can only be kept as a pickle.
        dummy_score: what a model has to beat; None if that is not defined.
        among: the complete trials of which the model can be made in the time that is left; None for all.
        winner: the number of the trial that is best on all rows, if the trials saw a sample of them.
    """

    plan: Plan
    trials: list[Trial]
    folds: list[Fold]
    rows: int
    rows_of_table: int
    seconds: float = 0.0
    stopped: Literal["trials", "time"] = "trials"
    ensemble: Ensemble | None = None
    dummy_score: float | None = None
    among: list[Trial] | None = None
    winner: int | None = None

    @property
    def complete(self) -> list[Trial]:
        """The trials with a score."""
        return [one for one in self.trials if one.state == "complete"]

    @property
    def best(self) -> Trial:
        """The trial with the best score, the first of several, or the one that is best on all rows."""
        if self.winner is not None:
            return self.trials[self.winner]
        return max(self.complete, key=lambda one: one.score)

    @property
    def members(self) -> list[tuple[Trial, float]]:
        """What the model is made of: the best trial, or those of the ensemble with their weights."""
        if self.ensemble is None or not self.ensemble.chosen:
            return [(self.best, 1.0)]
        return [(self.trials[number], weight) for number, weight in self.ensemble.weights.items()]

    @property
    def score(self) -> float:
        """The score of what the model is made of."""
        if self.ensemble is None or not self.ensemble.chosen:
            return float(self.best.score)
        return float(np.mean(self.ensemble.scores))

    @property
    def nested_score(self) -> float:
        """The score without the luck of the selection: each fold is that of what the other folds select.

        Nested cross-validation: Varma and Simon (2006), Bias in error estimation when using cross-validation
        for model selection, BMC Bioinformatics 7:91.
        """
        if self.ensemble is None or not self.ensemble.chosen:
            return self._nested_score_of_best
        return float(np.mean(self.ensemble.gain.scores))

    @property
    def _nested_score_of_best(self) -> float:
        scores = np.array([one.scores for one in self.complete])  # (n_trials, n_folds)
        return float(
            np.mean(
                [
                    scores[np.delete(scores, fold, axis=1).mean(axis=1).argmax(), fold]
                    for fold in range(scores.shape[1])
                ]
            )
        )

    @property
    def answers(self) -> list[np.ndarray]:
        """What it answers for the scored rows of each fold, none of which it was selected or fitted on."""
        if self.ensemble is None or not self.ensemble.chosen:
            return self.best.answers
        return self.ensemble.gain.answers

    @property
    def out_of_fold(self) -> np.ndarray:
        """The answers by row: probabilities (n_rows, n_classes) or numbers (n_rows,), NaN in no fold."""
        found = np.full((self.rows_of_table, *self.answers[0].shape[1:]), np.nan)
        for fold, answers in zip(self.folds, self.answers, strict=True):
            found[fold.scored] = answers
        return found

    def cross_validation(self, training_job: str) -> CrossValidation:
        """How what the model is made of was scored, as its manifest says it."""
        return {
            "scorer": self.plan.scorer,
            "folds": self.plan.folds,
            "rows": self.rows,
            "score": self.score,
            "nested_score": self.nested_score,
            "dummy_score": self.dummy_score,
            "training_job": training_job,
        }

    def report(self, warm_started_from: int | None = None) -> SearchReport:
        """The contents of search.json, see docs/models/search.md."""
        found = self.ensemble
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "scorer": self.plan.scorer,
            "folds": len(self.folds),
            "rows": self.rows,
            "random_state": self.plan.random_state,
            "seconds": round(self.seconds, 3),
            "stopped": self.stopped,
            "warm_started_from": warm_started_from,
            "trials": [one.report() for one in self.trials],
            "best": self.best.number,
            "best_nested_score": self._nested_score_of_best,
            "ensemble": None
            if found is None
            else {
                "members": [{"trial": one, "weight": weight} for one, weight in found.weights.items()],
                "score": float(np.mean(found.scores)),
                "scores": found.scores,
                "nested_score": float(np.mean(found.gain.scores)),
                "gain": {"value": found.gain.value, "low": found.gain.low, "high": found.gain.high},
                "chosen": found.chosen,
                "reason": found.reason,
            },
        }


def search(
    frame: pd.DataFrame,
    target: np.ndarray,
    schema: Schema,
    groups: np.ndarray | None,
    plan: Plan,
    warm: Iterable[Configuration] = (),
    checkpoint: Path | None = None,
    width: int = 1,
    say: Callable[[str], None] | None = None,
    settings: Settings = Settings(),
    folds: Sequence[Fold] | None = None,
    seconds: float | None = None,
    started: float | None = None,
    fits: int = 1,
) -> Search:
    """Search the best configuration for a table, and the best ensemble of several.

    Args:
        frame: features (n_rows, n_columns).
        target: the encoded target (n_rows,).
        schema: the schema of the columns, and the options of the table.
        groups: the number of each row's group (n_rows,), if the rows belong to groups.
        plan: what to search. Who reads the models map and the group is the job.
        warm: configurations that were good before, the best first.
        checkpoint: a folder in which ended trials are kept and looked for.
        width: how many processes of one thread each; with 1, this process does the work.
        say: is given a line for each trial that ends.
        settings: the parts of the search.
        folds: to be used instead of those that the plan describes.
        seconds: to be used instead of those of the plan.
        started: when these seconds began, by `time.perf_counter`, if that was before.
        fits: how many fits of what is found come afterwards, for which time is set aside.

    Raises:
        BadInput: if a name in the plan is unknown, there are too few rows for the folds, or all trials fail.
    """
    began = time.perf_counter()
    scoring = Scoring(plan.scorer, schema)
    warm = tuple(warm)
    known = portfolio(schema.family) if settings.portfolio else ()
    limit = plan.seconds if seconds is None else seconds
    what = (plan.names, schema.family, plan.trials, plan.random_state, settings.sampler, warm, known)
    proposals = Proposals(*what, quick_first=limit > 0)
    if folds is None:
        folding = (plan.scorer, plan.folds, plan.random_state, plan.search_rows, groups)
        folds = folds_to_search(target, schema, *folding)
    prepared = Prepared(frame, target, schema, groups, list(folds), plan.random_state, scoring)
    kept = None
    if checkpoint is not None:
        scored = [hashlib.sha256(np.concatenate(fold).tobytes()).hexdigest() for fold in folds]
        same = repr(replace(plan, seconds=0))  # a restart may have other seconds left
        said = [same, repr(settings), repr(warm), repr(known), repr(schema), *scored]
        kept = Checkpoint(checkpoint, fingerprint(frame, target, groups, said))
    searched = np.unique(np.concatenate([rows for fold in folds for rows in fold]))
    # An interruption and the time until the next start do not count.
    since = (began if started is None else started) - (kept.elapsed() if kept else 0.0)
    with threads(1 if uses_processes(width) else width):
        if uses_processes(width):
            # With little time, a trial that is soon complete matters more than what all trials share.
            end = time.perf_counter() + PREPARING * max(0.0, since + limit - time.perf_counter())
            prepared.prepare(plan.names, end if limit else math.inf)
        crew = workers(prepared, width)
        lag = max(settings.lag, 2 * width)
        members = settings.members if plan.may_combine else 1
        # A fit on all rows takes longer than one on a sample, after which `whole_table` looks again.
        more = len(frame) / len(searched) if plan.search_rows else 1.0
        looks = (members + AMONG - 1) / members if is_sample(len(searched), len(frame)) else 0
        after = more * (fits + looks)
        budget = Budget(limit, since, len(searched), members, after)
        run = Run(plan, prepared, proposals, crew, kept, lag, settings.pruning, say, budget, width)
        try:
            run.run()
        finally:
            crew.close()
        found = Search(plan, run.trials, list(folds), len(searched), len(frame), stopped=run.stopped)
        found.dummy_score = dummy_score(target, schema, folds, scoring)
        if not found.complete:
            raise _all_failed(found)
        found.among = budget.affordable(found.complete)
        if plan.may_combine and len(found.among) > 1:
            found.ensemble = combine(found, prepared, settings, found.among)
    found.seconds = budget.elapsed
    return found


def combine(
    found: Search, prepared: Prepared, settings: Settings, among: Sequence[Trial] | None = None
) -> Ensemble | None:
    """The greedy ensemble of a search's complete trials; None if the best of them is served as a pickle.

    Args:
        found: the search.
        prepared: its folds.
        settings: of its ensemble.
        among: the trials to choose from, which have the best one; all that are complete by default.
    """
    family, known = prepared.schema.family, own_steps.algorithms()
    complete = found.complete if among is None else among
    trials = [one for one in complete if exporter_of(one.configuration.algorithm, family, known)]
    targets, scoring = prepared.targets, prepared.scoring
    if found.best not in trials:  # an ensemble is served from arrays only
        return None
    answers = [one.answers for one in trials]
    most = settings.members
    mixture = select(answers, targets, scoring, most)
    gain = judge(answers, targets, prepared.groups_scored, scoring, found.plan.random_state, most)
    weights = {trials[place].number: weight for place, weight in mixture.weights.items()}
    chosen = len(weights) > 1 and gain.share >= settings.confidence
    nested = (
        f"on folds that had no part in selecting it, its score differs from the best trial's by "
        f"{gain.value:+.3g} ({gain.low:+.3g} to {gain.high:+.3g}); it is better in {gain.share:.0%} of the "
        f"draws, and {settings.confidence:.0%} {'suffice' if chosen else 'are needed'}"
    )
    reason = "no mixture of trials is better than the best one alone" if len(weights) == 1 else nested
    return Ensemble(weights, mixture.scores, gain, chosen, reason)


def _all_failed(found: Search) -> BadInput:
    first = found.trials[0]
    reason = " ".join(str(first.reason).split()).rstrip(".")
    return BadInput(
        f"{amount(len(found.trials), 'trial')} of the search failed, and none is left; the first was "
        f"{first.configuration.algorithm} {dict(first.configuration.hyperparameters)}: {reason}. Use another "
        "scorer, fewer folds or other algorithms."
    )
