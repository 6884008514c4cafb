"""Plots of tables, trials and calls: each draws what it was given, labelled, and returns its axes."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from helpers import cost
from helpers.data.datasets import Dataset
from helpers.plots import overview
from helpers.session.storage import File


def texts(axes: Axes) -> str:
    return " ".join(text.get_text() for text in axes.texts)


def labelled(axes: Axes) -> bool:
    return bool(axes.get_xlabel() or axes.get_title("left"))


def table(tmp_path: Path, name: str, labels: list[Any]) -> Dataset:
    path = tmp_path / f"{name}.csv"
    pd.DataFrame({"label": labels}).to_csv(path, index=False)
    return Dataset(name, "label", (File(path),))


def test_the_classes_of_a_table_fill_its_bar(tmp_path: Path) -> None:
    tables = [table(tmp_path, "one", ["x"] * 30 + ["y"] * 10), table(tmp_path, "two", [1, 2])]
    (axes,) = overview.targets(tables)
    assert [bar.get_width() for bar in axes.patches] == [0.75, 0.25, 0.5, 0.5]
    assert texts(axes).split() == ["x", "75%", "y", "25%", "1", "50%", "2", "50%"]
    assert labelled(axes)


def test_numbers_are_a_histogram_below_the_classes(tmp_path: Path) -> None:
    numbers = [number / 7 for number in range(100)]
    tables = [table(tmp_path, "one", numbers), table(tmp_path, "two", ["x", "y"])]
    shares, histogram = overview.targets(tables)
    assert len(shares.patches) == 2
    assert sum(bar.get_height() for bar in histogram.patches) == 100
    assert histogram.get_title(loc="left") == "one: label"
    (alone,) = overview.targets(tables[:1])
    assert len(alone.patches) == len(histogram.patches)


@pytest.mark.parametrize(
    ("draw", "nothing"),
    [
        (overview.capacity, pd.DataFrame()),
    ],
)
def test_where_there_is_nothing_to_plot_it_says_what_to_do(
    draw: Any, nothing: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert draw(nothing) == []
    assert "so there " in capsys.readouterr().out
    assert not plt.get_fignums()


def test_capacity_is_shown_over_the_number_of_models() -> None:
    demand, model = cost.capacity.Demand(models=1, rate=10), cost.capacity.Model(1e6, 0.001, 0.01, 0.1)
    sized = cost.capacity.by_models(demand, model, (10, 100, 1000), requests=1000)
    axes = overview.capacity(sized)
    assert [list(one.lines[0].get_xdata()) for one in axes] == [[10, 100, 1000]] * 3
    assert list(axes[2].lines[0].get_ydata()) == list(sized["for each model"])


def test_of_two_hundred_targets_the_least_balanced_are_drawn(tmp_path: Path) -> None:
    tables = []
    for number in range(40):
        path = tmp_path / f"{number}.csv"
        path.write_text("a,y\n" + "1,x\n" * (number + 1) + "2,z\n" * 100)
        tables.append(Dataset(f"store-{number:02}", "y", (File(path),)))
    (axes,) = overview.targets(tables)
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        f"store-{number:02}" for number in range(10)
    ]
    assert axes.figure.get_size_inches()[1] < 8
