"""What a run says at its end: which tables failed, what goes on, and how to continue."""

from commands.reporting.sentences import RESUME
from commands.running import resuming
from commands.running.planning import Plan
from helpers.errors import ExitCode
from helpers.runs import outcome, summary

__all__ = ["again", "failures", "going_on", "out_of_time"]


def failures(document: summary.Summary) -> list[str]:
    """The sentences about the data sets that failed or were refused, each once; `again` says how to go on."""
    names: dict[tuple[str | None, ...], list[str]] = {}
    for name, each in document["data_sets"].items():
        if each["outcome"] in ("failed", "refused"):
            names.setdefault((each["said"], each["log"], each["advice"]), []).append(name)
    return [
        outcome.sentences(", ".join(some), {"said": said, "log": log, "advice": advice})
        for (said, log, advice), some in names.items()
    ]


def again(document: summary.Summary) -> list[str]:
    """How to go on with a run, if something is left of it that can be done again with the same parameters."""
    resumable = document["exit_code"] != ExitCode.BAD_INPUT and resuming.open_notebooks(document)
    return [RESUME.format(run=document["run"])] if resumable else []


def going_on(document: summary.Summary) -> str:
    """What goes on at AWS after this, and how to stop it or come back to it."""
    run_id = document["run_id"]
    return (
        f"at AWS the executions of run {run_id} go on until they end. With the same FILE and parameters, "
        f"`many-models stop FILE -p RUN_ID {run_id}` stops them, and `many-models run FILE --resume "
        f"{document['run']}` attaches to them."
    )


def out_of_time(plan: Plan, document: summary.Summary, minutes: float | None) -> str:
    """Why a run was ended by --timeout, and what goes on."""
    begin = f"The run has taken the {minutes:g} minutes that --timeout allows"
    if plan.environment == "local":
        again = RESUME.format(run=document["run"])
        return f"{begin}; what it had started was stopped. {again}"
    return f"{begin}; {going_on(document)}" if document["run_id"] else f"{begin}; no execution was started."
