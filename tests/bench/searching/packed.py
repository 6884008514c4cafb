"""Measure what a packed search costs: beside bare cross-validations, in instances, for many partitions.

- `cpu`: the CPU seconds of a whole process with `search`, over those of the same trials as bare
  cross-validations in a pool of the same width. The search also keeps predictions and makes an ensemble.
- `instances`: the instance seconds of 60 trials, packed in one job and as a job each, at the start-up times
  that an instance may need.
- `partitions`: 1, 100 and 1,000 partitions of 200 rows with 12 trials each, in a pool: CPU seconds for each
  model and the largest resident set of a process.
- `forecast`: jobs, hours and dollars on AWS for 1,000 and 10,000 tables, by `helpers.cost`.

Prints tables and writes runs/bench-search.json.

    make bench-search ARGS="cpu partitions --partitions 1 100"
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from tabular.learning.fitting import scores_of_fold
from tabular.learning.folds import folds_to_search
from tabular.learning.scorers import scorer_of
from tabular.searching.search import Settings, search
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.columns import Column, Schema
from tabular.spec.search import Plan

from commands.running import planning
from helpers.cost.forecast.pace import Size

SCORER, RANDOM_STATE = "neg_log_loss", 42
SIZES = ((6, 3), (24, 5), (60, 5))  # trials and folds
START_UPS = (60, 180)  # seconds
ROWS_OF_A_PARTITION, TRIALS_OF_A_PARTITION = 200, 12
TABLES_FORECAST = (1_000, 10_000)
SIZE = Size(rows=2_000, columns=20)
KEPT = Path("runs/bench-search.json")
Rows = tuple[pd.DataFrame, np.ndarray, Schema]


def main() -> None:
    """Measure the parts that are asked for, print them and keep them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", default=["cpu", "partitions", "forecast"], metavar="part")
    parser.add_argument("--width", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--partitions", type=int, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        _child(json.loads(given.child))
        return
    parts = {"cpu": cpu, "partitions": partitions, "forecast": forecasts}
    for part in given.parts:
        measured = parts[part](given)
        kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps({**kept, part: measured}, indent=1))


def cpu(given: argparse.Namespace) -> list[dict[str, Any]]:
    """CPU seconds of searches over those of bare cross-validations, alternately; instance seconds of both."""
    found = []
    print(
        "| trials x folds | search, CPU s | bare, CPU s | ratio | imports, CPU s |\n"
        "| --- | --- | --- | --- | --- |"
    )
    for trials, folds in SIZES:
        sides: dict[str, list[float]] = {"search": [], "bare": [], "nothing": []}
        with tempfile.TemporaryDirectory() as folder:
            what = {"trials": trials, "folds": folds, "width": given.width, "file": f"{folder}/tried.json"}
            for _ in range(given.repeats):
                for side, taken in sides.items():
                    taken.append(_measured(side=side, **what)["cpu"])
        least = {side: min(taken) for side, taken in sides.items()}
        one = {"trials": trials, "folds": folds, "width": given.width, **least}
        found.append(one)
        ratio = least["search"] / least["bare"]
        cells = (f"{trials} x {folds}", *(f"{least[s]:.1f}" for s in ("search", "bare")), f"{ratio:.2f}")
        print(f"| {' | '.join(cells)} | {least['nothing']:.1f} |", flush=True)
    most = found[-1]
    print("\n| start-up | a job for each trial | packed | times fewer |\n| --- | --- | --- | --- |")
    for start_up in START_UPS:
        of_trial = most["nothing"] + (most["bare"] - most["nothing"]) / most["trials"]
        jobs = most["trials"] * (start_up + of_trial)
        packed = start_up + most["search"]  # on one core; on more of them it is less
        print(f"| {start_up} s | {jobs:,.0f} s | {packed:,.0f} s | {jobs / packed:.0f} |", flush=True)
    return found


