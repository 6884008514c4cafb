"""How runs wait for each other, name their folders, and fail."""

import os
import re
import tempfile
import time
from datetime import datetime
from pathlib import Path

import nbformat
import pytest
from support.helpers import headless
from support.helpers.shared import SideBySide, settings

from commands.reporting.sentences import RESUME
from commands.running import perform
from helpers.errors import BadInput, UserError
from helpers.runs import summary

# Own steps with which a table passes the check and fails in its job.
FAILS_IN_A_JOB = """
import os

def clean(table):
    return table.head(12 if "SAGEMAKER_BASE_DIR" in os.environ else len(table))
"""


def results(runs: Path) -> list[Path]:
    return [path for path in runs.glob("*") if path.is_dir() and not path.is_symlink()]


@pytest.mark.slow
def test_two_runs_in_two_states_do_not_disturb_each_other(side_by_side: SideBySide) -> None:
    for each in side_by_side.runs:
        assert (each.done.returncode, each.done.stderr) == (0, "")
        assert "waiting" not in each.done.stdout, "for the other one"
        assert len(results(each.folder)) == 1
        assert not headless.left_of(each.home)


@pytest.mark.slow
def test_a_second_run_in_a_state_says_whom_it_waits_for_and_then_goes_on(side_by_side: SideBySide) -> None:
    waited = side_by_side.second
    run, refused = waited.run, waited.refused
    assert waited.left == [], "it had not begun"
    assert (refused.returncode, refused.stderr) == (
        1,
        f"\nAnother run (process {os.getpid()}) is still running here; nothing was started. "
        "Without --no-wait, this waits.\n",
    )
    assert (
        f"Another run (process {os.getpid()}) is still running here; waiting for it to end.\n" in waited.said
    )
    assert (run.done.returncode, run.done.stderr) == (0, "")
    assert "01_build_image" in run.done.stdout

    (folder,) = results(run.folder)
    assert summary.read(folder)["status"] == "done"

    # It has a page, and so has its notebook; who had to be told was told, and the secret is nowhere.
    page = (run.folder / "latest/index.html").read_text()
    assert 'href="01_build_image.html"' in page
    assert "1. Build the image" in (folder / "01_build_image.html").read_text()
    ((_, told),) = waited.told
    assert (told["run"], told["status"]) == (folder.name, "done")
    texts = [path.read_text() for path in folder.iterdir()] + [waited.said, run.done.stdout]
    assert [text for text in texts if "SECRET" in text] == []


def test_runs_that_begin_in_one_second_have_a_folder_each(tmp_path: Path) -> None:
    folders = [perform._folder(tmp_path)]
    while not re.search(r"-\d{6}-2$", folders[-1].name):  # until two began in one second
        folders.append(perform._folder(tmp_path))
    assert len(set(folders)) == len(folders)
    assert all(folder.is_dir() for folder in folders)


def test_runs_are_in_the_order_of_their_names_also_when_clocks_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        before, folder, after = time.time(), perform._folder(tmp_path), time.time()
    time.tzset()
    found = datetime.strptime(f"{folder.name}+0000", "%Y%m%d-%H%M%S%z").timestamp()
    assert int(before) <= found <= after


@pytest.mark.slow
def test_a_run_over_its_cap_starts_nothing(home: Path, tmp_path: Path) -> None:
    cap = ["-p", "SEARCH", "jobs", "-p", "DATASETS", "[wine]", "-p", "MAX_COST_USD", "0.01"]
    where = ("run", str(headless.LOCAL_YAML), "--runs", str(tmp_path / "runs"))
    with settings(headless.environment(home), alone=True):
        refused = headless.here(*where, *cap)
    assert refused.returncode == 2
    assert "MAX_COST_USD allows 0.01" in refused.stderr
    assert "nothing was uploaded or started." in refused.stderr
    assert "Traceback" not in refused.stderr
    (folder,) = results(tmp_path / "runs")
    found = summary.read(folder)
    assert (found["exit_code"], found["run_id"], found["cost"]["cap"]) == (2, None, 0.01)
    assert {each["status"] for each in found["notebooks"].values()} == {"not-started"}
    assert found["cost"]["forecast"] and found["data_sets"]["wine"]["forecast"]
    assert found["cost"]["forecast"]["jobs"] == found["data_sets"]["wine"]["forecast"]["jobs"] == 27


def test_a_failing_job_is_named_with_its_log_and_what_to_do(home: Path, tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(FAILS_IN_A_JOB)
    given = {"PIPELINE_NAME": "failing", "STEPS": str(tmp_path / "steps.py"), "DATASETS": "[wine]"}
    options = [word for name, value in given.items() for word in ("-p", name, value)]
    where = ("run", str(headless.LOCAL_YAML), "--runs", str(tmp_path / "runs"))
    with settings(headless.environment(home), alone=True):
        done = headless.here(*where, "--only", "02", "--only", "03", *options)
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
    assert resume == RESUME.format(run=folder.name)
    wine = found["data_sets"]["wine"]
    assert (wine["outcome"], wine["step"], wine["log"]) == ("failed", "PreprocessData", str(path))
    executed = nbformat.read(folder / "03_run_and_inspect.ipynb", as_version=4)
    errors = [output for cell in executed.cells for output in cell.get("outputs", []) if "ename" in output]
    assert {output.ename for output in errors} == {"JobFailed"}
    assert not headless.left_of(home)
    assert headless.kernels_here() == []


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
    perform._execute(source, tmp_path / "out.ipynb", signed, print)
    assert list((tmp_path / "here").iterdir()) == []
    executed = (tmp_path / "out.ipynb").read_text()
    assert executed.count("S3cret") == 1, "in the cell that looked for it"
    assert executed.count("https://host/t.csv?...") > 1


def failed(source: Path, target: Path) -> UserError:
    """The error with which a notebook ends."""
    with pytest.raises(UserError) as raised:
        perform._execute(source, target, {}, print)
    return raised.value


def test_a_notebook_runs_without_a_home_and_with_a_long_path_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setenv("HOME", "/dev/null/nowhere")
    monkeypatch.delenv("JUPYTER_RUNTIME_DIR", raising=False)
    perform._execute(headless.notebook(tmp_path, "print(1 + 1)"), tmp_path / "out.ipynb", {}, print)
    assert nbformat.read(tmp_path / "out.ipynb", as_version=4).cells[-1].outputs[0].text == "2\n"
