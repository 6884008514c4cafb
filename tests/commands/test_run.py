"""`many-models run`: what it refuses, how it fails, how it is interrupted, and how it waits."""

import json
import os
import re
import signal
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import nbformat
import pytest
import yaml
from support import ROOT
from support.helpers import headless
from support.helpers.quick import Quick
from support.helpers.shared import HeadlessRun, settings
from support.helpers.webhook import webhook

from commands import run
from commands.__main__ import main
from commands.lock import exclusive
from commands.reporting.recording import Recording
from helpers import runs
from helpers.errors import BadInput, Interrupted, UserError
from helpers.parameters.outputs import OUTPUTS
from helpers.runs import summary
from helpers.session import Session

# Own steps with which a table passes the check and fails in its job.
FAILS_IN_A_JOB = """
import os

def clean(table):
    return table.head(12 if "SAGEMAKER_BASE_DIR" in os.environ else len(table))
"""


def results(runs: Path) -> list[Path]:
    return [path for path in runs.glob("*") if path.is_dir() and not path.is_symlink()]


# Bad input


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
        (["-p", "PIPELINE_NAME", "Mine"], "PIPELINE_NAME is 'Mine'; it must be up to 32"),
        (["-p", "DATASETS", "[wine, wine]"], "DATASETS names 'wine' more than once"),
        (["-p", "DATASETS", f"[{'x' * 60}]"], "has 73 characters; a model package group may have at most 63"),
        (["-p", "DATASETS", "[my_table]"], "must be lower-case letters and digits in words"),
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


# Only checked


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


def test_decisions_on_versions_that_nothing_names_are_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, complaint in (
        (("--from", "04", "-p", "APPROVE", "approve"), "without notebook 03 this run registers no versions"),
        (("--only", "04", "-p", "APPROVE", "{wine: approve}", "-p", "RUN_ID", "new"), "without notebook 03"),
        (("-p", "APPROVE", "{wein: approve}"), "APPROVE names 'wein', which is not one of DATASETS: did you"),
        (("-p", "VERSIONS", "{iris: 3}"), "VERSIONS names 'iris', which is not one of DATASETS"),
    ):
        assert exit_code(tmp_path, *given, contents="DATASETS: [wine]\n") == 2
        assert complaint in capsys.readouterr().err


def test_a_version_that_had_been_decided_on_otherwise_is_told() -> None:
    names = ["stays", "rejected", "waits", "none"]
    plan = run._plan(
        run.chosen(["04"], None),
        {
            "DATASETS": [{"name": name, "uri": "x", "target": "y"} for name in names],
            "APPROVE": {"none": "none", "default": "reject"},
            "VERSIONS": "latest",
        },
    )
    document = summary.new("1", {}, "local", "demo", ["04_approve_and_deploy"], names)
    for name, decision, waits in (
        ("stays", None, False),
        ("rejected", "reject", False),
        ("waits", None, True),
        ("none", None, False),
    ):
        document["data_sets"][name] |= {"version": 3, "decision": decision, "awaits_decision": waits}
    assert [told.split(":")[0] for told in run._undecided(plan, document)] == ["stays"]
    assert not run._undecided(replace(plan, notebooks={}), document)


def test_check_refuses_what_run_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.yaml").write_text("MAX_TUNING_JOBS: many\n")
    assert main(["check", str(tmp_path / "own.yaml")]) == 2
    assert "MAX_TUNING_JOBS is 'many'; it must be a whole number" in capsys.readouterr().err


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
    assert "groups, fewer than the 3 folds" in found["two-groups"]["refused"]
    assert found["two-groups"]["rows"] == {"read": 120, "used": 120, "left_out": {}}
    assert "nowhere.csv" in found["nowhere"]["refused"]
    assert (found["wine"]["refused"], found["wine"]["rows"]["used"]) == (None, 178)
    assert "Refused: two-groups, nowhere; nothing was started." in printed.err
    assert main(command) == 2
    assert "REFUSED: The training rows have" in capsys.readouterr().out


# Two at once


@pytest.mark.slow
def test_two_runs_in_two_states_do_not_disturb_each_other(side_by_side: list[HeadlessRun]) -> None:
    for each in side_by_side:
        assert (each.done.returncode, each.done.stderr) == (0, "")
        assert "waiting" not in each.done.stdout
        assert len(results(each.folder)) == 1
        assert not headless.left_of(each.home)


