"""Tables of evaluations: intervals, subgroups, the page for people."""

from pathlib import Path
from typing import Any

from helpers import runs
from helpers.runs import evaluations
from helpers.session import Session

SPREAD = {"low": 0.6, "high": 0.9, "confidence": 0.95}
TOYS: dict[str, Any] = {
    "binary_classification_metrics": {"auc": {"value": 0.75}, "accuracy": {"value": 0.8}},
    "gate": {"metric": "auc"},
    "intervals": {"auc": SPREAD},
    "subgroups": {
        "region": {
            "north": {"rows": 40, "metrics": {"auc": 0.7}, "intervals": {"auc": SPREAD}},
            "south": {"rows": 3, "metrics": {"accuracy": 1.0}, "intervals": {}},
        }
    },
}
HOUSES: dict[str, Any] = {
    "regression_metrics": {"rmse": {"value": 12.5}},
    "gate": {"metric": "rmse"},
    "intervals": {},
    "subgroups": {},
}


def test_metrics_stand_with_their_intervals_and_each_table_has_its_own() -> None:
    table = evaluations.intervals({"toys": TOYS, "houses": HOUSES})
    assert table["toys"].to_dict() == {"auc": "0.75 (0.6 to 0.9)", "accuracy": "0.8", "rmse": ""}
    assert table["houses"]["rmse"] == "12.5"
    assert table[""].to_dict() == {
        "auc": "higher is better",
        "accuracy": "higher is better",
        "rmse": "lower is better",
    }


def test_the_positive_class_stands_above_the_metrics() -> None:
    table = evaluations.intervals({"houses": HOUSES, "toys": {**TOYS, "positive": 0}})
    assert table.index[0] == "positive class"
    assert table["toys"]["positive class"] == "0"
    assert table["houses"]["positive class"] == ""


def test_each_level_of_a_subgroup_has_a_row() -> None:
    table = evaluations.subgroups({"toys": TOYS, "houses": HOUSES})
    assert table.loc[("toys", "region", "north")].tolist() == [
        40,
        "auc (higher is better)",
        "0.7 (0.6 to 0.9)",
    ]
    assert table.loc[("toys", "region", "south")].tolist() == [3, "auc (higher is better)", "not defined"]
    assert len(table) == 2


def test_without_subgroups_the_table_says_how_to_get_some() -> None:
    table = evaluations.subgroups({"houses": HOUSES})
    assert table.empty
    assert "name columns, such as region" in table.attrs["instead"]


def scored(scorer: str, score: float, **more: float) -> dict[str, Any]:
    return {"model": {"cross_validation": {"scorer": scorer, "score": score, **more}}}


def test_optimism_is_above_zero_where_cross_validation_looked_better_whatever_the_metric() -> None:
    toys = {**TOYS, **scored("roc_auc", 0.8, nested_score=0.77, dummy_score=0.5)}
    houses = {**HOUSES, **scored("neg_root_mean_squared_error", -10.0)}
    cars = {**HOUSES, **scored("neg_median_absolute_error", -1.0)}
    table = evaluations.optimism({"toys": toys, "houses": houses, "cars": cars})
    numbers = ["baseline", "cross-validated", "nested", "held out", "optimism"]
    assert table.loc["toys", numbers].tolist() == [0.5, 0.8, 0.77, 0.75, 0.05]
    assert table.loc["houses", ["cross-validated", "held out", "optimism"]].tolist() == [-10.0, -12.5, 2.5]
    assert table.loc["cars", ["held out", "optimism"]].isna().all(), "no metric is like its scorer"
    assert list(evaluations.optimism({"houses": houses})) == [
        *("scorer (greater is better)", "cross-validated", "held out", "optimism")
    ], "an earlier report has no more"


def test_the_page_of_an_execution_is_saved_whole(
    session: Session, ran: runs.Execution, tmp_path: Path
) -> None:
    report = runs.evaluation(session, ran)
    page = evaluations.save_page(session, ran, str(tmp_path / "pages/wine.html")).read_text()
    assert page.startswith("<!doctype html>")
    assert f"many-models--wine: {report['model']['algorithm']}" in page
    table = evaluations.intervals({"wine": report})
    assert table["wine"]["auc"].startswith(f"{report['gate']['value']:.4g} (")


def test_the_card_of_an_execution_names_its_jobs(session: Session, ran: runs.Execution) -> None:
    import json

    from helpers.session.storage import read_json

    card = json.loads(read_json(session, f"{runs.evaluation_uri(session, ran)}/card.json")["content"])
    (evaluation,) = card["evaluation_details"]
    assert evaluation["evaluation_job_arn"].startswith("arn:aws:sagemaker:")
    training = card["training_details"]["training_job_details"]
    job = runs.evaluation(session, ran)["model"]["training"]["job"]
    assert training["training_arn"].endswith(f":training-job/{job}")
    assert [uri.rsplit("/", 1)[1] for uri in card["model_overview"]["model_artifact"]] == ["model.tar.gz"]


def test_the_gate_says_a_sentence_about_each_model() -> None:
    reports: dict[str, Any] = {"toys": {"gate": {"comparison": "It is not worse."}}}
    assert evaluations.verdicts(reports)["the gate says"].to_dict() == {"toys": "It is not worse."}
    assert "judged none" in evaluations.verdicts({}).attrs["instead"]