def partitions(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Seconds for each model and memory, by the number of partitions."""
    found = []
    print("| partitions | CPU s for each model | wall s for each model | MB of the largest process |")
    print("| --- | --- | --- | --- |")
    for number in given.partitions:
        one = _measured(side="partitions", partitions=number, width=given.width)
        found.append({"partitions": number, "width": given.width, **one})
        cells = (one["cpu"] / number, one["wall"] / number, one["megabytes"])
        print("| {:,} | {:.2f} | {:.2f} | {:.0f} |".format(number, *cells), flush=True)
    return found


def forecasts(given: argparse.Namespace) -> list[dict[str, Any]]:
    """What a run of 60 trials for each of many tables takes on AWS, as `many-models check` forecasts it."""
    found = []
    print("| tables | search | jobs | hours billed | hours until done | dollars |")
    print("| --- | --- | --- | --- | --- | --- |")
    for number in TABLES_FORECAST:
        for how in ("jobs", "packed"):
            values = planning.known({"MAX_TUNING_JOBS": SIZES[-1][0], "SEARCH": how})
            sizes = {f"table-{place}": SIZE for place in range(number)}
            with tempfile.TemporaryDirectory() as folder:
                said = planning.forecast(values, sizes, Path(folder)).outlook.aws
            spans = (said.billable_seconds, said.seconds, said.dollars)
            hours = [f"{one.low / 3600:,.0f} to {one.high / 3600:,.0f}" for one in spans[:2]]
            dollars = f"{spans[2].low:,.0f} to {spans[2].high:,.0f}" if spans[2] else "unknown"
            print(f"| {number:,} | {how} | {said.jobs:,} | {' | '.join(hours)} | {dollars} |", flush=True)
            found.append({"tables": number, "search": how, **said.facts()})
    return found


def _measured(**what: Any) -> dict[str, float]:
    """CPU and wall seconds of a process of its own with all of its children, and the largest of them."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "bench.searching.packed", "--child", json.dumps(what)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu": spent, "wall": time.monotonic() - began, **json.loads(done.stdout or "{}")}


def _child(what: Mapping[str, Any]) -> None:
    """One side of a comparison, in a process that does nothing else."""
    warnings.simplefilter("ignore")  # networks that have not converged
    if what["side"] == "partitions":
        with ProcessPoolExecutor(what["width"]) as pool:
            list(pool.map(_partition, range(what["partitions"])))
        largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(json.dumps({"megabytes": largest}))
        return
    rows, width, file = _breast_cancer(), what["width"], Path(what["file"])
    if what["side"] == "search":
        # No trial is stopped, so that both sides fit the same.
        plan = Plan(",".join(ALGORITHMS), what["trials"], SCORER, what["folds"], RANDOM_STATE)
        found = search(*rows, None, plan, width=width, settings=Settings(pruning=False))
        tried = [one.configuration for one in found.trials]
        file.write_text(json.dumps([(one.algorithm, dict(one.hyperparameters)) for one in tried]))
    elif what["side"] == "bare":
        with ProcessPoolExecutor(width) as pool:
            list(pool.map(partial(_bare, rows, what["folds"]), json.loads(file.read_text())))


def _bare(rows: Rows, folds: int, configuration: Sequence[Any]) -> float:
    frame, target, schema = rows
    score = scorer_of(SCORER, schema)
    return float(
        np.mean(
            [
                scores_of_fold(frame, target, fold, schema, *configuration, RANDOM_STATE, score)[-1].score
                for fold in folds_to_search(target, schema, SCORER, folds, RANDOM_STATE)
            ]
        )
    )


def _partition(number: int) -> float:
    """The score of the model of one partition."""
    warnings.simplefilter("ignore")
    draw = np.random.default_rng(number)
    columns = [f"x{place}" for place in range(10)]
    frame = pd.DataFrame(draw.normal(size=(ROWS_OF_A_PARTITION, len(columns))), columns=columns)
    signal = frame.to_numpy() @ draw.normal(size=len(columns)) + draw.normal(size=len(frame))
    schema = Schema("binary", "y", ("no", "yes"), tuple(Column(name, "numeric") for name in columns))
    rows = (frame, (signal > 0).astype(int), schema)
    plan = Plan(",".join(ALGORITHMS), TRIALS_OF_A_PARTITION, SCORER, 5, RANDOM_STATE)
    return search(*rows, None, plan, width=1).score


def _breast_cancer() -> Rows:
    frame, target = load_breast_cancer(return_X_y=True, as_frame=True)
    columns = tuple(Column(name, "numeric") for name in frame)
    return frame, target.to_numpy(), Schema("binary", "y", ("0", "1"), columns)


if __name__ == "__main__":
    main()
