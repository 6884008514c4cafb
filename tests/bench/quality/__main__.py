"""Judge the ways to search on real tables; what is done is kept, so a run of hours can be done in pieces.

    make bench-quality ARGS="run --seeds 0 --minutes 30"    # goes on where it ended
    make bench-quality ARGS="run --only credit ames --ways flaml autogluon"
    make bench-quality ARGS="learn"                         # the portfolio, from the tables for learning
    make bench-quality ARGS="report"                        # docs/models/search-quality.md

Results are appended to runs/bench-quality.jsonl, trials are kept in runs/bench-quality/. Everything is
computed in one thread, and every budget is CPU time: what else the machine does changes nothing.
"""

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before NumPy is imported
    os.environ[_name] = "1"

from bench.quality import peers  # noqa: E402
from bench.quality.portfolio import learn  # noqa: E402
from bench.quality.report import write_report  # noqa: E402
from bench.quality.results import Store  # noqa: E402
from bench.quality.tables import TABLES, Split, named, split_of  # noqa: E402
from bench.quality.trials import Bank  # noqa: E402
from bench.quality.ways import TODAY, WAYS, run  # noqa: E402

TRIALS = Path("runs/bench-quality")
OTHERS = (*peers.DEFAULTS, *peers.ENCODED, *peers.SEARCHES)
SHOWN = ("table", "seed", "way", "loss", "cpu", "failed")


def main() -> None:
    """Do what is missing, learn the portfolio, or write the page."""
    parser = argparse.ArgumentParser(
        prog="make bench-quality", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("run", "learn", "report"), nargs="?", default="run")
    parser.add_argument("--only", nargs="+", choices=TABLES, help="tables; those of the kind, if not given")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of the splits")
    parser.add_argument("--ways", nargs="+", choices=(*WAYS, *OTHERS), default=[*WAYS, *OTHERS])
    parser.add_argument("--minutes", type=float, default=float("inf"), help="start nothing new after these")
    parser.add_argument("--again", action="store_true", help="also what is done already")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # networks that have not converged
    if given.what == "learn":
        learn(TRIALS, given.only or named("learn"))
    elif given.what == "report":
        write_report(Store())
    else:
        judge(given, Store())


def judge(given: argparse.Namespace, store: Store) -> None:
    """Run every way on every split, seed by seed, and keep each result at once."""
    ends = time.monotonic() + given.minutes * 60
    for seed in given.seeds:
        for name in given.only or named("judge"):
            for way, found in _missing(name, seed, given, store):
                line = {"table": name, "seed": seed, "way": way, **found}
                store.add(line)
                shown = {key: line[key] for key in SHOWN if key in line}
                print(json.dumps(shown), file=sys.stderr, flush=True)
                if time.monotonic() > ends:
                    return


def _missing(
    name: str, seed: int, given: argparse.Namespace, store: Store
) -> Iterator[tuple[str, dict[str, Any]]]:
    wanted = [TODAY, *(way for way in given.ways if way != TODAY)]  # whose CPU time is the others' budget
    bank = None
    for way in wanted:
        if store.has(name, seed, way) and not (given.again and way in given.ways):
            continue
        if way in WAYS and WAYS[way].warm and seed == 0:
            continue  # nothing was searched before
        split = split_of(name, seed)
        if way in peers.DEFAULTS or way in peers.ENCODED:
            yield way, peers.as_it_is(split, way)
        elif way in peers.SEARCHES:
            yield way, _searched(split, way, store.get(name, seed, TODAY)["cpu"])
        else:
            bank = bank or Bank(split, TRIALS)
            yield way, run(bank, WAYS[way])


def _searched(split: Split, way: str, seconds: float) -> dict[str, Any]:
    """What FLAML or AutoGluon finds, or that it failed: the rest of a run of hours does not depend on it."""
    try:
        return peers.searched(split, way, seconds, TRIALS)
    except RuntimeError as error:
        return {"failed": str(error)}


if __name__ == "__main__":
    main()
