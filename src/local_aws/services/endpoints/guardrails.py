"""Deployment guardrails: how an update moves an endpoint's traffic to new instances, and what moves it back.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from local_aws.core.errors import AwsError, invalid, not_emulated
from local_aws.core.store import Document

__all__ = ["Guardrails", "Shift", "guardrails"]

_ALL = Fraction(1)
_WATCH_SECONDS = 0.2
# The field of each type's size, and the least and the most of all instances that it may be:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html
_SIZES = {
    "CANARY": ("CanarySize", Fraction(0), Fraction(1, 2)),
    "LINEAR": ("LinearStepSize", Fraction(1, 10), Fraction(1, 2)),
}


@dataclass(frozen=True)
class Guardrails:
    """How one update moves the traffic.

    Attributes:
        shares: The new instances' share of the traffic after each shift; the last one is all of it.
        wait: Seconds to watch the alarms after each shift.
        termination_wait: Seconds to watch them longer, before the old instances end.
        timeout: Seconds after which the update is given up; None for no limit.
        alarms: The names of the alarms that roll the update back.
    """

    shares: Sequence[Fraction] = (_ALL,)
    wait: int = 0
    termination_wait: int = 0
    timeout: int | None = None
    alarms: Sequence[str] = ()


class Shift:
    """The move of one endpoint's traffic to its new instances.

    Attributes:
        stage: What is done with them at the moment: a ProductionVariantStatus.
        started: When they began to start, in seconds since 1970.
    """

    def __init__(self, rules: Guardrails, alarm_state: Callable[[str], str | None]) -> None:
        """Prepare a move by these rules; `alarm_state` returns the state of the alarm with a name."""
        self._rules, self._alarm_state = rules, alarm_state
        self._share = self._due = Fraction(0)
        self._lock, self._ended = threading.Lock(), threading.Event()
        self.started = time.time()
        self._enter("Creating")

    def takes_next(self) -> bool:
        """Return whether the next request is for the new instances, which get their share of them evenly."""
        with self._lock:
            self._due += self._share
            if self._due < 1:
                return False
            self._due -= 1
            return True

    def run(self) -> None:
        """Move the traffic step by step, and watch the alarms.

        Raises:
            AwsError: An alarm went off, it took too long, or `end` was called; all traffic is as before.
        """
        try:
            for share in self._rules.shares:
                self._enter("ActivatingTraffic")
                self._share = share
                self._enter("Baking")
                self._watch(self._rules.wait)
            self._watch(self._rules.termination_wait)
        except AwsError:
            self._share = Fraction(0)
            raise

    def end(self) -> None:
        """Let `run` end."""
        self._ended.set()

    def _enter(self, status: str) -> None:
        self.stage = {"Status": status, "StartTime": time.time()}

    def _watch(self, seconds: float) -> None:
        """Watch the alarms for some time, at least once."""
        end = time.time() + seconds
        while True:
            for name in self._rules.alarms:
                if self._alarm_state(name) == "ALARM":
                    raise AwsError("RolledBack", f"The alarm {name!r} went off; the update was rolled back.")
            if self._rules.timeout is not None and time.time() - self.started > self._rules.timeout:
                raise AwsError(
                    "RolledBack",
                    f"The update took more than {self._rules.timeout} seconds "
                    "(MaximumExecutionTimeoutInSeconds) and was rolled back.",
                )
            left = end - time.time()
            if left <= 0:
                return
            if self._ended.wait(min(left, _WATCH_SECONDS)):
                raise AwsError("Ended", "The endpoint was deleted, or the server stopped, during the update.")


def guardrails(configuration: Document, instances: int) -> Guardrails:
    """Read a DeploymentConfig.

    Args:
        configuration: The request's DeploymentConfig; empty for none.
        instances: The number of new instances.

    Raises:
        AwsError: It contradicts AWS's documents, or local_aws does not emulate it.
    """
    policy = configuration.get("BlueGreenUpdatePolicy")
    if configuration.get("RollingUpdatePolicy"):
        if policy:
            raise invalid("DeploymentConfig has a BlueGreenUpdatePolicy and a RollingUpdatePolicy; use one.")
        raise not_emulated("RollingUpdatePolicy of DeploymentConfig")
    names = configuration.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    alarms = tuple(alarm["AlarmName"] for alarm in names if alarm.get("AlarmName"))
    if not policy:
        return Guardrails(alarms=alarms)
    routing = policy["TrafficRoutingConfiguration"]
    wait, longer = routing["WaitIntervalInSeconds"], policy.get("TerminationWaitInSeconds", 0)
    timeout = policy.get("MaximumExecutionTimeoutInSeconds")
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html
    if timeout is not None and timeout <= wait + longer:
        raise invalid(
            f"MaximumExecutionTimeoutInSeconds is {timeout}, which is not longer than WaitIntervalInSeconds "
            f"and TerminationWaitInSeconds together, {wait + longer}."
        )
    return Guardrails(tuple(_shares(routing, instances)), wait, longer, timeout, alarms)


def _shares(routing: Document, instances: int) -> list[Fraction]:
    kind = routing["Type"]
    for other, (field, _, _) in _SIZES.items():
        if other != kind and routing.get(field):
            raise invalid(f"{field} is for traffic routing of Type {other}, not {kind}.")
    if kind not in _SIZES:
        return [_ALL]
    field, least, most = _SIZES[kind]
    size = routing.get(field)
    if size is None:
        raise invalid(f"Traffic routing of Type {kind} needs {field}.")
    whole = instances if size["Type"] == "INSTANCE_COUNT" else 100
    step = Fraction(size["Value"], whole)
    if not least <= step <= most:
        raise invalid(
            f"{field} is {size['Value']} of {whole}; Type {kind} takes "
            f"{f'{100 * least}% to ' if least else 'at most '}{100 * most}% of the instances."
        )
    shares = [step] if kind == "CANARY" else [step * count for count in range(1, -(-1 // step))]
    return [*shares, _ALL]
