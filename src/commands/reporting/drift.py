"""NOTIFY: what is told about a check for drift; see docs/operations/monitoring.md."""

import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from commands.reporting import notification
from commands.reporting.channels import channel
from commands.reporting.sentences import amount, ending
from helpers.errors import BadInput, ExitCode, UserError
from helpers.monitoring.reports import Report
from helpers.runs import summary

__all__ = ["content", "exit_code", "tell"]

SCHEMA = 1
NAMED = 3  # models, and columns of each, in the line
COLUMNS = 5  # columns of a model


def exit_code(report: Report) -> ExitCode:
    """FAILED if a model could not be checked, REFUSED if one has drifted."""
    totals = report["totals"]
    return ExitCode.FAILED if totals["failed"] else ExitCode.REFUSED if totals["drifted"] else ExitCode.DONE


def tell(values: Mapping[str, Any], started: str, found: Report | Exception) -> None:
    """Tell whoever NOTIFY names that models have drifted or could not be checked; say so if that fails.

    Args:
        values: the check's parameters, as somebody gave them.
        started: when it was started, in ISO 8601 (UTC).
        found: its report, or what has ended it without one.
    """
    if not isinstance(found, Exception) and exit_code(found) == ExitCode.DONE:
        return
    try:
        if to := channel(str(values.get("NOTIFY") or "")):
            notification.send(to, content(values, started, found), "what this check found")
    except BadInput:
        # It names nobody, which ends a check before it starts, unless something else has ended it.
        if not isinstance(found, Exception):
            raise
    except UserError as failure:
        print(f"\n{failure}", file=sys.stderr)


def content(values: Mapping[str, Any], started: str, found: Report | Exception) -> dict[str, Any]:
    """What is told: docs/schemas/drift.schema.json."""
    code, error = ending(found) if isinstance(found, Exception) else (exit_code(found), None)
    report = None if isinstance(found, Exception) else found
    models = list(report["models"].values()) if report else []
    of_interest = [one for one in models if one["status"] in ("drifted", "failed")]
    pipeline, environment = values.get("PIPELINE_NAME"), values.get("ENVIRONMENT")
    pipeline = pipeline if isinstance(pipeline, str) and pipeline else "many-models"
    line = _line(models) if report else f"models could not be checked for drift. {error}"
    told = {
        "schema": SCHEMA,
        "text": f"{pipeline}: {line}",
        "pipeline": pipeline,
        "environment": environment if environment in ("local", "aws") else "local",
        "status": "drifted" if code == ExitCode.REFUSED else "failed",
        "exit_code": int(code),
        "started": started,
        "ended": summary.now(),
        "host": socket.gethostname(),
        "error": error,
        "window": report["window"] if report else None,
        "totals": report["totals"] if report else None,
        "attention": [
            {key: one[key] for key in ("data_set", "version", "status", "said")}
            | {"columns": worst_columns(one)[:COLUMNS], "page": one.get("page")}
            for one in of_interest[: notification.MOST]
        ],
    }
    return notification.shortened(summary.redacted(told))


def worst_columns(one: Mapping[str, Any]) -> list[str]:
    """The columns of a model that have drifted, the worst first."""
    drifted = {name: column for name, column in one["columns"].items() if column["drifted"]}
    return sorted(drifted, key=lambda name: -drifted[name]["population_stability"])


def _line(models: Sequence[Mapping[str, Any]]) -> str:
    """Which models have drifted, by which columns, and which could not be checked."""
    drifted, failed = ([one for one in models if one["status"] == status] for status in ("drifted", "failed"))
    said = []
    if drifted:
        has = "has" if len(drifted) == 1 else "have"
        of_all = f"{len(drifted):,} of {amount(len(models), 'model')}"
        said.append(f"{of_all} {has} drifted: {_names(drifted)}.")
    if failed:
        said.append(f"{amount(len(failed), 'model')} could not be checked: {_names(failed)}.")
    return " ".join(said)


def _names(models: Sequence[Mapping[str, Any]]) -> str:
    named = []
    for one in models[:NAMED]:
        columns = worst_columns(one)[:NAMED]
        named.append(f"{one['data_set']} ({', '.join(columns)})" if columns else one["data_set"])
    more = f" and {len(models) - NAMED:,} more" if len(models) > NAMED else ""
    return f"{', '.join(named)}{more}"
