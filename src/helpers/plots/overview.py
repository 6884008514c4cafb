"""Plots of targets and capacity; every function shows its figures and returns their Axes."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from helpers import display
from helpers.data.datasets import Dataset
from helpers.plots.figures import ORANGE, PURPLE, SKY, shown, styled
from helpers.plots.many import listed, note, worst

__all__ = ["capacity", "targets"]
__dir__ = __all__.copy

CLASSES = (SKY, ORANGE, "#F0E442", "#DDDDDD", PURPLE, "#66C2A5")  # light enough for black words on them
ROOM = 0.09  # of a bar that has room for words


@styled
def capacity(sized: pd.DataFrame) -> Sequence[Axes]:
    """Plot hit ratio, p99 and cost of each model over the number of models, of `cost.capacity.by_models`."""
    if sized.empty:
        display.say(
            "No instance type holds the 99th percentile that you ask for, so there is nothing to plot; allow "
            "more seconds in the demand, or fewer requests a second."
        )
        return []
    figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.2), sharex=True)
    panels = (
        ("hit ratio", "hit ratio"),
        ("p99 ms", "p99, ms"),
        ("for each model", "dollars a month\nfor each model"),
    )
    for one, (column, label) in zip(axes, panels, strict=True):
        one.plot(sized.index, sized[column], "o-")
        one.set_xscale("log")
        some = sized.index[:: (len(sized) + 2) // 3]  # all of them would touch each other
        one.set_xticks(some, [f"{models:,}" for models in some])
        one.minorticks_off()
        one.set_xlabel("models")
        one.set_title(label)
    axes[0].set_ylim(0, 1.05)
    axes[1].set_ylim(bottom=0)
    axes[2].set_yscale("log")
    axes[2].yaxis.set_major_formatter("{x:g}")
    ends = sized.iloc[[0, -1]]
    hits, slowest, dollars = (
        " to ".join(f"{value:.3g}" for value in ends[column]) for column, _label in panels
    )
    shown(
        figure,
        f"From {sized.index[0]:,} to {sized.index[-1]:,} models: hit ratio {hits}, p99 {slowest} ms, "
        f"{dollars} dollars a month for each model.",
    )
    return list(axes)


@styled
def targets(tables: Sequence[Dataset]) -> Sequence[Axes]:
    """Plot the distribution of each target: class frequencies as a stacked bar, numbers as a histogram.

    Of many tables, they are those with the rarest classes, and the most skewed numbers.
    """
    classes = {table.name: table for table in tables if table.family == "classification"}
    numbers = {table.name: table for table in tables if table.family == "regression"}
    few, more_classes = worst(
        classes, lambda it: -it.read()[it.target].value_counts(normalize=True).min(), 10
    )
    fewer, more_numbers = worst(numbers, lambda it: abs(it.read()[it.target].skew()), 3)
    of_classes, of_numbers = list(few.values()), list(fewer.values())
    heights = [0.6 * len(of_classes) + 0.9] * bool(of_classes) + [2.3] * len(of_numbers)
    figure, all_axes = plt.subplots(
        len(heights), 1, figsize=(9, sum(heights)), height_ratios=heights, squeeze=False
    )
    told = []
    for axes, table in zip(all_axes[len(heights) - len(of_numbers) :, 0], of_numbers, strict=True):
        values = table.read()[table.target].dropna()
        axes.hist(values, bins=30, color=SKY, edgecolor="white")
        axes.set_title(f"{table.name}: {table.target}")
        axes.set_ylabel("rows")
        told.append(f"{table.name} {values.min():.3g} to {values.max():.3g}, median {values.median():.3g}")
    if of_classes:
        counts = {t.name: t.read()[t.target].value_counts().sort_index() for t in of_classes}
        _shares(all_axes[0, 0], counts)
        told += [_in_words(name, labels / labels.sum()) for name, labels in counts.items()]
    drawn, more = len(of_classes) + len(of_numbers), more_classes + more_numbers
    note(all_axes[0, 0], drawn, more, "the least balanced")
    shown(figure, f"The distribution of each target: {listed(told, more)}.")
    return list(all_axes[:, 0])


def _shares(axes: Axes, counts: Mapping[str, pd.Series]) -> None:
    for name, labels in counts.items():
        shares, start = labels / labels.sum(), 0.0
        for position, (label, share) in enumerate(shares.items()):
            color = CLASSES[position % len(CLASSES)]
            axes.barh(name, share, left=start, color=color, edgecolor="white")
            if share > ROOM:
                words = f"{label}\n{share:.0%}"
                axes.text(start + share / 2, name, words, ha="center", va="center", fontsize=11)
            start += share
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set_title("Class frequencies")


def _in_words(name: str, shares: pd.Series) -> str:
    """A data set's rarest class: `wine has 3 classes, the rarest 2 (27%)`."""
    return f"{name} has {len(shares)} classes, the rarest {shares.idxmin()} ({shares.min():.0%})"
