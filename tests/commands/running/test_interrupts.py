"""A run that is interrupted leaves no process behind, and says what goes on."""

import json
import os
import re
import signal
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from support.helpers import headless
from support.helpers.quick import Quick
from support.helpers.shared import settings

from commands.reporting.recording import Recording
from commands.reporting.sentences import RESUME
from commands.running import perform, planning
from helpers import runs
from helpers.errors import Interrupted
from helpers.session import Session
from helpers.session.outputs import OUTPUTS


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

    monkeypatch.setattr(perform, "_run", interrupted)
    values = {
        "ENVIRONMENT": "local",
        "PIPELINE_NAME": session.pipeline_name,
        "DEVELOPER": quick.developer,
        "DATASETS": ["wine"],
    }
    with pytest.raises(Interrupted, match=r"nothing .* is left running here\. `many-models run FILE"):
        perform.run(planning.chosen(["03"], None), values, tmp_path / "runs")
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
    many = ["-p", "SEARCH", "jobs", "-p", "MAX_TUNING_JOBS", 500, "-p", "DATASETS", "[wine]"]
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
    assert resume == f"{RESUME.format(run=run)}\n"
    assert not headless.left_of(home)
