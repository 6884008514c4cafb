"""Compare ways to decide how many rounds (trees, epochs) boosters and networks are trained.

- `fixed`: the number of trees is drawn like any hyperparameter (50 to 400), and networks train until their
  training loss stands still; from 1,000 rows on, a tenth of the rows at hand is set aside, and training stops
  when the score on it does. Folds and refit decide by their own number of rows.
- `set aside`: the same, but always: a tenth is set aside whatever the number of rows, of up to 1,000 trees.
- `twice`: a tenth is set aside to find the number, then all rows are used for training with that number.
- `folds`: the folds find the number, and the refit uses it on all rows (`tabular.learning.rounds`).

For each table, split and algorithm, each way draws the same hyperparameters, takes the draw with the best
cross-validation, refits it, and is judged by its loss on the held-out 30 % of the rows. Prints a table and
writes runs/bench-rounds.json.

    make bench-rounds ARGS="--tables wine digits --splits 2"
"""

import argparse
import json
import random
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from tabular.learning.boosters import BOOSTERS
from tabular.learning.fitting import fit, scores_of_fold
from tabular.learning.folds import folds_of
from tabular.learning.pipeline import build_pipeline, innermost
from tabular.learning.rounds import best_rounds
from tabular.spec.algorithms import ALGORITHMS
from tabular.spec.columns import Column, Schema

from bench.searching.baseline import drawn

FOLDS, SEED, HELD_OUT, ASIDE = 5, 42, 0.3, 0.1
ENOUGH_ROWS = 1000
ALGORITHMS_IN_ROUNDS = ("NeuralNet", "XGBoost", "LightGBM")


TABLES: Mapping[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "breast-cancer": partial(datasets.load_breast_cancer, return_X_y=True),
    "wine": partial(datasets.load_wine, return_X_y=True),
    "diabetes": partial(datasets.load_diabetes, return_X_y=True),
    "noisy classes, 500": partial(
        datasets.make_classification, 500, n_informative=6, flip_y=0.15, random_state=1
    ),
    "noisy classes, 1600": partial(
        datasets.make_classification, 1600, n_informative=6, flip_y=0.15, random_state=2
    ),
    "noisy numbers, 500": partial(datasets.make_friedman1, 500, noise=2.0, random_state=3),
    "noisy numbers, 1600": partial(datasets.make_friedman1, 1600, noise=2.0, random_state=4),
    "digits": partial(datasets.load_digits, return_X_y=True),
}


class Rows(NamedTuple):
    """Features, the encoded target and what the columns are."""

    frame: pd.DataFrame
    target: np.ndarray
    schema: Schema

    def take(self, places: np.ndarray) -> "Rows":
        return Rows(self.frame.iloc[places], self.target[places], self.schema)


