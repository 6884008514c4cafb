"""A timed sample of a fleet's search: taken where it says something new, and from real searches."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers.cost.forecast.pace import Observation
from helpers.data import datasets
from helpers.data.datasets import Dataset
from helpers.runs import samples
from helpers.runs.forecasts import size
from helpers.runs.samples import sampled

TRIALS = 12


@pytest.fixture
def stores(tmp_path: Path) -> Dataset:
    """Three stores of 60 rows, and one that has too few for a model of its own."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"store": ["a"] * 60 + ["b"] * 60 + ["c"] * 60 + ["d"] * 10})
    table["price"], table["degrees"] = (
        rng.normal(size=len(table)).round(3),
        rng.normal(size=len(table)).round(3),
    )
    table["sold_out"] = np.where(table["price"] + rng.normal(size=len(table)) > 0, "yes", "no")
    table.to_csv(tmp_path / "stores.csv", index=False)
    return datasets.fetch(
        {"name": "stores", "uri": str(tmp_path / "stores.csv"), "target": "sold_out", "partition": "store"}
    )


def ran(environment: str, data_set: str) -> Observation:
    return Observation(environment, "1", data_set, "SearchAndRefit", (), False, 10_000, 1, 9.0, None)


@pytest.mark.slow
def test_partitions_of_the_table_are_searched_and_scaled_to_all_that_will_be(
    stores: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(samples, "WORTH", 0)
    known = [ran("aws", "stores"), ran("local", "wine")]
    found = sampled(stores, size(stores, 5, 0), TRIALS, known).sample
    assert found is not None
    assert 1 <= found.tried <= found.partitions == 3, "the smallest has too few rows"
    assert 0 < found.own.low < found.own.high < 4 * found.own.low
    assert 0 < found.pooled.low < found.pooled.high
    assert "Timing a few partitions of stores" in capsys.readouterr().err


def test_nothing_is_timed_that_is_soon_over_or_known(
    stores: Dataset, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = size(stores, 5, 0)
    assert sampled(stores, small, TRIALS, []) is small
    monkeypatch.setattr(samples, "WORTH", 0)
    assert sampled(stores, small, TRIALS, [ran("local", "stores")]) is small
    assert capsys.readouterr().err == ""
