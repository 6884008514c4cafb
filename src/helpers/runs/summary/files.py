"""The file of a summary: written whole, without what lets others in; read, even if its process was killed."""

import json
import math
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from helpers.errors import BadInput, one_line
from helpers.parameters import redaction
from helpers.runs.summary.document import VERSION, Cost, Process, Summary, data_set
from helpers.session.storage import write_whole

__all__ = ["FILE", "is_redacted", "read", "redacted", "write"]

FILE = "summary.json"
MARKS = ("?...", "://...@")  # what `redaction` leaves in place of a query, and of a user


def write(path: Path, summary: Summary) -> None:
    """Write a summary whole, so that nobody reads half of it, and without the queries of addresses."""
    with write_whole(path) as part:
        part.write_text(json.dumps(redacted(_json(summary)), indent=1, allow_nan=False) + "\n")


def read(path: Path) -> Summary:
    """The summary of a run; if its process is gone without having written the end, the run was killed.

    Args:
        path: the file, or the run's folder.

    Raises:
        BadInput: there is no such file, or it is not a summary of this version.
    """
    file = path / FILE if path.is_dir() else path
    try:
        summary = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{file} cannot be read as the summary of a run ({one_line(error)}); name a run's folder."
        ) from None
    if not isinstance(summary, dict) or summary.get("schema") != VERSION:
        raise BadInput(f"{file} is not a summary of version {VERSION}; another release may have written it.")
    summary.setdefault("killed", [])  # which came later than version 1
    # What this release adds is null in a summary of an earlier one.
    summary["cost"] = dict.fromkeys(Cost.__annotations__) | summary["cost"]
    summary["data_sets"] = {name: data_set("") | each for name, each in summary["data_sets"].items()}
    if summary["status"] == "running" and _gone(summary["process"]):
        summary["status"] = "killed"
        summary["error"] = (
            f"The run's process {summary['process']['pid']} is gone and has not written how it ended, as "
            "after kill -9, a power cut or a lack of memory."
        )
    return summary


def redacted(value: Any) -> Any:
    """A value of JSON without the queries of web addresses, which may be signatures."""
    if isinstance(value, str):
        return redaction.redacted(value)
    if isinstance(value, Mapping):
        return {name: redacted(each) for name, each in value.items()}
    return [redacted(each) for each in value] if isinstance(value, list) else value


def is_redacted(value: Any) -> bool:
    """Whether something was left out of a value, or of a part of it."""
    if isinstance(value, str):
        return any(mark in value for mark in MARKS)
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(map(is_redacted, parts))


def _json(value: Any) -> Any:
    """A value as JSON has it: what is not a number becomes null, what JSON does not know becomes text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each) for each in value]
    return value if value is None or isinstance(value, str | int) else str(value)


def _gone(process: Process) -> bool:
    """Whether a process of this machine has ended; of another machine, that is not known."""
    if process["host"] != socket.gethostname():
        return False
    try:
        return abs(psutil.Process(process["pid"]).create_time() - process["began"]) > 1
    except psutil.NoSuchProcess:
        return True
