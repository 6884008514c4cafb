"""Whether a partition keeps what serves it now, because the new model may be, or is, worse for it.

For an own model, it is the gate's rule (see `tabular.judging.gate`) for the rows of one partition, with the
loss instead of a metric: a partition has too few rows for most metrics, and there may be 100,000 of them. A
pooled model is kept only for partitions for which the new one is shown to be worse.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from tabular.judging.champion import FEWEST_ROWS
from tabular.spec.errors import amount

__all__ = ["Verdict", "shown_worse", "verdict"]

ROUNDING = 1e-6  # relative to one plus the loss; a smaller difference is only rounding


@dataclass(frozen=True)
class Verdict:
    """Whether the champion stays, and why."""

    keep: bool
    reason: str


def verdict(
    ours: np.ndarray,
    theirs: np.ndarray,
    nothing: np.ndarray,
    margin: float,
    confidence: float,
    in_doubt: bool = False,
) -> Verdict:
    """Compare a new model with the champion by their losses on held-out rows that neither has seen.

    Args:
        ours: the losses of the new model (n_rows,).
        theirs: those of the champion.
        nothing: those of a model that knows only the class frequencies, or the mean of the target.
        margin: the fraction of the champion's skill that may be lost.
        confidence: with which more must not be lost.
        in_doubt: whether the champion stays if there are too few rows to compare them on.
    """
    if len(ours) < FEWEST_ROWS:
        said = (
            f"it has {amount(len(ours), 'held-out row')} to compare it with the champion, and {FEWEST_ROWS}"
        )
        return Verdict(in_doubt, f"{said} are needed{', so the champion stays' if in_doubt else ''}")
    difference = _difference(theirs, ours)
    error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    low = float(difference.mean()) - float(t.ppf(confidence, len(difference) - 1)) * error
    allowed = margin * max(0.0, float(nothing.mean() - theirs.mean()))
    said = (
        f"on {len(ours)} rows its loss is {ours.mean():.3g}, and the champion's is {theirs.mean():.3g}; with "
        f"{confidence:.0%} confidence it is smaller by at least {low:+.3g}, and {-allowed:+.3g} is allowed"
    )
    return Verdict(low + allowed < 0, said)


def shown_worse(ours: np.ndarray, theirs: np.ndarray, confidence: float) -> Verdict:
    """Whether the new pooled model is worse beyond noise, by the losses of both on held-out rows (n_rows,).

    A new one has learned newer rows, so it is taken when in doubt.
    """
    if len(ours) < FEWEST_ROWS:
        return Verdict(False, "")
    difference = _difference(ours, theirs)
    error = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    least = float(difference.mean()) - float(t.ppf(confidence, len(difference) - 1)) * error
    said = (
        f"on {len(ours)} rows its loss is {ours.mean():.3g}, and that of the champion's pooled model "
        f"{theirs.mean():.3g}; with {confidence:.0%} confidence the new one's is larger by at least "
        f"{least:.3g}, so the champion's is kept"
    )
    return Verdict(least > 0, said)


def _difference(larger: np.ndarray, smaller: np.ndarray) -> np.ndarray:
    """By how much the losses of rows are larger (n_rows,); what is only rounding is 0."""
    difference = larger - smaller
    difference[np.abs(difference) <= ROUNDING * (1 + np.abs(larger))] = 0.0
    return difference
