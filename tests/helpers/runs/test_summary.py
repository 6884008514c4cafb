"""The summary of a run: its documented form, how it is written and read, and how it is shown."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from support import ROOT, schemas

from helpers.errors import BadInput, ExitCode
from helpers.runs import facts, summary

FORM = json.loads((ROOT / "docs/schemas/summary.schema.json").read_text())
PARTS = {
    summary.Summary: FORM,
    summary.Process: FORM["properties"]["process"],
    summary.Notebook: FORM["properties"]["notebooks"]["additionalProperties"],
    summary.Cost: FORM["properties"]["cost"],
    summary.Notification: FORM["properties"]["notification"],
    summary.DataSet: FORM["properties"]["data_sets"]["additionalProperties"],
    summary.Search: FORM["properties"]["data_sets"]["additionalProperties"]["properties"]["search"],
    summary.Fleet: FORM["properties"]["data_sets"]["additionalProperties"]["properties"]["fleet"],
    summary.Scores: FORM["properties"]["data_sets"]["additionalProperties"]["properties"]["scores"],
}
SCORES = {
    "scorer": "neg_log_loss",
    "cross_validation": -0.12345,
    "nested_cross_validation": -0.1312,
    "metric": "auc",
    "value": 0.98765,
    "threshold": 0.9,
    "held_out": {"auc": 0.98765},
}


def document(**parameters: Any) -> summary.Summary:
    return summary.new("1", parameters, "local", "demo", ["01_build_image"], ["wine", "own"])


def written(folder: Path, content: summary.Summary) -> summary.Summary:
    """What is in the file, which has the documented form."""
    summary.write(folder / summary.FILE, content)
    found = json.loads((folder / summary.FILE).read_text())
    schemas.validate(found, "summary")
    return found


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_the_documented_form_names_every_key(part: type) -> None:
    assert list(part.__annotations__) == list(PARTS[part]["properties"]) == PARTS[part]["required"]


def test_the_documented_form_names_every_word() -> None:
    properties, data_set = FORM["properties"], PARTS[summary.DataSet]["properties"]
    assert properties["status"]["enum"] == list(get_args(summary.Status))
    assert data_set["outcome"]["enum"] == list(get_args(summary.Outcome))
    assert properties["exit_code"]["enum"] == [*map(int, ExitCode), None]
    described = (ROOT / "docs/operations/summary.md").read_text()
    named = [*properties, *data_set, *get_args(summary.Status), *get_args(summary.Outcome)]
    assert [word for word in named if f"`{word}`" not in described] == []


def test_a_new_run_has_the_documented_form(tmp_path: Path) -> None:
    found = written(tmp_path, document())
    assert found["status"] == "running"
    assert {name: each["outcome"] for name, each in found["data_sets"].items()} == {
        "wine": "not-started",
        "own": "not-started",
    }
    assert summary.read(tmp_path) == found, "a run of this process is running"


def test_what_json_does_not_know_is_text_and_what_is_no_number_is_null(tmp_path: Path) -> None:
    content = document(STEPS=Path("a/b"))
    content["data_sets"]["wine"].update(scores=SCORES, seconds=float("nan"), steps={"A": float("inf")})
    found = written(tmp_path, content)
    assert found["parameters"] == {"STEPS": "a/b"}
    assert (found["data_sets"]["wine"]["seconds"], found["data_sets"]["wine"]["steps"]) == (None, {"A": None})


def test_signatures_in_addresses_are_not_written(tmp_path: Path) -> None:
    signed = "https://a.example/t.csv?X-Amz-Signature=secret&b=1"
    content = document(DATASETS=["wine", {"name": "own", "uri": signed}])
    content["data_sets"]["own"]["said"] = f"'{signed}' cannot be read."
    found = written(tmp_path, content)
    assert "secret" not in (tmp_path / summary.FILE).read_text()
    assert found["parameters"]["DATASETS"][1]["uri"] == "https://a.example/t.csv?..."
    assert found["data_sets"]["own"]["said"] == "'https://a.example/t.csv?...' cannot be read."
    assert content["parameters"]["DATASETS"][1]["uri"] == signed, "the run itself still knows it"


def test_a_summary_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    before = written(tmp_path, document())
    circle: dict[str, Any] = {}
    circle["again"] = circle
    with pytest.raises(RecursionError):
        summary.write(tmp_path / summary.FILE, document(STEPS=circle))
    assert json.loads((tmp_path / summary.FILE).read_text()) == before


@pytest.mark.slow
def test_a_run_whose_process_is_gone_was_killed(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from helpers.runs import summary
summary.write(Path({str(tmp_path / summary.FILE)!r}), summary.new("1", {{}}, "local", "demo", [], []))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    found = summary.read(tmp_path)
    schemas.validate(found, "summary")
    assert found["status"] == "killed"
    assert "is gone and has not written how it ended" in found["error"]

    reused = document()
    reused["process"]["began"] -= 100  # another process had this one's id before
    summary.write(tmp_path / summary.FILE, reused)
    assert summary.read(tmp_path)["status"] == "killed"
    elsewhere = document()
    elsewhere["process"].update(pid=2**22 + 1, host="another-machine")
    summary.write(tmp_path / summary.FILE, elsewhere)
    assert summary.read(tmp_path)["status"] == "running", "nobody can tell from here"


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 2}', '{"data_sets": {}}'])
def test_what_is_not_a_summary_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / summary.FILE).write_text(text)
    with pytest.raises(BadInput, match="summary"):
        summary.read(tmp_path)
    with pytest.raises(BadInput, match="name a run's folder"):
        summary.read(tmp_path / "nowhere")


def test_a_fact_is_left_in_an_output_that_jupyter_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[Any] = []
    monkeypatch.setattr(facts, "display", lambda data, raw: left.append((data, raw)))
    facts.record("wine", algorithm="XGBoost")
    content = {"dataset": "wine", "facts": {"algorithm": "XGBoost"}, "unless_known": False}
    assert left == [({facts.MIME_TYPE: content}, True)]


def test_the_table_has_a_row_for_each_data_set() -> None:
    found = {
        "algorithm": "XGBoost",
        "scores": SCORES,
        "version": 2,
        "in_service": 2,
        "predictions": "36 rows, accuracy 1.0000",
        "seconds": 3.4,
    }
    table = summary.table({"wine": summary.data_set("registered", "registered", **found)})
    assert table.loc["wine"].to_dict() == {
        "algorithm": "XGBoost",
        "cross-validation": "-0.1235",
        "nested": "-0.1312",
        "held-out": "auc 0.9877",
        "outcome": "registered as version 2",
        "in service": "version 2",
        "predictions": "36 rows, accuracy 1.0000",
        "seconds": "3",
    }


def test_the_table_names_what_was_rejected() -> None:
    rejected = summary.data_set("Version 2: rejected now.", "registered", version=2, decision="reject")
    assert summary.table({"wine": rejected}).loc["wine", "outcome"] == "registered as version 2, rejected"


def test_what_no_notebook_of_this_run_found_is_left_out_of_the_table() -> None:
    table = summary.table({"wine": summary.data_set("...", in_service=2), "own": summary.data_set("...")})
    assert table.columns.tolist() == ["outcome", "in service"]
    assert table["in service"].tolist() == ["version 2", ""]
