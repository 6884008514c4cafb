"""An unchanged table night after night: one version, for as long as nobody approves it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import HANGS
from support.helpers.shared import TRIALS, decide, first_version

from helpers import runs
from helpers.data import datasets
from helpers.deployment import decisions, deployments, registry
from helpers.errors import BadInput
from helpers.runs import facts, summary
from helpers.session import Session

WINE = {"MaxTuningJobs": TRIALS, "StratifySplit": True}  # as the execution `ran` had it


def set_status(session: Session, status: str) -> None:
    session.client("sagemaker").update_model_package(
        ModelPackageArn=first_version(session).arn, ModelApprovalStatus=status
    )
    deadline = time.monotonic() + HANGS
    while ("wine" in deployments.in_service(session)) != (status == "Approved"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def ran(session: Session, ran: runs.Execution) -> Iterator[runs.Execution]:
    """The execution on wine; its version awaits a decision, and none is in service."""
    before = first_version(session).status
    set_status(session, registry.PENDING)
    yield ran
    set_status(session, before)


def night(session: Session, **options: Any) -> tuple[runs.Execution, dict[str, Any]]:
    """What notebook 03 does about an unchanged table, and what becomes of it."""
    (execution,) = runs.start(session, [datasets.fetch("wine")], WINE, **options)
    runs.watch(session, [execution])
    return execution, runs.outcomes(session, [execution]).loc["wine"].to_dict()


def headless(folder: Path, run_id: str, found: dict[str, Any]) -> None:
    """The summary of a headless run after notebook 03."""
    document = summary.new("tonight", {}, "local", "many-models", ["04_approve_and_deploy"], ["wine"])
    document["run_id"] = run_id
    document["data_sets"]["wine"].update(found)  # type: ignore[typeddict-item]
    summary.write(folder / summary.FILE, document)


def test_it_gets_no_second_version_and_the_first_can_be_decided_on(
    session: Session, ran: runs.Execution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_id in ("", "", "tonight"):
        execution, found = night(session, run_id=run_id)
        assert execution.arn == ran.arn
        assert found["outcome"] == "kept"
        assert found["why"] == (
            f"Version 1 of run {ran.run_id} already awaited a decision, and nothing is new since then."
        )
    assert len(registry.packages(session, "wine")) == 1

    shown = registry.versions(session, ["wine"])
    with pytest.raises(BadInput, match="RUN_ID is 'tonight', but there is no such run"):
        decisions.candidates(session, shown, run_id="tonight")
    monkeypatch.setenv(facts.FOLDER, str(tmp_path))
    headless(tmp_path, "tonight", {"outcome": "kept", "version": 1, "awaits_decision": True})
    (chosen,) = decisions.candidates(session, shown, run_id="tonight")
    assert (chosen.version, chosen.named) == (1, False)


def test_what_was_rejected_is_not_registered_again_without_being_asked_for(
    session: Session, ran: runs.Execution
) -> None:
    decide(session, "reject", "wine", versions={"wine": 1})
    execution, found = night(session)
    assert execution.arn == ran.arn
    assert (found["outcome"], found["in service"]) == ("kept", "none")
    assert found["why"].startswith(f"Version 1 of run {ran.run_id} was rejected, and nothing is new since")
    assert found["what to do"].endswith('RUN_ID = "new" trains all tables again as they are.')


@pytest.mark.parametrize("change", ["parameter", "service", "new"])
def test_something_new_is_trained_on(session: Session, ran: runs.Execution, change: str) -> None:
    if change == "service":
        set_status(session, "Approved")
    parameters = {**WINE, "RandomState": 7} if change == "parameter" else WINE
    (execution,) = runs.start(
        session,
        [datasets.fetch("wine")],
        parameters,
        most=0,
        run_id="new" if change == "new" else "",
    )
    assert execution.waits
    assert execution.standing is None
