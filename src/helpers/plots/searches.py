"""Plots of searches: which trial won, and was the tuning worth it? Functions return the Axes they drew on."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import blended_transform_factory

from helpers import display
from helpers.plots.figures import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    LIGHT,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    panels,
    shown,
    styled,
)
from helpers.plots.many import CROWD, FEW, listed
from helpers.runs.searches import Search

__all__ = ["best_so_far", "trials"]
__dir__ = __all__.copy

NOTHING = "No search has ended, so there are no trials to plot; run the pipeline of a data set first."
ALGORITHMS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
MARKERS = "osD^vP*"
REACH = 4  # scores are drawn as far from the best one as this, in its distances from the median
LONGEST = 20  # letters of a scorer's name on one line beside a panel
LABELLED = 60  # data sets whose names have room


@styled
def trials(searches: Mapping[str, Search]) -> Sequence[Axes]:
    """Plot the cross-validation score of every trial, by algorithm, with whiskers over its folds.

    A ring marks each data set's best, a vermilion dot a member of its ensemble: the larger, the more it
    weighs. A dashed line is the score of a model that ignores all columns. Scores that are far below are
    arrows at the edge; trials without a score are counted beside their algorithm. Of many data sets, one plot
    shows all trials of all of them, on the way from the dashed line to the best one.

    Args:
        searches: as `runs.search` returns them, by data set.
    """
    if not searches:
        display.say(NOTHING)
        return []
    if len(searches) > FEW:
        return [_strip(searches)]
    names = sorted({name for one in searches.values() for name in one.trials["algorithm"]}, reverse=True)
    figure, grid = panels(len(searches), 0.42 * len(names) + 1.6, sharey=True)
    for axes, (dataset, one) in zip(grid, searches.items(), strict=True):
        _trials(axes, one, names)
        axes.set_title(dataset)
        axes.set_yticks(range(len(names)), names)
    told = [f"{name} {_best(one)}" for name, one in searches.items()]
    shown(figure, f"Cross-validation scores of all trials by algorithm, the best ringed: {listed(told)}.")
    return grid


@styled
def best_so_far(searches: Mapping[str, Search]) -> Sequence[Axes]:
    """Plot the best score after each trial, in the order in which they began: was the tuning worth it?

    Args:
        searches: as `runs.search` returns them, by data set.
    """
    scored = {name: one for name, one in searches.items() if one.trials["score"].notna().any()}
    if not scored:
        display.say(NOTHING)
        return []
    if len(scored) > FEW:
        return [_all_so_far(scored)]
    figure, grid = panels(len(scored), 2.7)
    for axes, (dataset, one) in zip(grid, scored.items(), strict=True):
        scores = _in_order(one)
        low, high = _limits(one)
        near = scores >= low
        axes.plot(scores.index[near], scores[near], "o", color=GREY, alpha=0.6, markersize=5)
        axes.plot(scores.index[~near], [low] * int((~near).sum()), "v", color=GREY, alpha=0.6, markersize=6)
        axes.step(scores.index, scores.cummax(), where="post", color=BLUE)
        if one.dummy_score is not None and one.dummy_score >= low:
            axes.axhline(one.dummy_score, color=BLACK, linestyle="--", linewidth=1)
        axes.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
        axes.set_title(dataset)
        axes.set_xlabel("trials, in their order")
        axes.set_ylabel(_folded(_scorer(one)))
        axes.locator_params("y", nbins=5)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    told = [f"{name} {_last_gain(one)}" for name, one in scored.items()]
    shown(figure, f"The best score so far over the trials: {listed(told)}.")
    return grid


def _folded(name: str) -> str:
    """A scorer's name in lines that are no longer than a panel is high."""
    return "_\n".join(wrap(name.replace("_", " "), LONGEST)).replace(" ", "_")


