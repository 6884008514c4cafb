"""Plots of notebook 5: one cell changed, a load ramp, calls after an unload, the price of predictions."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from helpers import display
from helpers.plots.figures import BLUE, GREY, LIGHT, SKY, VERMILION, shown, styled

__all__ = ["after_unload", "price", "ramp", "what_if"]
__dir__ = __all__.copy

EMPTY = "an empty cell"
MOST_LEVELS = 12  # of a category
NOTHING = "so there is nothing to plot; see the sentence above."


@styled
def what_if(moved: pd.DataFrame, column: str = "") -> Sequence[Axes]:
    """Plot the probability over one column's values for one row, whose own value has a ring.

    Args:
        moved: of `what_if.vary`.
        column: which; by default, the one that moves the probability farthest.
    """
    if moved.empty:
        display.say(f"No cell was changed, {NOTHING}")
        return []
    spans = moved.groupby("column")["probability"].agg(lambda shares: shares.max() - shares.min())
    column = column or str(spans.idxmax())
    part = moved[moved["column"] == column]
    named, watched = part.iloc[0]["data set"], part.iloc[0]["class"]
    own = part[part["own"]].iloc[0]
    known = part[part["value"].notna()]
    figure, axes = plt.subplots(figsize=(9, 3.6))
    if known["value"].map(lambda value: isinstance(value, int | float)).all():
        drawn = known.assign(value=known["value"].astype(float)).sort_values("value")
        axes.plot(drawn["value"], drawn["probability"], marker="o", markersize=4)
        place = None if pd.isna(own["value"]) else float(own["value"])
    else:
        drawn = pd.concat([part[part["own"]], part[~part["own"]]]).head(MOST_LEVELS)
        drawn = drawn.sort_values("probability")
        labels = [EMPTY if pd.isna(value) else str(value)[:24] for value in drawn["value"]]
        axes.scatter(range(len(labels)), drawn["probability"])
        axes.set_xticks(range(len(labels)), labels, rotation=30 if len(labels) > 5 else 0, ha="right")
        place = drawn["own"].tolist().index(True)
    if place is None:  # the row's own cell is empty, so that it has no place among the numbers
        axes.axhline(own["probability"], color=VERMILION, linestyle="--")
        axes.annotate(
            f"this row: {EMPTY}", (0.01, own["probability"]), ("axes fraction", "data"), va="bottom"
        )
    else:
        ring = {"s": 170, "facecolors": "none", "edgecolors": VERMILION, "linewidths": 2.5}
        axes.scatter([place], [own["probability"]], label="this row", **ring)
        axes.legend()  # words beside the ring would be struck through by the curve
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel(column)
    axes.set_ylabel(f"probability of {watched}")
    axes.set_title(f"{named}: one row, one cell changed", loc="left")
    own_words = EMPTY if pd.isna(own["value"]) else own["value"]
    lowest, highest = part["probability"].min(), part["probability"].max()
    shown(
        figure,
        f"The probability of {watched} for one row of {named} over the values of {column}: from {lowest:.2f} "
        f"to {highest:.2f}; the row's own value, {own_words}, gives {own['probability']:.2f}.",
    )
    return [axes]


@styled
def ramp(steps: pd.DataFrame) -> Sequence[Axes]:
    """Plot predictions per second and the 95th percentile of the latency over the number of clients."""
    if steps.empty:
        display.say(f"No load test was run, {NOTHING}")
        return []
    figure, (rates, times) = plt.subplots(1, 2, figsize=(9.6, 3.6))
    rates.plot(steps.index, steps["predictions per second"], marker="o")
    rates.set_ylabel("predictions per second")
    rates.set_title("Throughput")
    rates.set_ylim(bottom=0)
    for name, color in (("p95", VERMILION), ("p50", BLUE)):
        times.plot(steps.index, steps[f"{name} ms"], marker="o", color=color)
        times.annotate(f" {name}", (steps.index[-1], steps[f"{name} ms"].iloc[-1]), color=color, va="center")
    times.set_ylabel("milliseconds until the answer")
    times.set_title("Latency")
    times.set_ylim(bottom=0)
    for axes in (rates, times):
        axes.set_xscale("log", base=2)
        axes.set_xticks(steps.index, [str(clients) for clients in steps.index])
        axes.minorticks_off()
        axes.set_xlabel("clients at a time")
    speed, slow = steps["predictions per second"], steps["p95 ms"]
    shown(
        figure,
        f"From {steps.index[0]} to {steps.index[-1]} clients: at most {speed.max():,.0f} predictions per "
        f"second, with {speed.idxmax()}; the 95th percentile of the latency goes from {slow.iloc[0]:,.0f} "
        f"to {slow.iloc[-1]:,.0f} ms.",
    )
    return [rates, times]


@styled
def after_unload(called: pd.DataFrame) -> Sequence[Axes]:
    """Plot how long each call took, in turn; the cold ones have another colour and pattern."""
    if called.empty:
        display.say(f"No model was called, {NOTHING}")
        return []
    figure, axes = plt.subplots(figsize=(9.6, 3.2))
    for is_cold, color, hatch, label in ((False, SKY, "", "warm"), (True, VERMILION, "//", "cold")):
        part = called[called["cold"] == is_cold]
        if len(part):
            axes.bar(
                part.index, part["milliseconds"], color=color, hatch=hatch, edgecolor="white", label=label
            )
    axes.set_xlabel("call, the models in turn")
    axes.set_ylabel("milliseconds")
    axes.set_title("How long each call took")
    axes.legend()
    cold, warm = (called["milliseconds"][called["cold"] == kind] for kind in (True, False))
    told = f"the {len(cold)} cold ones took {cold.median():,.0f} ms" if len(cold) else "none was cold"
    shown(
        figure,
        f"{len(called)} calls one after another: {told}, the {len(warm)} warm ones {warm.median():,.0f} ms "
        "(medians).",
    )
    return [axes]


@styled
def price(prices: pd.DataFrame) -> Axes:
    """Plot the price of a million predictions over how many there are, of one endpoint and one for each."""
    figure, axes = plt.subplots(figsize=(9, 3.6))
    for name, color in zip(prices.columns, (BLUE, GREY), strict=True):
        axes.plot(prices.index, prices[name], marker="o", color=color)
        axes.annotate(f" {name}", (prices.index[-1], prices[name].iloc[-1]), color=color, va="center")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda dollars, _: f"{dollars:,.10g}")
    axes.set_xticks(prices.index, [f"{millions:g}" for millions in prices.index])
    axes.minorticks_off()
    axes.set_xlabel("million predictions in a month")
    axes.set_ylabel("dollars per million")
    axes.set_title("Price of a million predictions")
    axes.grid(color=LIGHT, linewidth=0.5)
    told = [
        f"{name} from {prices[name].iloc[0]:,.2f} to {prices[name].iloc[-1]:,.2f}" for name in prices.columns
    ]
    shown(
        figure,
        f"Dollars per million predictions, from {prices.index[0]:g} to {prices.index[-1]:g} million a month: "
        f"{'; '.join(told)}.",
    )
    return axes
