"""Scores a model on the validation rows, and writes a report."""

import csv
import json
import tarfile
from pathlib import Path

with tarfile.open("/opt/ml/processing/model/model.tar.gz") as archive:
    files = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
with Path("/opt/ml/processing/validation/validation.csv").open(newline="") as file:
    rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
labels = [row.pop("churned") for row in rows]
table = [list(row.values()) for row in rows]
if "model.txt" in files:
    import lightgbm
    import numpy as np

    scores = list(lightgbm.Booster(model_str=files["model.txt"].decode()).predict(np.array(table)))
else:
    column = json.loads(files["model.json"])["column"]
    scores = [row[column] for row in table]
positive = [score for score, label in zip(scores, labels, strict=True) if label]
negative = [score for score, label in zip(scores, labels, strict=True) if not label]
right = sum((high > low) + 0.5 * (high == low) for high in positive for low in negative)
report = {"metrics": {"auc": {"value": right / (len(positive) * len(negative))}}}
Path("/opt/ml/processing/report/report.json").write_text(json.dumps(report))