@pytest.mark.slow
def test_a_second_run_in_a_state_says_whom_it_waits_for_and_then_goes_on(tmp_path: Path) -> None:
    with webhook() as hook:
        with exclusive(tmp_path / "home/run.lock"):
            options = ["--only", "01", "-p", "NOTIFY", hook.url]
            second = headless.start(tmp_path / "home", tmp_path / "runs", *options)
            read = headless.wait_for_line(second, "waiting")
            with settings({"LOCAL_AWS_HOME": str(tmp_path / "home")}):
                where = ("run", str(headless.LOCAL_YAML), "--only", "01", "--runs", str(tmp_path / "runs"))
                refused = headless.here(*where, "--no-wait")
            assert results(tmp_path / "runs") == []
        done = headless.finish(second)
    assert (refused.returncode, refused.stderr) == (
        1,
        f"\nAnother run (process {os.getpid()}) is still running here; nothing was started. "
        "Without --no-wait, this waits.\n",
    )
    assert f"Another run (process {os.getpid()}) is still running here; waiting for it to end.\n" in read
    assert (done.returncode, done.stderr) == (0, "")
    assert "01_build_image" in done.stdout

    (folder,) = results(tmp_path / "runs")
    assert summary.read(folder)["status"] == "done"

    # It has a page, and so has its notebook; who had to be told was told, and the secret is nowhere.
    page = (tmp_path / "runs/latest/index.html").read_text()
    assert 'href="01_build_image.html"' in page
    assert "1. Build the image" in (folder / "01_build_image.html").read_text()
    ((_, told),) = hook.received
    assert (told["run"], told["status"]) == (folder.name, "done")
    texts = [path.read_text() for path in folder.iterdir()] + [read, done.stdout]
    assert [text for text in texts if "SECRET" in text] == []


def test_runs_that_begin_in_one_second_have_a_folder_each(tmp_path: Path) -> None:
    folders = [run._folder(tmp_path)]
    while not re.search(r"-\d{6}-2$", folders[-1].name):  # until two began in one second
        folders.append(run._folder(tmp_path))
    assert len(set(folders)) == len(folders)
    assert all(folder.is_dir() for folder in folders)


def test_runs_are_in_the_order_of_their_names_also_when_clocks_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        before, folder, after = time.time(), run._folder(tmp_path), time.time()
    time.tzset()
    found = datetime.strptime(f"{folder.name}+0000", "%Y%m%d-%H%M%S%z").timestamp()
    assert int(before) <= found <= after


# Failing


