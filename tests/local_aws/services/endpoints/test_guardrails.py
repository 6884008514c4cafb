"""How an update moves the traffic: in which parts, and what AWS's documents do not allow."""

from fractions import Fraction
from typing import Any

import pytest

from local_aws.core.errors import AwsError
from local_aws.services.endpoints.guardrails import Guardrails, Shift, guardrails


def blue_green(kind: str, wait: int = 0, **sizes: tuple[str, int]) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait}
    routing |= {field: {"Type": unit, "Value": value} for field, (unit, value) in sizes.items()}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


@pytest.mark.parametrize(
    ("configuration", "instances", "percent"),
    [
        ({}, 1, [100]),
        (blue_green("ALL_AT_ONCE"), 1, [100]),
        (blue_green("CANARY", CanarySize=("CAPACITY_PERCENT", 30)), 2, [30, 100]),
        (blue_green("CANARY", CanarySize=("INSTANCE_COUNT", 1)), 4, [25, 100]),
        (blue_green("LINEAR", LinearStepSize=("CAPACITY_PERCENT", 30)), 2, [30, 60, 90, 100]),
        (blue_green("LINEAR", LinearStepSize=("INSTANCE_COUNT", 1)), 2, [50, 100]),
    ],
)
def test_traffic_moves_in_these_parts(
    configuration: dict[str, Any], instances: int, percent: list[int]
) -> None:
    assert [100 * share for share in guardrails(configuration, instances).shares] == percent


@pytest.mark.parametrize(
    ("configuration", "complaint"),
    [
        (blue_green("CANARY"), "CANARY needs CanarySize"),
        (blue_green("LINEAR", CanarySize=("INSTANCE_COUNT", 1)), "CanarySize is for .* CANARY, not LINEAR"),
        (
            blue_green("ALL_AT_ONCE", LinearStepSize=("INSTANCE_COUNT", 1)),
            "LinearStepSize is for .* LINEAR, not ALL_AT_ONCE",
        ),
        (
            blue_green("CANARY", CanarySize=("CAPACITY_PERCENT", 51)),
            "51 of 100; Type CANARY takes at most 50% of the instances",
        ),
        (blue_green("CANARY", CanarySize=("INSTANCE_COUNT", 3)), "3 of 4; Type CANARY takes at most 50%"),
        (
            blue_green("LINEAR", LinearStepSize=("CAPACITY_PERCENT", 9)),
            "9 of 100; Type LINEAR takes 10% to 50%",
        ),
        (
            {
                "BlueGreenUpdatePolicy": {
                    **blue_green("ALL_AT_ONCE", 300)["BlueGreenUpdatePolicy"],
                    "TerminationWaitInSeconds": 300,
                    "MaximumExecutionTimeoutInSeconds": 600,
                }
            },
            "is 600, which is not longer",
        ),
        ({"RollingUpdatePolicy": {"x": 1}}, "does not emulate RollingUpdatePolicy"),
        ({**blue_green("ALL_AT_ONCE"), "RollingUpdatePolicy": {"x": 1}}, "use one"),
    ],
)
def test_what_is_refused(configuration: dict[str, Any], complaint: str) -> None:
    with pytest.raises(AwsError, match=complaint):
        guardrails(configuration, 4)


def test_the_new_instances_get_their_share_evenly() -> None:
    seen: list[list[bool]] = []

    def look(name: str) -> str:
        seen.append([shift.takes_next() for _ in range(10)])
        return "OK"

    rules = Guardrails((Fraction(3, 10), Fraction(1)), alarms=("a",))
    shift = Shift(rules, look)
    assert not any(shift.takes_next() for _ in range(10))
    shift.run()
    assert [sum(taken) for taken in seen] == [3, 10, 10]
    assert seen[0] == [count in (3, 6, 9) for count in range(10)]


def test_an_update_that_takes_too_long_is_rolled_back() -> None:
    shift = Shift(Guardrails(wait=60, timeout=0), lambda name: None)
    with pytest.raises(AwsError, match="more than 0 seconds"):
        shift.run()
    assert not shift.takes_next()
