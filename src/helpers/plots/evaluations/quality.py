"""Plots of EvaluateBestModel's reports; every function shows its figures and returns the Axes it drew on."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from tabular.spec.columns import Task
from tabular.spec.documents.reports import Report, Residuals, quality
from tabular.spec.metrics import METRICS

from helpers import display
from helpers.plots.figures import BLUE, GREY, LIGHT, SKY, VERMILION, panels, shown, styled
from helpers.plots.many import listed, note, worst

__all__ = ["differences", "errors", "importance", "intervals"]
__dir__ = __all__.copy

Reports = Mapping[str, Report]
MOST_CLASSES = 20
MOST_COLUMNS = 10
MOST_NUMBERS = 8  # classes of a matrix whose counts have room
MOST_LETTERS = 22  # of a column's name
SHARES = LinearSegmentedColormap.from_list("shares", ["white", BLUE])
UNEVALUATED = "No model was evaluated, so there is nothing to plot; run the pipeline of a data set first."


@styled
def intervals(reports: Reports) -> Sequence[Axes]:
    """Plot every metric whose best value is 1, with its interval, for each data set.

    Of many data sets, the worst are drawn; `gates.gate` shows all of them.
    """
    return _panels(
        reports,
        lambda _: True,
        _intervals,
        "Metrics on held-out rows with their intervals",
        _gate_metric,
        UNEVALUATED,
        height=2.5,
    )


@styled
def errors(reports: Reports) -> Sequence[Axes]:
    """Plot where each model is wrong: a confusion matrix for classification, residuals for regression."""
    about = "Where each model is wrong: confusion matrices of classes, residuals of numbers"
    return _panels(reports, lambda _: True, _errors, about, _mistakes, UNEVALUATED, height=3.4)


@styled
def importance(reports: Reports) -> Sequence[Axes]:
    """Plot how much worse the gate's metric gets when a column is shuffled, for the ten that matter most."""
    return _panels(
        reports,
        lambda report: bool(report["permutation_importance"]),
        _importance,
        "How much worse the gate's metric gets when a column is shuffled",
        _most_important,
        "All of these tables have too many columns to shuffle each, so there is no importance to plot.",
        height=3.6,
    )


@styled
def differences(reports: Reports) -> Sequence[Axes]:
    """Plot the improvement over the version in service with its interval, and the largest loss allowed."""
    return _panels(
        reports,
        lambda report: bool((report.get("champion") or {}).get("metrics")),
        _difference,
        "Improvement over the version in service with its interval",
        _improvement,
        "No version of these tables was in service when they were evaluated, so there is nothing to compare "
        "with; approve one, and the next version is compared with it.",
        height=1.9,
    )


def _panels(
    reports: Reports,
    suits: Callable[[Report], bool],
    draw: Callable[[Axes, Report], None],
    about: str,
    told: Callable[[Report], str],
    otherwise: str,
    height: float,
) -> Sequence[Axes]:
    """Draw a panel for each report that suits, two in a row; if none does, say what to do instead.

    Of many, the worst are drawn: those that exceed their threshold least.
    """
    suitable = {name: report for name, report in reports.items() if suits(report)}
    if not suitable:
        display.say(otherwise)
        return []
    chosen, more = worst(suitable, lambda report: -report["gate"]["threshold_margin"])
    figure, grid = panels(len(chosen), height, foot=0.3 * bool(more))
    for axes, (name, report) in zip(grid, chosen.items(), strict=True):
        axes.set_title(f"{name} (positive: {report['positive']})" if "positive" in report else name)
        draw(axes, report)
    note(grid[0], len(chosen), more, "the worst")
    shown(figure, f"{about}: {listed((f'{name} {told(one)}' for name, one in chosen.items()), more)}.")
    return grid


def _intervals(axes: Axes, report: Report) -> None:
    found = quality(report)
    names = [name for name in report["intervals"] if _best_is_one(name, report["model"]["task"])][::-1]
    for height, name in enumerate(names):
        spread = report["intervals"][name]
        axes.plot(
            [spread["low"], spread["high"]], [height, height], color=LIGHT, linewidth=6, solid_capstyle="butt"
        )
        chosen = name == report["gate"]["metric"]
        axes.plot(found[name]["value"], height, "D" if chosen else "o", color=VERMILION if chosen else BLUE)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    _label(axes, "on held-out rows (higher is better)", "")
    axes.grid(axis="x")


def _gate_metric(report: Report) -> str:
    """The gate's metric in words: `auc 0.995 (0.98 to 1)`."""
    metric = report["gate"]["metric"]
    spread = report["intervals"].get(metric)
    words = f" ({spread['low']:.3g} to {spread['high']:.3g})" if spread else ""
    return f"{metric} {quality(report)[metric]['value']:.3g}{words}"


