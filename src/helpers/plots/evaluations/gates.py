"""The gate as a picture: what a model has reached, what it had to reach, and what is in service."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from tabular.spec.documents.reports import Report
from tabular.spec.metrics import direction

from helpers import display
from helpers.plots.figures import BLACK, BLUE, GREEN, LIGHT, VERMILION, shown, styled
from helpers.plots.many import listed

__all__ = ["gate"]
__dir__ = __all__.copy

LABELLED = 60  # data sets whose names have room
NOTHING = "No model was evaluated, so there is no gate to plot; run the pipeline of a data set first."


@styled
def gate(reports: Mapping[str, Report]) -> Sequence[Axes]:
    """Plot the gate's metric of all models with its interval, its threshold, and the version in service.

    A line for each data set, in a panel for each metric; where more than a few are below their threshold,
    they stand at the bottom.
    """
    if not reports:
        display.say(NOTHING)
        return []
    panels: dict[str, list[tuple[str, Report]]] = {}
    for name, report in reports.items():
        panels.setdefault(report["gate"]["metric"], []).append((name, report))
    many = len(reports) > LABELLED
    step = 9 / len(reports) if many else 0.5 if len(reports) <= 12 else 0.24
    heights = [max(0.5, step * len(rows)) + 0.8 for rows in panels.values()]
    figure, grid = plt.subplots(
        len(panels), 1, figsize=(9.6, sum(heights) + 0.5), height_ratios=heights, squeeze=False
    )
    told = []
    for axes, (metric, rows) in zip(grid[:, 0], panels.items(), strict=True):
        rows.sort(key=lambda one: one[1]["gate"]["threshold_margin"])
        for place, (name, report) in enumerate(rows):
            _line(axes, place, report)
            told.append(_in_words(name, report))
        names = [name for name, _ in rows]
        axes.set_yticks([] if many else range(len(rows)), None if many else names)
        axes.set_ylim(-0.7, len(rows) - 0.3)
        axes.set_xlabel(f"{metric} on held-out rows ({direction(metric)})")
        axes.grid(axis="x")
    _legend(grid[0, 0])
    failed = sum(report["gate"]["threshold_margin"] < 0 for report in reports.values())
    few = told if len(told) <= 6 else told[:6]
    models = f"{len(reports)} model{'s' if len(reports) > 1 else ''}"
    about = f"The gate of {models}, {failed} of them below their threshold"
    shown(figure, f"{about}: {listed(few, len(told) - len(few))}.")
    return list(grid[:, 0])


def _line(axes: Axes, place: int, report: Report) -> None:
    found = report["gate"]
    spread = report["intervals"].get(found["metric"])
    if spread:
        axes.plot(
            [spread["low"], spread["high"]],
            [place, place],
            color=LIGHT,
            linewidth=6,
            zorder=1,
            solid_capstyle="butt",
        )
    passed = found["threshold_margin"] >= 0
    axes.plot([found["threshold"]] * 2, [place - 0.38, place + 0.38], color=BLACK, linewidth=2, zorder=2)
    if found["champion_value"] is not None:
        axes.plot(found["champion_value"], place, "D", color=GREEN, markerfacecolor="white", zorder=3)
    axes.plot(found["value"], place, "o" if passed else "X", color=BLUE if passed else VERMILION, zorder=4)


def _legend(axes: Axes) -> None:
    """What the signs mean; drawn without data, so that all are there whatever the models are like."""
    signs = (
        ("this model", {"marker": "o", "color": BLUE, "linestyle": "none"}),
        ("below its threshold", {"marker": "X", "color": VERMILION, "linestyle": "none"}),
        ("95% interval", {"color": LIGHT, "linewidth": 6}),
        ("threshold", {"marker": "|", "color": BLACK, "linestyle": "none", "markersize": 14}),
        ("in service", {"marker": "D", "color": GREEN, "markerfacecolor": "white", "linestyle": "none"}),
    )
    handles = [axes.plot([], [], label=label, **how)[0] for label, how in signs]
    axes.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.45, 1), ncols=5)


def _in_words(name: str, report: Report) -> str:
    """In words: `wine auc 1 of at least 0.9, in service 0.99`."""
    found = report["gate"]
    bound = "at least" if direction(found["metric"]) == "higher is better" else "at most"
    champion = found["champion_value"]
    beside = "" if champion is None else f", in service {champion:.3g}"
    return f"{name} {found['metric']} {found['value']:.3g} of {bound} {found['threshold']:.3g}{beside}"
