"""Small tables with everything that a person's data brings, and models fitted on them."""

import atexit
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.learning.ensemble import Ensemble
from tabular.learning.fitting import fit as learn
from tabular.portable.export import export, export_ensemble
from tabular.portable.model import PortableModel
from tabular.spec.algorithms import ALGORITHMS, exporter_of
from tabular.spec.columns import Schema
from tabular.spec.options import DEFAULTS, Options

TASKS = ("binary", "multiclass", "regression")
FEW = {
    "n_estimators": "50",
    "max_depth": "3",
    "num_leaves": "6",
    "hidden_layer_sizes": "16",
    "learning_rate_init": "0.05",
}
# Enough for a test.
ROUNDS = dict.fromkeys(ALGORITHMS) | {"NeuralNet": 200, "XGBoost": 50, "LightGBM": 50}
# Enough for a test of some other thing than what a model has learnt.
FEW_ROUNDS = dict.fromkeys(ALGORITHMS) | {"NeuralNet": 20, "XGBoost": 10, "LightGBM": 10}

# The weighted mean of four pipelines, in the place of an algorithm; its members may be of one algorithm.
ENSEMBLE = "Ensemble"
MEMBERS = ("RandomForest", "XGBoost", "LogisticRegression", "XGBoost")
WEIGHTS = (3, 4, 2, 1)
MODELS = (*ALGORITHMS, ENSEMBLE)


def family(task: str) -> str:
    return "regression" if task == "regression" else "classification"


def mixed(task: str = "binary", rows: int = 160, seed: int = 0, gaps: bool = True) -> pd.DataFrame:
    """Numbers, booleans and categories, one of these with more levels than are kept, and gaps in all."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=rows)
    income = rng.lognormal(9.0, 1.0, size=rows).round(2)
    member = rng.random(rows) < 0.5
    colour = rng.choice(["red", "green", "blue", "light grey"], size=rows, p=[0.4, 0.3, 0.2, 0.1])
    code = rng.choice([f"c{i}" for i in range(5)], size=rows).astype(object)
    code[: min(rows, 60)] = [f"rare{i}" for i in range(min(rows, 60))]
    score = size + 0.7 * member + (colour == "red") + 0.2 * rng.normal(size=rows)
    target: Any = score.round(4)
    if task == "binary":
        target = np.where(score > np.median(score), "yes, it is", "no")
    elif task == "multiclass":
        target = np.digitize(score, np.quantile(score, [0.4, 0.7])) * 10
    table = pd.DataFrame(
        {
            "colour": colour.astype(object),
            "size": size,
            "member": np.where(member, "yes", "no").astype(object),
            "income": income,
            "code": code,
            "target": target,
        }
    )
    if gaps:
        for name, share in (("size", 0.1), ("income", 0.2), ("member", 0.1), ("colour", 0.1)):
            table.loc[rng.random(rows) < share, name] = None
    return table


def dated(task: str = "binary", rows: int = 160, gaps: bool = True) -> pd.DataFrame:
    """The mixed table with a day, on whose month and weekday the target depends, and a moment."""
    table = mixed(task, rows, gaps=gaps)
    moments = pd.Timestamp("2023-11-01") + pd.to_timedelta(np.arange(rows) * 37 % 400 * 1.03, "D")
    table.insert(1, "day", pd.Series(moments.strftime("%d.%m.%Y"), dtype=object))
    table.insert(4, "moment", pd.Series([moment.isoformat() for moment in moments.round("s")], dtype=object))
    if gaps:
        table.loc[::11, "day"] = None
        table.loc[::7, "moment"] = None
    return table


def settings(algorithm: str, task: str) -> dict[str, str]:
    """Hyperparameters that make an algorithm quick."""
    known = ALGORITHMS[algorithm].estimators[family(task)].hyperparameters
    return {name: value for name, value in FEW.items() if name in known}


@dataclass(frozen=True)
class Fitted:
    """A pipeline, or an ensemble of some, and the portable model that was made of it."""

    schema: Schema
    frame: pd.DataFrame
    target: np.ndarray
    pipeline: Pipeline | Ensemble
    manifest: dict[str, Any]
    arrays: dict[str, np.ndarray]

    @property
    def model(self) -> PortableModel:
        return PortableModel(self.manifest, self.arrays)


def fit(
    table: pd.DataFrame,
    algorithm: str,
    task: str,
    hyperparameters: dict[str, str] | None = None,
    options: Options = DEFAULTS,
    rounds: Mapping[str, int | None] = ROUNDS,
) -> Fitted:
    """Fit an algorithm on a whole raw table and export it."""
    schema = infer_schema(table, "target", family(task), options)
    frame, target = features(table, schema), encode(table["target"], schema)
    if algorithm == ENSEMBLE:
        return together(schema, frame, target, MEMBERS, task, rounds)
    chosen = settings(algorithm, task) if hyperparameters is None else hyperparameters
    pipeline = learn(frame, target, schema, algorithm, chosen, 7, rounds[algorithm])
    return Fitted(
        schema, frame, target, pipeline, *export(pipeline, schema, exporter_of(algorithm, schema.family))
    )


def together(
    schema: Schema,
    frame: pd.DataFrame,
    target: np.ndarray,
    names: Sequence[str],
    task: str,
    rounds: Mapping[str, int | None] = ROUNDS,
) -> Fitted:
    """Fit several algorithms, each time with another seed, and export their weighted mean."""
    pipelines = [
        learn(frame, target, schema, name, settings(name, task), 7 + place, rounds[name])
        for place, name in enumerate(names)
    ]
    ensemble = Ensemble(pipelines, WEIGHTS[: len(names)])
    exporters = [exporter_of(name, schema.family) for name in names]
    exported = export_ensemble(ensemble.pipelines, ensemble.weights, schema, exporters)
    return Fitted(schema, frame, target, ensemble, *exported)


@cache
def fitted(algorithm: str, task: str, gaps: bool = True) -> Fitted:
    """An algorithm fitted on the mixed table, once for all tests."""
    return fit(mixed(task, gaps=gaps), algorithm, task)


atexit.register(fitted.cache_clear)  # while the libraries that free the models are still there


def nasty(frame: pd.DataFrame, rows: int = 60) -> pd.DataFrame:
    """Rows unlike those of training: levels never seen, gaps anywhere, numbers far away and at the edges."""
    draw = random.Random(3)
    changed = frame.iloc[:rows].copy()
    for name in changed:
        known = [value for value in frame[name] if value == value]  # not NaN
        text = isinstance(known[0], str)
        boolean = set(known) <= {0.0, 1.0}
        others = ["", "never seen", "RED", "ünseen"] if text else [np.nan]
        if not text and not boolean:
            others += [0.0, -0.0, 1e9, -1e9, 1e-30, min(known), max(known), float(np.float32(known[0]))]
        changed[name] = [draw.choice([*others, draw.choice(known)]) for _ in range(rows)]
        changed[name] = changed[name].astype(frame[name].dtype)
    return changed


def give_options(base: Path, content: bytes | None = None, **options: Any) -> None:
    """Put the options of a table, or something else, beside it among the inputs of PreprocessData."""
    path = base / "processing/input/data/dataset.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json.dumps(options).encode() if content is None else content)


def refusal(preprocess_data: Callable[..., Any], *arguments: Any, **changed: str) -> str:
    """The one sentence by which PreprocessData refuses a table."""
    with pytest.raises(SystemExit) as ended:
        preprocess_data(*arguments, **changed)
    assert isinstance(ended.value.code, str)
    assert "\n" not in ended.value.code
    return ended.value.code
