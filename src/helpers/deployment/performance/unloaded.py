"""Calls after an unload: the first call to each model has to wait until it is loaded again."""

import time
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import pandas as pd

from helpers import display
from helpers.deployment.asking.endpoint import NOTHING, invoke
from helpers.deployment.performance.load import interleaved
from helpers.display.frames import INSTEAD
from helpers.session import Session

__all__ = ["calls", "waits"]
__dir__ = __all__.copy

ON_AWS = (
    "SageMaker has no operation that unloads a model: it does so by itself when others need the memory. So "
    "nothing was unloaded before these calls; CloudWatch's counts below say how many calls were cold."
)


def calls(session: Session, rows: Mapping[str, Sequence[Sequence[Any]]], number: int = 30) -> pd.DataFrame:
    """Unload all models where that is possible, and call them in turn, one row at a time.

    Args:
        session: where the URL is.
        rows: held-out rows of each data set in service.
        number: how many calls.

    Returns:
        A row for each call, numbered from 1: data set, milliseconds, and whether it was cold, which is the
        first of its model after the unload.
    """
    called: list[tuple[str, float, bool]] = []
    seen: set[str] = set()
    if rows:
        next_row = interleaved(rows)
        name, row = next(next_row)
        invoke(session, {"model": name, "data": [row]})  # so that the function itself has started
        if not (unloads := session.unload_models()):
            display.say(ON_AWS)
        for name, row in islice(next_row, number):
            begin = time.perf_counter()
            invoke(session, {"model": name, "data": [row]})
            called.append((name, 1000 * (time.perf_counter() - begin), unloads and name not in seen))
            seen.add(name)
    table = pd.DataFrame(called, columns=["data set", "milliseconds", "cold"])
    table.index = pd.RangeIndex(1, len(table) + 1, name="call")
    table.attrs[INSTEAD] = NOTHING
    return table


def waits(called: pd.DataFrame) -> pd.DataFrame:
    """The median time of cold and of warm calls, and how many there were."""
    kinds = called["cold"].map({True: "cold", False: "warm"})
    table = called.groupby(kinds)["milliseconds"].agg(calls="count", median="median", slowest="max")
    table = table.rename(columns={"median": "median ms", "slowest": "slowest ms"}).round(1)
    table.attrs[INSTEAD] = NOTHING
    return table.rename_axis("the model was")