def main() -> None:
    """Judge every way on every table, print what came out and keep it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--algorithms", nargs="+", choices=ALGORITHMS_IN_ROUNDS, default=ALGORITHMS_IN_ROUNDS)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--draws", type=int, default=4, help="of hyperparameters; the first are the defaults")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # networks that have not converged
    found = []
    for name in given.tables:
        for split in range(given.splits):
            for algorithm in given.algorithms:
                one = judge(rows_of(name), split, algorithm, given.draws)
                found.append({"table": name, "split": split, "algorithm": algorithm, "ways": one})
                print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    output = Path("runs/bench-rounds.json")
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(found, indent=1))
    print(as_markdown(found))


def rows_of(name: str) -> Rows:
    """A table with its target encoded as PreprocessData does."""
    x, y = TABLES[name]()
    frame = pd.DataFrame(x, columns=[f"x{number}" for number in range(x.shape[1])])
    columns = tuple(Column(column, "numeric") for column in frame)
    if len(np.unique(y)) > 20:
        return Rows(frame, y, Schema("regression", "y", (), columns))
    classes, target = np.unique(y, return_inverse=True)
    task = "binary" if len(classes) == 2 else "multiclass"
    return Rows(frame, target, Schema(task, "y", tuple(classes.tolist()), columns))


def judge(table: Rows, split: int, algorithm: str, draws: int) -> dict[str, dict[str, float]]:
    """For each way, the loss by cross-validation and on held-out rows, and the seconds of the search."""
    places = np.arange(len(table.target))
    strata = table.target if table.schema.classes else None
    train, test = (
        table.take(part)
        for part in train_test_split(places, test_size=HELD_OUT, random_state=split, stratify=strata)
    )
    draw = random.Random(split)
    known = ALGORITHMS[algorithm].estimators[table.schema.family].hyperparameters
    hyperparameters = [{}, *(drawn(known, draw) for _ in range(draws - 1))]
    trees = [100, *(draw.randint(50, 400) for _ in range(draws - 1))]
    ways = {"fixed": fixed, "set aside": set_aside, "twice": twice}
    found = {}
    for name, way in ways.items():
        started = time.process_time()
        losses = [
            float(
                np.mean(
                    [
                        loss(way(train.take(rows), algorithm, one, count)[0], train.take(scored))
                        for rows, scored in folds_of(train.target, train.schema, FOLDS, SEED)
                    ]
                )
            )
            for one, count in zip(hyperparameters, trees, strict=True)
        ]
        best = int(np.argmin(losses))
        model, rounds = way(train, algorithm, hyperparameters[best], trees[best])
        found[name] = report(losses[best], loss(model, test), rounds, started)
    started = time.process_time()
    tried = [by_folds(train, algorithm, one) for one in hyperparameters]
    best = int(np.argmin([one for one, _ in tried]))
    model = fit(
        train.frame, train.target, train.schema, algorithm, hyperparameters[best], SEED, tried[best][1]
    )
    found["folds"] = report(tried[best][0], loss(model, test), tried[best][1], started)
    return found


def report(validated: float, held_out: float, rounds: int, started: float) -> dict[str, float]:
    """What is kept of one way."""
    seconds = time.process_time() - started
    return {"cross-validated": validated, "held-out": held_out, "rounds": rounds, "seconds": seconds}


def loss(model: Pipeline, rows: Rows) -> float:
    """The log loss, or the root mean squared error."""
    if rows.schema.classes:
        labels = range(len(rows.schema.classes))
        return float(log_loss(rows.target, model.predict_proba(rows.frame), labels=labels))
    return float(root_mean_squared_error(rows.target, model.predict(rows.frame)))


def negative_loss(model: Any, features: Any, target: np.ndarray) -> float:
    """The same as a scorer, of an estimator and its features."""
    if hasattr(model, "classes_"):
        return -float(log_loss(target, model.predict_proba(features), labels=model.classes_))
    return -float(root_mean_squared_error(target, model.predict(features)))


def fixed(rows: Rows, algorithm: str, one: dict[str, str], trees: int) -> tuple[Pipeline, int]:
    """The number of trees is given; from 1,000 rows on, some are set aside."""
    stops = len(rows.target) >= ENOUGH_ROWS
    most = 500 if algorithm == "NeuralNet" else trees
    return stopping(rows, algorithm, one, most) if stops else plain(rows, algorithm, one, most)


def set_aside(rows: Rows, algorithm: str, one: dict[str, str], _: int) -> tuple[Pipeline, int]:
    """Some rows are set aside, however few there are."""
    return stopping(rows, algorithm, one, 500 if algorithm == "NeuralNet" else 1000)


def plain(rows: Rows, algorithm: str, one: dict[str, str], most: int) -> tuple[Pipeline, int]:
    """All rows, as many rounds as given; a network ends when its training loss stands still."""
    pipeline = build_pipeline(rows.schema, algorithm, one, SEED)
    argument = "max_iter" if algorithm == "NeuralNet" else "n_estimators"
    innermost(pipeline.named_steps["estimator"]).set_params(**{argument: most})
    return pipeline.fit(rows.frame, rows.target), most


def stopping(rows: Rows, algorithm: str, one: dict[str, str], most: int) -> tuple[Pipeline, int]:
    """Training stops when a tenth of the rows is not predicted better any more, by the library's own rule."""
    if algorithm == "NeuralNet":
        pipeline = build_pipeline(rows.schema, algorithm, one, SEED)
        network = innermost(pipeline.named_steps["estimator"]).set_params(max_iter=most, early_stopping=True)
        pipeline.fit(rows.frame, rows.target)
        return pipeline, network.n_iter_
    learn, aside = (rows.take(part) for part in inner_split(rows))
    pipeline = build_pipeline(rows.schema, algorithm, one, SEED)
    estimator = pipeline.named_steps["estimator"].set_params(n_estimators=most, early_stopping_rounds=30)
    features = pipeline[:-1].fit_transform(learn.frame)
    boosting = BOOSTERS[ALGORITHMS[algorithm].estimators[rows.schema.family].rounds.booster]
    more = boosting.fit_arguments(pipeline[:-1].transform(aside.frame), aside.target, None)
    estimator.fit(features, learn.target, **more)
    return pipeline, boosting.trained(estimator)


