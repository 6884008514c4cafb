"""Cross-validated trials of a split, kept on disk: every way of searching is replayed from the same trials.

A trial does what TuningWithCrossValidation does, and keeps in addition what it predicts for the rows that it
has not seen (out of fold), and what its fold models predict for the held-out rows.
"""

import hashlib
import json
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from tabular.judging.agreement import as_model_input
from tabular.learning.boosters import BOOSTERS
from tabular.learning.fitting import fit, rounds_of
from tabular.learning.folds import folds_to_search
from tabular.learning.pipeline import build_pipeline, fit_features, innermost
from tabular.learning.rounds import Part, best_rounds, fit_whole, numbers_of_rounds, scores_by_rounds
from tabular.portable.export import export, export_ensemble
from tabular.portable.files import save_model
from tabular.portable.model import PortableModel
from tabular.searching.scoring import Scoring
from tabular.spec.algorithms import ALGORITHMS, exporter_of
from tabular.spec.columns import Family
from tabular.spec.estimators import Categorical, Continuous, Integer

from bench.quality.tables import Split
from bench.searching.baseline import drawn

__all__ = [
    "FOLDS",
    "SCORERS",
    "Bank",
    "Configuration",
    "Result",
    "defaults",
    "draws",
    "one_row",
    "row_losses",
    "total",
]

Range = Categorical | Continuous | Integer
FOLDS, RANDOM_STATE = 5, 42
ONE_ROW = 30  # requests, of which the median time is taken
# Hyperparameters that came after `draws` had become the measure, which stays what it was.
LATER: Mapping[str, Sequence[str]] = {"LightGBM": ["extra_trees"]}
SCORERS = {"classification": "neg_log_loss", "regression": "neg_root_mean_squared_error"}


@dataclass(frozen=True)
class Configuration:
    """An algorithm with hyperparameters, as text; those not given have their defaults."""

    algorithm: str
    hyperparameters: Mapping[str, str]

    @property
    def key(self) -> str:
        """A name for a file."""
        text = json.dumps(dict(self.hyperparameters), sort_keys=True)
        return f"{self.algorithm}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


@dataclass(frozen=True)
class Result:
    """What a trial found.

    `scores` has one number for each fold and `seconds` the CPU time of each, `out_of_fold` the predictions
    for the searched rows, and `folds_held_out` those of the fold models, averaged, for the held-out rows:
    probabilities (n_rows, n_classes) or numbers (n_rows,).
    """

    configuration: Configuration
    scores: np.ndarray
    seconds: np.ndarray
    rounds: int | None
    out_of_fold: np.ndarray
    folds_held_out: np.ndarray

    @property
    def score(self) -> float:
        """The mean over the folds."""
        return float(self.scores.mean())


def defaults() -> list[Configuration]:
    """Every algorithm as it is."""
    return [Configuration(name, {}) for name in ALGORITHMS]


def draws(family: Family, count: int, seed: int = 42) -> list[Configuration]:
    """Random draws of hyperparameters, the algorithms in turns, as the tuner's random strategy makes them."""
    draw = random.Random(seed)
    names = [list(ALGORITHMS)[number % len(ALGORITHMS)] for number in range(count)]
    return [Configuration(name, drawn(_ranges(name, family), draw)) for name in names]


def _ranges(name: str, family: Family) -> dict[str, Range]:
    ranges = ALGORITHMS[name].estimators[family].hyperparameters
    return {one: allowed for one, allowed in ranges.items() if one not in LATER.get(name, ())}


