"""What others make of the same split: scikit-learn's and LightGBM's defaults, FLAML and AutoGluon."""

import json
import os
import pickle
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import is_classifier
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder
from tabular.data.values.dates import date_parts
from tabular.learning.pipeline import TARGET_TYPES

from bench.quality.tables import Split
from bench.quality.trials import one_row, row_losses, total

__all__ = ["DEFAULTS", "ENCODED", "SEARCHES", "as_it_is", "searched"]

SEARCHES = ("flaml", "autogluon")
_ENCODED = make_column_transformer(
    (
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        make_column_selector(dtype_include="category"),
    ),
    remainder="passthrough",
)
DEFAULTS: Mapping[str, Mapping[str, Callable[[], Any]]] = {
    "HistGradientBoosting": {
        "classification": lambda: HistGradientBoostingClassifier(random_state=42),
        "regression": lambda: HistGradientBoostingRegressor(random_state=42),
    },
    "LightGBM": {
        "classification": lambda: LGBMClassifier(random_state=42, verbose=-1),
        "regression": lambda: LGBMRegressor(random_state=42, verbose=-1),
    },
    "RandomForest": {
        "classification": lambda: make_pipeline(_ENCODED, RandomForestClassifier(random_state=42)),
        "regression": lambda: make_pipeline(_ENCODED, RandomForestRegressor(random_state=42)),
    },
}
# LightGBM at its defaults knows categories itself; here they are turned into numbers first.
ENCODINGS: Mapping[str, Callable[[str], Any]] = {
    "one-hot": lambda task: OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    "target": lambda task: TargetEncoder(target_type=TARGET_TYPES[task], random_state=42),
}
ENCODED = tuple(f"LightGBM, {name}" for name in ENCODINGS)


def as_it_is(split: Split, name: str) -> dict[str, Any]:
    """One of the estimators at its defaults: its loss on the held-out rows, CPU seconds, size and latency."""
    train, held_out = _features(split)
    before = time.process_time()
    model = _unfitted(split, name).fit(train, split.target)
    spent = time.process_time() - before
    predict = model.predict_proba if is_classifier(model) else model.predict
    return {
        "loss": total(row_losses(split.truth, predict(held_out)), split.schema.family),
        "cpu": round(spent, 2),
        "bytes": len(pickle.dumps(model)),
        "microseconds": one_row(lambda: predict(held_out.head(1))),
    }


def _unfitted(split: Split, name: str) -> Any:
    name, _, encoding = name.partition(", ")
    made = DEFAULTS[name][split.schema.family]()
    if not encoding:
        return made
    categories = make_column_selector(dtype_include="category")
    encoder = (ENCODINGS[encoding](split.schema.task), categories)
    return make_pipeline(make_column_transformer(encoder, remainder="passthrough"), made)


def searched(split: Split, name: str, seconds: float, folder: Path) -> dict[str, Any]:
    """FLAML or AutoGluon in its environment, with this budget of CPU seconds.

    Raises:
        RuntimeError: if it fails.
    """
    folder = folder / f"{split.table.name}-{split.seed}" / "peers"
    folder.mkdir(parents=True, exist_ok=True)
    train, held_out = _features(split)
    train.assign(target=split.target).to_csv(folder / "train.csv", index=False)
    held_out.assign(target=split.truth).to_csv(folder / "test.csv", index=False)
    categories = [column for column in train if train[column].dtype == "category"]
    what = {"target": "target", "classes": len(split.schema.classes), "categories": categories}
    (folder / "what.json").write_text(json.dumps(what))
    python = Path(f".venv-bench-{name}/bin/python").absolute()
    script = Path(__file__).with_name("peer.py").absolute()
    done = subprocess.run(
        [python, "-W", "ignore", script, name, folder.absolute(), str(seconds)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed on {split.table.name}: {done.stderr[-2000:]}")
    found = json.loads((folder / f"{name}.json").read_text())
    predicted = np.load(folder / f"{name}.npz")["predicted"]
    shutil.rmtree(folder)
    return {"loss": total(row_losses(split.truth, predicted), split.schema.family), **found}


def _features(split: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both parts as everyone gets them: numbers, categories as such, and the parts of dates."""
    schema, levels = split.schema, {}
    for name in schema.of_kind("categorical"):
        levels[name] = pd.CategoricalDtype(sorted(split.frame[name].dropna().astype(str).unique()))
    timed = {column.name: bool(column.time) for column in schema.columns if column.kind == "date"}
    found = []
    for frame in (split.frame, split.held_out):
        made = {}
        for place, column in enumerate(schema.columns):
            values = frame[column.name]
            if column.kind == "categorical":
                texts = values.astype(object).where(values.notna(), None)
                made[f"x{place}"] = texts.astype(levels[column.name])
            elif column.kind == "date":
                parts = date_parts(frame[[column.name]], timed=[timed[column.name]])
                made |= {f"x{place}_{n}": np.asarray(parts)[:, n] for n in range(np.asarray(parts).shape[1])}
            else:
                made[f"x{place}"] = values.astype(float)
        found.append(pd.DataFrame(made))
    return found[0], found[1]
