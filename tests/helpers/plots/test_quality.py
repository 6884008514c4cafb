"""Plots of evaluations: each draws what the report says, or says that there is nothing to draw."""

import copy
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text

from helpers import runs
from helpers.plots import quality
from helpers.session import Session

CURVE = {"false_positive_rates": [0.0, 0.5, 1.0], "true_positive_rates": [0.0, 1.0, 1.0]}
TRADE = {"precisions": [0.5, 1.0, 1.0], "recalls": [1.0, 0.5, 0.0]}
BINARY: dict[str, Any] = {
    "model": {"task": "binary"},
    "binary_classification_metrics": {
        "auc": {"value": 0.75},
        "average_precision": {"value": 0.7},
        "log_loss": {"value": 2.5},
        "confusion_matrix": {"no": {"no": 8, "yes": 2}, "yes": {"no": 1, "yes": 9}},
        "receiver_operating_characteristic_curve": CURVE,
        "precision_recall_curve": TRADE,
    },
    "gate": {"metric": "auc", "champion_version": 3, "champion_margin": 0.01, "allowed_loss": 0.02},
    "intervals": {
        "auc": {"low": 0.6, "high": 0.9, "confidence": 0.95},
        "log_loss": {"low": 2.0, "high": 3.0, "confidence": 0.95},
    },
    "calibration": {
        "bins": [{"predicted": 0.2, "observed": 0.1, "rows": 10}],
        "expected_calibration_error": 0.1,
    },
    "permutation_importance": {
        f"column {i}": {"mean": 0.3 - i / 100, "standard_deviation": 0.01} for i in range(15)
    },
    "champion": {"version": 3, "metrics": {"auc": {"difference": 0.05, "low": -0.01, "high": 0.1}}},
}
REGRESSION: dict[str, Any] = {
    "model": {"task": "regression"},
    "regression_metrics": {"rmse": {"value": 12.0}, "r2": {"value": 0.5}},
    "gate": {"metric": "rmse"},
    "intervals": {
        "rmse": {"low": 10.0, "high": 14.0, "confidence": 0.95},
        "r2": {"low": 0.4, "high": 0.6, "confidence": 0.95},
    },
    "residuals": {"predicted": [1.0, 2.0], "residual": [0.5, -0.5]},
    "permutation_importance": {},
    "champion": None,
}
BOTH = {"toys": BINARY, "houses": REGRESSION}


def texts(axes: Axes) -> str:
    return " ".join(text.get_text() for text in axes.texts)


def ticks(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels()]


def test_every_metric_of_which_one_is_the_best_is_shown_with_its_interval() -> None:
    toys, houses = quality.intervals(BOTH)
    assert (toys.get_title("left"), houses.get_title("left")) == ("toys", "houses")
    assert (ticks(toys), ticks(houses)) == (["auc"], ["r2"])
    spread, value = toys.lines
    assert (list(spread.get_xdata()), list(value.get_xdata())) == ([0.6, 0.9], [0.75])


def test_errors_are_a_confusion_matrix_or_residuals() -> None:
    toys, houses = quality.errors(BOTH)
    assert texts(toys).split() == ["8", "2", "1", "9"]
    assert (toys.get_xlabel(), toys.get_ylabel(), toys.get_title("left")) == ("predicted", "label", "toys")
    assert [label.get_text() for label in toys.get_xticklabels()] == ["no", "yes"]
    assert houses.collections[0].get_offsets().tolist() == [[1.0, 0.5], [2.0, -0.5]]
    assert houses.get_ylabel() == "prediction minus label"


def test_a_rare_class_has_the_colours_of_a_common_one() -> None:
    (axes,) = quality.errors({"toys": BINARY})
    assert axes.images[0].get_array().tolist() == [[0.8, 0.2], [0.1, 0.9]]


def test_many_classes_are_no_picture() -> None:
    labels = [str(i) for i in range(21)]
    many = copy.deepcopy(BINARY)
    many["binary_classification_metrics"]["confusion_matrix"] = {x: dict.fromkeys(labels, 1) for x in labels}
    (axes,) = quality.errors({"many": many})
    assert texts(axes) == "too many classes to plot"


