"""A table with a thousand partitions from CSV to answers: `make bench-fleet` prints it as a table.

The table is trained, judged, registered, approved and deployed by the notebooks in a state of their own. Then
every partition is asked through the URL, all of them in one request and each in a request of its own, and one
partition that nobody knows. At last, a few partitions get more rows, and the table is trained once more.
"""

import argparse
import datetime
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from support import ROOT

import local_aws
from bench.demo import machine
from helpers.deployment.asking import endpoint
from helpers.session import Session, connect

NAME, PIPELINE = "machines", "many-models"
KIBIBYTE = 1024
TOGETHER = 500  # rows of a request


def main() -> int:
    """Run it once and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--partitions", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=200, help="of each partition, on average")
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--instances", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LOCAL_AWS_HOME"] = str(Path(folder) / "local_aws")
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        local_aws.start(owner=os.getpid())
        try:
            rows = write(Path(folder) / "machines.csv", chosen.partitions, chosen.rows)
            summary = run(Path(folder), chosen)
            asked = list(ask(connect("local", PIPELINE), chosen.partitions))
            change(Path(folder) / "machines.csv", chosen.partitions)
            again = run(Path(folder), chosen)
        finally:
            local_aws.stop()
    what = f"{chosen.partitions:,} partitions, {rows:,} rows, {chosen.trials} trials, {chosen.folds} folds"
    print(f"\n{datetime.date.today()}, {machine()}; {what}, {chosen.instances} instances\n")
    print("| | |\n|---|---:|")
    for what, figure in (*of_run(summary, chosen.partitions), *asked, *of_second_run(again)):
        print(f"| {what} | {figure} |")
    return 0


def write(path: Path, partitions: int, rows: int) -> int:
    """Write a table of machines, some of which fail for other reasons than most; return its rows."""
    draw, count = random.Random(7), 0
    with path.open("w") as file:
        file.write("machine,load,heat,hours,shift,fault\n")
        for number in range(partitions):
            odd, wear = draw.random() < 0.3, draw.gauss(0, 0.5)
            for _ in range(max(2, round(draw.lognormvariate(0, 0.6) * rows * 0.83))):
                load, heat, hours = draw.random(), draw.gauss(60, 8), draw.randrange(5000)
                shift = draw.choice(["day", "late", "night"])
                leaning = wear + (-4 * (load - 0.5) if odd else 4 * (load - 0.5))
                leaning += 0.1 * (heat - 60) * (shift == "night" if odd else 1) + hours / 5000
                fault = draw.random() < 1 / (1 + 2.718281828**-leaning)
                file.write(f"M{number:05},{load:.3f},{heat:.1f},{hours},{shift},{'yes' if fault else 'no'}\n")
                count += 1
    return count


def change(path: Path, partitions: int) -> None:
    """Let one machine in a hundred run for some more hours."""
    with path.open("a") as file:
        for number in range(0, partitions, 100):
            file.writelines(f"M{number:05},0.{load}00,60.0,{load}00,day,no\n" for load in range(1, 9))


def run(folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """Run the notebooks and return what they left."""
    values = {
        "ENVIRONMENT": "local",
        "PIPELINE_NAME": PIPELINE,
        "DATASETS": [
            {"name": NAME, "uri": str(folder / "machines.csv"), "target": "fault", "partition": "machine"}
        ],
        "SEARCH": "packed",
        "MAX_TUNING_JOBS": chosen.trials,
        "CROSS_VALIDATION_SCORER": "neg_log_loss",
        "CROSS_VALIDATION_FOLDS": chosen.folds,
        "FLEET_INSTANCES": chosen.instances,
        "METRIC_FOR_REGISTRATION": "auc",
        "MIN_METRIC_FOR_REGISTRATION": 0.6,
        "APPROVE": "approve",
        "LOAD_TEST": False,
    }
    (folder / "fleet.yaml").write_text(yaml.safe_dump(values))
    runs = folder / "runs"
    command = [sys.executable, "-m", "commands", "run", str(folder / "fleet.yaml"), "--runs", str(runs)]
    subprocess.run(command, cwd=ROOT, check=True)
    return json.loads(max(runs.glob("*/summary.json")).read_text())


def of_run(summary: dict[str, Any], partitions: int) -> Iterator[tuple[str, str]]:
    """Seconds by notebook and step, and the largest process."""
    found = summary["data_sets"][NAME]
    yield "from the CSV to the first answers, s", f"{summary['seconds']:.0f}"
    for step, seconds in found["steps"].items():
        yield f"{step}, s", f"{seconds:.1f}"
    yield "SearchAndRefit, s for each partition", f"{found['steps']['SearchAndRefit'] / partitions:.2f}"
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / KIBIBYTE
    yield "the largest process of the run, MB", f"{peak:.0f}"


def of_second_run(summary: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What a retraining takes over, and how long its search takes."""
    found = summary["data_sets"][NAME]
    yield "second run: partitions taken over without a search", f"{found['fleet']['taken_over']:,}"
    yield "second run: SearchAndRefit, s", f"{found['steps']['SearchAndRefit']:.1f}"
    yield "second run: from the CSV to the first answers, s", f"{summary['seconds']:.0f}"


def ask(session: Session, partitions: int) -> Iterator[tuple[str, str]]:
    """Ask every partition through the URL, and one that is not there."""
    rows = [
        {"machine": f"M{number:05}", "load": 0.5, "heat": 61.0, "hours": 700, "shift": "night"}
        for number in range(partitions)
    ]
    served = {"own": 0, "pooled": 0, "unknown": 0}
    started = time.perf_counter()
    for start in range(0, partitions, TOGETHER):
        for kind, count in _served(session, rows[start : start + TOGETHER]).items():
            served[kind] += count
    together = time.perf_counter() - started
    assert served["own"] + served["pooled"] == partitions, served
    alone = []
    for row in rows:
        started = time.perf_counter()
        _served(session, [row])
        alone.append(1000 * (time.perf_counter() - started))
    assert _served(session, [rows[0] | {"machine": "nobody"}])["unknown"] == 1
    yield "partitions with a model of their own", f"{served['own']:,}"
    yield "all partitions asked, 500 rows in a request, s", f"{together:.2f}"
    yield "one partition in a request through the URL, p50 ms", f"{statistics.median(alone):.1f}"


def _served(session: Session, rows: list[dict[str, Any]]) -> dict[str, int]:
    """How many rows each kind of model has answered."""
    answer = endpoint.invoke(session, {"model": NAME, "data": rows})
    answer.raise_for_status()
    assert len(answer.json()["predictions"]) == len(rows)
    said = answer.headers["x-amzn-sagemaker-custom-attributes"].split(",")
    return {kind: int(count) for kind, _, count in (one.partition("=") for one in said)}


if __name__ == "__main__":
    sys.exit(main())
