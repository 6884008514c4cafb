"""Measure the time and memory of long tables, wide tables, and tables of categories.

Each table goes through the container's commands as the pipeline runs them: PreprocessData, trials of every
algorithm with three folds, two at a time and one thread each, RefitBestModel and EvaluateBestModel. Prints
the wall and CPU seconds, the largest resident set of a job, and the largest of all running jobs together.

    make bench-wide ARGS="--tables wide --trials 12 --search-rows 20000"
"""

import argparse
import json
import shutil
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import psutil
from support.container.jobs import give_code, give_hyperparameters, run_trial, source, start
from tabular.spec.trial import Trial

import local_aws
from bench.searching.baseline import WHERE, account, as_score, check, trials

FOLDS, SCORER = 3, "neg_log_loss"
SAMPLE_SECONDS = 0.1


def long(draw: np.random.Generator, rows: int = 120_000) -> pd.DataFrame:
    """Twenty columns: numbers, a boolean, a date, and six categories with 3 to 5,000 levels."""
    numbers = draw.normal(size=(rows, 12)).round(4)
    score = numbers[:, 0] + 0.5 * numbers[:, 1] * numbers[:, 2] + 0.3 * np.sin(3 * numbers[:, 3])
    numbers[draw.random(numbers.shape) < 0.03] = np.nan
    table = pd.DataFrame(numbers).add_prefix("number ")
    table["member"] = np.where(draw.random(rows) < 0.4, "yes", "no")
    days = draw.integers(0, 700, rows)
    table["day"] = (pd.Timestamp("2022-01-01") + pd.to_timedelta(days, "D")).strftime("%Y-%m-%d")
    score += 0.4 * (table["member"] == "yes") + 0.3 * (days % 7 > 4)
    for count in (3, 8, 20, 60, 300, 5000):
        levels = category(draw, rows, count)
        score += (0.6 * draw.normal(size=count))[levels]
        table[f"category {count}"] = [f"level {level}" for level in levels]
    return with_target(table, score, draw)


def wide(draw: np.random.Generator, rows: int = 2_000, columns: int = 5_000) -> pd.DataFrame:
    """Correlated numbers, thirty of which matter."""
    numbers = draw.normal(size=(rows, 60)) @ draw.normal(size=(60, columns)) * 0.2
    numbers += draw.normal(size=(rows, columns))
    score = numbers[:, :30] @ draw.normal(size=30) / 3
    return with_target(pd.DataFrame(numbers.round(3)).add_prefix("number "), score, draw)


def categories(draw: np.random.Generator, rows: int = 30_000, columns: int = 40) -> pd.DataFrame:
    """Categories with 5 to 200 levels, of which sixteen matter."""
    table, score = {}, np.zeros(rows)
    for number in range(columns):
        count = (5, 20, 60, 200)[number % 4]
        levels = category(draw, rows, count)
        if number < 16:
            score += (0.5 * draw.normal(size=count))[levels]
        table[f"category {number}"] = np.array([f"level {level}" for level in range(count)])[levels]
    return with_target(pd.DataFrame(table), score, draw)


TABLES: Mapping[str, Callable[[np.random.Generator], pd.DataFrame]] = {
    "long": long,
    "wide": wide,
    "categories": categories,
}


def category(draw: np.random.Generator, rows: int, count: int) -> np.ndarray:
    """Levels (n_rows,), a few of which are frequent and many rare."""
    shares = 1 / np.arange(1, count + 1) ** 0.8
    return draw.choice(count, rows, p=shares / shares.sum())


def with_target(table: pd.DataFrame, score: np.ndarray, draw: np.random.Generator) -> pd.DataFrame:
    """The table with two classes, of which a noisy score decides."""
    noisy = score + draw.normal(size=len(score))
    return table.assign(target=np.where(noisy > np.quantile(noisy, 0.6), "yes", "no"))


class Meter:
    """Runs jobs and measures each, and all that run at the same time together."""

    def __init__(self) -> None:
        self.running: dict[int, psutil.Process] = {}
        self.used: dict[int, dict[int, float]] = {}  # CPU seconds by job and process
        self.largest: dict[int, int] = {}  # bytes by job
        self.together = 0  # bytes
        threading.Thread(target=self.watch, daemon=True).start()

    def run(
        self, command: str, base: Path, *arguments: str, **environment: str
    ) -> tuple[Any, dict[str, Any]]:
        """What a command printed, and what it took."""
        began = time.monotonic()
        job = start(command, base, *arguments, **environment)
        self.used[job.pid], self.largest[job.pid] = {}, 0
        self.running[job.pid] = psutil.Process(job.pid)
        out, err = job.communicate()
        del self.running[job.pid]
        taken = {
            "wall": round(time.monotonic() - began, 1),
            "cpu": round(sum(self.used[job.pid].values()), 1),
            "megabytes": round(self.largest[job.pid] / 2**20),
        }
        return SimpleNamespace(returncode=job.returncode, stdout=out, stderr=err), taken

    def watch(self) -> None:
        """Look at the running jobs and the processes that they started."""
        while True:
            total = 0
            for pid, job in list(self.running.items()):
                size = 0
                try:
                    for process in (job, *job.children(recursive=True)):
                        times = process.cpu_times()
                        self.used[pid][process.pid] = times.user + times.system
                        size += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue  # it has ended meanwhile
                self.largest[pid] = max(self.largest[pid], size)
                total += size
            self.together = max(self.together, total)
            time.sleep(SAMPLE_SECONDS)


