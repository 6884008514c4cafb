"""The ledger of the versions in service, and the way back to the previous one."""

from collections.abc import Callable, Iterator

import pytest
from support import HANGS

from helpers.deployment import decisions, deployments, registry
from helpers.deployment.asking import endpoint
from helpers.deployment.performance import traffic
from helpers.errors import BadInput
from helpers.session import Session, connect


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


@pytest.fixture
def two_endpoints(session: Session) -> Iterator[Session]:
    """A second endpoint, which afterwards goes again with all that it has served."""
    yield connect("local", session.pipeline_name, endpoints=2)
    deployments.wait(connect("local", session.pipeline_name, endpoints=1), [], seconds=HANGS)
    connect("local", session.pipeline_name)
    listed = session.client("sagemaker").list_endpoints(NameContains=session.pipeline_name)["Endpoints"]
    assert [found["EndpointName"] for found in listed] == [session.endpoint_name]


def test_a_second_endpoint_takes_over_its_share_of_the_models(
    dataset: str, register: Callable[..., str], two_endpoints: Session
) -> None:
    second = two_endpoints.endpoint_names[1]
    while two_endpoints.endpoint_of(other := register("Approved")) != second:
        continue
    table = deployments.wait(two_endpoints, [], seconds=HANGS)
    assert dict(table["endpoint"]) == {name: two_endpoints.endpoint_of(name) for name in table.index}
    assert two_endpoints.endpoint_of(dataset) == table.loc[dataset, "endpoint"]
    (package,) = registry.packages(two_endpoints, other)
    decision = decisions.Decision(other, 1, package.status, package.arn)
    deployments.wait(two_endpoints, [decision], seconds=HANGS)
    before = traffic.total(traffic.by_minute(two_endpoints))
    rows = endpoint.rows_of(endpoint.held_out(two_endpoints, package).features[:1])
    assert len(endpoint.predict(two_endpoints, other, rows)["predictions"]) == 1
    after = traffic.total(traffic.by_minute(two_endpoints))
    more = after.loc["all", "warm"] - before.loc["all", "warm"]
    assert more >= 1, "beside the calls that check a deployment"
