"""Real models that take no time to make."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
from tabular.learning.pipeline import build_pipeline
from tabular.portable.export import export
from tabular.portable.files import save_model
from tabular.spec.columns import Column, Schema


def artifact(label: str, folder: Path) -> bytes:
    """A model.tar.gz, built in a folder: it predicts this label for positive numbers, and zzz for others."""
    schema = Schema("binary", "label", (label, "zzz"), (Column("x", "numeric"),))
    pipeline = build_pipeline(schema, "LogisticRegression", {}, random_state=1)
    frame = pd.DataFrame({"x": np.r_[np.linspace(1, 2, 10), np.linspace(-2, -1, 10)]})
    pipeline.fit(frame, np.repeat([0, 1], 10))
    model, arrays = export(pipeline, schema, "logistic")
    save_model(folder, {"sample": {"instances": [{"x": 1.0}], "predictions": [label]}, **model}, arrays)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
    return buffer.getvalue()
