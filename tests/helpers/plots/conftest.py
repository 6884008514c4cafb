"""For all plots: no window, no warnings, and no figure left open."""

import warnings
from collections.abc import Iterator

import matplotlib as mpl
import pytest

mpl.use("Agg")
from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def _quietly() -> Iterator[None]:
    """A warning would be shown in the notebook."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    plt.close("all")
