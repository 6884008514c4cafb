"""Which trials are stopped between two folds, because they can neither win nor help an ensemble."""

from collections.abc import Sequence

import numpy as np

from tabular.searching.scoring import Scoring
from tabular.searching.trials import Trial

__all__ = ["FEWEST", "why_hopeless"]

FEWEST = 5  # complete trials, without which no other is judged
SHARES = (0.1, 0.25, 0.5)  # of a trial in a mixture with the best


def why_hopeless(
    scores: Sequence[float],
    answers: Sequence[np.ndarray],
    earlier: Sequence[Trial],
    targets: Sequence[np.ndarray],
    scoring: Scoring,
    may_combine: bool,
) -> str | None:
    """Why a trial should not go on; None if it should.

    It goes on as long as it is among the better half of the earlier complete trials on the same folds (the
    median rule, Golovin et al. 2017, Google Vizier). If an ensemble may win, it also goes on if it makes the
    best of these trials better in a mixture: a weak trial that errs elsewhere is what an ensemble needs.

    Args:
        scores: of the folds that are finished.
        answers: of these folds.
        earlier: the trials that it is compared with; only the complete ones count.
        targets: the targets of the scored rows of each fold.
        scoring: the scorer of the search.
        may_combine: whether an ensemble may win.
    """
    complete = [one for one in earlier if one.state == "complete"]
    if len(complete) < FEWEST:
        return None
    so_far = [float(np.mean(one.scores[: len(scores)])) for one in complete]
    mine, median = float(np.mean(scores)), float(np.median(so_far))
    if mine >= median:
        return None
    best = complete[int(np.argmax(so_far))]
    if may_combine and _helps(answers, best.answers, targets, scoring):
        return None
    done = f"{len(scores)} fold{'s' if len(scores) > 1 else ''}"
    return f"after {done}, {mine:.6g} was below the median {median:.6g} of the earlier trials"


def _helps(
    answers: Sequence[np.ndarray], best: Sequence[np.ndarray], targets: Sequence[np.ndarray], scoring: Scoring
) -> bool:
    """Whether a mixture of a trial with the best one is better than the best one on these folds."""
    shares = np.array([0.0, *SHARES])
    found = []
    for mine, theirs, target in zip(answers, best, targets, strict=False):
        a, b = scoring.reduce(mine, target), scoring.reduce(theirs, target)
        mixing = shares.reshape(-1, *(1,) * a.ndim)
        found.append(scoring.scores(mixing * a + (1 - mixing) * b, target))
    alone, *mixed = np.mean(found, axis=0)
    return bool(max(mixed) > alone)
