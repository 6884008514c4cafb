"""Check the models in service for drift, from a shell, and print what was found."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from commands.running import planning
from helpers.errors import BadInput, ExitCode
from helpers.monitoring import labels, reports
from helpers.session import Session, connect, local

__all__ = ["monitor"]


def monitor(
    values: Mapping[str, Any],
    window: str,
    only: Sequence[str],
    given_labels: Sequence[tuple[str, str]],
    latest: bool,
    as_json: bool,
) -> ExitCode:
    """Upload labels, start a check, wait for it and print its report, or print the newest report.

    Returns:
        FAILED if a model could not be checked, REFUSED if one has drifted.

    Raises:
        BadInput: a parameter or a file of labels cannot be used, or there is no report yet.
        JobFailed: the check failed.
    """
    value = planning.known(values)
    with local(value["ENVIRONMENT"]):
        session = connect(value["ENVIRONMENT"], value["PIPELINE_NAME"], value["TERRAFORM_OUTPUTS"])
        for dataset, path in given_labels:
            count = labels.upload(session, dataset, Path(path))
            _say(f"{count:,} {'label' if count == 1 else 'labels'} of {dataset} uploaded.", as_json)
        report = _latest(session) if latest else _checked(session, window, only, as_json)
    if as_json:
        print(json.dumps(report, indent=1))
    else:
        _print(report)
    totals = report["totals"]
    return ExitCode.FAILED if totals["failed"] else ExitCode.REFUSED if totals["drifted"] else ExitCode.DONE


def _checked(session: Session, window: str, only: Sequence[str], as_json: bool) -> reports.Report:
    name = reports.start(session, window, only)
    _say(f"Started {name}.", as_json)
    return reports.wait(session, name, quiet=as_json)


def _latest(session: Session) -> reports.Report:
    report = reports.latest(session)
    if report is None:
        raise BadInput("No check has been made yet; leave out --latest to make one.")
    return report


def _print(report: reports.Report) -> None:
    window, totals = report["window"], report["totals"]
    print(f"\nRequests from {window['from']} until {window['until']}, checked at {report['at']}:\n")
    print(reports.table(report).to_string())
    print()
    for one in report["models"].values():
        if one["status"] != "steady":
            print(f"{one['data_set']}, version {one['version']}: {one['said']}")
        if "page" in one:
            print(f"  {one['page']}")
    print(f"{totals['drifted']} of {totals['models']} models have drifted.")


def _say(line: str, as_json: bool) -> None:
    if not as_json:
        print(line, flush=True)
