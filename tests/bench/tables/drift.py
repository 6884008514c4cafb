"""Measure the check for drift: false alarms, what it catches, and what a thousand models take.

- `alarms`: windows of seeded streams without drift, each with a baseline of its own, and how many of them
  raise an alarm;
- `caught`: windows with one change, how many of them raise an alarm, and how many name the right column first
  and no other;
- `classifier`: the same changes for a domain classifier (gradient boosting that tells window from training,
  five folds, Mann-Whitney test of its scores), and the CPU seconds of both;
- `models`: the whole job as a process, with so many models in a local_aws of its own.

Prints tables, and writes runs/bench-drift.json.

    make bench-drift ARGS="--windows 400 --models 1000"
"""

import argparse
import gzip
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pandas as pd
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_predict
from support.container import streams
from tabular.monitoring import drift
from tabular.monitoring.baseline import Baseline, distributions, packed
from tabular.monitoring.objects import baseline_key
from tabular.monitoring.report import complete

import local_aws

RATE = 0.01
ROWS = 500
MOVED = 0.65  # the share of positive predictions, after 0.4
BUCKET = "bench"
PARTS = ("alarms", "caught", "classifier", "models")


def main() -> None:
    """Run all parts, print them and write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--windows", type=int, default=400)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    arguments = parser.parse_args()
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    print(f"{date.today().isoformat()}, {machine}, Python {platform.python_version()}\n")
    parts: dict[str, Callable[[], Any]] = {
        "alarms": lambda: _alarms(arguments.windows),
        "caught": lambda: _caught(arguments.windows // 2),
        "classifier": lambda: _classifier(max(5, arguments.windows // 20)),
        "models": lambda: _models(arguments.models),
    }
    found = {name: parts[name]() for name in arguments.parts}
    output = Path("runs/bench-drift.json")
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(found, indent=1) + "\n")


def _checked(
    known: Baseline, frame: pd.DataFrame, answers: list[str], size: int
) -> tuple[bool, str | None, int, bool]:
    """Whether a window raises an alarm, its worst column, how many drifted, and whether predictions did."""
    one = streams.compared(known, streams.requests(frame, answers, size))
    complete("", streams.WINDOW, {"group": one}, RATE, drift.LEAST_SHIFT)
    predictions = one["predictions"] is not None and one["predictions"]["drifted"]
    return one["status"] == "drifted", one["worst_column"], one["drifted_columns"], predictions


def _alarms(windows: int) -> list[dict[str, Any]]:
    """Windows without drift, of several sizes; in the last, rows of a request have a client in common."""
    print("| windows without drift | rows | rows of a request | windows | alarms | largest index |")
    print("|---|---:|---:|---:|---:|---:|")
    found = []
    for name, rows, size, alike in (
        ("independent rows", 100, 1, 0.0),
        ("independent rows", ROWS, 5, 0.0),
        ("independent rows", 5000, 50, 0.0),
        ("rows of a request are alike", ROWS, 20, 0.7),
        ("the same, taken for independent", ROWS, 20, 0.7),
    ):
        rng, alarms, largest = np.random.default_rng(rows + size), 0, 0.0
        count = windows if rows < 5000 else windows // 4
        for _ in range(count):
            known = streams.baseline(rng)
            frame, answers = streams.rows(rng, rows), streams.predicted(rng, rows)
            if alike:
                _make_alike(rng, frame, size, alike)
            lines = streams.requests(frame, answers, size)
            one = streams.compared(known, lines)
            if "taken" in name:
                for column, values in frame.items():
                    if column in one["columns"] and column.startswith("x"):
                        one["columns"][column] = drift.difference(
                            "numeric", known["training"][column], values.to_numpy(), np.arange(rows)
                        )
            complete("", streams.WINDOW, {"group": one}, RATE, drift.LEAST_SHIFT)
            alarms += one["status"] == "drifted"
            largest = max(largest, *(each["population_stability"] for each in one["columns"].values()))
        found.append({"name": name, "rows": rows, "size": size, "windows": count, "alarms": alarms})
        print(f"| {name} | {rows:,} | {size} | {count} | {alarms / count:.1%} | {largest:.2f} |", flush=True)
    return found


def _make_alike(rng: np.random.Generator, frame: pd.DataFrame, size: int, share: float) -> None:
    """Replace numbers by ones of the same distribution, whose variance is in part that between requests."""
    count = len(frame)
    for column in ("x1", "x5", "x6", "x7", "x8"):
        own, common = rng.normal(size=count), np.repeat(rng.normal(size=-(-count // size)), size)[:count]
        frame[column] = 10 + np.sqrt(1 - share) * own + np.sqrt(share) * common


def _caught(windows: int) -> list[dict[str, Any]]:
    print(f"\n| change, {ROWS} rows | windows | caught | its column named alone |")
    print("|---|---:|---:|---:|")
    found = []
    for name, (column, change) in streams.CHANGES.items():
        rng, caught, named = np.random.default_rng(7), 0, 0
        for _ in range(windows):
            known, frame = streams.baseline(rng), streams.rows(rng, ROWS)
            change(frame)
            alarm, worst, count, predictions = _checked(known, frame, streams.predicted(rng, ROWS), 5)
            caught += alarm
            named += (worst, count, predictions) == (column, 1, False)
        found.append({"change": name, "windows": windows, "caught": caught, "named": named})
    rng, caught, named = np.random.default_rng(8), 0, 0
    for _ in range(windows):
        known, frame = streams.baseline(rng), streams.rows(rng, ROWS)
        alarm, _, count, predictions = _checked(known, frame, streams.predicted(rng, ROWS, MOVED), 5)
        caught += alarm
        named += predictions and count == 0
    found.append(
        {"change": f"class prior, 40% to {MOVED:.0%}", "windows": windows, "caught": caught, "named": named}
    )
    for one in found:
        shares = " | ".join(f"{one[key] / windows:.1%}" for key in ("caught", "named"))
        print(f"| {one['change']} | {windows} | {shares} |", flush=True)
    return found


def _classifier(windows: int) -> list[dict[str, Any]]:
    print("\n| change | windows | caught by columns | caught by a classifier |")
    print("|---|---:|---:|---:|")
    changes = {name: change for name, (_, change) in streams.CHANGES.items()}
    changes |= {"none": lambda frame: None, "two columns no longer independent": _join}
    found, seconds = [], [0.0, 0.0]
    for name, change in changes.items():
        rng, caught = np.random.default_rng(9), [0, 0]
        for _ in range(windows):
            training, frame = streams.rows(rng, 1000), streams.rows(rng, ROWS)
            change(frame)
            known = {**streams.baseline(rng), "training": distributions(training, streams.SCHEMA)}
            begun = time.process_time()
            caught[0] += _checked(known, frame, streams.predicted(rng, ROWS), 5)[0]
            between = time.process_time()
            caught[1] += _told_apart(training, frame)
            seconds[0] += between - begun
            seconds[1] += time.process_time() - between
        found.append({"change": name, "windows": windows, "columns": caught[0], "classifier": caught[1]})
        print(f"| {name} | {windows} | {caught[0] / windows:.0%} | {caught[1] / windows:.0%} |", flush=True)
    each = [one / windows / len(changes) for one in seconds]
    print(f"\nCPU seconds of one model: {each[0]:.3f} by columns, {each[1]:.3f} by a classifier.")
    return [*found, {"cpu_seconds": each}]


def _join(frame: pd.DataFrame) -> None:
    frame["x8"] = 0.2 * frame["x8"] + 0.98 * (frame["x1"] - 10) + 8


def _told_apart(training: pd.DataFrame, frame: pd.DataFrame) -> bool:
    both = pd.concat([training, frame], ignore_index=True)
    both["colour"] = both["colour"].astype("category")
    is_new = np.repeat([0, 1], [len(training), len(frame)])
    model = HistGradientBoostingClassifier(max_iter=50, categorical_features="from_dtype", random_state=0)
    scores = cross_val_predict(model, both, is_new, cv=5, method="predict_proba")[:, 1]
    p = stats.mannwhitneyu(scores[is_new == 1], scores[is_new == 0], alternative="greater").pvalue
    return bool(p < RATE)


def _models(count: int) -> dict[str, Any]:
    """The job with so many models, of which every tenth has drifted."""
    with tempfile.TemporaryDirectory(prefix="bench-drift-") as folder:
        running = local_aws.start(Path(folder) / "home", owner=os.getpid(), preload=False)
        try:
            return _check_all(running, count, Path(folder))
        finally:
            local_aws.stop(running.home)


def _check_all(running: Any, count: int, folder: Path) -> dict[str, Any]:
    session = boto3.session.Session("bench", running.secret, region_name="us-east-1")
    s3 = session.client("s3", endpoint_url=running.endpoint_url)
    s3.create_bucket(Bucket=BUCKET)
    rng, entries, at = np.random.default_rng(3), {}, datetime.now(UTC) - timedelta(hours=1)
    known = packed(streams.baseline(rng))
    objects: dict[str, bytes] = {}
    windows = [_lines(rng, number % 10 == 0, at) for number in range(20)]
    for number in range(count):
        group, key = f"bench--m{number}", f"models/bench--m{number}/3-0123456789ab.tar.gz"
        entries[group] = {"key": key, "version": 3}
        objects[baseline_key(key)] = known
        place = f"captured/{group}/version=3/date={at.date().isoformat()}/a.jsonl.gz"
        lines = windows[number % len(windows)].replace(streams.GROUP.encode(), group.encode())
        objects[place] = gzip.compress(lines, compresslevel=1)
    objects["deployments/models-map.json"] = json.dumps(entries).encode()
    with ThreadPoolExecutor(4) as threads:
        list(
            threads.map(lambda item: s3.put_object(Bucket=BUCKET, Key=item[0], Body=item[1]), objects.items())
        )
    places = {"models-map": "deployments/models-map.json"}
    places |= {name: f"{name}/" for name in ("captured", "labels", "monitoring")}
    uris = [text for name, key in places.items() for text in (f"--{name}-uri", f"s3://{BUCKET}/{key}")]
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": running.endpoint_url,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": running.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
        "SAGEMAKER_BASE_DIR": str(folder / "ml"),
        "OMP_NUM_THREADS": "1",
    }
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "tabular.jobs.monitor", "--pipeline-name", "bench", *uris]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    totals = json.loads(done.stdout.splitlines()[-1])
    latest = s3.head_object(Bucket=BUCKET, Key="monitoring/latest.json")["ContentLength"]
    found = {
        "models": count,
        "rows": count * ROWS,
        "drifted": totals["drifted"],
        "wall_seconds": round(wall, 1),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "largest_mb": round(after.ru_maxrss / 1024),
        "report_mb": round(latest / 1e6, 1),
        "baseline_kb": round(len(known) / 1e3, 1),
    }
    print(f"\n{json.dumps(found)}")
    return found


def _lines(rng: np.random.Generator, drifted: bool, at: datetime) -> bytes:
    """A window of captured requests of ten rows each."""
    frame, answers = streams.rows(rng, ROWS), streams.predicted(rng, ROWS)
    if drifted:
        frame["x5"] += 1.0
    starts = range(0, ROWS, 10)
    return b"".join(
        streams.line(frame[start : start + 10], answers[start : start + 10], start, at=at) + b"\n"
        for start in starts
    )


if __name__ == "__main__":
    main()
