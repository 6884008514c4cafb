"""Plots of a pipeline's definition."""

import json

import pytest
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from support.helpers.shared import Compiled
from tabular.spec.algorithms import ALGORITHMS

from helpers.plots import pipelines


def texts(axes: Axes) -> str:
    return " ".join(text.get_text() for text in axes.texts)


def test_the_graph_shows_every_step_and_all_three_outcomes(compiled: Compiled) -> None:
    axes = pipelines.graph(compiled.definition)
    shown = texts(axes).replace("\n", " ")
    for name in ("Preprocess Data", "Tuning With", "Refit Best", "Evaluate Best"):
        assert name in shown
    for outcome in ("Register Best Model new", "Not Registered no new", "Register Failed failure"):
        assert outcome in shown
    assert len([it for it in axes.patches if isinstance(it, FancyBboxPatch)]) == 9
    assert {"yes", "no"} <= set(shown.split())


def test_a_step_of_a_type_without_a_colour_is_drawn_all_the_same() -> None:
    steps = [{"Name": "AskSomebody", "Type": "Callback", "Arguments": {}}]
    axes = pipelines.graph(json.dumps({"Steps": steps}))
    assert len(axes.patches) == 1
    assert texts(axes) == "Ask Somebody"


def test_the_graph_tells_those_who_do_not_see_it_how_an_execution_may_end(
    compiled: Compiled, capsys: pytest.CaptureFixture[str]
) -> None:
    pipelines.graph(compiled.definition)
    told = capsys.readouterr().out
    assert "failure (RegisterFailed); new version (RegisterBestModel); no new version (NotRegistered)" in told


def test_an_arrow_that_follows_from_others_is_not_drawn() -> None:
    def needs(*names: str) -> dict[str, str]:
        return {name: f"Steps.{name}" for name in names}

    steps = [
        {"Name": "First", "Type": "Processing", "Arguments": {}},
        {"Name": "Second", "Type": "Processing", "Arguments": needs("First")},
        {"Name": "Third", "Type": "Processing", "Arguments": needs("First", "Second")},
    ]
    axes = pipelines.graph(json.dumps({"Steps": steps}))
    assert len([text for text in axes.texts if getattr(text, "arrow_patch", None)]) == 2


@pytest.mark.parametrize("family", ["classification", "regression"])
def test_every_hyperparameter_that_is_searched_has_its_range_and_its_default(family: str) -> None:
    axes = pipelines.ranges(family, ALGORITHMS)
    shown = [text.get_text() for text in axes.texts]
    searched = [
        (name, allowed)
        for algorithm in ALGORITHMS.values()
        for name, allowed in algorithm.estimators[family].hyperparameters.items()
    ]
    assert {name for name, _ in searched} <= set(shown)
    marks = [line for line in axes.lines if line.get_marker() == "D"]
    assert len(marks) == len([allowed for _, allowed in searched if hasattr(allowed, "low")])
    assert all(0 <= line.get_xdata()[0] <= 1 for line in marks)
