"""Decisions to look at: what there is to decide on, and the outcome."""

from collections.abc import Iterable, Sequence

import pandas as pd

from helpers.deployment.decisions.choosing import Candidate
from helpers.deployment.decisions.records import Decision, who_decided
from helpers.deployment.registry import PENDING, describe
from helpers.session import Session
from helpers.session.patience import patiently

__all__ = ["report", "table"]

NOTHING = "There is no version to decide on; run notebook 3, which registers one, or name one in VERSIONS."


def table(session: Session, chosen: Sequence[Candidate]) -> pd.DataFrame:
    """A row for each version to decide on: its status, and who decided what, if anybody."""
    rows = [
        {
            "data set": one.dataset,
            "version": one.version,
            "status": one.status,
            "decision": who_decided(patiently(session, lambda it=one: describe(session, it))),
        }
        for one in chosen
    ]
    found = pd.DataFrame(rows, columns=["data set", "version", "status", "decision"]).set_index("data set")
    found.attrs["instead"] = NOTHING
    return found


def report(decisions: Iterable[Decision]) -> pd.DataFrame:
    """A row for each version: its status, the outcome of the wish, and how to approve what still waits.

    Those that do not hold come first.
    """
    rows = [
        {
            "data set": one.dataset,
            "version": one.version or "none",
            "status": one.status,
            "outcome": one.outcome,
            "what to do": _to_do(one),
        }
        for one in sorted(decisions, key=lambda one: one.holds)
    ]
    # A notebook would leave out rows in the middle, and this is the only record of some of them.
    pd.set_option("display.max_rows", max(len(rows), pd.get_option("display.max_rows")))
    columns = ["data set", "version", "status", "outcome", "what to do"]
    table = pd.DataFrame(rows, columns=columns).set_index("data set")
    return table if table["what to do"].any() else table.drop(columns="what to do")


def _to_do(one: Decision) -> str:
    if not one.version:
        return "run notebook 3, which registers one"
    if one.status != PENDING:
        return ""
    return f"to approve it, APPROVE = {{{one.dataset!r}: {{{one.version}: 'approve'}}}}"