@pytest.mark.slow
def test_a_failing_job_is_named_with_its_log_and_what_to_do(home: Path, tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(FAILS_IN_A_JOB)
    given = {"PIPELINE_NAME": "failing", "STEPS": tmp_path / "steps.py", "DATASETS": "[wine]"}
    options = [word for name, value in given.items() for word in ("-p", name, value)]
    done = headless.run(home, tmp_path / "runs", "--only", "02", "--only", "03", *options)
    assert done.returncode == 1
    assert "wine: PreprocessData Failed" in done.stdout
    why, resume = done.stderr.strip().split("\n\n")
    first, log, advice = why.splitlines()
    assert first.startswith("wine: PreprocessData failed. Job pipelines-")
    assert "Only 12 rows are left after cleaning" in first
    path = Path(log.removeprefix("Log: "))
    assert path.is_relative_to(home)
    assert "Only 12 rows are left after cleaning" in path.read_text()
    assert advice == "Fix what the log names and run 03 again."

    (folder,) = results(tmp_path / "runs")
    found = summary.read(folder)
    assert (found["status"], found["exit_code"], found["error"]) == ("failed", 1, why)
    assert resume == f"`many-models run FILE --resume {folder.name}` goes on with what is not finished."
    wine = found["data_sets"]["wine"]
    assert (wine["outcome"], wine["step"], wine["log"]) == ("failed", "PreprocessData", str(path))
    executed = nbformat.read(folder / "03_run_and_inspect.ipynb", as_version=4)
    errors = [output for cell in executed.cells for output in cell.get("outputs", []) if "ename" in output]
    assert {output.ename for output in errors} == {"JobFailed"}
    assert not headless.left_of(home)


def test_a_notebook_that_crashes_is_named_with_where_its_traceback_is(tmp_path: Path) -> None:
    target = tmp_path / "out.ipynb"
    failure = failed(headless.notebook(tmp_path, "1 / 0"), target)
    assert str(failure) == (
        f"01_own failed with ZeroDivisionError: division by zero The whole traceback is in {target}."
    )
    assert failure.exit_code == 1


def test_bad_input_that_only_a_notebook_finds_keeps_its_exit_code(tmp_path: Path) -> None:
    source = headless.notebook(
        tmp_path, "from helpers.errors import BadInput", "raise BadInput('Give another.')"
    )
    failure = failed(source, tmp_path / "out.ipynb")
    assert isinstance(failure, BadInput)
    assert (str(failure), failure.exit_code) == ("Give another.", 2)


def test_a_kernel_that_dies_is_a_sentence_too(tmp_path: Path) -> None:
    source = headless.notebook(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    failure = failed(source, tmp_path / "out.ipynb")
    assert "its kernel died" in str(failure)
    assert (tmp_path / "out.ipynb").is_file()


def test_a_run_leaves_nothing_in_the_working_folder_and_no_signature_in_the_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_exit = "import atexit, pathlib; atexit.register(pathlib.Path('by-the-kernel-at-its-exit').touch)"
    # The kernel is killed, because its own exit is not safe.
    source = headless.notebook(tmp_path, at_exit, "print(DATASETS)", "assert 'S3cret' in DATASETS[0]['uri']")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    signed = {"DATASETS": [{"name": "own", "uri": "https://host/t.csv?X-Amz-Signature=S3cret"}]}
    run._execute(source, tmp_path / "out.ipynb", signed, print)
    assert list((tmp_path / "here").iterdir()) == []
    executed = (tmp_path / "out.ipynb").read_text()
    assert executed.count("S3cret") == 1, "in the cell that looked for it"
    assert executed.count("https://host/t.csv?...") > 1


def failed(source: Path, target: Path) -> UserError:
    """The error with which a notebook ends."""
    with pytest.raises(UserError) as raised:
        run._execute(source, target, {}, print)
    return raised.value


def test_a_notebook_runs_without_a_home_and_with_a_long_path_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setenv("HOME", "/dev/null/nowhere")
    monkeypatch.delenv("JUPYTER_RUNTIME_DIR", raising=False)
    run._execute(headless.notebook(tmp_path, "print(1 + 1)"), tmp_path / "out.ipynb", {}, print)
    assert nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1].outputs[0].text == "2\n"


# Interrupted


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_run_on_aws_names_what_goes_on_there_and_stop_stops_it(
    session: Session, tmp_path: Path
) -> None:
    """local_aws is AWS here: it runs before and after, and belongs to somebody else."""
    quick = Quick(session, f"quick-{uuid4().hex[:6]}", tmp_path)
    quick.create()
    outputs = {name: {"value": getattr(session, name)} for name in OUTPUTS}
    (tmp_path / "outputs.json").write_text(json.dumps(outputs))
    values = {"ENVIRONMENT": "aws", "TERRAFORM_OUTPUTS": str(tmp_path / "outputs.json"), "DATASETS": ["wine"]}
    file = tmp_path / "aws.yaml"
    file.write_text(yaml.safe_dump({**values, "DEVELOPER": quick.developer}))
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    process = headless.start(tmp_path / "home", tmp_path / "runs", "--only", "03", file=file, **aws)
    read = headless.wait_for_line(process, ": 1 started.")
    process.send_signal(signal.SIGINT)
    done = headless.finish(process)
    run_id = re.search(r"Run (\S+): 1 started\.", read)[1]
    assert done.returncode == 130
    assert f"at AWS the executions of run {run_id} go on until they end." in done.stderr
    assert f"`many-models stop FILE -p RUN_ID {run_id}` stops them" in done.stderr
    (execution,) = runs.find(session, run_id, quick.developer)
    assert (execution.dataset, quick.status(execution)) == ("wine", "Executing")

    with settings(headless.environment(tmp_path / "home", **aws), alone=True):
        refused = headless.here("stop", str(file), "-p", "RUN_ID", "another", "--yes")
        stopped = headless.here("stop", str(file), "-p", "RUN_ID", run_id, "--yes")
    assert (refused.returncode, refused.stdout) == (
        0,
        "No execution of run another is running; there is nothing to stop.\n",
    )
    assert (stopped.returncode, stopped.stderr) == (0, "")
    assert f"wine, run {run_id}: {execution.arn}\n" in stopped.stdout
    assert stopped.stdout.splitlines()[-1].split() == ["wine", run_id, "Stopped"]
    assert quick.status(execution) == "Stopped"


def test_an_interrupted_run_stops_its_executions_in_a_local_aws_that_goes_on(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = Quick(session, f"quick-{uuid4().hex[:6]}", tmp_path)
    quick.create()
    (mine,) = quick.start("wine")
    (others,) = quick.start("other", run_id="another")

    def interrupted(_: object, recording: Recording, minutes: float | None) -> None:
        recording.document["run_id"] = mine.run_id
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "_run", interrupted)
    values = {
        "ENVIRONMENT": "local",
        "PIPELINE_NAME": session.pipeline_name,
        "DEVELOPER": quick.developer,
        "DATASETS": ["wine"],
    }
    with pytest.raises(Interrupted, match=r"nothing .* is left running here\. `many-models run FILE"):
        run.run(run.chosen(["03"], None), values, tmp_path / "runs")
    assert (quick.status(mine), quick.status(others)) == ("Stopped", "Executing")
    runs.stop(session, [others])


@pytest.mark.slow
@headless.needs_proc
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("number", "which"), [(signal.SIGINT, "--from"), (signal.SIGTERM, "--only")], ids=["SIGINT", "SIGTERM"]
)
def test_an_interrupt_while_jobs_run_leaves_no_process_behind(
    home: Path, tmp_path: Path, number: signal.Signals, which: str
) -> None:
    """The kernel is a fork, or, if it is the only one, a process of its own."""
    many = ["-p", "MAX_TUNING_JOBS", 500, "-p", "DATASETS", "[wine]"]
    process = headless.start(home, tmp_path / "runs", which, "03", *many)
    headless.wait_for_line(process, "TuningWithCrossValidation Executing")
    running = headless.processes_of(home)
    assert len(running) >= 4, "run, kernel, local_aws and a job at least"
    os.kill(process.pid, number)
    done = headless.finish(process)
    assert done.returncode == 130
    begin, resume = done.stderr.split(". ")
    assert begin == "\nInterrupted; nothing that this run started is left running here"
    run = (tmp_path / "runs/latest").resolve().name
    assert resume == f"`many-models run FILE --resume {run}` goes on with what is not finished.\n"
    assert not headless.left_of(home)
