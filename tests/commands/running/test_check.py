"""`many-models check` says what a run would do, and refuses what a run refuses."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from support import ROOT
from support.helpers.shared import settings

from commands.__main__ import main

FORM = json.loads((ROOT / "docs/schemas/check.schema.json").read_text())
LATEST = ("-p", "APPROVE", "reject", "-p", "VERSIONS", "latest")


def test_check_says_what_would_run_and_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.yaml").write_text("MAX_TUNING_JOBS: 6\nDATASETS: [wine]\n")
    with settings({"LOCAL_AWS_HOME": str(tmp_path / "home")}):
        assert main(["check", str(tmp_path / "own.yaml"), "--from", "04", *LATEST]) == 0
    told, plan = capsys.readouterr().out.split("nothing was started. A run would use\n")
    assert "wine: multiclass" in told
    assert "178 read, 178 used" in told
    rows = dict(line.split(maxsplit=1) for line in plan.replace("data sets", "data_sets").splitlines()[1:])
    assert rows == {
        "environment": "local",
        "pipeline": "many-models",
        "notebooks": "04_approve_and_deploy, 05_invoke_and_load_test",
        "data_sets": "wine",
        "trials": "6 for each, 2 at a time",
        "decision": "reject",
    }
    assert not (tmp_path / "home").exists()


def test_check_refuses_what_run_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.yaml").write_text("MAX_TUNING_JOBS: many\n")
    assert main(["check", str(tmp_path / "own.yaml")]) == 2
    assert "MAX_TUNING_JOBS is 'many'; it must be a whole number" in capsys.readouterr().err


def test_check_says_what_a_run_would_take_and_cost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.yaml").write_text("MAX_TUNING_JOBS: 6\nDATASETS: [wine, breast-cancer]\n")
    assert main(["check", str(tmp_path / "own.yaml"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    jsonschema.validate(found, FORM)
    forecast = found["forecast"]["aws"]
    assert forecast["jobs"] == 2 * 9
    dollars = [each["dollars"]["high"] for each in forecast["data_sets"].values()]
    assert forecast["dollars"]["high"] == pytest.approx(sum(dollars), abs=1e-4)
    assert found["forecast"]["here"]["dollars"] is None
    assert main(["check", str(tmp_path / "own.yaml")]) == 0
    said = capsys.readouterr().out
    assert "On AWS: up to 18 jobs" in said
    assert "Here: nothing is billed" in said


def test_check_refuses_what_may_cost_more_than_the_cap(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.yaml").write_text("DATASETS: [wine]\nMAX_COST_USD: 0.02\n")
    assert main(["check", str(tmp_path / "own.yaml")]) == 2
    refused = capsys.readouterr().err.strip()
    assert "dollars on AWS, and MAX_COST_USD allows 0.02; lower MAX_TUNING_JOBS" in refused
    assert "\n" not in refused
    (tmp_path / "cheap.json").write_text(
        json.dumps({"instances": {"us-east-1": {"ml.m5.large": 1e-4, "ml.t3.medium": 1e-4}}})
    )
    given = ["-p", "PRICES", str(tmp_path / "cheap.json")]
    with settings({"AWS_DEFAULT_REGION": "us-east-1"}):
        assert main(["check", str(tmp_path / "own.yaml"), *given]) == 0
    with settings({"AWS_DEFAULT_REGION": "mars-1"}):
        assert main(["check", str(tmp_path / "own.yaml")]) == 2
    assert "there is no price of ml.t3.medium in mars-1" in capsys.readouterr().err


def test_check_tells_what_was_decided_about_each_table_though_one_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = ROOT / "tests/cases"
    entries = [
        {
            "name": "two-groups",
            "uri": str(cases / "two-groups-three-folds/t.csv"),
            "target": "y",
            "group": "g",
        },
        {"name": "nowhere", "uri": str(tmp_path / "nowhere.csv"), "target": "y"},
        "wine",
    ]
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({"DATASETS": entries}))
    command = ["check", str(tmp_path / "own.yaml"), "-p", "CROSS_VALIDATION_FOLDS", "3"]
    assert main([*command, "--json"]) == 2
    printed = capsys.readouterr()
    found = json.loads(printed.out)["data_sets"]
    assert "1 group, fewer than the 3 folds" in found["two-groups"]["refused"]
    assert found["two-groups"]["rows"] == {"read": 120, "used": 120, "left_out": {}}
    assert "nowhere.csv" in found["nowhere"]["refused"]
    assert (found["wine"]["refused"], found["wine"]["rows"]["used"]) == (None, 178)
    assert "Refused: two-groups, nowhere; nothing was started." in printed.err
    assert main(command) == 2
    assert "REFUSED: The training rows have" in capsys.readouterr().out


def test_an_entry_that_is_not_valid_is_refused_in_the_document_and_the_others_are_checked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    entries = json.dumps([{"name": "churn", "uri": "churn.csv", "target": "y", "drop": "id"}, "wine"])
    command = ["check", "parameters/local.yaml", "--json", "-p", "DATASETS", entries]
    assert main(command) == 2
    printed = capsys.readouterr()
    found = json.loads(printed.out)["data_sets"]
    assert "drop is 'id'; it must be a list of column names" in found["churn"]["refused"]
    assert (found["wine"]["refused"], found["wine"]["rows"]["used"]) == (None, 178)
    assert "Refused: churn; nothing was started." in printed.err
