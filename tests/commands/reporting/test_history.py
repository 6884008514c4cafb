"""The runs under a folder: the latest, a list of them, and the removal of old ones."""

import os
from pathlib import Path

import pytest
from support.helpers.documents.summaries import ended, judged

from commands.__main__ import main
from commands.reporting import history
from commands.reporting.sentences import RESUME
from helpers.runs import summary


def a_run(runs: Path, day: int, status: str = "done", resumed: tuple[str, ...] = ()) -> Path:
    """The folder of a run on a day of November."""
    document = ended(status, wine=judged("registered", version=1, awaits_decision=True), own=judged("failed"))
    document.update(started=f"2026-11-{day:02}T02:15:00.000Z", resumed=list(resumed))
    folder = runs / f"202611{day:02}-021500"
    (folder / "evaluations").mkdir(parents=True)
    (folder / "evaluations/wine.html").write_text("x" * 1000)
    summary.write(folder / summary.FILE, document)
    return folder


def command(runs: Path, *arguments: str) -> int:
    return main(["runs", "--runs", str(runs), *arguments])


def test_latest_is_a_link_to_the_run_that_began_last(tmp_path: Path) -> None:
    for day in (1, 2):
        history.link(a_run(tmp_path, day))
    assert (tmp_path / "latest").readlink() == Path("20261102-021500")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "20261101-021500",
        "20261102-021500",
        "latest",
    ]


def test_what_has_that_name_and_is_no_link_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "latest").mkdir()
    history.link(a_run(tmp_path, 1))
    assert not (tmp_path / "latest").is_symlink()
    assert f"{tmp_path / 'latest'} does not point to this run (" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20261101-021500", "latest"]


def test_runs_are_listed_the_latest_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_run(tmp_path, 1, "failed")
    history.link(a_run(tmp_path, 2))
    for name in ("my-notes", "status", "monitoring"):  # the others have the pages of all models
        (tmp_path / name).mkdir()
    assert command(tmp_path) == 0
    assert capsys.readouterr().out.splitlines() == [
        "run              started           took    status  outcomes",
        "20261102-021500  2026-11-02 02:15  22 min  done    1 failed, 1 registered, 1 awaits a decision",
        "20261101-021500  2026-11-01 02:15  22 min  failed  1 failed, 1 registered, 1 awaits a decision",
        "Without a summary.json of this release, my-notes is not listed.",
    ]


def test_without_runs_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(tmp_path) == 0
    assert capsys.readouterr().out == f"There are no runs in {tmp_path}.\n"
    assert command(tmp_path / "nowhere") == 2
    assert "is not a folder with runs; name one with --runs." in capsys.readouterr().err


def test_old_runs_are_removed_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for day in range(1, 5):
        a_run(tmp_path, day)
    assert command(tmp_path, "--keep", "2") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20261103-021500", "20261104-021500"]
    *removed, total = capsys.readouterr().out.splitlines()
    assert removed == ["Removed 20261102-021500: done, 0.0 MB.", "Removed 20261101-021500: done, 0.0 MB."]
    assert total == "2 runs removed, 0.0 MB; 2 runs left."


def was_killed(folder: Path) -> None:
    document = summary.read(folder)
    document.update(ended=None, exit_code=None)
    document["process"]["began"] -= 1000  # another process has its id now
    summary.write(folder / summary.FILE, document)


def test_a_run_that_was_killed_is_found_by_the_next_one_and_by_no_other(tmp_path: Path) -> None:
    killed, going_on, next_one = (a_run(tmp_path, day, "running") for day in (1, 2, 3))
    a_run(tmp_path, 4)
    was_killed(killed)
    was_killed(next_one)  # which is resumed now
    assert history.settle(tmp_path, next_one) == [killed.name]
    assert history.settle(tmp_path, next_one) == []
    document = summary.read(killed)
    assert (document["status"], document["ended"]) == ("killed", document["updated"])
    assert "was killed; its last sign came after" in (killed / "index.html").read_text()
    assert document["error"] == f"Killed. {RESUME.format(run=killed.name)}"
    assert summary.read(going_on)["status"] == "running"


def test_a_run_that_goes_on_and_what_is_not_known_to_be_a_run_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    going_on = a_run(tmp_path, 1, "running")
    older_release = a_run(tmp_path, 2)
    (older_release / summary.FILE).write_text('{"parameters": {}, "data_sets": {}}')
    elsewhere = a_run(tmp_path / "elsewhere", 3)
    (tmp_path / "linked").symlink_to(elsewhere)
    (tmp_path / "run.lock").touch()
    killed = a_run(tmp_path, 4, "running")
    was_killed(killed)
    a_run(tmp_path, 5)
    assert command(tmp_path, "--keep", "1") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [going_on.name, older_release.name, "20261105-021500", "elsewhere", "linked", "run.lock"]
    )
    assert elsewhere.is_dir()
    told = capsys.readouterr().out
    assert "Removed 20261104-021500: killed, " in told
    assert f"{going_on.name} is still running, so it is not removed." in told
    assert f"Without a summary.json of this release, {older_release.name}, elsewhere are left alone." in told


def test_a_run_that_was_resumed_counts_from_then(tmp_path: Path) -> None:
    resumed = a_run(tmp_path, 1, resumed=("2026-11-20T02:15:00.000Z",))
    a_run(tmp_path, 2)
    assert command(tmp_path, "--keep", "1") == 0
    assert [path.name for path in tmp_path.iterdir()] == [resumed.name]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may remove everything")
def test_what_cannot_be_removed_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_run(tmp_path, 2)
    old = a_run(tmp_path, 1) / "evaluations"
    old.chmod(0o500)
    assert command(tmp_path, "--keep", "1") == 1
    old.chmod(0o700)
    assert "cannot be removed (" in capsys.readouterr().err


def test_nothing_is_kept_by_mistake_of_a_number(tmp_path: Path) -> None:
    a_run(tmp_path, 1)
    assert command(tmp_path, "--keep", "0") == 2
    assert len(list(tmp_path.iterdir())) == 1