def _trials(axes: Axes, one: Search, names: Sequence[str]) -> None:
    table = one.trials
    heights = table["algorithm"].map({name: height for height, name in enumerate(names)})
    scored = table["score"].notna()
    if scored.any():
        low, high = _limits(one)
        near = scored & (table["score"] >= low)
        folds = near & table["lowest"].notna()
        axes.hlines(
            heights[folds],
            table["lowest"][folds].clip(lower=low),
            table["highest"][folds],
            color=LIGHT,
            linewidth=1.5,
        )
        axes.scatter(table["score"][near], heights[near], s=30, alpha=0.7, color=BLUE, zorder=2)
        best = table["score"].idxmax()
        ring = {"facecolors": "none", "edgecolors": VERMILION, "linewidths": 2, "zorder": 3}
        axes.scatter(table["score"][best], heights[best], s=280, **ring)
        member = near & table["weight"].notna()
        if member.any():
            size = 30 + 80 * table["weight"][member]
            axes.scatter(table["score"][member], heights[member], s=size, color=VERMILION, zorder=3)
        _arrows(axes, table[scored & ~near], heights)
        _baseline(axes, one, low, len(names) - 0.4)
        right = float(max(high, table["highest"][near].max())) if folds.any() else high
        axes.set_xlim(low - 0.06 * (right - low), right + 0.04 * (right - low))
    for name, without in table[~scored].groupby("algorithm"):
        counts = without["state"].value_counts()
        words = ", ".join(f"{count} {state}" for state, count in counts.items())
        place = (0.01, names.index(name) + 0.16)
        axes.annotate(words, place, xycoords=("axes fraction", "data"), fontsize=11, color=GREY)
    axes.set_ylim(-0.6, len(names))
    axes.set_xlabel(f"{_scorer(one)}\n(cross-validated; higher is better)")
    axes.grid(axis="x")
    axes.locator_params("x", nbins=5)


def _arrows(axes: Axes, far: pd.DataFrame, heights: pd.Series) -> None:
    """Trials whose scores are below what is drawn, as an arrow at the left edge with the lowest score."""
    edge = blended_transform_factory(axes.transAxes, axes.transData)
    for height, rows in far.groupby(heights[far.index]):
        axes.plot(0.02, height, marker="<", color=GREY, transform=edge, linestyle="none")
        count = f"{len(rows)} trials, " if len(rows) > 1 else ""
        words = f"{count}{'down to ' if count else ''}{rows['score'].min():.3g}"
        axes.text(0.05, height + 0.14, words, transform=edge, fontsize=11, color=GREY)


def _baseline(axes: Axes, one: Search, low: float, height: float) -> None:
    """The score of a model that looks at no column: a line, or an arrow if it is below what is drawn.

    Its name stands at a height above all algorithms.
    """
    if one.dummy_score is None:
        return
    if one.dummy_score >= low:
        axes.axvline(one.dummy_score, color=BLACK, linestyle="--", linewidth=1)
        words, place, how = " baseline", (one.dummy_score, height), {"xycoords": "data"}
    else:
        words, place = f"◂ baseline: {one.dummy_score:.3g}", (0.01, height)
        how = {"xycoords": ("axes fraction", "data")}
    axes.annotate(words, place, fontsize=11, **how)


def _limits(one: Search) -> tuple[float, float]:
    """From where to where scores are drawn: the best ones, and as many others as leave these legible."""
    scores = one.trials["score"].dropna()
    best, middle = float(scores.max()), float(scores.median())
    low = max(float(scores.min()), best - REACH * max(best - middle, 1e-12))
    if one.dummy_score is not None and low > one.dummy_score >= best - 2 * (best - low):
        low = one.dummy_score
    return (low, best) if low < best else (best - max(abs(best), 1e-6) * 0.05, best)


