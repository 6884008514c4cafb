"""Forecasts and bills in words and as tables, for terminals and notebooks."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from helpers.cost.actual import Accuracy, compared
from helpers.cost.forecast.estimate import Limits, Outlook, Work, outlook
from helpers.cost.forecast.jobs import of_definition as of_compiled
from helpers.cost.forecast.pace import ASSUMED
from helpers.cost.forecast.quotas import quotas, wanted
from helpers.cost.prices import load
from helpers.cost.ranges import Range, up_to_cents
from helpers.session import Session

__all__ = ["as_dollars", "as_hours", "as_time", "billed", "by_table", "of_definition", "sentences", "trusted"]

NAMED = 3  # of what a forecast rests on
TOTAL = "(all)"  # no data set has such a name


def as_time(seconds: Range) -> str:
    """A range of seconds: `40 to 90 s`, `12 to 50 min`, `1.5 to 4 h`."""
    (low, of_low), (high, of_high) = _clock(seconds.low), _clock(seconds.high)
    if of_low == of_high or not seconds.low:
        return _between(Range(low, high), f" {of_high}")
    return f"{_two_digits(low)} {of_low} to {_two_digits(high)} {of_high}"


def as_hours(seconds: Range) -> str:
    """A range of seconds, in hours of an instance."""
    return _between(seconds * (1 / 3600), "")


def as_dollars(dollars: Range | None) -> str:
    """A range of dollars, to the cent where that says something; `unknown` for None."""
    if dollars is None:
        return "unknown"
    digits = 2 if dollars.high >= 0.1 else 4
    low, high = f"{dollars.low:,.{digits}f}", f"{up_to_cents(dollars.high, digits):,.{digits}f}"
    return low if low == high else f"{low} to {high}"


def by_table(found: Outlook) -> pd.DataFrame:
    """A row for each table and one for all: jobs, what they cost on AWS, and how long they take."""
    aws, own = found.aws, found.own
    where = "here" if found.here else "on AWS"
    rows = [
        (it.name, it.jobs, it.billable_seconds, it.dollars, mine.seconds)
        for it, mine in zip(aws.tables, own.tables, strict=True)
    ]
    rows.append((TOTAL, aws.jobs, aws.billable_seconds, aws.dollars, own.seconds))
    return pd.DataFrame(
        {
            name: {
                "jobs": jobs,
                "instance-hours on AWS": as_hours(billed),
                "dollars on AWS": as_dollars(dollars),
                f"takes {where}": as_time(seconds),
            }
            for name, jobs, billed, dollars, seconds in rows
        }
    ).T.rename_axis("data set")


def of_definition(definition: str, session: Session, prices: str = "") -> pd.DataFrame:
    """A row for each step of a definition and one for all: what an execution runs on, costs and takes.

    Nothing is known of the table, and the pipeline's parameters have their defaults.

    Args:
        definition: as it was compiled.
        session: whose region's list prices hold; on AWS, also whose account's quotas.
        prices: a file with other prices, as PRICES names it.

    Raises:
        BadInput: the prices cannot be used.
    """
    steps, unknown = of_compiled(definition)
    work = [Work("", steps, None, unknown)]
    allowed = {} if session.is_local else quotas(session.client("service-quotas"), wanted(work))
    whole = outlook(work, "aws", session.region, load(prices), limits=Limits(1, allowed))
    takes = "takes on AWS" if allowed is not None else "takes on AWS, if quotas allow"
    table = whole.aws.tables[0]
    rows = {
        it.step.name: {
            "jobs": it.step.jobs,
            "at a time": it.step.parallel,
            "instance": " or ".join(it.step.types) + (", spot" if it.step.spot else ""),
            "instance-hours": as_hours(it.billable_seconds),
            "dollars": as_dollars(it.dollars),
            takes: "",
        }
        for it in table.steps
    }
    rows[TOTAL] = {
        "jobs": table.jobs,
        "at a time": "",
        "instance": "",
        "instance-hours": as_hours(table.billable_seconds),
        "dollars": as_dollars(table.dollars),
        takes: as_time(whole.aws.seconds),
    }
    return pd.DataFrame(rows).T.rename_axis("step")


def sentences(found: Outlook, cap: float | None = 0, earlier: Accuracy | None = None) -> list[str]:
    """The forecast in a few lines: on AWS, here, what it rests on, what is uncertain, and the cap."""
    aws = found.aws
    jobs = f"{aws.jobs} {'job' if aws.jobs == 1 else 'jobs'}"
    told = [
        f"On AWS: up to {jobs}, {as_hours(aws.billable_seconds)} instance-hours, "
        f"{as_dollars(aws.dollars)} dollars at the list prices of {aws.region}, {as_time(aws.seconds)}."
    ]
    if found.here:
        told.append(
            f"Here: nothing is billed; {as_time(found.here.seconds)}, by {_listed(found.here.basis)}."
        )
    if notes := [*aws.unknown, *aws.notes]:
        told.append(f"Note: {'; '.join(notes)}.")
    if earlier:
        told.append(trusted(earlier))
    if cap:
        told.append(f"MAX_COST_USD allows {cap:g} dollars.")
    return told


def _listed(basis: Sequence[str]) -> str:
    """What the times rest on, the first few by name; assumptions come last, because they say least."""
    known = [it for it in basis if it != ASSUMED]
    if len(known) > NAMED:
        known = [*known[:NAMED], f"{len(known) - NAMED} more"]
    rest = "assumptions about the rest" if known else "assumptions for a machine with nothing else to do"
    assumed = [rest] if ASSUMED in basis else []
    *most, last = [*known, *assumed]
    return f"{', '.join(most)} and {last}" if most else last


def trusted(earlier: Accuracy) -> str:
    """How far off earlier forecasts were, in a sentence."""
    off = f"{earlier['error']:.0%} off the middle of its range."
    if earlier["runs"] == 1:
        missed = "" if earlier["within"] else " not"
        return f"The seconds of the one earlier run were{missed} within its forecast, {off}"
    return (
        f"Of {earlier['runs']} earlier runs, {earlier['within']} billed the seconds that had been forecast; "
        f"the median run was {off}"
    )


def billed(tables: Mapping[str, Mapping[str, Any]], environment: str) -> pd.DataFrame:
    """A row for each table and one for all: the jobs that ran, what was forecast, and what is billed.

    Args:
        tables: by name, with the keys `billed`, `forecast` and `forecast_here` of a summary's data sets.
        environment: of the run; here, the seconds are those that AWS would bill, without its start-up.
    """
    rows = {}
    for name, table in {**tables, TOTAL: None}.items():
        own = list(tables.values()) if table is None else [table]
        done = [each["billed"] for each in own if each.get("billed")]
        pair = compared(own, environment)
        dollars = [each["dollars"] for each in done]
        rows[name] = {
            "jobs": sum(each["jobs"] for each in done),
            "forecast seconds": _between(pair[0], "") if pair else "",
            "billed seconds": round(sum(each["billable_seconds"] for each in done), 1),
            "saved by spot": round(sum(each["saved_seconds"] for each in done), 1) or "",
            "dollars": "" if not done or None in dollars else f"{sum(dollars):.4f}",
        }
    table = pd.DataFrame(rows).T.rename_axis("data set")
    return table.loc[:, (table != "").any()]


def _between(span: Range, unit: str) -> str:
    """Two numbers with two significant digits: more would pretend to know."""
    low, high = (_two_digits(it) for it in (span.low, span.high))
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def _clock(seconds: float) -> tuple[float, str]:
    """Seconds, minutes or hours: the largest unit of which there are two."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return seconds / size, unit
    return seconds, "s"


def _two_digits(number: float) -> str:
    if number == 0:
        return "0"
    rounded = float(f"{number:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"
