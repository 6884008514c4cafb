"""A run's results: left in the notebooks' outputs, gathered, written whole, shown as a table."""

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.runs import summary


def executed(path: Path, *facts: dict[str, Any]) -> Path:
    outputs = [
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {summary.MIME_TYPE: {"dataset": "wine", "facts": each}},
        }
        for each in facts
    ]
    others = [{"output_type": "stream", "name": "stdout", "text": "words"}]
    cells = [
        {"cell_type": "markdown", "source": "# Words"},
        {"cell_type": "code", "outputs": others + outputs},
    ]
    path.write_text(json.dumps({"cells": cells}))
    return path


def test_facts_of_all_notebooks_are_gathered_and_later_ones_win(tmp_path: Path) -> None:
    first = executed(tmp_path / "a.ipynb", {"algorithm": "x", "outcome": "?"}, {"outcome": "registered"})
    second = executed(tmp_path / "b.ipynb", {"serving_version": 1})
    assert summary.gather([first, second]) == {
        "wine": {"algorithm": "x", "outcome": "registered", "serving_version": 1}
    }


def test_what_is_recorded_is_what_is_gathered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[Any] = []
    monkeypatch.setattr(summary, "display", lambda data, raw: left.append((data, raw)))
    summary.record("wine", algorithm="XGBoost")
    assert left == [({summary.MIME_TYPE: {"dataset": "wine", "facts": {"algorithm": "XGBoost"}}}, True)]


def test_a_summary_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    summary.write(path, {"a": 1})
    with pytest.raises(ValueError, match="Circular"):
        circle: dict[str, Any] = {}
        summary.write(path, {"a": circle | {"b": circle, "c": circle.setdefault("d", circle)}})
    assert json.loads(path.read_text()) == {"a": 1}


def test_what_json_does_not_know_is_written_as_text(tmp_path: Path) -> None:
    summary.write(tmp_path / "summary.json", {"parameters": {"uri": Path("a/b")}})
    assert json.loads((tmp_path / "summary.json").read_text()) == {"parameters": {"uri": "a/b"}}


def test_the_table_has_a_row_for_each_data_set() -> None:
    facts = {
        "algorithm": "XGBoost",
        "cross_validation_score": -0.12345,
        "metric": "auc",
        "metric_value": 0.98765,
        "outcome": "registered as version 2",
        "serving_version": 2,
        "prediction_check": "36 rows, accuracy 1.0000",
        "seconds": {"PreprocessData": 1.0, "RefitBestModel": 2.4},
    }
    table = summary.table({"wine": facts})
    assert table.loc["wine"].to_dict() == {
        "algorithm": "XGBoost",
        "cross-validation": "-0.1235",
        "held-out": "auc 0.9877",
        "outcome": "registered as version 2",
        "in service": "version 2",
        "predictions": "36 rows, accuracy 1.0000",
        "seconds": "3",
    }


def test_what_no_notebook_of_this_run_found_is_left_out() -> None:
    table = summary.table({"wine": {"serving_version": 2}, "own": {}})
    assert table.columns.tolist() == ["in service"]
    assert table["in service"].tolist() == ["version 2", ""]