def row_losses(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """The logarithmic loss of each row, or the squared error."""
    if predicted.ndim == 1:
        return (predicted - truth) ** 2
    given = predicted[np.arange(len(truth)), truth].astype(np.float64) / predicted.sum(axis=1)
    return -np.log(np.maximum(given, np.finfo(np.float64).eps))


def total(losses: np.ndarray, family: Family) -> float:
    """The loss of a table: the mean logarithmic loss, or the root mean squared error."""
    mean = float(losses.mean())
    return mean if family == "classification" else float(np.sqrt(mean))


def one_row(predict: Callable[[], Any]) -> int:
    """The median microseconds of a prediction."""
    times = []
    for _ in range(ONE_ROW):
        begun = time.perf_counter()
        predict()
        times.append(time.perf_counter() - begun)
    return round(median(times) * 1e6)


class Bank:
    """The trials of one split. A trial that is not there yet is run, and then kept in the folder."""

    def __init__(self, split: Split, folder: Path) -> None:
        self.split, self.folder = split, folder / f"{split.table.name}-{split.seed}"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.found: dict[str, Result | None] = {}
        self.refitted: dict[str, Any] = {}  # pipelines that are fitted on all training rows
        self.folds = folds_to_search(
            split.target,
            split.schema,
            SCORERS[split.schema.family],
            FOLDS,
            RANDOM_STATE,
            split.table.search_rows,
        )
        self.searched = np.sort(np.concatenate([fold.scored for fold in self.folds]))
        self.scoring = Scoring(SCORERS[split.schema.family], split.schema)

    @property
    def truth(self) -> np.ndarray:
        """The target of the searched rows, as `out_of_fold` has them."""
        return self.split.target[self.searched]

    @property
    def targets(self) -> list[np.ndarray]:
        """The target of the scored rows of each fold."""
        return [self.split.target[fold.scored] for fold in self.folds]

    def answers(self, result: Result) -> list[np.ndarray]:
        """What a trial predicts for the scored rows of each fold."""
        return [result.out_of_fold[np.searchsorted(self.searched, fold.scored)] for fold in self.folds]

    def trial(self, configuration: Configuration) -> Result | None:
        """The trial of a configuration; None if it failed."""
        key = configuration.key
        if key not in self.found:
            file = self.folder / f"{key}.npz"
            if file.exists():
                self.found[key] = _read(file, configuration)
            else:
                try:
                    self.found[key] = self._run(configuration)
                except (ValueError, ArithmeticError):
                    self.found[key] = None
                _write(file, self.found[key])
        return self.found[key]

    def refit(self, result: Result) -> tuple[np.ndarray, float]:
        """What the model that is fitted on all training rows predicts for the held-out rows; CPU seconds."""
        file = self.folder / f"{result.configuration.key}-{_number(result.rounds)}-refit.npz"
        if not file.exists():
            started = time.process_time()
            pipeline = self.refitted[result.configuration.key] = self.pipeline(result)
            seconds = time.process_time() - started
            np.savez(file, predicted=_predict(pipeline, self.split.held_out), seconds=seconds)
        kept = np.load(file)
        return kept["predicted"], float(kept["seconds"])

    def pipeline(self, result: Result, rows: np.ndarray | slice = slice(None)) -> Any:
        """The pipeline of a trial, fitted on these training rows, by default on all."""
        one, split = result.configuration, self.split
        what = (one.algorithm, one.hyperparameters, RANDOM_STATE, result.rounds)
        return fit(split.frame.iloc[rows], split.target[rows], split.schema, *what)

    def footprint(self, members: Sequence[tuple[Result, float]], by_folds: bool) -> dict[str, int]:
        """The bytes of the portable model of these trials, and the microseconds that a row takes in it."""
        schema, pipelines, weights, names = self.split.schema, [], [], []
        for result, weight in members:
            fitted = (
                [self.pipeline(result, fold.learn) for fold in self.folds]
                if by_folds
                else [self.refitted.get(result.configuration.key) or self.pipeline(result)]
            )
            pipelines += fitted
            weights += [weight / len(fitted)] * len(fitted)
            names += [exporter_of(result.configuration.algorithm, schema.family)] * len(fitted)
        if len(pipelines) == 1:
            model, arrays = export(pipelines[0], schema, names[0])
        else:
            model, arrays = export_ensemble(pipelines, weights, schema, names)
        with tempfile.TemporaryDirectory() as folder:
            save_model(Path(folder), model, arrays)
            size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        served, row = PortableModel(model, arrays), as_model_input(self.split.held_out.head(1), schema)
        return {"bytes": size, "microseconds": one_row(lambda: served.predict(*row))}

    def _run(self, configuration: Configuration) -> Result:
        schema, family = self.split.schema, self.split.schema.family
        kind = rounds_of(configuration.algorithm, schema)
        models = [_FoldModel(self, configuration, fold) for fold in self.folds]
        rounds, scores = None, [model.found[0].score for model in models]
        if kind is not None:
            rounds, scores = best_rounds([model.found for model in models], kind)
        if not np.all(np.isfinite(scores)):
            raise ValueError("A score is not finite.")
        width = (len(schema.classes),) if family == "classification" else ()
        out_of_fold = np.zeros((len(self.searched), *width))
        held_out = np.zeros((len(self.split.truth), *width))
        for model, fold in zip(models, self.folds, strict=True):
            scored, far = model.predictions(rounds)
            out_of_fold[np.searchsorted(self.searched, fold.scored)] = scored
            held_out += far / len(self.folds)
        seconds = np.array([model.seconds for model in models])
        return Result(configuration, np.array(scores), seconds, rounds, out_of_fold, held_out)


class _FoldModel:
    """A pipeline that is fitted on one fold; it can say what it predicts after each number of rounds."""

    def __init__(self, bank: Bank, configuration: Configuration, fold: Any) -> None:
        split, started = bank.split, time.process_time()
        algorithm, schema = configuration.algorithm, split.schema
        pipeline = build_pipeline(schema, algorithm, configuration.hyperparameters, RANDOM_STATE)
        self.estimator = pipeline.named_steps["estimator"]
        self.kind = rounds_of(algorithm, schema)
        target = split.target
        learn = fit_features(pipeline[:-1], split.frame.iloc[fold.learn], target[fold.learn])
        scored = pipeline[:-1].transform(split.frame.iloc[fold.scored])
        self.parts, self.kept = (scored, None), []
        if self.kind is None:
            fit_whole(self.estimator, Part(learn, target[fold.learn], None))
            found = bank.scoring.scorer(self.estimator, scored, target[fold.scored])
            self.found = [_Single(float(found), 0.0)]
        else:
            parts = (Part(learn, target[fold.learn], None), Part(scored, target[fold.scored], None))
            score = bank.scoring.scorer if self.kind.booster else self._keeping(bank.scoring.scorer)
            self.found = scores_by_rounds(self.estimator, self.kind, *parts, score)
        self.seconds = time.process_time() - started
        self.parts = (scored, pipeline[:-1].transform(split.held_out))

    def _keeping(self, score: Any) -> Any:
        """The scorer, which also keeps a copy of the network: it cannot go back to fewer epochs."""

        def keeping(estimator: Any, features: Any, target: np.ndarray) -> float:
            self.kept.append(_weights(innermost(self.estimator)))
            return float(score(estimator, features, target))

        return keeping

    def predictions(self, rounds: int | None) -> tuple[np.ndarray, np.ndarray]:
        """What it predicts for the scored rows and for the held-out rows."""
        if self.kind is not None and self.kind.booster is not None:
            boosting = BOOSTERS[self.kind.booster]
            boosting.shorten(self.estimator, min(rounds or 1, boosting.trained(self.estimator)))
        elif self.kind is not None:
            place = numbers_of_rounds(self.kind.most).index(rounds or 1)
            network = innermost(self.estimator)
            network.coefs_, network.intercepts_ = self.kept[place]
        scored, held_out = (_predict(self.estimator, part) for part in self.parts)
        return scored, held_out


@dataclass(frozen=True)
class _Single:
    score: float
    loss: float


def _weights(network: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [one.copy() for one in network.coefs_], [one.copy() for one in network.intercepts_]


def _predict(model: Any, features: Any) -> np.ndarray:
    return model.predict_proba(features) if is_classifier(model) else np.asarray(model.predict(features))


def _write(file: Path, result: Result | None) -> None:
    if result is None:
        np.savez(file, failed=True)
        return
    arrays = {name: getattr(result, name) for name in ("scores", "seconds", "out_of_fold", "folds_held_out")}
    np.savez(file, rounds=_number(result.rounds), **arrays)


def _number(rounds: int | None) -> int:
    return -1 if rounds is None else rounds


def _read(file: Path, configuration: Configuration) -> Result | None:
    kept = np.load(file)
    if "failed" in kept:
        return None
    arrays = (kept["scores"], kept["seconds"])
    rounds = int(kept["rounds"])
    found = (None if rounds < 0 else rounds, kept["out_of_fold"], kept["folds_held_out"])
    return Result(configuration, *arrays, *found)
