"""Compare the time to read and check large CSV files with the time in which pandas reads them.

Each way runs in a process of its own, which has imported everything and read a small file before:

- `pandas`: `pandas.read_csv` as it is, which reads a large file in several threads;
- `pandas, pyarrow`: the same with engine="pyarrow";
- `read`: `tabular.data.tables.read_table`, which also decides what each column is;
- `check`: the whole check of a table by `many-models check`, reading included;
- `PreprocessData`: the job's own work, reading and writing included.

The ways take turns. Prints the least wall and CPU seconds of all rounds, as multiples of pandas' own, and the
largest resident set, and writes runs/bench-reading.json.

    make bench-reading ARGS="--tables mixed wide --rounds 5"
"""

import argparse
import contextlib
import io
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from tabular.data.tables import read_table
from tabular.jobs import preprocess

from bench.tables.wide import wide
from helpers.data.datasets import Dataset
from helpers.data.findings import of_dataset
from helpers.session.storage import File

SEED, FEW_ROWS = 42, 1000
TARGET = "target"


def mixed(draw: np.random.Generator, rows: int = 560_000) -> pd.DataFrame:
    """Twenty-one columns: numbers, gaps, whole numbers, codes, a date, booleans, words and many words."""
    table = {f"number {place}": draw.normal(size=rows).round(6) for place in range(10)}
    table["with gaps"] = np.where(draw.random(rows) < 0.1, np.nan, draw.normal(size=rows).round(6))
    table |= {f"count {place}": draw.integers(0, 5000, rows) for place in range(3)}
    table["code"] = texts("{:05d}", 20_000)[draw.integers(0, 20_000, rows)]
    table["city"] = draw.choice(["Berlin", "Paris", "Rome", "Łódź"], rows)
    table["moment"] = moments(draw, rows).strftime("%Y-%m-%d %H:%M")
    table["member"] = draw.choice(["yes", "no"], rows)
    table["price"] = pd.Series(draw.integers(1, 999_999, rows)).map("{:,}".format)
    table["user"] = texts("u{}", rows)[draw.integers(0, rows, rows)]
    return with_target(table, draw)


def numbers(draw: np.random.Generator, rows: int = 560_000) -> pd.DataFrame:
    """Twenty columns of numbers and the target."""
    return with_target({f"number {place}": draw.normal(size=rows).round(6) for place in range(20)}, draw)


def dates(draw: np.random.Generator, rows: int = 500_000) -> pd.DataFrame:
    """Ten columns of dates and moments, of which two are written by ISO 8601."""
    forms = (
        *("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M:%S"),
        *("%d %b %Y", "%m/%d/%Y %I:%M %p", "%d-%b-%y", "%Y/%m/%d %H:%M:%S"),
    )
    return with_target({form: moments(draw, rows).strftime(form) for form in forms}, draw)


def words(draw: np.random.Generator, rows: int = 560_000) -> pd.DataFrame:
    """Ten columns of words: few of them, many of them, and different ones in every row."""
    table = {
        f"{count} levels": texts("level {}", count)[draw.integers(0, count, rows)]
        for count in (3, 20, 200, 5_000, 50_000)
    }
    table["name"] = texts("Müller {}", rows)[draw.integers(0, rows, rows)]
    table["id"] = texts("{:012x}", rows)[draw.permutation(rows)]
    table["address"] = texts("10.{0}.{1}", 250)[draw.integers(0, 250, rows)]
    table["sentence"] = [" ".join(one) for one in draw.choice(texts("word{}", 99), (rows, 5))]
    return with_target(table, draw)


TABLES: Mapping[str, Callable[[np.random.Generator], pd.DataFrame]] = {
    "mixed": mixed,
    "numbers": numbers,
    "wide": wide,
    "dates": dates,
    "words": words,
}


def texts(form: str, count: int) -> np.ndarray:
    """Different texts (count,)."""
    return np.array([form.format(place, place * 7 % 251) for place in range(count)], dtype=object)


def moments(draw: np.random.Generator, rows: int) -> pd.DatetimeIndex:
    """Moments (n_rows,) of five years, to the second."""
    return pd.DatetimeIndex(
        pd.Timestamp("2019-01-01") + pd.to_timedelta(draw.integers(0, 157_680_000, rows), "s")
    )


