"""Say what a run would do and what is in its tables, and start nothing."""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commands.reporting.channels import channel
from commands.running import planning
from helpers.data import datasets, findings
from helpers.data.entries import absolute
from helpers.errors import ExitCode

__all__ = ["check"]


def check(notebooks: Sequence[Path], values: Mapping[str, Any], as_json: bool = False) -> int:
    """Print what a run with these parameters would do and what is in its tables, and start nothing.

    Raises:
        BadInput: a parameter cannot be used.
    """
    everything = planning.known(values)
    planning.check_decisions(notebooks, everything)
    channel(everything["NOTIFY"])
    entries, settings = absolute(everything["DATASETS"]), planning.settings(everything)
    found = findings.document(entries, settings, lambda line: print(line, file=sys.stderr))
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        print(findings.as_text(found, shutil.get_terminal_size((110, 24)).columns).lstrip("\n"))
    refused = [name for name, one in found["data_sets"].items() if one["refused"]]
    if refused:
        print(f"Refused: {', '.join(refused)}; nothing was started.", file=sys.stderr)
        return ExitCode.BAD_INPUT
    if not as_json:
        _print_plan(notebooks, everything)
    return ExitCode.DONE


def _print_plan(notebooks: Sequence[Path], value: Mapping[str, Any]) -> None:
    rows = {
        "environment": value["ENVIRONMENT"],
        "pipeline": value["PIPELINE_NAME"],
        "notebooks": ", ".join(path.stem for path in notebooks),
        "data sets": ", ".join(datasets.names(value["DATASETS"])),
        "trials": f"{value['MAX_TUNING_JOBS']} for each, {value['MAX_TUNING_PARALLEL_JOBS']} at a time",
        "decision": value["APPROVE"],
    }
    print("\nAll parameters can be used; nothing was started. A run would use\n")
    for name, text in rows.items():
        print(f"  {name:12} {text}")
