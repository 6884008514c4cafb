"""The state of a run is written as things happen, and says how the run ended, however it ends."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.helpers.webhook import webhook

from commands.reporting import page
from commands.reporting import recording as recording_of
from commands.reporting.channels import channel
from commands.reporting.recording import STOPPED, Recording, verdict
from commands.reporting.sentences import RESUME, headline
from helpers.cost.forecast import jobs
from helpers.cost.forecast.estimate import Work, outlook
from helpers.cost.forecast.pace import Size
from helpers.cost.prices import load
from helpers.errors import BadInput, ExitCode, JobFailed
from helpers.runs import summary
from helpers.runs.forecasts import Expected


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    names = ["03_run_and_inspect", "04_approve_and_deploy"]
    return Recording(tmp_path / "1", summary.new("1", {}, "local", "demo", names, ["wine", "own"]))


def fact(dataset: str, unless_known: bool = False, **facts: Any) -> dict[str, Any]:
    return {"dataset": dataset, "facts": facts, "unless_known": unless_known}


def expected(*names: str, rows: int = 178) -> Expected:
    """The forecast of a run on AWS with six trials for each of these tables."""
    values = {
        **{"PREPROCESSING_INSTANCE": "ml.t3.medium", "TRAINING_INSTANCE": "ml.m5.large"},
        **{"EVALUATION_INSTANCE": "ml.t3.medium", "USE_SPOT": False},
        **{"SEARCH": "jobs", "SEARCH_SECONDS": 0, "FLEET_INSTANCES": 1},
        **{"MAX_TUNING_JOBS": 6, "MAX_TUNING_PARALLEL_JOBS": 2},
    }
    work = [Work(name, jobs.own(values), Size(rows, 14)) for name in names]
    return Expected(outlook(work, "aws", "us-east-1", load()), None)


def ending(recording: Recording, error: BaseException) -> summary.Summary:
    """What the summary says after a run ended like this."""
    with pytest.raises(type(error)), recording:
        raise error
    return summary.read(recording.folder)


def test_what_a_notebook_says_is_in_the_summary_at_once(recording: Recording) -> None:
    with recording, recording.notebook(Path("03_run_and_inspect.ipynb")):
        recording.hear({"run_id": "a-run"})
        recording.hear(fact("wine", outcome="running", said="started", links={"a": "1"}))
        recording.hear(fact("wine", outcome="registered", said="new", billable_seconds=3.5, links={"b": "2"}))
        recording.hear(fact("in-service-but-not-of-this-run", in_service=3))
        now = summary.read(recording.folder)
        assert (now["status"], now["run_id"]) == ("running", "a-run")
        assert now["notebooks"]["03_run_and_inspect"]["status"] == "running"
        assert list(now["data_sets"]) == ["wine", "own"]
        wine = now["data_sets"]["wine"]
        assert (wine["outcome"], wine["said"], wine["links"]) == ("registered", "new", {"a": "1", "b": "2"})
        assert now["cost"]["billable_seconds"] == 3.5
    then = summary.read(recording.folder)
    assert then["notebooks"]["03_run_and_inspect"]["status"] == "done"
    assert then["notebooks"]["04_approve_and_deploy"]["status"] == "not-started"
    assert (then["status"], then["exit_code"], then["error"]) == ("done", 0, None)
    assert then["ended"] is not None
    assert (now["data_sets"]["own"]["said"], then["data_sets"]["own"]["said"]) == (
        "This run has not started it yet.",
        "This run did nothing about it.",
    )


def test_the_totals_are_the_sums_of_the_data_sets(recording: Recording) -> None:
    parts = {"jobs": 1, "saved_seconds": 2.0, "steps": {}}
    with recording:
        recording.expect(expected("wine", "own"), 5)
        before = summary.read(recording.folder)["cost"]
        billed = {**parts, "billable_seconds": 3.5, "dollars": 0.25}
        recording.hear(fact("wine", billable_seconds=3.5, billed=billed))
        more = expected("own", rows=10**6).outlook.aws.tables[0].facts()
        recording.hear(fact("own", billable_seconds=1.5, billed=billed | {"dollars": 0.5}, forecast=more))
        now = summary.read(recording.folder)
    cost, tables = now["cost"], now["data_sets"].values()
    found = (cost["billable_seconds"], cost["dollars"], cost["saved_seconds"], cost["cap"])
    assert found == (5.0, 0.75, 4.0, 5)
    assert cost["forecast"]
    assert before["forecast"]
    assert cost["forecast"]["jobs"] == before["forecast"]["jobs"] == 2 * 9
    for end in ("low", "high"):
        each = [table["forecast"]["dollars"][end] for table in tables]  # type: ignore[index,literal-required]
        assert cost["forecast"]["dollars"][end] == pytest.approx(sum(each))  # type: ignore[index,literal-required]
    assert cost["forecast"]["dollars"]["high"] > before["forecast"]["dollars"]["high"]  # type: ignore[index]


def test_a_later_notebook_does_not_change_what_is_known_about_a_table(recording: Recording) -> None:
    with recording:
        recording.hear(fact("wine", outcome="kept", said="nothing new"))
        recording.hear(fact("wine", unless_known=True, outcome="failed", said="no model", in_service=1))
        recording.hear(fact("own", unless_known=True, outcome="failed", said="no model"))
    found = summary.read(recording.folder)["data_sets"]
    assert (found["wine"]["outcome"], found["wine"]["said"], found["wine"]["in_service"]) == (
        "kept",
        "nothing new",
        1,
    )
    assert (found["own"]["outcome"], found["own"]["said"]) == ("failed", "no model")


def test_a_table_that_was_left_out_is_no_failure_because_it_has_no_model(recording: Recording) -> None:
    with recording:
        for why in ("Its source cannot be reached.", "It cannot be reached."):  # before 03, and in it
            recording.hear(fact("own", outcome="not-started", said=why, advice="Give a copy."))
        recording.hear(fact("own", unless_known=True, outcome="failed", said="no model", advice="Run 03."))
        recording.hear(fact("wine", outcome="registered", said="Registered as version 1.", version=1))
    found = summary.read(recording.folder)
    own = found["data_sets"]["own"]
    assert (own["outcome"], own["said"], own["advice"]) == (
        "not-started",
        "It cannot be reached.",
        "Give a copy.",
    )
    assert (found["status"], found["exit_code"], found["error"]) == ("done", 0, None)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (JobFailed("a sentence"), "failed", 1),
        (BadInput("a sentence"), "failed", 2),
        (ZeroDivisionError("a sentence"), "failed", 1),
        (KeyboardInterrupt(), "interrupted", 130),
    ],
)
def test_the_summary_says_how_a_run_ended(
    recording: Recording, error: BaseException, status: str, code: int
) -> None:
    found = ending(recording, error)
    assert (found["status"], found["exit_code"]) == (status, code)
    again = f"Interrupted. {RESUME.format(run=found['run'])}"
    assert found["error"] == (again if status == "interrupted" else "a sentence")
    assert found["ended"] is not None


def test_a_table_whose_execution_is_stopped_with_its_run_is_said_to_be_interrupted(
    recording: Recording,
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), recording:
        recording.hear(fact("wine", outcome="running", said="Its execution goes on."))
        interrupt()
    found = summary.read(recording.folder)
    wine = found["data_sets"]["wine"]
    assert (wine["outcome"], wine["said"]) == ("interrupted", STOPPED)
    assert wine["advice"] == RESUME.format(run=found["run"])
    assert "1 interrupted" in headline(found) and "failed" not in headline(found)


def test_the_notebook_that_ended_a_run_is_named(recording: Recording) -> None:
    with pytest.raises(JobFailed), recording, recording.notebook(Path("03_run_and_inspect.ipynb")):
        raise JobFailed("a sentence")
    state = summary.read(recording.folder)["notebooks"]["03_run_and_inspect"]
    assert (state["status"], state["error"], state["path"]) == (
        "failed",
        "a sentence",
        "03_run_and_inspect.ipynb",
    )


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["registered", "kept"], ExitCode.DONE),
        (["not-started"], ExitCode.DONE),
        (["registered", "refused"], ExitCode.REFUSED),
        (["refused", "failed", "registered"], ExitCode.FAILED),
    ],
)
def test_the_worst_outcome_counts(
    recording: Recording, outcomes: list[summary.Outcome], code: ExitCode
) -> None:
    recording.document["data_sets"] = {
        str(number): summary.data_set("...", outcome) for number, outcome in enumerate(outcomes)
    }
    assert verdict(recording.document) == code


# The page, the link and NOTIFY


def test_the_page_is_there_while_the_run_goes_on_and_latest_points_to_it(tmp_path: Path) -> None:
    with Recording(tmp_path / "1", summary.new("1", {}, "local", "demo", [], ["wine"])) as recording:
        assert "has been running for" in (tmp_path / "latest/index.html").read_text()
        recording.hear(fact("wine", outcome="kept", said="nothing new"))
    assert "nothing new" in (tmp_path / "latest/index.html").read_text()


def test_the_page_catches_up_while_a_long_step_only_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "SHARE", 1e-6)  # no second page for long
    with Recording(tmp_path / "1", summary.new("1", {}, "local", "demo", [], ["wine"])) as recording:
        recording.hear(fact("wine", outcome="running", said="half of it"))
        assert "half of it" not in (tmp_path / "1/index.html").read_text()
        recording._page._not_before = 0.0  # the time has come
        recording.hear({})
        assert "half of it" in (tmp_path / "1/index.html").read_text()


@pytest.mark.parametrize(
    ("error", "code"),
    [(None, 0), (JobFailed("It failed."), 1), (KeyboardInterrupt(), 130), (ZeroDivisionError("a fault"), 1)],
    ids=lambda it: type(it).__name__,
)
def test_however_a_run_ends_it_is_told_once(tmp_path: Path, error: BaseException | None, code: int) -> None:
    document = summary.new("1", {}, "local", "demo", [], [])
    with webhook() as hook, suppress(BaseException), Recording(tmp_path / "1", document, channel(hook.url)):
        if error:
            raise error
    ((_, told),) = hook.received
    assert told["exit_code"] == code
    address = f"http://127.0.0.1:{hook.server.server_port}/..."
    assert summary.read(tmp_path / "1")["notification"] == {"to": address, "error": None}
    assert f"How this run ended was told to {address}." in (tmp_path / "1/index.html").read_text()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "small", disk], capture_output=True)
    if made.returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


def fill(disk: Path) -> None:
    with suppress(OSError), (disk / "other").open("wb", buffering=0) as other:
        while True:
            other.write(bytes(4096))


def test_a_run_that_fills_the_disk_ends_as_failed_and_is_told(small_disk: Path) -> None:
    document = summary.new("1", {}, "local", "demo", [], [f"table-{number}" for number in range(40)])
    with (
        webhook() as hook,
        pytest.raises(OSError, match="No space"),
        Recording(small_disk / "1", document, channel(hook.url)) as recording,
    ):
        fill(small_disk)
        for name in document["data_sets"]:
            recording.hear(fact(name, outcome="registered", said="It is good. " * 50, steps={"a": 1.0}))
    found = summary.read(small_disk / "1")
    assert (found["status"], found["exit_code"]) == ("failed", 1)
    assert found["error"].startswith("A file cannot be written ([Errno 28] No space left on device")
    assert "free some space" in (small_disk / "1/index.html").read_text()
    ((_, told),) = hook.received
    assert (told["exit_code"], told["error"]) == (1, found["error"])
    assert sorted(path.name for path in (small_disk / "1").iterdir()) == ["index.html", "summary.json"]


def test_a_run_that_finds_no_room_at_all_is_told(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_of, "PATIENCE", 0.0)
    fill(small_disk)
    document = summary.new("1", {}, "local", "demo", [], [])
    with (
        webhook() as hook,
        pytest.raises(OSError, match="No space"),
        Recording(small_disk / "1", document, channel(hook.url)),
    ):
        pass
    ((_, told),) = hook.received
    assert told["error"].startswith("A file cannot be written")


def test_telling_that_fails_is_a_sentence_and_changes_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Recording(tmp_path / "1", summary.new("1", {}, "local", "demo", [], []), channel("false")):
        pass
    sentence = "NOTIFY: the command false was not told how this run ended: it ended with exit code 1."
    assert capsys.readouterr().err == f"\n{sentence}\n"
    found = summary.read(tmp_path / "1")
    assert (found["status"], found["exit_code"]) == ("done", 0)
    assert found["notification"] == {"to": "the command false", "error": sentence}
    assert sentence in (tmp_path / "1/index.html").read_text()
