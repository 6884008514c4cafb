"""Plots of fleets, which stay legible with few partitions and with very many."""

import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import PathCollection
from support.helpers.documents.fleets import evaluation

from helpers.plots.evaluations.partitions import MOST, partitions
from helpers.runs.evaluations.fleets import Fleet, of_report


def fleet(count: int, task: str = "binary") -> Fleet:
    return of_report(*evaluation(count, task))


def test_without_fleets_there_is_no_figure() -> None:
    assert partitions({}) == []
    assert plt.get_fignums() == []


@pytest.mark.parametrize(("count", "task"), [(2, "binary"), (300, "binary"), (10_000, "regression")])
def test_every_partition_is_in_the_plots(count: int, task: str) -> None:
    left, middle, right = partitions({"stores": fleet(count, task)})
    assert left.get_title("left") == f"stores,\n{count:,} partitions"
    dots = [len(it.get_offsets()) for it in right.collections if isinstance(it, PathCollection)]
    assert sum(dots) == count - 1  # one has no held-out rows
    own = count // 3
    assert (
        middle.get_title("left").endswith(f"of {own:,}")
        if own
        else "no own model" in middle.texts[0].get_text()
    )
    right.figure.canvas.draw()


def test_of_many_fleets_those_with_most_own_models_are_drawn() -> None:
    axes = partitions({f"stores {number}": fleet(2 + number) for number in range(MOST + 2)})
    assert len(axes) == 3 * MOST
    assert f"{MOST} of {MOST + 2} data sets" in axes[0].figure.get_supxlabel()
