"""The runs under a folder: which is the latest, a list of them, and the removal of old ones."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from commands.reporting.page import DRIFT_FOLDER, STATUS_FOLDER, Page
from commands.reporting.sentences import RESUME, amount, awaiting, columns, counted, duration
from helpers.errors import BadInput, UserError, one_line
from helpers.runs import summary
from helpers.runs.summary import Summary

__all__ = ["keep", "link", "settle", "show"]

LATEST = "latest"


@dataclass(frozen=True)
class Run:
    """A run's folder and its summary."""

    folder: Path
    summary: Summary

    @property
    def began(self) -> str:
        """When it was started or last resumed; UTC, in the order of the alphabet."""
        return max([self.summary["started"], *self.summary["resumed"]])


def link(folder: Path) -> None:
    """Let `latest` beside a run's folder point to it, without a moment in which there is no such link."""
    latest, part = folder.parent / LATEST, folder.parent / f".{LATEST}.{os.getpid()}"
    try:
        part.symlink_to(folder.name, target_is_directory=True)
        part.replace(latest)
    except OSError as error:  # no links on this file system, or something else has the name
        print(f"{latest} does not point to this run ({one_line(error)}).", file=sys.stderr)
    finally:
        part.unlink(missing_ok=True)


def settle(folder: Path, but: Path) -> list[str]:
    """Write into the summaries of runs that were killed that they were, and return their names.

    So each of them is found once, by the next run.

    Args:
        folder: the folder of all runs.
        but: the folder of the run that begins now.
    """
    names = []
    for run in reversed(_found(folder)[0]):
        if run.folder != but and run.summary["status"] == "killed" and not run.summary["ended"]:
            names.append(run.folder.name)
            run.summary["ended"] = run.summary["updated"]
            run.summary["error"] = f"Killed. {RESUME.format(run=run.folder.name)}"
            try:
                summary.write(run.folder / summary.FILE, run.summary)
                Page(run.folder).write(run.summary)
            except OSError as error:
                print(f"{run.folder} cannot be changed ({one_line(error)}).", file=sys.stderr)
    return names


def show(folder: Path) -> None:
    """Print a row for each run, the latest first.

    Raises:
        BadInput: there is no such folder.
    """
    runs, unknown = _found(folder)
    if runs:
        print("\n".join(columns([("run", "started", "took", "status", "outcomes"), *map(_row, runs)])))
    else:
        print(f"There are no runs in {folder}.")
    _print_unknown(unknown, "not listed")


def keep(folder: Path, number: int) -> None:
    """Remove all but the latest runs, and say which.

    Raises:
        BadInput: there is no such folder.
        UserError: a run cannot be removed.
    """
    runs, unknown = _found(folder)
    removed = freed = 0
    for run in runs[number:]:
        if summary.read(run.folder)["status"] == "running":  # also if it was resumed meanwhile
            print(f"{run.folder.name} is still running, so it is not removed.")
            continue
        try:
            size = _remove(run.folder)
        except OSError as error:
            raise UserError(
                f"{run.folder} cannot be removed ({one_line(error)}); remove it yourself."
            ) from None
        removed, freed = removed + 1, freed + size
        print(f"Removed {run.folder.name}: {run.summary['status']}, {size / 1e6:.1f} MB.", flush=True)
    print(
        f"{amount(removed, 'run')} removed, {freed / 1e6:.1f} MB; {amount(len(runs) - removed, 'run')} left."
    )
    _print_unknown(unknown, "left alone")


def _found(folder: Path) -> tuple[list[Run], list[Path]]:
    """The runs under a folder, the latest first, and the folders there that are not known to be runs."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is not a folder with runs; name one with --runs.")
    runs, unknown = [], []
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink() and path.name not in (STATUS_FOLDER, DRIFT_FOLDER):
            try:
                runs.append(Run(path, summary.read(path)))
            except BadInput:  # of another release, or no run at all
                unknown.append(path)
    return sorted(runs, key=lambda run: (run.began, run.folder.name), reverse=True), unknown


def _print_unknown(paths: list[Path], what: str) -> None:
    if paths:
        names = ", ".join(path.name for path in paths)
        print(
            f"Without a {summary.FILE} of this release, {names} {'is' if len(paths) == 1 else 'are'} {what}."
        )


def _row(run: Run) -> tuple[str, ...]:
    document = run.summary
    waiting = len(awaiting(document["data_sets"]))
    outcomes = counted(document["data_sets"])
    if waiting:
        outcomes += f", {waiting} {'awaits' if waiting == 1 else 'await'} a decision"
    started = document["started"][:16].replace("T", " ")
    return run.folder.name, started, duration(document["seconds"]), document["status"], outcomes


def _remove(folder: Path) -> int:
    """Remove a run's folder, its summary last, so that what an interrupt leaves is still known as a run."""
    size = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != summary.FILE:
            path.unlink()
    (folder / summary.FILE).unlink()
    folder.rmdir()
    return size
