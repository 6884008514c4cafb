"""Plots of many data sets: the worst are drawn one by one, and the others as a crowd behind them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from matplotlib.axes import Axes

__all__ = ["FEW", "note", "worst"]

FEW = 6  # data sets that are drawn one by one

Item = TypeVar("Item")


def worst(
    items: Mapping[str, Item], badness: Callable[[Item], Any], most: int = FEW
) -> tuple[dict[str, Item], int]:
    """The items to draw one by one, and how many more there are.

    Up to `most` are all of them, in their order; of more, they are the worst, the worst first.
    """
    if len(items) <= most:
        return dict(items), 0
    names = sorted(items, key=lambda name: badness(items[name]), reverse=True)
    return {name: items[name] for name in names[:most]}, len(items) - most


def note(axes: Axes, drawn: int, more: int, which: str) -> None:
    """Say at the foot of a figure which data sets it shows, unless it shows all."""
    if more:
        axes.figure.supxlabel(
            f"{which} {drawn} of {drawn + more} data sets", fontsize=8, color="#666666", ha="center"
        )
