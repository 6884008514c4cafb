"""What a run's page, its notification and the list of runs say about it, in words."""

from collections.abc import Mapping, Sequence

from tabular.spec.errors import amount

from helpers.errors import ExitCode, UserError, full_disk, one_line
from helpers.runs.summary import DataSet, Outcome, Status, Summary

__all__ = [
    "STATUS",
    "WORDS",
    "WORST_FIRST",
    "amount",
    "awaiting",
    "columns",
    "counted",
    "duration",
    "ending",
    "headline",
]

WORST_FIRST: tuple[Outcome, ...] = ("failed", "refused", "not-started", "running", "registered", "kept")
WORDS: Mapping[Outcome, str] = {
    "failed": "failed",
    "refused": "refused",
    "not-started": "not started",
    "running": "running",
    "registered": "registered",
    "kept": "kept",
}
STATUS: Mapping[ExitCode, Status] = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed",
    ExitCode.BAD_INPUT: "failed",
    ExitCode.REFUSED: "refused",
    ExitCode.INTERRUPTED: "interrupted",
}
STANDS = {  # and how long it took, or has taken
    "running": "has been running for {}",
    "done": "was done after {}",
    "failed": "failed after {}",
    "refused": "was done after {}, but the quality gate refused a new model",
    "interrupted": "was interrupted after {}",
    "killed": "was killed; its last sign came after {}",
}


def headline(document: Summary) -> str:
    """One line about a run: how it stands or ended, the outcomes, and what awaits a decision."""
    if not document["run"]:
        return f"{document['pipeline']}: a run did not begin. {document['error']}"
    stands = STANDS[document["status"]].format(duration(document["seconds"]))
    said = f"{document['pipeline']}: run {document['run']} {stands}"
    tables = document["data_sets"]
    said += f"; {amount(len(tables), 'table')}: {counted(tables)}." if tables else "."
    if waiting := awaiting(tables):
        said += f" {amount(len(waiting), 'version awaits', 'versions await')} a decision."
    if killed := document["killed"]:
        said += f" Before it, {'run' if len(killed) == 1 else 'runs'} {', '.join(killed)} "
        said += "was killed." if len(killed) == 1 else "were killed."
    return said


def ending(error: BaseException) -> tuple[ExitCode, str]:
    """The exit code of a run that an error ended, and the sentence about it."""
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED, "Interrupted."
    if isinstance(error, UserError):
        return error.exit_code, str(error)
    return ExitCode.FAILED, full_disk(error) or one_line(error)


def counted(tables: Mapping[str, DataSet]) -> str:
    """How many tables have each outcome, the worst first."""
    outcomes = [each["outcome"] for each in tables.values()]
    return ", ".join(
        f"{outcomes.count(outcome)} {WORDS[outcome]}" for outcome in WORST_FIRST if outcome in outcomes
    )


def awaiting(tables: Mapping[str, DataSet]) -> dict[str, int]:
    """The versions that await a decision, by the names of their tables."""
    return {
        name: each["version"] for name, each in tables.items() if each["awaits_decision"] and each["version"]
    }


def duration(seconds: float | None) -> str:
    """A time that a person can read at a glance."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows as lines of a terminal, their columns under each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
