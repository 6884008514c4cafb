"""A model's answers beside the truth, on the held-out rows and on many resamples of them at once."""

from functools import cached_property

import numpy as np

from tabular.spec.columns import Task

__all__ = ["Answered", "Drawn"]


class Answered:
    """What a model said of some rows, and what was right.

    Args:
        task: of the target.
        truth: the encoded target (n_rows,); for a regression the numbers.
        predicted: positions in the class list (n_rows,); for a regression numbers.
        probabilities: (n_rows, n_classes); for a regression None.
    """

    def __init__(
        self, task: Task, truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None
    ) -> None:
        self.task: Task = task
        self.truth, self.predicted = truth, predicted
        self._probabilities = probabilities

    @property
    def probabilities(self) -> np.ndarray:
        """(n_rows, n_classes)."""
        assert self._probabilities is not None  # noqa: S101 - every classifier gives them
        return self._probabilities

    @cached_property
    def one_hot(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(n_rows, n_classes) each: one where a row is of a class, is said to be, and is rightly said to."""
        classes = np.eye(self.probabilities.shape[1])
        labels, said = classes[self.truth.astype(np.intp)], classes[self.predicted]
        return labels, said, labels * said

    @cached_property
    def rankings(self) -> "list[Ranking]":
        """The rows in the order of their score for each class; of two classes for the second alone."""
        scored = [1] if self.task == "binary" else range(self.probabilities.shape[1])
        return [Ranking(self.truth == one, self.probabilities[:, one]) for one in scored]


class Ranking:
    """The rows of one class among the others, in the order of a score; equal scores stand together."""

    def __init__(self, positive: np.ndarray, scores: np.ndarray) -> None:
        self.order = np.argsort(scores, kind="stable")
        self.positive = positive[self.order].astype(np.float64)
        self.starts = np.flatnonzero(np.diff(scores[self.order], prepend=-np.inf))

    def counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Positive and negative draws (n_resamples, n_scores) at each score, the lowest first."""
        ordered = weights[:, self.order]
        positive = np.add.reduceat(ordered * self.positive, self.starts, axis=1)
        return positive, np.add.reduceat(ordered, self.starts, axis=1) - positive


class Drawn:
    """The same answers on some resamples of the rows.

    Args:
        answered: on the rows as they are.
        weights: how often each row was drawn (n_resamples, n_rows).
    """

    def __init__(self, answered: Answered, weights: np.ndarray) -> None:
        self.answered, self.weights = answered, weights

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean (n_resamples,) of a number that each row has (n_rows,)."""
        return self.weights @ values / len(values)

    @cached_property
    def labels(self) -> np.ndarray:
        """Rows of each class (n_resamples, n_classes)."""
        return self.weights @ self.answered.one_hot[0]

    @cached_property
    def said(self) -> np.ndarray:
        """Rows predicted to be of each class (n_resamples, n_classes)."""
        return self.weights @ self.answered.one_hot[1]

    @cached_property
    def right(self) -> np.ndarray:
        """Rows rightly predicted to be of each class (n_resamples, n_classes)."""
        return self.weights @ self.answered.one_hot[2]

    @cached_property
    def counts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Positive and negative draws at each score, for each ranking."""
        return [ranking.counts(self.weights) for ranking in self.answered.rankings]

    def of_classes(self, values: np.ndarray) -> np.ndarray:
        """One number (n_resamples,) of one for each class: of two the second's, of more their mean."""
        if self.answered.task == "binary":
            return values[:, 1]
        counted = np.where(self.labels + self.said, 1.0, np.nan)  # a class that is among either
        return np.nanmean(values * counted, axis=1)

    def weighted(self, values: np.ndarray) -> np.ndarray:
        """The mean (n_resamples,) over the classes, each as often as there are rows of it."""
        return (values * self.labels).sum(axis=1) / self.labels.sum(axis=1)
