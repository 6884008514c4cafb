"""Compare the winner of a search with a plain baseline, on tables that come with scikit-learn.

Each table goes through the container's commands as SageMaker runs them: PreprocessData, trials of every
algorithm, RefitBestModel. The baseline is HistGradientBoosting as it is, fitted on the same training rows.
Both are judged on the same held-out rows: the model in its portable form, the difference of the two losses
with a paired bootstrap interval. Prints a table and writes runs/bench-baseline.json.

    make bench-baseline ARGS="--trials 24 --tables wine iris"
"""

import argparse
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import numpy as np
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from support.container.jobs import give_code, give_hyperparameters, give_table, run, run_trial, source
from tabular.data.splits.files import read_split
from tabular.data.tables import task_of
from tabular.judging.agreement import as_model_input, positions
from tabular.portable.files import load_model
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.estimators import Categorical, Continuous, Integer
from tabular.spec.options import Options
from tabular.spec.trial import METRICS, SCORE, Trial

import local_aws

TABLES = ("breast_cancer", "wine", "iris", "digits", "diabetes")
FOLDS, RANDOM_STATE = 5, 42
RESAMPLES, CONFIDENCE = 10_000, 0.95
WHERE = "s3://jobs/code/source.tar.gz"


def main() -> None:
    """Run the tables one after another, print what came out and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--trials", type=int, default=24, help="of all algorithms together, for each table")
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-baseline-"))
    aws = account(folder / "aws")
    try:
        found = {}
        for name in given.tables:
            found[name] = compare(name, folder / name, aws, given)
            print(json.dumps({name: found[name]}), file=sys.stderr, flush=True)
    finally:
        local_aws.stop(folder / "aws")
        shutil.rmtree(folder, ignore_errors=True)
    output = Path("runs/bench-baseline.json")
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(found, indent=1))
    print(as_markdown(found))


def account(home: Path) -> SimpleNamespace:
    """An account on this machine, with the jobs' source in a bucket."""
    running = local_aws.start(home, owner=os.getpid())
    session = boto3.session.Session("test", running.secret, region_name="us-east-1")
    clients = {name: session.client(name, endpoint_url=running.endpoint_url) for name in ("s3", "sagemaker")}
    clients["s3"].create_bucket(Bucket="jobs")
    clients["s3"].put_object(Bucket="jobs", Key="code/source.tar.gz", Body=source())
    variables = {"AWS_ENDPOINT_URL": running.endpoint_url, "AWS_SECRET_ACCESS_KEY": running.secret}
    return SimpleNamespace(variables=variables, source=WHERE, **clients)


def compare(name: str, folder: Path, aws: SimpleNamespace, given: argparse.Namespace) -> dict[str, Any]:
    """The winner's and the baseline's losses on the held-out rows of one table."""
    started = time.monotonic()
    table = getattr(datasets, f"load_{name}")(as_frame=True).frame
    family = "regression" if task_of(table["target"], Options()) == "regression" else "classification"
    scorer = "neg_root_mean_squared_error" if family == "regression" else "neg_log_loss"
    give_code(folder, source())
    give_table(folder, table)
    flags = {
        "target": "target",
        "family": family,
        "test-size": "0.3",
        "stratify": "true",
        "random-state": "42",
    }
    texts = [text for flag, value in flags.items() for text in (f"--{flag}", value)]
    check(run("process", folder, "tabular.jobs.preprocess", *texts))
    split = folder / "processing/output"

    candidates = trials(family, scorer, given.trials, given.seed)
    with ThreadPoolExecutor(given.parallel) as pool:
        tried = [
            pool.submit(score, folder / f"trial-{number}", split / "train", aws, candidate)
            for number, candidate in enumerate(candidates)
        ]
    scores = [one.result() for one in tried]
    best = int(np.nanargmax(scores))
    run_trial(aws, name.replace("_", "-"), candidates[best].to_hyperparameters(), split / "train")

    job = folder / "refit"
    shutil.copytree(split / "train", job / "input/data/train")
    code = {"sagemaker_program": "tabular.jobs.refit", "sagemaker_submit_directory": WHERE}
    give_hyperparameters(job, best_training_job=name.replace("_", "-"), **code)
    check(run("train", job, **aws.variables))
    return judge(split, job / "model") | {
        "winner": {"algorithm": candidates[best].algorithm, **candidates[best].hyperparameters},
        "cross_validation_score": scores[best],
        "trials": len(scores),
        "failed_trials": int(np.isnan(scores).sum()),
        "seconds": round(time.monotonic() - started, 1),
    }


