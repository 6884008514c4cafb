"""What all plots share."""

import inspect
from importlib import import_module
from pathlib import Path
from types import FunctionType

import matplotlib.pyplot as plt
import pytest

from helpers import plots
from helpers.deployment.performance import traffic
from helpers.plots import figures

SHARED = {"figures", "many"}  # they draw nothing of their own
MODULES = [
    import_module(f"helpers.plots.{path.stem}")
    for path in sorted(Path(plots.__path__[0]).glob("*.py"))
    if path.stem not in {"__init__", *SHARED}
]
DRAWN = [getattr(module, name) for module in MODULES for name in module.__all__]
FUNCTIONS = [traffic.plot, *(it for it in DRAWN if isinstance(it, FunctionType))]


@pytest.mark.parametrize("draw", FUNCTIONS, ids=lambda draw: f"{draw.__module__}.{draw.__name__}")
def test_every_plot_has_the_style_and_is_shown_with_its_alternative_text(draw: FunctionType) -> None:
    assert inspect.unwrap(draw) is not draw, "decorate it with `styled`"
    source = inspect.getsource(inspect.getmodule(draw))
    assert "shown(" in source
    assert "fontsize=8" not in source and "tight_layout" not in source


def test_the_colours_of_the_style_are_those_with_names() -> None:
    cycle = figures.styled(lambda: plt.rcParams["axes.prop_cycle"].by_key()["color"])()
    named = {figures.BLUE, figures.VERMILION, figures.GREEN, figures.PURPLE, figures.ORANGE, figures.SKY}
    assert set(cycle) == named | {figures.BLACK}
