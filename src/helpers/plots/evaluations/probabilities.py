"""Plots of what a model's probabilities are good for; every function returns the Axes it drew on."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from tabular.spec.documents.reports import Report, quality

from helpers import display
from helpers.plots.figures import BLACK, GREY, shown, styled
from helpers.plots.many import CROWD, listed, note, worst
from helpers.runs.evaluations.thresholds import CURVE, Threshold, cheapest

__all__ = ["calibration", "curves"]
__dir__ = __all__.copy

Reports = Mapping[str, Report]
LINES = ("-", "--", "-.", ":", (0, (8, 2)), (0, (1, 2)))  # what tells lines apart besides their colours
DIAMOND: Mapping[str, Any] = {
    "marker": "D",
    "markersize": 8,
    "markerfacecolor": "white",
    "color": BLACK,
    "linestyle": "",
    "zorder": 4,
}
Z = 1.96  # of a 95% interval


@styled
def curves(reports: Reports, false_alarm: float = 1, miss: float = 1) -> Sequence[Axes]:
    """Plot the ROC and precision-recall curves of tables with two classes, with their cheapest points.

    Args:
        reports: EvaluateBestModel's, by data set.
        false_alarm: what it costs to take a row of the other class for the positive one.
        miss: what it costs not to find a row of the positive class, in the same unit.
    """
    binary = {name: report for name, report in reports.items() if CURVE in quality(report)}
    if not binary:
        display.say(
            "None of these tables has two classes, so there is no ROC curve; name one that has, such as "
            "breast-cancer, in DATASETS."
        )
        return []
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 5.4))
    few, more = worst(binary, lambda report: -quality(report)["auc"]["value"])
    for report in binary.values() if more else ():
        found = quality(report)
        roc, trade = found[CURVE], found["precision_recall_curve"]
        left.plot(roc["false_positive_rates"], roc["true_positive_rates"], **CROWD)
        right.plot(trade["recalls"], trade["precisions"], **CROWD)
    told = []
    for (dataset, report), line in zip(few.items(), LINES, strict=False):
        found = quality(report)
        roc, trade = found[CURVE], found["precision_recall_curve"]
        about = f", positive: {report['positive']}" if "positive" in report else ""
        label = f"{dataset}{about} (AUC {found['auc']['value']:.3f})"
        left.plot(roc["false_positive_rates"], roc["true_positive_rates"], linestyle=line, label=label)
        label = f"{dataset}{about} (AP {found['average_precision']['value']:.3f})"
        right.plot(trade["recalls"], trade["precisions"], linestyle=line, label=label)
        point = cheapest(report, false_alarm, miss)
        if point is not None:
            _mark(left, point.false_positive_rate, point.recall)
            _mark(right, point.recall, point.precision)
        told.append(f"{dataset} AUC {found['auc']['value']:.3f}{_cheapest(point)}")
    left.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1, label="chance")
    left.set_xlabel("false positive rate")
    left.set_ylabel("true positive rate")
    right.set_xlabel("recall")
    right.set_ylabel("precision")
    right.set_ylim(-0.05, 1.05)
    for axes, title in ((left, "ROC"), (right, "Precision and recall")):
        axes.set_title(title)
        if diamonds := [line for line in axes.lines if line.get_marker() == DIAMOND["marker"]]:
            diamonds[-1].set_label(f"cheapest, if a false alarm\ncosts {false_alarm:g} and a miss {miss:g}")
        # Below, where no line is.
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16))
    note(left, len(few), more, "in colour, the worst")
    shown(figure, f"ROC and precision-recall curves on held-out rows: {listed(told, more)}.")
    return [left, right]


@styled
def calibration(reports: Reports) -> Sequence[Axes]:
    """Plot observed frequencies, with their 95% intervals, against predicted probabilities.

    The diagonal is perfect calibration. Each dot is about a tenth of the held-out rows.
    """
    found = {name: report["calibration"] for name, report in reports.items() if "calibration" in report}
    if not found:
        display.say(
            "None of these models predicts probabilities, so there is no calibration to plot; name a table "
            "with classes in DATASETS."
        )
        return []
    figure, axes = plt.subplots(figsize=(9.4, 4.6))
    few, more = worst(found, lambda one: one["expected_calibration_error"])
    for one in found.values() if more else ():
        axes.plot(*_said_and_was(one), **CROWD)
    for (dataset, one), line in zip(few.items(), LINES, strict=False):
        said, was = _said_and_was(one)
        rows = np.array([each["rows"] for each in one["bins"]])
        positive = reports[dataset].get("positive")
        what = f"P({positive})" if positive is not None else "P(predicted class)"
        each = f"{rows.min()}" if rows.min() == rows.max() else f"{rows.min()} to {rows.max()}"
        label = f"{dataset}: {what}, {each} rows a dot\n(mean gap {one['expected_calibration_error']:.3f})"
        (drawn,) = axes.plot(said, was, marker="o", linestyle=line, label=label)
        low, high = _wilson(np.array(was), rows)
        axes.vlines(said, low, high, color=drawn.get_color(), alpha=0.4, linewidth=1.5)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1, label="perfect calibration")
    axes.set_xlabel("predicted probability")
    axes.set_ylabel("observed frequency")
    axes.set_title("Calibration")
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))
    note(axes, len(few), more, "in colour, the worst")
    told = [
        f"{name} is off by {one['expected_calibration_error']:.3f} on average" for name, one in few.items()
    ]
    shown(figure, f"Observed frequency over predicted probability: {listed(told, more)}.")
    return [axes]


def _mark(axes: Axes, across: float, up: float) -> None:
    axes.plot(across, up, **DIAMOND)


def _cheapest(point: Threshold | None) -> str:
    if point is None:
        return ""
    at = "" if point.value is None else f" at {point.value:.3g}"
    alarms = f"{point.false_alarms} false alarm{'s' if point.false_alarms != 1 else ''}"
    return f", cheapest{at} with {alarms} and {point.misses} miss{'es' if point.misses != 1 else ''}"


def _said_and_was(found: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Predicted probabilities and observed frequencies."""
    return [one["predicted"] for one in found["bins"]], [one["observed"] for one in found["bins"]]


def _wilson(shares: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95% interval of shares of so many rows, which is not a single point where all or none are right.

    Wilson (1927), Probable inference, Journal of the American Statistical Association 22:158.
    """
    middle = shares + Z**2 / (2 * rows)
    far = Z * np.sqrt(shares * (1 - shares) / rows + Z**2 / (4 * rows**2))
    below = 1 + Z**2 / rows
    return (middle - far) / below, (middle + far) / below
