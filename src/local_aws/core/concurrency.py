"""Does several slow things at the same time."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

__all__ = ["together"]


def together(calls: Iterable[Callable[[], Any]]) -> None:
    """Make all calls, each in its own thread, and wait until the last one has returned.

    Raises:
        Exception: A call raised it; the others have returned nevertheless.
    """
    calls = list(calls)
    if not calls:
        return
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(call) for call in calls]
    for future in futures:
        future.result()