def _strip(searches: Mapping[str, Search]) -> Axes:
    """All trials of many data sets, a line for each: from a model without columns to the best trial."""
    ways = {name: _way(one) for name, one in searches.items() if one.trials["score"].notna().any()}
    names = sorted(ways, key=lambda name: ways[name]["way"].median())
    won = pd.Series({name: ways[name]["algorithm"].iloc[0] for name in names})
    height = 0.22 * len(names) + 1.6 if len(names) <= LABELLED else 9
    figure, axes = plt.subplots(figsize=(9.6, height))
    for place, name in enumerate(names):
        axes.plot([0, 1], [place, place], color=LIGHT, linewidth=0.6, zorder=0)
        axes.plot(ways[name]["way"], [place] * len(ways[name]), "|", color=GREY, markersize=6, zorder=1)
    for (algorithm, count), color, marker in zip(
        won.value_counts().items(), ALGORITHMS, MARKERS, strict=False
    ):
        places = np.flatnonzero(won == algorithm)
        label = f"{algorithm} won {count}"
        axes.scatter([1] * len(places), places, s=36, color=color, marker=marker, label=label, zorder=2)
    axes.set_yticks(range(len(names)), names) if len(names) <= LABELLED else axes.set_yticks([])
    axes.set_ylim(-0.8, len(names) - 0.2)
    axes.set_xlim(-0.04, 1.03)
    axes.set_xlabel("trials, from the baseline (0, or the edge if below) to the best trial (1)")
    axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3)
    told = [f"{algorithm} won {count}" for algorithm, count in won.value_counts().items()]
    shown(
        figure,
        f"All trials of {len(names)} data sets, each between its baseline and its best: {listed(told)}.",
    )
    return axes


def _way(one: Search) -> pd.DataFrame:
    """The trials of a search, the best first, and how far each is on the way to the best one, 0 to 1."""
    scored = one.trials.dropna(subset="score")
    best = scored["score"].max()
    start = scored["score"].min() if one.dummy_score is None else one.dummy_score
    far = best - start
    way = (scored["score"] - start) / far if far > 0 else (scored["score"] >= best).astype(float)
    return scored.assign(way=way.clip(0, 1)).sort_values("score", ascending=False, kind="stable")


def _all_so_far(searches: Mapping[str, Search]) -> Axes:
    """How far the best trial so far of each of many data sets is on the way to its best; and their median."""
    figure, axes = plt.subplots(figsize=(9, 3.8))
    longest = max(len(one.trials) for one in searches.values())
    curves = []
    for one in searches.values():
        way = _way(one).set_index("number")["way"].sort_index().cummax()
        curves.append(way.reindex(range(1, longest + 1)).ffill().fillna(0))
        axes.step(curves[-1].index, curves[-1], where="post", **CROWD)
    middle = pd.concat(curves, axis=1).median(axis=1)
    axes.step(middle.index, middle, where="post", color=BLUE, label="median of the data sets")
    axes.set_xlabel("trials, in their order")
    axes.set_ylabel("share of the way\nto the best trial")
    axes.set_ylim(-0.05, 1.05)
    axes.legend(loc="lower right")
    half = int((middle >= 0.99).idxmax())
    shown(
        figure,
        f"The best score so far of {len(searches)} data sets over the trials; half of them have nearly their "
        f"best score after {half} of {longest} trials.",
    )
    return axes


def _in_order(one: Search) -> pd.Series:
    """The scores of the trials that have one, by their number."""
    return one.trials.dropna(subset="score").set_index("number")["score"].sort_index()


def _last_gain(one: Search) -> str:
    """In words: `was -0.31 with the first trial, and best, -0.28, with trial 9 of 12`."""
    scores = _in_order(one)
    return (
        f"had {scores.iloc[0]:.3g} with its first trial and its best, {scores.max():.3g}, with trial "
        f"{scores.idxmax()} of {len(one.trials)}"
    )


def _best(one: Search) -> str:
    """The best trial: `LightGBM with 0.98 of 20 trials, baseline 0.5`."""
    scored = one.trials.dropna(subset="score")
    if scored.empty:
        return "without a score"
    best = scored.loc[scored["score"].idxmax()]
    beat = "" if one.dummy_score is None else f", baseline {one.dummy_score:.3g}"
    return f"{best['algorithm']} with {best['score']:.3g} of {len(one.trials)} trials{beat}"


def _scorer(one: Search) -> str:
    return one.scorer or "score"
