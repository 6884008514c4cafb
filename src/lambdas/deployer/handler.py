"""The deployer function: makes the models in service match the versions approved in the model registry.

An event is only a hint about which group to look at. It may be lost, duplicated or late, so its contents are
never used: the registry is read instead, and a schedule checks all groups.
"""

import time
import traceback
from typing import Any

from contract import names
from contract.names import NamingError
from lambdas import clients, log, models_map
from lambdas.deployer import registry
from lambdas.deployer.reconciler import Outcome, Reconciler
from lambdas.errors import DeploymentError
from lambdas.settings import Settings

__all__ = ["handler"]


def handler(event: dict[str, Any], context: object) -> dict[str, Outcome]:
    """Reconcile the event's group, `{"groups": [...]}`, or all groups of the pipeline if none is named.

    Every group is tried. Then a DeploymentError names those that failed, so that the event is retried.
    """
    settings = Settings.from_environment()
    named = _named_groups(event)
    cause = "event" if event.get("detail") else "request" if named else "schedule"
    aws = [clients.client(service) for service in ("s3", "sagemaker", "sagemaker-runtime")]
    reconciler = Reconciler(settings.bucket, settings.endpoint_name, cause, *aws)
    prefix = names.group_prefix(settings.pipeline_name)
    request_id = getattr(context, "aws_request_id", None)
    summary: dict[str, Outcome] = {}
    for group in named or _all_groups(reconciler, settings.pipeline_name):
        started = time.monotonic()
        # The event rule lets only this pipeline's groups through; any other group is ignored here.
        outcome, details = (
            _try(reconciler, group) if group.startswith(prefix) else ({"action": "ignored"}, {})
        )
        milliseconds = round(1000 * (time.monotonic() - started))
        fields = {"at": log.now(), "request_id": request_id, "group": group, "milliseconds": milliseconds}
        log.line(function="deployer", **fields, **outcome, **details)
        if outcome["action"] != "ignored":
            summary[group] = outcome
    failures = {group: outcome["error"] for group, outcome in summary.items() if "error" in outcome}
    if failures:
        raise DeploymentError(failures, len(summary))
    return summary


def _named_groups(event: dict[str, Any]) -> list[str]:
    """Return the groups that an event names, each once; a schedule's event names none."""
    hint = (event.get("detail") or {}).get("ModelPackageGroupName")
    groups = event.get("groups") or ([hint] if hint else [])
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise NamingError(groups, "must be a list of model package group names")
    return list(dict.fromkeys(groups))


def _all_groups(reconciler: Reconciler, pipeline_name: str) -> list[str]:
    """Return the groups in the registry, and those in the map, which the registry may no longer have."""
    prefix = names.group_prefix(pipeline_name)
    entries = models_map.read(reconciler.s3, reconciler.bucket).entries
    served = {group for group in entries if group.startswith(prefix)}
    return sorted(served | registry.groups(reconciler.sagemaker, pipeline_name))


def _try(reconciler: Reconciler, group: str) -> tuple[Outcome, dict[str, str]]:
    """Reconcile one group; a failure must not keep the other groups from being reconciled.

    Returns the outcome, and the fields that only the log should contain.
    """
    try:
        return reconciler.reconcile(group), {}
    except Exception as error:
        outcome = {"action": "failed", "error": f"{type(error).__name__}: {error}"}
        return outcome, {"traceback": traceback.format_exc()}
