"""The greedy ensemble of a search's trials, and whether it is better than the best of them.

An ensemble is a weighted mean of its members' answers. It grows from the best trial by the one, again and
again, that makes it best, and a trial may be taken several times:
Caruana, Niculescu-Mizil, Crew and Ksikes (2004), Ensemble selection from libraries of models, ICML.

It was selected on the very answers that it is scored on, and so was the best trial, but among fewer choices.
So the comparison is nested: for each fold, ensemble and best trial are selected on the other folds and scored
on this one. No row then had a part in the selection that it judges. The rows of each fold are drawn again and
again (whole groups, if there are groups), which shows in how many of the draws the ensemble is better.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tabular.searching.scoring import Scoring

__all__ = ["Gain", "Mixture", "judge", "mix", "select"]

STEPS = 25  # how often a trial is taken, so a weight is a multiple of 1/25 or more
RANGE = 0.9  # of the draws, which is reported
MEMBERS = 8
DRAWS = 1000
# Where a score is not a mean over rows, each takes longer: draws, steps, and the best trials to choose from.
DRAWS_OF_RANKS, STEPS_OF_RANKS, AMONG_OF_RANKS = 200, 10, 10
CELLS = 20_000_000  # draws times rows of a fold
EQUAL = 1e-12  # scores that differ by less are equally good

Answers = Sequence[Sequence[np.ndarray]]  # of each trial, of each fold


class Mixture(NamedTuple):
    """The weights of the trials, by their places, which add up to one, and the score on each fold."""

    weights: dict[int, float]
    scores: list[float]


class Gain(NamedTuple):
    """How much better the ensemble is than the best trial, with the range of 90% of the draws.

    `share` is the fraction of draws in which it is better. `scores` and `answers` are those of the ensembles
    that were selected on the other folds, for each fold.
    """

    value: float
    low: float
    high: float
    share: float
    scores: list[float]
    answers: list[np.ndarray]


def select(answers: Answers, targets: Sequence[np.ndarray], scoring: Scoring, most: int = MEMBERS) -> Mixture:
    """The greedy ensemble of at most this many members; the shortest of several that are equally good."""
    reduced = _reduced(answers, targets, scoring)
    taken = _grow(reduced, targets, scoring, most)
    weights = _weights(taken)
    scores = [
        float(scoring.scores(mix(fold, weights)[None], target)[0])
        for fold, target in zip(reduced, targets, strict=True)
    ]
    return Mixture(weights, scores)


def judge(
    answers: Answers,
    targets: Sequence[np.ndarray],
    groups: Sequence[np.ndarray | None],
    scoring: Scoring,
    seed: int,
    most: int = MEMBERS,
) -> Gain:
    """Compare greedy ensembles with the best trials, on folds that had no part in either selection.

    Args:
        answers: of each complete trial, of each fold.
        targets: the targets of the scored rows of each fold.
        groups: the groups of these rows, or None.
        scoring: the scorer of the search.
        seed: of the draws.
        most: members of an ensemble.
    """
    reduced = _reduced(answers, targets, scoring)
    alone = np.array([scoring.scores(fold, target) for fold, target in zip(reduced, targets, strict=True)])
    rng = np.random.default_rng(seed)
    rows = max(len(target) for target in targets)
    draws = min(DRAWS if scoring.by_rows else DRAWS_OF_RANKS, max(DRAWS_OF_RANKS, CELLS // rows))
    drawn, combined, differences, nested = [], [], [], []
    for fold, target in enumerate(targets):
        others = [place for place in range(len(targets)) if place != fold]
        taken = _grow([reduced[one] for one in others], [targets[one] for one in others], scoring, most)
        weights = _weights(taken)
        best = int(alone[others].mean(axis=0).argmax())
        pair = np.stack([mix(reduced[fold], weights), reduced[fold][best]])
        ours, single = scoring.scores(pair, target)
        differences.append(float(ours - single))
        nested.append(float(ours))
        combined.append(mix([one[fold] for one in answers], weights))
        counts = _counts(rng, len(target), groups[fold], draws)
        resampled = scoring.resampled(pair, target, counts)
        drawn.append(resampled[:, 0] - resampled[:, 1])
    value, means = float(np.mean(differences)), _over_folds(np.stack(drawn))
    if not len(means):  # no draw has a score, so the rows as they are have to do
        return Gain(value, value, value, float(value > 0), nested, combined)
    share = float((means > 0).mean())
    low, high = np.quantile(means, [(1 - RANGE) / 2, (1 + RANGE) / 2])
    return Gain(value, float(low), float(high), share, nested, combined)


def _over_folds(drawn: np.ndarray) -> np.ndarray:
    """The mean of each draw (n_folds, n_draws) over the folds in which it has a score.

    ROC AUC, for one, has none for rows of a single class, which are often drawn if a fold has few groups.
    """
    scored = np.isfinite(drawn)
    folds = scored.sum(axis=0)
    sums = np.where(scored, drawn, 0.0).sum(axis=0)
    return sums[folds > 0] / folds[folds > 0]


def mix(answers: Sequence[np.ndarray], weights: dict[int, float]) -> np.ndarray:
    """The weighted mean of some trials' answers."""
    return np.sum([weight * answers[place].astype(np.float64) for place, weight in weights.items()], axis=0)


