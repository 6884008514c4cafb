"""Plots of a pipeline: which step waits for which, what can come of an execution, and what is searched."""

import json
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from tabular.spec.columns import Family
from tabular.spec.estimators import Algorithm, Categorical, Continuous, Integer

from helpers.plots.figures import BLUE, GREY, LIGHT, VERMILION, WIDEST, shown, styled
from helpers.plots.many import listed

__all__ = ["graph", "ranges"]
__dir__ = __all__.copy

COLORS = {
    "Processing": "#CFE3F1",
    "Tuning": "#FBE3B3",
    "Training": "#BFE6D9",
    "Condition": "#FFF6B8",
    "RegisterModel": "#BFE6D9",
    "Fail": "#F6C9AE",
    "Outcome": "#FFFFFF",
}
OUTCOMES = {"Fail": "failure", "RegisterModel": "new version", "Outcome": "no new version"}
OTHER = "#EEEEEE"  # for a type of step that has no colour yet
BOX_HEIGHT, GAP, LINE_GAP = 0.86, 0.4, 0.3  # inches
WORDS = 14  # characters of a box's line

ROW_HEIGHT = 0.32  # inches of a hyperparameter
SIDES = (-1.3, 1.2)  # of the picture of ranges, of which each goes from 0 to 1


@styled
def graph(definition: str) -> Axes:
    """Draw the steps of a pipeline definition from left to right, each after the steps that it waits for."""
    nodes, edges = _graph(json.loads(definition)["Steps"])
    column: dict[str, int] = {}
    for name in nodes:  # the steps that a step needs come before it
        column[name] = max((column[a] + 1 for a, b, _ in edges if b == name), default=0)
    columns, deepest = max(column.values()) + 1, 0
    width = min(1.7, (WIDEST - GAP * (columns - 1)) / columns - 0.04)
    place: dict[str, tuple[float, float]] = {}
    for name in nodes:
        row = [other for other in nodes if column[other] == column[name]].index(name)
        place[name] = (column[name] * (width + GAP), -row * (BOX_HEIGHT + LINE_GAP))
        deepest = max(deepest, row)
    top, bottom = BOX_HEIGHT + 0.05, -deepest * (BOX_HEIGHT + LINE_GAP) - 0.05
    size = (columns * (width + GAP) - GAP + 0.1, top - bottom)
    figure = plt.figure(figsize=size, layout="none")
    axes = figure.add_axes((0, 0, 1, 1))  # inches of the page
    axes.set_xlim(-0.05, size[0] - 0.05)
    axes.set_ylim(bottom, top)
    axes.axis("off")
    for before, after, label in _direct(edges):
        _arrow(axes, place[before], place[after], width, label)
    for name, kind in nodes.items():
        x, y = place[name]
        box = FancyBboxPatch((x, y), width, BOX_HEIGHT, boxstyle="round,pad=0,rounding_size=0.08")
        box.set(facecolor=COLORS.get(kind, OTHER), edgecolor=GREY)
        axes.add_patch(box)
        words = textwrap.fill(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name), WORDS)
        words += f"\n{OUTCOMES[kind]}" if kind in OUTCOMES else ""
        axes.text(x + width / 2, y + BOX_HEIGHT / 2, words, va="center", ha="center", fontsize=11)
    told = [f"{OUTCOMES[kind]} ({name})" for name, kind in nodes.items() if kind in OUTCOMES]
    steps = [name for name, kind in nodes.items() if kind not in OUTCOMES]
    ways = f"; an execution ends with one of {listed(told)}" if told else ""
    shown(figure, f"Boxes from left to right, joined by arrows: {', '.join(steps)}{ways}.")
    return axes


@styled
def ranges(family: Family, competing: Mapping[str, Algorithm]) -> Axes:
    """Draw the range of each hyperparameter that is searched, with its default, by algorithm.

    Ticks divide a logarithmic range by powers of ten.
    """
    searched = {
        name: algorithm.estimators[family].hyperparameters
        for name, algorithm in competing.items()
        if family in algorithm.estimators
    }
    rows = [(name, *one) for name, ranges in searched.items() for one in ranges.items()]
    figure, axes = plt.subplots(figsize=(WIDEST, ROW_HEIGHT * len(rows) + 0.5))
    for height, (algorithm, name, allowed) in enumerate(rows):
        if height and rows[height - 1][0] != algorithm:
            axes.plot(SIDES, [height - 0.5] * 2, color=LIGHT, linewidth=1)
        if not height or rows[height - 1][0] != algorithm:
            axes.text(SIDES[0], height, algorithm, va="center", fontsize=11, weight="bold")
        axes.text(-0.24, height, name, va="center", ha="right", fontsize=11)
        _range(axes, height, allowed)
    axes.text(
        0.5,
        -0.9,
        "from the lowest to the highest value, with the default",
        color=GREY,
        va="center",
        ha="center",
        fontsize=11,
    )
    axes.set_xlim(*SIDES)
    axes.set_ylim(len(rows) - 0.4, -1.3)
    axes.axis("off")
    told = [f"{name} {len(ranges)}" for name, ranges in searched.items()]
    shown(figure, f"The range and the default of each hyperparameter that is searched, {listed(told)}.")
    return axes


def _range(axes: Axes, height: int, allowed: Integer | Continuous | Categorical) -> None:
    """A line from the lowest value to the highest, or the names in a row; the default is marked."""
    if isinstance(allowed, Categorical):
        for number, name in enumerate(allowed.values):
            is_default = name == allowed.default
            color, weight = (VERMILION, "bold") if is_default else ("black", "normal")
            place = number / max(1, len(allowed.values) - 1)
            axes.text(place, height, name, color=color, weight=weight, va="center", ha="center", fontsize=11)
        return
    scale = math.log10 if allowed.scale == "Logarithmic" else float
    low, high, default = (scale(value) for value in (allowed.low, allowed.high, allowed.default))
    axes.plot([0, 1], [height, height], color=BLUE, linewidth=2)
    if allowed.scale == "Logarithmic":
        decades = [(one - low) / (high - low) for one in range(math.ceil(low), math.floor(high) + 1)]
        # Taller than the diamond of the default, which may stand on one.
        axes.plot(decades, [height] * len(decades), "|", color=BLUE, markersize=16)
    axes.plot((default - low) / (high - low), height, "D", color=VERMILION)
    axes.text(-0.04, height, f"{allowed.low:g}", va="center", ha="right", fontsize=11)
    axes.text(1.04, height, f"{allowed.high:g}", va="center", fontsize=11)


def _arrow(
    axes: Axes, before: tuple[float, float], after: tuple[float, float], width: float, label: str
) -> None:
    """An arrow from the right of a box to the left of another, which may stand lower."""
    start, end = (before[0] + width, before[1] + BOX_HEIGHT / 2), (after[0], after[1] + BOX_HEIGHT / 2)
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": GREY, "shrinkA": 0, "shrinkB": 0})
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    axes.text(*middle, label, ha="center", va="center", fontsize=11, bbox=behind if label else None)


def _direct(edges: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """The edges without those that follow from others: who waits for a step waits for what it waits for."""
    after: dict[str, set[str]] = {}
    for before, name, _ in edges:
        after.setdefault(before, set()).add(name)

    def reached(name: str) -> set[str]:
        return {name}.union(*(reached(other) for other in after.get(name, ())))

    return [
        (before, name, label)
        for before, name, label in edges
        if not any(name in reached(other) for other in after[before] - {name})
    ]


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
