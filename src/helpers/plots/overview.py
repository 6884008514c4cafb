"""Plots of pipelines, targets, trials, latency and capacity; every function returns the Axes it drew on."""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from helpers.data.datasets import Dataset
from helpers.plots.many import note, worst

__all__ = ["capacity", "graph", "latency", "targets", "trials"]

COLORS = {
    "Processing": "#c6dbef",
    "Tuning": "#fdd0a2",
    "Training": "#c7e9c0",
    "Condition": "#fff2ae",
    "RegisterModel": "#dadaeb",
    "Fail": "#f9c0c0",
    "Outcome": "#ffffff",
}
OTHER = "#eeeeee"  # for a type of step that has no colour yet
BOX_WIDTH, BOX_HEIGHT = 2.8, 0.9
BOX = {"boxstyle": "round,pad=0.05", "edgecolor": "#666666"}
SMALL = {"fontsize": 8, "ha": "center"}


def graph(definition: str) -> Axes:
    """Draw the steps of a pipeline definition from left to right, each after the steps that it waits for."""
    nodes, edges = _graph(json.loads(definition)["Steps"])
    column: dict[str, int] = {}
    for name in nodes:  # the steps that a step needs come before it
        column[name] = max((column[a] + 1 for a, b, _ in edges if b == name), default=0)
    rows = {name: [n for n in nodes if column[n] == column[name]].index(name) for name in nodes}
    place = {name: (3.6 * column[name], -1.5 * rows[name]) for name in nodes}
    deepest = max(rows.values())
    _, axes = plt.subplots(figsize=(1.75 * (max(column.values()) + 1), 1.7 + 0.6 * deepest))
    for before, after, label in edges:
        (x0, y0), (x1, y1) = place[before], place[after]
        arrow = {"arrowstyle": "->", "color": "#666666"}
        if column[after] - column[before] > 1:  # above the steps in between
            start, end = (x0 + BOX_WIDTH / 2, y0 + BOX_HEIGHT), (x1 + BOX_WIDTH / 2, y1 + BOX_HEIGHT)
            arrow["connectionstyle"] = "arc3,rad=-0.18"
        else:
            start, end = (x0 + BOX_WIDTH, y0 + BOX_HEIGHT / 2), (x1, y1 + BOX_HEIGHT / 2)
        axes.annotate("", end, start, arrowprops=arrow)
        axes.text((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.1, label, **SMALL)
    for name, kind in nodes.items():
        x, y = place[name]
        axes.add_patch(
            FancyBboxPatch((x, y), BOX_WIDTH, BOX_HEIGHT, facecolor=COLORS.get(kind, OTHER), **BOX)
        )
        words = textwrap.fill(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name), 16)
        axes.text(x + BOX_WIDTH / 2, y + BOX_HEIGHT / 2, words, va="center", **SMALL)
    axes.set_xlim(-0.3, 3.6 * max(column.values()) + BOX_WIDTH + 0.3)
    axes.set_ylim(-1.5 * deepest - 0.3, BOX_HEIGHT + 1.3)
    axes.axis("off")
    return axes


def capacity(sized: pd.DataFrame) -> Sequence[Axes]:
    """Plot hit ratio, p99 and cost of each model over the number of models, of `cost.capacity.by_models`."""
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), sharex=True)
    shown = (
        ("hit ratio", "hit ratio"),
        ("p99 ms", "p99, ms"),
        ("for each model", "dollars a month, each model"),
    )
    for one, (column, label) in zip(axes, shown, strict=True):
        if sized.empty:
            one.text(0.5, 0.5, "no instances hold p99", ha="center", va="center", transform=one.transAxes)
        else:
            one.plot(sized.index, sized[column], "o-", markersize=4, color="#3182bd")
        one.set_xscale("log")
        one.set_xlabel("models")
        one.set_title(label, fontsize=9)
        one.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylim(0, 1.05)
    axes[1].set_ylim(bottom=0)
    axes[2].set_yscale("log")
    figure.tight_layout()
    return list(axes)


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
    heights = [0.55 * len(of_classes) + 0.3] * bool(of_classes) + [1.6] * len(of_numbers)
    figure, all_axes = plt.subplots(
        len(heights), 1, figsize=(7, sum(heights) + 0.4 * len(heights)), height_ratios=heights, squeeze=False
    )
    for axes, table in zip(all_axes[len(heights) - len(of_numbers) :, 0], of_numbers, strict=True):
        axes.hist(table.read()[table.target].dropna(), bins=30, color="#9ecae1", edgecolor="white")
        axes.set_title(f"{table.name}: {table.target}", loc="left", fontsize=10)
        axes.set_ylabel("rows")
    if of_classes:
        _shares(all_axes[0, 0], {t.name: t.read()[t.target].value_counts().sort_index() for t in of_classes})
    for axes in all_axes[:, 0]:
        axes.spines[["top", "right"]].set_visible(False)
    drawn, more = len(of_classes) + len(of_numbers), more_classes + more_numbers
    note(all_axes[0, 0], drawn, more, "the least balanced")
    figure.tight_layout()
    return list(all_axes[:, 0])


def _shares(axes: Axes, counts: Mapping[str, pd.Series]) -> None:
    for name, labels in counts.items():
        shares, start = labels / labels.sum(), 0.0
        for position, (label, share) in enumerate(shares.items()):
            axes.barh(name, share, left=start, color=plt.get_cmap("Set2")(position % 8), edgecolor="white")
            if share > 0.05:  # a smaller bar has no room for words
                words = f"{label}\n{share:.0%}"
                axes.text(start + share / 2, name, words, ha="center", va="center", fontsize=8)
            start += share
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter("{x:.0%}")
    axes.set_title("Class frequencies", loc="left", fontsize=10)