def twice(rows: Rows, algorithm: str, one: dict[str, str], _: int) -> tuple[Pipeline, int]:
    """A tenth of the rows finds the number of rounds, then all rows are used for training."""
    kind = ALGORITHMS[algorithm].estimators[rows.schema.family].rounds
    found = scores_of_fold(*rows[:2], inner_split(rows), rows.schema, algorithm, one, SEED, negative_loss)
    rounds, _scores = best_rounds([found], kind)
    return fit(*rows, algorithm, one, SEED, rounds), rounds


def by_folds(rows: Rows, algorithm: str, one: dict[str, str]) -> tuple[float, int]:
    """The cross-validated loss and the number of rounds, as a trial finds them."""
    kind = ALGORITHMS[algorithm].estimators[rows.schema.family].rounds
    rounds, scores = best_rounds(
        [
            scores_of_fold(*rows[:2], fold, rows.schema, algorithm, one, SEED, negative_loss)
            for fold in folds_of(rows.target, rows.schema, FOLDS, SEED)
        ],
        kind,
    )
    return -float(np.mean(scores)), rounds


def inner_split(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Nine tenths and one tenth of the rows."""
    strata = rows.target if rows.schema.classes else None
    places = np.arange(len(rows.target))
    learn, aside = train_test_split(places, test_size=ASIDE, random_state=SEED, stratify=strata)
    return learn, aside


def as_markdown(found: list[dict[str, Any]]) -> str:
    """A table for the documentation: the mean loss of each way, and all tables together."""
    ways = list(found[0]["ways"])
    lines = [
        "| table | algorithm |" + "".join(f" {way} |" for way in ways),
        "|---|---|" + "---:|" * len(ways),
    ]
    pairs = dict.fromkeys((one["table"], one["algorithm"]) for one in found)
    for table, algorithm in pairs:
        of_it = [one["ways"] for one in found if (one["table"], one["algorithm"]) == (table, algorithm)]
        means = [np.mean([one[way]["held-out"] for one in of_it]) for way in ways]
        lines.append(f"| {table} | {algorithm} |" + "".join(f" {mean:.4g} |" for mean in means))
    first = ways[0]

    def ratios(of: str, to: Callable[[Mapping[str, Any]], float]) -> float:
        return float(np.median([one["ways"][of]["held-out"] / to(one["ways"]) for one in found]))

    rows = {
        "held-out loss, relative to the first (median)": [
            ratios(way, lambda of: of[first]["held-out"]) for way in ways
        ],
        "held-out loss, relative to its own folds (median)": [
            ratios(way, lambda of, way=way: of[way]["cross-validated"]) for way in ways
        ],
        "processor seconds of a search": [
            np.mean([one["ways"][way]["seconds"] for one in found]) for way in ways
        ],
    }
    for name, values in rows.items():
        lines.append(f"| **{name}** | all |" + "".join(f" {value:.3g} |" for value in values))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
