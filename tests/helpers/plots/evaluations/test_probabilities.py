"""Plots of probabilities: the curves with the cheapest point on both, and calibration with its counts."""

from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text
from support.helpers.documents.evaluated import BINARY, REGRESSION, many

from helpers import runs
from helpers.plots.evaluations import probabilities
from helpers.session import Session

TOYS = {**BINARY, "positive": "yes", "thresholds": [1.0, 0.4, 0.1]}
BOTH = {"toys": TOYS, "houses": REGRESSION}


def test_both_curves_are_drawn_for_each_table_of_two_classes() -> None:
    left, right = probabilities.curves({**BOTH, "toys": BINARY})
    assert (left.get_title("left"), right.get_title("left")) == ("ROC", "Precision and recall")
    curve, chance = left.lines
    assert list(curve.get_ydata()) == [0.0, 1.0, 1.0]
    assert (curve.get_label(), chance.get_label()) == ("toys (AUC 0.750)", "chance")
    (trade,) = right.lines
    assert list(trade.get_xdata()) == [1.0, 0.5, 0.0]
    assert (trade.get_label(), right.get_ylabel()) == ("toys (AP 0.700)", "precision")


def test_the_cheapest_point_stands_on_both_curves(capsys: pytest.CaptureFixture[str]) -> None:
    left, right = probabilities.curves(BOTH, false_alarm=1, miss=5)
    (on_roc,) = [line for line in left.lines if line.get_marker() == "D"]
    (on_trade,) = [line for line in right.lines if line.get_marker() == "D"]
    assert on_roc.get_label() == on_trade.get_label() == "cheapest, if a false alarm\ncosts 1 and a miss 5"
    assert (list(on_roc.get_xdata()), list(on_roc.get_ydata())) == ([0.5], [1.0])
    assert (list(on_trade.get_xdata()), list(on_trade.get_ydata())) == ([1.0], [pytest.approx(10 / 15)])
    assert left.lines[0].get_label() == "toys, positive: yes (AUC 0.750)"
    assert "cheapest at 0.4 with 5 false alarms and 0 misses" in capsys.readouterr().out


def test_calibration_is_what_was_observed_over_what_was_said_with_its_rows() -> None:
    (axes,) = probabilities.calibration(BOTH)
    assert axes.get_title("left") == "Calibration"
    curve, diagonal = axes.lines
    assert (list(curve.get_xdata()), list(curve.get_ydata())) == ([0.2], [0.1])
    assert curve.get_label() == "toys: P(yes), 10 rows a dot\n(mean gap 0.100)"
    assert diagonal.get_label() == "perfect calibration"
    (whisker,) = axes.collections[0].get_segments()
    assert whisker[:, 1].tolist() == pytest.approx([0.0179, 0.4042], abs=1e-3)  # Wilson's, of 1 of 10


def test_no_interval_of_a_share_is_a_point() -> None:
    low, high = probabilities._wilson(np.array([0.0, 1.0]), np.array([10, 10]))
    assert low.tolist() == pytest.approx([0, 0.7225], abs=1e-3)
    assert high.tolist() == pytest.approx([0.2775, 1], abs=1e-3)


@pytest.mark.parametrize("draw", [probabilities.curves, probabilities.calibration])
def test_where_there_is_nothing_to_plot_it_says_so(draw: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert draw({"houses": REGRESSION}) == []
    assert "so there is n" in capsys.readouterr().out


@pytest.mark.parametrize("draw", [probabilities.curves, probabilities.calibration])
def test_of_two_hundred_data_sets_the_worst_have_a_colour(draw: Any) -> None:
    figure = draw(many(200))[0].figure
    told = " ".join(text.get_text() for text in figure.findobj(Text))
    assert max(figure.get_size_inches()) < 12
    assert "6 of 200 data sets" in told
    assert "store-199" in told
    assert "store-193" not in told


def test_a_real_report_can_be_drawn(session: Session, ran: runs.Execution) -> None:
    (axes,) = probabilities.calibration({"wine": runs.evaluation(session, ran)})
    assert axes.lines[0].get_label().startswith("wine: P(predicted class), ")