def main() -> None:
    """Run the tables one after another, print what came out and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--trials", type=int, default=12, help="of all algorithms together, for each table")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--search-rows", type=int, default=0, help="that the trials see; 0 for all")
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-wide-"))
    aws = account(folder / "aws")
    output = Path("runs/bench-wide.json")
    output.parent.mkdir(exist_ok=True)
    found: dict[str, Any] = {}
    try:
        for name in given.tables:
            found[name] = measure(name, folder / name, aws, given)
            output.write_text(json.dumps(found, indent=1))
    finally:
        local_aws.stop(folder / "aws")
        shutil.rmtree(folder, ignore_errors=True)
    print(as_markdown(found))


def measure(name: str, folder: Path, aws: SimpleNamespace, given: argparse.Namespace) -> dict[str, Any]:
    """What each job of one table took."""
    meter = Meter()
    jobs: dict[str, dict[str, Any]] = {}

    def run(what: str, command: str, base: Path, *arguments: str) -> Any:
        done, taken = meter.run(command, base, *arguments, **aws.variables)
        jobs[what] = taken
        print(name, what, json.dumps(taken), file=sys.stderr, flush=True)
        return done

    path = folder / "preprocess/processing/input/data/table.csv"
    path.parent.mkdir(parents=True)
    TABLES[name](np.random.default_rng(given.seed)).to_csv(path, index=False)
    give_code(folder / "preprocess", source())
    flags = {"target": "target", "family": "classification", "test-size": 0.2, "stratify": "true"}
    texts = [str(text) for flag, value in flags.items() for text in (f"--{flag}", value)]
    preprocess = ("tabular.jobs.preprocess", *texts, "--random-state", "42")
    check(run("PreprocessData", "process", folder / "preprocess", *preprocess))
    split = folder / "preprocess/processing/output"

    candidates = [
        replace(one, folds=FOLDS, search_rows=given.search_rows)
        for one in trials("classification", SCORER, given.trials, given.seed)
    ]

    def trial(number: int) -> float:
        job, candidate = folder / f"trial-{number}", candidates[number]
        shutil.copytree(split / "train", job / "input/data/train")
        code = {"sagemaker_program": "tabular.jobs.train", "sagemaker_submit_directory": WHERE}
        give_hyperparameters(job, **candidate.to_hyperparameters(), **code)
        what = f"trial {number + 1}: {candidate.algorithm} {dict(candidate.hyperparameters) or 'defaults'}"
        return as_score(run(what, "train", job))

    began = time.monotonic()
    with ThreadPoolExecutor(given.parallel) as pool:
        scores = list(pool.map(trial, range(given.trials)))
    wall = time.monotonic() - began
    best = candidates[int(np.nanargmax(scores))]
    refit_and_evaluate(name, folder, split, best, aws, run)
    after = [taken for what, taken in jobs.items() if not what.startswith("trial")]
    return {
        "jobs": jobs,
        "winner": f"{best.algorithm} {dict(best.hyperparameters)}",
        "score": float(np.nanmax(scores)),
        "failed": int(np.isnan(scores).sum()),
        "trials_wall": round(wall, 1),
        "wall": round(wall + sum(taken["wall"] for taken in after), 1),
        "cpu": round(sum(taken["cpu"] for taken in jobs.values()), 1),
        "together": round(meter.together / 2**20),
    }


def refit_and_evaluate(
    name: str, folder: Path, split: Path, best: Trial, aws: SimpleNamespace, run: Callable[..., Any]
) -> None:
    """RefitBestModel, which asks for a training job, so the winner runs once more; and EvaluateBestModel."""
    run_trial(aws, name, best.to_hyperparameters(), split / "train")
    refit, evaluate = folder / "refit", folder / "evaluate"
    shutil.copytree(split / "train", refit / "input/data/train")
    code = {"sagemaker_program": "tabular.jobs.refit", "sagemaker_submit_directory": WHERE}
    give_hyperparameters(refit, best_training_job=name, **code)
    check(run("RefitBestModel", "train", refit))
    give_code(evaluate, source())
    shutil.copytree(split / "test", evaluate / "processing/input/test")
    for what, packed in (("model", refit / "model"), ("pipeline", refit / "output/data")):
        archive = evaluate / f"processing/input/{what}/{'model' if what == 'model' else 'output'}.tar.gz"
        archive.parent.mkdir(parents=True)
        with tarfile.open(archive, "w:gz") as tar:
            for path in packed.iterdir():
                tar.add(path, path.name)
    asked = {"metric": "auc", "threshold": "0.5", "models-map-uri": "s3://jobs/map.json", "group": "a--b"}
    texts = [text for flag, value in asked.items() for text in (f"--{flag}", value)]
    check(run("EvaluateBestModel", "process", evaluate, "tabular.jobs.evaluate", *texts))


def as_markdown(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A table for the documentation."""
    lines = [
        "| table | minutes | CPU minutes | largest job (MB) | all jobs together (MB) | winner | log loss |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in found.items():
        largest = max(taken["megabytes"] for taken in one["jobs"].values())
        cells = (
            name,
            f"{one['wall'] / 60:.1f}",
            f"{one['cpu'] / 60:.1f}",
            f"{largest:,}",
            f"{one['together']:,}",
            one["winner"].split()[0],
            f"{-one['score']:.4f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
