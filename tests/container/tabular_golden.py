"""Make the golden models of the current format version: `python tests/container/tabular_golden.py`.

Run it once, when the format's version rises. What was made for an older version stays as it is.
"""

from pathlib import Path

import numpy as np
from tabular.agreement import as_model_input
from tabular.algorithms import ALGORITHMS
from tabular.export import export
from tabular.inference import encode, infer_schema
from tabular.pipeline import build_pipeline
from tabular.portable import FORMAT_VERSION, PortableModel, save_model
from tabular.schema import features
from tabular_tables import mixed, nasty

SMALL = {"n_estimators": 3, "max_depth": 3, "hidden_layer_sizes": (3,), "max_iter": 300}


def main() -> None:
    """Fit each algorithm on a small table with few trees, and keep some answers beside it."""
    table = mixed("multiclass", rows=80)
    table["code"] = table["code"].where(table["code"].str.startswith("c"), "rare")
    schema = infer_schema(table, "target", "classification")
    frame, target = features(table, schema), encode(table["target"], schema)
    for name in ALGORITHMS:
        pipeline = build_pipeline(schema, name, {}, 7)
        known = pipeline.named_steps["estimator"].get_params()
        pipeline.named_steps["estimator"].set_params(**{k: v for k, v in SMALL.items() if k in known})
        pipeline.fit(frame, target)
        manifest, arrays = export(pipeline, schema)
        numbers, categories = as_model_input(nasty(frame, 8), schema)
        answer = PortableModel(manifest, arrays).predict(numbers, categories)
        sample = {
            "numbers": [[None if np.isnan(cell) else cell for cell in row] for row in numbers.tolist()],
            "categories": categories,
            "predictions": answer.labels,
            "probabilities": answer.probabilities.tolist(),
        }
        folder = Path(__file__).parent / "golden" / f"v{FORMAT_VERSION}" / name
        save_model(folder, {"algorithm": name, "sample": sample, **manifest}, arrays)


if __name__ == "__main__":
    main()
