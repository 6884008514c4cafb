"""Plots of fleets: three panels for each, which 10,000 partitions leave legible; they return their Axes."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers import display
from helpers.plots.figures import BLACK, BLUE, GREY, VERMILION, few_ticks, shown, styled
from helpers.plots.many import listed, note, worst
from helpers.runs.evaluations.fleets import Fleet

__all__ = ["partitions"]
__dir__ = __all__.copy

OWN, POOLED = BLUE, VERMILION
MOST = 3  # fleets that are drawn
FEWEST = 8  # partitions in a bin of rows
TINY = 1e-7  # the smallest loss that is drawn, on a logarithmic scale


@styled
def partitions(fleets: Mapping[str, Fleet]) -> Sequence[Axes]:
    """Plot the metric, own against pooled, and rows against loss over the partitions of each fleet.

    Nothing is drawn if there are no fleets.
    """
    if not fleets:
        display.say(
            "None of these tables names `partition` columns, so there are no partitions to plot; see "
            "parameters/examples/fleet.yaml for one that does."
        )
        return []
    few, more = worst(fleets, lambda fleet: fleet.has_own.mean(), MOST)
    figure, all_axes = plt.subplots(len(few), 3, figsize=(9.6, 4 * len(few)), squeeze=False)
    for (dataset, fleet), (left, middle, right) in zip(few.items(), all_axes, strict=True):
        _metric(left, fleet)
        _own_against_pooled(middle, fleet)
        _rows(right, fleet)
        left.set_title(f"{dataset},\n{len(fleet.partitions):,} partitions")
    note(all_axes[0, 0], len(few), more, "those with most own models,")
    told = [
        f"{name} with {len(fleet.partitions):,} partitions, {int(fleet.has_own.sum()):,} of them with a "
        f"model of their own, {fleet.metric} {fleet.value:.3g} on all rows"
        for name, fleet in few.items()
    ]
    shown(
        figure,
        "The metric of each partition, its own model against the pooled one, and its rows against its loss: "
        f"{listed(told, more)}.",
    )
    return list(all_axes.flat)


def _metric(axes: Axes, fleet: Fleet) -> None:
    """The share of partitions up to each value of the metric."""
    defined = fleet.partitions["metric"].dropna()
    has_own = fleet.has_own[fleet.partitions["metric"].notna()]
    for words, color, values in (
        ("own", OWN, defined[has_own]),
        ("pooled", POOLED, defined[~has_own]),
    ):
        if len(values):
            label = f"{words} model ({len(values):,})"
            axes.plot(np.sort(values), np.arange(1, len(values) + 1) / len(values), color=color, label=label)
    axes.axvline(fleet.value, color=GREY, linestyle=":", label=f"all rows: {fleet.value:.3g}")
    axes.set_ylim(0, 1.02)
    missing = len(fleet.partitions) - len(defined)
    without = f"\nnot defined for {missing:,}" if missing else ""
    _label(axes, f"{fleet.metric}{without}", "share of partitions up to it")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28))


def _own_against_pooled(axes: Axes, fleet: Fleet) -> None:
    """The losses of both models where the own one serves; below the line, it is better."""
    both = fleet.partitions[fleet.has_own].dropna(subset=["loss", "pooled_loss"])
    if both.empty:
        axes.text(0.5, 0.5, "no own model serves", ha="center", va="center", transform=axes.transAxes)
        axes.axis("off")
        return
    pooled, own = (both[name].clip(lower=TINY) for name in ("pooled_loss", "loss"))
    _dots(axes, pooled, own, OWN)
    ends = [min(pooled.min(), own.min()), max(pooled.max(), own.max())]
    axes.plot(ends, ends, color=GREY, linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.set_yscale("log")
    few_ticks(axes.xaxis, axes.yaxis)
    better = int((both["loss"] < both["pooled_loss"]).sum())
    axes.set_title(f"own is better in\n{better:,} of {len(both):,}")
    _label(axes, f"{fleet.loss} of the pooled model", f"{fleet.loss} of the own model")


def _rows(axes: Axes, fleet: Fleet) -> None:
    """Training rows against the loss of what serves, and the median of partitions of about as many rows."""
    known = fleet.partitions.dropna(subset="loss")
    known = known[known["rows"] > 0]
    own = fleet.has_own[known.index] if known.index.is_unique else known["served_by"] == "own"
    for color, part in ((POOLED, known[~own]), (OWN, known[own])):
        _dots(axes, part["rows"], part["loss"].clip(lower=TINY), color, len(known))
    middle = _medians(known)
    axes.plot(middle["rows"], middle["loss"].clip(lower=TINY), color=BLACK, linewidth=1.5, label="median")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_yscale("log")
    few_ticks(axes.yaxis)
    _label(axes, "training rows of the partition", f"{fleet.loss} of what serves")
    axes.legend()


def _medians(known: pd.DataFrame) -> pd.DataFrame:
    """The median rows and loss of partitions with about as many rows."""
    bins = int(np.clip(len(known) // FEWEST, 1, 15))
    if known.empty:
        return known[["rows", "loss"]]
    place = pd.qcut(known["rows"], bins, duplicates="drop")
    return known.groupby(place, observed=True)[["rows", "loss"]].median()


def _dots(axes: Axes, across: pd.Series, up: pd.Series, color: str, count: int | None = None) -> None:
    """Dots that are smaller and paler the more there are; as an image, so that a notebook stays small."""
    many = len(across) if count is None else count
    size, alpha = np.clip(3000 / max(many, 1), 2, 16), np.clip(150 / max(many, 1), 0.25, 0.6)
    axes.scatter(across, up, s=size, alpha=alpha, color=color, linewidths=0, rasterized=True)


def _label(axes: Axes, across: str, up: str) -> None:
    axes.set_xlabel(across)
    axes.set_ylabel(up)
