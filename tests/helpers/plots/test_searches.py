"""Plots of searches: every trial is told, near or far, and what it had to beat."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from support.helpers.documents.searched import report

from helpers import runs
from helpers.plots import searches
from helpers.runs.searches import COLUMNS, Search, of_report
from helpers.session import Session

FOUND = replace(of_report(report()), dummy_score=-0.69)


def of_scores(*scores: float, algorithm: str = "LightGBM", dummy_score: float | None = None) -> Search:
    """A search whose trials have these scores, in their order."""
    table = pd.DataFrame({"score": scores, "number": range(1, len(scores) + 1)}).reindex(columns=COLUMNS)
    table = table.assign(algorithm=algorithm, state="complete").astype({"weight": float, "lowest": float})
    table = table.sort_values("score", ascending=False, kind="stable").reset_index(drop=True)
    return Search("packed", table, scorer="roc_auc", dummy_score=dummy_score)


def texts(axes: Axes) -> str:
    return " ".join(text.get_text() for text in axes.texts)


def test_every_trial_is_a_dot_and_the_best_is_ringed(session: Session, ran: runs.Execution) -> None:
    found = runs.search(session, ran)
    (axes,) = searches.trials({"wine": found})
    dots, ring = axes.collections[1:3]
    drawn = len(dots.get_offsets())
    arrows = [line for line in axes.lines if line.get_marker() == "<"]
    assert drawn == len(found.trials) or arrows
    assert ring.get_offsets()[0][0] == found.trials["score"].max()
    assert axes.get_xlabel().startswith(found.scorer)
    assert {label.get_text() for label in axes.get_yticklabels()} == set(found.trials["algorithm"])
    assert found.dummy_score is not None
    assert "baseline" in texts(axes)


def test_whiskers_reach_from_the_worst_fold_to_the_best_one() -> None:
    (axes,) = searches.trials({"x": FOUND})
    whiskers = axes.collections[0].get_segments()
    assert np.round(whiskers[0][:, 0], 3).tolist() == [-0.11, -0.09]
    assert axes.get_xlabel() == "neg_log_loss\n(cross-validated; higher is better)"


def test_a_trial_without_a_score_does_not_spoil_the_picture() -> None:
    (axes,) = searches.trials({"x": FOUND})
    _, dots, ring, ensemble = axes.collections
    assert ring.get_offsets()[0][0] == -0.1
    assert len(dots.get_offsets()) == 4
    assert "1 pruned" in texts(axes) and "1 failed" in texts(axes)
    assert ensemble.get_offsets()[:, 0].tolist() == [-0.1, -0.3]
    assert ensemble.get_sizes()[0] > ensemble.get_sizes()[1], "who weighs more is larger"


def test_a_score_far_below_the_others_is_an_arrow_that_says_it() -> None:
    (axes,) = searches.trials({"x": of_scores(0.80, 0.81, 0.79, 0.05, 0.06, dummy_score=0.5)})
    assert len(axes.collections[1].get_offsets()) == 3
    assert axes.get_xlim()[0] > 0.7
    assert "2 trials, down to 0.05" in texts(axes)
    assert "baseline: 0.5" in texts(axes), "it is below what is drawn, too"


def test_what_looks_at_no_column_is_a_line_where_it_is_near() -> None:
    (axes,) = searches.trials({"x": of_scores(0.6, 0.55, 0.52, dummy_score=0.5)})
    (line,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert line.get_xdata()[0] == 0.5
    (axes,) = searches.trials({"x": of_scores(0.6, 0.55)})
    assert not axes.lines, "an earlier model does not say it"


@pytest.mark.parametrize("scores", [(0.5,), (0.5, 0.5, 0.5), (float("nan"),)])
def test_few_or_equal_or_no_scores_can_be_drawn(scores: tuple[float, ...]) -> None:
    assert len(searches.trials({"x": of_scores(*scores, dummy_score=0.5)})) == 1


def test_the_best_so_far_rises_in_the_order_of_the_trials(capsys: pytest.CaptureFixture[str]) -> None:
    (axes,) = searches.best_so_far({"x": of_scores(0.6, 0.8, 0.7, 0.9, 0.65, dummy_score=0.5)})
    steps = axes.lines[2]
    assert list(steps.get_xdata()) == [1, 2, 3, 4, 5]
    assert list(steps.get_ydata()) == [0.6, 0.8, 0.8, 0.9, 0.9]
    assert axes.get_ylabel() == "roc_auc"
    long = replace(of_scores(-2.0, -1.0), scorer="neg_root_mean_squared_error")
    assert searches.best_so_far({"x": long})[0].get_ylabel() == "neg_root_mean_\nsquared_error"
    assert "x had 0.6 with its first trial and its best, 0.9, with trial 4 of 5" in capsys.readouterr().out


@pytest.mark.slow
def test_of_fifty_searches_all_trials_stand_in_one_plot() -> None:
    many = {
        f"store-{number:02}": of_scores(
            *(0.5 + number / 200, 0.7, 0.8, 0.1), algorithm="XGBoost" if number % 5 else "NaiveBayes"
        )
        for number in range(50)
    }
    (axes,) = searches.trials(many)
    told = " ".join(text.get_text() for text in axes.figure.findobj(Text))
    assert all(name in told for name in many)
    assert "XGBoost won 40" in told and "NaiveBayes won 10" in told
    assert axes.figure.get_size_inches()[1] < 14
    (axes,) = searches.best_so_far(many)
    assert list(axes.lines[-1].get_ydata())[-1] == 1
    (axes,) = searches.trials({f"{name}-{copy}": one for name, one in many.items() for copy in range(4)})
    assert not axes.get_yticklabels(), "two hundred names have no room"
    assert axes.figure.get_size_inches()[1] < 12


@pytest.mark.parametrize("draw", [searches.trials, searches.best_so_far])
def test_without_a_search_it_says_what_to_do(draw, capsys: pytest.CaptureFixture[str]) -> None:
    assert draw({}) == []
    assert "so there are no trials to plot; run" in capsys.readouterr().out
