"""Check the models in service for drift, from a shell, and print what was found."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from tabular.monitoring import notices

from commands.reporting import drift
from commands.reporting.channels import channel
from commands.reporting.page import DRIFT_FOLDER
from commands.reporting.sentences import amount
from commands.running import perform, planning
from helpers.data import datasets
from helpers.errors import BadInput, ExitCode
from helpers.monitoring import labels, reports
from helpers.runs import summary
from helpers.session import Session
from helpers.session.storage import read, write_whole

__all__ = ["evidently", "monitor"]

RETRAINS = ("02", "03")  # the notebooks that compile the pipeline and run it


def monitor(
    values: Mapping[str, Any],
    window: str,
    only: Sequence[str],
    given_labels: Sequence[tuple[str, str]],
    latest: bool,
    as_json: bool,
    runs: Path,
    retrain: bool = False,
) -> int:
    """Upload labels, start a check, wait for it and print its report, or print the newest report.

    A new check of all models tells whoever NOTIFY names, if a model has drifted or could not be checked. If
    asked to, a run of the drifted tables follows. `runs` is the folder of all runs; the report's pages are
    copied into a folder beside them, unless it is printed as JSON.

    Returns:
        FAILED if a model could not be checked or the run has failed, REFUSED if a model has drifted.

    Raises:
        BadInput: a parameter or a file of labels cannot be used, or there is no report yet.
        JobFailed: the check failed.
    """
    started, tells, folder = summary.now(), not (latest or only), runs / DRIFT_FOLDER
    try:
        report = _report(values, window, only, given_labels, latest, as_json, folder)
    except Exception as error:
        if tells:
            drift.tell(values, started, error)
        raise
    if as_json:
        print(json.dumps(report, indent=1))
    else:
        _print(report, folder)
    if tells:
        drift.tell(values, started, report)
    ran = _retrain(values, report, runs) if retrain else ExitCode.DONE
    return ran if ran == ExitCode.FAILED else drift.exit_code(report)


def evidently(values: Mapping[str, Any], window: timedelta, dataset: str, runs: Path) -> ExitCode:
    """Let Evidently make a page about one model, beside the pages of checks, and print where it is.

    Raises:
        BadInput: the model is not in service, nothing was captured of it, or Evidently is not installed.
        JobFailed: Evidently failed.
    """
    from commands.reporting.evidently import write
    from commands.reporting.evidently.frames import frames

    value = planning.known(values)
    page = runs / DRIFT_FOLDER / f"{dataset}-evidently.html"
    with planning.connected(value) as session:
        write(frames(session, dataset, window), page)
    print(page)
    return ExitCode.DONE


def _retrain(values: Mapping[str, Any], report: reports.Report, runs: Path) -> int:
    """Run notebooks 02 and 03 for the drifted tables alone, once for each drift.

    A run that fails is tried again after the next check.
    """
    notebooks = planning.chosen(RETRAINS, None)
    plan = planning.plan(notebooks, values)
    before = _retrained(plan.everything)
    still, models = notices.due(report, datasets.names(plan.everything["DATASETS"]), before)
    due = {one["data_set"]: one["version"] for one in models}
    for one in report["models"].values():
        if one["status"] == "drifted" and (name := one["data_set"]) not in due:
            why = "a run has followed from this drift" if name in still else "DATASETS does not name it"
            print(f"{name} is not retrained: {why}.", file=sys.stderr)
    code: int = ExitCode.DONE
    if due:
        print(f"Retraining {', '.join(due)}.", file=sys.stderr)
        code = perform.run(notebooks, planning.restricted(plan, list(due)).given, runs)
        if code != ExitCode.FAILED:
            still |= due
    if still != before:
        _retrained(plan.everything, still)
    return code


def _retrained(value: Mapping[str, Any], new: Mapping[str, int] | None = None) -> dict[str, int]:
    with planning.connected(value) as session:
        return reports.retrained(session, new)


def _report(
    values: Mapping[str, Any],
    window: str,
    only: Sequence[str],
    given_labels: Sequence[tuple[str, str]],
    latest: bool,
    as_json: bool,
    folder: Path,
) -> reports.Report:
    value = planning.known(values)
    channel(value["NOTIFY"])
    with planning.connected(value) as session:
        counts = labels.upload(session, [(dataset, Path(path)) for dataset, path in given_labels])
        for (dataset, _), count in zip(given_labels, counts, strict=True):
            _say(f"{count:,} {'label' if count == 1 else 'labels'} of {dataset} uploaded.", as_json)
        report = _latest(session) if latest else _checked(session, window, only, as_json)
        if not as_json:
            _copy_pages(session, report, folder)
        return report


def _checked(session: Session, window: str, only: Sequence[str], as_json: bool) -> reports.Report:
    name = reports.start(session, window, only)
    _say(f"Started {name}.", as_json)
    return reports.wait(session, name, quiet=as_json)


def _latest(session: Session) -> reports.Report:
    report = reports.latest(session)
    if report is None:
        raise BadInput("No check has been made yet; leave out --latest to make one.")
    return report


def _copy_pages(session: Session, report: reports.Report, folder: Path) -> None:
    """Copy the pages of a report from the bucket, where no browser can open them."""
    for one in report["models"].values():
        if "page" in one:
            with write_whole(_page(folder, one)) as part:
                part.write_bytes(read(session, one["page"]))


def _page(folder: Path, one: Mapping[str, Any]) -> Path:
    return folder / f"{one['data_set']}.html"


def _print(report: reports.Report, folder: Path) -> None:
    window, totals = report["window"], report["totals"]
    print(f"\nRequests from {window['from']} until {window['until']}, checked at {report['at']}:\n")
    print(reports.table(report).to_string())
    print()
    for names, said, pages in _told(report, folder):
        print(f"{'; '.join(names)}: {said}")
        print("".join(f"  {page}\n" for page in pages), end="")
    models = amount(totals["models"], "model")
    if totals["drifted"]:
        print(f"{totals['drifted']} of {models} {'has' if totals['drifted'] == 1 else 'have'} drifted.")
    else:
        print(f"No drift was found in {models}.")


def _told(report: reports.Report, folder: Path) -> Iterator[tuple[list[str], str, list[Path]]]:
    """What is said about models that are not steady, the same of many once, with the pages about them."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for one in report["models"].values():
        if one["status"] != "steady":
            found.setdefault(one["said"], []).append(one)
    for said, some in found.items():
        names = [f"{one['data_set']}, version {one['version']}" for one in some]
        yield names, said, [_page(folder, one) for one in some if "page" in one]


def _say(line: str, as_json: bool) -> None:
    if not as_json:
        print(line, flush=True)
