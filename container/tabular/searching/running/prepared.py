"""The folds of a search, prepared once for all trials whose algorithms want the same features."""

import math
import os
import time
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn import config_context

from tabular.learning.fitting import parts_of_fold, rounds_of
from tabular.learning.folds import Fold
from tabular.learning.pipeline import build_estimator, build_features
from tabular.learning.rounds import Part, Scores, by_rounds, fit_whole
from tabular.searching.scoring import Scoring
from tabular.searching.trials import Configuration
from tabular.spec import own_steps
from tabular.spec.columns import Schema

__all__ = ["Features", "Fitted", "Prepared"]

SHARE = 0.25  # of the machine's memory, for what is kept


class Features(NamedTuple):
    """What an algorithm wants: imputed and scaled features, and whether they may be a sparse matrix."""

    standardise: bool
    sparse: bool


class Fitted(NamedTuple):
    """The scores of one fold after each number of rounds, or a single one, and the answers behind each."""

    scores: list[Scores]
    answers: list[np.ndarray]


class Prepared:
    """A table's folds, from which any configuration can be fitted and scored."""

    def __init__(
        self,
        frame: pd.DataFrame,
        target: np.ndarray,
        schema: Schema,
        groups: np.ndarray | None,
        folds: list[Fold],
        random_state: int,
        scoring: Scoring,
    ) -> None:
        self.frame, self.target, self.schema, self.groups = frame, target, schema, groups
        self.folds, self.random_state, self.scoring = folds, random_state, scoring
        self._parts: dict[tuple[Features, int], tuple[Part, Part]] = {}
        self._room = SHARE * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

    @property
    def targets(self) -> list[np.ndarray]:
        """The targets of the scored rows of each fold."""
        return [self.target[fold.scored] for fold in self.folds]

    @property
    def groups_scored(self) -> list[np.ndarray | None]:
        """The groups of these rows."""
        return [None if self.groups is None else self.groups[fold.scored] for fold in self.folds]

    def prepare(self, algorithms: Iterable[str], end: float = math.inf) -> None:
        """Prepare all that these algorithms want, and load their libraries, for forks to share both.

        Without room for more, the rest is prepared for each trial again, by the fork that needs it. What is
        not prepared by `end`, a time by `time.perf_counter`, each fork prepares once when it needs it.
        """
        for name in algorithms:
            if time.perf_counter() > end:
                return
            build_estimator(self.schema, name, {}, self.random_state)  # imports its library
            for fold in range(len(self.folds)):
                if self._room and time.perf_counter() <= end:
                    self.parts(self.wanted(name), fold)

    def wanted(self, algorithm: str) -> Features:
        """The features that an algorithm is fitted on."""
        known = own_steps.algorithms()[algorithm]
        return Features(known.standardise, known.estimators[self.schema.family].sparse)

    def parts(self, features: Features, fold: int) -> tuple[Part, Part]:
        """The rows of a fold to fit on, and those to score, which are kept as long as there is room."""
        if (kept := self._parts.get((features, fold))) is not None:
            return kept
        steps = build_features(self.schema, *features, self.random_state)
        rows = self.folds[fold]
        made = parts_of_fold(steps, self.frame, self.target, rows, self.schema, self.groups)
        size = sum(map(_bytes, made))
        if size <= self._room:
            self._room -= size
            self._parts[features, fold] = made
        else:
            self._room = 0
        return made

    def fit(self, configuration: Configuration, fold: int) -> Fitted:
        """Fit a configuration on a fold and score it, as `tabular.learning.fitting.scores_of_fold` does."""
        algorithm = configuration.algorithm
        estimator = build_estimator(self.schema, algorithm, configuration.hyperparameters, self.random_state)
        learn, held_out = self.parts(self.wanted(algorithm), fold)
        kept: list[np.ndarray] = []

        def look() -> Scores:
            kept.append(self.scoring.answers(estimator, held_out.features))
            return self.scoring.scored(kept[-1], held_out.target, held_out.weights)

        kind = rounds_of(algorithm, self.schema)
        with config_context(skip_parameter_validation=True):  # of each tree of a forest, at each epoch
            if kind is not None:
                return Fitted(by_rounds(estimator, kind, learn, held_out, look), kept)
            fit_whole(estimator, learn)
            return Fitted([look()], kept)


def _bytes(part: Part) -> int:
    features = part.features
    arrays = [features.data, features.indices, features.indptr] if issparse(features) else [features]
    return sum(array.nbytes for array in arrays)
