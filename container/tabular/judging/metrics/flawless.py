"""What a score without errors says: with few rows, not that there are none.

All resamples of rows that are all predicted correctly are alike, so their bootstrap interval would be a
single point, which claims certainty. If no error is seen among n independent rows, the fraction of correct
ones is at least (alpha / 2) ** (1 / n), with confidence 1 - alpha / 2: the exact interval of Clopper and
Pearson, Biometrika 26 (1934), of which the rule of three is an approximation (Hanley and Lippman-Hand, JAMA
249 (1983)). A model with errors cannot be shown to be better than this, so its interval reaches at least as
far.

- Recall is such a fraction of the rows of a class, precision of those predicted as it. F1 is 2 J / (1 + J),
  where J is the fraction of correct ones among the rows that belong to a class or are predicted as it. With
  more than two classes, an error counts in two of them, so F1 has the lower bound of the other two.
- A mean over classes is least if the product of their probabilities of no error is alpha / 2.
- The AUC is the probability that a positive and a negative row are in the right order. No two of min(p, n)
  pairs share a row, so these are independent. No better bound holds for every distribution; without
  assumptions about it, one wrong row of the rarer class could misplace all its pairs.
"""

import math

import numpy as np

from tabular.judging.metrics.answers import Answered

__all__ = ["limits"]

STEPS = 60  # of bisection


def limits(answered: Answered, confidence: float) -> dict[str, tuple[float, float]]:
    """For each metric that has them, the least value without errors and the greatest without a correct row.

    Args:
        answered: a model's predictions for a classification.
        confidence: of the two-sided interval.
    """
    tail = (1 - confidence) / 2
    labels, said, right = (one.sum(axis=0) for one in answered.one_hot)
    rows = float(len(answered.truth))
    either = labels + said - right
    present = labels > 0
    found = {"accuracy": _mean(np.array([rows]), tail), "balanced_accuracy": _mean(labels[present], tail)}
    if answered.task == "binary":
        of = {"recall": labels[1:], "precision": said[1:], "f1": either[1:]}
        found |= {name: _mean(counts, tail) for name, counts in of.items()}
        found["f1"] = (_f1(found["f1"][0]), _f1(found["f1"][1]))
        ranked = np.array([labels.min()])
    else:
        for name, counts in {"recall": labels, "precision": said}.items():
            found[name] = _mean(counts[either > 0], tail)
            found[f"weighted_{name}"] = _mean(counts[present], tail, weights=labels[present] / rows)
        for kind in ("", "weighted_"):
            both = (found[f"{kind}recall"], found[f"{kind}precision"])
            found[f"{kind}f1"] = (min(low for low, _ in both), max(high for _, high in both))
        ranked = np.minimum(labels, rows - labels)
    # The pairs of several classes share rows, so each class gets its part of the error (Bonferroni).
    each = [_correct(count, tail / len(ranked)) for count in ranked]
    found["auc"] = (float(np.mean(each)), 1 - float(np.mean(each)))
    return found


def _f1(share: float) -> float:
    return 2 * share / (1 + share)


def _correct(count: float, tail: float) -> float:
    return tail ** (1 / count) if count else 0.0


def _mean(counts: np.ndarray, tail: float, weights: np.ndarray | None = None) -> tuple[float, float]:
    """The least weighted mean of fractions of correct rows, and the greatest if none was seen to be correct.

    With the fractions p, the counts n and the weights w, the sum of n log(p) is log(tail), and the mean is
    least where p is proportional to n / w, and at most 1.
    """
    weights = np.full(len(counts), 1 / len(counts)) if weights is None else weights
    known = counts > 0
    ratio, least = counts[known] / weights[known], np.zeros(len(counts))  # without rows, nothing is known
    if known.any():
        low, high = 0.0, 1 / float(ratio.min())
        for _ in range(STEPS):
            middle = (low + high) / 2
            likely = float(counts[known] @ np.log(np.minimum(1.0, middle * ratio)))
            low, high = (middle, high) if likely < math.log(tail) else (low, middle)
        least[known] = np.minimum(1.0, high * ratio)
    return float(weights @ least), float(weights @ (1 - least))
