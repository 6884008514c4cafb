"""The seconds of a search: those that are left for trials, and those that are set aside for what comes after.

Once its trials have ended, a search makes the ensemble, and what it has found is fitted on all rows, checked
and written. How long that will take is forecast from the trials that are complete, so that it still fits into
the limit. The forecast takes a fit on all rows for one on a fold and a quarter more, as it has more rows.
Measured with all algorithms on 200 to 5,000 rows, most fits take less, and those of forests a third more.
"""

import time
from collections.abc import Sequence

from tabular.searching.trials import Trial

__all__ = ["Budget"]

MORE_ROWS = 1.25
COMBINING = 5e-6  # seconds for each row of each trial, to make an ensemble and judge it
WRITING = 0.05  # seconds, for what takes the same time for any table


class Budget:
    """The seconds that a search may take with all that comes after it.

    Args:
        seconds: in all; 0 stands for no limit.
        started: when they began, by `time.perf_counter`.
        rows: how many are scored.
        members: how many trials the model is made of at most.
        fits: how many fits of each of them come afterwards, or what takes as long.
    """

    def __init__(
        self, seconds: float, started: float, rows: int = 0, members: int = 1, fits: float = 1
    ) -> None:
        self.seconds, self.started = seconds, started
        self.rows, self.members, self.fits = rows, members, fits

    @property
    def elapsed(self) -> float:
        """Seconds since they began."""
        return time.perf_counter() - self.started

    def left(self, complete: Sequence[Trial]) -> float:
        """The seconds that are left for trials, once there is one that is complete; infinite without a limit.

        What comes after is forecast for the best of the trials.
        """
        if not self.seconds:
            return float("inf")
        best = sorted(complete, key=lambda one: -one.score)[: self.members]
        combining = COMBINING * self.rows * len(complete) if len(best) > 1 else 0.0
        after = combining + self.fits * sum(map(_seconds_of_fit, best)) + WRITING
        return max(0.0, self.seconds - self.elapsed - after)

    def affordable(self, complete: Sequence[Trial]) -> list[Trial]:
        """Those trials of which any ensemble can be fitted in what is left, in their order.

        They are the best ones, as many of them as can be. The best of all is always among them.
        """
        if not self.seconds:
            return list(complete)
        left = self.seconds - self.elapsed - COMBINING * self.rows * len(complete) - WRITING
        kept: list[Trial] = []
        for one in sorted(complete, key=lambda one: -one.score):
            costliest = sorted(map(_seconds_of_fit, [*kept, one]), reverse=True)[: self.members]
            if not kept or self.fits * sum(costliest) <= left:
                kept.append(one)
        return sorted(kept, key=lambda one: one.number)


def _seconds_of_fit(trial: Trial) -> float:
    return MORE_ROWS * trial.seconds / len(trial.scores)
