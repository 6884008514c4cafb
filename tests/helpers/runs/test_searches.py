"""How a search went is told in the same words, whether its trials were jobs or ran in one."""

import json

import pytest
from support.helpers.documents.searched import report

from helpers.runs import summary
from helpers.runs.searches import COLUMNS, by_algorithm, members, of_report, searched


def test_the_trials_of_a_packed_search_stand_best_first_and_those_without_a_score_last() -> None:
    trials = of_report(report()).trials
    assert list(trials) == COLUMNS
    assert trials["algorithm"].tolist() == [
        *("NeuralNet", "LightGBM", "LightGBM", "RandomForest"),
        *("NeuralNet", "XGBoost"),
    ]
    assert trials["score"].dropna().is_monotonic_decreasing
    assert trials["state"].tolist() == ["complete"] * 4 + ["pruned", "failed"]
    assert trials["source"].tolist() == ["portfolio", "warm", "default", "default", "sampler", "sampler"]
    assert trials["weight"].dropna().to_dict() == {1: 0.75, 3: 0.25}
    assert trials["reason"][5] == "worse on 2 of 5 folds"
    assert trials["hyperparameters"][1] == "depth=3"
    assert trials["number"].tolist() == [3, 6, 1, 2, 4, 5], "the order in which they began, from 1 on"
    assert (trials["lowest"][1], trials["highest"][1]) == pytest.approx((-0.11, -0.09))
    assert trials["lowest"].notna().sum() == 4, "a trial that was given up has too few folds"


def test_what_won_and_what_the_ensemble_gains_stand_in_one_row_for_each_table() -> None:
    found = {"a": of_report(report()), "b": of_report(report(chosen=False))}
    found["c"] = of_report(report(ensemble=False))
    table = searched(found)
    assert table["trials"].tolist() == [6, 6, 6]
    assert table.loc["a", ["pruned", "failed", "best trial", "ensemble", "nested", "gain"]].tolist() == [
        *(1, 1, "NeuralNet -0.1000", "-0.0800", "-0.0950", "+0.0200 (+0.0050 to +0.0300)")
    ]
    assert table["fitted"].tolist() == ["the ensemble of 2", "the best trial", "the best trial"]
    assert found["b"].trials["weight"].isna().all(), "none has a part in the model but the best"
    assert table["why"]["b"] == "not better beyond noise"
    assert "stopped" not in table, "no trial was stopped"
    scores = by_algorithm(found)
    assert scores.loc["a"].round(2).to_dict() == {
        **{"LightGBM": -0.2, "NeuralNet": -0.1, "RandomForest": -0.4, "Ensemble": -0.08},
        "XGBoost": pytest.approx(float("nan"), nan_ok=True),
    }
    table = members(found)
    assert table.index.tolist() == [("a", 1), ("a", 3)], "only what was fitted"
    assert table["weight"].tolist() == [0.75, 0.25]


def test_without_an_ensemble_the_table_of_members_is_empty_and_has_its_columns() -> None:
    table = members({"a": of_report(report(ensemble=False))})
    assert table.empty
    assert list(table) == ["weight", "algorithm", "score", "hyperparameters"]
    assert "its best trial won alone" in table.attrs["instead"]


def test_the_facts_are_those_of_the_summary() -> None:
    facts = of_report(report()).facts()
    assert list(facts) == list(summary.Search.__annotations__)
    assert json.loads(json.dumps(facts)) == facts
    assert (facts["trials"], facts["complete"], facts["pruned"], facts["failed"]) == (6, 4, 1, 1)
    assert facts["ensemble"]["members"] == [
        {"algorithm": "NeuralNet", "weight": 0.75},
        {"algorithm": "LightGBM", "weight": 0.25},
    ]
    model = summary.data_set("", algorithm="Ensemble", search=facts)
    assert summary.model(model) == "Ensemble of 2"
    other = of_report(report(chosen=False)).facts()
    assert summary.model(summary.data_set("", algorithm="NeuralNet", search=other)) == "NeuralNet"
