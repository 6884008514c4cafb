"""Make the golden models of both format versions: `python -m support.container.golden` in the folder `tests`.

Run it when the format's version rises, or when it learns something new. What is there stays as it is.
"""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from tabular.data.features import features
from tabular.data.schema.inference import infer_schema
from tabular.data.schema.labels import encode
from tabular.judging.agreement import as_model_input
from tabular.learning.ensemble import Ensemble
from tabular.learning.pipeline import build_pipeline, innermost
from tabular.portable.export import export, export_ensemble
from tabular.portable.files import save_model
from tabular.portable.model import ENSEMBLE_VERSION, FORMAT_VERSION, PortableModel
from tabular.spec.algorithms import ALGORITHMS, exporter_of
from tabular.spec.columns import Family, Schema
from tabular.spec.options import DEFAULTS, Options

from support import ROOT
from support.container.tables import dated, mixed, nasty

SMALL = {"n_estimators": 3, "max_depth": 3, "hidden_layer_sizes": (3,), "max_iter": 300}


def main() -> None:
    """Fit each algorithm on a small table with few trees, and keep some answers beside each."""
    classes, numbers = dated("multiclass", rows=80), dated("regression", rows=80)
    numbers["target"] = np.exp(numbers["target"])
    for table in (classes, numbers):
        table["code"] = table["code"].where(table["code"].str.startswith("c"), "rare")
    for name in ALGORITHMS:
        keep(name, name, classes.drop(columns=["day", "moment"]), "classification")
    # Since the format knows dates and a target's logarithm.
    keep("dates", "XGBoost", classes, "classification")
    keep("dates-scaled", "NeuralNet", classes, "classification")
    # Since a level can become the mean of the target.
    levels = mixed("multiclass", rows=600)
    levels["code"] = [f"code {row % 29}" for row in range(len(levels))]
    keep("levels", "XGBoost", levels, "classification")
    keep("levels-scaled", "LogisticRegression", levels, "classification")
    logarithm = Options(log_target=True)
    keep("logarithm", "LogisticRegression", numbers, "regression", logarithm)
    # Since the format knows ensembles, which is its second version.
    keep("ensemble", ("XGBoost", "LogisticRegression", "XGBoost"), levels, "classification")
    keep("ensemble-logarithm", ("NeuralNet", "RandomForest"), numbers, "regression", logarithm)


def keep(
    folder_name: str,
    names: str | tuple[str, ...],
    table: pd.DataFrame,
    family: Family,
    options: Options = DEFAULTS,
) -> None:
    """Fit one, or an ensemble, and write it unless it is there: what is golden stays."""
    version = FORMAT_VERSION if isinstance(names, str) else ENSEMBLE_VERSION
    folder = ROOT / "tests/container/portable/golden" / f"v{version}" / folder_name
    if not folder.exists():
        schema = infer_schema(table, "target", family, options)
        frame, target = features(table, schema), encode(table["target"], schema)
        if isinstance(names, str):
            manifest, arrays = export(small(names, schema, frame, target), schema, exporter_of(names, family))
        else:
            pipelines = [small(name, schema, frame, target) for name in names]
            weights = Ensemble(pipelines, range(1, len(names) + 1)).weights
            exporters = [exporter_of(name, family) for name in names]
            manifest, arrays = export_ensemble(pipelines, weights, schema, exporters)
        numbers, categories = as_model_input(nasty(frame, 8), schema)
        answer = PortableModel(manifest, arrays).predict(numbers, categories)
        sample = {
            "numbers": [[None if np.isnan(cell) else cell for cell in row] for row in numbers.tolist()],
            "categories": categories,
            "predictions": answer.labels,
            "probabilities": None if answer.probabilities is None else answer.probabilities.tolist(),
        }
        algorithm = names if isinstance(names, str) else "Ensemble"
        save_model(folder, {"algorithm": algorithm, "sample": sample, **manifest}, arrays)


def small(name: str, schema: Schema, frame: pd.DataFrame, target: np.ndarray) -> Pipeline:
    """A fitted pipeline with few trees or units."""
    pipeline = build_pipeline(schema, name, {}, 7)
    estimator = innermost(pipeline.named_steps["estimator"])
    known = estimator.get_params()
    estimator.set_params(**{k: v for k, v in SMALL.items() if k in known})
    return pipeline.fit(frame, target)


if __name__ == "__main__":
    main()