def test_both_curves_are_drawn_for_each_table_of_two_classes() -> None:
    left, right = quality.curves(BOTH)
    curve, chance = left.lines
    assert list(curve.get_ydata()) == [0.0, 1.0, 1.0]
    assert (curve.get_label(), chance.get_label()) == ("toys (AUC 0.750)", "chance")
    (trade,) = right.lines
    assert list(trade.get_xdata()) == [1.0, 0.5, 0.0]
    assert (trade.get_label(), right.get_ylabel()) == ("toys (AP 0.700)", "precision")


def test_calibration_is_what_was_observed_over_what_was_said() -> None:
    (axes,) = quality.calibration(BOTH)
    curve, diagonal = axes.lines
    assert (list(curve.get_xdata()), list(curve.get_ydata())) == ([0.2], [0.1])
    assert (curve.get_label(), diagonal.get_label()) == ("toys (mean gap 0.100)", "perfect calibration")


def test_the_ten_columns_that_matter_most_stand_on_top() -> None:
    (axes,) = quality.importance(BOTH)
    assert ticks(axes) == [f"column {i}" for i in reversed(range(10))]
    assert [bar.get_width() for bar in axes.patches][-1] == pytest.approx(0.3)
    assert axes.get_xlabel() == "how much worse auc gets"


def test_the_difference_stands_beside_what_may_be_lost() -> None:
    (axes,) = quality.differences(BOTH)
    spread, value, _, allowed = axes.lines
    assert (list(spread.get_xdata()), list(value.get_xdata())) == ([-0.01, 0.1], [0.05])
    assert allowed.get_xdata()[0] == -0.02
    assert axes.get_xlabel() == "improvement in auc over version 3"


@pytest.mark.parametrize(
    "draw", [quality.curves, quality.calibration, quality.importance, quality.differences]
)
def test_where_there_is_nothing_to_plot_it_says_so(draw: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert draw({"houses": REGRESSION}) == []
    assert "so there is n" in capsys.readouterr().out


def test_of_no_reports_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert quality.intervals({}) == quality.errors({}) == []
    assert capsys.readouterr().out.count("run the pipeline") == 2


def test_the_numbers_are_told_to_those_who_do_not_see_them(capsys: pytest.CaptureFixture[str]) -> None:
    reports = {"toys": BINARY}
    for draw in (quality.intervals, quality.errors, quality.curves, quality.importance, quality.differences):
        draw(reports)
    told = capsys.readouterr().out.splitlines()
    for words, line in zip(
        ("auc 0.75 (0.6 to 0.9)", "3 of 20 rows wrong", "AUC 0.750", "column 0 (0.3)", "auc +0.05"),
        told,
        strict=True,
    ):
        assert words in line


def test_more_than_three_tables_take_another_row() -> None:
    panels = quality.intervals({f"table-{i}": BINARY for i in range(5)})
    assert [axes.get_title("left") for axes in panels] == [f"table-{i}" for i in range(5)]


def test_a_real_report_can_be_drawn_whole(session: Session, ran: runs.Execution) -> None:
    reports = {"wine": runs.evaluation(session, ran)}
    (matrix,) = quality.errors(reports)
    assert sum(int(text.get_text()) for text in matrix.texts) == 36
    (shown,) = quality.intervals(reports)
    assert "balanced_accuracy" in ticks(shown)
    (columns,) = quality.importance(reports)
    assert len(ticks(columns)) == 10
    (curve,) = quality.calibration(reports)
    assert len(curve.lines) == 2


@pytest.mark.parametrize(
    "name", ["intervals", "errors", "curves", "calibration", "importance", "differences"]
)
def test_of_two_hundred_data_sets_the_worst_are_drawn_and_all_in_one(name: str) -> None:
    reports = {}
    for number in range(200):
        reports[f"store-{number:03}"] = report = copy.deepcopy(BINARY)
        auc = 1 - number / 1000
        report["binary_classification_metrics"]["auc"]["value"] = auc
        report["gate"] |= {"value": auc, "threshold_margin": auc - 0.85}
        report["calibration"]["expected_calibration_error"] = number / 1000
    drawn = getattr(quality, name)(reports)
    figures = {axes.figure for axes in (drawn if isinstance(drawn, list) else [drawn])}
    assert all(max(figure.get_size_inches()) < 12 for figure in figures)
    told = " ".join(text.get_text() for figure in figures for text in figure.findobj(Text))
    assert "6 of 200 data sets" in told
    assert "store-199" in told
    assert "store-193" not in told
    assert name != "intervals" or "200 data sets, sorted, 49 below their threshold" in told
