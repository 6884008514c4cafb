"""What several steps ask of every column of numbers: its ends, how often each occurs, and its gaps."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

__all__ = ["Figures", "Summary", "threads_for"]

MANY_COLUMNS = 200
CELLS = 2**16  # half a megabyte, which are looked at together
FEW_CELLS = 10_000  # which are done in less time than threads take to begin and to wait for each other


class _Here(Executor):
    """Does in the thread that asks what others would do, as soon as it is asked."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)  # raised where somebody asks for the result, as that of a thread
        return done


def threads_for(cells: int) -> Executor:
    """What does several things with so many cells each: a thread for each core, or the one that asks.

    Of a table of a hundred rows, threads would take a quarter of the processor time of a check.
    """
    return ThreadPoolExecutor(os.cpu_count()) if cells > FEW_CELLS else _Here()


class Summary(NamedTuple):
    """The least and the greatest number of a column, how often each occurs, and how many cells are missing.

    The ends are NaN if all cells are missing.
    """

    low: float
    high: float
    lows: int
    highs: int
    missing: int

    def is_constant(self, rows: int) -> bool:
        """Whether all cells are the same; there are `rows` of them."""
        return self.missing == rows or (self.missing == 0 and self.low == self.high)

    def ends_are_single(self, rows: int) -> bool:
        """Whether both ends occur once, or are all that there is in `rows` cells, and none is infinite."""
        finite = np.isfinite(self.low) and np.isfinite(self.high)
        return finite and {self.lows, self.highs} <= {1, rows - self.missing}


NONE_KNOWN: Mapping[str, Summary] = MappingProxyType({})


class Figures:
    """The columns of float64 of a frame, and what is known of each, which is found once.

    `known` has the summaries that were found while the columns were read.
    """

    def __init__(self, frame: pd.DataFrame, known: Mapping[str, Summary] = NONE_KNOWN) -> None:
        self.rows = len(frame)
        self._known = known
        names = [
            name
            for name, kind in zip(frame.columns.tolist(), frame.dtypes, strict=True)
            if kind == np.float64
        ]
        if len(names) > MANY_COLUMNS:  # to ask a frame for each of them takes long
            matrix = frame.select_dtypes(np.float64).to_numpy().T
            step = max(1, CELLS // max(1, self.rows))
            self._parts = [matrix[start : start + step] for start in range(0, len(names), step)]
        else:
            self._parts = [frame[name].to_numpy()[None] for name in names]
        self.columns: Mapping[str, np.ndarray] = dict(
            zip(names, (column for part in self._parts for column in part), strict=True)
        )

    def of(self, frame: pd.DataFrame) -> "Figures":
        """Those of a frame that has some of the rows, or all of them."""
        return self if len(frame) == self.rows else Figures(frame)

    @cached_property
    def summaries(self) -> Mapping[str, Summary]:
        """What is known of each column."""
        left = [name for name in self.columns if name not in self._known]
        parts = self._parts if len(left) > MANY_COLUMNS else [self.columns[name][None] for name in left]
        names = self.columns if len(left) > MANY_COLUMNS else left
        with threads_for(self.rows) as threads:  # NumPy leaves Python's lock to others
            summaries = [one for part in threads.map(_summaries, parts) for one in part]
        found = dict(zip(names, summaries, strict=True))
        return {name: found[name] if name in found else self._known[name] for name in self.columns}


def _summaries(columns: np.ndarray) -> list[Summary]:
    """The summaries of columns (n_columns, n_rows), block by block, which stays in a processor's cache."""
    low, high = np.full((2, len(columns)), np.nan)
    lows, highs, missing = np.zeros((3, len(columns)), dtype=np.int64)
    for start in range(0, columns.shape[1], CELLS):
        block = columns[:, start : start + CELLS]
        least, most = block.min(axis=1), block.max(axis=1)
        gaps = np.flatnonzero(np.isnan(least))
        if len(gaps):
            some = block[gaps]
            missing[gaps] += np.isnan(some).sum(axis=1)
            least[gaps], most[gaps] = np.fmin.reduce(some, axis=1), np.fmax.reduce(some, axis=1)
        low, lows = _joined(low, lows, least, block, np.fmin)
        high, highs = _joined(high, highs, most, block, np.fmax)
    return [
        Summary(*one) for one in zip(*map(np.ndarray.tolist, (low, high, lows, highs, missing)), strict=True)
    ]


def _joined(
    end: np.ndarray, times: np.ndarray, other: np.ndarray, block: np.ndarray, choose: np.ufunc
) -> tuple[np.ndarray, np.ndarray]:
    """The ends of columns (n_columns,) and how often they occur, with those of the next block."""
    found = choose(end, other)
    counts = [np.count_nonzero(cells == one) for cells, one in zip(block, found, strict=True)]
    return found, np.where(end == found, times, 0) + counts
