"""A plot of the container image: its commands, who calls each, and what it runs."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from helpers.plots.figures import BLUE, GREY, WIDEST, shown, styled
from helpers.plots.many import listed

if TYPE_CHECKING:  # plots know nothing of images but how a command is described
    from helpers.image.commands import Command

__all__ = ["commands"]
__dir__ = __all__.copy

HEIGHT, GAP = 0.95, 0.4  # inches: of a box, and between two
CALLERS, COMMANDS, WORK = (0.0, 2.8), (3.45, 1.25), (5.45, 4.05)  # left edge and width of each column
EDGE = 0.15  # of the image around its commands


@styled
def commands(known: Mapping[str, "Command"]) -> Axes:
    """Draw one image with its commands: on the left who calls each, on the right what it runs."""
    depth = len(known) * (HEIGHT + GAP) - GAP
    figure = plt.figure(figsize=(WIDEST, depth + 0.75), layout="none")
    axes = figure.add_axes((0, 0, 1, 1))  # in inches
    axes.set_xlim(-0.05, WIDEST - 0.05)
    axes.set_ylim(-depth - 0.25, 0.5)
    axes.axis("off")
    left, width = COMMANDS
    _box(axes, left - EDGE, -depth - EDGE, width + 2 * EDGE, depth + 2 * EDGE, face="#EAF3F9", edge=BLUE)
    heads = ((CALLERS, "starts a container"), (COMMANDS, "one image"), (WORK, "what runs in it"))
    for (start, wide), words in heads:
        axes.text(start + wide / 2, 0.32, words, ha="center", va="center", fontsize=12, color=GREY)
    for number, (name, command) in enumerate(known.items()):
        bottom = -number * (HEIGHT + GAP) - HEIGHT
        work = [*_modules(command.runs), command.reads, command.leaves]
        for (start, wide), lines in ((CALLERS, command.callers), (WORK, work)):
            _box(axes, start, bottom, wide, HEIGHT, face="white", edge=GREY)
            _words(axes, start + wide / 2, bottom + HEIGHT / 2, lines)
        _box(axes, left, bottom, width, HEIGHT, face=BLUE, edge=BLUE)
        axes.text(
            left + width / 2, bottom + HEIGHT / 2, name, ha="center", va="center", color="white", fontsize=14
        )
        for (start, wide), end in ((CALLERS, left), (COMMANDS, WORK[0])):
            axes.annotate(
                "",
                (end, bottom + HEIGHT / 2),
                (start + wide, bottom + HEIGHT / 2),
                arrowprops={"arrowstyle": "-|>", "color": GREY, "shrinkA": 0, "shrinkB": 0},
            )
    told = [f"{name} is called by {', '.join(one.callers)}" for name, one in known.items()]
    shown(figure, f"One image with {len(known)} commands: {listed(told)}.")
    return axes


def _modules(names: Sequence[str]) -> list[str]:
    """Modules of one package in as few words as possible: `tabular.jobs: train, refit`."""
    package = names[0].rpartition(".")[0]
    return textwrap.wrap(f"{package}: {', '.join(name.rpartition('.')[2] for name in names)}", 44)


def _words(axes: Axes, x: float, y: float, lines: Sequence[str]) -> None:
    axes.text(x, y, "\n".join(lines), ha="center", va="center", fontsize=11, linespacing=1.35)


def _box(axes: Axes, x: float, y: float, width: float, height: float, face: str, edge: str) -> None:
    box = FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0,rounding_size=0.08")
    box.set(facecolor=face, edgecolor=edge)
    axes.add_patch(box)