def with_target(table: Mapping[str, Any], draw: np.random.Generator) -> pd.DataFrame:
    """The table with two classes."""
    frame = pd.DataFrame(table)
    return frame.assign(**{TARGET: draw.choice(["yes", "no"], len(frame), p=[0.4, 0.6])})


def check(path: Path) -> None:
    """What `many-models check` does with a table."""
    assert of_dataset(Dataset(path.stem, TARGET, (File(path),)))["refused"] is None


def preprocess_data(path: Path) -> None:
    """What the job PreprocessData does, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        data = Path(folder) / "processing/input/data"
        data.mkdir(parents=True)
        (data / path.name).hardlink_to(path)
        flags = {"target": TARGET, "family": "classification", "test-size": "0.2", "stratify": "true"}
        typed = [text for flag, value in flags.items() for text in (f"--{flag}", value)]
        arguments = ["preprocess", *typed, "--random-state", "42"]
        with (
            patch.dict(os.environ, SAGEMAKER_BASE_DIR=folder),
            patch.object(sys, "argv", arguments),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            preprocess.main()


WAYS: Mapping[str, Callable[[Path], Any]] = {
    "pandas": pd.read_csv,
    "pandas, pyarrow": lambda path: pd.read_csv(path, engine="pyarrow"),
    "read": lambda path: read_table([path]),
    "check": check,
    "PreprocessData": preprocess_data,
}


def main() -> None:
    """Measure every way with every table, print what came out and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    output = Path("runs/bench-reading.json")
    output.parent.mkdir(exist_ok=True)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench-reading-") as folder:
        for name in given.tables:
            path = Path(folder) / f"{name}.csv"
            found[name] = alone(make, name, path, given.seed)
            found[name]["ways"] = measure(name, path, given.ways, given.rounds)
            path.unlink()
            output.write_text(json.dumps(found, indent=1))
    print(f"{date.today()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}", end=", ")
    print(f"Python {platform.python_version()}, pandas {pd.__version__}, pyarrow {pa.__version__}\n")
    print(as_markdown(found, given.ways))


def alone(run: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns in a process of its own, which leaves this one small."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(run, *arguments).result()


def make(name: str, path: Path, seed: int) -> dict[str, Any]:
    """Write a table, and a small one with its first rows; return its size."""
    table = TABLES[name](np.random.default_rng(seed))
    for one, rows in ((path, len(table)), (small(path), FEW_ROWS)):
        pyarrow.csv.write_csv(
            pa.Table.from_pandas(table.head(rows), preserve_index=False),
            one,
            pyarrow.csv.WriteOptions(quoting_style="needed"),  # which are quotes around all texts
        )
    return {"rows": len(table), "columns": len(table.columns), "bytes": path.stat().st_size}


def small(path: Path) -> Path:
    """The file with the first rows of a table."""
    return path.with_name(f"few-{path.name}")


def measure(name: str, path: Path, ways: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """The least that each way took."""
    taken: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            taken[way].append(alone(once, way, path))
            print(name, way, json.dumps(taken[way][-1]), file=sys.stderr, flush=True)
    return {
        way: {what: min(one[what] for one in each) for what in ("wall", "cpu", "megabytes")}
        for way, each in taken.items()
    }


def once(way: str, path: Path) -> dict[str, float]:
    """What one way takes in this process, after it has read a small file."""
    run = WAYS[way]
    run(small(path))
    wall, cpu = time.perf_counter(), time.process_time()
    run(path)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**10 if sys.platform == "linux" else 2**20)
    return {"wall": round(wall, 3), "cpu": round(cpu, 3), "megabytes": round(peak)}


def as_markdown(found: Mapping[str, Mapping[str, Any]], ways: list[str]) -> str:
    """A table for the documentation: seconds, and how many times as long as pandas."""
    lines = [
        "| table | | wall s | CPU s | wall, times pandas | CPU, times pandas | MB |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in found.items():
        peer = one["ways"].get("pandas")
        for way in ways:
            taken = one["ways"][way]
            times = [f"{taken[what] / peer[what]:.1f}" if peer else "" for what in ("wall", "cpu")]
            cells = (way, f"{taken['wall']:.2f}", f"{taken['cpu']:.2f}", *times, f"{taken['megabytes']:,.0f}")
            lines.append(f"| {name} | {' | '.join(cells)} |")
            name = ""
    return "\n".join(lines)


if __name__ == "__main__":
    main()
