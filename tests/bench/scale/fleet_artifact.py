"""What one artifact of a whole fleet costs: `make bench-fleet-artifact` prints it as a table.

Fleets of more and more partitions are written, all of which have a model of their own, in turn of each
algorithm. Then each is packed, unpacked, loaded and asked, as an endpoint does, by a process of its own.
"""

import argparse
import datetime
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from support.container.tables import MODELS, fit, mixed
from tabular.data.features import features
from tabular.judging.agreement import as_model_input
from tabular.portable.files import load_model, save_model
from tabular.portable.fleet import save_fleet
from tabular.serving.models import needed_bytes
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.columns import Schema
from tabular.spec.documents.partitions import ServedPartition
from tabular.spec.opt_ml import extract, pack
from tabular.spec.options import Options

from bench.demo import machine

MEGABYTE = 1e6
KIBIBYTE = 1024
ASKED = 1000  # partitions that are asked, a row each
TOGETHER = 500  # rows of a request


def main() -> int:
    """Measure fleets of each size, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--partitions", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rows", type=int, default=200, help="of each partition")
    parser.add_argument("--algorithms", nargs="+", default=list(ALGORITHMS), choices=MODELS)
    parser.add_argument("--loaded", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.loaded:
        print(json.dumps(loaded(chosen.loaded)))
        return 0
    found = [measured(count, chosen.rows, chosen.algorithms) for count in chosen.partitions]
    print(f"\n{datetime.date.today()}, {machine()}; own models of {chosen.rows} rows\n")
    print(f"| partitions | {' | '.join(f'{count:,}' for count in chosen.partitions)} |")
    print(f"|---|{'---:|' * len(found)}")
    for what in found[0]:
        print(f"| {what} | {' | '.join(each[what] for each in found)} |")
    return 0


def measured(count: int, rows: int, algorithms: Sequence[str]) -> dict[str, str]:
    """The figures of a fleet of so many partitions."""
    with tempfile.TemporaryDirectory() as name:
        folder, archive = Path(name) / "fleet", Path(name) / "model.tar.gz"
        write(folder, count, rows, algorithms)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        packing = seconds(lambda: pack(folder, archive))
        unpacking = seconds(lambda: extract(archive, Path(name) / "unpacked"))
        command = [
            sys.executable,
            "-m",
            "bench.scale.fleet_artifact",
            "--loaded",
            str(Path(name) / "unpacked"),
        ]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        packed = archive.stat().st_size
    return {
        "unpacked, MB": f"{size / MEGABYTE:.1f}",
        "for each partition, kB": f"{size / count / 1000:.1f}",
        "`model.tar.gz`, MB": f"{packed / MEGABYTE:.1f}",
        "packing, s": f"{packing:.1f}",
        "unpacking, s": f"{unpacking:.1f}",
        **json.loads(done.stdout),
    }


def write(folder: Path, count: int, rows: int, algorithms: Sequence[str]) -> None:
    """Write a fleet whose partitions have a model of their own, of each algorithm in turn."""
    table = mixed(rows=rows)
    whole = table.drop(columns="code").assign(store=[key(row % 3) for row in range(rows)])
    pooled = fit(whole, "LightGBM", "binary", options=Options(partition=("store",)))
    save_model(folder / "pooled", pooled.manifest, pooled.arrays)
    own = [fit(table.drop(columns="code"), name, "binary") for name in algorithms]
    models = [
        {
            "columns": [column["name"] for column in one.manifest["columns"]],
            **{name: one.manifest[name] for name in ("encodings", "estimator")},
        }
        for one in own
    ]

    def partitions() -> Iterator[tuple[ServedPartition, dict[str, np.ndarray]]]:
        for number in range(count):
            which = number % len(own)
            document: ServedPartition = {
                "number": number,
                "key": [key(number)],
                "rows": rows,
                "sha256": f"{number:064x}",
                "algorithm": algorithms[which],
                "hyperparameters": {"max_depth": "3", "n_estimators": "50", "learning_rate": "0.1"},
                "scorer": "neg_log_loss",
                "score": -0.5,
                "model": models[which],
            }
            yield document, own[which].arrays

    save_fleet(folder, pooled.schema.to_dict(), folder / "pooled", partitions())


def loaded(folder: Path) -> dict[str, str]:
    """Load a fleet in this process and ask it."""
    before = memory()
    started = time.perf_counter()
    model = load_model(folder)
    loading = time.perf_counter() - started
    after = memory()
    schema = Schema.from_dict(json.loads((folder / "manifest.json").read_text()))
    numbers, texts = as_model_input(features(mixed(rows=TOGETHER).assign(store=""), schema), schema)
    place = schema.of_kind("categorical").index("store")
    count = model.size
    step = max(1, count // ASKED)

    def ask(stores: Sequence[str]) -> None:
        some = [column[: len(stores)] for column in texts]
        some[place] = list(stores)
        model.predict(numbers[: len(stores)], some)

    asked = [key(number) for number in range(0, count, step)][:ASKED]
    cold = [seconds(lambda store=store: ask([store])) for store in asked]
    warm = [seconds(lambda store=store: ask([store])) for store in asked]
    mixed_rows = seconds(lambda: ask(asked[:TOGETHER]))
    for start in range(0, count, TOGETHER):
        ask([key(number) for number in range(start, min(count, start + TOGETHER))])
    return {
        "loading, s": f"{loading:.2f}",
        "memory once it is loaded, MB": f"{after - before:.0f}",
        "memory once all partitions were asked, MB": f"{memory() - before:.0f}",
        "memory that the server counts for it, MB": f"{needed_bytes(str(folder)) / MEGABYTE:.0f}",
        "a row of a partition for the first time, p50 ms": f"{1000 * np.median(cold):.2f}",
        "and again, p50 ms": f"{1000 * np.median(warm):.3f}",
        f"{TOGETHER} rows of as many partitions in one request, ms": f"{1000 * mixed_rows:.1f}",
    }


def key(number: int) -> str:
    """The name of a store."""
    return f"store {number:06}"


def seconds(work: Callable[[], Any]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def memory() -> float:
    """Of this process now, in MB, the mapped pages of files included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / MEGABYTE


if __name__ == "__main__":
    sys.exit(main())
