"""The gate as a picture: value, interval, threshold and the version in service of each model."""

import copy

import pytest
from support.helpers.documents.evaluated import BINARY, REGRESSION, many

from helpers import runs
from helpers.plots.evaluations import gates
from helpers.session import Session

HOUSES = copy.deepcopy(REGRESSION)
HOUSES["gate"] |= {"value": 12.0, "threshold": 10.0, "threshold_margin": -2.0, "champion_value": None}


def test_each_metric_has_a_panel_and_each_model_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    auc, rmse = gates.gate({"toys": BINARY, "houses": HOUSES})
    assert auc.get_xlabel() == "auc on held-out rows (higher is better)"
    assert rmse.get_xlabel() == "rmse on held-out rows (lower is better)"
    spread, threshold, champion, value = auc.lines[:4]
    assert list(spread.get_xdata()) == [0.6, 0.9]
    assert (threshold.get_xdata()[0], list(champion.get_xdata()), list(value.get_xdata())) == (
        0.7,
        [0.7],
        [0.75],
    )
    assert [line.get_marker() for line in rmse.lines[-1:]] == ["X"], "it is below its threshold"
    told = capsys.readouterr().out
    assert "toys auc 0.75 of at least 0.7, in service 0.7; houses rmse 12 of at most 10" in told
    assert "2 models, 1 of them below their threshold" in told


@pytest.mark.parametrize("count", [50, 200])
def test_many_models_are_legible_the_worst_at_the_bottom(count: int) -> None:
    (axes,) = gates.gate(many(count))
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:1] == (["store-049"] if count == 50 else [])
    assert max(axes.figure.get_size_inches()) < 15
    assert sum(line.get_marker() == "X" for line in axes.lines) > count / 5


def test_without_a_model_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert gates.gate({}) == []
    assert "so there is no gate to plot" in capsys.readouterr().out


def test_a_real_report_can_be_drawn(session: Session, ran: runs.Execution) -> None:
    (axes,) = gates.gate({"wine": runs.evaluation(session, ran)})
    assert [label.get_text() for label in axes.get_yticklabels()] == ["wine"]