def _best_is_one(name: str, task: Task) -> bool:
    """Whether a metric fits the axis that all metrics in a panel share."""
    metric = METRICS[task].get(name)  # an older report may have a metric that no longer exists
    return metric is not None and metric.greater_is_better and metric.unit == "share"


def _errors(axes: Axes, report: Report) -> None:
    if "residuals" in report:
        _residuals(axes, report["residuals"])
    elif len(quality(report)["confusion_matrix"]) > MOST_CLASSES:
        axes.text(0.5, 0.5, "too many classes to plot", ha="center", va="center", transform=axes.transAxes)
        axes.axis("off")
    else:
        _confusion(axes, quality(report)["confusion_matrix"])


def _mistakes(report: Report) -> str:
    """In words: `2 of 36 rows wrong`, or how far off a number is at the median."""
    if "residuals" in report:
        return f"off by {np.median(np.abs(report['residuals']['residual'])):.3g} at the median"
    counts = quality(report)["confusion_matrix"]
    total = sum(sum(row.values()) for row in counts.values())
    right = sum(row.get(label, 0) for label, row in counts.items())
    return f"{total - right} of {total} rows wrong"


def _confusion(axes: Axes, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Draw the counts, coloured by fraction of each label's rows, so that rare classes are visible."""
    labels, matrix = list(counts), np.array([list(row.values()) for row in counts.values()])
    shares = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap=SHARES, vmin=0, vmax=1, aspect="auto")
    if len(labels) <= MOST_NUMBERS:
        for (row, column), count in np.ndenumerate(matrix):
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, count, ha="center", va="center", color=color)
    turned = sum(map(len, labels)) > MOST_LETTERS
    axes.set_xticks(range(len(labels)), labels, rotation=90 if turned else 0)
    axes.set_yticks(range(len(labels)), labels)
    _label(axes, "predicted", "label")


def _residuals(axes: Axes, found: Residuals) -> None:
    axes.axhline(0, color=GREY, linestyle=":", linewidth=1)
    axes.scatter(found["predicted"], found["residual"], s=20, alpha=0.6, color=BLUE)
    _label(axes, "prediction", "prediction minus label")


def _importance(axes: Axes, report: Report) -> None:
    most = list(report["permutation_importance"].items())[:MOST_COLUMNS][::-1]
    means, spreads = ([one[name] for _, one in most] for name in ("mean", "standard_deviation"))
    axes.barh(range(len(most)), means, xerr=spreads, color=SKY, ecolor=GREY)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(range(len(most)), [_shortened(name) for name, _ in most])
    axes.set_ylim(-0.6, len(most) - 0.4)
    axes.locator_params("x", nbins=4)  # more of small numbers, such as 0.0025, would touch each other
    _label(axes, f"how much worse {report['gate']['metric']} gets", "")


def _most_important(report: Report) -> str:
    """The three columns that matter most: `age (0.12), height (0.03)`."""
    most = list(report["permutation_importance"].items())[:3]
    return ", ".join(f"{name} ({one['mean']:.3g})" for name, one in most)


def _difference(axes: Axes, report: Report) -> None:
    gate = report["gate"]
    metric, found = _compared(report)
    passes = gate["champion_margin"] >= 0
    axes.plot([found["low"], found["high"]], [0, 0], color=LIGHT, linewidth=6, solid_capstyle="butt")
    axes.plot(found["difference"], 0, "o" if passes else "X", color=BLUE if passes else VERMILION)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.axvline(-gate["allowed_loss"], color="black", linestyle="--", linewidth=1)
    axes.annotate("limit", (-gate["allowed_loss"], 0.7), (-4, 0), ha="right", textcoords="offset points")
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-1, 1)
    axes.set_yticks([])
    _label(axes, f"improvement in {metric} over version {gate['champion_version']}", "")
    axes.margins(x=0.35)
    axes.locator_params("x", nbins=4)


def _compared(report: Report) -> tuple[str, Mapping[str, float]]:
    """By which metric both versions are compared, and the difference; an older report does not say."""
    metric = report["gate"].get("compared_by", report["gate"]["metric"])
    return metric, report["champion"]["metrics"][metric]


def _improvement(report: Report) -> str:
    """In words: `auc +0.012 (-0.003 to 0.02), a loss of 0.01 allowed`."""
    metric, found = _compared(report)
    spread = f"({found['low']:.3g} to {found['high']:.3g})"
    allowed = report["gate"]["allowed_loss"]
    return f"{metric} {found['difference']:+.3g} {spread}, a loss of {allowed:.3g} allowed"


def _label(axes: Axes, across: str, up: str) -> None:
    axes.set_xlabel(across)
    axes.set_ylabel(up)


def _shortened(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
