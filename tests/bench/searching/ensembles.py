"""Compare single models, ensembles of members refitted once, and ensembles of the members' fold models.

For each table and split, all algorithms at their defaults are cross-validated. Then three models predict
the held-out 30 % of the rows: the best one, refitted; the mean of all six, each refitted once; and the mean
of all fold models of the six. (Which trials a search takes, with which weights, is another question: see
`bench.searching.packed`.)

Then it measures what ensembles cost on breast-cancer, of one, three and six members, refitted or as fold
models: bytes on disk and in memory, microseconds for a row (a request of one row of CSV, from its bytes to
those of the answer; the model alone, for one row and for each of 1,000) of this process's CPU time. The
models take turns, and the least of several rounds counts. Prints both tables and writes
runs/bench-ensembles.json.

    make bench-ensembles ARGS="--tables wine --splits 2"
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from tabular.judging.agreement import as_model_input, check_equal
from tabular.learning.ensemble import Ensemble
from tabular.learning.fitting import fit, rounds_of, scores_of_fold
from tabular.learning.folds import folds_of
from tabular.learning.rounds import best_rounds
from tabular.portable.export import export, export_ensemble
from tabular.portable.files import load_model, save_model
from tabular.portable.model import PortableModel
from tabular.portable.table_model import TableModel
from tabular.serving.codec import decode, encode
from tabular.serving.models import needed_bytes
from tabular.spec.algorithms import ALGORITHMS, exporter_of

from bench.searching.rounds import FOLDS, HELD_OUT, SEED, TABLES, Rows, loss, negative_loss, rows_of

NUMERIC = ("breast-cancer", "wine", "diabetes", "noisy classes, 500", "noisy numbers, 500")
MEMBERS = {1: ["LightGBM"], 3: ["LightGBM", "LogisticRegression", "NeuralNet"], 6: list(ALGORITHMS)}
TURNS, COPIES = 7, 200
LOAD = """
import sys
from pathlib import Path
from tabular.portable.files import load_model

def resident():
    return 1024 * int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0])

folder, copies = Path(sys.argv[1]), int(sys.argv[2])
held = [load_model(folder) for _ in range(10)]
before = resident()
held += [load_model(folder) for _ in range(copies)]
print((resident() - before) // copies)
"""


class Trial(NamedTuple):
    """An algorithm at its defaults: the mean loss over the folds, the fold models and the refitted one."""

    algorithm: str
    validated: float
    fold_models: list[Pipeline]
    refitted: Pipeline


def main() -> None:
    """Measure both, print what came out and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tables", nargs="*", choices=TABLES, default=list(NUMERIC))
    parser.add_argument("--splits", type=int, default=3)
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # networks that have not converged
    losses = []
    for name in given.tables:
        for split in range(given.splits):
            losses.append({"table": name, "split": split, **judged(rows_of(name), split)})
            print(json.dumps(losses[-1]), file=sys.stderr, flush=True)
    costs = cost()
    output = Path("runs/bench-ensembles.json")
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps({"losses": losses, "costs": costs}, indent=1))
    print(of_losses(losses), of_costs(costs), sep="\n\n")


def judged(table: Rows, split: int) -> dict[str, Any]:
    """The held-out loss of the three models, and the algorithm of the best one."""
    strata = table.target if table.schema.classes else None
    places = np.arange(len(table.target))
    train, test = (
        table.take(part)
        for part in train_test_split(places, test_size=HELD_OUT, random_state=split, stratify=strata)
    )
    trials = [trial(train, algorithm) for algorithm in ALGORITHMS]
    best = min(trials, key=lambda one: one.validated)
    refitted = Ensemble([one.refitted for one in trials], [1] * len(trials))
    bagged = [pipeline for one in trials for pipeline in one.fold_models]
    return {
        "best": best.algorithm,
        "single": loss(best.refitted, test),
        "refitted": loss(refitted, test),
        "fold models": loss(Ensemble(bagged, [1] * len(bagged)), test),
    }


def trial(rows: Rows, algorithm: str) -> Trial:
    """Cross-validate an algorithm, and fit it on each fold and on all rows for the rounds that were found."""
    folds = list(folds_of(rows.target, rows.schema, FOLDS, SEED))
    what = (rows.schema, algorithm, {}, SEED)
    scores = [scores_of_fold(*rows[:2], fold, *what, negative_loss) for fold in folds]
    kind = rounds_of(algorithm, rows.schema)
    if kind is None:
        rounds, means = None, [one[0].score for one in scores]
    else:
        rounds, means = best_rounds(scores, kind)
    fitted = [
        fit(part.frame, part.target, *what, rounds) for part in (rows.take(learnt) for learnt, _ in folds)
    ]
    return Trial(algorithm, -float(np.mean(means)), fitted, fit(*rows[:2], *what, rounds))


