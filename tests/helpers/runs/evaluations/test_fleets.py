"""What serves each partition of a table: counts, losses, the worst and the smallest, and what has changed."""

import json
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from support.helpers.documents.fleets import evaluation

from helpers.runs import outcome, summary
from helpers.runs.evaluations import fleets
from helpers.session import Session

FLEET = evaluation()


@pytest.fixture
def stores() -> fleets.Fleet:
    return fleets.of_report(*FLEET)


def test_nothing_is_shown_without_fleets() -> None:
    assert fleets.evaluated(cast(Session, None), [], {}) == {}
    for show in (fleets.table, fleets.extremes, fleets.compared):
        assert show({}).empty
        assert "partition" in show({}).attrs["instead"]


def test_own_and_pooled_are_compared_on_the_rows_of_partitions_with_own_models(stores: fleets.Fleet) -> None:
    row = fleets.table({"stores": stores}).loc["stores"]
    parts = FLEET[1]["partitions"]
    own = [2, 5]
    assert [row["partitions"], row["own"], row["pooled"], row["of these kept"]] == [6, 2, 4, 1]
    rows = np.array(parts["held_out"])[own]
    for words, name in (("log loss of own", "loss"), ("log loss of pooled there", "pooled_loss")):
        assert row[words] == pytest.approx(np.average(np.array(parts[name], dtype=float)[own], weights=rows))
    assert row["held-out rows of own"] == rows.sum()
    assert row["not defined"] == parts["metric"].count(None)


def test_the_worst_partition_comes_first_whichever_way_the_metric_counts(stores: fleets.Fleet) -> None:
    known = stores.partitions["metric"].dropna()
    assert stores.worst_first.index[0] == known.idxmin()
    assert replace(stores, metric="log_loss").worst_first.index[0] == known.idxmax()


def test_the_worst_and_the_smallest_are_named_with_why_they_are_served_as_they_are(
    stores: fleets.Fleet,
) -> None:
    found = fleets.extremes({"stores": stores}, most=2)
    smallest = found.xs("smallest", level=1).loc["stores"]
    assert list(smallest.index) == ["store 0", "store 1"]
    assert smallest.loc["store 0", "auc"] == "not defined"
    assert smallest.loc["store 0", fleets.OWN] == "too few rows"
    everything = fleets.extremes({"stores": stores}, most=6).xs("smallest", level=1).loc["stores"]
    assert sorted(everything["served by"]) == ["own", "own, kept"] + ["pooled"] * 4
    assert list(found.xs("worst", level=1).loc["stores"].index) == list(stores.worst_first.index[:2])


def test_partitions_that_stay_as_they_are_neither_gain_nor_lose(stores: fleets.Fleet) -> None:
    partitions = stores.partitions.copy()
    partitions["origin"] = ["new", "new", "new", "new", "kept", "taken over"]
    partitions["loss"] = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    partitions["champion_loss"] = [0.6, 0.4, 0.5, np.nan, 0.6, 0.4]
    found = fleets.compared({"stores": replace(stores, partitions=partitions)}).loc["stores"]
    expected = {"smaller loss": 1, "larger loss": 1, "the same": 1, "not compared": 1}
    expected |= {"keep their model": 1, "taken over": 1}
    assert found.to_dict() == {"partitions": 6, **expected}


def test_a_long_key_is_cut() -> None:
    assert fleets.words(["north", "01"]) == "north, 01"
    assert len(fleets.words(["x" * 99])) == fleets.LONGEST


def test_a_summary_says_what_serves_the_partitions_and_nothing_about_other_models() -> None:
    report: dict[str, Any] = json.loads(json.dumps(FLEET[0]))
    report["gate"]["threshold"] = 0.7
    report["model"] |= {"hyperparameters": {}, "cross_validation": {"scorer": "neg_log_loss", "score": -0.4}}
    report["binary_classification_metrics"] = {"auc": {"value": 0.83}}
    found = outcome._model(report)  # type: ignore[arg-type]
    counts = {"partitions": 6, "own": 2, "pooled": 4, "kept": 1, "taken_over": 0, "unfinished": 0}
    assert found["fleet"] == counts
    assert summary.model(summary.data_set("", "registered", **found)) == "Fleet of 6"
    del report["fleet"]
    assert outcome._model(report)["fleet"] is None  # type: ignore[arg-type]
