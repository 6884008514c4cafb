"""The search for one partition: the best configuration, fitted on its rows and made portable."""

import time
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import pandas as pd

from tabular.data.splits.shards import Shard
from tabular.fleets.choice import losses, optimism
from tabular.fleets.folds import own_folds, too_few
from tabular.judging.agreement import check_equal
from tabular.learning.fitting import fit, rounds_of
from tabular.portable.export import export
from tabular.portable.model import PortableModel
from tabular.searching.running.workers import threads
from tabular.searching.search import Search, search
from tabular.searching.trials import Configuration
from tabular.spec import own_steps
from tabular.spec.algorithms import exporter_of
from tabular.spec.columns import Column, Schema
from tabular.spec.documents.partitions import OwnModel, Partition
from tabular.spec.errors import BadInput
from tabular.spec.search import Plan

__all__ = ["NOT_SEARCHED", "Candidate", "Task", "search_partition", "task_of", "without_search"]

NOT_SEARCHED = "The time of the search was over before it was its turn."
LEAST = 1e-3  # seconds of a search, because 0 stands for no limit
CHECKED_ROWS = 50  # with which the portable model is compared with scikit-learn


@dataclass(frozen=True)
class Task:
    """The training rows of one partition, and what is to be searched.

    `warm` are configurations that were good for it before. `seconds` are what its search may take, and `end`
    is when the search for all partitions ends, by `time.perf_counter`; None stands for no limit.
    """

    partition: Partition
    frame: pd.DataFrame
    target: np.ndarray
    schema: Schema
    plan: Plan
    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    quantiles: tuple[float, ...] | None = None
    warm: tuple[Configuration, ...] = ()
    seconds: float | None = None
    end: float | None = None


@dataclass(frozen=True)
class Candidate:
    """The outcome of a partition's search: the document, the arrays of its model, and the loss of each row.

    Without a model, `document["reason"]` says why, and the losses are NaN (n_rows,).
    """

    document: OwnModel
    losses: np.ndarray
    arrays: dict[str, np.ndarray] = field(default_factory=dict)


def task_of(
    shard: Shard,
    partition: Partition,
    plan: Plan,
    warm: tuple[Configuration, ...] = (),
    seconds: float | None = None,
    end: float | None = None,
) -> Task:
    """The task of one of a shard's partitions."""
    rows = shard.rows_of(partition)
    beside = (None if each is None else each[rows] for each in (shard.groups, shard.times))
    frame = shard.frame.iloc[rows].reset_index(drop=True)
    what = (partition, frame, shard.target[rows], shard.schema, plan)
    return Task(*what, *beside, shard.quantiles, warm, seconds, end)


def without_search(shard: Shard, partition: Partition, reason: str) -> Candidate:
    """A partition that was not searched, for this reason unless it has too few rows for any search."""
    return _not_searched(partition, shard.target[shard.rows_of(partition)], shard.schema, reason)


def _not_searched(partition: Partition, target: np.ndarray, schema: Schema, reason: str) -> Candidate:
    few = too_few(target, schema)
    document = _begun(partition)
    document["reason"] = few or reason
    if few is None:
        document["unfinished"] = True
    return Candidate(document, np.full(partition["rows"], np.nan))


def search_partition(task: Task) -> Candidate:
    """Search, fit and export a partition's own model; whatever goes wrong is the reason why it has none."""
    started = time.perf_counter()
    if task.end is not None and started >= task.end:  # while it waited for a process
        return _not_searched(task.partition, task.target, task.schema, NOT_SEARCHED)
    document = _begun(task.partition)
    nothing = np.full(len(task.target), np.nan)
    try:
        with threads(1):
            candidate = _searched(task, document)
    except MemoryError:
        candidate = Candidate(document | {"reason": "Memory ran out.", "unfinished": True}, nothing)
    except BadInput as error:
        candidate = Candidate(document | {"reason": str(error)}, nothing)
    except Exception as error:  # whatever a library raises, the pooled model is there
        reason = f"Its search failed: {' '.join(str(error).split()) or type(error).__name__}"
        candidate = Candidate(document | {"reason": reason, "unfinished": True}, nothing)
    candidate.document["seconds"] = round(time.perf_counter() - started, 3)
    return candidate


def _begun(partition: Partition) -> OwnModel:
    return {
        "number": partition["number"],
        "key": partition["key"],
        "rows": partition["rows"],
        "sha256": partition["sha256"],
        "reason": None,
        "model": None,
        "seconds": 0.0,
    }


def _searched(task: Task, document: OwnModel) -> Candidate:
    folds = own_folds(task.target, task.schema, task.plan, task.groups, task.times, task.quantiles)
    schema = _own_schema(task)
    frame = task.frame[[column.name for column in schema.columns]]
    plan = replace(task.plan, ensemble="false", seconds=0, search_rows=0)
    found = search(
        frame,
        task.target,
        schema,
        task.groups,
        plan,
        task.warm,
        folds=[fold for fold in folds if fold is not None],
        seconds=_seconds_left(task),
    )
    best = found.best
    algorithm, given = best.configuration.algorithm, best.configuration.hyperparameters
    what = (algorithm, given, plan.random_state, best.rounds, task.groups)
    pipeline = fit(frame, task.target, schema, *what)
    exporter = exporter_of(algorithm, schema.family, own_steps.algorithms())
    model, arrays = export(pipeline, schema, exporter)
    agreement = check_equal(PortableModel(model, arrays), pipeline, frame.head(CHECKED_ROWS), schema)
    kind = rounds_of(algorithm, schema)
    out_of_fold = losses(found.out_of_fold, task.target, schema)
    described: OwnModel = document | {
        "algorithm": algorithm,
        "hyperparameters": {**given, **({kind.argument: str(best.rounds)} if kind else {})},
        "scorer": plan.scorer,
        "score": found.score,
        "trials": len(found.complete),
        "optimism": optimism(_by_fold(found, task.target, schema), found.complete.index(best)),
        "agreement": asdict(agreement),
        "model": {
            "columns": [column.name for column in schema.columns],
            **{name: model[name] for name in ("encodings", "estimator")},
        },
    }
    if found.stopped == "time":
        described["unfinished"] = True
    return Candidate(described, out_of_fold, arrays)


def _seconds_left(task: Task) -> float | None:
    """What the search may take: its share, as far as the search for all partitions still has time."""
    if task.seconds is None or task.end is None:
        return task.seconds
    return max(LEAST, min(task.seconds, task.end - time.perf_counter()))


def _own_schema(task: Task) -> Schema:
    """The columns that say something within the partition: not its name, nor what is the same in all rows.

    Raises:
        BadInput: if there is none.
    """
    options = replace(task.schema.options, partition=())
    kept: tuple[Column, ...] = tuple(
        column
        for column in task.schema.columns
        if column.name not in task.schema.options.partition
        and task.frame[column.name].nunique(dropna=False) > 1
    )
    if not kept:
        raise BadInput("Every column has the same value in all of its rows.")
    return replace(task.schema, columns=kept, options=options, baseline={})


def _by_fold(found: Search, target: np.ndarray, schema: Schema) -> list[list[float]]:
    """The mean loss of each complete trial on each fold."""
    return [
        [
            float(losses(answers, target[fold.scored], schema).mean())
            for fold, answers in zip(found.folds, trial.answers, strict=True)
        ]
        for trial in found.complete
    ]