def trials(leaderboards: Mapping[str, pd.DataFrame]) -> Sequence[Axes]:
    """Plot the cross-validation score of every trial, by algorithm.

    A ring marks each data set's best, an orange dot a member of its ensemble: the larger, the more it weighs.
    Trials without a score are counted beside their algorithm. Of many data sets, the first plot counts the
    best trials, and the others show those with the lowest scores.

    Args:
        leaderboards: as `runs.leaderboard` returns them, by data set.
    """
    few, more = worst(leaderboards, lambda table: -table["score"].max())
    first = [_winners(leaderboards)] if more else []
    columns = min(3, len(few)) if more else len(few)
    rows = -(-len(few) // max(1, columns))
    figure, all_axes = plt.subplots(
        rows, columns, figsize=(3.3 * columns + 1, 2.6 * rows), sharey=True, squeeze=False
    )
    names = sorted({name for table in few.values() for name in table["algorithm"]}, reverse=True)
    for axes, (dataset, table) in zip(all_axes.flat, few.items(), strict=True):
        heights = table["algorithm"].map({name: height for height, name in enumerate(names)})
        axes.scatter(table["score"], heights, s=18, alpha=0.7, color="#3182bd")
        best = table["score"].idxmax()
        axes.scatter(table["score"][best], heights[best], s=90, facecolors="none", edgecolors="#e6550d")
        if table["weight"].notna().any():
            size = 18 + 60 * table["weight"].fillna(0)
            member = table["weight"].notna()
            axes.scatter(table["score"][member], heights[member], s=size[member], color="#e6550d")
        for name, without in table[table["score"].isna()].groupby("algorithm"):
            counts = without["state"].value_counts()
            words = ", ".join(f"{count} {state}" for state, count in counts.items())
            place = (0.01, names.index(name) + 0.18)
            axes.annotate(words, place, xycoords=("axes fraction", "data"), fontsize=6, color="#888888")
        axes.set_title(dataset, fontsize=10)
        axes.set_xlabel("cross-validation score\n(higher is better)")
        axes.set_yticks(range(len(names)), names)
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    note(all_axes[0, 0], len(few), more, "with the lowest scores,")
    figure.tight_layout()
    return [*first, *all_axes.flat]


def _winners(leaderboards: Mapping[str, pd.DataFrame]) -> Axes:
    """Plot how many data sets each algorithm has won."""
    won = pd.Series([table["algorithm"][table["score"].idxmax()] for table in leaderboards.values()])
    counts = won.value_counts().sort_values()
    figure, axes = plt.subplots(figsize=(6, 0.35 * len(counts) + 0.9))
    axes.bar_label(axes.barh(counts.index, counts, color="#9ecae1"), fontsize=8, padding=3)
    axes.set_xlabel(f"data sets won, of {len(leaderboards)}")
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    return axes


def latency(answers: pd.DataFrame) -> Axes:
    """Plot the fraction of requests answered within a time, for each data set."""
    _, axes = plt.subplots(figsize=(6, 2.8))
    if answers.empty:
        axes.text(0.5, 0.5, "no load test was run", ha="center", va="center")
        axes.axis("off")
        return axes
    parts = {dataset: np.sort(part["milliseconds"]) for dataset, part in answers.groupby("data set")}
    few, more = worst(parts, lambda milliseconds: np.quantile(milliseconds, 0.95))
    for milliseconds in parts.values() if more else ():
        axes.plot(milliseconds, np.linspace(0, 1, len(milliseconds)), color="#dddddd", linewidth=0.6)
    for dataset, milliseconds in few.items():
        axes.plot(milliseconds, np.linspace(0, 1, len(milliseconds)), label=dataset)
    note(axes, len(few), more, "in colour, the slowest")
    for share in (0.5, 0.95, 0.99):
        axes.axhline(share, color="#bbbbbb", linestyle=":", linewidth=1)
        axes.annotate(f"p{share * 100:.0f}", (axes.get_xlim()[1], share), fontsize=7, va="center")
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds, measured by the client")
    axes.set_ylabel("fraction of requests")
    axes.legend(fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    if more:
        axes.figure.tight_layout()
    return axes


def _graph(
    steps: Sequence[Mapping[str, Any]], after: str = "", label: str = ""
) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """The type of each step by name, and labelled edges; the branches of a condition follow it.

    If a condition decides whether a model is registered, its empty branch is an outcome too.
    """
    nodes: dict[str, str] = {}
    edges: list[tuple[str, str, str]] = []
    for step in steps:
        name, kind, arguments = step["Name"], step["Type"], dict(step["Arguments"])
        branches = {"yes": arguments.pop("IfSteps", []), "no": arguments.pop("ElseSteps", [])}
        if after:
            edges.append((after, name, label))
        else:
            required = set(re.findall(r'"Steps\.(\w+)', json.dumps(arguments))) & set(nodes)
            edges += [(before, name, "") for before in nodes if before in required]
        nodes[name] = kind
        registers = any(step["Type"] == "RegisterModel" for branch in branches.values() for step in branch)
        for answer, branch in branches.items():
            if registers and not branch:
                nodes["NotRegistered"] = "Outcome"
                edges.append((name, "NotRegistered", answer))
            more_nodes, more_edges = _graph(branch, after=name, label=answer)
            nodes |= more_nodes
            edges += more_edges
    return nodes, edges
