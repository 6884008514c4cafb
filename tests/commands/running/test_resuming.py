"""What a run has not finished: its notebooks and tables, and the parameters to go on with."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.helpers.shared import settings

from commands.__main__ import main
from commands.reporting.recording import Recording
from commands.running import perform, planning, resuming
from helpers.errors import BadInput, UserError
from helpers.runs import summary
from helpers.session.outputs import OUTPUTS

STEMS = ["01_build_image", "03_run_and_inspect", "04_approve_and_deploy"]
SIGNED = "https://a.example/t.csv?X-Amz-Signature=secret"
OUTCOMES = ("registered", "kept", "refused", "failed", "interrupted", "not-started", "running")


def ended(*done: str, outcomes: tuple[str, ...] = (), **parameters: Any) -> summary.Summary:
    """The summary of a run that failed: the notebooks that are done, and tables named by their outcomes."""
    document = summary.new("1", parameters, "local", "demo", STEMS, outcomes)
    document.update(status="failed", run_id="a-run")
    for name in done:
        document["notebooks"][name]["status"] = "done"
    document["data_sets"] = {name: summary.data_set("...", name) for name in outcomes}
    return document


def test_tables_that_failed_or_were_interrupted_or_not_started_or_have_not_ended_are_open() -> None:
    assert resuming.open_tables(ended(outcomes=OUTCOMES)) == list(OUTCOMES[3:])


@pytest.mark.parametrize(
    ("done", "outcomes", "open_"),
    [
        ((), ("registered",), STEMS),
        (STEMS[:2], ("registered",), STEMS[2:]),
        (STEMS, ("registered", "kept", "refused"), []),
        (STEMS, ("registered", "failed"), STEMS[1:]),
        (STEMS[:1], ("running",), STEMS[1:]),
    ],
)
def test_the_notebooks_from_the_first_that_is_not_finished_are_open(
    done: tuple[str, ...], outcomes: tuple[str, ...], open_: list[str]
) -> None:
    assert resuming.open_notebooks(ended(*done, outcomes=outcomes)) == open_


def test_a_run_that_goes_on_is_running_and_forgets_only_what_it_does_again() -> None:
    before = ended(*STEMS, outcomes=("registered", "failed"))
    before["notebooks"][STEMS[2]] |= {"seconds": 3.0, "error": "It failed."}
    again = resuming.reopened(before, STEMS[1:], {})
    assert (again["status"], again["exit_code"], again["ended"]) == ("running", None, None)
    assert (again["started"], len(again["resumed"])) == (before["started"], 1)
    assert [each["status"] for each in again["notebooks"].values()] == ["done", "not-started", "not-started"]
    assert (again["notebooks"][STEMS[2]]["seconds"], again["notebooks"][STEMS[2]]["error"]) == (None, None)
    assert {name: each["outcome"] for name, each in again["data_sets"].items()} == {
        "registered": "registered",
        "failed": "not-started",
    }


def test_values_that_replace_the_runs_are_the_runs_from_then_on() -> None:
    before = ended(STEMS[0], outcomes=("interrupted",), MAX_TUNING_JOBS=12, RANDOM_STATE=7)
    again = resuming.reopened(before, STEMS[1:], {"MAX_TUNING_JOBS": 6, "PIPELINE_NAME": "other"})
    assert again["parameters"] == {"MAX_TUNING_JOBS": 6, "RANDOM_STATE": 7, "PIPELINE_NAME": "other"}
    assert (again["environment"], again["pipeline"], again["run_id"]) == ("local", "other", "a-run")
    assert before["parameters"]["MAX_TUNING_JOBS"] == 12
    assert resuming.restored(again, {"MAX_TUNING_JOBS": 1})["MAX_TUNING_JOBS"] == 6


def test_another_run_id_replaces_the_runs_executions() -> None:
    again = resuming.reopened(ended(RUN_ID=""), STEMS, {"RUN_ID": "new"})
    assert resuming.restored(again, {}) == {"RUN_ID": "new"}


def test_other_data_sets_replace_those_that_are_not_finished() -> None:
    before = ended(STEMS[0], outcomes=("registered", "failed", "interrupted"))
    again = resuming.reopened(before, STEMS[1:], {"DATASETS": ["interrupted", {"name": "new"}]})
    assert {name: each["outcome"] for name, each in again["data_sets"].items()} == {
        "registered": "registered",
        "interrupted": "not-started",
        "new": "not-started",
    }


def test_a_replaced_value_is_in_the_summary_before_a_notebook_starts_and_the_next_resume_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = tmp_path / "outputs.json"
    outputs.write_text(json.dumps({name: {"value": "any"} for name in OUTPUTS}))
    given = {"ENVIRONMENT": "aws", "TERRAFORM_OUTPUTS": str(outputs), "DATASETS": ["wine"]}
    document = ended(STEMS[0], outcomes=("interrupted",), **given, MAX_TUNING_JOBS=12)
    document["data_sets"] = {"wine": document["data_sets"]["interrupted"]}
    document["environment"] = "aws"
    folder = tmp_path / "runs/1"
    folder.mkdir(parents=True)
    summary.write(folder / summary.FILE, document | {"status": "interrupted", "exit_code": 130})
    (tmp_path / "own.yaml").write_text("MAX_TUNING_JOBS: 24\n")
    seen = []

    def interrupted(plan: planning.Plan, recording: Recording, minutes: float | None) -> None:
        kept = summary.read(folder)["parameters"]
        seen.append((plan.given["MAX_TUNING_JOBS"], kept["MAX_TUNING_JOBS"], kept.get("NOTIFY")))
        raise KeyboardInterrupt

    monkeypatch.setattr(perform, "_run", interrupted)
    command = ["run", str(tmp_path / "own.yaml"), "--runs", str(tmp_path / "runs"), "--resume", "latest"]
    for replaced in ([], ["-p", "MAX_TUNING_JOBS", "6", "-p", "NOTIFY", "true secret"], []):
        assert main([*command, *replaced]) == 130
    assert seen == [(12, 12, None), *[(6, 6, "the command true")] * 2]


def test_a_value_that_cannot_be_used_replaces_nothing(tmp_path: Path) -> None:
    document = ended(STEMS[0], outcomes=("interrupted",), MAX_TUNING_JOBS=12, ENVIRONMENT="local")
    (tmp_path / "runs/1").mkdir(parents=True)
    file = tmp_path / "runs/1" / summary.FILE
    summary.write(file, document)
    before = file.read_bytes()
    (tmp_path / "own.yaml").write_text("ENVIRONMENT: local\n")
    command = ["run", str(tmp_path / "own.yaml"), "--runs", str(tmp_path / "runs"), "--resume", "latest"]
    assert main([*command, "-p", "RANDOM_STATE", "8", "-p", "MAX_TUNING_JOBS", "0"]) == 2
    assert file.read_bytes() == before


def test_the_parameters_are_the_runs_and_its_executions_too() -> None:
    document = ended(RANDOM_STATE=7, RUN_ID="new")
    assert resuming.restored(document, {"RANDOM_STATE": 8}) == {"RANDOM_STATE": 7, "RUN_ID": "a-run"}


def test_what_the_summary_does_not_repeat_is_taken_from_the_file(tmp_path: Path) -> None:
    entries = ["wine", {"name": "own", "uri": SIGNED, "target": "y"}]
    summary.write(tmp_path / summary.FILE, ended(DATASETS=entries, NOTIFY="https://hooks.example/..."))
    document = summary.read(tmp_path)
    file = {"DATASETS": ["other", entries[1]], "NOTIFY": "https://hooks.example/secret"}
    assert resuming.restored(document, file) == {"RUN_ID": "a-run", **file, "DATASETS": entries}
    for other in ({}, {"DATASETS": [{**entries[1], "uri": "https://b.example/t.csv?x"}]}):
        with pytest.raises(BadInput, match="the query of the address of own, which may be a secret"):
            resuming.restored(document, other)
    assert resuming.restored(document, {}, {"DATASETS": "[wine]"}) == {"RUN_ID": "a-run"}


def test_the_latest_run_is_found_and_others_by_name(tmp_path: Path) -> None:
    for name in ("20260101-000000", "20260102-000000"):
        (tmp_path / name).mkdir()
        summary.write(tmp_path / name / summary.FILE, ended())
    (tmp_path / "latest").symlink_to("20260101-000000")
    assert resuming.earlier(tmp_path, "latest")[0].name == "20260102-000000"
    assert resuming.earlier(tmp_path, "20260101-000000")[0].name == "20260101-000000"
    with pytest.raises(BadInput, match=r"There is no run 'x' in .*; the last ones are 20260101-000000, 2026"):
        resuming.earlier(tmp_path, "x")
    with pytest.raises(BadInput, match="the last ones are none"):
        resuming.earlier(tmp_path / "nowhere", "latest")


def test_a_run_that_goes_on_is_not_resumed(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    summary.write(tmp_path / "1" / summary.FILE, summary.new("1", {}, "local", "demo", [], []))
    with pytest.raises(UserError, match=r"Run 1 has not ended \(process \d+ on .*\); wait for it"):
        resuming.earlier(tmp_path, "latest")


def test_only_the_decisions_on_tables_that_are_open_are_asked_for() -> None:
    given = {"DATASETS": ["wine", "breast-cancer"], "APPROVE": {"wine": "approve", "breast-cancer": "reject"}}
    given |= {"VERSIONS": {"wine": 3}, "ROLL_BACK": "wine"}
    plan = planning.restricted(planning.plan([], given), ["breast-cancer"])
    assert plan.given["DATASETS"] == plan.everything["DATASETS"] == ["breast-cancer"]
    assert plan.given["APPROVE"] == {"breast-cancer": "reject"}
    assert plan.given["VERSIONS"] == {}
    assert plan.given["ROLL_BACK"] == ""


@pytest.mark.parametrize(("others", "kind"), [(("registered",), UserError), ((), BadInput)])
def test_a_run_with_finished_tables_is_not_called_one_without_any(
    tmp_path: Path, others: tuple[str, ...], kind: type[UserError]
) -> None:
    entry = {"name": "failed", "uri": str(tmp_path / "gone.csv"), "target": "label"}
    recording = Recording(tmp_path, ended(outcomes=(*others, "failed")))
    with pytest.raises(UserError, match="nothing was started") as told:
        perform._check_tables(planning.plan([], {"DATASETS": [entry]}), recording)
    assert told.type is kind
    assert recording.document["data_sets"]["failed"]["said"].startswith("There is no file")


def test_a_run_that_was_interrupted_after_its_last_table_needs_no_forecast(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"DATASETS": ["wine"], "SEARCH": "packed"}
    document = ended("01_build_image", outcomes=("kept",))
    document["data_sets"] = {"wine": document["data_sets"]["kept"]}
    recording = Recording(tmp_path / "1", document)
    perform._forecast(planning.plan([], given), recording, {"wine": None})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--resume", "latest", "--from", "03"], "--resume chooses the notebooks"),
        (["--only-failed"], "--only-failed needs a run"),
        (["--timeout", "0"], "0.0 is not in the range x>0"),
        (["--resume", "x"], "There is no run 'x'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    (tmp_path / "own.yaml").write_text("ENVIRONMENT: local\n")
    assert main(["run", str(tmp_path / "own.yaml"), "--runs", str(tmp_path / "runs"), *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_of_a_finished_run_nothing_is_done_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = ended(*STEMS, outcomes=("registered", "refused"))
    (tmp_path / "runs/1").mkdir(parents=True)
    summary.write(tmp_path / "runs/1" / summary.FILE, document | {"status": "refused", "exit_code": 3})
    (tmp_path / "own.yaml").write_text("ENVIRONMENT: local\n")
    with settings({"LOCAL_AWS_HOME": str(tmp_path / "home")}):
        code = main(
            ["run", str(tmp_path / "own.yaml"), "--runs", str(tmp_path / "runs"), "--resume", "latest"]
        )
    assert code == 3
    assert capsys.readouterr().out == "Run 1 is finished; nothing is left to resume.\n"
    assert not (tmp_path / "home").exists()
