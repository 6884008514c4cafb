"""One of the others on one split, run in its own environment: FLAML or AutoGluon.

    .venv-bench-flaml/bin/python peer.py flaml FOLDER SECONDS

FOLDER holds train.csv, test.csv and what.json. Writes NAME.npz with the predictions and NAME.json. Its clock
is the CPU time of this process, so that what else the machine does takes nothing from its budget.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

_started = time.time()
time.time = lambda: _started + time.process_time()  # before the libraries are imported, which budget with it

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

ONE_ROW = 30  # requests, of which the median time is taken


def main() -> None:
    """Fit within the seconds, predict the held-out rows, and measure size and the time of one row."""
    name, folder, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    what = json.loads((folder / "what.json").read_text())
    kinds = dict.fromkeys(what["categories"], "string")
    train, test = (pd.read_csv(folder / f"{part}.csv", dtype=kinds) for part in ("train", "test"))
    for column in what["categories"]:
        levels = pd.CategoricalDtype(train[column].dropna().astype(str).unique())
        train[column], test[column] = (
            one[column].astype(object).where(one[column].notna(), None).astype(levels)
            for one in (train, test)
        )
    before = time.process_time()
    predict, size = {"flaml": flaml, "autogluon": autogluon}[name](train, what, seconds, folder)
    spent = time.process_time() - before
    np.savez(folder / f"{name}.npz", predicted=predict(test))
    one, times = test.head(1), []
    for _ in range(ONE_ROW):
        begun = time.perf_counter()
        predict(one)
        times.append(time.perf_counter() - begun)
    found = {"cpu": round(spent, 2), "bytes": size, "microseconds": round(median(times) * 1e6)}
    (folder / f"{name}.json").write_text(json.dumps(found))


def flaml(
    train: pd.DataFrame, what: dict[str, Any], seconds: float, folder: Path
) -> tuple[Callable[[pd.DataFrame], np.ndarray], int]:
    """FLAML as it is, with the loss that it is judged by."""
    import pickle

    from flaml import AutoML

    model, target = AutoML(), what["target"]
    labelled = what["classes"] > 0
    model.fit(
        train.drop(columns=target),
        train[target],
        task="classification" if labelled else "regression",
        metric="log_loss" if labelled else "rmse",
        time_budget=seconds,
        n_jobs=1,
        seed=42,
        verbose=0,
    )
    ask = model.predict_proba if labelled else model.predict
    return lambda frame: np.asarray(ask(frame[[c for c in train if c != target]])), len(
        pickle.dumps(model.model)
    )


def autogluon(
    train: pd.DataFrame, what: dict[str, Any], seconds: float, folder: Path
) -> tuple[Callable[[pd.DataFrame], np.ndarray], int]:
    """AutoGluon's medium quality, with the loss that it is judged by."""
    import shutil

    from autogluon.tabular import TabularPredictor

    labelled, target = what["classes"] > 0, what["target"]
    kind = "regression" if not labelled else "binary" if what["classes"] == 2 else "multiclass"
    where, small = folder / "autogluon", folder / "autogluon-small"
    for old in (where, small):
        shutil.rmtree(old, ignore_errors=True)
    model = TabularPredictor(
        target,
        problem_type=kind,
        eval_metric="log_loss" if labelled else "root_mean_squared_error",
        path=str(where),
        verbosity=0,
    )
    model.fit(train, presets="medium_quality", time_limit=seconds, num_cpus=1)
    model.clone_for_deployment(str(small))
    size = sum(file.stat().st_size for file in small.rglob("*") if file.is_file())
    model.persist()

    def predict(frame: pd.DataFrame) -> np.ndarray:
        features = frame[[c for c in train if c != target]]
        if not labelled:
            return model.predict(features).to_numpy()
        return model.predict_proba(features)[list(range(what["classes"]))].to_numpy()

    return predict, size


if __name__ == "__main__":
    main()
