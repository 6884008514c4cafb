"""A timed sample of a fleet's search: what a few partitions take on this machine, before all are searched.

How long a fit takes depends on the table, on the machine and on what else runs there, which no assumption
knows. So a few partitions of the table itself are searched, by the code that the job runs and in as many
processes, if the job may take minutes and no earlier run of the table says how long.
"""

import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from tabular.data.splits.shards import QUANTILES
from tabular.searching.running.cores import cores
from tabular.spec import own_steps
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.search import Plan

from helpers.cost.forecast.pace import FITTED, Observation, Sample, Size
from helpers.cost.ranges import Range
from helpers.data.datasets import Dataset

if TYPE_CHECKING:
    from tabular.data.preparation.prepared import Prepared
    from tabular.fleets.own import Task

__all__ = ["sampled"]

WORTH = 60_000_000  # cells of a search, each counted once for each fit, below which it is soon over anyway
TRIALS = 6  # one of each algorithm, with its defaults
PARTITIONS = 3  # that are timed by each process
POOLED_ROWS = 2_000  # with which a trial of the pooled model is timed
POOLED_FOLDS = 2
SECONDS = 15.0  # after which no further partition is begun
# Later trials have other sizes than the first ones, and the machine may be more or less busy later.
OWN = Range(0.6, 1.8)
# A fit takes at most in proportion to the rows, and what is found is fitted again, also for each fold.
POOLED = Range(0.7, 2.2)
SLOWER = 0.6  # the least power of the rows with which a fit grows


def sampled(table: Dataset, size: Size, trials: int, known: Sequence[Observation]) -> Size:
    """The size of a table, with a timed sample of its search if it has partitions and that is worth it.

    Args:
        table: which has been checked, and is not refused.
        size: of it.
        trials: for each partition, MAX_TUNING_JOBS.
        known: earlier runs; one of this table here says more than a sample.
    """
    fits = size.folds * trials
    if not size.partitions or (size.rows * size.columns + size.partitions * FITTED) * fits < WORTH:
        return size
    if table.settings.steps or any(it.environment == "local" and it.data_set == table.name for it in known):
        return size
    print(f"Timing a few partitions of {table.name}, for the forecast", file=sys.stderr, flush=True)
    prepared, plan = _prepared(table), _plan(table, trials)
    width = cores()
    tasks, searched = _tasks(prepared, plan, width)
    if not tasks or (timed := _in_processes(tasks, _pooled(prepared, plan))) is None:
        return size
    own, pooled = timed
    # The pooled model's trials run side by side, too.
    grown = len(prepared.train) / min(len(prepared.train), POOLED_ROWS)
    of_pooled = Range(grown**SLOWER, grown) * POOLED * (pooled * fits / width)
    of_own = OWN * (float(np.mean(own)) * fits * searched / width)
    return replace(size, sample=Sample(of_own, of_pooled, len(own), searched))


def _prepared(table: Dataset) -> "Prepared":
    """The table as PreprocessData prepares it."""
    # scikit-learn takes a second to import, and most runs time nothing.
    from tabular.data.preparation.prepare import prepare
    from tabular.data.preparation.prepared import Splitting

    how = table.settings
    splitting = Splitting(how.test_size, how.stratify, how.random_state)
    return prepare(table.table, table.target, table.options, None, splitting, own_steps.BESIDE)


def _plan(table: Dataset, trials: int) -> Plan:
    how = table.settings
    names = [name for name, one in ALGORITHMS.items() if table.family in one.estimators]
    default = how.regression_scorer if table.family == "regression" else how.scorer
    scorer = table.judged.get("scorer", default)
    few = min(trials, TRIALS)
    return Plan(",".join(names), few, scorer, how.folds, how.random_state, ensemble="false")


def _tasks(prepared: "Prepared", plan: Plan, processes: int) -> tuple[list[list["Task"]], int]:
    """For each process, partitions of all sizes; and how many will be searched at all.

    Those of a middle size come first: if time is short, they say most.
    """
    from tabular.fleets.folds import too_few
    from tabular.fleets.own import Task

    partitions, train = prepared.partitions, prepared.train
    if partitions is None:
        return [], 0
    number, times, groups = partitions.number[train], prepared.times, prepared.groups
    quantiles = None if times is None else tuple(np.quantile(times[train], np.linspace(0, 1, QUANTILES)))
    order = np.argsort(number, kind="stable")
    found = []
    for place, rows in enumerate(np.split(train[order], np.cumsum(np.bincount(number))[:-1])):
        if too_few(prepared.target[rows], prepared.schema) is None:
            found.append((place, rows))
    found.sort(key=lambda each: len(each[1]))
    count = min(len(found), PARTITIONS * processes)
    places = sorted(((place + 0.5) / count for place in range(count)), key=lambda place: abs(place - 0.5))
    chosen = [found[int(place * len(found))] for place in places]
    tasks = [
        Task(
            {"number": place, "key": [], "rows": len(rows), "sha256": ""},
            prepared.frame.iloc[rows].reset_index(drop=True),
            prepared.target[rows],
            prepared.schema,
            plan,
            *(None if each is None else each[rows] for each in (groups, times)),
            quantiles,
        )
        for place, rows in chosen
    ]
    return [tasks[place::processes] for place in range(min(processes, len(tasks)))], len(found)


def _pooled(prepared: "Prepared", plan: Plan) -> "Task":
    """Some rows of all partitions, for trials of the pooled model."""
    from tabular.fleets.own import Task

    rows = np.random.default_rng(0).permutation(prepared.train)[:POOLED_ROWS]
    about = {"number": 0, "key": [], "rows": len(rows), "sha256": ""}
    frame = prepared.frame.iloc[rows].reset_index(drop=True)
    return Task(about, frame, prepared.target[rows], prepared.schema, replace(plan, folds=POOLED_FOLDS))


def _in_processes(tasks: Sequence[Sequence["Task"]], pooled: "Task") -> tuple[list[float], float] | None:
    """Seconds of a fit, of each partition and of the pooled model; None if a process was killed.

    All processes work at the same time, as in the job. They are new ones, so this one keeps its memory.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(len(tasks), context) as pool:
        try:
            found = list(pool.map(_time, tasks, [pooled] * len(tasks)))
        except BrokenProcessPool:
            print("A process that timed partitions was killed, so their times are assumed", file=sys.stderr)
            return None
    own = [seconds for each, _ in found for seconds in each]
    return (own, float(np.mean([seconds for _, seconds in found]))) if own else None


def _time(tasks: Sequence["Task"], pooled: "Task") -> tuple[list[float], float]:
    """Search partitions one after another; the libraries are imported before the clock starts."""
    from tabular.fleets.own import search_partition
    from tabular.searching.running.workers import threads
    from tabular.searching.search import search

    smallest = min(tasks, key=lambda task: len(task.target))
    search_partition(replace(smallest, plan=replace(smallest.plan, folds=2)))
    started = time.perf_counter()
    with threads(1):
        found = search(pooled.frame, pooled.target, pooled.schema, None, pooled.plan)
        each = (time.perf_counter() - started) / (len(found.trials) * pooled.plan.folds)
    own = []
    for task in tasks:
        candidate = search_partition(task).document
        own.append(candidate["seconds"] / (task.plan.trials * task.plan.folds))
        if time.perf_counter() - started > SECONDS:
            break
    return own, each
