"""Plots of many data sets: the worst are drawn one by one, and the others as a crowd behind them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from matplotlib.axes import Axes

from helpers.plots.figures import GREY, LIGHT

__all__ = ["CROWD", "FEW", "listed", "note", "worst"]

FEW = 6  # data sets that are drawn one by one
CROWD = {"color": LIGHT, "linewidth": 0.8, "zorder": 0}  # a line of many

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
        axes.figure.supxlabel(f"{which} {drawn} of {drawn + more} data sets", color=GREY, ha="center")


def listed(items: Iterable[str], more: int = 0) -> str:
    """What a picture shows, item by item, for its alternative text."""
    return "; ".join([*items, *([f"and {more} more"] if more else [])])
