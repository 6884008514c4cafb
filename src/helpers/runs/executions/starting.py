"""Starts an execution for each table, unless one runs already or has already ended in the same run."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from helpers.data.datasets import Dataset
from helpers.display.progress import show_run
from helpers.errors import BadInput
from helpers.runs.executions.earlier import Earlier, earlier
from helpers.runs.executions.execution import Execution, refused_by_gate, steps_of
from helpers.runs.executions.queue import MOST, refuse, start_waiting
from helpers.runs.executions.request import Request, requests
from helpers.runs.executions.standing import take_over
from helpers.runs.executions.unattended import unattended
from helpers.session import Session
from helpers.session.patience import patiently

__all__ = ["NEW", "start"]

NEW = "new"


def start(
    session: Session,
    tables: Sequence[Dataset],
    parameters: Mapping[str, object],
    judged: Mapping[str, Mapping[str, object]] | None = None,
    developer: str = "",
    most: int = MOST,
    run_id: str = "",
) -> list[Execution]:
    """Upload each table and start the pipeline of its family on it; those beyond `most` wait for `watch`.

    Without a `run_id`, it attaches to the newest run that is under way with the same definition, parameters
    and data; if there is none, it begins a new run. With one, it attaches to that run, or begins it. Of a run
    that it attaches to, it starts only what was not yet started, failed or was stopped. Nothing is trained
    again whose version, by an earlier run, still awaits a decision or was rejected; `new` does that, too.

    Args:
        session: where to start them.
        tables: what to train on.
        parameters: for every execution, with the names that Studio shows.
        judged: by family, parameters for the evaluation; an entry of DATASETS may override them.
        developer: whose pipelines to start, if not Terraform's.
        most: how many executions may run at the same time.
        run_id: the run to attach to or to begin, `new` to begin one in any case, or empty.

    Raises:
        BadInput: there is no such pipeline; a name is too long; or no table is left: its pipeline refuses its
            parameters, or the run was about something else. One of several such tables is left out.
        Interrupted: somebody interrupted this.
        UserError: AWS cannot be called.
    """
    asked, refused = requests(session, tables, parameters, judged or {}, developer)
    known = [] if run_id == NEW else earlier(session, {request.pipeline for request in asked})
    if run_id and run_id != NEW:
        refused |= _about_something_else(run_id, asked, known)
        asked = [request for request in asked if request.dataset not in refused]
        chosen = run_id
    else:
        chosen = _under_way(asked, known) or _new_run()
    found = {one.arn: one for one in known if one.run_id == chosen}
    executions = [
        patiently(session, lambda request=request: _attached(session, request, chosen, known))
        for request in asked
    ]
    attached = [found[it.arn] for it in executions if it.arn and not it.standing]
    for name, why in refused.items():
        executions.append(Execution(name, run_id=chosen))
        refuse(executions[-1], why)
    with unattended(executions):
        running = sum(one.status == "Executing" for one in attached)
        waiting = patiently(session, lambda: start_waiting(session, executions, most - running))
    if all(execution.refused for execution in executions):
        raise BadInput("\n".join(execution.refused for execution in executions))
    show_run(chosen, _told(chosen, executions, attached, waiting, by_itself=not run_id))
    return executions


def _new_run() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _under_way(asked: Sequence[Request], known: Sequence[Earlier]) -> str:
    """The newest run of which an execution runs that is asked for, or nothing."""
    wanted = {(request.dataset, request.digest) for request in asked}
    for one in known:
        if one.status == "Executing" and (one.dataset, one.digest) in wanted:
            return one.run_id
    return ""


def _about_something_else(run_id: str, asked: Sequence[Request], known: Sequence[Earlier]) -> dict[str, str]:
    """The tables of which a run has already trained on another one, or in another way, and the sentence."""
    found = {}
    for request in asked:
        own = [one for one in known if (one.run_id, one.dataset) == (run_id, request.dataset)]
        other = [one for one in own if one.status in ("Executing", "Succeeded")]
        if other and request.digest not in {one.digest for one in own}:
            found[request.dataset] = (
                f"RUN_ID is {run_id!r}, but that run's execution for {request.dataset} had another "
                f"definition, other parameters or other data ({other[0].arn}, {other[0].status}); give "
                "another RUN_ID, or leave it empty."
            )
    return found


def _attached(session: Session, request: Request, run_id: str, known: Sequence[Earlier]) -> Execution:
    """The execution for a request: the run's, an earlier one that still stands, or one that waits."""
    wanted = (run_id, request.dataset, request.digest)
    same = [one for one in known if (one.run_id, one.dataset, one.digest) == wanted]
    for one in same:
        execution = Execution(one.dataset, one.arn, run_id)
        if one.status in ("Executing", "Succeeded"):
            return execution
        if one.status == "Failed" and refused_by_gate(steps_of(session, execution)):
            return execution
    waits = Execution(request.dataset, "", run_id, request.arguments(run_id, len(same)))
    return take_over(session, request, known) or waits


def _told(
    run_id: str, executions: Sequence[Execution], attached: Sequence[Earlier], waiting: int, by_itself: bool
) -> str:
    standing = sum(execution.standing is not None for execution in executions)
    started = sum(bool(execution.arn) for execution in executions) - len(attached) - standing
    news = [f"{started} started"] + ([f"{waiting} wait"] if waiting else [])
    news += [f"{standing} taken over from earlier runs"] if standing else []
    if not attached:
        return f"Run {run_id}: {', '.join(news)}."
    going_on = sum(one.status == "Executing" for one in attached)
    old = [f"{going_on} going on", f"{len(attached) - going_on} ended earlier"]
    instead = f' RUN_ID = "{NEW}" starts new executions instead.' if by_itself else ""
    return f"Attached to run {run_id}: {', '.join(old + news)}.{instead}"
