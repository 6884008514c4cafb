"""What `many-models run` refuses before anything starts."""

from pathlib import Path

import pytest
from support.helpers import headless
from support.helpers.shared import settings
from support.helpers.webhook import webhook

from commands.__main__ import main


@pytest.mark.slow
def test_bad_input_is_one_sentence_and_exit_code_2_and_nothing_starts(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("ENVIRONMENT: local\n")
    done = headless.run(tmp_path / "home", tmp_path / "runs", "-p", "MAX_TUNING_JOB", "3", file=own)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.strip().startswith("Unknown parameter 'MAX_TUNING_JOB': did you mean ")
    assert len(done.stderr.strip().splitlines()) == 1, "no traceback"
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "home").exists()


def exit_code(tmp_path: Path, *arguments: str, contents: str = "ENVIRONMENT: local\n") -> int:
    file = tmp_path / "own.yaml"
    file.write_text(contents)
    with settings({"LOCAL_AWS_HOME": str(tmp_path / "home")}):
        code = main(["run", str(file), "--runs", str(tmp_path / "runs"), *arguments])
    assert not (tmp_path / "runs").exists()
    return code


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--only", "3"], "There is no notebook '3'; there are 01, 02, 03, 04, 05."),
        (["--from", "06"], "There is no notebook '06'; there are"),
        (["-p", "DATASETS", "[wine"], "DATASETS is '[wine', which is not valid YAML"),
        (["-p", "DATASETS", "[wien]"], "Unknown data set 'wien'; known are "),
        (["-p", "ENVIRONMENT", "aws"], "TERRAFORM_OUTPUTS names '', which is not a file; write it with "),
        (["-p", "PIPELINE_NAME", "Mine"], "PIPELINE_NAME is 'Mine'; it must be 2 to 32"),
        (["-p", "DATASETS", "[wine, wine]"], "DATASETS names 'wine' more than once"),
        (["-p", "DATASETS", f"[{'x' * 60}]"], "has 73 characters; a model package group may have at most 63"),
        (
            ["-p", "DATASETS", "[my_table]"],
            "'my_table' is not a valid data set name; use lower-case letters, digits and",
        ),
        (["-p", "DATASETS", "[{name: x, uri: x.csv, target: y, taks: auto}]"], "did you mean 'task'?"),
        (["-p", "NOTIFY", "http://hooks.example.com/x"], "NOTIFY is an http:// address at hooks.example.com"),
        (["-p", "STEPS", "nowhere.py"], "STEPS names 'nowhere.py', which cannot be used ([Errno 2]"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert exit_code(tmp_path, *arguments) == 2
    assert sentence in capsys.readouterr().err


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(tmp_path / "nowhere.yaml"), "--runs", str(tmp_path / "runs")]) == 2
    assert "nowhere.yaml cannot be read" in capsys.readouterr().err


def test_only_and_from_do_not_go_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(tmp_path, "--only", "02", "--from", "03") == 2
    assert "not allowed with" in capsys.readouterr().err


def test_the_file_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(tmp_path, contents="MAX_TUNING_JOBS: many\n") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.strip() == "MAX_TUNING_JOBS is 'many'; it must be a whole number from 1 to 750."


def test_all_mistakes_are_said_at_once_also_those_in_the_data_sets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = "[{name: a, uri: a.csv, target: y, taget: z, task: gues, min_metric: high}, {name: b}, winne]"
    given = ("-p", "DATASETS", entries, "-p", "RANDOM_STATE", "0", "-p", "STEPS", "no.py")
    assert exit_code(tmp_path, *given) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert [line.split(";")[0] for line in told] == [
        "RANDOM_STATE is 0",
        "The data set 'a' has the unknown key 'taget'",
        "The data set 'a': The option task is 'gues'",
        "The min_metric of a is 'high'",
        "Unknown data set 'b'",
        "Unknown data set 'winne'",
        "STEPS names 'no.py', which cannot be used ([Errno 2] No such file or directory: 'no.py')",
    ]


def test_an_entry_that_is_not_read_hides_no_mistake_in_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = "[{}, {name: Iris, uri: 'ftp://a', target: 4, tarqet: x}, {name: 5, uri: 6, target: y}, Wine]"
    assert exit_code(tmp_path, "-p", "DATASETS", entries) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert [line.split(";")[0] for line in told] == [
        "Entry 1 of DATASETS is {}, which has no name",
        "Entry 3 of DATASETS has the name 5",
        "'Iris' is not a valid data set name",
        "The data set 'Iris' has the unknown key 'tarqet'",
        "The target of Iris is 4",
        "The uri of Iris is 'ftp://a'",
        "The uri of 5 is 6",
        "'Wine' is not a valid data set name",
    ]
    assert told[-1].endswith("such as wine.")


def test_the_command_line_wins_over_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = exit_code(tmp_path, "-p", "RANDOM_STATE", "0", contents="RANDOM_STATE: 3\n")
    assert code == 2
    assert "RANDOM_STATE is 0" in capsys.readouterr().err


def test_a_state_folder_that_cannot_be_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").write_text("a file")
    assert exit_code(tmp_path, "--only", "01") == 2
    told = capsys.readouterr().err
    assert f"The folder {tmp_path / 'home'} cannot be used (" in told
    assert "LOCAL_AWS_HOME" in told


def test_a_folder_for_results_that_cannot_be_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("a file")
    own = tmp_path / "own.yaml"
    own.write_text("ENVIRONMENT: local\n")
    with settings({"LOCAL_AWS_HOME": str(tmp_path / "home")}):
        assert main(["run", str(own), "--only", "01", "--runs", str(tmp_path / "file" / "runs")]) == 2
    told = capsys.readouterr().err.strip()
    assert told.startswith(f"The folder {tmp_path / 'file' / 'runs'} cannot be used (")
    assert told.endswith("name another one with --runs.")


def test_decisions_on_versions_that_nothing_names_are_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, complaint in (
        (("--from", "04", "-p", "APPROVE", "approve"), "without notebook 03 this run registers no versions"),
        (("--only", "04", "-p", "APPROVE", "{wine: approve}", "-p", "RUN_ID", "new"), "without notebook 03"),
        (("-p", "ROLL_BACK", "wein"), "ROLL_BACK is 'wein'; it must be empty, or one of "),
        (("-p", "APPROVE", "{wein: approve}"), "APPROVE names 'wein', which is not one of DATASETS: did you"),
        (("-p", "VERSIONS", "{iris: 3}"), "VERSIONS names 'iris', which is not one of DATASETS"),
    ):
        assert exit_code(tmp_path, *given, contents="DATASETS: [wine]\n") == 2
        assert complaint in capsys.readouterr().err


def test_whoever_is_to_be_told_is_told_what_is_refused(tmp_path: Path) -> None:
    with webhook() as hook:
        assert exit_code(tmp_path, "-p", "NOTIFY", hook.url, "-p", "RANDOM_STATE", "0") == 2
    ((_, told),) = hook.received
    assert told["text"].startswith("many-models: a run did not begin. RANDOM_STATE is 0; it must be")
