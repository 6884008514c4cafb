"""Say what a run would do and what is in its tables, and start nothing."""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commands.reporting.channels import channel
from commands.running import planning, resuming
from helpers.cost.forecast.pace import Size
from helpers.data import datasets, findings
from helpers.data.entries import absolute
from helpers.errors import ExitCode
from helpers.runs.forecasts import RUNS

__all__ = ["check"]


def check(notebooks: Sequence[Path], values: Mapping[str, Any], as_json: bool = False) -> int:
    """Print what a run with these parameters would do and what is in its tables, and start nothing.

    Raises:
        BadInput: a parameter cannot be used, or a run may cost more than MAX_COST_USD allows.
    """
    everything = planning.known(values, with_entries=False)  # the document says which entry is refused
    planning.check_decisions(notebooks, everything)
    channel(everything["NOTIFY"])
    entries, settings = absolute(everything["DATASETS"]), planning.settings(everything)
    found = findings.document(entries, settings, lambda line: print(line, file=sys.stderr))
    refused = [name for name, one in found["data_sets"].items() if one["refused"]]
    trains = any(path.stem.startswith(resuming.TRAINS) for path in notebooks)
    expected = planning.forecast(everything, _sizes(found, everything), RUNS) if trains else None
    cap = everything["MAX_COST_USD"]
    if as_json:
        found["forecast"] = expected.facts(cap) if expected else None
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        print(findings.as_text(found, shutil.get_terminal_size((110, 24)).columns).lstrip("\n"))
    if refused:
        print(f"Refused: {', '.join(refused)}; nothing was started.", file=sys.stderr)
        return ExitCode.BAD_INPUT
    if not as_json:
        _print_plan(notebooks, everything)
        if expected:
            print("\n".join(["", expected.table().to_string(), "", *expected.say(cap)]))
    if expected:
        expected.check_cap(cap)
    return ExitCode.DONE


def _sizes(found: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Size | None]:
    """The sizes of the tables that are not refused; None for one that was not read."""
    how = (value["CROSS_VALIDATION_FOLDS"], value["SEARCH_ROWS"])
    return {
        name: Size(one["rows"]["read"], len(one["columns"]), *how, (one["partitions"] or {}).get("count", 0))
        if one["columns"]
        else None
        for name, one in found["data_sets"].items()
        if not one["refused"]
    }


def _trials(value: Mapping[str, Any]) -> str:
    trials = f"{value['MAX_TUNING_JOBS']} for each"
    if value["SEARCH"] == "jobs":
        return f"{trials}, {value['MAX_TUNING_PARALLEL_JOBS']} at a time"
    limit = f", within {value['SEARCH_SECONDS']} s" if value["SEARCH_SECONDS"] else ""
    return f"{trials}, all in one job{limit}"


def _print_plan(notebooks: Sequence[Path], value: Mapping[str, Any]) -> None:
    rows = {
        "environment": value["ENVIRONMENT"],
        "pipeline": value["PIPELINE_NAME"],
        "notebooks": ", ".join(path.stem for path in notebooks),
        "data sets": ", ".join(datasets.names(value["DATASETS"])),
        "trials": _trials(value),
        "decision": value["APPROVE"],
    }
    print("\nAll parameters can be used; nothing was started. A run would use\n")
    for name, text in rows.items():
        print(f"  {name:12} {text}")
