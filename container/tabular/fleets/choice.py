"""Whether a partition is served by its own model or by the pooled one.

Both have predicted the same rows of the partition without having seen them. The own model serves only if its
loss is smaller beyond noise; so a fleet is no worse than one model for all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from tabular.spec.columns import Schema

__all__ = ["CONFIDENCE", "Choice", "choose", "losses", "optimism"]

CONFIDENCE = 0.95
SMALLEST = 1e-7  # probability, which keeps the loss of a certain and wrong model finite


@dataclass(frozen=True)
class Choice:
    """Which model serves a partition, and why.

    `gain` is by how much the mean loss of the own model is smaller, and `low` by how much at least, with the
    confidence; both are None if the two were not compared.
    """

    own: bool
    reason: str
    gain: float | None = None
    low: float | None = None


def losses(answers: np.ndarray, target: np.ndarray, schema: Schema) -> np.ndarray:
    """The loss of each row (n_rows,), NaN without an answer: log loss, or the square of the error.

    Args:
        answers: probabilities (n_rows, n_classes), or numbers (n_rows,).
        target: the encoded target (n_rows,).
        schema: of the table.
    """
    if not schema.classes:
        return (answers - target) ** 2
    truth = answers[np.arange(len(target)), target.astype(np.intp)].astype(np.float64)
    return -np.log(np.clip(truth, SMALLEST, 1.0))


def optimism(fold_losses: Sequence[Sequence[float]], best: int) -> float:
    """By how much the loss of the best of many trials is too small, because it was chosen by it.

    On each fold, another trial may be the best; how much better it is there estimates what the choice gained
    by chance (Tibshirani and Tibshirani, A bias correction for the minimum error rate in cross-validation,
    Annals of Applied Statistics, 2009).

    Args:
        fold_losses: the mean loss of each trial on each fold (n_trials, n_folds).
        best: the place of the trial that was chosen.
    """
    found = np.asarray(fold_losses, dtype=np.float64)
    return float(np.mean(found[best] - found.min(axis=0)))


def choose(
    own: np.ndarray, pooled: np.ndarray, too_good: float = 0.0, groups: np.ndarray | None = None
) -> Choice:
    """Choose by the losses of both models on the same rows.

    The difference of two rows of a group is not independent, so groups are what is counted if there are any.

    Args:
        own: the losses of the partition's own model (n_rows,), NaN where it has not predicted.
        pooled: those of the pooled model.
        too_good: the optimism of the own model's loss, see `optimism`.
        groups: the group of each row (n_rows,).
    """
    both = np.isfinite(own) & np.isfinite(pooled)
    difference = (pooled - own)[both]
    if groups is not None and len(difference):
        _, place = np.unique(groups[both], return_inverse=True)
        sizes = np.bincount(place)
        sums = np.bincount(place, weights=difference)
        gain = float(difference.mean())
        spread = np.sqrt(len(sizes) * np.square(sums - gain * sizes).sum() / max(1, len(sizes) - 1))
        error, count = float(spread / len(difference)), len(sizes)
    else:
        count = len(difference)
        gain = float(difference.mean()) if count else 0.0
        error = float(difference.std(ddof=1) / np.sqrt(count)) if count > 1 else np.inf
    if count < 2:
        return Choice(False, "too few rows were predicted by both models")
    low = gain - too_good - float(t.ppf(CONFIDENCE, count - 1)) * error
    better, sure = gain - too_good, f"{CONFIDENCE:.0%} confidence"
    if low > 0:
        said = f"its loss is smaller by {better:.3g}, and with {sure} by {low:.3g} at least, than"
        return Choice(True, f"{said} that of the pooled model", gain, low)
    if better > 0:
        said = f"its loss is smaller by {better:.3g} than that of the pooled model, which does not show that"
        return Choice(
            False, f"{said} it is better: with {sure}, it is larger by {-low:.3g} at most", gain, low
        )
    said = f"its loss is larger by {abs(better):.3g} than that of the pooled model"
    return Choice(False, said, gain, low)
