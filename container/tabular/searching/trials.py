"""What is known of a trial, and how it is described in search.json."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from tabular.spec.documents.searches import TrialReport

__all__ = ["Configuration", "Source", "State", "Trial"]

Source = Literal["default", "portfolio", "warm", "sampler"]
State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Configuration:
    """An algorithm with all its hyperparameters as text, and who proposed it."""

    algorithm: str
    hyperparameters: Mapping[str, str]
    source: Source


@dataclass
class Trial:
    """A configuration and how it did.

    Attributes:
        number: its place in the search, from 0.
        configuration: what is tried.
        scores: the score of each fold that was finished, after the best number of rounds.
        rounds: that number; None if the algorithm is not fitted in rounds.
        state: None until the trial has ended.
        reason: why it was pruned or failed.
        seconds: of work, summed over the folds.
        answers: what it predicts for the scored rows of each fold, see `tabular.searching.scoring`; only of
            complete trials.
    """

    number: int
    configuration: Configuration
    scores: list[float] = field(default_factory=list)
    rounds: int | None = None
    state: State | None = None
    reason: str | None = None
    seconds: float = 0.0
    answers: list[np.ndarray] = field(default_factory=list)

    @property
    def score(self) -> float | None:
        """The mean over the folds; None if a fold is missing."""
        return float(np.mean(self.scores)) if self.state == "complete" else None

    def report(self) -> TrialReport:
        """The trial in search.json."""
        return {
            "number": self.number,
            "algorithm": self.configuration.algorithm,
            "hyperparameters": dict(self.configuration.hyperparameters),
            "source": self.configuration.source,
            "state": self.state,
            "reason": self.reason,
            "scores": self.scores,
            "score": self.score,
            "rounds": self.rounds,
            "seconds": round(self.seconds, 3),
        }
