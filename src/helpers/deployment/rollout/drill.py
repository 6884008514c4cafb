"""A rollback drill: back to the version before and forward again, with a real decision each way.

On a laptop, the event of the way forward is lost on purpose, and a sweep makes up for it.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from helpers.deployment import deployments
from helpers.deployment.decisions import Decision, set_status
from helpers.deployment.registry import describe, packages
from helpers.deployment.rollout import answers
from helpers.errors import BadInput, Interrupted, JobFailed
from helpers.session import Session, without_events

__all__ = ["Drill", "back", "check", "forward"]
__dir__ = __all__.copy

REASON = "A drill: back to the version before"
THROUGH = "rollback drill"
LOST_SECONDS = 1.0  # for which nothing happens, as nobody hears of the decision
COLUMNS = ["newest approved version", "version in service", "version that answers"]
NO_TABLE = (
    "ROLL_BACK names no table, so nothing is rolled back; to see it, name one that you approve here, such as "
    'ROLL_BACK = "{}".'
)


@dataclass
class Drill:
    """What a drill has shown: the registry, the models map and the URL, moment by moment.

    `decision` is the approval that it takes back and gives again, with the `reason` that was kept with it;
    None if there is nothing to roll back, which `instead` explains.
    """

    decision: Decision | None = None
    reason: str = ""
    row: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    instead: str = ""
    moments: dict[str, list[object]] = field(default_factory=dict)

    def table(self) -> pd.DataFrame:
        """A row for each moment: the newest approved version, the one in service, the one that answers."""
        frame = pd.DataFrame.from_dict(self.moments, orient="index", columns=COLUMNS)
        frame.attrs["instead"] = self.instead
        return frame.rename_axis(self.decision.dataset if self.decision else "data set")

    def note(self, session: Session, moment: str, settled: bool = True) -> None:
        """Look at all three now; once what serves is `settled`, the URL is asked until it agrees."""
        decision = self.decision
        listed = packages(session, decision.dataset)
        approved = max((one.version for one in listed if one.status == "Approved"), default="none")
        entry = deployments.in_service(session).get(decision.dataset)
        asked = answers.ask(session, self.row, [decision] if settled else ())
        answered = [answer.version or answer.text for answer in asked.values()] or ["not asked"]
        self.moments[moment] = [approved, entry["version"] if entry else "none", *answered]


def check(dataset: str, names: Sequence[str]) -> None:
    """Refuse to roll back a table that is none of those to decide on.

    To be called before the decision, which stays made if a later cell fails.

    Raises:
        BadInput: it is neither empty nor one of `names`.
    """
    if dataset not in ("", *names):
        raise BadInput(f"ROLL_BACK is {dataset!r}; it must be empty, or one of {', '.join(names)}.")


def back(session: Session, dataset: str, decided: Sequence[Decision]) -> Drill:
    """Reject the version of a table that this run has approved, so that the one before it serves again.

    Args:
        session: where it is in service.
        dataset: the table, or nothing, and then nothing happens.
        decided: the decisions of this run. What this run has not approved, it does not roll back.

    Raises:
        BadInput: there is no such table.
        JobFailed: the deployer or the URL did not follow in time; the message says how to approve it again.
        Interrupted: somebody interrupted this; likewise.
    """
    decision, why = _approved(session, dataset, decided)
    if decision is None:
        return Drill(instead=why)
    reason = describe(session, decision).get("ApprovalDescription", "")
    drill = Drill(decision, reason, answers.question(session, [decision]))
    version = decision.version
    drill.note(session, "before")
    left = (
        f"Version {version} of {dataset} may be rejected by now; to approve it again, run 04 again with "
        f"APPROVE = {{{dataset!r}: {{{version}: 'approve'}}}}."
    )
    try:
        deployments.rollback(session, dataset, version, REASON)
        drill.note(session, f"version {version} rejected")
    except (KeyboardInterrupt, Interrupted):
        raise Interrupted(f"Interrupted. {left}") from None
    except JobFailed as failure:
        raise JobFailed(f"{failure} {left}") from None
    return drill


def forward(session: Session, drill: Drill) -> pd.DataFrame:
    """Approve the version again that a drill has rolled back, and wait until it serves; return all moments.

    On a laptop, the event about it is lost, so nothing happens until a sweep compares all with the registry.

    Raises:
        JobFailed: the deployer did not follow in time.
        Interrupted: somebody interrupted this; the message says what follows.
    """
    if drill.decision is None:
        return drill.table()
    dataset, version = drill.decision.dataset, drill.decision.version
    try:
        if session.is_local:
            with without_events(session):
                again = _approve(session, drill)
                time.sleep(LOST_SECONDS)
            drill.note(session, f"version {version} approved, its event lost", settled=False)
            sweep(session)
        else:
            again = _approve(session, drill)
        deployments.wait(session, [again])
        drill.note(session, "after a sweep" if session.is_local else f"version {version} approved again")
    except (KeyboardInterrupt, Interrupted):
        raise Interrupted(
            f"Interrupted. Run this cell again: it approves version {version} of {dataset}, unless that is "
            "approved already, and waits until it serves."
        ) from None
    return drill.table()


def sweep(session: Session) -> dict[str, str]:
    """Have the deployer compare every table with the registry, as the schedule does; wait for its answer.

    Returns:
        What it did about each group that had changed.
    """
    answer = session.client("lambda").invoke(
        FunctionName=session.deployer_function_name, Payload=json.dumps({}).encode()
    )
    outcomes = json.load(answer["Payload"])
    if "FunctionError" in answer:  # of some groups; those that are waited for may be in order
        return {"failed": outcomes.get("errorMessage", "")}
    return {group: outcome["action"] for group, outcome in outcomes.items()}


def _approve(session: Session, drill: Drill) -> Decision:
    (package,) = [
        one for one in packages(session, drill.decision.dataset) if one.version == drill.decision.version
    ]
    return set_status(session, package, "Approved", drill.reason, through=THROUGH)


def _approved(
    session: Session, dataset: str, decided: Sequence[Decision]
) -> tuple[Decision, str] | tuple[None, str]:
    """The approval to roll back, or why there is none."""
    names = _names(decided)
    if not dataset:
        return None, NO_TABLE.format(names[0] if names else "wine")
    check(dataset, names)
    entry = deployments.in_service(session).get(dataset)
    serving = entry["version"] if entry else None
    own = [one for one in decided if one.dataset == dataset and one.holds and one.status == "Approved"]
    decision = next((one for one in own if one.version == serving), None)
    if decision is None:
        return None, f"This run has not approved what serves {dataset}, so it does not roll that back."
    earlier = [one for one in packages(session, dataset) if one.status == "Approved"]
    if not any(one.version < decision.version for one in earlier):
        return None, (
            f"Version {decision.version} is the only approved one of {dataset}, so there is none to go back "
            "to; run notebook 3 with another MAX_TUNING_JOBS, and approve what it registers."
        )
    return decision, ""


def _names(decided: Iterable[Decision]) -> list[str]:
    return list(dict.fromkeys(one.dataset for one in decided))
