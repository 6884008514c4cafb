"""How long one job of a step takes: from this project's own last runs, or else from stated assumptions.

A job's billed time has a part that is always the same (on AWS, its instance downloads the image and the
data) and a part that grows with the table, at most in proportion to its cells. So what a step took on one
table says for another one only between which two times it lies.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from helpers.cost.forecast.jobs import Step
from helpers.cost.ranges import Range

__all__ = ["ASSUMED", "FITTED", "UNFINISHED", "Observation", "Pace", "Sample", "Size", "observations", "pace"]

Environment = Literal["aws", "local"]

ASSUMED = "assumed"
SEARCH = "SearchAndRefit"
LAST = 10  # runs to learn from
UNFINISHED = ("failed", "interrupted", "not-started", "running")  # outcomes of which some steps are missing
# Another table of so many times the cells is so far away that what is assumed for its size says more: its
# seconds may be anything from as many to so many times as many.
FAR = 10
NEAR = 1.5  # times the cells, within which runs of the same table are preferred to others of it
# No two runs take the same time, and few runs show little of that, so what one or two say is widened more.
MARGINS = {1: Range(0.6, 1.6), 2: Range(0.7, 1.4)}
MARGIN = Range(0.8, 1.25)

# Billed seconds from the start of an instance to that of the program, and after it: SageMaker bills from
# TrainingStartTime, before the image is downloaded. Logs that people published show 60 to 180 seconds.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
START = {"aws": Range(60, 180), "local": Range(0.3, 1)}
# Seconds until a job has its instance, which are not billed; spot capacity may take longer.
WAIT = {"aws": Range(40, 240), "local": Range(0, 0.5)}
WAIT_FOR_SPOT = Range(40, 900)
# An instance's two processors against the two cores on which the seconds below were measured.
SPEED = {"aws": Range(1, 2.5), "local": Range(1, 2)}


# What a fit for a partition takes beside its rows, and what judging it takes, as cells: measured, a fit takes
# 0.01 to 0.04 s on two cores, and EvaluateBestModel 10 ms for each partition (make bench-fleet).
FITTED = 20_000
EVALUATED = 2_500


@dataclass(frozen=True)
class Sample:
    """What a timed sample on this machine says about the search of a table with partitions.

    Attributes:
        own: seconds of all searches for own models, on one instance.
        pooled: seconds of the search for the pooled model, with the fits that follow.
        tried: how many partitions were searched for it.
        partitions: how many will be searched; the others have too few rows.
    """

    own: Range
    pooled: Range
    tried: int
    partitions: int


@dataclass(frozen=True)
class Size:
    """What decides how long the jobs of a table take.

    Attributes:
        rows: of the table.
        columns: of the table, the target included.
        folds: of the cross-validation in each trial.
        search_rows: how many rows the trials see at most; 0 for all.
        partitions: of the table, each of which is searched; 0 if it has none.
        sample: how long some of them took here, None if none was timed.
    """

    rows: int
    columns: int
    folds: int = 5
    search_rows: int = 0
    partitions: int = 0
    sample: Sample | None = None

    def cells(self, step: Step) -> int:
        """The cells that each instance of a job works on; a trial works on them once for each fold.

        Of a table with partitions, the pooled model is searched on one instance, and own models on all. What
        a partition takes, however small it is, counts as cells, too.
        """
        if not step.trials and not step.packed:
            judged = EVALUATED if step.name == "EvaluateBestModel" else 0
            return self.rows * self.columns + judged * self.partitions
        seen = min(self.rows, self.search_rows) if self.search_rows else self.rows
        fits = self.folds * max(step.packed, 1)
        if not self.partitions:
            return seen * self.columns * fits
        own = self.rows * self.columns + FITTED * self.partitions
        return seen * self.columns * fits + own * fits // step.instances


@dataclass(frozen=True)
class Curve:
    """Seconds of work on two cores, by cells: at least and at most, both as a + b * cells."""

    low: tuple[float, float]
    high: tuple[float, float]

    def seconds(self, cells: Range) -> Range:
        """The seconds for this many cells."""
        return Range(self.low[0] + self.low[1] * cells.low, self.high[0] + self.high[1] * cells.high)


# Measured with this project's benchmarks, on tables of 2,300 to 10 million cells: see the README and
# docs/tables/large-tables.md.
CURVES: Mapping[str, Curve] = {
    "PreprocessData": Curve((0.3, 2e-7), (2, 4e-6)),
    "TuningWithCrossValidation": Curve((0.4, 5e-7), (2, 5e-6)),
    "RefitBestModel": Curve((0.4, 5e-7), (3, 1e-5)),
    SEARCH: Curve((2, 2.5e-7), (6, 5e-6)),
    "EvaluateBestModel": Curve((0.4, 2e-7), (4, 5e-6)),
}
# Of a packed search, what each trial takes beside what grows with its cells.
PACKED_TRIAL = Range(0.05, 1)
UNKNOWN_PROGRAM = Curve((10, 0), (900, 0))  # of a step that is not this project's
UNKNOWN_TABLE = Range(1e4, 2e6)  # cells of a table that has not been read


@dataclass(frozen=True)
class Observation:
    """What a step took in an earlier run: billed seconds of all its jobs, and seconds that each waited.

    `instances` is how many of them each job had.
    """

    environment: str
    run: str
    data_set: str
    step: str
    types: tuple[str, ...]
    spot: bool
    cells: int | None
    jobs: int
    billable_seconds: float
    waited_seconds: float | None
    instances: int = 1


@dataclass(frozen=True)
class Pace:
    """How long a job takes: the seconds that it runs, those of them that are billed, and those it waits.

    `basis` names the runs that say so, or is ASSUMED. `least` is what its program takes at least, whatever
    its budget says; None if it has no budget.
    """

    runs: Range
    billed: Range
    waits: Range
    basis: str
    least: Range | None = None


# Of a job on spot capacity, the part of the seconds that SageMaker bills: "up to 90%" less, or all if it is
# interrupted and starts again. https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
SPOT = Range(0.1, 1)


def observations(summaries: Iterable[Mapping[str, Any]]) -> list[Observation]:
    """What the last runs took, from their summaries, the latest run first.

    Steps taken from the cache, and tables that failed, say nothing; nor does the search for a fleet of which
    some partitions were taken over.
    """
    found: list[Observation] = []
    learnt: set[str] = set()
    for summary in sorted(summaries, key=lambda each: each["started"], reverse=True):
        own = [it for name, each in summary["data_sets"].items() for it in _of_table(summary, name, each)]
        if own and len(learnt) < LAST:
            learnt.add(summary["run"])
            found += own
    return found


def _of_table(summary: Mapping[str, Any], name: str, table: Mapping[str, Any]) -> Iterable[Observation]:
    billed = table.get("billed")  # which an earlier release did not write
    forecast = table.get("forecast_here") or table.get("forecast")  # with the steps, where it ran
    if table["outcome"] in UNFINISHED or not billed:
        return
    taken_over = (table.get("fleet") or {}).get("taken_over", 0)  # so it searched less than the next run may
    for step, took in billed["steps"].items():
        if took["jobs"] and not (taken_over and step == SEARCH):
            said = forecast["steps"].get(step, {}) if forecast else {}
            yield Observation(
                summary["environment"],
                summary["run"],
                name,
                step,
                tuple(took["instances"]),
                took["spot"],
                said.get("cells"),
                took["jobs"],
                took["billable_seconds"],
                took["waited_seconds"],
                said.get("instances", 1),  # which an earlier release did not write
            )


def pace(
    step: Step, table: str, size: Size | None, environment: Environment, known: Sequence[Observation]
) -> Pace:
    """How long a job of a step takes on a table.

    Args:
        step: whose job.
        table: the name of the data set; its own earlier runs say more than those of others.
        size: of the table, None if it has not been read.
        environment: where it runs; nothing is learnt from another one.
        known: earlier runs.
    """
    alike = [it for it in known if it.environment == environment and it.step == step.name]
    if environment == "aws":  # another instance type is another speed
        alike = [it for it in alike if set(it.types) == set(step.types) and it.spot == step.spot]
    alike = [it for it in alike if it.data_set == table] or alike
    others = all(it.data_set != table for it in alike)
    if others and step.packed and environment == "local" and size and size.sample:
        return _of_sample(step, size, size.sample)
    if not alike:
        return _assumed(step, size, environment)
    cells = size.cells(step) if size else None
    if cells and not others:  # a quick look at a part of the table says less than a run of all of it
        alike = [it for it in alike if it.cells and cells / NEAR <= it.cells <= cells * NEAR] or alike
    scaled = [_scaled(it, cells, START[environment].low) for it in alike]
    runs = len({it.run for it in alike})
    margin = MARGINS.get(runs, MARGIN)
    seconds = Range(min(it.low for it in scaled), max(it.high for it in scaled)) * margin
    if others and cells and any(it.cells and cells > FAR * it.cells for it in alike):
        seconds = _common(seconds, _assumed(replace(step, spot=False), size, environment).billed)
    least = _least(step, size, environment)
    seconds = _limited(seconds, step, environment, least)
    waited = [it.waited_seconds for it in alike if it.waited_seconds is not None]
    # Here, jobs wait for a processor, which depends on what else runs.
    learnt = waited and environment == "aws"
    waits = Range(min(waited), max(waited)) * margin if learnt else _waits(step, environment)
    names = sorted({it.data_set for it in alike})
    of = names[0] if len(names) == 1 else f"{len(names)} data sets"
    # On spot capacity, what was billed says little about how long it ran.
    running = Range(seconds.low, seconds.high / SPOT.low) if step.spot else seconds
    running = _limited(running, step, environment, least)
    return Pace(running, seconds, waits, f"{runs} earlier {'run' if runs == 1 else 'runs'} of {of}", least)


def _of_sample(step: Step, size: Size, sample: Sample) -> Pace:
    """What a sample of partitions says about the search for all of them, here."""
    least = _least(step, size, "local")
    seconds = _limited(START["local"] + sample.own + sample.pooled, step, "local", least)
    basis = f"a timed sample of {sample.tried} of {sample.partitions} partitions"
    return Pace(seconds, seconds, _waits(step, "local"), basis, least)


def _common(one: Range, other: Range) -> Range:
    """What two ranges have in common; the first of them if that is nothing."""
    found = Range(max(one.low, other.low), min(one.high, other.high))
    return found if found.low <= found.high else one


def _assumed(step: Step, size: Size | None, environment: Environment) -> Pace:
    cells = Range(size.cells(step), size.cells(step)) if size else UNKNOWN_TABLE
    curve = CURVES.get(step.name, UNKNOWN_PROGRAM)
    work = curve.seconds(cells) + PACKED_TRIAL * step.packed
    seconds = START[environment] + work * SPEED[environment]
    least = _least(step, size, environment)
    seconds = _limited(seconds, step, environment, least)
    spot = step.spot and environment == "aws"
    return Pace(seconds, seconds * SPOT if spot else seconds, _waits(step, environment), ASSUMED, least)


def _least(step: Step, size: Size | None, environment: Environment) -> Range | None:
    """What a search with a budget takes even so: one trial, and the fit on all rows.

    Of a fleet, it is that of the pooled model; own models for which there is no time are left out.
    """
    if not step.budget_seconds:
        return None
    one = replace(step, packed=1)
    cells = replace(size, partitions=0).cells(one) if size else None
    work = CURVES[SEARCH].seconds(Range(cells, cells) if cells is not None else UNKNOWN_TABLE)
    return (work + PACKED_TRIAL) * SPEED[environment]


def _scaled(observed: Observation, cells: int | None, fixed: float) -> Range:
    """Seconds of a job on a table of so many cells, after those on another one."""
    each = observed.billable_seconds / (observed.jobs * observed.instances)
    fixed = min(fixed, each)
    if cells is None or observed.cells is None:
        ratio = Range(0.5, 2)
    else:
        ratio = Range(cells / max(observed.cells, 1), cells / max(observed.cells, 1))
    rest = each - fixed
    return Range(fixed + rest * min(1, ratio.low), fixed + rest * max(1, ratio.high))


def _limited(seconds: Range, step: Step, environment: Environment, least: Range | None) -> Range:
    """SageMaker stops a job at its limit, and a search with a budget ends with that."""
    start = START[environment]
    most = step.limit_seconds + start.high
    if least is None:
        return Range(min(seconds.low, most), min(seconds.high, most))
    budget = start + Range(max(step.budget_seconds, least.low), max(step.budget_seconds, least.high))
    return Range(min(seconds.low, budget.low, most), min(seconds.high, budget.high, most))


def _waits(step: Step, environment: Environment) -> Range:
    return WAIT_FOR_SPOT if step.spot and environment == "aws" else WAIT[environment]
