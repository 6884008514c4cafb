"""Plots of EvaluateBestModel's reports; every function returns the Axes it drew on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from tabular.spec.columns import Task
from tabular.spec.documents import Report, Residuals, quality
from tabular.spec.metrics import METRICS

from helpers.plots.many import FEW, note, worst

__all__ = ["calibration", "curves", "differences", "errors", "importance", "intervals"]

Reports = Mapping[str, Report]
MOST_CLASSES = 20
MOST_COLUMNS = 10
CROWD = {"color": "#dddddd", "linewidth": 0.6, "zorder": 0}  # a line of many
BLUE, GREY, ORANGE = "#3182bd", "#bbbbbb", "#e6550d"


def intervals(reports: Reports) -> Sequence[Axes]:
    """Plot every metric whose best value is 1, with its interval, for each data set.

    Of many data sets, the first plot shows the gate's metric of all, and the others the worst.
    """
    if len(reports) > FEW:
        return [_all_intervals(reports), *_panels(reports, lambda _: True, _intervals, "", height=2.6)]
    return _panels(reports, lambda _: True, _intervals, "", height=2.6)


def errors(reports: Reports) -> Sequence[Axes]:
    """Plot where each model is wrong: a confusion matrix for classification, residuals for regression."""
    return _panels(reports, lambda _: True, _errors, "")


def curves(reports: Reports) -> Sequence[Axes]:
    """Plot the receiver operating characteristic and precision-recall curves of tables with two classes."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.3))
    binary = {
        name: report
        for name, report in reports.items()
        if "receiver_operating_characteristic_curve" in quality(report)
    }
    few, more = worst(binary, lambda report: -quality(report)["auc"]["value"])
    for report in binary.values() if more else ():
        found = quality(report)
        roc, trade = found["receiver_operating_characteristic_curve"], found["precision_recall_curve"]
        left.plot(roc["false_positive_rates"], roc["true_positive_rates"], **CROWD)
        right.plot(trade["recalls"], trade["precisions"], **CROWD)
    for dataset, report in few.items():
        found = quality(report)
        roc, trade = found["receiver_operating_characteristic_curve"], found["precision_recall_curve"]
        about = f", positive: {report['positive']}" if "positive" in report else ""
        label = f"{dataset}{about} (AUC {found['auc']['value']:.3f})"
        left.plot(roc["false_positive_rates"], roc["true_positive_rates"], label=label)
        label = f"{dataset}{about} (AP {found['average_precision']['value']:.3f})"
        right.plot(trade["recalls"], trade["precisions"], label=label)
    left.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1, label="chance")
    _label(left, "false positive rate", "true positive rate")
    _label(right, "recall", "precision")
    right.set_ylim(-0.05, 1.05)
    for axes, corner in ((left, "lower right"), (right, "lower left")):
        if axes.lines:
            axes.legend(fontsize=7, loc=corner)
    if len(left.lines) == 1:
        _say(right, "no table with two classes")
    note(left, len(few), more, "in colour, the worst")
    figure.tight_layout()
    return [left, right]


def calibration(reports: Reports) -> Axes:
    """Plot observed frequencies against predicted probabilities; the diagonal is perfect calibration."""
    _, axes = plt.subplots(figsize=(3.8, 3.4))
    found = {name: report["calibration"] for name, report in reports.items() if "calibration" in report}
    few, more = worst(found, lambda one: one["expected_calibration_error"])
    for one in found.values() if more else ():
        axes.plot(*_said_and_was(one), **CROWD)
    for dataset, one in few.items():
        label = f"{dataset} (mean gap {one['expected_calibration_error']:.3f})"
        axes.plot(*_said_and_was(one), marker="o", markersize=3, label=label)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1, label="perfect calibration")
    _label(axes, "predicted probability", "observed frequency")
    axes.legend(fontsize=7, loc="upper left")
    if more:
        note(axes, len(few), more, "in colour, the worst")
        axes.figure.tight_layout()
    return axes


