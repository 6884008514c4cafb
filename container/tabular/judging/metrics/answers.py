"""A model's predictions and the true targets, on the held-out rows and on many resamples of them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from tabular.judging.agreement import Answers
from tabular.spec.columns import Schema, Task

__all__ = ["Answered", "Drawn", "positive_last"]


def positive_last(
    schema: Schema, truth: np.ndarray, answers: Sequence[Answers]
) -> tuple[Schema, np.ndarray, list[Answers]]:
    """A schema, the encoded target (n_rows,) and answers, turned so that the positive class is the second.

    All metrics and curves of two classes are those of the second one. The model and the server keep the order
    of their classes.
    """
    if schema.task != "binary" or schema.positive != schema.classes[0]:
        return schema, truth, list(answers)
    turned = [(1 - predicted, None if said is None else said[:, ::-1]) for predicted, said in answers]
    return replace(schema, classes=schema.classes[::-1]), 1 - truth, turned


class Answered:
    """A model's predictions for some rows, and the true targets.

    Args:
        task: the task of the target.
        truth: the encoded target (n_rows,); for regression, the numbers.
        predicted: positions in the class list (n_rows,); for regression, numbers.
        probabilities: (n_rows, n_classes); for regression, None.
    """

    def __init__(
        self, task: Task, truth: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None
    ) -> None:
        self.task: Task = task
        self.truth, self.predicted = truth, predicted
        self._probabilities = probabilities

    @property
    def probabilities(self) -> np.ndarray:
        """The probabilities (n_rows, n_classes) of a classifier."""
        assert self._probabilities is not None  # noqa: S101 - every classifier gives them
        return self._probabilities

    @cached_property
    def one_hot(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Three indicators, (n_rows, n_classes) each: the true class, the predicted class, and both."""
        classes = np.eye(self.probabilities.shape[1])
        labels, said = classes[self.truth.astype(np.intp)], classes[self.predicted]
        return labels, said, labels * said

    @cached_property
    def rankings(self) -> "list[Ranking]":
        """A ranking of the rows by score for each class; with two classes, only for the positive one."""
        scored = [1] if self.task == "binary" else range(self.probabilities.shape[1])
        return [Ranking(self.truth == one, self.probabilities[:, one]) for one in scored]


class Ranking:
    """The rows in the order of a score, with one class as positive; equal scores are grouped."""

    def __init__(self, positive: np.ndarray, scores: np.ndarray) -> None:
        self.order = np.argsort(scores, kind="stable")
        self.positive = positive[self.order].astype(np.float64)
        self.starts = np.flatnonzero(np.diff(scores[self.order], prepend=-np.inf))

    def counts(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The positive and negative rows drawn at each score (n_resamples, n_scores), lowest score first."""
        ordered = weights[:, self.order]
        positive = np.add.reduceat(ordered * self.positive, self.starts, axis=1)
        return positive, np.add.reduceat(ordered, self.starts, axis=1) - positive


class Drawn:
    """The same predictions on several resamples of the rows.

    Args:
        answered: the predictions for the original rows.
        weights: how often each row was drawn (n_resamples, n_rows).
    """

    def __init__(self, answered: Answered, weights: np.ndarray) -> None:
        self.answered, self.weights = answered, weights

    @cached_property
    def rows(self) -> np.ndarray:
        """How many rows each resample has (n_resamples,): as many as there are, unless clusters are drawn."""
        return self.weights.sum(axis=1)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean (n_resamples,) of one number per row (n_rows,)."""
        return self.weights @ values / self.rows

    @cached_property
    def labels(self) -> np.ndarray:
        """The number of rows of each class (n_resamples, n_classes)."""
        return self.weights @ self.answered.one_hot[0]

    @cached_property
    def said(self) -> np.ndarray:
        """The number of rows predicted as each class (n_resamples, n_classes)."""
        return self.weights @ self.answered.one_hot[1]

    @cached_property
    def right(self) -> np.ndarray:
        """The number of rows correctly predicted as each class (n_resamples, n_classes)."""
        return self.weights @ self.answered.one_hot[2]

    @cached_property
    def counts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """How many positive and negative rows were drawn at each score, for each ranking."""
        return [ranking.counts(self.weights) for ranking in self.answered.rankings]

    def of_classes(self, values: np.ndarray) -> np.ndarray:
        """One number (n_resamples,) from one per class: the positive class of two, or the mean over more."""
        if self.answered.task == "binary":
            return values[:, 1]
        counted = np.where(self.labels + self.said, 1.0, np.nan)  # classes that are drawn or predicted
        return np.nanmean(values * counted, axis=1)

    def weighted(self, values: np.ndarray) -> np.ndarray:
        """The mean (n_resamples,) over the classes, weighted by the number of rows of each."""
        return (values * self.labels).sum(axis=1) / self.labels.sum(axis=1)
