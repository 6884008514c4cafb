"""What a run's page, its notification and the list of runs say about it, in words."""

from collections.abc import Mapping, Sequence

from tabular.spec.errors import amount

from helpers.cost.forecast.estimate import ForecastFacts
from helpers.cost.ranges import Range, Span
from helpers.cost.tables import as_dollars, as_time, trusted
from helpers.errors import ExitCode, UserError, full_disk, one_line
from helpers.runs.summary import DataSet, Outcome, Status, Summary

__all__ = [
    "RESUME",
    "STATUS",
    "WORDS",
    "WORST_FIRST",
    "amount",
    "awaiting",
    "billed",
    "columns",
    "cost",
    "counted",
    "decisions",
    "duration",
    "ending",
    "fleet",
    "forecast",
    "headline",
    "searched",
]

RESUME = (
    "`many-models run FILE --resume {run}` goes on with what is not finished, with the run's parameters; "
    "-p replaces some."
)
SHOWN = 5  # versions in the command of `decisions`
WORST_FIRST: tuple[Outcome, ...] = (
    *("failed", "refused", "interrupted", "not-started", "running", "registered", "kept"),
)
WORDS: Mapping[Outcome, str] = {
    "failed": "failed",
    "refused": "refused",
    "interrupted": "interrupted",
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


def decisions(waiting: Mapping[str, int]) -> str:
    """How to decide on versions that await it, the first few by name; empty if there are none.

    Args:
        waiting: the versions by the names of their tables.
    """
    if not waiting:
        return ""
    some = ", ".join(f"{name}: {{{version}: approve}}" for name, version in list(waiting.items())[:SHOWN])
    what = f"the first {SHOWN}" if len(waiting) > SHOWN else "them" if len(waiting) > 1 else "it"
    return (
        f"{amount(len(waiting), 'version awaits', 'versions await')} a decision. With the FILE and the "
        f"parameters of the run, `many-models run FILE --only 04 -p APPROVE '{{{some}}}'` approves {what}; "
        "reject in place of approve rejects."
    )


def cost(document: Summary) -> dict[str, str]:
    """What a run was forecast to take, what it is billed, and how good earlier forecasts were, by term."""
    found, local = document["cost"], document["environment"] == "local"
    terms = {
        "jobs took" if local else "billed by SageMaker": _billed(
            found["billable_seconds"], found["dollars"], found["saved_seconds"]
        ),
        "forecast here": forecast(found["forecast_here"]),
        "forecast on AWS" if local else "forecast": forecast(found["forecast"]),
        "MAX_COST_USD": f"{found['cap']:g}" if found["cap"] else "",
        "earlier forecasts": trusted(found["earlier"]) if found["earlier"] else "",
    }
    return {term: text for term, text in terms.items() if text}


def billed(table: DataSet) -> str:
    """What SageMaker bills for a table."""
    found = table["billed"]
    return _billed(
        table["billable_seconds"],
        found["dollars"] if found else None,
        found["saved_seconds"] if found else None,
    )


def searched(table: DataSet) -> str:
    """How a table's model was searched for."""
    found = table["search"]
    if not found:
        return ""
    where = "in one job" if found["way"] == "packed" else "a job each"
    ended = [f"{found[state]} {state}" for state in ("pruned", "failed") if found[state]]
    said = f"{', '.join([amount(found['trials'], 'trial'), *ended])}, {where}"
    if found["stopped"] == "time":
        said += ", until its time was up"
    if found["warm_started_from"]:
        said += f", beginning with those of version {found['warm_started_from']}"
    if ensemble := found["ensemble"]:
        parts = [f"{it['weight']:.0%} {it['algorithm']}" for it in ensemble["members"]]
        fitted = "fitted" if ensemble["chosen"] else "not fitted"
        said += f"; the ensemble ({', '.join(parts)}) was {fitted}: {ensemble['reason']}"
    return f"for the pooled model, {said}" if table["fleet"] else said


def fleet(table: DataSet) -> str:
    """What serves the partitions of a table."""
    found = table["fleet"]
    if not found:
        return ""
    whole = amount(found["partitions"], "partition")
    said = f"{whole}: {found['own']:,} served by their own model, {found['pooled']:,} by the pooled one"
    if found["kept"]:
        said += f"; {found['kept']:,} keep what served them before, because the new model may be worse"
    # Summaries from before 2026-11-27 do not count these.
    if taken := found.get("taken_over"):
        said += f"; {taken:,} taken over without a search, because their rows have not changed"
    if unfinished := found.get("unfinished"):
        said += f"; the search for {unfinished:,} failed or had too little time"
    return said


def forecast(found: ForecastFacts | None) -> str:
    """A forecast in a few words: jobs, billed seconds, dollars, and how long it takes."""
    if not found:
        return ""
    dollars = found["dollars"]
    money = f", {as_dollars(_range(dollars))} dollars" if dollars else ""
    jobs = amount(found["jobs"], "job")
    billable, takes = as_time(_range(found["billable_seconds"])), as_time(_range(found["seconds"]))
    return f"up to {jobs}, {billable} of instances{money}; takes {takes}"


def _billed(seconds: float | None, dollars: float | None, saved: float | None) -> str:
    if seconds is None:
        return ""
    money = "" if dollars is None else f", {dollars:.{2 if dollars >= 0.1 else 4}f} dollars"
    return duration(seconds) + money + (f"; spot capacity saved {duration(saved)}" if saved else "")


def _range(span: Span) -> Range:
    return Range(span["low"], span["high"])


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