def _said_and_was(found: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Predicted probabilities and observed frequencies."""
    return [one["predicted"] for one in found["bins"]], [one["observed"] for one in found["bins"]]


def importance(reports: Reports) -> Sequence[Axes]:
    """Plot how much worse the gate's metric gets when a column is shuffled, for the ten that matter most."""
    return _panels(
        reports,
        lambda report: bool(report["permutation_importance"]),
        _importance,
        "no table with few columns",
    )


def differences(reports: Reports) -> Sequence[Axes]:
    """Plot the improvement over the version in service with its interval, and the largest loss allowed."""
    return _panels(
        reports,
        lambda report: bool((report.get("champion") or {}).get("metrics")),
        _difference,
        "no version in service to compare with",
        height=1.5,
    )


def _panels(
    reports: Reports,
    suits: Callable[[Report], bool],
    draw: Callable[[Axes, Report], None],
    otherwise: str,
    height: float = 2.8,
) -> Sequence[Axes]:
    """Draw a panel for each report that suits, three in a row; if none does, one that says so.

    Of many, the worst are drawn: those that exceed their threshold least.
    """
    suitable = {name: report for name, report in reports.items() if suits(report)}
    chosen, more = worst(suitable, lambda report: -report["gate"]["threshold_margin"])
    count = max(1, len(chosen))
    columns = min(3, count)
    rows = -(-count // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(3.7 * columns, height * rows), squeeze=False)
    for axes, (name, report) in zip(grid.flat, chosen.items(), strict=False):
        axes.set_title(name, fontsize=10)
        draw(axes, report)
    for axes in list(grid.flat)[len(chosen) :]:
        axes.axis("off")
    if not chosen:
        _say(grid[0, 0], otherwise)
    note(grid[0, 0], len(chosen), more, "the worst")
    figure.tight_layout()
    return list(grid.flat)[:count]


def _all_intervals(reports: Reports) -> Axes:
    """Plot the gate's metric of all data sets, sorted, with its interval and its threshold."""
    metrics = sorted({report["gate"]["metric"] for report in reports.values()})
    figure, grid = plt.subplots(1, len(metrics), figsize=(7.4, 2.8), squeeze=False)
    for axes, metric in zip(grid[0], metrics, strict=True):
        gates = [report for report in reports.values() if report["gate"]["metric"] == metric]
        gates.sort(key=lambda report: report["gate"]["value"])
        spreads = [report["intervals"].get(metric) for report in gates]
        for place, spread in enumerate(spreads):
            if spread:
                axes.plot([place, place], [spread["low"], spread["high"]], color=GREY, linewidth=1)
        passed = [report["gate"]["threshold_margin"] >= 0 for report in gates]
        colours = [BLUE if one else ORANGE for one in passed]
        values = [report["gate"]["value"] for report in gates]
        axes.scatter(range(len(gates)), values, s=8, color=colours, zorder=3)
        failed = f", {passed.count(False)} below their threshold" if False in passed else ""
        _label(axes, f"{len(gates)} data sets, sorted{failed}", metric)
        axes.set_xticks([])
    figure.tight_layout()
    return grid[0, 0]


def _intervals(axes: Axes, report: Report) -> None:
    found = quality(report)
    names = [name for name in report["intervals"] if _best_is_one(name, report["model"]["task"])][::-1]
    for height, name in enumerate(names):
        spread = report["intervals"][name]
        axes.plot([spread["low"], spread["high"]], [height, height], color=GREY, linewidth=3)
        chosen = name == report["gate"]["metric"]
        axes.plot(found[name]["value"], height, "o", color=ORANGE if chosen else BLUE, markersize=5)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    _label(axes, "on held-out rows (higher is better)", "")
    axes.grid(axis="x", alpha=0.3)


def _best_is_one(name: str, task: Task) -> bool:
    """Whether a metric fits the axis that all metrics in a panel share."""
    metric = METRICS[task].get(name)  # an older report may have a metric that no longer exists
    return metric is not None and metric.greater_is_better and metric.unit == "share"


def _errors(axes: Axes, report: Report) -> None:
    if "residuals" in report:
        _residuals(axes, report["residuals"])
    elif len(quality(report)["confusion_matrix"]) > MOST_CLASSES:
        _say(axes, "too many classes to plot")
    else:
        _confusion(axes, quality(report)["confusion_matrix"])


def _confusion(axes: Axes, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Draw the counts, coloured by fraction of each label's rows, so that rare classes are visible."""
    labels, matrix = list(counts), np.array([list(row.values()) for row in counts.values()])
    shares = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    small = 8 if len(labels) > 5 else 10
    for (row, column), count in np.ndenumerate(matrix):
        color = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, count, ha="center", va="center", color=color, fontsize=small)
    axes.set_xticks(range(len(labels)), labels, fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=8, rotation=90, va="center")
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")


def _residuals(axes: Axes, found: Residuals) -> None:
    axes.axhline(0, color=GREY, linestyle=":", linewidth=1)
    axes.scatter(found["predicted"], found["residual"], s=12, alpha=0.6, color=BLUE)
    _label(axes, "prediction", "prediction minus label")


def _importance(axes: Axes, report: Report) -> None:
    most = list(report["permutation_importance"].items())[:MOST_COLUMNS][::-1]
    means, spreads = ([one[name] for _, one in most] for name in ("mean", "standard_deviation"))
    axes.barh(range(len(most)), means, xerr=spreads, color="#9ecae1", ecolor="#666666")
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(range(len(most)), [_shortened(name) for name, _ in most], fontsize=8)
    _label(axes, f"how much worse {report['gate']['metric']} gets", "")


def _difference(axes: Axes, report: Report) -> None:
    gate = report["gate"]
    metric = gate.get("compared_by", gate["metric"])  # an older report does not say
    found = report["champion"]["metrics"][metric]
    passes = gate["champion_margin"] >= 0
    axes.plot([found["low"], found["high"]], [0, 0], color=GREY, linewidth=4)
    axes.plot(found["difference"], 0, "o", color=BLUE if passes else ORANGE)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.axvline(-gate["allowed_loss"], color="black", linestyle="--", linewidth=1)
    axes.annotate(
        "limit", (-gate["allowed_loss"], 0.75), (-3, 0), fontsize=7, ha="right", textcoords="offset points"
    )
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-1, 1)
    axes.set_yticks([])
    _label(axes, f"improvement in {metric} over version {gate['champion_version']}", "")
    axes.margins(x=0.35)


def _label(axes: Axes, across: str, up: str) -> None:
    axes.set_xlabel(across, fontsize=9)
    axes.set_ylabel(up, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _say(axes: Axes, words: str) -> None:
    axes.text(0.5, 0.5, words, ha="center", va="center", transform=axes.transAxes)
    axes.axis("off")


def _shortened(name: str) -> str:
    return name if len(name) <= 22 else name[:21] + "…"