def trials(family: str, scorer: str, count: int, seed: int) -> list[Trial]:
    """Each algorithm with its defaults, then with values drawn from its ranges, in turns."""
    draw = random.Random(seed)
    names = [list(ALGORITHMS)[number % len(ALGORITHMS)] for number in range(count)]
    return [
        Trial(
            name,
            scorer,
            FOLDS,
            RANDOM_STATE,
            {}
            if number < len(ALGORITHMS)
            else drawn(ALGORITHMS[name].estimators[family].hyperparameters, draw),
        )
        for number, name in enumerate(names)
    ]


def drawn(ranges: Mapping[str, Integer | Continuous | Categorical], draw: random.Random) -> dict[str, str]:
    """A value of each range, as the tuner's random strategy draws it."""
    values: dict[str, str] = {}
    for name, allowed in ranges.items():
        if isinstance(allowed, Categorical):
            values[name] = draw.choice(list(allowed.values))
            continue
        logarithmic = allowed.scale == "Logarithmic"
        ends = np.log([allowed.low, allowed.high]) if logarithmic else (allowed.low, allowed.high)
        value = draw.uniform(*ends)
        value = min(max(float(np.exp(value)) if logarithmic else value, allowed.low), allowed.high)
        values[name] = str(round(value) if isinstance(allowed, Integer) else value)
    return values


def score(job: Path, split: Path, aws: SimpleNamespace, candidate: Trial) -> float:
    """The score of one trial."""
    shutil.copytree(split, job / "input/data/train")
    code = {"sagemaker_program": "tabular.jobs.train", "sagemaker_submit_directory": WHERE}
    give_hyperparameters(job, **candidate.to_hyperparameters(), **code)
    return as_score(run("train", job, **aws.variables))


def as_score(done: Any) -> float:
    """The score that a trial printed, NaN where it failed."""
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return float("nan")
    return float(re.search(METRICS[SCORE], done.stdout)[1])


def judge(split: Path, model: Path) -> dict[str, Any]:
    """Both losses on the held-out rows, and how much lower the winner's is, with an interval."""
    frame, target, schema = read_split(split / "train")
    held_out, truth, _ = read_split(split / "test")
    answer = load_model(model).predict(*as_model_input(held_out, schema))
    if schema.classes:
        baseline = HistGradientBoostingClassifier(random_state=42).fit(frame, target)
        ours = log_losses(truth, answer.probabilities)
        theirs = log_losses(truth, baseline.predict_proba(held_out))
        right = {
            "winner_accuracy": float(np.mean(positions(answer.labels, schema) == truth)),
            "baseline_accuracy": float(np.mean(baseline.predict(held_out) == truth)),
        }
    else:
        baseline = HistGradientBoostingRegressor(random_state=42).fit(frame, target)
        ours, theirs = ((np.asarray(p) - truth) ** 2 for p in (answer.labels, baseline.predict(held_out)))
        right = {}
    total = np.mean if schema.classes else lambda losses, axis=None: np.sqrt(np.mean(losses, axis=axis))
    drawn_rows = np.random.default_rng(42).integers(len(truth), size=(RESAMPLES, len(truth)))
    differences = total(theirs[drawn_rows], axis=1) - total(ours[drawn_rows], axis=1)
    low, high = np.quantile(differences, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {
        "metric": "log_loss" if schema.classes else "rmse",
        "rows": {"training": len(frame), "held_out": len(held_out)},
        "winner_loss": float(total(ours)),
        "baseline_loss": float(total(theirs)),
        "baseline_minus_winner": {"low": float(low), "high": float(high), "confidence": CONFIDENCE},
        "verdict": "better" if low > 0 else "as good" if high >= 0 else "worse",
        **right,
    }


def log_losses(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The logarithmic loss of each row."""
    given = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return -np.log(np.maximum(given, np.finfo(np.float64).eps))


def check(done: Any) -> None:
    """End with what a command said if it failed."""
    if done.returncode:
        raise SystemExit(done.stderr)


def as_markdown(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A table for the documentation."""
    lines = [
        "| table | winner | metric | winner | HistGradientBoosting | difference (95 %) | winner is |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in found.items():
        between = one["baseline_minus_winner"]
        cells = (
            name.replace("_", "-"),
            one["winner"]["algorithm"],
            one["metric"],
            f"{one['winner_loss']:.4g}",
            f"{one['baseline_loss']:.4g}",
            f"{between['low']:.3g} to {between['high']:.3g}",
            one["verdict"],
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
