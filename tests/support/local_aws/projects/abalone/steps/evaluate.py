"""Measures a model's error on the rows for the test."""

import csv
import json
import tarfile
from pathlib import Path

import numpy as np
from tabular.portable.files import load_model

model = Path("/opt/ml/processing/unpacked")
model.mkdir()
with tarfile.open("/opt/ml/processing/model/model.tar.gz") as archive:
    for member in archive:
        if member.isfile():
            (model / member.name).write_bytes(archive.extractfile(member).read())
with Path("/opt/ml/processing/test/rows.csv").open(newline="") as file:
    rows = list(csv.DictReader(file))
numbers = np.array([[float(row["length"]), float(row["weight"])] for row in rows])
predicted = np.array(load_model(model).predict(numbers, [[row["sex"] for row in rows]]).labels)
truth = np.array([float(row["rings"]) for row in rows])
errors = predicted - truth
report = {
    "regression_metrics": {
        "mse": {"value": float(np.mean(errors**2)), "standard_deviation": float(np.std(errors))}
    }
}
Path("/opt/ml/processing/report/evaluation.json").write_text(json.dumps(report))
