"""Trains a model that the image's server can serve."""

import argparse
import os
from pathlib import Path

import pandas as pd
from tabular.learning.pipeline import build_pipeline
from tabular.portable.export import export
from tabular.portable.files import save_model
from tabular.spec.columns import Column, Schema

parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float)
arguments = parser.parse_args()

table = pd.read_csv(Path(os.environ["SM_CHANNEL_TRAIN"]) / "rows.csv")
schema = Schema(
    "regression",
    "rings",
    (),
    (Column("length", "numeric"), Column("weight", "numeric"), Column("sex", "categorical")),
)
pipeline = build_pipeline(schema, "LogisticRegression", {"alpha": arguments.alpha}, random_state=1)
pipeline.fit(table.drop(columns="rings"), table["rings"].to_numpy(float))
manifest, arrays = export(pipeline, schema, "linear")
save_model(Path(os.environ["SM_MODEL_DIR"]), manifest, arrays)