def cost() -> list[dict[str, Any]]:
    """What models of breast-cancer cost: each algorithm alone, and ensembles."""
    rows = rows_of("breast-cancer")
    trials = {algorithm: trial(rows, algorithm) for algorithm in ALGORITHMS}
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        models: dict[str, TableModel] = {}
        for algorithm, one in trials.items():
            exporter = exporter_of(algorithm, rows.schema.family)
            models[algorithm] = kept(
                folder, algorithm, export(one.refitted, rows.schema, exporter), one.refitted, rows
            )
        for count, names in MEMBERS.items():
            for way in ("refitted", "fold models"):
                pipelines = [(name, trials[name].refitted) for name in names]
                if way == "fold models":
                    pipelines = [(name, one) for name in names for one in trials[name].fold_models]
                ensemble = Ensemble([one for _, one in pipelines], [1] * len(pipelines))
                exporters = [exporter_of(name, rows.schema.family) for name, _ in pipelines]
                parts = export_ensemble(ensemble.pipelines, ensemble.weights, rows.schema, exporters)
                name = f"{count} of {way}"
                models[name] = kept(folder, name, parts, ensemble, rows)
        spent = in_turns(models, rows)
        for name in models:
            path = Path(folder, name)
            measured.append(
                {
                    "model": name,
                    "members": len(models[name].members),
                    "disk": sum(file.stat().st_size for file in path.iterdir()),
                    "memory": in_memory(path),
                    "counted": needed_bytes(str(path)),
                    **spent[name],
                }
            )
    return measured


def kept(folder: str, name: str, parts: tuple[Any, Any], fitted: Any, rows: Rows) -> TableModel:
    """A model that was written and read, and that predicts as scikit-learn does."""
    check_equal(PortableModel(*parts), fitted, rows.frame.head(50), rows.schema)
    save_model(Path(folder, name), parts[0], parts[1])
    return load_model(Path(folder, name))


def in_turns(models: dict[str, TableModel], rows: Rows) -> dict[str, dict[str, float]]:
    """Microseconds of CPU time for a row in each of three ways."""
    body = rows.frame.head(1).to_csv(header=False, index=False).encode()
    one, many = (
        as_model_input(frame, rows.schema)
        for frame in (rows.frame.head(1), rows.frame.sample(1000, replace=True, random_state=0))
    )
    ways: dict[str, tuple[Callable[[TableModel], Any], int, int]] = {
        "request": (
            lambda model: encode(model.predict(*decode(body, "text/csv", model)), "text/csv", model),
            400,
            1,
        ),
        "row": (lambda model: model.predict(*one), 400, 1),
        "of 1,000": (lambda model: model.predict(*many), 2, 1000),
    }
    spent = {name: dict.fromkeys(ways, float("inf")) for name in models}
    for _ in range(TURNS):
        for name, model in models.items():
            for way, (ask, times, per) in ways.items():
                ask(model)
                started = time.process_time()
                for _ in range(times):
                    ask(model)
                microseconds = (time.process_time() - started) * 1e6 / times / per
                spent[name][way] = min(spent[name][way], microseconds)
    return spent


def in_memory(folder: Path) -> int:
    """The bytes by which a process grows for each of many loaded copies."""
    done = subprocess.run([sys.executable, "-c", LOAD, folder, str(COPIES)], capture_output=True, check=True)
    return int(done.stdout)


def of_losses(losses: Sequence[dict[str, Any]]) -> str:
    """The mean held-out loss by table, and by how much the ensembles differ from the single model."""
    ways = ("single", "refitted", "fold models")
    lines = ["| table | best single | " + " | ".join(ways) + " |", "|---|---|---:|---:|---:|"]
    for table in dict.fromkeys(one["table"] for one in losses):
        of_it = [one for one in losses if one["table"] == table]
        best = ", ".join(dict.fromkeys(one["best"] for one in of_it))
        means = [f"{np.mean([one[way] for one in of_it]):.4g}" for way in ways]
        lines.append(f"| {table} | {best} | " + " | ".join(means) + " |")
    if losses:
        change = [np.median([one[way] / one["single"] - 1 for one in losses]) for way in ways]
        lines.append("| **median change** | | " + " | ".join(f"{one:+.1%}" for one in change) + " |")
        better = sum(one["fold models"] < one["refitted"] for one in losses)
        lines.append(f"\nFold models were better than refitted members in {better} of {len(losses)} splits.")
    return "\n".join(lines)


def of_costs(costs: Sequence[dict[str, Any]]) -> str:
    """Bytes and microseconds by model."""
    head = (
        "model",
        "pipelines",
        "kB on disk",
        "kB in memory",
        "kB counted",
        "us, request of a row",
        "us, row",
        "us, row of 1,000",
    )
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for one in costs:
        sizes = [f"{one[name] / 1000:.0f}" for name in ("disk", "memory", "counted")]
        times = [f"{one[name]:.1f}" for name in ("request", "row")] + [f"{one['of 1,000']:.2f}"]
        lines.append(f"| {one['model']} | {one['members']} | " + " | ".join(sizes + times) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
