"""The deployer function: makes the models in service match the versions approved in the model registry.

An event is only a hint about which group to look at. It may be lost, duplicated or late, so its contents are
never used: the registry is read instead, and a schedule checks all groups.
"""

import functools
import math
import random
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contract import names
from contract.names import NamingError
from lambdas import clients, log
from lambdas.deployer import sweep, warming
from lambdas.deployer.reconciler import Outcome, Reconciler
from lambdas.errors import DeploymentError
from lambdas.settings import Settings

__all__ = ["handler"]

# Groups that are looked at side by side: most of the time, a look waits for an answer.
SIDE_BY_SIDE = 8
# Seconds that a sweep keeps for a group that it has begun: the longest that a model may take to load, and a
# minute to copy it.
RESERVE = warming.PATIENCE + 60


def handler(event: dict[str, Any], context: object) -> dict[str, Outcome]:
    """Reconcile the event's group, `{"groups": [...]}`, or what the sweep finds if none is named.

    Every group is tried. Then a DeploymentError names those that failed, so that the event is retried. What
    a sweep has no time for waits for the next one.
    """
    settings = Settings.from_environment()
    named = _named_groups(event)
    cause = "event" if event.get("detail") else "request" if named else "schedule"
    aws = [clients.client(service) for service in ("s3", "sagemaker", "sagemaker-runtime")]
    reconciler = Reconciler(settings.bucket, tuple(settings.endpoint_names), cause, *aws)
    look = functools.partial(_look, reconciler, settings.pipeline_name, context)
    summary = _look_at(named, look) if named else _sweep(reconciler, settings, context, look)
    summary = {group: outcome for group, outcome in summary.items() if outcome["action"] != "ignored"}
    failures = {group: outcome["error"] for group, outcome in summary.items() if "error" in outcome}
    if failures:
        raise DeploymentError(failures, len(summary))
    return summary


def _sweep(
    reconciler: Reconciler, settings: Settings, context: object, look: Callable[[str], Outcome]
) -> dict[str, Outcome]:
    """Reconcile the groups that have changed since they were last in order, as many as there is time for.

    Their order is another each time and known to nobody: if one of them takes all the time or memory there
    is, the others have their turn before it in another sweep.
    """
    started = time.monotonic()
    seen = sweep.look(reconciler.s3, reconciler.sagemaker, settings)
    known = sweep.read_settled(reconciler.s3, settings.bucket)
    settled = {group: digest for group, digest in known.items() if seen.get(group) == digest}
    changed = sorted(seen.keys() - settled.keys())
    order = random.sample(changed, len(changed))
    summary = _look_at(order, look, lambda: _seconds_left(context) >= RESERVE)
    settled |= {group: seen[group] for group, each in summary.items() if each["action"] == "unchanged"}
    if settled != known:
        sweep.write_settled(reconciler.s3, settings.bucket, settled)
    log.line(
        function="deployer",
        at=log.now(),
        action="swept",
        groups=len(seen),
        looked_at=len(summary),
        left=len(changed) - len(summary),
        milliseconds=round(1000 * (time.monotonic() - started)),
    )
    return summary


def _look_at(
    groups: Sequence[str], look: Callable[[str], Outcome], has_time: Callable[[], bool] = lambda: True
) -> dict[str, Outcome]:
    """Look at groups in this order, at the first in any case and at others while there is time."""
    if len(groups) == 1:
        return {groups[0]: look(groups[0])}

    def turn(group: str) -> Outcome | None:
        return look(group) if group == groups[0] or has_time() else None

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        outcomes = zip(groups, pool.map(turn, groups), strict=True)
        return {group: outcome for group, outcome in outcomes if outcome is not None}


def _seconds_left(context: object) -> float:
    """How long Lambda lets this call go on; without end, where nobody says so."""
    left = getattr(context, "get_remaining_time_in_millis", None)
    return left() / 1000 if left else math.inf


def _look(reconciler: Reconciler, pipeline_name: str, context: object, group: str) -> Outcome:
    """Reconcile one group, and log a line before and after."""
    started = time.monotonic()
    # The event rule lets only this pipeline's groups through; any other group is ignored here.
    own = group.startswith(names.group_prefix(pipeline_name))
    request_id = getattr(context, "aws_request_id", None)
    fields = {"request_id": request_id, "group": group, "cause": reconciler.cause}
    if own:
        log.line(function="deployer", at=log.now(), **fields, action="looking")
    outcome, details = _try(reconciler, group) if own else ({"action": "ignored"}, {})
    milliseconds = round(1000 * (time.monotonic() - started))
    log.line(function="deployer", at=log.now(), **fields, milliseconds=milliseconds, **outcome, **details)
    return outcome


def _named_groups(event: dict[str, Any]) -> list[str]:
    """Return the groups that an event names, each once; a schedule's event names none."""
    hint = (event.get("detail") or {}).get("ModelPackageGroupName")
    groups = event.get("groups") or ([hint] if hint else [])
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise NamingError(groups, "must be a list of model package group names")
    return list(dict.fromkeys(groups))


def _try(reconciler: Reconciler, group: str) -> tuple[Outcome, dict[str, str]]:
    """Reconcile one group; a failure must not keep the other groups from being reconciled.

    Returns the outcome, and the fields that only the log should contain.
    """
    try:
        return reconciler.reconcile(group), {}
    except Exception as error:
        outcome = {"action": "failed", "error": f"{type(error).__name__}: {error}"}
        return outcome, {"traceback": traceback.format_exc()}
