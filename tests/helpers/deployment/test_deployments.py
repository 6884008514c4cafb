"""The ledger of the versions in service, and the way back to the previous one."""

from collections.abc import Callable

import pytest
from support import HANGS

from helpers.deployment import decisions, deployments, registry
from helpers.errors import BadInput
from helpers.session import Session


@pytest.fixture
def dataset(session: Session, register: Callable[..., str]) -> str:
    """Version 1 was in service, and version 2 is."""
    name = register("PendingManualApproval", "PendingManualApproval")
    for package in reversed(registry.packages(session, name)):
        decision = decisions.set_status(session, package, "Approved", f"version {package.version} is good")
        deployments.wait(session, [decision], seconds=HANGS)
    return name


def changes(session: Session, dataset: str) -> list[tuple]:
    history = deployments.history(session, [dataset])
    return list(history[["from", "to", "decision", "by", "reason"]].itertuples(index=False, name=None))


def test_each_change_is_kept_with_the_decision_behind_it(session: Session, dataset: str) -> None:
    assert changes(session, dataset) == [
        (1, 2, "Approved", "local", "version 2 is good"),
        ("none", 1, "Approved", "local", "version 1 is good"),
    ]


def test_rolling_back_rejects_the_named_version_and_brings_back_the_one_before(
    session: Session, dataset: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadInput, match=r"version 2 is in service, and not version 1; there is nothing to"):
        deployments.rollback(session, dataset, 1, "the wrong one")
    for _ in range(2):  # the second time, it finds its work done
        assert deployments.rollback(session, dataset, 2, "it drifts").loc[dataset, "version"] == 1
    assert "Version 2 of" in capsys.readouterr().out
    assert [package.status for package in registry.packages(session, dataset)] == ["Rejected", "Approved"]
    assert changes(session, dataset)[0] == (2, 1, "Rejected", "local", "it drifts")
    with pytest.raises(BadInput, match=r"Version 1 of .+ is the only approved one"):
        deployments.rollback(session, dataset, 1, "again")
    kept = registry.metadata(session, registry.packages(session, dataset)[0])
    assert any(value.endswith(" through rollback") for value in kept.values())


def test_there_is_nothing_to_go_back_from(session: Session, register: Callable[..., str]) -> None:
    with pytest.raises(BadInput, match=r"nothing is in service, and not version 1; there is nothing to"):
        deployments.rollback(session, register("PendingManualApproval"), 1, "why not")
    assert deployments.history(session, ["never-heard-of"]).empty