def _reduced(answers: Answers, targets: Sequence[np.ndarray], scoring: Scoring) -> list[np.ndarray]:
    """What is averaged (n_trials, n_rows, ...), for each fold."""
    return [
        np.stack([scoring.reduce(one[fold], target) for one in answers])
        for fold, target in enumerate(targets)
    ]


def _grow(
    folds: Sequence[np.ndarray], targets: Sequence[np.ndarray], scoring: Scoring, most: int
) -> list[int]:
    """The places of the trials that are taken, one for each time."""
    alone = _means(folds, targets, scoring)
    quick = scoring.by_rows
    steps = STEPS if quick else STEPS_OF_RANKS
    places = np.arange(len(alone)) if quick else np.sort(np.argsort(-alone, kind="stable")[:AMONG_OF_RANKS])
    among = [fold[places] for fold in folds]
    first = int(alone[places].argmax())
    taken, sums = [first], [fold[first] for fold in among]
    best, length = float(alone[places[first]]), 1
    while len(taken) < steps:
        mixed = [(total + fold) / (len(taken) + 1) for total, fold in zip(sums, among, strict=True)]
        scores = _means(mixed, targets, scoring)
        if len(set(taken)) >= most:
            scores[[place for place in range(len(places)) if place not in taken]] = -np.inf
        following = int(np.nan_to_num(scores, nan=-np.inf).argmax())
        taken.append(following)
        sums = [total + fold[following] for total, fold in zip(sums, among, strict=True)]
        if scores[following] > best + EQUAL:
            best, length = float(scores[following]), len(taken)
    return [int(places[one]) for one in taken[:length]]


def _means(folds: Sequence[np.ndarray], targets: Sequence[np.ndarray], scoring: Scoring) -> np.ndarray:
    return np.mean([scoring.scores(one, target) for one, target in zip(folds, targets, strict=True)], axis=0)


def _weights(taken: Sequence[int]) -> dict[int, float]:
    places, counts = np.unique(taken, return_counts=True)
    return {int(place): float(count) / len(taken) for place, count in zip(places, counts, strict=True)}


def _counts(rng: np.random.Generator, rows: int, groups: np.ndarray | None, draws: int) -> np.ndarray:
    """How often each row is drawn (n_draws, n_rows)."""
    members = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    number = int(members.max()) + 1
    drawn = rng.integers(number, size=(draws, number)) + np.arange(draws)[:, None] * number
    return np.bincount(drawn.ravel(), minlength=draws * number).reshape(draws, number)[:, members]
