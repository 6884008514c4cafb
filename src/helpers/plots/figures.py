"""What all plots share: their style, their colours, and how a finished figure is shown.

```python
@styled
def shares(table: pd.DataFrame) -> Axes:
    figure, axes = plt.subplots()
    ...
    shown(figure, f"Bars of {len(table)} shares; the largest is ...")
    return axes
```
"""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from helpers import display

__all__ = [
    "BLACK",
    "BLUE",
    "GREEN",
    "GREY",
    "LIGHT",
    "ORANGE",
    "PURPLE",
    "SKY",
    "VERMILION",
    "WIDEST",
    "few_ticks",
    "panels",
    "shown",
    "styled",
]

# The colours of the style, which differ in lightness too.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, BLACK = "#E69F00", "#56B4E9", "#000000"
GREY, LIGHT = "#666666", "#CCCCCC"  # for what is said beside the data, and for the many behind the few

WIDEST = 9.6  # inches that a page shows without making a figure smaller

# A decorator: what a function draws has the style, whatever the kernel's own settings are.
styled = plt.style.context("helpers.plots.many_models")


def shown(figure: Figure, alt: str) -> list[Axes]:
    """Show a finished figure with its alternative text, close it, and return its axes.

    Args:
        figure: drawn by a function that is `styled`.
        alt: one sentence, computed from the data, that says what a person would see.
    """
    display.picture(figure, alt)
    plt.close(figure)
    return figure.axes


def panels(count: int, height: float, foot: float = 0.0, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each of a few data sets, two in a row.

    Args:
        count: How many panels, at least one.
        height: Of one row, in inches.
        foot: Inches below all rows, for a note.
        sharey: Whether all panels have the same y axis.
    """
    columns = min(2, count)
    rows = -(-count // columns)
    size = (WIDEST if columns > 1 else 6.5, height * rows + foot)
    figure, grid = plt.subplots(rows, columns, figsize=size, sharey=sharey, squeeze=False)
    for axes in grid.flat[count:]:
        axes.remove()
    return figure, list(grid.flat[:count])


def few_ticks(*axes: Axis) -> None:
    """Write out few ticks of logarithmic scales, as plain numbers."""
    for axis in axes:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_locator(NullLocator())
