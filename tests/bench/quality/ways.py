"""Ways to search: which trials each runs, which folds it saves, and which model comes out of it.

They are replayed with the parts of `tabular.searching` from the trials that are kept, so that ways differ in
nothing but what they are to differ in, and that the hundredth way costs next to nothing.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tabular.searching import trials as searching
from tabular.searching.greedy import judge, select
from tabular.searching.proposals.portfolio import portfolio
from tabular.searching.proposals.proposals import Proposals
from tabular.searching.running.hopeless import why_hopeless
from tabular.searching.search import Ensemble, Search, Settings
from tabular.searching.whole_table import for_all_rows
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.columns import Family
from tabular.spec.search import Plan

from bench.quality.tables import split_of
from bench.quality.trials import (
    FOLDS,
    RANDOM_STATE,
    SCORERS,
    Bank,
    Configuration,
    Result,
    defaults,
    draws,
    row_losses,
    total,
)

__all__ = ["PACKED", "TODAY", "WAYS", "Way", "run"]


@dataclass(frozen=True)
class Way:
    """Where a search's trials come from, in this order, and what is made of them.

    `sampler` is a name in `SAMPLERS`; without one, the rest of the trials are the random draws that every
    table has in common. `confidence` is that of `Settings`: with 0, the ensemble is always taken.
    `warm`: the trials are those of `draws` that were best on the table's previous split.
    `fold_models`: each member is its models of the folds, instead of one that is fitted on all rows.
    """

    trials: int
    sampler: str = ""
    portfolio: bool = False
    defaults: bool = False
    pruning: bool = False
    ensemble: bool = False
    confidence: float = Settings.confidence
    members: int = Settings.members
    fold_models: bool = False
    warm: bool = False

    def configurations(self, family: Family) -> list[Configuration]:
        """The trials in their order, without a sampler; every algorithm has one of the first."""
        first = defaults() if self.defaults else []
        if self.portfolio:
            known = [Configuration(one.algorithm, one.hyperparameters) for one in portfolio(family)]
            first = known[: self.trials]
            absent = [name for name in ALGORITHMS if name not in {one.algorithm for one in first}]
            first = first[: self.trials - len(absent)] + [Configuration(name, {}) for name in absent]
        return first + draws(family, self.trials)[: self.trials - len(first)]


_ENSEMBLE = {"portfolio": True, "ensemble": True}
WAYS: Mapping[str, Way] = {
    f"{name}, {count}": way
    for count in (24, 60)
    for name, way in {
        "draws": Way(count),
        "draws, fold models": Way(count, fold_models=True),
        "defaults and draws": Way(count, defaults=True),
        "portfolio": Way(count, portfolio=True),
        "draws, ensemble": Way(count, ensemble=True, confidence=0),
        "portfolio, ensemble": Way(count, **_ENSEMBLE, confidence=0),
        "portfolio, tpe, ensemble": Way(count, "tpe", **_ENSEMBLE, confidence=0),
        "portfolio, random, ensemble": Way(count, "random", **_ENSEMBLE, confidence=0),
        "portfolio, ensemble at 5%": Way(count, **_ENSEMBLE, confidence=0.05),
        "portfolio, ensemble at 50%": Way(count, **_ENSEMBLE, confidence=0.5),
        "portfolio, ensemble at 95%": Way(count, **_ENSEMBLE, confidence=0.95),
        "portfolio, ensemble of 4": Way(count, **_ENSEMBLE, confidence=0, members=4),
        "portfolio, ensemble of 16": Way(count, **_ENSEMBLE, confidence=0, members=16),
        "portfolio, ensemble of fold models": Way(count, **_ENSEMBLE, confidence=0, fold_models=True),
        "portfolio, pruning, ensemble of fold models": Way(
            count, **_ENSEMBLE, confidence=0, pruning=True, fold_models=True
        ),
        "portfolio, pruning": Way(count, portfolio=True, pruning=True),
        "portfolio, pruning, ensemble": Way(count, **_ENSEMBLE, confidence=0, pruning=True),
        "packed": Way(count, **_ENSEMBLE, pruning=True),  # as it is
    }.items()
}
WAYS = {**WAYS, "warm, 8": Way(8, warm=True)}
TODAY, PACKED = "draws, 24", "packed, 24"
WEIGHED = [
    WAYS[name] for name in (TODAY, PACKED, "portfolio, ensemble of fold models, 24")
]  # size and latency


def run(bank: Bank, way: Way) -> dict[str, Any]:
    """The loss on the held-out rows of the model that a way comes to, its CPU seconds, and its members.

    Raises:
        RuntimeError: if all trials failed.
    """
    complete, seconds, folds = _searched(bank, way)
    if not complete:
        raise RuntimeError(f"No trial of {bank.split.table.name} succeeded.")
    found, share = _selected(bank, way, complete)
    started = time.process_time()
    chosen = for_all_rows(found, bank.split.frame, bank.split.target, bank.split.schema, None)
    seconds += time.process_time() - started
    members = [(replace(complete[one.number], rounds=one.rounds), weight) for one, weight in chosen]
    predicted: Any = 0.0
    for result, weight in members:
        if way.fold_models:
            answers = result.folds_held_out
            seconds += float(result.seconds.sum())  # they are fitted again
        else:
            answers, refitting = bank.refit(result)
            seconds += refitting
        predicted = predicted + weight * answers
    return {
        "loss": total(row_losses(bank.split.truth, predicted), bank.split.schema.family),
        "score": max(one.score for one in complete),
        "cpu": round(seconds, 2),
        "folds": folds,
        "share": share,
        "members": {result.configuration.key: weight for result, weight in members},
        **(bank.footprint(members, way.fold_models) if way in WEIGHED else {}),
    }


def _selected(bank: Bank, way: Way, complete: list[Result]) -> tuple[Search, float | None]:
    """A search with these trials, and the share of draws in which its ensemble is better."""
    scorer, trials = (
        SCORERS[bank.split.schema.family],
        [
            searching.Trial(
                number,
                searching.Configuration(
                    one.configuration.algorithm, one.configuration.hyperparameters, "sampler"
                ),
                one.scores.tolist(),
                one.rounds,
                "complete",
                answers=bank.answers(one),
            )
            for number, one in enumerate(complete)
        ],
    )
    plan = Plan(",".join(ALGORITHMS), way.trials, scorer, FOLDS, RANDOM_STATE)
    found = Search(plan, trials, bank.folds, len(bank.searched), len(bank.split.frame))
    if not way.ensemble or len(complete) == 1:
        return found, None
    answers, targets = [one.answers for one in trials], bank.targets
    mixture = select(answers, targets, bank.scoring, way.members)
    gain = judge(answers, targets, [None] * len(targets), bank.scoring, RANDOM_STATE, way.members)
    chosen = gain.share >= way.confidence
    found.ensemble = Ensemble(mixture.weights, mixture.scores, gain, chosen, "")
    return found, gain.share


def _searched(bank: Bank, way: Way) -> tuple[list[Result], float, int]:
    """The trials that were not stopped, the CPU seconds and the number of folds of all together."""
    complete: list[Result] = []
    known: list[searching.Trial] = []
    seconds, folds = 0.0, 0
    for configuration in _proposed(bank, way, known):
        number, result = len(known), bank.trial(configuration)
        named = (configuration.algorithm, configuration.hyperparameters, "sampler")
        trial = searching.Trial(number, searching.Configuration(*named), state="failed")
        if result is not None:
            earlier = known[: max(number - Settings.lag + 1, 0)]
            done = _folds_run(bank, result, earlier, way) if way.pruning else len(result.scores)
            seconds += float(result.seconds[:done].sum())
            folds += done
            trial.scores, trial.answers = result.scores[:done].tolist(), bank.answers(result)
            trial.state = "complete" if done == len(result.scores) else "pruned"
            complete += [result] if trial.state == "complete" else []
        known.append(trial)
    return complete, seconds, folds


def _proposed(bank: Bank, way: Way, known: list[searching.Trial]) -> Iterator[Configuration]:
    """The configurations, one after the other; a sampler learns from the trials that are added to `known`."""
    family = bank.split.schema.family
    if way.warm:
        before = Bank(split_of(bank.split.table.name, bank.split.seed - 1), bank.folder.parent)
        tried = [one for one in map(before.trial, WAYS[TODAY].configurations(family)) if one is not None]
        best = sorted(tried, key=lambda one: -one.score)
        yield from [one.configuration for one in best[: way.trials]]
        return
    if not way.sampler:
        yield from way.configurations(family)
        return
    first = portfolio(family) if way.portfolio else ()
    seed = RANDOM_STATE + bank.split.seed
    proposals = Proposals(list(ALGORITHMS), family, way.trials, seed, way.sampler, known=first)
    for number in range(way.trials):
        found = proposals.ask()
        if found is None:
            return
        yield Configuration(found.algorithm, found.hyperparameters)
        proposals.tell(known[number])


def _folds_run(bank: Bank, result: Result, earlier: list[searching.Trial], way: Way) -> int:
    """After how many folds a trial is stopped; all if it is not.

    The scores are those after the number of rounds that is best for all folds; a search knows only those so
    far.
    """
    answers, most = bank.answers(result), len(result.scores)
    for done in range(1, most):
        seen = (result.scores[:done].tolist(), answers[:done], earlier, bank.targets, bank.scoring)
        if why_hopeless(*seen, may_combine=way.ensemble):
            return done
    return most
