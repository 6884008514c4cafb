"""Plots of evaluations: each draws what the report says, or says that there is nothing to draw."""

import copy
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from support.helpers.documents.evaluated import BINARY, REGRESSION, many

from helpers import runs
from helpers.plots.evaluations import quality
from helpers.session import Session

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
    one = copy.deepcopy(BINARY)
    one["binary_classification_metrics"]["confusion_matrix"] = {x: dict.fromkeys(labels, 1) for x in labels}
    (axes,) = quality.errors({"many": one})
    assert texts(axes) == "too many classes to plot"


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


@pytest.mark.parametrize("draw", [quality.importance, quality.differences])
def test_where_there_is_nothing_to_plot_it_says_so(draw: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert draw({"houses": REGRESSION}) == []
    assert "so there is n" in capsys.readouterr().out


def test_of_no_reports_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert quality.intervals({}) == quality.errors({}) == []
    assert capsys.readouterr().out.count("run the pipeline") == 2


def test_the_numbers_are_told_to_those_who_do_not_see_them(capsys: pytest.CaptureFixture[str]) -> None:
    reports = {"toys": BINARY}
    for draw in (quality.intervals, quality.errors, quality.importance, quality.differences):
        draw(reports)
    told = capsys.readouterr().out.splitlines()
    for words, line in zip(
        ("auc 0.75 (0.6 to 0.9)", "3 of 20 rows wrong", "column 0 (0.3)", "auc +0.05"),
        told,
        strict=True,
    ):
        assert words in line


def test_the_positive_class_stands_in_the_title() -> None:
    for draw in (quality.intervals, quality.errors, quality.importance):
        (axes,) = draw({"toys": {**BINARY, "positive": "yes"}})
        assert axes.get_title("left") == "toys (positive: yes)"


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


@pytest.mark.parametrize("name", ["intervals", "errors", "importance", "differences"])
def test_of_two_hundred_data_sets_the_worst_are_drawn(name: str) -> None:
    drawn = getattr(quality, name)(many(200))
    figures = {axes.figure for axes in (drawn if isinstance(drawn, list) else [drawn])}
    assert all(max(figure.get_size_inches()) < 12 for figure in figures)
    told = " ".join(text.get_text() for figure in figures for text in figure.findobj(Text))
    assert "6 of 200 data sets" in told
    assert "store-199" in told
    assert "store-193" not in told
