"""What a run will take and cost: jobs, billed seconds, dollars and time, each as a range.

Pure functions of steps, table sizes, prices, quotas and earlier runs. Nothing here calls AWS.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypedDict

from helpers.cost.forecast.jobs import Step
from helpers.cost.forecast.pace import ASSUMED, Observation, Pace, Size, pace
from helpers.cost.prices import HOURS_A_MONTH, Prices
from helpers.cost.ranges import NOTHING, Range, Span, total

__all__ = ["Forecast", "ForecastFacts", "Limits", "Outlook", "TableForecast", "Work"]
__all__ += ["added", "forecast", "outlook"]


class StepFacts(TypedDict):
    """A step in a summary."""

    jobs: int
    instances: int
    cells: int | None
    billable_seconds: Span


class ForecastFacts(TypedDict, total=False):
    """A forecast in a summary; `steps` is there for one table, `data_sets` in what `check` prints."""

    environment: str
    region: str
    jobs: int
    billable_seconds: Span
    dollars: Span | None
    seconds: Span
    basis: list[str]
    notes: list[str]
    steps: dict[str, StepFacts]
    data_sets: dict[str, Any]


UNREAD = "the account's quotas may not be read, so the time goes by the parameters alone"


@dataclass(frozen=True)
class Work:
    """What is to be done about one table: the steps that run jobs, and why others are not known."""

    name: str
    steps: Sequence[Step]
    size: Size | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """How much may run at the same time: tables, and jobs by kind and instance type where that is known.

    `jobs` is None if the account's quotas may not be read.
    """

    tables: int
    jobs: Mapping[tuple[str, str], float] | None = field(default_factory=dict)
    all_jobs: float = float("inf")

    @property
    def known(self) -> Mapping[tuple[str, str], float]:
        """The quotas that were read."""
        return self.jobs or {}


@dataclass(frozen=True)
class StepForecast:
    """What the jobs of one step will take; `dollars` is None if a price is not known."""

    step: Step
    pace: Pace
    cells: int | None
    jobs: Range
    billable_seconds: Range
    dollars: Range | None


@dataclass(frozen=True)
class TableForecast:
    """What one table will take; `seconds` is from the start of its execution to its end."""

    name: str
    steps: Sequence[StepForecast]
    seconds: Range
    notes: Sequence[str]

    @property
    def jobs(self) -> int:
        """How many jobs there will be at most."""
        return int(sum(it.jobs.high for it in self.steps))

    @property
    def billable_seconds(self) -> Range:
        """The seconds that SageMaker will bill, of all instances of all jobs."""
        return total(it.billable_seconds for it in self.steps)

    @property
    def dollars(self) -> Range | None:
        """None if a price, or what a step does, is not known."""
        return None if self.notes else _sum(it.dollars for it in self.steps)

    def facts(self, by_step: bool = True) -> ForecastFacts:
        """The same for a summary; the steps are for what is compared with it, and learnt from it, later."""
        return {
            "jobs": self.jobs,
            "billable_seconds": self.billable_seconds.span(),
            "dollars": _span(self.dollars),
            "seconds": self.seconds.span(),
            "steps": {
                it.step.name: {
                    "jobs": int(it.jobs.high),
                    "instances": it.step.instances,
                    "cells": it.cells,
                    "billable_seconds": it.billable_seconds.span(),
                }
                for it in (self.steps if by_step else ())
            },
        }


@dataclass(frozen=True)
class Forecast:
    """What all tables of a run will take in one environment.

    Attributes:
        environment: `aws`, or `local`, where nothing is billed.
        region: whose prices these are.
        tables: one by one.
        seconds: until the last execution has ended.
        basis: what the times rest on, in words, without repetition.
        notes: why dollars are not known, or are less certain than they look.
    """

    environment: str
    region: str
    tables: Sequence[TableForecast]
    seconds: Range
    basis: Sequence[str]
    notes: Sequence[str]

    @property
    def jobs(self) -> int:
        """How many jobs there will be at most."""
        return sum(it.jobs for it in self.tables)

    @property
    def billable_seconds(self) -> Range:
        """The seconds that SageMaker will bill."""
        return total(it.billable_seconds for it in self.tables)

    @property
    def dollars(self) -> Range | None:
        """None if a price, or what a step does, is not known."""
        return _sum(it.dollars for it in self.tables)

    @property
    def unknown(self) -> list[str]:
        """Why dollars are not known."""
        return list(dict.fromkeys(note for it in self.tables for note in it.notes))

    def facts(self) -> ForecastFacts:
        """The same for a summary, without the tables."""
        return {
            "environment": self.environment,
            "region": self.region,
            **added([it.facts() for it in self.tables]),
            "seconds": self.seconds.span(),
            "basis": list(self.basis),
            "notes": [*self.unknown, *self.notes],
        }


@dataclass(frozen=True)
class Outlook:
    """The forecast for AWS, and for this machine if the run is here."""

    aws: Forecast
    here: Forecast | None

    @property
    def own(self) -> Forecast:
        """That of the environment of the run, with which it is compared afterwards."""
        return self.here or self.aws


def outlook(
    work: Sequence[Work],
    environment: str,
    region: str,
    prices: Prices,
    known: Sequence[Observation] = (),
    limits: Limits | None = None,
    processors: int = 1,
) -> Outlook:
    """What a run will take on AWS, and here, if it is here.

    Args:
        work: what is to be done about each table.
        environment: `aws` or `local`.
        region: whose prices hold.
        prices: list prices.
        known: what earlier runs took.
        limits: of the account, as far as they are known.
        processors: of this machine; local_aws runs as many jobs at a time.
    """
    limits = limits or Limits(len(work) or 1)
    aws = forecast(work, "aws", region, prices, known, limits)
    if environment == "aws":
        return Outlook(aws, None)
    here = Limits(limits.tables, all_jobs=processors)
    return Outlook(aws, forecast(work, "local", region, prices, known, here))


def forecast(
    work: Sequence[Work],
    environment: Literal["aws", "local"],
    region: str,
    prices: Prices,
    known: Sequence[Observation],
    limits: Limits,
) -> Forecast:
    """What the tables of a run will take in one environment."""
    tables = [_of_table(each, environment, region, prices, known, limits) for each in work]
    ends = Range(
        _makespan([it.seconds.low for it in tables], limits.tables),
        _makespan([it.seconds.high for it in tables], limits.tables),
    )
    least = _of_limits(tables, limits)
    seconds = Range(max(ends.low, least.low), max(ends.high, least.high))
    steps = [it for table in tables for it in table.steps]
    basis = list(dict.fromkeys(it.pace.basis for it in steps))
    notes = _notes(steps, region, prices, limits) if environment == "aws" else []
    return Forecast(environment, region, tables, seconds, basis, notes)


def _of_table(
    work: Work,
    environment: Literal["aws", "local"],
    region: str,
    prices: Prices,
    known: Sequence[Observation],
    limits: Limits,
) -> TableForecast:
    notes = [f"{name} is {why}" for name, why in work.unknown.items()]
    steps = []
    for step in (_on(it, work.size) for it in work.steps):
        found = pace(step, work.name, work.size, environment, known)
        jobs = Range(0 if step.optional else step.jobs, step.jobs)
        billed = found.billed * jobs * step.instances
        dollars, missing = _dollars(step, billed, region, prices) if environment == "aws" else (None, [])
        notes += missing
        cells = work.size.cells(step) if work.size else None
        steps.append(StepForecast(step, found, cells, jobs, billed, dollars))
    return TableForecast(work.name, steps, _path(steps, limits), list(dict.fromkeys(notes)))


def _on(step: Step, size: Size | None) -> Step:
    """A step with the instances that it has for this table: only partitions are shared among several."""
    return replace(step, instances=1) if step.packed and size is not None and not size.partitions else step


def _dollars(step: Step, billed: Range, region: str, prices: Prices) -> tuple[Range | None, list[str]]:
    """The price of billed seconds: of instances, and of their disks; and why it is not known."""
    found = {name: prices.instance(region, name) for name in step.types}
    missing = [f"there is no price of {name} in {region}" for name, price in found.items() if price is None]
    if not found:
        missing.append(f"{step.name} does not say its instance type")
    hours = [price.dollars for price in found.values() if price]
    if missing or not hours:
        return None, missing
    disk = step.volume_gb * prices.service(region, "job_volume_gb_month").dollars / HOURS_A_MONTH
    return billed * Range((min(hours) + disk) / 3600, (max(hours) + disk) / 3600), []


def _path(steps: Sequence[StepForecast], limits: Limits) -> Range:
    """The seconds of the longest way through the steps that wait for each other."""
    ends: dict[str, Range] = {}
    for it in steps:  # a definition names a step after those that it waits for, or else it waits for nothing
        begins = [ends[name] for name in it.step.after if name in ends]
        begin = Range(max((e.low for e in begins), default=0), max((e.high for e in begins), default=0))
        parallel = max(1, min(it.step.parallel, _quota(it.step, limits) // it.step.instances))
        rounds = -(-it.step.jobs // int(parallel))
        low = 0 if it.step.optional else rounds
        ends[it.step.name] = begin + (it.pace.runs + it.pace.waits) * Range(low, rounds)
    return Range(
        max((e.low for e in ends.values()), default=0), max((e.high for e in ends.values()), default=0)
    )


def _quota(step: Step, limits: Limits) -> float:
    """How many instances of the step may run at the same time."""
    return min([limits.all_jobs, *(limits.known.get((step.kind, name), float("inf")) for name in step.types)])


def _of_limits(tables: Sequence[TableForecast], limits: Limits) -> Range:
    """The seconds that all jobs take at least, because a limit holds for all tables together."""
    busy: dict[tuple[str, str], Range] = {}
    everything = NOTHING
    for it in (it for table in tables for it in table.steps):
        seconds = it.pace.runs * it.jobs * it.step.instances
        everything += seconds
        for name in it.step.types:
            busy[it.step.kind, name] = busy.get((it.step.kind, name), NOTHING) + seconds
    shares = [everything * (1 / limits.all_jobs)]
    shares += [seconds * (1 / limits.known[key]) for key, seconds in busy.items() if limits.known.get(key)]
    return Range(max(it.low for it in shares), max(it.high for it in shares))


def _makespan(seconds: Iterable[float], at_once: int) -> float:
    """When the last table ends, if so many run at the same time and each starts as soon as there is room."""
    ends: list[float] = []
    for each in seconds:
        begin = heapq.heappop(ends) if len(ends) >= max(at_once, 1) else 0.0
        heapq.heappush(ends, begin + each)
    return max(ends, default=0.0)


def _notes(steps: Sequence[StepForecast], region: str, prices: Prices, limits: Limits) -> list[str]:
    """What makes the figures less certain than they look."""
    types = list(dict.fromkeys(name for it in steps for name in it.step.types))
    priced = {name: prices.instance(region, name) for name in types}
    unsure = [name for name, price in priced.items() if price and not price.verified]
    notes = []
    if unsure:
        notes.append(f"the price of {', '.join(unsure)} in {region} could not be verified")
    if any(it.step.spot for it in steps):
        notes.append("spot capacity may cost a tenth of the list price, or all of it after interruptions")
    if any(it.pace.basis == ASSUMED for it in steps):
        notes.append("the times on AWS are assumed, because no earlier run there resembles this one")
    short = [it for it in steps if it.pace.least is not None and it.step.budget_seconds < it.pace.least.high]
    if short:
        least = Range(*(max(getattr(it.pace.least, end) for it in short) for end in ("low", "high")))
        notes.append(
            f"SEARCH_SECONDS is {short[0].step.budget_seconds:.0f}, but one trial and the fit on all rows "
            f"may take {least.low:.0f} to {least.high:.0f} s, and these always end"
        )
    if limits.jobs is None:
        notes.append(UNREAD)
    for key in dict.fromkeys((it.step.kind, name) for it in steps for name in it.step.types):
        if limits.known.get(key) == 0:
            notes.append(f"this account may run no {key[1]} for {key[0]} jobs")
    return notes


def added(tables: Sequence[ForecastFacts]) -> ForecastFacts:
    """The sums of the forecasts of tables; the time until all have ended is not a sum, so it is left out."""
    seconds = [each["billable_seconds"] for each in tables]
    dollars = [each["dollars"] for each in tables]
    known = [each for each in dollars if each is not None]
    return {
        "jobs": sum(each["jobs"] for each in tables),
        "billable_seconds": _added(seconds, 1),
        "dollars": _added(known, 4) if len(known) == len(dollars) else None,
    }


def _added(spans: Sequence[Span], digits: int) -> Span:
    return total(Range(each["low"], each["high"]) for each in spans).span(digits)


def _sum(parts: Iterable[Range | None]) -> Range | None:
    found = list(parts)
    return None if any(it is None for it in found) else total(it for it in found if it is not None)


def _span(dollars: Range | None) -> Span | None:
    return None if dollars is None else dollars.span(4)
