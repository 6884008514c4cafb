"""Make the golden models of the current format version: `python tests/support/container/golden.py`.

Run it when the format's version rises, or when it learns something new. What is there stays as it is.
"""

import numpy as np
import pandas as pd
from tabular.data.features import features
from tabular.data.inference import encode, infer_schema
from tabular.judging.agreement import as_model_input
from tabular.learning.pipeline import build_pipeline
from tabular.portable.export import export
from tabular.portable.files import save_model
from tabular.portable.model import FORMAT_VERSION, PortableModel
from tabular.spec.algorithms import ALGORITHMS, exporter_of
from tabular.spec.columns import Family
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
    keep("logarithm", "LogisticRegression", numbers, "regression", Options(log_target=True))


def keep(
    folder_name: str, name: str, table: pd.DataFrame, family: Family, options: Options = DEFAULTS
) -> None:
    """Fit one, and write it unless it is there: what is golden stays."""
    folder = ROOT / "tests/container/portable/golden" / f"v{FORMAT_VERSION}" / folder_name
    if not folder.exists():
        schema = infer_schema(table, "target", family, options)
        frame, target = features(table, schema), encode(table["target"], schema)
        pipeline = build_pipeline(schema, name, {}, 7)
        estimator = pipeline.named_steps["estimator"]
        known = estimator.get_params()
        estimator.set_params(**{k: v for k, v in SMALL.items() if k in known})
        pipeline.fit(frame, target)
        manifest, arrays = export(pipeline, schema, exporter_of(name, family))
        numbers, categories = as_model_input(nasty(frame, 8), schema)
        answer = PortableModel(manifest, arrays).predict(numbers, categories)
        sample = {
            "numbers": [[None if np.isnan(cell) else cell for cell in row] for row in numbers.tolist()],
            "categories": categories,
            "predictions": answer.labels,
            "probabilities": None if answer.probabilities is None else answer.probabilities.tolist(),
        }
        save_model(folder, {"algorithm": name, "sample": sample, **manifest}, arrays)


if __name__ == "__main__":
    main()
